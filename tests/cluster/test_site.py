# SPDX-License-Identifier: MIT
"""What a gateway serves to browsers, by curl over both versions, and its
certificate, which changes while it runs."""

import contextlib
import gzip
import hashlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile

from harness import Mismatch, cluster, request, wait_for
from lib.cluster import Cluster

SCRIPT = "export const x = 1;\n" * 200
PAGE = "<!doctype html><title>t</title>"
NAME = "assets/index-Bx3kPq9z.js"
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "strict-transport-security": "max-age=31536000",
}


class Shared:
    """One gateway with a folder and a certificate of its own."""

    def __init__(self):
        self.stack = contextlib.ExitStack()
        self.cluster = None

    def start(self):
        if self.cluster:
            return self.cluster
        self.folder = tempfile.mkdtemp(prefix="sy-")
        self.stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.put("index.html", PAGE)
        os.mkdir(self.path("assets"))
        self.put(NAME, SCRIPT)
        with open(self.path(NAME + ".gz"), "wb") as f:
            f.write(gzip.compress(SCRIPT.encode()))
        self.make_certificate("one.test")
        self.cluster = self.stack.enter_context(cluster(
            nodes=1, web=self.folder, gateway_args=[
                "--tls-cert", self.path(".crt"),
                "--tls-key", self.path(".key")]))
        return self.cluster

    def path(self, name):
        return os.path.join(self.folder, name)

    def put(self, name, text):
        """At once, as a deployment would."""
        with open(self.path(name) + "~", "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(self.path(name) + "~", self.path(name))

    def make_certificate(self, name):
        why = Cluster.openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-keyout", self.path(".key~"),
            "-out", self.path(".crt~"))
        if why:
            raise Mismatch(why)
        os.rename(self.path(".key~"), self.path(".key"))
        os.rename(self.path(".crt~"), self.path(".crt"))

    def log(self):
        with open(self.cluster.gateways[0].log, encoding="utf-8") as f:
            return f.read()


_all = Shared()
finish = _all.stack.close


def curl(path, *options, token=None):
    """(status, headers, body)"""
    c = _all.cluster
    words = ["curl", "-sk", "-i", "-m", "10", *options]
    if token:
        words += ["-H", f"Authorization: Bearer {token}"]
    done = subprocess.run(
        [*words, f"https://{c.gateways[0].https}{path}"],
        capture_output=True, check=True)
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines)
    return int(first.split()[1]), fields, body


def want(what, got, wanted):
    if got != wanted:
        raise Mismatch(f"{what}: {got!r} instead of {wanted!r}")


def test_files():
    """A script compressed and not, over HTTP/2 and HTTP/1.1; 304; HEAD; the
    dashboard's own paths; nothing beside it."""
    _all.start()
    for version in ("--http2", "--http1.1"):
        status, head, body = curl(f"/{NAME}", version)
        want("script", (status, body.decode()), (200, SCRIPT))
        want("cache", head["cache-control"],
             "public, max-age=31536000, immutable")
        for name, value in HEADERS.items():
            want(name, head.get(name), value)
        want("scripts of others", "script-src 'self';" in
             head["content-security-policy"], True)
        status, head, body = curl(f"/{NAME}", version, "-H",
                                  "accept-encoding: gzip")
        want("coding", head.get("content-encoding"), "gzip")
        want("inside", gzip.decompress(body).decode(), SCRIPT)
        status, head, body = curl("/", version)
        want("page", (status, body.decode(), head["cache-control"]),
             (200, PAGE, "no-cache"))
        status, _, body = curl("/", version, "-H",
                               f"if-none-match: {head['etag']}")
        want("the same", (status, body), (304, b""))
        status, head, body = curl("/", version, "--head")
        want("HEAD", (status, head["content-length"], body),
             (200, str(len(PAGE)), b""))
        status, _, body = curl("/calls/01ABC", version)
        want("a page of the dashboard", (status, body.decode()), (200, PAGE))
        for path in ("/assets/gone.js", "/sdk/gone.js", "/api/gone", "/ws2",
                     "/%2e%2e/.key", "/.key", "/../.key"):
            status, head, body = curl(path, version, "--path-as-is")
            if b"PRIVATE" in body or (status == 200 and
                                      body.decode() != PAGE):
                raise Mismatch(f"{path}: {status} {body[:80]}")
            if path[1:4] in ("ass", "sdk", "api"):
                want(path, status, 404)


def test_text_is_compressed():
    """Text of some size that is made for one answer, for those who ask."""
    _all.start()
    for version in ("--http2", "--http1.1"):
        status, head, body = curl("/metrics", version, "-H",
                                  "accept-encoding: gzip")
        want("metrics", (status, head.get("content-encoding")),
             (200, "gzip"))
        want("inside", gzip.decompress(body)[:6], b"# HELP")
        status, head, body = curl("/metrics", version)
        want("plain", (status, head.get("content-encoding"), body[:6]),
             (200, None, b"# HELP"))
        status, head, body = curl("/healthz", version, "-H",
                                  "accept-encoding: gzip")
        want("short", (status, head.get("content-encoding")), (200, None))


def test_files_change():
    """SIGHUP: the folder is read again; what is wrong is not taken."""
    c = _all.start()
    gateway = c.gateways[0]
    _all.put("index.html", "<!doctype html>two")
    gateway.process.signal(signal.SIGHUP)
    wait_for("the new page", lambda: curl("/")[2] == b"<!doctype html>two")
    os.unlink(_all.path("index.html"))
    gateway.process.signal(signal.SIGHUP)
    wait_for("it says what is wrong", lambda: "the old ones stay" in
             _all.log())
    want("page", curl("/")[2], b"<!doctype html>two")
    _all.put("index.html", PAGE)
    gateway.process.signal(signal.SIGHUP)
    wait_for("the old page", lambda: curl("/")[2] == PAGE.encode())


def connect():
    """A TLS connection, and its certificate's hash."""
    host, _, port = _all.cluster.gateways[0].https.rpartition(":")
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    sock = context.wrap_socket(socket.create_connection((host, int(port)),
                                                        timeout=10))
    return sock, hashlib.sha256(sock.getpeercert(True)).hexdigest()


def test_certificate_changes():
    """Found on disk: for new connections; those that are open go on.  A pair
    that does not match is refused, and the old one stays."""
    _all.start()
    old, was = connect()
    with old:
        _all.make_certificate("two.test")
        def other():
            sock, name = connect()
            sock.close()
            return name if name != was else None
        now = wait_for("the new certificate", other)
        old.sendall(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")
        want("old connection", old.recv(15), b"HTTP/1.1 200 OK")
    _all.put(".crt", "-----BEGIN CERTIFICATE-----\nbroken\n")
    wait_for("it says so", lambda: "the old one stays" in _all.log())
    sock, name = connect()
    sock.close()
    want("certificate", name, now)


def test_without():
    """A gateway without the folder says at / what is missing."""
    with cluster(nodes=1) as c:
        status, head, body = request("GET",
                                     f"http://{c.gateways[0].http}/")
        want("page", status, 200)
        if b"--web" not in body or "text/html" not in head["Content-Type"]:
            raise Mismatch(f"{head} {body}")
        if head["Strict-Transport-Security"]:
            raise Mismatch("HSTS without TLS")
