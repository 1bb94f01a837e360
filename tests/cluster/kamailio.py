# SPDX-License-Identifier: MIT
"""Kamailio, from Debian, as a carrier: see kamailio.cfg."""

import os
import shutil
import tempfile

from harness import Skip, wait_for
from lib.process import launch
from sipp import is_bound
from strangers import free_sip_port

CONFIG = os.path.join(os.path.dirname(__file__), "kamailio.cfg")


class Kamailio:
    """One carrier on a UDP port of its own, and one for TLS above it."""

    def __init__(self, name):
        if not shutil.which("kamailio"):
            raise Skip("kamailio is not installed")
        self.name, self.port = name, free_sip_port()
        self.at = f"127.0.0.1:{self.port}"
        self.tls = f"127.0.0.1:{self.port + 1}"
        self.dir, self.proc = None, None

    def start(self, *defines, customer="", cert="", key="", ca=""):
        """With names for #!ifdef; `customer` is who has the numbers when
        BY_ADDRESS is one of them; files of certificates for TLS."""
        if self.dir:
            shutil.rmtree(self.dir)
        self.dir = tempfile.mkdtemp(prefix="sy-kamailio-")
        with open(CONFIG, encoding="utf-8") as f:
            text = f.read()
        path = os.path.join(self.dir, "kamailio.cfg")
        with open(path, "w", encoding="utf-8") as f:
            for name, value in {"AT": self.at, "TLS": self.tls,
                                "CUSTOMER": customer, "CERT": cert,
                                "KEY": key, "CA": ca}.items():
                text = text.replace(f"@{name}@", value)
            f.write(text)
        argv = ["kamailio", "-DD", "-E", "-m", "32", "-M", "8", "-f", path,
                "-w", self.dir, "-Y", self.dir]
        for d in defines:
            argv += ["-A", d]
        self.proc = launch(f"kamailio-{self.name}", argv,
                           os.path.join(self.dir, "log"))
        wait_for("Kamailio listens", lambda: is_bound(self.port), 10)

    def stop(self):
        if self.proc:
            self.proc.stop()
            self.proc = None

    def customer(self, box, name, user, hz):
        """A test phone that is registered here."""
        box.do("phone", id=name, user=user, password="zanzibar",
               domain="carrier", codecs=["PCMU"], tone_hz=hz, answer="auto",
               proxy=self.at)
        box.do("register", phone=name)
        return box.expect("registered", phone=name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        if self.dir:
            shutil.rmtree(self.dir, ignore_errors=True)
