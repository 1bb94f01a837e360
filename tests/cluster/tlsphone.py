# SPDX-License-Identifier: MIT
"""A SIP phone in raw text on one TLS connection, certificates for it, and a
trunk that listens for TLS."""

import os
import socket
import ssl
import subprocess

from harness import Mismatch
from rawphone import Message, RawPhone


def context(version=None):
    """A client's, which looks at no certificate."""
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname = False
    ctx.verify_mode = ssl.CERT_NONE
    if version:
        ctx.minimum_version = ctx.maximum_version = version
    return ctx


def reach(at, source=None):
    """A TCP connection to "host:port" or "[host]:port"."""
    host, _, port = at.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), 5,
                                    (source, 0) if source else None)


def local(sock):
    """Its own address, as a URI has it."""
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def connect(at, name=None, ctx=None, source=None):
    """A TLS connection to "host:port"."""
    sock = reach(at, source)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return (ctx or context()).wrap_socket(sock, server_hostname=name)


def make_certificate(folder, name, host, address=None):
    """NAME.crt and NAME.key for a host, and maybe for an address, in a folder:
    their paths."""
    names = f"DNS:{host}" + (f",IP:{address}" if address else "")
    cert, key = (os.path.join(folder, f"{name}.{e}") for e in ("crt", "key"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
         f"/CN={host}", "-addext", f"subjectAltName={names}", "-keyout",
         key, "-out", cert], check=True, capture_output=True)
    return cert, key


class TlsPhone(RawPhone):
    """As a RawPhone, on a TLS connection that it made or was given."""

    def __init__(self, at, user="1001", sock=None, scheme="sip"):
        self.user = user
        self.sock = sock or connect(at)
        self.got = b""
        self.answered = set()
        self.me = local(self.sock)
        self.contact = f"<{scheme}:{user}@{self.me};transport=tls>"

    def send(self, text, to=None):
        self.sock.sendall(text.encode() if isinstance(text, str) else text)

    def request(self, method, uri, body="", **f):
        text = super().request(method, uri, body, **f)
        return text.replace("Via: SIP/2.0/UDP", "Via: SIP/2.0/TLS", 1)

    def receive(self, seconds=3.0):
        self.sock.settimeout(max(0.001, seconds))
        try:
            while True:
                head, end, rest = self.got.partition(b"\r\n\r\n")
                if end:
                    n = int(Message(head + end).get("content-length") or 0)
                    if len(rest) >= n:
                        self.got = rest[n:]
                        return Message(head + end + rest[:n])
                more = self.sock.recv(65536)
                if not more:
                    raise Mismatch(f"{self.user}: its connection was closed")
                self.got += more
        except TimeoutError:
            return None


class TlsTrunk:
    """Listens; the first connection becomes a phone."""

    def __init__(self, cert, key):
        self.ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ctx.load_cert_chain(cert, key)
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.sock.settimeout(10)
        self.at = "%s:%d" % self.sock.getsockname()

    def accept(self):
        conn, _ = self.sock.accept()
        return TlsPhone(None, "trunk", self.ctx.wrap_socket(
            conn, server_side=True))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()
