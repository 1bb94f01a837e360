# SPDX-License-Identifier: MIT
"""coturn, with credentials that end (its REST scheme)."""

import base64
import hashlib
import hmac
import shutil
import socket
import subprocess
import time

from harness import Mismatch, Skip

SECRET = "shared-with-coturn"


def free_port(address, kind):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind((address, 0))
        return s.getsockname()[1]


def credential(user, secret=SECRET):
    """The password of a user "expiry:name"."""
    return base64.b64encode(hmac.digest(
        secret.encode(), user.encode(), hashlib.sha1)).decode()


class Turn:
    """One at an address, by UDP, TCP and TLS; use it in a with statement."""

    def __init__(self, folder, address="127.0.0.1"):
        self.path = shutil.which("turnserver")
        if not self.path:
            raise Skip("no coturn here (deploy/deps test)")
        self.folder, self.address = folder, address
        self.certificate(folder)
        self.begin()

    def begin(self):
        """On ports that are free, or were a moment ago."""
        folder, address = self.folder, self.address
        self.port = free_port(address, socket.SOCK_DGRAM)
        self.tls_port = free_port(address, socket.SOCK_STREAM)
        self.proc = subprocess.Popen(
            [self.path, "-n", "--log-file", "stdout", "--listening-ip",
             address, "--relay-ip", address, "--listening-port",
             str(self.port), "--tls-listening-port", str(self.tls_port),
             "--cert", f"{folder}/turn.crt", "--pkey", f"{folder}/turn.key",
             "--use-auth-secret", "--static-auth-secret",
             SECRET, "--realm", "switchyard", "--no-dtls",
             "--no-cli", "--allow-loopback-peers", "--pidfile",
             f"{folder}/turn.pid"],
            cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL)

    def certificate(self, folder):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             "/CN=turn", "-addext", f"subjectAltName=IP:{self.address}",
             "-keyout", f"{folder}/turn.key", "-out", f"{folder}/turn.crt"],
            check=True, capture_output=True, stdin=subprocess.DEVNULL)

    def url(self, transport="udp"):
        """@param transport  "udp", "tcp", "tls"."""
        if transport == "tls":
            return f"turns:{self.address}:{self.tls_port}?transport=tcp"
        return f"turn:{self.address}:{self.port}?transport={transport}"

    def settings(self, transport="udp"):
        """As the cluster is told of it."""
        return [{"urls": [self.url(transport)], "secret": SECRET}]

    def answers(self):
        """A STUN binding request is answered."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            s.connect((self.address, self.port))
            try:
                s.send(bytes.fromhex("000100002112a442") + b"switchyard!!")
                return s.recv(100)[:2] == b"\x01\x01"
            except OSError:
                return False

    def __enter__(self):
        for _ in range(3):
            end = time.monotonic() + 10
            while self.proc.poll() is None and time.monotonic() < end:
                if self.answers():
                    return self
            self.__exit__()
            self.begin()
        self.__exit__()
        raise Mismatch("coturn does not answer")

    def __exit__(self, *_):
        self.proc.kill()
        self.proc.wait()
