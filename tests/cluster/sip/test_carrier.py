# SPDX-License-Identifier: MIT
"""Kamailio as the carrier that knows us by our address: its numbers lead to
our phones, ours call its customers; audio both ways, either side ends it."""

import json
from contextlib import ExitStack

from harness import assert_clean, cluster, phones
from kamailio import Kamailio
from lib.cluster import DEMO
from talk import end, hears, phone, tone

FAR_HZ = 1300
_stack = ExitStack()
_shared = None


def configuration(kam):
    with open(DEMO, encoding="utf-8") as f:
        conf = json.load(f)
    conf["trunks"] = [{"id": "kamailio", "enabled": True,
                       "sources": [kam.at], "target": kam.at}]
    conf["routes"] = [
        {"id": "in", "order": 1, "pattern": "4930555.",
         "source": "trunk:kamailio", "target": {"device": "$1"}},
        {"id": "out", "order": 2, "pattern": "0XXX", "source": "device",
         "target": {"external": {"trunk": "kamailio", "number": "$0"}}}]
    return conf


def shared():
    """A carrier with the customer 0301, and us with the phone 1002."""
    global _shared
    if _shared is None:
        kam = _stack.enter_context(Kamailio("a"))
        c = _stack.enter_context(cluster(nodes=1,
                                         config=configuration(kam)))
        kam.start("BY_ADDRESS", customer=c.routers[0].udp)
        box = _stack.enter_context(phones())
        phone(box, c, "1002")
        kam.customer(box, "far", "0301", FAR_HZ)
        _shared = c, box
    return _shared


def finish():
    _stack.close()


def call_both_ways_end(c, box, caller, callee, to):
    """Called, heard, and ended by the caller; then by who was called."""
    for ender, told in ((caller, callee), (callee, caller)):
        box.do("call", phone=caller, to=to)
        box.expect("established", phone=caller)
        box.expect("established", phone=callee)
        hears(box, "1002", FAR_HZ)
        hears(box, "far", tone("1002"))
        end(box, ender, told)
        assert_clean(c)


def test_kamailio_calls_our_number():
    c, box = shared()
    call_both_ways_end(c, box, "far", "1002", "49305551002")


def test_kamailio_is_called():
    c, box = shared()
    call_both_ways_end(c, box, "1002", "far", "0301")


def test_hold_across_kamailio():
    """Re-INVITEs take the route that Kamailio recorded."""
    c, box = shared()
    box.do("call", phone="1002", to="0301")
    box.expect("established", phone="1002")
    box.expect("established", phone="far")
    box.do("hold", phone="far")
    box.expect("held", phone="far", by="local")
    hears(box, "far", tone("1002"), present=False)
    box.do("resume", phone="far")
    box.expect("resumed", phone="far", by="local")
    hears(box, "far", tone("1002"))
    end(box, "1002", "far")
    assert_clean(c)


def test_kamailio_refuses():
    """404 for who is nobody's customer."""
    c, box = shared()
    box.do("call", phone="1002", to="0999")
    box.expect("closed", phone="1002", code=404)
    assert_clean(c)
