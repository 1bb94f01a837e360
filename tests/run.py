# SPDX-License-Identifier: MIT
"""The one test command: groups of tests, and a last line that counts them."""

import argparse
import glob
import importlib.util
import os
import re
import subprocess
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path[:0] = [os.path.join(HERE, "cluster"),
                os.path.join(HERE, "cluster", "sip"),
                os.path.join(ROOT, "deploy")]

UNIT_AT_A_TIME = 4

# Cluster tests that mostly wait run beside all others, each lane about as
# long as what is left for the first.
WAITING = [
    re.compile(r"test_(strangers|tls|ws|netem|quality|conference|redis|srtp)\.py$"),
    re.compile(r"test_(adopt|move|survive)\.py$"),
]

# Unit tests that use threads: they run under ThreadSanitizer too.
THREADED = re.compile(r"^(media_|ring_|log_|metrics_|router_ring)")


class Tally:
    """What passed, failed and was skipped, told line by line."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.scenarios = {}
        self.lock = threading.Lock()

    def ok(self, name, count, seconds):
        self.scenarios[name] = "pass"
        tests = "" if count == 1 else f"{count} tests, "
        self.tell(f"ok      {name} ({tests}{seconds:.1f} s)", passed=count)

    def bad(self, name, text, failed=1, passed=0):
        self.scenarios[name] = "FAIL"
        lines = [f"        {t}" for t in text.strip().splitlines()[-40:]]
        self.tell("\n".join([f"FAILED  {name}", *lines]), passed, failed)

    def skip(self, name, reason):
        self.scenarios[name] = "skip"
        self.tell(f"skipped {name}: {reason}", skipped=1)

    def tell(self, text, passed=0, failed=0, skipped=0):
        with self.lock:
            self.passed += passed
            self.failed += failed
            self.skipped += skipped
            print(text, flush=True)

    def list_scenarios(self, prefix):
        """Each scenario of an area with pass and fail, if any was run."""
        found = sorted(n for n in self.scenarios if n.startswith(prefix))
        if not found:
            return
        print("SIP scenarios:")
        for name in found:
            print(f"  {self.scenarios[name]}  {name.removeprefix(prefix)}")


def build(preset):
    return subprocess.run([os.path.join(ROOT, "deploy", "build"), preset],
                          check=False).returncode == 0


# -------------------------------------------------------------------- unit

def unit(tally, match):
    for preset, wanted in (("debug", None), ("tsan", THREADED)):
        if not build(preset):
            tally.bad(f"unit: preset {preset} does not build", "")
            continue
        folder = os.path.join(ROOT, "build", preset, "bin")
        paths = [os.path.join(folder, name)
                 for name in sorted(os.listdir(folder))
                 if name.endswith("_test") and match in name
                 and (not wanted or wanted.match(name))]
        # They wait more than they work: several at a time.
        with ThreadPoolExecutor(UNIT_AT_A_TIME) as pool:
            list(pool.map(lambda path, p=preset: run_unit(tally, p, path),
                          paths))


def run_unit(tally, preset, path):
    """One cmocka executable; its own lines say how many tests it held."""
    name = f"unit/{preset}/{os.path.basename(path)}"
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=1",
               UBSAN_OPTIONS="print_stacktrace=1",
               TSAN_OPTIONS="halt_on_error=1")
    started = time.monotonic()
    try:
        run = subprocess.run([path], capture_output=True, text=True,
                             errors="replace", env=env, timeout=120,
                             cwd=ROOT, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired as e:
        tally.bad(name, f"no end after 120 s\n{e.stderr or ''}")
        return
    text = run.stdout + run.stderr
    passed = sum(map(int, re.findall(r"\[  PASSED  \] (\d+) test", text)))
    failed = sum(map(int, re.findall(r"\[  FAILED  \] (\d+) test", text)))
    # A test prints why before it skips itself.
    why = re.findall(r"^skipped: (.+)$", text, re.M) or ["it does not say why"]
    for test in set(re.findall(r"\[  SKIPPED \] (\w+)$", text, re.M)):
        tally.skip(f"{name}/{test}", ", ".join(sorted(set(why))))
    if run.returncode == 0 and not failed and passed:
        tally.ok(name, passed, time.monotonic() - started)
        return
    tally.bad(name, text or f"exit {run.returncode}", max(failed, 1),
              passed)


# ----------------------------------------------------------------- cluster

def cluster(tally, match, pattern="test_"):
    if not build("release"):
        tally.bad("cluster: the programs do not build", "")
        return
    lanes = [[] for _ in range(1 + len(WAITING))]
    for path in modules(pattern):
        lanes[lane_of(os.path.basename(path))].append(path)
    with ThreadPoolExecutor(len(lanes)) as pool:
        list(pool.map(lambda n: run_lane(tally, match, n, lanes[n]),
                      range(len(lanes))))


def modules(pattern):
    """The modules of scenarios: of the cluster, then of SIP."""
    folder = os.path.join(HERE, "cluster")
    return [path for where in ("", "sip") for path in
            sorted(glob.glob(os.path.join(folder, where, pattern + "*.py")))]


def lane_of(file):
    return next((i for i, waits in enumerate(WAITING, 1)
                 if waits.match(file)), 0)


def run_lane(tally, match, number, paths):
    from harness import LANE
    LANE.number = number
    for path in paths:
        run_module(tally, match, path)


def soak(tally, match):
    cluster(tally, match, "soak_")


def run_module(tally, match, path):
    from harness import Skip
    stem = os.path.basename(path)[:-3]
    group = os.path.relpath(os.path.dirname(path), HERE)
    spec = importlib.util.spec_from_file_location(stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for key, test in list(vars(module).items()):
        name = f"{group}/{stem.removeprefix('test_')}/" \
               f"{key.removeprefix('test_')}"
        if not key.startswith("test_") or match not in name \
                or test.__module__ != stem:
            continue
        started = time.monotonic()
        try:
            test()
        except Skip as e:
            tally.skip(name, str(e))
        except Exception:  # a test may fail in any way
            tally.bad(name, traceback.format_exc())
        else:
            tally.ok(name, 1, time.monotonic() - started)
    done = getattr(module, "finish", None)
    if done:
        done()


# -------------------------------------------------------------------- fuzz

def fuzz(tally, match):
    """Each libFuzzer target for a few seconds, from its committed seeds."""
    script = os.path.join(HERE, "fuzz", "run.py")
    if not os.path.exists(script):
        tally.skip("fuzz", "no target yet")
        return
    spec = importlib.util.spec_from_file_location("fuzz_run", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.run(tally, match)


def bench(args):
    """Figures, one JSON object a line; no pass and no fail."""
    if not build("release"):
        return 1
    return subprocess.run(
        [sys.executable, os.path.join(HERE, "bench", "run.py"), *args],
        check=False).returncode


GROUPS = {"unit": unit, "cluster": cluster, "fuzz": fuzz, "soak": soak}
DEFAULT = ("unit", "cluster", "fuzz")


def main():
    p = argparse.ArgumentParser(
        prog="tests/run", description="Run the tests. Without a group: "
        + ", ".join(DEFAULT) + ". The last line counts them.")
    p.add_argument("group", nargs="*", metavar="group",
                   help=f"{', '.join(GROUPS)}, or: bench [name ...]")
    p.add_argument("-k", default="", metavar="TEXT", dest="match",
                   help="only tests with this in their name")
    if sys.argv[1:2] == ["bench"]:
        return bench(sys.argv[2:])
    args = p.parse_args()
    for g in args.group:
        if g not in GROUPS:
            p.exit(2, f"tests/run: unknown group '{g}' (allowed: "
                   f"{', '.join(GROUPS)}, bench)\n")
    tally = Tally()
    started = time.monotonic()
    for g in args.group or DEFAULT:
        GROUPS[g](tally, args.match)
    tally.list_scenarios("cluster/sip/")
    print(f"{time.monotonic() - started:.0f} s")
    print(f"{tally.passed} passed, {tally.failed} failed, "
          f"{tally.skipped} skipped", flush=True)
    return 1 if tally.failed or not tally.passed else 0


sys.exit(main())
