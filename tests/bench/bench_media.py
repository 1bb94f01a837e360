# SPDX-License-Identifier: MIT
"""Media legs through the real worker and real sockets: see media_bench.c.
With --peer the same load on Janus' AudioBridge beside ours."""

import json
import os
import subprocess
import sys

from harness import BIN


def media(show, options=None):
    argv = [os.path.join(BIN, "media-bench")]
    for name in ("only", "seconds", "legs", "workers"):
        value = getattr(options, name, None)
        if value is not None:
            argv += [f"--{name}", str(value)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as run:
        for line in run.stdout:
            row = json.loads(line)
            show(row.pop("bench"), row.pop("name"), row.pop("value"),
                 row.pop("unit"), **row)
    if run.returncode:
        sys.exit(run.returncode)
