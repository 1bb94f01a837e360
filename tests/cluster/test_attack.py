# SPDX-License-Identifier: MIT
"""What somebody who means harm may try by SIP, and what comes of it."""

import contextlib
import json
import socket

from harness import (Mismatch, assert_clean, cluster, free_base, metrics,
                     node_counts, phones, wait_for)
from lib.cluster import DEMO
from rawmedia import RawMedia
from rawphone import SDP, Dialog, RawPhone
from talk import hears, phone, tone


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


# ------------------------------------------------------------- exhaustion

def test_rtp_ports_run_out_and_come_back():
    """Without a port: 503 and when to come again; then calls as before."""
    with cluster(nodes=1, node_args=["--rtp-ports", "31000-31019",
                                     "--rtp-quarantine-ms", "100"]) as c, \
            RawPhone(c.routers[0]) as a:
        calls, refused = [], None
        while not refused:
            inv = a.call("600")
            got = a.await_("final", call_id=inv.get("call-id"))
            if got.code == 200:
                calls.append(Dialog(a, inv, got))
                calls[-1].ack()
            else:
                refused = got
            if len(calls) > 10:
                raise Mismatch("more calls than ports")
        code("no port is left", refused, 503)
        if not refused.get("retry-after"):
            raise Mismatch("503 without Retry-After")
        for d in calls:
            d.bye()

        def again():
            inv = a.call("600")
            got = a.await_("final", call_id=inv.get("call-id"))
            if got.code != 200:
                return False
            d = Dialog(a, inv, got)
            d.ack()
            d.bye()
            return True
        wait_for("calls are taken again", again)
        a.send(a.request("ACK", "sip:600@switchyard"))  # astray: no answer


def test_one_address_does_not_take_all_tcp():
    """10,000 idle connections from one address leave room for others."""
    with cluster(nodes=1, router_args=["--tcp-max", "64", "--threads",
                                       "1"]) as c, contextlib.ExitStack() as s:
        host, _, port = c.routers[0].tcp.rpartition(":")

        def connect(source):
            sock = s.enter_context(socket.socket())
            sock.settimeout(5)
            sock.bind((source, 0))
            sock.connect((host, int(port)))
            return sock

        def refused():
            m = metrics(c.routers[0])
            return m['sy_router_tcp_total{event="refused"}']
        for _ in range(100):
            connect("127.0.0.1")
        wait_for("most are refused", lambda: refused() >= 50)
        with RawPhone(c.routers[0]) as a:
            ask = a.request("OPTIONS", "sip:switchyard").replace(
                "SIP/2.0/UDP", "SIP/2.0/TCP").encode()
            other = connect("127.0.0.2")
            other.sendall(ask)
            if not other.recv(100).startswith(b"SIP/2.0 200"):
                raise Mismatch("another address is locked out")


# --------------------------------------------------------------- RTP injection

def test_media_of_others_is_not_heard():
    """RTP from another port and another host, with the peer's SSRC and
    payload type: before, during and after its own it is heard by nobody."""
    with cluster(nodes=1) as c, phones() as box, \
            RawPhone(c.routers[0]) as a, RawMedia() as peer, \
            RawMedia() as eve, RawMedia("127.0.0.2") as far:
        phone(box, c, "1002")
        d = a.established("1002", port=peer.port)
        box.expect("established", phone="1002")
        eve.hz, far.hz, peer.hz = (2000,), (2600,), (1000,)
        far.aim(d.ok.body)
        for _ in range(4):  # a fifth one may be of a peer behind a NAT
            far.sock.sendto(far.packet(far.hz), far.to)
        peer.start(d.ok.body)
        hears(box, "1002", 1000)
        far.start(d.ok.body)
        eve.start(d.ok.body)
        hears(box, "1002", 1000)
        for hz in (2000, 2600):
            hears(box, "1002", hz, present=False)
        peer.hz = ()  # it falls silent: nobody takes its place
        hears(box, "1002", 1000, present=False)
        for hz in (2000, 2600):
            hears(box, "1002", hz, present=False)
        if metrics(c.nodes[0])["sy_media_foreign_packets_total"] < 20:
            raise Mismatch("they are not counted")
        call_id = c.api("GET", "/api/calls")["items"][0]["id"]
        legs = c.api("GET", f"/api/calls/{call_id}")["legs"]
        if not any(x["rxForeign"] >= 20 and x["rxPackets"] and x["txPackets"]
                   for x in legs):
            raise Mismatch(f"the leg does not tell: {legs}")
        with open(c.nodes[0].log, encoding="utf-8") as log:
            if log.read().count("media of others dropped") != 1:
                raise Mismatch("one warning is wanted")
        peer.hz = (1000,)
        hears(box, "1002", 1000)
        wait_for("the peer hears", lambda: peer.loud(tone("1002")))
        if eve.heard or far.heard:
            raise Mismatch("a stranger hears the call")
        d.bye()
        box.expect("closed", phone="1002")
        assert_clean(c)


def test_media_from_behind_a_nat():
    """A peer that is not where it says is heard, and hears."""
    with cluster(nodes=1) as c, phones() as box, \
            RawPhone(c.routers[0]) as a, RawMedia("127.0.0.2") as peer:
        phone(box, c, "1002")
        d = a.established("1002", port=9)
        box.expect("established", phone="1002")
        peer.hz = (1000,)
        peer.start(d.ok.body)
        hears(box, "1002", 1000)
        wait_for("the peer hears", lambda: peer.loud(tone("1002")))
        d.bye()
        box.expect("closed", phone="1002")
        assert_clean(c)


