# SPDX-License-Identifier: MIT
"""A full call through router, bus, node and gateway's view: its cost in CPU
time of all processes together, its set-up time, and what an idle one holds."""

import time

from cputime import cpu_us, rss_kb
from harness import assert_clean, cluster, phones
from talk import phone

RATE, CALLS = 100, 2000
IDLE_CALLS = 500


def processes(c):
    return [m.pid for m in c.members()] + [c.redis.pid]


def busy(pids):
    return sum(map(cpu_us, pids))


def two(box, c):
    for user in ("1001", "1002"):
        phone(box, c, user, media=False, preauth=True)


def setup(show):
    with cluster(nodes=1, log_level="warn") as c, phones() as box:
        pids = processes(c)
        two(box, c)
        # what the cluster uses by itself, to be taken off
        idle_from, at = busy(pids), time.monotonic()
        box.do("load", **{"from": "1001", "to": "1002", "count": 50,
                          "rate": 25, "hold_ms": 100, "media": False})
        box.expect("load", seconds=60)
        assert_clean(c)
        idle_from, at = busy(pids), time.monotonic()
        time.sleep(3)
        idle = (busy(pids) - idle_from) / (time.monotonic() - at)

        start, at = busy(pids), time.monotonic()
        box.do("load", **{"from": "1001", "to": "1002", "count": CALLS,
                          "rate": RATE, "hold_ms": 100, "media": False})
        got = box.expect("load", seconds=120)
        spent = busy(pids) - start - idle * (time.monotonic() - at)
        if got["answered"] != CALLS:
            raise RuntimeError(f"calls failed: {got}")
        show("setup", "setup.cpu_us", spent / CALLS, "us")
        show("setup", "setup.p50_ms", got["setup_ms"]["p50"], "ms",
             rate=RATE)
        show("setup", "setup.p99_ms", got["setup_ms"]["p99"], "ms",
             rate=RATE)


def memory(show):
    """Resident memory of node and Redis for each call that is up, without
    media: two legs, their sockets, dialogs and checkpoints."""
    with cluster(nodes=1, log_level="warn") as c, phones() as box:
        two(box, c)
        fill(box, c, 50)  # what is allocated once is allocated now
        box.do("hangup", phone="1001")
        box.expect("load", seconds=60)
        assert_clean(c)
        before = held(c)
        fill(box, c, IDLE_CALLS)
        after = held(c)
        show("memory", "memory.idle_call_kb", (after - before) / IDLE_CALLS,
             "KB", calls=IDLE_CALLS)
        box.do("hangup", phone="1001")
        box.expect("load", seconds=60)


def held(c):
    return sum(rss_kb(p) for p in processes(c))


def fill(box, c, calls):
    box.do("load", **{"from": "1001", "to": "1002", "count": calls,
                      "rate": 50, "hold_ms": 600000, "media": False})
    while box.expect("load_progress", seconds=60)["now"] < calls:
        pass
