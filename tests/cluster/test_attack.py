# SPDX-License-Identifier: MIT
"""What somebody who means harm may try by SIP, and what comes of it."""

import json

from harness import (Mismatch, assert_clean, cluster, free_base, metrics,
                     node_counts)
from lib.cluster import DEMO
from rawphone import SDP, Dialog, RawPhone


def demo():
    with open(DEMO, encoding="utf-8") as f:
        return json.load(f)


def code(what, got, *codes):
    """An answer, or None for none, is what was expected."""
    is_ = got.code if got else None
    if is_ not in codes:
        raise Mismatch(f"{what}: {is_}, expected {codes}")



# ---------------------------------------------------------------- spirals

def test_a_spiral_ends():
    """A trunk that leads back to the router: Max-Forwards goes through."""
    base = free_base()
    conf = demo()
    conf["trunks"] = [{"id": "loop", "enabled": True,
                       "sources": ["127.0.0.1"],
                       "target": f"127.0.0.1:{base + 5060}"}]
    conf["routes"] = [{"id": "round", "order": 1, "pattern": "7XX",
                       "target": {"external": {"trunk": "loop",
                                               "number": "$0"}}}]
    with cluster(nodes=1, config=conf, port_base=base) as c, \
            RawPhone(c.routers[0]) as a:
        a.send(a.invite("701"))
        code("a call that goes round", a.await_("final", 20), 483)
        hubs = metrics(c.nodes[0])["sy_node_placed_total"]
        if hubs > 40:
            raise Mismatch(f"{hubs} hubs of one INVITE")
        assert_clean(c)


# ------------------------------------------------------------------- size

def test_a_large_request_has_an_answer():
    """What a node could not take is refused by the router, and places
    nothing."""
    with cluster(nodes=1) as c, RawPhone(c.routers[0]) as a:
        fits = a.established("600", X_Large="x" * 5500)
        fits.bye()
        placed = metrics(c.nodes[0])["sy_node_placed_total"]
        for size in (7168, 8192, 30000, 60000):
            a.send(a.invite("600", X_Large="x" * size))
            code(f"{size} bytes", a.await_("final"), 513)
        for name in ("Call-ID", "From"):
            a.send(a.invite("600", **{name: {
                "Call-ID": "c" * 3000,
                "From": "<sip:1001@switchyard>;tag=" + "t" * 3000}[name]}))
            code(f"a large {name}", a.await_("final"), 513)
        if metrics(c.nodes[0])["sy_node_placed_total"] != placed:
            raise Mismatch("a hub was placed for it")
        assert_clean(c)


# --------------------------------------------------------- peers that are gone

def test_a_phone_that_vanished_is_missed():
    """Who sends no RTP is asked; who no longer knows the call loses it."""
    with cluster(nodes=1, node_args=["--probe-s", "1"]) as c, \
            RawPhone(c.routers[0], "1001") as a, \
            RawPhone(c.routers[0], "1002") as b:
        b.register()
        inv = a.call("1002")
        ring = b.await_("INVITE")
        b.answer(ring, 200, "OK", body=SDP.format(port=40004))
        b.await_("ACK")
        Dialog(a, inv, a.await_("final")).ack()
        for _ in range(2):
            for who in (a, b):
                who.answer(who.await_("OPTIONS"), 200, "OK")
        if node_counts(c)["sy_sip_dialogs"] != 2:
            raise Mismatch("who answers must stay")
        a.answer(a.await_("OPTIONS"), 200, "OK")
        b.answer(b.await_("OPTIONS"), 481, "Gone")
        for who in (a, b):
            who.answer(who.await_("BYE"), 200, "OK")
        assert_clean(c)