# ----------------------------------------------------------- relay and fraud

def test_nobody_is_relayed_for():
    """A phone cannot make a router send to anywhere, by Route, Request-URI,
    or tokens that it has seen in other places."""
    with cluster(nodes=1) as c, RawPhone(c.routers[0]) as a, \
            RawPhone(c.routers[0], "1003") as eve, \
            RawPhone(c.routers[0], "victim") as victim:
        d = a.established("600")
        route = d.ok.get("record-route")
        token = d.ok.contact().partition(":")[2].partition("@")[0]
        there = f"sip:x@{victim.me}"
        for r in (route, f"<sip:{victim.me};lr>",
                  f"{route}, <sip:{victim.me};lr>",
                  f"<sip:{token}@cluster;lr>"):
            for method in ("OPTIONS", "INVITE", "BYE", "MESSAGE", "ACK",
                           "SUBSCRIBE"):
                eve.send(eve.request(method, there, Route=r))
                eve.send(eve.request(method, d.ok.contact(), Route=r))
        for f in ({"Via": f"SIP/2.0/UDP {victim.me};branch=z9hG4bKv"},
                  {"Via": f"SIP/2.0/UDP {eve.me};branch=z9hG4bKw;"
                          f"received=127.0.0.9;maddr=127.0.0.9;rport=1"}):
            eve.send(eve.request("OPTIONS", there, **f))
        for via in (d.inv.get("via"), d.ok.get("via")):
            victim_via = f"SIP/2.0/UDP {victim.me};branch=z9hG4bKx"
            eve.send("SIP/2.0 200 OK\r\n" + "\r\n".join(
                [f"Via: {via}", f"Via: {victim_via}", "From: <sip:a@b>;tag=1",
                 "To: <sip:a@b>;tag=2", "Call-ID: forged", "CSeq: 1 INVITE",
                 "Content-Length: 0"]) + "\r\n\r\n")
        # the one that names the victim's port gets its answer at the source
        # only if the host is another; on one host the port counts
        while got := victim.receive(0.5):
            if got.method or got.get("call-id") == "forged":
                raise Mismatch(f"relayed: {got.start}")
        code("the call goes on", d.ask("OPTIONS"), 200)
        d.bye()
        assert_clean(c)


def test_calls_are_made_as_oneself():
    """Nobody calls, registers, hangs up or cancels as somebody else."""
    with cluster(nodes=2) as c, RawPhone(c.routers[0]) as a, \
            RawPhone(c.routers[0], "1002") as b, \
            RawPhone(c.routers[0], "1003") as eve:
        b.register()
        hijack = eve.register(To="<sip:1002@switchyard>")
        code("REGISTER for another", hijack, 403)
        other = "<sip:1001@switchyard>;tag=e1"
        code("INVITE as another", eve.ask(eve.challenged(
            "INVITE", "sip:600@switchyard", SDP.format(port=4000),
            From=other)), 403)
        d = a.established("600")
        for what, text in (
                ("the contact of a call", eve.request(
                    "INVITE", d.ok.contact(), SDP.format(port=4000))),
                ("the tag of a call", eve.request(
                    "INVITE", "sip:600@switchyard", SDP.format(port=4000),
                    To=d.ok.get("to"))),
                ("the Call-ID of a call", eve.challenged(
                    "INVITE", "sip:600@switchyard", SDP.format(port=4000),
                    **{"Call-ID": d.inv.get("call-id")})),
                ("BYE from a stranger", eve.request(
                    "BYE", d.ok.contact(), To=d.ok.get("to"),
                    **{"Call-ID": d.inv.get("call-id")})),
                ("BYE with a tag that was guessed", eve.request(
                    "BYE", d.ok.contact(), From=d.inv.get("from"),
                    To=d.ok.get("to") + "x",
                    **{"Call-ID": d.inv.get("call-id")}))):
            code(what, eve.ask(text), 481)
        inv = a.call("1002")
        ring = b.await_("INVITE")
        b.answer(ring, 180, "Ringing")
        for f in ({}, {"From": inv.get("from")},
                  {"From": inv.get("from"), "CSeq": inv.get(
                      "cseq").replace("INVITE", "CANCEL")}):
            code("CANCEL of another's call", eve.ask(eve.request(
                "CANCEL", "sip:1002@switchyard", **{
                    "Call-ID": inv.get("call-id"), **f})), 481)
        b.answer(ring, 200, "OK", body=SDP.format(port=40004))
        b.await_("ACK")
        e = Dialog(a, inv, a.await_("final", call_id=inv.get("call-id")))
        e.ack()
        code("the first call goes on", d.ask("OPTIONS"), 200)
        d.bye()
        e.bye()
        b.answer(b.await_("BYE"), 200, "OK")
        assert_clean(c)


def test_a_node_takes_sip_from_routers_only():
    with cluster(nodes=1) as c, RawPhone(c.routers[0]) as a:
        host, _, port = c.nodes[0].argv[
            c.nodes[0].argv.index("--sip") + 1].rpartition(":")
        for method in ("INVITE", "OPTIONS", "BYE", "CANCEL", "REGISTER"):
            a.send(a.request(method, "sip:600@switchyard"), (host, int(port)))
        a.silent()
        wait_for("they are counted", lambda: metrics(
            c.nodes[0])["sy_sip_no_token_total"] == 5)
