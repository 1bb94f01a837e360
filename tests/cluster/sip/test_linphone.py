# SPDX-License-Identifier: MIT
"""linphone as a phone, over each transport: it calls, is called, holds, sends
and receives digits, and puts a call through."""

import contextlib
import tempfile

from harness import Mismatch, cluster, wait_for
from linphone import REGISTERED, Linphone
from stranger_calls import configuration, walk
from tlsphone import make_certificate

_stack = contextlib.ExitStack()
_shared = None


def shared():
    """A cluster whose routers show a certificate for localhost, that one and
    another one as files, and the routers' ports for TLS by that name."""
    global _shared
    if _shared is None:
        folder = _stack.enter_context(tempfile.TemporaryDirectory(
            prefix="sy-"))
        cert, key = make_certificate(folder, "router", "localhost")
        other, _ = make_certificate(folder, "other", "localhost")
        c = _stack.enter_context(cluster(
            nodes=2, routers=2, config=configuration(),
            router_args=["--tls-cert", cert, "--tls-key", key]))
        port = c.routers[0].tls.rpartition(":")[2]
        _shared = c, f"localhost:{port}", cert, other
    return _shared


def finish():
    _stack.close()


def test_udp():
    c, *_ = shared()
    with Linphone("1001", c.routers[0].udp) as p:
        walk(c, p)


def test_tcp():
    c, *_ = shared()
    with Linphone("1001", c.routers[0].tcp, "tcp") as p:
        walk(c, p)


def test_tls():
    """With a certificate that is verified, and SRTP."""
    c, at, cert, _ = shared()
    with Linphone("1004", at, "tls", srtp="srtp", ca=cert) as p:
        walk(c, p)


def test_tls_refused():
    """A certificate that it does not trust, or for another name: it does not
    register."""
    c, at, cert, other = shared()
    for where, ca in ((at, other), (c.routers[0].tls, cert)):
        with Linphone("1001", where, "tls", ca=ca) as p:
            wait_for("it refuses", lambda p=p:
                     "Certificate verification failed" in p.log())
            if REGISTERED in p.log():
                raise Mismatch(f"registered at {where}")
