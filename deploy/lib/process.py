# SPDX-License-Identifier: MIT
"""Processes of a cluster: started, identified, stopped.

A process is identified by its pid and its start time, so that a pid that was
given to somebody else meanwhile is never stopped by mistake.
"""

import os
import signal
import subprocess
import time


class ProcessError(Exception):
    """One line that a person can act on."""


def start_time(pid):
    """Start time of a process in clock ticks since boot; None: none such."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            fields = f.read().rpartition(")")[2].split()
    except OSError:
        return None
    if fields[0] in ("Z", "X"):
        return None
    return int(fields[19])


class Process:
    """A process that we started, or that an earlier run recorded."""

    def __init__(self, name, pid, started, log=None, popen=None):
        self.name = name
        self.pid = pid
        self.started = started
        self.log = log
        self.popen = popen

    def alive(self):
        if self.popen is not None and self.popen.poll() is not None:
            return False
        return start_time(self.pid) == self.started

    def signal(self, sig):
        if self.alive():
            os.kill(self.pid, sig)

    def wait(self, seconds):
        """True once it has ended."""
        end = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True

    def stop(self, seconds=8):
        """SIGINT: end now (SIGTERM lets a node give its calls away first);
        SIGKILL to what does not heed it in time."""
        self.signal(signal.SIGINT)
        if not self.wait(seconds):
            self.signal(signal.SIGKILL)
            self.wait(5)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.wait(5)

    def log_tail(self, lines=1):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as f:
                text = [t.strip() for t in f if t.strip()]
        except (OSError, TypeError):
            return ""
        return "\n".join(text[-lines:])

    def record(self):
        return {"name": self.name, "pid": self.pid, "started": self.started,
                "log": self.log}


def launch(name, argv, log, env=None):
    """Start a process of its own session, with its output in a log file."""
    try:
        with open(log, "ab") as out:
            popen = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env=env, start_new_session=True, close_fds=True)
    except OSError as e:
        raise ProcessError(f"{name} did not start: {e.strerror}: "
                           f"{e.filename}") from e
    return Process(name, popen.pid, start_time(popen.pid), log, popen)
