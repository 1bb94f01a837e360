# SPDX-License-Identifier: MIT
"""Figures: one JSON object a line.  Without a name: all benches."""

import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "deploy"),
                os.path.join(ROOT, "tests", "cluster"), HERE]

from bench_media import media       # noqa: E402
from bench_router import router     # noqa: E402
from bench_setup import memory, setup   # noqa: E402

BENCHES = {"router": router, "setup": setup, "media": media,
           "memory": memory}


def show(bench, name, value, unit, **more):
    """Print one figure; numbers to four significant digits."""
    row = {"bench": bench, "name": name, "value": value, "unit": unit, **more}
    for k, v in row.items():
        if isinstance(v, float):
            row[k] = float(f"{v:.4g}")
    print(json.dumps(row), flush=True)


def main():
    names = sys.argv[1:] or list(BENCHES)
    for n in names:
        if n not in BENCHES:
            sys.exit(f"tests/run bench: unknown bench '{n}' (allowed: "
                     f"{', '.join(BENCHES)})")
    for n in names:
        BENCHES[n](show)


main()
