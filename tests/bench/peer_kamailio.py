# SPDX-License-Identifier: MIT
"""Kamailio, from Debian, as the peer of the router's benches: kamailio.cfg."""

import contextlib
import os
import tempfile

from harness import free_base, wait_for
from lib import ports
from lib.process import launch

CONFIG = os.path.join(os.path.dirname(__file__), "kamailio.cfg")
SHARED_MB, PRIVATE_MB = 1024, 16


def family(pid):
    """A process and all that came of it."""
    found = [pid]
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as f:
            for child in f.read().split():
                found += family(int(child))
    return found


def settled(pid):
    """Looks whether it has the processes that it had at the last look: it
    listens before it has made them."""
    last = []

    def look():
        now, before = family(pid), last[:]
        last[:] = now
        return len(now) > 1 and now == before
    return look


class Kamailio:
    """One that runs, as its processes and the port it listens on."""

    def __init__(self, process, port):
        self.process, self.port = process, port
        self.at = f"127.0.0.1:{port}"

    @property
    def pids(self):
        return family(self.process.pid)


@contextlib.contextmanager
def kamailio(*defines, certificate="", key=""):
    """Run it with names for #!ifdef; certificate and key are for TLS."""
    port = free_base() + ports.SIP
    with tempfile.TemporaryDirectory(prefix="sy-kam-") as folder:
        with open(CONFIG, encoding="utf-8") as f:
            text = f.read()
        for name, value in (("PORT", str(port)), ("CERT", certificate),
                            ("KEY", key)):
            text = text.replace(f"@{name}@", value)
        path = os.path.join(folder, "kamailio.cfg")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        argv = ["kamailio", "-DD", "-E", "-m", str(SHARED_MB),
                "-M", str(PRIVATE_MB), "-f", path, "-w", folder, "-Y", folder]
        for d in defines:
            argv += ["-A", d]
        process = launch("kamailio", argv, os.path.join(folder, "log"))
        try:
            wait_for("Kamailio listening", lambda: ports.busy(port), 10)
            wait_for("Kamailio's processes", settled(process.pid), 10, 0.3)
            yield Kamailio(process, port)
        finally:
            process.stop()
