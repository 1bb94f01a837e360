# SPDX-License-Identifier: MIT
"""Offers that come late, cross each other, or sound before the answer; what is
asked within a call; and what is refused."""

import re

from harness import Shared, assert_clean, wait_for
from rawmedia import RawMedia
from rawphone import SDP, Dialog, RawPhone
from test_dialog import ALLOW, Call, must

shared = Shared(nodes=1)
finish = shared.finish


def port(text):
    return int(re.search(r"^m=audio (\d+)", text, re.M).group(1))


class Callee(Dialog):
    """The same call as its callee has it."""

    def __init__(self, p):
        self.phone = p.b
        self.cseq = 100
        self.req = p.req

    def text(self, method, body="", cseq=None, **f):
        if method != "ACK":
            self.cseq += 1
        return self.phone.request(
            method, re.search(r"<([^>]*)>", self.req.get("contact")).group(1),
            body, **{"From": self.req.get("to") + ";tag=t1",
                     "To": self.req.get("from"),
                     "Call-ID": self.req.get("call-id"),
                     "CSeq": f"{cseq or self.cseq} {method}",
                     "Route": self.req.all("record-route"), **f})

    def ask(self, method, body="", **f):
        text = self.text(method, body, **f)
        self.phone.send(text)
        return self.phone.await_("final", cseq=f"{self.cseq} {method}",
                                 call_id=self.req.get("call-id"))


def test_late_offer():
    """An INVITE without an offer: ours is in the 200, its answer in the ACK;
    whom we call always gets an offer."""
    c = shared()
    with Call(c) as p:
        inv = p.a.call(p.user, sdp="")
        p.req = p.b.await_("INVITE")
        must("m=audio" in p.req.body, True, "the callee's offer")
        p.b.answer(p.req, body=SDP.format(port=p.bm.port), Allow=ALLOW)
        p.b.await_("ACK")
        ok = p.a.await_("final", call_id=inv.get("call-id"))
        must((ok.code, "m=audio" in ok.body), (200, True), "our offer")
        p.d = Dialog(p.a, inv, ok)
        p.a.send(p.d.text("ACK", p.sdp()))
        p.am.start(ok.body)
        p.bm.start(p.req.body)
        p.heard()
        p.end()
        assert_clean(c)


def test_late_offer_without_an_answer():
    """An ACK that should have brought the answer to our offer and has none:
    the call ends, for both."""
    c = shared()
    with Call(c) as p:
        inv = p.a.call(p.user, sdp="")
        p.req = p.b.await_("INVITE")
        p.b.answer(p.req, body=SDP.format(port=p.bm.port))
        p.b.await_("ACK")
        ok = p.a.await_("final", call_id=inv.get("call-id"))
        p.a.send(Dialog(p.a, inv, ok).text("ACK"))
        for phone in (p.a, p.b):
            phone.answer(phone.await_("BYE"))
        assert_clean(c)


def test_late_offer_within_the_call():
    """A re-INVITE without an offer, by caller and callee: we offer what is in
    use, and take a new address in the ACK."""
    c = shared()
    with Call(c) as p:
        p.talk()
        with RawMedia() as am, RawMedia() as bm:
            am.hz, bm.hz = (600,), (900,)
            got = p.d.ask("INVITE")
            must((got.code, "PCMU" in got.body), (200, True), "our offer")
            p.a.send(p.d.text("ACK", SDP.format(port=am.port)))
            callee = Callee(p)
            got2 = callee.ask("INVITE")
            must((got2.code, "PCMU" in got2.body), (200, True), "the same")
            p.b.send(callee.text("ACK", SDP.format(port=bm.port)))
            am.start(got.body)
            bm.start(got2.body)
            wait_for("1001 hears at the new port", lambda: am.loud(900))
            wait_for("the other does", lambda: bm.loud(600))
            p.end()
        assert_clean(c)


def test_early_media_of_several_branches():
    """Two phones of one device sound before the answer: the first is heard,
    alone; when it fails the second; who answers is heard then."""
    c = shared()
    with Call(c) as p, RawPhone(c.routers[0], p.user) as o, RawMedia() as om:
        must(o.register().code, 200, "REGISTER")
        om.hz = (1200,)
        inv = p.a.call(p.user, sdp=p.sdp())
        first, second = p.b.await_("INVITE"), o.await_("INVITE")
        p.b.answer(first, 183, "Sounds", SDP.format(port=p.bm.port), tag="b")
        p.bm.start(first.body)
        early = p.a.await_(183, call_id=inv.get("call-id"))
        p.am.start(early.body)
        wait_for("the first is heard", lambda: p.am.loud(900))
        o.answer(second, 183, "Sounds", SDP.format(port=om.port), tag="o")
        om.start(second.body)
        wait_for("the first hears the caller", lambda: p.bm.loud(600))
        must(p.am.loud(900) and not p.am.loud(1200), True, "the first alone")
        must(om.loud(600), False, "the second hears")
        p.b.answer(first, 486, "Busy", tag="b")
        p.b.await_("ACK")
        wait_for("the second is heard", lambda: p.am.loud(1200))
        wait_for("the second hears", lambda: om.loud(600))
        o.answer(second, 200, "OK", SDP.format(port=om.port), tag="o")
        o.await_("ACK")
        ok = p.a.await_("final", call_id=inv.get("call-id"))
        must((ok.code, port(ok.body)), (200, port(early.body)),
             "the same description as in the 183")
        d = Dialog(p.a, inv, ok)
        d.ack()
        wait_for("they talk", lambda: p.am.loud(1200) and om.loud(600))
        d.bye()
        o.answer(o.await_("BYE"))
        o.register(Expires="0")
        assert_clean(c)


