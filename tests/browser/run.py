# SPDX-License-Identifier: MIT
"""The modules here: pages in Chromium.  cluster/run.py runs them."""

import glob
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def modules(tally, builds):
    """Their paths; none if what they need does not build."""
    if not builds.wait("web"):
        tally.bad("browser: the web does not build", "")
        return []
    if HERE not in sys.path:
        sys.path.insert(0, HERE)
    return glob.glob(os.path.join(HERE, "test_*.py"))
