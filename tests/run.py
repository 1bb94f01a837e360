# SPDX-License-Identifier: MIT
"""The one test command: groups of tests, and a last line that counts them."""

import argparse
import importlib.util
import os
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import capabilities  # noqa: E402
from builds import Builds  # noqa: E402
from tally import Tally  # noqa: E402


def part(folder):
    """The run.py of a group's folder."""
    spec = importlib.util.spec_from_file_location(
        f"{folder}_run", os.path.join(HERE, folder, "run.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def unit(tally, match, builds):
    part("unit").run(tally, match, builds)


def cluster(tally, match, builds):
    part("cluster").run(tally, match, builds, part("cluster").modules())


def browser(tally, match, builds):
    builds.ask("release", "web")
    part("cluster").run(tally, match, builds,
                        part("browser").modules(tally, builds))


def together(tally, match, builds):
    """The modules of the cluster and of the browsers, in one queue."""
    part("cluster").run(tally, match, builds, part("cluster").modules()
                        + part("browser").modules(tally, builds))


def soak(tally, match, builds):
    part("cluster").run(tally, match, builds,
                        part("cluster").modules("soak_"))


def fuzz(tally, match, builds, beside=False):
    part("fuzz").run(tally, match, builds, beside)


GROUPS = {"unit": unit, "cluster": cluster, "browser": browser, "fuzz": fuzz,
          "soak": soak}
DEFAULT = ("unit", "cluster", "browser", "fuzz")


def everything(tally, match, builds):
    """The unit tests while the other presets are built; then the cluster's
    and the browser's, which mostly wait.  Beside them, once nothing is built
    any more, the fuzz targets, which give way to all."""
    builds.ask("debug", "release", "web", "tsan", "fuzz")
    beside = threading.Thread(target=fuzz,
                              args=(tally, match, builds, True))
    beside.start()
    try:
        unit(tally, match, builds)
        together(tally, match, builds)
    finally:
        beside.join()


def bench(args):
    """Figures, one JSON object a line; no pass and no fail."""
    if not Builds().wait("release"):
        return 1
    return subprocess.run(
        [sys.executable, os.path.join(HERE, "bench", "run.py"), *args],
        check=False).returncode


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
    tally, builds = Tally(), Builds()
    started = time.monotonic()
    for run in [GROUPS[g] for g in args.group] or [everything]:
        run(tally, args.match, builds)
    capabilities.print_table(tally.told)
    tally.list_unsteady()
    print(f"{time.monotonic() - started:.0f} s")
    print(tally.summary(), flush=True)
    return 1 if tally.failed or not tally.passed else 0


sys.exit(main())
