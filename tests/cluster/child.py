# SPDX-License-Identifier: MIT
"""A process that says what happens by lines of JSON, and ends with its
input."""

import json
import queue
import subprocess
import threading
import time

from harness import Mismatch


class Child:
    """One of them; use it in a with statement."""

    def __init__(self, argv, folder, stderr=None):
        """@param stderr  As for Popen; None: ours."""
        self.proc = subprocess.Popen(
            argv, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=stderr, text=True, bufsize=1)
        self.lines = queue.Queue()
        self.events = []  # what it said, as far as nobody took it
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.proc.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proc.stdin.close()
        try:
            self.proc.wait(10)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()

    def last_words(self):
        """Why it ended."""
        return ""

    def next_line(self, end, what):
        """What it says next, until then (time.monotonic())."""
        name = type(self).__name__
        try:
            got = self.lines.get(timeout=max(0.001, end - time.monotonic()))
        except queue.Empty:
            raise Mismatch(f"{name}: no {what}: {self.events[-8:]}") from None
        if got is None:
            raise Mismatch(f"{name}: ended, no {what}: {self.last_words()}")
        return got
