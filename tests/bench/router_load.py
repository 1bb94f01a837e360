# SPDX-License-Identifier: MIT
"""A load from the second core for a proxy that has the first for itself, and
what is found by it: CPU time an item, and the highest rate without a loss."""

import json
import os
import subprocess

from cputime import cpu_us
from harness import BIN

SECONDS = 3
RUNS = 3


def pin(pids):
    """All threads of processes to the first core."""
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            os.sched_setaffinity(int(task), {0})


class Load:
    """A generator, whose --rate and `count` option are set here."""

    def __init__(self, program, count, *args):
        self.argv = ["taskset", "-c", "1", os.path.join(BIN, program), *args]
        self.count = count

    def run(self, rate, items):
        run = subprocess.run(
            [*self.argv, "--rate", str(rate), self.count, str(items)],
            capture_output=True, text=True, check=False)
        if not run.stdout:
            raise RuntimeError(run.stderr)
        return json.loads(run.stdout)

    def whole(self, rate, items):
        """The same, with nothing lost; a busy machine gets more chances."""
        for _ in range(RUNS):
            got = self.run(rate, items)
            if not got["lost"]:
                return got
        raise RuntimeError(f"the peer lost some: {got}")

    def cost(self, pids, rate, items):
        """CPU time [us] of processes an item: median of a few runs."""
        costs = []
        for _ in range(3 * RUNS):
            before = sum(map(cpu_us, pids))
            got = self.run(rate, items)
            if not got["lost"]:
                costs.append((sum(map(cpu_us, pids)) - before) / items)
            if len(costs) == RUNS:
                return sorted(costs)[RUNS // 2]
        raise RuntimeError(f"the peer lost some: {got}")

    def highest_clean(self, least=500, most=64000):
        """The highest rate without one item lost, to a tenth."""
        def clean(rate):
            return not self.run(rate, rate * SECONDS)["lost"]
        rate, good = least, 0
        while rate <= most and clean(rate):
            good, rate = rate, rate * 2
        bad = rate
        while good and bad - good > good / 10:
            rate = (good + bad) // 2
            if clean(rate):
                good = rate
            else:
                bad = rate
        return good
