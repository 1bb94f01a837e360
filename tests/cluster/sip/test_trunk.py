# SPDX-License-Identifier: MIT
"""Trunks: registration by one router at a time, taken over when it dies;
health by OPTIONS; how their calls are known: by the Contact that was
registered, by a client certificate."""

import json
import os
import signal
import tempfile
from contextlib import ExitStack

from carrier import Carrier
from harness import Mismatch, assert_clean, cluster, must, wait_for
from lib.cluster import DEMO
from rawphone import SDP, RawPhone
from tlsphone import TlsPhone, connect, context, make_certificate

_stack = ExitStack()
_shared = None
CARRIERS = {
    "md5": {"algorithms": ("MD5",)},
    "sha": {"algorithms": ("SHA-256", "MD5"), "qop": "auth-int"},
    "sha512": {"algorithms": ("SHA-512-256",), "qop": "auth"},
    "stale": {"algorithms": ("SHA-256",), "nonce_uses": 1,
              "min_expires": 1200},
    "proxied": {},
    "tcp": {"tcp": True},
}


def registration(name, carrier):
    """Of one of them: a domain behind a proxy, a Contact that the carrier
    wants, a connection."""
    registrar = carrier.at + (";transport=tcp" if carrier.tcp else "")
    if name == "proxied":
        return {"registrar": "carrier.example", "user": "4930"}
    if name == "sha":
        return {"registrar": registrar, "user": "4930", "contactUser": "600"}
    return {"registrar": registrar, "user": "4930"}


def trunk(name, carrier, **more):
    target = carrier.at + (";transport=tcp" if carrier.tcp else "")
    return {"id": name, "enabled": True, "target": target,
            "username": "bob", "password": "zanzibar", "optionsS": 2,
            "registration": registration(name, carrier),
            "proxy": carrier.at if name == "proxied" else "", **more}


def configuration(trunks):
    with open(DEMO, encoding="utf-8") as f:
        conf = json.load(f)
    conf["trunks"] = [*conf["trunks"], *trunks]
    return conf


def shared():
    """Two routers, a carrier of each kind, and a PBX with a certificate."""
    global _shared
    if _shared is None:
        folder = _stack.enter_context(tempfile.TemporaryDirectory())
        cert, key = make_certificate(folder, "pbx", "pbx.example.com")
        carriers = {k: _stack.enter_context(Carrier(**v))
                    for k, v in CARRIERS.items()}
        trunks = [trunk(k, v) for k, v in carriers.items()]
        trunks.append({"id": "pbx", "enabled": True,
                       "certificates": ["pbx.example.com"]})
        c = _stack.enter_context(cluster(
            nodes=1, routers=2, config=configuration(trunks),
            router_args=("--tls-ca", cert)))
        _shared = c, carriers, (cert, key)
    return _shared


def finish():
    _stack.close()


def provider(c, name):
    return c.api("GET", f"/api/providers/{name}")


def until(c, name, what, seconds=10, **wanted):
    """GET /api/providers says so."""
    def is_so():
        p = provider(c, name)
        return p if all(p.get(k) == v for k, v in wanted.items()) else None
    return wait_for(f"{name} {what}", is_so, seconds)


def holder(c, name):
    router = provider(c, name)["router"]
    return next(r for r in c.routers if r.id == router)


def test_registers():
    """MD5; SHA-256 with auth-int; SHA-512-256; nonces that are stale after
    one use, and 423."""
    c, carriers, _ = shared()
    for name, carrier in carriers.items():
        m = carrier.registered()
        domain = "carrier.example" if name == "proxied" else carrier.at
        must((m.uri, m.get("to")),
             (f"sip:{domain}", f"<sip:4930@{domain}>"), f"{name}: To")
        must(m.get("route"), f"<sip:{carrier.at};lr>"
             if name == "proxied" else "", f"{name}: Route")
        must(";transport=tcp" in m.contact(), name == "tcp",
             f"{name}: Contact")
        p = until(c, name, "is registered", registered=True, reachable=True)
        must(p["lastCode"], 200, f"{name}: code")
        must(p.get("reason", ""), "", f"{name}: reason")
        must(len(carrier.bindings), 1, f"{name}: bindings")
    must(fields_of(carriers["sha"])["algorithm"], "SHA-256", "algorithm")
    must(int(carriers["stale"].registered().get("expires")), 1200,
         "Min-Expires")
    if not carriers["stale"].stale:
        raise Mismatch("no nonce was stale")
    ids = [p["id"] for p in c.api("GET", "/api/providers")["items"]]
    must(ids, sorted(["loop", "pbx", *CARRIERS]), "providers")
    if "zanzibar" in json.dumps(c.api("GET", "/api/providers")):
        raise Mismatch("the API shows a password")
    for r in c.routers:
        with open(r.log, encoding="utf-8") as f:
            if "zanzibar" in f.read():
                raise Mismatch(f"{r.id} logs a password")
    if b"zanzibar" in raw(c, "HGET", "sy:{config}:trunks", "md5"):
        raise Mismatch("Redis has a password")


def fields_of(carrier):
    from carrier import fields
    return fields(carrier.registered().get("authorization"))


def raw(c, *words):
    got = c.redis_command(*words)
    return got if isinstance(got, bytes) else str(got).encode()


# -------------------------------------------------------------- calls in

def answered(phone, number_uri, **head):
    """An INVITE that is answered without a challenge: hang up."""
    inv = phone.request("INVITE", number_uri, SDP.format(port=40010), **head)
    ok = phone.ask(inv)
    must(ok.code, 200, f"INVITE {number_uri}")
    head = {"From": ok.get("from"), "To": ok.get("to"),
            "Call-ID": ok.get("call-id"),
            "Route": ok.all("record-route")[::-1]}
    phone.send(phone.request("ACK", ok.contact(), CSeq="1 ACK", **head))
    must(phone.ask(phone.request("BYE", ok.contact(), CSeq="2 BYE",
                                 **head)).code, 200, "BYE")


