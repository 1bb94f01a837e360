# SPDX-License-Identifier: MIT
"""coturn, with credentials that end (its REST scheme)."""

import shutil
import socket
import subprocess
import time

from harness import Mismatch, Skip

SECRET = "shared-with-coturn"


class Turn:
    """One on 127.0.0.1, UDP; use it in a with statement."""

    def __init__(self, folder):
        path = shutil.which("turnserver")
        if not path:
            raise Skip("no coturn here (deploy/deps test)")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.proc = subprocess.Popen(
            [path, "-n", "--log-file", "stdout", "--listening-ip",
             "127.0.0.1", "--relay-ip", "127.0.0.1", "--listening-port",
             str(self.port), "--use-auth-secret", "--static-auth-secret",
             SECRET, "--realm", "switchyard", "--no-tls", "--no-dtls",
             "--no-cli", "--allow-loopback-peers", "--pidfile",
             f"{folder}/turn.pid"],
            cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL)

    def settings(self):
        """As the cluster is told of it."""
        return [{"urls": [f"turn:127.0.0.1:{self.port}?transport=udp"],
                 "secret": SECRET}]

    def answers(self):
        """A STUN binding request is answered."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            s.connect(("127.0.0.1", self.port))
            try:
                s.send(bytes.fromhex("000100002112a442") + b"switchyard!!")
                return s.recv(100)[:2] == b"\x01\x01"
            except OSError:
                return False

    def __enter__(self):
        end = time.monotonic() + 10
        while not self.answers():
            if self.proc.poll() is not None or time.monotonic() > end:
                self.__exit__()
                raise Mismatch("coturn does not answer")
        return self

    def __exit__(self, *_):
        self.proc.kill()
        self.proc.wait()
