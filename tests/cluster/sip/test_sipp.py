# SPDX-License-Identifier: MIT
"""Scenarios of sipp (sipp/NAME.xml) over UDP, TCP and TLS.

A carrier calls: NAME_uac, at CALLER, whose address we know.  Who is called is
another carrier, at CALLED, whom we connect to: NAME_uas.  Debian's sipp has
no TLS; there it speaks TCP to a door beside it (tlsdoor.py)."""

import contextlib
import hashlib
import json
import os
import re
import socket
import tempfile

from harness import Mismatch, assert_clean, cluster, wait_for
from lib.cluster import DEMO
from rawphone import RawPhone
from sipp import Sipp
from tlsdoor import TlsDoor
from tlsphone import make_certificate

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sipp")
CALLER, CALLED = "127.0.0.2", "127.0.0.3"
TRANSPORTS = ("udp", "tcp", "tls")
_stack = contextlib.ExitStack()
_shared = None


def free_port(host):
    """For UDP and TCP."""
    while True:
        with socket.create_server((host, 0)) as s, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
            with contextlib.suppress(OSError):
                u.bind(s.getsockname())
                return s.getsockname()[1]


class Place:
    """One cluster, the carriers' ports, and doors for TLS."""

    def __init__(self, stack):
        self.port = free_port(CALLED)
        at = f"{CALLED}:{self.port}"
        folder = stack.enter_context(tempfile.TemporaryDirectory(
            prefix="sy-"))
        cert, key = make_certificate(folder, "carrier", "carrier.example")
        inner = stack.enter_context(TlsDoor(at, CALLED, CALLED, cert, key))
        self.called = {"udp": at, "tcp": at, "tls": inner.at}
        self.c = stack.enter_context(cluster(
            nodes=2, routers=2, config=self.configuration()))
        self.routers = [
            {"udp": r.udp, "tcp": r.tcp, "tls": {
                host: stack.enter_context(TlsDoor(r.tls, source=host)).at
                for host in ("127.0.0.1", CALLER)}}
            for r in self.c.routers]

    def configuration(self):
        with open(DEMO, encoding="utf-8") as f:
            conf = json.load(f)
        conf["trunks"] = [{"id": "in", "enabled": True, "sources": [CALLER],
                           "optionsS": 0, "target": CALLER}]
        conf["routes"] = [{"id": "echo", "order": 9, "pattern": "600",
                           "target": {"echo": True}}]
        for n, t in enumerate(TRANSPORTS):
            conf["trunks"].append({
                "id": t, "enabled": True, "sources": [], "optionsS": 0,
                "target": f"{self.called[t]};transport={t}"})
            conf["routes"].append({
                "id": t, "order": n, "pattern": f"7{n}X", "target": {
                    "external": {"trunk": t, "number": "$0"}}})
        return conf


def shared():
    global _shared
    if _shared is None:
        _shared = Place(_stack)
    return _shared


def finish():
    _stack.close()


def keys(transport, at, user, **more):
    """What the scenarios call [via], [at], [user]."""
    named = {"via": transport.upper(), "user": user,
             "at": f"{at};transport={transport}", **more}
    return [w for k, v in named.items() for w in ("-key", k, v)]


def sipp(name, host, port, transport, target=None, service="600", calls=1,
         user="sipp", at=None, auth_uri="switchyard", **more):
    """A call by a scenario, over the transport or, for TLS, to the door."""
    # -nr: a message that comes again is the scenario's to see.
    return Sipp(os.path.join(FOLDER, f"{name}.xml"), port, target, calls, 1,
                service, host=host, more=[
                    "-t", "u1" if transport == "udp" else "t1",
                    *(["-nr"] if name.startswith("lost") else []),
                    "-au", user, "-ap", f"demo-{user}",
                    "-auth_uri", auth_uri,
                    *keys(transport, at or f"{host}:{port}", user, **more)])


def ended_well(what, *processes, calls=1):
    """Each of them had its call, the last one so many, as its scenario has
    it."""
    for p in processes:
        try:
            got = p.end(20)
        except Mismatch:
            got = None
        if got != (calls if p is processes[-1] else 1, 0):
            raise Mismatch(f"{what}: " + "; ".join(
                f"{x.failures()} {x.errors()}" for x in processes))


