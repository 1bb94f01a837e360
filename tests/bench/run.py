# SPDX-License-Identifier: MIT
"""Figures: one JSON object a line.  Without a name: all benches."""

import argparse
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "deploy"),
                os.path.join(ROOT, "tests", "cluster"), HERE]

from bench_browser import browser   # noqa: E402
from bench_flood import flood       # noqa: E402
from bench_gateway import gateway   # noqa: E402
from bench_media import media       # noqa: E402
from bench_router import router     # noqa: E402
from bench_setup import memory, setup   # noqa: E402
from bench_survive import survive       # noqa: E402

BENCHES = {"router": router, "flood": flood, "setup": setup, "media": media,
           "gateway": gateway, "browser": browser,
           "memory": memory, "survive": survive}


def show(bench, name, value, unit, **more):
    """Print one figure; numbers to four significant digits."""
    row = {"bench": bench, "name": name, "value": value, "unit": unit, **more}
    for k, v in row.items():
        if isinstance(v, float):
            row[k] = float(f"{v:.4g}")
    print(json.dumps(row), flush=True)


def arguments():
    p = argparse.ArgumentParser(
        prog="tests/run bench",
        description="Figures, one JSON object a line. Without a name: all.")
    p.add_argument("name", nargs="*", help=", ".join(BENCHES))
    m = p.add_argument_group("media")
    m.add_argument("--only", metavar="NAME",
                   help="this figure, or all that begin with NAME and a dot")
    m.add_argument("--seconds", metavar="N", help="rounds of a second")
    m.add_argument("--legs", metavar="N", help="legs of leg.* (100)")
    m.add_argument("--workers", metavar="N", help="the engine's threads (1)")
    m.add_argument("--peer", action="store_true",
                   help="rooms, beside Janus' AudioBridge (room.*)")
    p.add_argument_group("router (--only: calls, registers, contacts, tls, qualify)")
    p.add_argument_group("gateway (--only: rest, unary, feed; --seconds)")
    s = p.add_argument_group(
        "survive (--only: quiet, kill, kill2, cut, drain, redis_empty, "
        "redis_stall, redis_failover, redis_cut, rolling)")
    s.add_argument("--scale", metavar="PERCENT", help="of the calls (100)")
    options = p.parse_args()
    if options.scale and not options.scale.isdigit():
        p.error(f"--scale {options.scale}: not a number")
    if options.seconds and not options.seconds.isdigit():
        p.error(f"--seconds {options.seconds}: not a number")
    for n in options.name:
        if n not in BENCHES:
            sys.exit(f"tests/run bench: unknown bench '{n}' (allowed: "
                     f"{', '.join(BENCHES)})")
    return options


def main():
    options = arguments()
    for n in options.name or list(BENCHES):
        if n in ("media", "router", "survive", "gateway"):
            BENCHES[n](show, options)
        else:
            BENCHES[n](show)


main()
