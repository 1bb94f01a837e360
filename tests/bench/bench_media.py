# SPDX-License-Identifier: MIT
"""Media legs through the real worker and real sockets: see media_bench.c."""

import json
import os
import subprocess

from harness import BIN


def media(show):
    run = subprocess.run([os.path.join(BIN, "media-bench")],
                         capture_output=True, text=True, check=True)
    for line in run.stdout.splitlines():
        row = json.loads(line)
        show(row.pop("bench"), row.pop("name"), row.pop("value"),
             row.pop("unit"), **row)
