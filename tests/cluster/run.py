# SPDX-License-Identifier: MIT
"""Runs the modules of scenarios: those here and those of sip/.

They mostly wait: several run at a time, in lanes, each on ports of its own.
The modules are a queue, the longest first.  A module is loaded again after a
test of its has failed, so that the next one finds a fresh cluster."""

import glob
import importlib.util
import os
import queue
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(HERE, "sip"), os.path.join(ROOT, "deploy")]

LANES = 4
# What takes a quarter of a minute and more, longest first.
LONGEST = ("survive", "strangers", "redis", "sipp", "adopt", "router_restart", "move",
           "variants", "netem", "hostile", "quality", "tls", "srtp", "dtmf", "api",
           "routers", "ws", "attack", "linphone", "baresip", "parking", "qualify")


def run(tally, match, builds, pattern="test_"):
    if not builds.wait("release"):
        tally.bad("cluster: the programs do not build", "")
        return
    waiting = queue.SimpleQueue()
    for path in modules(pattern):
        waiting.put(path)
    with ThreadPoolExecutor(LANES) as pool:
        list(pool.map(lambda n: run_lane(tally, match, n, waiting),
                      range(LANES)))
    tally.list_names("SIP scenarios:", "cluster/sip/")


def modules(pattern):
    found = [path for where in ("", "sip") for path in
             glob.glob(os.path.join(HERE, where, pattern + "*.py"))]
    return sorted(found, key=turn)


def turn(path):
    name = stem(path).removeprefix("test_")
    return (LONGEST.index(name) if name in LONGEST else len(LONGEST), path)


def stem(path):
    return os.path.basename(path).removesuffix(".py")


def run_lane(tally, match, number, waiting):
    from harness import LANE
    LANE.number, LANE.of = number, LANES
    while True:
        try:
            path = waiting.get_nowait()
        except queue.Empty:
            return
        run_module(tally, match, path)


def load(path):
    spec = importlib.util.spec_from_file_location(stem(path), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_module(tally, match, path):
    folder = os.path.relpath(os.path.dirname(path), os.path.dirname(HERE))
    area = f"{folder}/{stem(path).removeprefix('test_')}"
    module = None
    try:
        module = load(path)
        for key in [k for k, v in vars(module).items() if is_test(path, k, v)]:
            name = f"{area}/{key.removeprefix('test_')}"
            if match not in name:
                continue
            if not run_test(tally, name, getattr(module, key)):
                finish(module)
                module = None   # in case that loading fails
                module = load(path)
        finish(module)
    except Exception:  # it cannot be loaded, or not be ended
        tally.bad(area, traceback.format_exc())
        if module:
            finish(module)


def is_test(path, key, value):
    """A test of that module, not one that it imports."""
    return key.startswith("test_") and value.__module__ == stem(path)


def finish(module):
    """The end of what the tests of a module share."""
    getattr(module, "finish", lambda: None)()


def run_test(tally, name, test):
    """Whether it left the module as it should be."""
    from harness import Skip
    started = time.monotonic()
    try:
        test()
    except Skip as e:
        tally.skip(name, str(e))
    except Exception:  # a test may fail in any way
        tally.bad(name, traceback.format_exc())
        return False
    else:
        tally.ok(name, 1, time.monotonic() - started)
    return True
