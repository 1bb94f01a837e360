# SPDX-License-Identifier: MIT
"""Lamps that pick up: dialog-info names the dialog that rings (RFC 4235), an
INVITE with Replaces takes it (RFC 3891), at any router and node."""

import json
import xml.etree.ElementTree as ET
from contextlib import ExitStack

from harness import Shared, assert_clean, must, phones, wait_for
from lib.cluster import DEMO
from rawphone import SDP, RawPhone
from talk import phone
from test_presence import INFO, Watcher

CALLER, RINGS = "1001", "1002"
BY_RULE, BY_GROUP, NOBODY = "1003", "1004", "1018"
NAMES = ("call-id", "local-tag", "remote-tag")


def config():
    """One device may pick up by the dial plan, one by its group."""
    with open(DEMO, encoding="utf-8") as f:
        conf = json.load(f)
    for d in conf["devices"]:
        if d["id"] in (RINGS, BY_GROUP):
            d["pickupGroup"] = "desk"
    for r in conf["routes"]:
        if r["id"] == "pickup":
            r["source"] = f"device:{BY_RULE}"
    return conf


shared = Shared(nodes=2, routers=2, config=config())
finish = shared.finish


def dialog(msg):
    """The one dialog of a NOTIFY; None: there is none, or more."""
    found = ET.fromstring(msg.body).findall(INFO + "dialog")
    return found[0] if len(found) == 1 else None


def is_in(state):
    def look(msg):
        d = dialog(msg)
        return d is not None and d.find(INFO + "state").text == state
    return look


def named(w, state="early"):
    """Call-ID and tags of the dialog that a lamp is told."""
    d = dialog(w.until(is_in(state), f"that it is {state}"))
    return tuple(d.get(n) for n in NAMES), d


def replaces(names):
    """As phones make it: the remote tag is that of whom they call."""
    call_id, local, remote = names
    return f"{call_id};to-tag={remote};from-tag={local};early-only"


def call_of(c):
    return c.api("GET", "/api/calls")["items"][0]


def ring(box, b):
    """The phone whose lamp is watched rings."""
    box.do("call", phone=CALLER, to=RINGS)
    inv = b.await_("INVITE")
    b.answer(inv, 180, "Ringing")
    box.expect("ringing", phone=CALLER)
    return inv


def stops(b, inv):
    b.answer(b.await_("CANCEL"), 200, "OK")
    b.answer(inv, 487, "Request Terminated")
    b.await_("ACK")


def users(c):
    ident = call_of(c)["id"]
    return sorted(x["user"] for x in
                  c.api("GET", f"/api/calls/{ident}")["legs"])


def test_lamp_picks_up():
    """By rule and by group, through either router, also once the call has
    moved to another node; nobody else is told what is needed for it."""
    c = shared()
    with ExitStack() as stack, phones() as box:
        b = stack.enter_context(RawPhone(c.routers[0], RINGS))
        must(b.register().code, 200, "REGISTER")
        phone(box, c, CALLER)
        ws = [Watcher(stack, c.routers[i % 2], "dialog", RINGS, user=u)
              for i, u in enumerate((BY_GROUP, BY_RULE, NOBODY))]
        for w, move in ((ws[0], False), (ws[1], False), (ws[1], True)):
            for other in ws:
                other.until(lambda m: dialog(m) is None, "that it is free")
            inv = ring(box, b)
            want = (inv.get("call-id"), "t1", inv.tag("from"))
            got, d = named(w)
            must(got, want, "the dialog of the phone that rings")
            must(d.find(f"{INFO}remote/{INFO}target").get("uri"),
                 f"sip:{CALLER}@switchyard", "whom a phone would call")
            must(named(ws[2])[0], (None,) * 3, "what others are told")
            if move:
                call = call_of(c)
                node = next(n.id for n in c.nodes if n.id != call["node"])
                c.api("POST", f"/api/calls/{call['id']}/move",
                      {"node": node})
                wait_for("it moved",
                         lambda n=node: call_of(c)["node"] == n)
            p = w.phone
            e = p.established(CALLER, Replaces=replaces(got),
                              Require="replaces")
            stops(b, inv)
            box.expect("established", phone=CALLER)
            must(users(c), sorted([CALLER, p.user]), "who is in the call")
            e.bye()
            box.expect("closed", phone=CALLER)
            for other in ws:
                other.subscribe(again=other.ok)
        b.register(Expires="0")
    assert_clean(c)


def test_answered_is_not_named():
    """Who talks is not to be put out of the call by a lamp."""
    c = shared()
    with ExitStack() as stack, phones() as box:
        b = stack.enter_context(RawPhone(c.routers[0], RINGS))
        must(b.register().code, 200, "REGISTER")
        phone(box, c, CALLER)
        w = Watcher(stack, c.routers[1], "dialog", RINGS, user=BY_RULE)
        inv = ring(box, b)
        got, _ = named(w)
        b.answer(inv, 200, "OK", body=SDP.format(port=40000))
        b.await_("ACK")
        must(named(w, "confirmed")[0], (None,) * 3, "what is told")
        p = w.phone
        inv = p.call(CALLER, Replaces=replaces(got))
        must(p.await_("final", call_id=inv.get("call-id")).code, 486,
             "early-only, and it talks")
        box.do("hangup", phone=CALLER)
        b.answer(b.await_("BYE"), 200, "OK")
        b.register(Expires="0")
    assert_clean(c)