def carriers(uac, uas, calls=1, meanwhile=None):
    """A carrier calls another one by each transport, the routers in turn; of
    `calls` the called one has all, and `meanwhile` ends some.  7{n}2 is its
    key [to]."""
    p = shared()
    for n, t in enumerate(TRANSPORTS):
        router = p.routers[n % len(p.routers)][t]
        if t == "tls":
            router = router[CALLER]
        with sipp(uas, CALLED, p.port, t, at=p.called[t], calls=calls,
                  to=f"7{n}2") as far:
            wait_for("sipp listens", lambda t=t: listens(p.port, t))
            with sipp(uac, CALLER, free_port(CALLER), t, router,
                      f"7{n}1") as near:
                if meanwhile:
                    meanwhile(p)
                ended_well(f"{uac}, {uas}, {t}", near, far, calls=calls)
        assert_clean(p.c)


def listens(port, transport):
    kind, state = ("udp", "07") if transport == "udp" else ("tcp", "0A")
    with open(f"/proc/net/{kind}", encoding="ascii") as f:
        return any(line.split()[1].endswith(f":{port:04X}") and
                   line.split()[3] == state for line in f)


def phones(name, user="1001", auth_uri="switchyard", more=None):
    """A phone of ours, by each transport; `more` makes further keys."""
    p = shared()
    for n, t in enumerate(TRANSPORTS):
        router = p.routers[n % len(p.routers)][t]
        if t == "tls":
            router = router["127.0.0.1"]
        with sipp(name, "127.0.0.1", free_port("127.0.0.1"), t, router,
                  user=user, auth_uri=auth_uri,
                  **(more(p) if more else {})) as s:
            ended_well(f"{name}, {t}", s)
        assert_clean(p.c)


def bound(user):
    return [r for r in shared().c.api("GET", "/api/registrations")["items"]
            if r["user"] == user]


# ------------------------------------------------------------------ phones

def test_register():
    """With MD5, and the end of all bindings by *."""
    phones("register")
    if bound("1001"):
        raise Mismatch(f"still registered: {bound('1001')}")


def sha256(p):
    """Credentials with SHA-256, which sipp has not: made here."""
    with RawPhone(p.c.routers[0]) as a:
        got = a.ask(a.request("REGISTER", "sip:switchyard",
                              To="<sip:1002@switchyard>"))
    value = next(v for v in got.all("www-authenticate") if "SHA-256" in v)
    nonce = re.search(r'nonce="([^"]*)"', value).group(1)

    def h(*parts):
        return hashlib.sha256(":".join(parts).encode()).hexdigest()
    response = h(h("1002", "switchyard", "demo-1002"), nonce, "00000001", "c",
                 "auth", h("REGISTER", "sip:switchyard"))
    return {"auth": 'Authorization: Digest username="1002", '
            f'realm="switchyard", nonce="{nonce}", uri="sip:switchyard", '
            f'response="{response}", algorithm=SHA-256, cnonce="c", '
            'qop=auth, nc=00000001'}


def test_register_sha256():
    phones("register_sha256", "1002", more=sha256)


def test_digest():
    """A phone with a password calls, and hangs up."""
    phones("digest_uac", auth_uri="600@switchyard")


# ---------------------------------------------------------------- carriers

def test_call():
    carriers("uac", "uas")


def test_callee_hangs_up():
    carriers("callee_bye_uac", "callee_bye_uas")


def test_late_offer():
    carriers("late_offer_uac", "uas")


def test_prack():
    carriers("prack_uac", "prack_uas")


def test_update():
    carriers("update_uac", "uas")


def test_hold():
    carriers("hold_uac", "uas")


def test_cancel():
    carriers("cancel_uac", "cancel_uas")


def test_lost_ack():
    """Our 200 comes until its ACK does."""
    carriers("lost_ack_uac", "uas")


def test_ack_again():
    """Each copy of a carrier's 200 has its ACK."""
    carriers("late_bye_uac", "lost_ack_uas")


def test_session_timer():
    """422, agreed to, refreshed by UPDATE and by re-INVITE."""
    carriers("timer_uac", "uas")


def transferred(p):
    """Who was called and to whom he was put through talk: hung up."""
    def both():
        return [x["id"] for x in p.c.api("GET", "/api/calls")["items"]
                if len(x["legs"]) == 2 and all(
                    leg["trunk"] != "in" for leg in x["legs"])
                and x["state"] == "CALL_ANSWERED"]
    p.c.api("DELETE", f"/api/calls/{wait_for('the transfer', both)[0]}")


def test_refer():
    """A carrier calls another one, and puts it through to the same."""
    carriers("refer_uac", "refer_uas", 2, transferred)


def test_redirect():
    """A carrier sends a call on to another number of its own; the caller is
    told, and talks with that one."""
    carriers("redirect_uac", "redirect_uas", 2)
