# SPDX-License-Identifier: MIT
"""Media legs through the real worker and real sockets: see media_bench.c.
With --peer the same load on Janus' AudioBridge beside ours."""

import json
import os
import subprocess
import sys

from harness import BIN
from peer_janus import janus

# Name of the load in media_bench.c: codec, participants, who of them talk.
ROOMS = {
    "room.pcmu.10": ("pcmu", 10, 10),
    "room.pcmu.50": ("pcmu", 50, 50),
    "room.pcmu.100": ("pcmu", 100, 100),
    "room.opus.10": ("opus", 10, 10),
    "room.opus.50": ("opus", 50, 50),
    "room.opus.100": ("opus", 100, 100),
    "room.pcmu.3of200": ("pcmu", 200, 3),
    "room.opus.3of100": ("opus", 100, 3),
}


def rows(options, only=None):
    """The lines of media-bench as they come."""
    argv = [os.path.join(BIN, "media-bench")]
    given = {name: getattr(options, name, None)
             for name in ("only", "seconds", "legs", "workers")}
    given["only"] = only or given["only"]
    for name, value in given.items():
        if value is not None:
            argv += [f"--{name}", str(value)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as run:
        for line in run.stdout:
            yield json.loads(line)
    if run.returncode:
        sys.exit(run.returncode)


def tell(show, row):
    show(row.pop("bench"), row.pop("name"), row.pop("value"),
         row.pop("unit"), **row)


def media(show, options=None):
    if getattr(options, "peer", False):
        beside_janus(show, options)
        return
    for row in rows(options):
        tell(show, row)


def beside_janus(show, options):
    names = [n for n in ROOMS if not options.only or n == options.only
             or n.startswith(options.only + ".")]
    if not names:
        sys.exit(f"tests/run bench media --peer: unknown name "
                 f"'{options.only}' (allowed: {', '.join(ROOMS)})")
    for name in names:
        for row in rows(options, name):
            theirs, more = janus(*ROOMS[name], int(options.seconds or 3))
            tell(show, {**row, "peerValue": theirs,
                        "peerRatio": theirs / row["value"], **more})
