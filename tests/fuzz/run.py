# SPDX-License-Identifier: MIT
"""Builds each *_fuzz.c with clang's libFuzzer and runs it for some seconds.

The first comment of a target names what it is made of (a folder: all of it),
and the next one, if there is one, further seeds:
/* sources: router/view.c router/view_part.c */
/* seeds: tests/unit/torture */
Seeds lie in seeds/<target>/; SY_FUZZ_SECONDS changes the time of each. What
failed is kept in build/failed, and said so.
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
SECONDS = int(os.environ.get("SY_FUZZ_SECONDS", "4"))
AT_A_TIME = 2
# They take what others leave: tests that wait for something run beside them.
BEHIND = ["nice", "-n", "19"]
FLAGS = ["-g", "-O1", "-std=gnu17", "-fsanitize=fuzzer,address,undefined",
         "-fno-sanitize-recover=all", "-I", ROOT, "-I", "/usr/include/re",
         "-I", "/usr/share/include/llhttp",
         "-DHAVE_INTTYPES_H", "-DHAVE_STDBOOL_H", "-DHAVE_INET6",
         "-DUSE_OPENSSL", "-DUSE_TLS", "-DHAVE_PTHREAD", "-DRELEASE",
         "-D_GNU_SOURCE", '-DSY_VERSION="fuzz"']


def paths(text):
    return [s if s.startswith("/") else os.path.join(ROOT, s)
            for s in text.replace("\n *", " ").split()]


def sources(path):
    with open(path, encoding="utf-8") as f:
        named = re.match(r"/\* sources: (.*?)\*/", f.read(), re.DOTALL)
    if not named:
        raise RuntimeError(f"{path}: the first comment names no sources")
    found = []
    for source in paths(named[1]):
        found += (sorted(glob.glob(os.path.join(source, "*.c")))
                  if os.path.isdir(source) else [source])
    return found


def seeds(path, name):
    with open(path, encoding="utf-8") as f:
        more = re.search(r"^/\* seeds: (.*?)\*/", f.read(), re.M | re.DOTALL)
    folders = [os.path.join(HERE, "seeds", name)]
    if more:
        folders += paths(more[1])
    return [f for f in folders if os.path.isdir(f)]


def build(path, out):
    gen = os.path.join(ROOT, "build", "debug", "proto", "gen")
    return subprocess.run(
        [*BEHIND, "clang", *FLAGS, "-I", gen, path, *sources(path), "-lre", "-lssl",
         "-lcrypto", "-lprotobuf-c", "-lm", "-o", out], capture_output=True, text=True,
        check=False)


def keep(binary):
    """The inputs that did it, for whoever looks into it."""
    said = ""
    for path in glob.glob(f"{binary}.*-*"):
        failed = os.path.join(ROOT, "build", "failed")
        os.makedirs(failed, exist_ok=True)
        kept = os.path.join(failed, os.path.basename(path))
        shutil.copyfile(path, kept)
        said += f"\nthe input: {kept}"
    return said


def run_target(tally, path, folder):
    name = os.path.basename(path)[:-2]
    binary = os.path.join(folder, name)
    made = build(path, binary)
    if made.returncode:
        tally.bad(f"fuzz/{name}", made.stderr)
        return
    corpus = os.path.join(folder, f"{name}-corpus")
    os.makedirs(corpus)
    argv = [*BEHIND, binary, f"-max_total_time={SECONDS}", "-timeout=20",
            "-max_len=4096", "-print_final_stats=1",
            f"-artifact_prefix={binary}.", corpus, *seeds(path, name)]
    started = time.monotonic()
    run = subprocess.run(argv, capture_output=True, text=True,
                         errors="replace", check=False,
                         timeout=SECONDS + 120)
    if run.returncode:
        tally.bad(f"fuzz/{name}", run.stderr + keep(binary))
        return
    units = re.search(r"number_of_executed_units: (\d+)", run.stderr)
    tally.ok(f"fuzz/{name}: {units[1] if units else '?'} inputs", 1,
             time.monotonic() - started)


def run(tally, match, builds):
    if not shutil.which("clang"):
        tally.skip("fuzz", "clang is not installed")
        return
    if not builds.wait("debug"):   # the schema's C is there
        tally.bad("fuzz: preset debug does not build", "")
        return
    targets = sorted(f for f in os.listdir(HERE)
                     if f.endswith("_fuzz.c") and match in f)
    with tempfile.TemporaryDirectory(prefix="sy-fuzz-") as folder, \
            ThreadPoolExecutor(AT_A_TIME) as pool:
        list(pool.map(lambda f: run_target(tally, os.path.join(HERE, f),
                                           folder), targets))
