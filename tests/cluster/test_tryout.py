# SPDX-License-Identifier: MIT
"""A provider is tried out: POST /api/providers/test, against Kamailio as the
carrier, and against what is wrong in the usual ways."""

import os
import tempfile
from contextlib import ExitStack

from harness import Mismatch, cluster, request
from kamailio import Kamailio
from nameserver import NameServer
from tlsphone import make_certificate

_stack = ExitStack()
_shared = None


def shared():
    """A router that trusts one certificate, and asks our DNS."""
    global _shared
    if _shared is None:
        folder = _stack.enter_context(tempfile.TemporaryDirectory())
        good = make_certificate(folder, "good", "carrier.example",
                                "127.0.0.1")
        bad = make_certificate(folder, "bad", "carrier.example", "127.0.0.1")
        kam = _stack.enter_context(Kamailio("t"))
        dns = _stack.enter_context(NameServer(
            "carrier.example NAPTR 10 10 SIP+D2U _sip._udp.carrier.example",
            f"_sip._udp.carrier.example SRV 1 1 {kam.port} a.carrier.example",
            "a.carrier.example A 127.0.0.1"))
        c = _stack.enter_context(cluster(
            nodes=1, router_args=("--tls-ca", good[0], "--dns-server",
                                  dns.at)))
        kam.start()
        _shared = c, kam, {"good": good, "bad": bad}
    return _shared


def finish():
    global _shared
    _shared = None
    _stack.close()


def tried(c, trunk):
    """The steps by name, and whether all is well."""
    status, _, got = request(
        "POST", f"http://{c.gateways[0].http}/api/providers/test", c.token,
        trunk)
    if status != 200:
        raise Mismatch(f"{status} {got}")
    return got["ok"], {s["name"]: s for s in got["steps"]}


def account(at, **more):
    return {"target": at, "username": "4930", "password": "zanzibar",
            "registration": {"registrar": at}, **more}


def failed(steps, name, *words):
    """It is that step that fails, says so, and the ones before do not."""
    step = steps[name]
    for word in words:
        if word not in step["detail"]:
            raise Mismatch(f"{name}: {step} without {word!r}")
    wrong = [n for n, s in steps.items() if not s["ok"]]
    if wrong != [name] or not step["advice"]:
        raise Mismatch(f"failed: {wrong}: {steps}")


def test_good():
    """By address and by name, with the account; nothing is registered."""
    c, kam, _ = shared()
    for at in (kam.at, "carrier.example"):
        ok, steps = tried(c, account(at))
        if not ok or list(steps) != ["dns", "connect", "options", "register"]:
            raise Mismatch(f"{at}: {steps}")
    if kam.at not in steps["dns"]["detail"]:
        raise Mismatch(f"where the name leads: {steps['dns']}")


def test_wrong_password():
    c, kam, _ = shared()
    ok, steps = tried(c, account(kam.at, password="wrong"))
    failed(steps, "register", "user name or password is wrong")
    ok, steps = tried(c, {"target": kam.at, "registration": {
        "registrar": kam.at, "user": "4930"}})
    failed(steps, "register", "wants a password")
    if ok:
        raise Mismatch("and yet all is well")


def test_nobody_there():
    """A name that is none, a port where nobody listens, by UDP and TCP."""
    c, kam, _ = shared()
    _, steps = tried(c, account("nowhere.example"))
    failed(steps, "dns", "no host", "nowhere.example")
    _, steps = tried(c, account("127.0.0.1:9;transport=tcp"))
    failed(steps, "connect", "refuses")
    _, steps = tried(c, {"target": "127.0.0.1:9"})
    failed(steps, "options", "does not answer")


def test_certificates():
    """A certificate that nobody vouches for, then the right one."""
    c, kam, certs = shared()
    at = f"{kam.tls};transport=tls"
    ca = os.path.join(c.dir, "sip.crt")
    for name in ("bad", "good"):
        cert, key = certs[name]
        kam.stop()
        kam.start("TLS", cert=cert, key=key, ca=ca)
        ok, steps = tried(c, account(at))
        if name == "bad":
            failed(steps, "connect", "certificate")
        elif not ok or "TLS" not in steps["connect"]["detail"]:
            raise Mismatch(f"with the right certificate: {steps}")
    kam.stop()
    kam.start()


def test_stored_and_refused():
    """One that is configured is tried by its id, with its password; what
    cannot be a trunk is refused."""
    c, kam, _ = shared()
    base = f"http://{c.gateways[0].http}"
    status, _, _ = request("PUT", f"{base}/api/providers/kam", c.token,
                           account(kam.at))
    if status != 201:
        raise Mismatch(f"PUT of a provider: {status}")
    ok, steps = tried(c, {"id": "kam"})
    if not ok or not steps["register"]["ok"]:
        raise Mismatch(f"{steps}")
    ok, steps = tried(c, {**account(kam.at), "id": "kam", "password": ""})
    if not ok:
        raise Mismatch(f"with the password that is stored: {steps}")
    for body, code in (({"id": "nobody"}, 400), ({"target": "a b"}, 400),
                       ({}, 400), ({"sources": ["192.0.2.7"]}, 400)):
        status, _, got = request("POST", f"{base}/api/providers/test",
                                 c.token, body)
        if status != code:
            raise Mismatch(f"{body}: {status} {got}, expected {code}")
    request("DELETE", f"{base}/api/providers/kam", c.token)
