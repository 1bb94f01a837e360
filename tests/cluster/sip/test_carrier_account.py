# SPDX-License-Identifier: MIT
"""Kamailio as a carrier where we have an account: registered by digest, its
calls come to the registered contact, ours are challenged; another carrier when
one is gone; over TLS with certificates of both. Audio both ways in each."""

import json
import socket
import ssl
import tempfile
from contextlib import ExitStack

from harness import assert_clean, cluster, metrics, must, phones, wait_for
from kamailio import Kamailio
from lib.cluster import DEMO
from talk import end, hears, phone, tone
from tlsphone import connect, context, make_certificate

FAR_HZ = {"a": 1300, "b": 1500, "tls": 1700}
_stack = ExitStack()
_shared = None


def trunk(kam, at):
    return {"id": kam.name, "enabled": True, "target": at, "optionsS": 2,
            "username": "4930", "password": "zanzibar",
            "registration": {"registrar": at, "user": "4930"}}


def configuration(*trunks):
    """0... goes by the first, by the others when that is gone."""
    with open(DEMO, encoding="utf-8") as f:
        conf = json.load(f)
    ids = [t["id"] for t in trunks]
    conf["trunks"] = list(trunks)
    conf["routes"] = [
        {"id": "in", "order": 1, "pattern": "4930555.",
         "target": {"device": "$1"}},
        {"id": "out", "order": 2, "pattern": "0XXX", "source": "device",
         "target": {"external": {"trunk": ids[0], "number": "$0",
                                 "failover": ids[1:]}}}]
    return conf


class Here:
    """Two carriers, each with the customer 0301 as another phone, and us with
    the phone 1002."""

    def __init__(self):
        enter = _stack.enter_context
        self.kams = {n: enter(Kamailio(n)) for n in "ab"}
        self.cluster = enter(cluster(nodes=1, config=configuration(
            *(trunk(k, k.at) for k in self.kams.values()))))
        self.box = enter(phones())
        phone(self.box, self.cluster, "1002")
        for name in self.kams:
            self.starts(name)
        for name in self.kams:
            self.until(name, registered=True, reachable=True)

    def starts(self, name):
        """The carrier, and its customer."""
        self.kams[name].start("CHALLENGE")
        self.kams[name].customer(self.box, f"far-{name}", "0301",
                                 FAR_HZ[name])

    def starts_again(self, name):
        """With nothing in its memory."""
        self.kams[name].start("CHALLENGE")
        self.box.do("register", phone=f"far-{name}")
        self.box.expect("registered", phone=f"far-{name}", code=200)

    def until(self, name, seconds=30, **wanted):
        until(self.cluster, name, seconds, **wanted)

    def calls(self, name):
        """1002 calls 0301, whom this carrier has; heard, and ended."""
        both_ways(self.box, "1002", f"far-{name}", "0301", name)
        assert_clean(self.cluster)

    def failed(self, name):
        """Calls by a carrier that ended with 503, or without a word."""
        got = metrics(self.cluster.nodes[0])
        return sum(got.get(f'sy_trunk_calls_total{{trunk="{name}",'
                           f'direction="out",code="{code}"}}', 0)
                   for code in (408, 503))


def until(c, name, seconds=30, **wanted):
    def is_so():
        p = c.api("GET", f"/api/providers/{name}")
        return all(p.get(k, False) == v for k, v in wanted.items())
    wait_for(f"{name} is {wanted}", is_so, seconds)


def both_ways(box, caller, callee, to, name):
    box.do("call", phone=caller, to=to)
    box.expect("established", phone=caller)
    box.expect("established", phone=callee)
    hears(box, "1002", FAR_HZ[name])
    hears(box, f"far-{name}", tone("1002"))
    end(box, caller, callee)


def here():
    global _shared
    if _shared is None:
        _shared = Here()
    return _shared


def finish():
    _stack.close()


def test_called_at_the_registered_contact():
    """Both carriers lead our numbers to where we have registered."""
    h = here()
    for name in h.kams:
        both_ways(h.box, f"far-{name}", "1002", "49305551002", name)
        assert_clean(h.cluster)


def test_calls_are_challenged():
    """407 to each INVITE: answered, within one call."""
    h = here()
    h.calls("a")
    h.until("a", registered=True, lastCode=200)


def test_other_carrier():
    """One is stopped: a call meets that and goes by the other; once routers
    know, none meets it. When it is back, it comes first again."""
    h = here()
    h.until("a", registered=True, reachable=True)
    h.until("b", registered=True, reachable=True)
    for _ in range(3):
        before = h.failed("a")
        h.kams["a"].stop()
        h.calls("b")
        if h.failed("a") > before:
            break
        # Two OPTIONS were lost before the call was there: once more.
        h.starts_again("a")
        h.until("a", registered=True, reachable=True)
    must(h.failed("a"), before + 1, "calls that met the carrier's end")
    h.until("a", reachable=False)
    h.calls("b")
    must(h.failed("a"), before + 1, "calls by a carrier known to be gone")
    h.starts_again("a")
    h.until("a", reachable=True)
    h.calls("a")


def handshakes(at, ctx):
    """Is a client let in?  With TLS 1.3 it hears so by its first read."""
    try:
        with connect(at, ctx=ctx) as sock:
            sock.settimeout(2)
            sock.sendall(b"\r\n\r\n")
            return bool(sock.recv(1))
    except TimeoutError:
        return True
    except (ssl.SSLError, ConnectionError, socket.error):
        return False


def test_over_tls():
    """Registered and called over TLS; each shows the other a certificate, and
    nobody is let in without one."""
    with ExitStack() as stack:
        enter = stack.enter_context
        folder = enter(tempfile.TemporaryDirectory())
        cert, key = make_certificate(folder, "carrier", "carrier.example",
                                     "127.0.0.1")
        kam = enter(Kamailio("tls"))
        c = enter(cluster(nodes=1, config=configuration(
            trunk(kam, f"{kam.tls};transport=tls")),
            router_args=("--tls-ca", cert)))
        kam.start("CHALLENGE", "TLS", cert=cert, key=key,
                  ca=c.path("sip.crt"))
        must(handshakes(kam.tls, context()), False,
             "without a certificate")
        until(c, "tls", registered=True, reachable=True)
        p = c.api("GET", "/api/providers/tls")
        must(p["targets"][0]["address"], f"tls:{kam.tls}", "target")
        box = enter(phones())
        phone(box, c, "1002")
        kam.customer(box, "far-tls", "0301", FAR_HZ["tls"])
        both_ways(box, "1002", "far-tls", "0301", "tls")
        both_ways(box, "far-tls", "1002", "49305551002", "tls")
        assert_clean(c)
