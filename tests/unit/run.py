# SPDX-License-Identifier: MIT
"""Runs the cmocka executables: each under ASan and UBSan, those with threads
under TSan too."""

import os
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from builds import ROOT, threaded_tests

HERE = os.path.dirname(os.path.abspath(__file__))

# They wait more than they work.
AT_A_TIME = 8
# Those that take longest are begun first: the rest fits in beside them.
LONGEST = ("owner_model_test", "media_engine_test", "node_dialog_test",
           "member_test", "node_hub_call_test", "node_leg_resume_test",
           "node_dialog_timer_test", "media_rtcp_engine_test",
           "node_dialog_resume_test", "node_dialog_move_test",
           "gateway_calls_test", "redis_sentinel_test", "redis_test",
           "node_dialog_out_test", "media_denoise_test")


# Who starts the media engine keeps its time: it goes before others, where we
# may say so, for what it does late would be heard.
TIMED = re.compile(r"\bmedia_alloc\(")
BEFORE = ["nice", "-n", "-10"] if os.geteuid() == 0 else []


def before(path):
    """The words before the command of a test."""
    source = os.path.join(HERE, os.path.basename(path) + ".c")
    with open(source, encoding="utf-8") as f:
        return BEFORE if TIMED.search(f.read()) else []


def run(tally, match, builds):
    builds.ask("debug", "tsan")
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        done = []
        for preset, wanted in (("debug", None), ("tsan", threaded_tests())):
            if not builds.wait(preset):
                tally.bad(f"unit: preset {preset} does not build", "")
                continue
            done += [pool.submit(run_one, tally, preset, path)
                     for path in tests(preset, match, wanted)]
        for future in done:
            future.result()


def tests(preset, match, wanted):
    folder = os.path.join(ROOT, "build", preset, "bin")
    names = [n for n in os.listdir(folder)
             if n.endswith("_test") and match in n
             and (wanted is None or n in wanted)
             # what is of a test that is no more stays in its folder
             and os.path.exists(os.path.join(HERE, n + ".c"))]
    return [os.path.join(folder, n) for n in sorted(names, key=turn)]


def turn(name):
    return (LONGEST.index(name) if name in LONGEST else len(LONGEST), name)


def run_one(tally, preset, path):
    """One executable; its own lines say how many tests it held."""
    name = f"unit/{preset}/{os.path.basename(path)}"
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=1",
               UBSAN_OPTIONS="print_stacktrace=1",
               TSAN_OPTIONS="halt_on_error=1")
    started = time.monotonic()
    try:
        done = subprocess.run([*before(path), path], capture_output=True,
                              text=True, errors="replace", env=env, timeout=180,
                              cwd=ROOT, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired as e:
        tally.bad(name, f"no end after 180 s\n{e.stderr or ''}")
        return
    text = done.stdout + done.stderr
    passed = sum(map(int, re.findall(r"\[  PASSED  \] (\d+) test", text)))
    failed = sum(map(int, re.findall(r"\[  FAILED  \] (\d+) test", text)))
    # A test prints why before it skips itself.
    why = re.findall(r"^skipped: (.+)$", text, re.M) or ["it does not say why"]
    for test in set(re.findall(r"\[  SKIPPED \] (\w+)$", text, re.M)):
        tally.skip(f"{name}/{test}", ", ".join(sorted(set(why))))
    if done.returncode == 0 and not failed and passed:
        tally.ok(name, passed, time.monotonic() - started)
        return
    tally.bad(name, text or f"exit {done.returncode}", max(failed, 1), passed)
