# SPDX-License-Identifier: MIT
"""Reliable provisional answers (RFC 3262) and what they allow before the
answer: sound, offers by UPDATE, and a new node for both."""

import re
from contextlib import ExitStack

from harness import Mismatch, Shared, assert_clean, must, wait_for
from rawmedia import RawMedia
from rawphone import SDP, Dialog, RawPhone

REL = {"Supported": "100rel", "Allow": "INVITE, ACK, BYE, CANCEL, PRACK, "
       "UPDATE"}
A_HZ, B_HZ = (600,), (900,)

shared = Shared(nodes=2, later=["node-2"])
finish = shared.finish


def sdp(media, extra=""):
    return SDP.format(port=media.port) + extra


class Pair:
    """1001 calls 1011, which registered; both have media of their own."""

    def __init__(self, c):
        self.stack = ExitStack()
        enter = self.stack.enter_context
        self.a = enter(RawPhone(c.routers[0]))
        self.b = enter(RawPhone(c.routers[0], "1011"))
        self.am, self.bm = enter(RawMedia()), enter(RawMedia())
        self.am.hz, self.bm.hz = A_HZ, B_HZ

    def __enter__(self):
        must(self.b.register().code, 200, "REGISTER")
        return self

    def __exit__(self, *_):
        with self.stack:
            self.b.register(Expires="0")

    def call(self, offer=True, **f):
        """The INVITE at 1011."""
        self.inv = self.a.call("1011", sdp=sdp(self.am) if offer else "",
                               **f)
        return self.b.await_("INVITE")

    def sounds(self, req, rseq=1, tag="t1", **f):
        """1011 gives early media, and is acknowledged."""
        self.b.answer(req, 183, "Session Progress", sdp(self.bm), tag,
                      Require="100rel", RSeq=str(rseq), **{**REL, **f})
        got = self.b.await_("PRACK")
        must(got.get("rack"), f"{rseq} {req.get('cseq')}", "RAck")
        must(got.tag("to"), tag, "its early dialog")
        self.b.answer(got)

    def told(self, code=183):
        """1001 is told, reliably: that answer, and its early dialog."""
        got = self.a.await_(code, call_id=self.inv.get("call-id"))
        must(got.get("require"), "100rel", "Require")
        return got, Dialog(self.a, self.inv, got)

    def acknowledges(self, got, d, body=""):
        rack = f"{got.get('rseq')} {self.inv.get('cseq')}"
        ok = d.ask("PRACK", body, RAck=rack)
        must((ok.code, ok.get("cseq").split()[1]), (200, "PRACK"), "PRACK")
        return ok

    def answered(self, req, d, body=""):
        """1011 answers, and 1001 hears so, without a description."""
        self.b.answer(req, 200, "OK", body)
        self.b.await_("ACK")
        ok = self.a.await_("final", call_id=self.inv.get("call-id"))
        must((ok.code, ok.body), (200, ""), "the answer")
        self.acks(d)

    def acks(self, d):
        self.a.send(d.text("ACK", cseq=int(self.inv.get("cseq").split()[0])))

    def talk(self):
        for who, media, hz in (("1001", self.am, B_HZ), ("1011", self.bm,
                                                         A_HZ)):
            wait_for(f"{who} hears {hz}", lambda: media.loud(hz[0]))

    def bye(self, d):
        d.bye()
        self.b.answer(self.b.await_("BYE"))


def test_both_ways():
    """Early media is told reliably to the one and acknowledged to the other;
    neither 200 has a description; the codec is heard before and after."""
    c = shared()
    with Pair(c) as p:
        req = p.call(**REL)
        must(req.get("supported"), "100rel, histinfo, replaces, timer", "Supported")
        p.b.answer(req, 180, "Ringing")
        p.sounds(req)
        p.bm.start(req.body)
        got, d = p.told()
        p.am.start(got.body)
        # It comes again until its PRACK.
        again = p.a.await_(183, call_id=p.inv.get("call-id"))
        must(again.raw, got.raw, "the copy")
        must(d.ask("PRACK", RAck=f"1 {p.inv.get('cseq')}").code, 481,
             "a PRACK for none")
        p.acknowledges(got, d)
        p.talk()
        p.answered(req, d)
        p.talk()
        p.bye(d)
        assert_clean(c)


def test_required():
    """Who requires 100rel gets each provisional answer reliably; without a
    description in one of them it is in the 200."""
    c = shared()
    with Pair(c) as p:
        req = p.call(Require="100rel")
        p.b.answer(req, 180, "Ringing")
        got, d = p.told(180)
        p.acknowledges(got, d)
        p.b.answer(req, 200, "OK", sdp(p.bm))
        p.b.await_("ACK")
        ok = p.a.await_("final", call_id=p.inv.get("call-id"))
        must((ok.code, "m=audio" in ok.body), (200, True), "the answer")
        p.acks(d)
        p.bye(d)
        assert_clean(c)


