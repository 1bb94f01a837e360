# SPDX-License-Identifier: MIT
"""The presets that the tests need: each is built once, one after another in
the order in which they were asked for, beside whatever runs meanwhile."""

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
PROGRAMS = ["switchyard-" + p for p in ("router", "node", "gateway",
                                        "config", "phone")]
# ThreadSanitizer looks at threads: those of a test, or of the media engine
# that it starts.
THREADED = re.compile(r"\b(pthread_create|media_alloc)\(")


def threaded_tests():
    """The names of the unit tests that use threads."""
    folder = os.path.join(HERE, "unit")
    found = []
    for file in sorted(os.listdir(folder)):
        if not file.endswith("_test.c"):
            continue
        with open(os.path.join(folder, file), encoding="utf-8") as f:
            if THREADED.search(f.read()):
                found.append(file.removesuffix(".c"))
    return found


# Part of a preset, as a build of its own: (preset, what is built).
PARTS = {"fuzz": ("debug", ["--target", "fuzz-targets"])}


def targets(preset):
    """What is built of a preset; nothing: all."""
    if preset == "tsan":
        return ["--target", *PROGRAMS, *threaded_tests()]
    return []


class Builds:
    def __init__(self):
        self.pool = ThreadPoolExecutor(1)
        self.web = ThreadPoolExecutor(1)  # it mostly waits for npm
        self.asked = {}

    def ask(self, *presets):
        """Let them be built in the background."""
        for preset in presets:
            if preset not in self.asked:
                pool = self.web if preset == "web" else self.pool
                self.asked[preset] = pool.submit(
                    self.build, preset, bool(self.asked))

    @staticmethod
    def build(preset, behind):
        """The first is waited for; the others give way to the tests."""
        preset, what = PARTS.get(preset, (preset, targets(preset)))
        argv = [os.path.join(ROOT, "deploy", "build"), preset, *what]
        if behind:
            argv = ["nice", "-n", "5", *argv]
        return subprocess.run(argv, check=False).returncode == 0

    def wait(self, preset):
        """Whether it could be built."""
        self.ask(preset)
        return self.asked[preset].result()