def test_call_to_the_registered_contact():
    """From an address that nobody knows, by either router; the number is in
    To.  A mark that is not ours is a stranger's."""
    c, carriers, _ = shared()
    uri = carriers["md5"].registered().contact()
    # A Contact that the carrier wanted has its mark beside.
    with RawPhone(c.routers[0], "+4989123", host="127.0.0.9") as p:
        wanted = carriers["sha"].registered().contact()
        if not wanted.startswith("sip:600@") or ";sy=" not in wanted:
            raise Mismatch(f"Contact {wanted}")
        answered(p, wanted, To="<sip:4930@carrier.example>")
    for router in c.routers:
        with RawPhone(router, "+4989123", host="127.0.0.9") as p:
            answered(p, uri, To="<sip:600@carrier.example>")
            user = uri.split(":")[1].split("@")[0]
            forged = uri.replace(user, user[:-1] +
                                 ("A" if user[-1] != "A" else "B"))
            must(p.ask(p.request("INVITE", forged, SDP.format(port=40010),
                                 To="<sip:600@carrier.example>")).code,
                 407, "a mark that is not ours")
    assert_clean(c)


def test_certificate_is_the_trunk():
    """A client certificate names the PBX; another one's nobody."""
    c, _, (cert, key) = shared()
    ctx = context()
    ctx.load_cert_chain(cert, key)
    at = c.routers[0].tls
    with TlsPhone(at, "+4989", connect(at, ctx=ctx)) as p:
        answered(p, "sip:600@switchyard")
    with TlsPhone(at, "+4989") as p:
        must(p.ask(p.request("INVITE", "sip:600@switchyard",
                             SDP.format(port=40010))).code, 407,
             "without a certificate")
    assert_clean(c)


# ---------------------------------------------------------------- health

def test_mute_trunk_is_down():
    """Within seconds, with an event; and up again."""
    c, carriers, _ = shared()
    carrier = carriers["sha512"]
    until(c, "sha512", "is reachable", reachable=True, checked=True)
    carrier.mute = True
    p = until(c, "sha512", "is down", seconds=20, reachable=False)
    must(p["checked"], True, "checked")
    must(p["registered"], True, "registered until it lapses")
    carrier.mute = False
    p = until(c, "sha512", "is up", seconds=20, reachable=True)
    if not p["targets"][0].get("rttMs"):
        raise Mismatch(f"no round trip: {p}")


# --------------------------------------------------------------- takeover

def lease(c, name):
    return raw(c, "GET", f"sy:lease:{{trunk:{name}}}")


def test_router_ends_in_order():
    """Its trunks are given back before it is gone."""
    c, carriers, _ = shared()
    carrier = carriers["md5"]
    ends, was = holder(c, "md5"), lease(c, "md5")
    with carrier.lock:
        n = len(carrier.registers)
    os.kill(ends.pid, signal.SIGTERM)
    ends.process.wait(10)
    if lease(c, "md5") == was:
        raise Mismatch("the lease is that of the router that ended")
    again = carrier.registered(n + 1)
    if ends.udp in again.contact():
        raise Mismatch(f"Contact {again.contact()}")
    c.left(ends)
    c.join(ends.id)


def test_router_dies():
    """The other one goes on within seconds, with the same Call-ID and a
    higher CSeq, and takes the old contact away."""
    c, carriers, _ = shared()
    carrier = carriers["md5"]
    first = carrier.registered()
    dead = holder(c, "md5")
    with carrier.lock:
        n = len(carrier.registers)
    dead.process.kill()
    dead.process.wait(10)
    second = carrier.registered(n + 1, 15)
    must(second.get("call-id"), first.get("call-id"), "Call-ID")
    if int(second.get("cseq").split()[0]) <= \
            int(first.get("cseq").split()[0]):
        raise Mismatch(f"CSeq {second.get('cseq')} after "
                       f"{first.get('cseq')}")
    other = next(r for r in c.routers if r is not dead)
    if other.udp not in second.contact():
        raise Mismatch(f"Contact {second.contact()}")
    carrier.wait("the old contact is gone",
                 lambda: list(carrier.bindings) == [second.contact()])
    until(c, "md5", "has another router", registered=True, router=other.id)
    for name in CARRIERS:
        until(c, name, "is registered", registered=True, router=other.id)


# ---------------------------------------------------------- configuration

def test_refused_and_removed():
    """403 is told and not hammered; who is taken out of the configuration
    is unregistered."""
    c, carriers, _ = shared()
    with Carrier() as bad:
        bad.refuse = 403
        c.config = configuration(
            [trunk("sha", carriers["sha"]), trunk("bad", bad)])
        c.apply_config()
        for name in ("md5", "sha512", "stale"):
            carriers[name].wait("unregistered",
                                lambda n=name: not carriers[n].bindings, 20)
        p = until(c, "bad", "is refused", seconds=20, lastCode=403)
        must(p.get("registered", False), False, "registered")
        if "403" not in p["reason"]:
            raise Mismatch(f"reason: {p['reason']}")
        must([p["id"] for p in c.api("GET", "/api/providers")["items"]],
             ["bad", "loop", "sha"], "providers")
        must(len(carriers["sha"].bindings), 1, "the one that stays")
        # With other credentials it goes on at once.
        bad.refuse = 0
        c.config = configuration(
            [trunk("sha", carriers["sha"]), trunk("bad", bad, optionsS=3)])
        c.apply_config()
        bad.registered()
        until(c, "bad", "is registered", registered=True)