def held(c, state):
    call = wait_for("the call is shown",
                    lambda: c.api("GET", "/api/calls")["items"])[0]["id"]
    legs = c.api("GET", f"/api/calls/{call}")["legs"]
    leg = next(x["id"] for x in legs if x["user"] == "1001")
    c.api("PATCH", f"/api/calls/{call}/legs/{leg}", {"held": state})


def test_glare_491():
    """Offers that cross: the peer's gets 491 while ours waits, and our own,
    answered 491, comes again with the next CSeq and is the last word."""
    c = shared()
    with Call(c) as p:
        p.talk()
        held(c, True)
        ours = p.a.await_("INVITE")
        theirs = p.d.ask("INVITE", p.sdp("a=inactive\r\n"))
        must(theirs.code, 491, "their offer")
        p.d.ack()
        must(p.d.ask("UPDATE", p.sdp()).code, 491, "their UPDATE")
        p.a.answer(ours, 491, "Request Pending")
        p.a.await_("ACK")
        again = p.a.await_("INVITE", 8)
        must(int(again.get("cseq").split()[0]),
             int(ours.get("cseq").split()[0]) + 1, "CSeq")
        must("a=sendonly" in again.body, True, "our offer again")
        p.a.answer(again, body=p.sdp("a=recvonly\r\n"))
        p.a.await_("ACK")
        p.end()
        assert_clean(c)


def test_join_refused():
    """Join (RFC 3911) is not supported: who requires it gets 420, who only
    asks for it has a call of its own, and joins nothing."""
    c = shared()
    with Call(c) as p, RawPhone(c.routers[0], "1012") as other:
        p.talk()
        join = (f"{p.inv.get('call-id')};to-tag={p.d.ok.tag('to')}"
                f";from-tag={p.inv.tag('from')}")
        inv = other.call("600", Join=join, Require="join")
        got = other.await_("final", call_id=inv.get("call-id"),
                           cseq=inv.get("cseq"))
        must((got.code, got.get("unsupported")), (420, "join"), "the end")
        d = other.established("600", Join=join)
        wait_for("there are two calls", lambda: len(
            c.api("GET", "/api/calls")["items"]) == 2)
        p.heard()
        d.bye()
        p.end()
        assert_clean(c)


def test_options_within_the_call():
    """What an INVITE would be answered, from either side; after the call and
    in one that never was: 481."""
    c = shared()
    with Call(c) as p:
        p.talk()
        for d in (p.d, Callee(p)):
            got = d.ask("OPTIONS")
            must(got.code, 200, "OPTIONS")
            for name, part in (("allow", "UPDATE"), ("supported", "timer"),
                               ("accept", "application/sdp")):
                must(part in got.get(name), True, f"{name} has {part}")
        p.end()
        assert_clean(c)
        must(p.d.ask("OPTIONS").code, 481, "after the call")


def test_info_within_the_call():
    """A digit by INFO is heard by the other as an event; a body that is
    unknown is 415, a package 469; the call goes on."""
    c = shared()
    with Call(c) as p:
        p.ring()
        p.b.answer(p.req, body=SDP.format(port=p.bm.port).replace(
            "AVP 0", "AVP 0 101") + "a=rtpmap:101 telephone-event/8000\r\n",
            Allow=ALLOW)
        p.b.await_("ACK")
        ok = p.a.await_("final", call_id=p.inv.get("call-id"))
        p.d = Dialog(p.a, p.inv, ok)
        p.d.ack()
        p.am.start(ok.body)
        p.bm.start(p.req.body)
        p.heard()
        got = p.d.ask("INFO", "Signal=5\r\nDuration=160\r\n", **{
            "Content-Type": "application/dtmf-relay"})
        must(got.code, 200, "INFO")
        wait_for("the other hears the digit",
                 lambda: 5 in {e for _, e in p.bm.events})
        must(p.d.ask("INFO", "x", **{
            "Content-Type": "application/x-unknown"}).code, 415, "unknown")
        must(p.d.ask("INFO", "x", **{
            "Info-Package": "foo", "Content-Type": "text/plain"}).code, 469,
            "a package")
        p.heard()
        p.end()
        assert_clean(c)


def test_message_within_the_call():
    """A text goes to the other, from either side."""
    c = shared()
    text = {"Content-Type": "text/plain;charset=utf-8"}
    with Call(c) as p:
        p.ring(Allow=ALLOW)
        p.b.answer(p.req, body=SDP.format(port=p.bm.port), Allow=ALLOW)
        p.b.await_("ACK")
        ok = p.a.await_("final", call_id=p.inv.get("call-id"))
        p.d = Dialog(p.a, p.inv, ok)
        p.d.ack()
        for d, other in ((p.d, p.b), (Callee(p), p.a)):
            must(d.ask("MESSAGE", "Grüße", **text).code, 200, "MESSAGE")
            got = other.await_("MESSAGE")
            must(got.body, "Grüße", "what the other reads")
            other.answer(got)
        p.end()
        assert_clean(c)
