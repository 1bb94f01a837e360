# SPDX-License-Identifier: MIT
"""What npm brings for a test: a folder with a package.json and its lock file,
installed once under build/."""

import fcntl
import hashlib
import os
import shutil
import subprocess

from harness import ROOT, Skip


def install(source, name):
    """Copy what is there to build/NAME with its packages; that folder.  Several
    tests may want it at a time."""
    folder = os.path.join(ROOT, "build", name)
    if not shutil.which("npm"):
        raise Skip("no npm here")
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return install_alone(source, folder)


def install_alone(source, folder):
    for entry in os.listdir(source):
        # Whole at any time: others may be about to read it.
        made = os.path.join(folder, entry)
        shutil.copy(os.path.join(source, entry), f"{made}.new")
        os.replace(f"{made}.new", made)
    with open(os.path.join(source, "package-lock.json"), "rb") as f:
        stamp = hashlib.sha256(f.read()).hexdigest()
    mark = os.path.join(folder, "node_modules", f".{stamp}")
    if os.path.exists(mark):
        return folder
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder, capture_output=True, text=True, timeout=300, check=False,
        stdin=subprocess.DEVNULL)
    if done.returncode:
        raise Skip(f"npm ci: {(done.stderr or done.stdout).strip()[-300:]}")
    with open(mark, "w", encoding="ascii"):
        pass
    return folder
