# SPDX-License-Identifier: MIT
"""Runs the libFuzzer targets that the debug build has made of each *_fuzz.c.

The first comment of a target names what it is made of (a folder: all of it;
CMakeLists.txt reads it), and the next one, if there is one, further seeds:
/* sources: router/view.c router/view_part.c */
/* seeds: tests/unit/torture */
Seeds lie in seeds/<target>/.  What failed is kept in build/failed, and said
so.

What reads bytes that anybody may send runs for a minute, the rest for some
seconds, two at a time, and all of it at SCHED_IDLE, of a whole run on one core
alone: tests that run beside never wait for it.  So a target may get little of the machine: it goes on, up
to ROUNDS times as long, until it had a fair number of inputs, else it has
failed, and says why.  SY_FUZZ_SECONDS is the time of each instead.
"""

import glob
import os
import re
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BIN = os.path.join(ROOT, "build", "debug", "bin")
# The message view, SDP, digest headers, URIs, the dial plan, WebSocket, STUN.
LONG = ("sipview", "sdp", "digest", "uri", "dialplan", "ws", "ice", "stun")
LONG_S, SHORT_S = 60, 4
AT_A_TIME = 2
# Inputs a second of its time that are a fair number: a tenth of what the
# slowest target does with a core for itself.
FAIR_HZ = 600
ROUNDS = 3
IDLE = ["chrt", "--idle", "0"]


def out_of_the_way(beside):
    """The command that runs a target.  SCHED_IDLE gives way within a group of
    processes only, where the kernel schedules sessions as groups, and a core
    that changes between both is slow for both: so tests that run beside have
    the other cores to themselves."""
    cores = os.sched_getaffinity(0)
    if not beside or len(cores) < 2:
        return IDLE
    return ["taskset", "--cpu-list", str(max(cores)), *IDLE]


def seconds(name):
    given = os.environ.get("SY_FUZZ_SECONDS")
    return int(given) if given else LONG_S if is_long(name) else SHORT_S


def is_long(name):
    return name.removesuffix("_fuzz") in LONG


def seeds(name):
    with open(os.path.join(HERE, f"{name}.c"), encoding="utf-8") as f:
        more = re.search(r"^/\* seeds: (.*?)\*/", f.read(), re.M | re.DOTALL)
    folders = [os.path.join(HERE, "seeds", name)]
    if more:
        folders += [os.path.join(ROOT, s)
                    for s in more[1].replace("\n *", " ").split()]
    return [f for f in folders if os.path.isdir(f)]


def keep(prefix):
    """The inputs that did it, for whoever looks into it."""
    said = ""
    for path in glob.glob(f"{prefix}*-*"):
        failed = os.path.join(ROOT, "build", "failed")
        os.makedirs(failed, exist_ok=True)
        kept = os.path.join(failed, os.path.basename(path))
        shutil.copyfile(path, kept)
        said += f"\nthe input: {kept}"
    return said


def one_round(name, corpus, prefix, command):
    """What it found wrong, or None; and its inputs."""
    argv = [*command, os.path.join(BIN, name),
            f"-max_total_time={seconds(name)}", "-timeout=60",
            "-max_len=4096", "-print_final_stats=1",
            f"-artifact_prefix={prefix}", corpus, *seeds(name)]
    try:
        run = subprocess.run(argv, capture_output=True, text=True,
                             errors="replace", check=False,
                             timeout=seconds(name) + 180)
    except subprocess.TimeoutExpired as e:
        return f"no end {e.timeout} s after its start", 0
    if run.returncode:
        return run.stderr + keep(prefix), 0
    said = re.search(r"number_of_executed_units: (\d+)", run.stderr)
    return (None, int(said[1])) if said else (f"no count: {run.stderr}", 0)


def run_target(tally, name, folder, command):
    corpus = os.path.join(folder, f"{name}-corpus")
    os.makedirs(corpus)
    fair, inputs, started = FAIR_HZ * seconds(name), 0, time.monotonic()
    for _ in range(ROUNDS):
        wrong, n = one_round(name, corpus, os.path.join(folder, f"{name}."),
                             command)
        if wrong:
            tally.bad(f"fuzz/{name}", wrong)
            return
        inputs += n
        if inputs >= fair:
            break
    took = time.monotonic() - started
    if inputs < fair:
        tally.bad(f"fuzz/{name}",
                  f"{inputs} inputs in {took:.0f} s, {fair} are wanted: "
                  "the machine had no time for it")
    else:
        tally.ok(f"fuzz/{name}: {inputs} inputs", 1, took)


def names(tally, match):
    """Those that run for a minute first; one of them that is gone is said."""
    found = [f.removesuffix(".c") for f in os.listdir(HERE)
             if f.endswith("_fuzz.c")]
    for gone in {f"{n}_fuzz" for n in LONG} - set(found):
        tally.bad(f"fuzz/{gone}", "the target is gone")
    return sorted((n for n in found if match in f"fuzz/{n}"),
                  key=lambda n: (not is_long(n), n))


def run(tally, match, builds, beside=False):
    """@param beside  Other tests run meanwhile."""
    if not shutil.which("clang"):
        tally.skip("fuzz", "clang is not installed")
        return
    if not builds.wait("fuzz"):
        tally.bad("fuzz: the targets do not build", "")
        return
    command = out_of_the_way(beside)
    with tempfile.TemporaryDirectory(prefix="sy-fuzz-") as folder, \
            ThreadPoolExecutor(AT_A_TIME) as pool:
        list(pool.map(lambda n: run_target(tally, n, folder, command),
                      names(tally, match)))
