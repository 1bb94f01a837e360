# SPDX-License-Identifier: MIT
"""CPU time and memory of running processes, read from /proc."""

import os

TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")
PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


def cpu_us(pid):
    """User and system time so far [us], in steps of 10 ms."""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as f:
        exact = f.read().split()
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat",
                      encoding="ascii") as f:
                total += int(f.read().split()[0])
        except OSError:
            continue
    return total / 1000 if total else int(exact[0]) / 1000


def rss_kb(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * PAGE_KB


def pss_kb(pid):
    """Resident memory, what is shared counted in parts."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        return int(next(line for line in f
                        if line.startswith("Pss:")).split()[1])