def test_late_offer():
    """Who offers nothing is offered to in the 183, answers in the PRACK, and
    hears the other before it answers."""
    c = shared()
    with Pair(c) as p:
        req = p.call(offer=False, **REL)
        p.sounds(req)
        p.bm.start(req.body)
        got, d = p.told()
        must("m=audio" in got.body, True, "our offer")
        p.am.start(got.body)
        p.acknowledges(got, d, sdp(p.am))
        p.talk()
        p.answered(req, d)
        p.talk()
        p.bye(d)
        assert_clean(c)


def test_offers():
    """Before the answer a PRACK and an UPDATE may offer; hold by it is
    silence, and the other end hears nothing of it by SIP."""
    c = shared()
    with Pair(c) as p:
        req = p.call(**REL)
        p.sounds(req)
        p.bm.start(req.body)
        got, d = p.told()
        p.am.start(got.body)
        ok = p.acknowledges(got, d, sdp(p.am, "a=sendonly\r\n"))
        must("a=recvonly" in ok.body, True, "the answer in the 200 to PRACK")
        ok = d.ask("UPDATE", sdp(p.am))
        must((ok.code, "a=sendrecv" in ok.body), (200, True), "UPDATE")
        p.talk()
        text = p.b.request(
            "UPDATE", req.contact(), sdp(p.bm), **{
                "From": req.get("to") + ";tag=t1", "To": req.get("from"),
                "Call-ID": req.get("call-id"), "CSeq": "701 UPDATE",
                "Route": req.all("record-route")})
        ok = p.b.ask(text)
        must((ok.code, "m=audio" in ok.body), (200, True),
             "the callee's UPDATE")
        p.talk()
        p.answered(req, d)
        p.talk()
        p.bye(d)
        assert_clean(c)


def test_fork():
    """A fork below: each branch is acknowledged in its own dialog; the last
    that sounds is heard, then the one that answers."""
    c = shared()
    with Pair(c) as p, RawMedia() as other:
        other.hz = (1300,)
        req = p.call(**REL)
        p.sounds(req, 7, "one")
        p.bm.start(req.body)
        got, d = p.told()
        p.am.start(got.body)
        p.acknowledges(got, d)
        p.talk()
        p.b.answer(req, 183, "Session Progress", sdp(other), "two",
                   Require="100rel", RSeq="40", **REL)
        pr = p.b.await_("PRACK")
        must((pr.get("rack"), pr.tag("to")), (f"40 {req.get('cseq')}", "two"),
             "the other branch's PRACK")
        p.b.answer(pr)
        other.start(req.body)
        wait_for("the other branch is heard", lambda: p.am.loud(1300))
        p.b.answer(req, 200, "OK", sdp(p.bm), "one")
        must(p.b.await_("ACK").tag("to"), "one", "whose 200 is ACKed")
        p.b.answer(req, 200, "OK", sdp(other), "two")
        bye = p.b.await_("BYE")
        must(bye.tag("to"), "two", "who is let go")
        p.b.answer(bye)
        must(p.a.await_("final", call_id=p.inv.get("call-id")).code, 200,
             "the answer")
        p.acks(d)
        p.talk()
        p.bye(d)
        assert_clean(c)


def moved(media, who, cseq):
    """One is told by UPDATE where its sound is to go."""
    upd = who.await_("UPDATE", 10)
    if int(upd.get("cseq").split()[0]) <= cseq:
        raise Mismatch(f"CSeq {upd.get('cseq')}, not above {cseq}")
    host = re.search(r"^c=IN IP4 (\S+)", upd.body, re.M).group(1)
    port = int(re.search(r"^m=audio (\d+)", upd.body, re.M).group(1))
    media.to = (host, port)
    who.answer(upd, body=sdp(media))


def test_dies():
    """A node dies while both ends hear each other before the answer: they are
    told by UPDATE, hear each other again, and the call is answered."""
    c = shared()
    with Pair(c) as p:
        req = p.call(**REL)
        p.sounds(req)
        p.bm.start(req.body)
        got, d = p.told()
        p.am.start(got.body)
        p.acknowledges(got, d)
        p.talk()
        c.join("node-2")
        node = next(n for n in c.nodes if n.id == "node-1")
        node.process.kill()
        c.left(node)
        cseq = int(req.get("cseq").split()[0])
        moved(p.bm, p.b, cseq)
        moved(p.am, p.a, 0)
        del p.am.heard[:], p.bm.heard[:]
        p.talk()
        p.answered(req, d)
        p.talk()
        p.bye(d)
        assert_clean(c)
