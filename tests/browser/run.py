# SPDX-License-Identifier: MIT
"""Runs the modules here, one after another: pages in Chromium."""

import glob
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def run(tally, match, builds, cluster):
    """@param cluster  The module that runs the cluster's scenarios."""
    builds.ask("release", "web")
    if not builds.wait("release") or not builds.wait("web"):
        tally.bad("browser: the programs do not build", "")
        return
    sys.path.insert(0, HERE)
    for path in sorted(glob.glob(os.path.join(HERE, "test_*.py"))):
        cluster.run_module(tally, match, path)
