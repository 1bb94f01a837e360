# SPDX-License-Identifier: MIT
"""Calls that outlive their machines: for how long nobody was heard, and what
was lost.  The scenarios are those of tests/cluster/survive_runs.py and
survive_redis.py."""

import os
import subprocess

from harness import BIN
from lib.phones import PhoneError
from survive import FULL, Plan
from survive_redis import (redis_cut, redis_empty, redis_failover,
                           redis_stall)
from survive_runs import (Mismatch, cut, drain, kill, kill_twice, quiet,
                          rolling)

ROLLING = (200, 20, 10)     # pairs of phones, calls a second, seconds each


def scaled(plan, scale):
    """So many percent of the calls, but some of each kind."""
    return Plan(max(plan.pairs * scale // 100, 2), max(
        plan.rooms * scale // 100, 1), max(plan.members * min(
            scale, 100) // 100, 3), max(plan.ringing * scale // 100, 6))


def survive(show, options):
    scale = int(options.scale or 100)
    plan = scaled(FULL, scale)
    pairs, rate, seconds = ROLLING
    runs = {
        "quiet": lambda: quiet(plan),
        "kill": lambda: kill(plan),
        "kill2": lambda: kill_twice(plan),
        "cut": lambda: cut(plan),
        "drain": lambda: drain(plan),
        "redis_empty": lambda: redis_empty(plan),
        "redis_stall": lambda: redis_stall(plan),
        "redis_failover": lambda: redis_failover(plan),
        "redis_cut": lambda: redis_cut(plan),
        "rolling": lambda: rolling(max(pairs * scale // 100, 5),
                                   max(rate * scale // 100, 2), seconds),
    }
    for name, run in runs.items():
        if not options.only or options.only == name:
            figures(show, name, run)
    if not options.only or options.only == "owner":
        owner_sim()


def figures(show, name, run):
    """One line a figure; a scenario that fails is a figure, too."""
    try:
        got = run()
    except (Mismatch, PhoneError, OSError) as e:
        show("survive", f"{name}.failed", 1, "runs", why=str(e)[:2000])
        return
    plain = {k: v for k, v in got.items() if not isinstance(v, (int, float))}
    for key, value in got.items():
        if key not in plain:
            unit = key.rpartition("_")[2]
            show("survive", f"{name}.{key}", value,
                 unit if unit in ("ms", "s") else "")
    show("survive", f"{name}.failed", 0, "runs", **plain)


def owner_sim():
    """The simulation of the ownership protocol prints its own lines."""
    path = os.path.join(BIN, "owner-sim")
    if os.access(path, os.X_OK):
        subprocess.run([path], check=False)
