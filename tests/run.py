# SPDX-License-Identifier: MIT
"""The one test command: groups of tests, and a last line that counts them."""

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path[:0] = [os.path.join(HERE, "cluster"), os.path.join(ROOT, "deploy")]

# Unit tests that use threads: they run under ThreadSanitizer too.
THREADED = re.compile(r"^(media_|ring_|log_|metrics_|router_ring)")


class Tally:
    """What passed, failed and was skipped, told line by line."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def ok(self, name, count, seconds):
        self.passed += count
        tests = "" if count == 1 else f" {count} tests,"
        print(f"ok      {name} ({tests.lstrip()}{' ' if tests else ''}"
              f"{seconds:.1f} s)", flush=True)

    def bad(self, name, text, count=1):
        self.failed += count
        print(f"FAILED  {name}", flush=True)
        for line in text.strip().splitlines()[-40:]:
            print(f"        {line}", flush=True)

    def skip(self, name, reason):
        self.skipped += 1
        print(f"skipped {name}: {reason}", flush=True)


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
        for name in sorted(os.listdir(folder)):
            if not name.endswith("_test") or match not in name:
                continue
            if wanted and not wanted.match(name):
                continue
            run_unit(tally, preset, os.path.join(folder, name))


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
    tally.skipped += len(re.findall(r"\[  SKIPPED \] \S+\n", text))
    if run.returncode == 0 and not failed and passed:
        tally.ok(name, passed, time.monotonic() - started)
        return
    tally.passed += passed
    tally.bad(name, text or f"exit {run.returncode}", max(failed, 1))


# ----------------------------------------------------------------- cluster

def cluster(tally, match, pattern="test_"):
    if not build("release"):
        tally.bad("cluster: the programs do not build", "")
        return
    folder = os.path.join(HERE, "cluster")
    for file in sorted(os.listdir(folder)):
        if file.startswith(pattern) and file.endswith(".py"):
            run_module(tally, match, os.path.join(folder, file))


def soak(tally, match):
    cluster(tally, match, "soak_")


def run_module(tally, match, path):
    from harness import Skip
    stem = os.path.basename(path)[:-3]
    spec = importlib.util.spec_from_file_location(stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for key, test in list(vars(module).items()):
        name = f"cluster/{stem.removeprefix('test_')}/" \
               f"{key.removeprefix('test_')}"
        if not key.startswith("test_") or match not in name:
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
    print(f"{time.monotonic() - started:.0f} s")
    print(f"{tally.passed} passed, {tally.failed} failed, "
          f"{tally.skipped} skipped", flush=True)
    return 1 if tally.failed or not tally.passed else 0


sys.exit(main())
