# SPDX-License-Identifier: MIT
"""The dashboard's modules that need no page, by Node.js."""

import shutil
import subprocess

from harness import Mismatch, ROOT, Skip


def test_units():
    """web/dashboard/test"""
    if not shutil.which("npm"):
        raise Skip("no npm here")
    for words in (["deploy/build", "web"],
                  ["npm", "test", "--silent", "--prefix", "web/dashboard"]):
        done = subprocess.run(words, cwd=ROOT, capture_output=True,
                              text=True, timeout=300, check=False,
                              stdin=subprocess.DEVNULL)
        if done.returncode:
            raise Mismatch(f"{' '.join(words)}: "
                           f"{(done.stdout + done.stderr)[-1500:]}")
