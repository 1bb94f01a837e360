# SPDX-License-Identifier: MIT
"""Phones that come, go and vanish: what operators, lamps and the API hear of
it."""

import json
from contextlib import ExitStack

from harness import Mismatch, assert_clean, cluster, must, wait_for
from lib.cluster import DEMO
from rawphone import RawPhone
from wsfeed import Feed
from wsphone import WsPhone

MIN_S = 2
_stack = ExitStack()
_cluster = None


def shared():
    """Two routers, where a registration may be brief."""
    global _cluster
    if _cluster is None:
        with open(DEMO, encoding="utf-8") as f:
            conf = json.load(f)
        conf["settings"]["registerMinS"] = MIN_S
        _cluster = _stack.enter_context(cluster(nodes=1, routers=2,
                                                config=conf))
    return _cluster


def finish():
    _stack.close()


def told(c, device):
    """(type, contact, reason, member) of a device's events, oldest first."""
    got = c.api("GET", "/api/events?format=json&limit=500"
                       "&type=REGISTERED,UNREGISTERED")["items"]
    return sorted(
        (e["at"], e["type"], f"<{e['registration']['bindings'][0]['contact']}>",
         e.get("reason", ""), e["member"]) for e in got
        if e["registration"]["device"] == device)


def until_told(c, device, *wanted):
    """Just these, of (type, contact, reason)."""
    def is_so():
        return [e[1:4] for e in told(c, device)] == list(wanted)
    try:
        wait_for(f"events of {device}", is_so, 8)
    except Mismatch as e:
        raise Mismatch(f"{e}: {told(c, device)}, expected {wanted}") from e


def test_comes_and_goes():
    """Each contact in an event of the router that took it; a refresh is none.
    By either router, by UDP and WebSocket."""
    c = shared()
    with RawPhone(c.routers[0], "1001") as a, \
            WsPhone(c.routers[1].ws, "1001") as b:
        came = [("REGISTERED", p.contact, "") for p in (a, b)]
        for n, p in enumerate((a, b)):
            must(p.register().code, 200, "REGISTER")
            must(p.register(Expires="900").code, 200, "a refresh")
            until_told(c, "1001", *came[:n + 1])
        must([e[4] for e in told(c, "1001")], [r.id for r in c.routers],
             "who tells it")
        must(a.register(Expires="0").code, 200, "unregistered")
        went = [("UNREGISTERED", p.contact, "unregistered") for p in (a, b)]
        until_told(c, "1001", *came, went[0])
        must(b.register(Expires="0", Contact="*").code, 200, "all of them")
        until_told(c, "1001", *came, *went)
    assert_clean(c)


def test_feed():
    """The same on /ws, in the topic "events"."""
    c = shared()
    with Feed(c.gateways[0].http, c.token) as w, \
            RawPhone(c.routers[1], "1002") as a:
        w.subscribe("events")
        w.snapshot("events")
        for expires, kind in (("600", "REGISTERED"), ("0", "UNREGISTERED")):
            must(a.register(Expires=expires).code, 200, "REGISTER")
            ev = w.wait(lambda m: m.get("event", {}).get("registration", {})
                        .get("device") == "1002")["event"]
            must((ev["type"], ev["registration"]["bindings"][0]["received"]),
                 (kind, f"udp:{a.me}"), "the event")
    assert_clean(c)


def test_vanishes():
    """Who says nothing any more is told of when its time is over, once, and
    lamps are; which router had it does not matter, nor that one is gone."""
    c = shared()
    wanted = []
    with RawPhone(c.routers[0], "1019") as lamp, \
            RawPhone(c.routers[0], "1003") as a:
        sub = lamp.challenged("SUBSCRIBE", "sip:1003@switchyard",
                              Event="presence", Expires="600")
        lamp.send(sub)

        def shown(text):
            while True:
                msg = lamp.await_("NOTIFY", 8)
                lamp.answer(msg, 200, "OK")
                if f"<note>{text}</note>" in msg.body:
                    return
        shown("Offline")
        for dead in (None, c.routers[1]):
            if dead:
                dead.process.kill()
                c.left(dead)
            must(a.register(Expires=str(MIN_S)).code, 200, "REGISTER")
            shown("Online")
            wanted += [("REGISTERED", a.contact, ""),
                       ("UNREGISTERED", a.contact, "expired")]
            shown("Offline")
            until_told(c, "1003", *wanted)
            must([r["device"] for r in c.api("GET", "/api/registrations")
                  ["items"] if r["device"] == "1003"], [], "still listed")
            if dead:
                c.join(dead.id)
    assert_clean(c)
