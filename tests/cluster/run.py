# SPDX-License-Identifier: MIT
"""Runs the modules of scenarios: those here and those of sip/, and with them
those of the browsers.

They mostly wait: several run at a time, in lanes, each on ports of its own.
The modules are a queue, the longest first.  A module is loaded again after a
test of its has failed, so that the next one finds a fresh cluster.

Beside four other lanes a limit in time may be the machine's and not ours: what
failed there is run again by itself, in the end.  What passes then has passed,
and is told as unsteady.  Where more than a few failed it was not the machine."""

import glob
import importlib.util
import os
import sys
import threading
import time
import traceback
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(HERE, "sip"), os.path.join(ROOT, "deploy")]

LANES = 5
# A browser's pages are some ten processes with sound in real time: one at a
# time, and one all the time, since no others take as long one after another.
BROWSERS = 1
AGAIN_MAX = 3
# What takes a quarter of a minute and more, longest first.
LONGEST = ("survive", "sdk", "page", "strangers", "redis", "sipp", "adopt",
           "router_restart", "move", "variants", "dashboard_pages", "netem",
           "hostile", "jssip", "sipjs", "dashboard_flows", "quality", "tls",
           "srtp", "dtmf", "api", "routers", "ws", "attack", "linphone",
           "baresip", "parking", "qualify")


Failure = namedtuple("Failure", "path key name text")


class Waiting:
    """The modules that no lane has begun yet."""

    def __init__(self, paths):
        self.paths = sorted(paths, key=lambda path: (not is_browser(path),
                                                     turn(path)))
        self.browsers = 0
        self.lock = threading.Lock()

    def take(self):
        """The next one; None: none is left, or other lanes do the rest."""
        with self.lock:
            for path in self.paths:
                if not is_browser(path) or self.browsers < BROWSERS:
                    self.paths.remove(path)
                    self.browsers += is_browser(path)
                    return path
        return None

    def done(self, path):
        with self.lock:
            self.browsers -= is_browser(path)


def run(tally, match, builds, paths):
    """@param paths  Of the modules."""
    if not builds.wait("release"):
        tally.bad("cluster: the programs do not build", "")
        return
    waiting = Waiting(paths)
    failures = []
    with ThreadPoolExecutor(LANES) as pool:
        list(pool.map(lambda n: run_lane(tally, match, n, waiting, failures),
                      range(LANES)))
    run_again(tally, failures)
    tally.list_names("SIP scenarios:", "cluster/sip/")


def modules(pattern="test_"):
    return [path for where in ("", "sip") for path in
            glob.glob(os.path.join(HERE, where, pattern + "*.py"))]


def turn(path):
    name = stem(path).removeprefix("test_")
    return (LONGEST.index(name) if name in LONGEST else len(LONGEST), path)


def is_browser(path):
    return os.path.basename(os.path.dirname(path)) == "browser"


def stem(path):
    return os.path.basename(path).removesuffix(".py")


def run_lane(tally, match, number, waiting, failures):
    from harness import LANE
    LANE.number, LANE.of = number, LANES
    while path := waiting.take():
        run_module(tally, match, path, failures)
        waiting.done(path)


def load(path):
    spec = importlib.util.spec_from_file_location(stem(path), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_module(tally, match, path, failures):
    folder = os.path.relpath(os.path.dirname(path), os.path.dirname(HERE))
    area = f"{folder}/{stem(path).removeprefix('test_')}"
    module = None
    try:
        module = load(path)
        for key in [k for k, v in vars(module).items() if is_test(path, k, v)]:
            name = f"{area}/{key.removeprefix('test_')}"
            if match not in name:
                continue
            text = run_test(tally, name, getattr(module, key))
            if text:
                failures.append(Failure(path, key, name, text))
                tally.unsure(name, text)
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


def run_again(tally, failures):
    """What failed in the lanes, by itself."""
    for f in failures:
        text = f.text if len(failures) > AGAIN_MAX else run_alone(tally, f)
        if text:
            tally.bad(f.name, text)
        else:
            tally.unsteady.append(f.name)


def run_alone(tally, failure):
    """Why it failed again, or None."""
    try:
        module = load(failure.path)
        try:
            return run_test(tally, failure.name, getattr(module, failure.key))
        finally:
            finish(module)
    except Exception:  # it cannot be loaded, or not be ended
        return traceback.format_exc()


def run_test(tally, name, test):
    """Why it failed, or None; then it left the module as it should be."""
    from harness import Skip
    started = time.monotonic()
    try:
        test()
    except Skip as e:
        tally.skip(name, str(e))
    except Exception:  # a test may fail in any way
        return traceback.format_exc()
    else:
        tally.ok(name, 1, time.monotonic() - started)
    return None
