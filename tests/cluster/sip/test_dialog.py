# SPDX-License-Identifier: MIT
"""What phones of every age do within a call: hold in each form, glare, bodies
of several parts, texts, INFO, and why a call ended."""

import re
from contextlib import ExitStack

from harness import Mismatch, Shared, assert_clean, must, request, wait_for
from rawmedia import RawMedia
from rawphone import SDP, Dialog, RawPhone
from survive import records

ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'
ALLOW = "INVITE, ACK, BYE, CANCEL, MESSAGE"

shared = Shared(nodes=1)
finish = shared.finish


class Call:
    """1001 talks with 1011; each has a tone."""

    def __init__(self, c, user="1011"):
        self.stack = ExitStack()
        enter = self.stack.enter_context
        self.a = enter(RawPhone(c.routers[0]))
        self.b = enter(RawPhone(c.routers[0], user))
        self.am, self.bm = enter(RawMedia()), enter(RawMedia())
        self.am.hz, self.bm.hz = (600,), (900,)
        self.user = user

    def __enter__(self):
        must(self.b.register().code, 200, "REGISTER")
        return self

    def __exit__(self, *_):
        with self.stack:
            self.b.register(Expires="0")

    def ring(self, sdp=None, **f):
        self.inv = self.a.call(self.user, sdp=sdp or self.sdp(), **f)
        self.req = self.b.await_("INVITE")
        self.b.answer(self.req, 180, "Ringing")
        return self.req

    def talk(self, **f):
        self.ring(**f)
        self.b.answer(self.req, body=SDP.format(port=self.bm.port),
                      Allow=ALLOW)
        self.b.await_("ACK")
        ok = self.a.await_("final", call_id=self.inv.get("call-id"))
        must(ok.code, 200, "the answer")
        self.d = Dialog(self.a, self.inv, ok)
        self.d.ack()
        for media, text in (self.am, ok.body), (self.bm, self.req.body):
            if media.running:
                media.to = ("127.0.0.1", int(
                    re.search(r"^m=audio (\d+)", text, re.M).group(1)))
            else:
                media.start(text)
        self.heard()

    def sdp(self, extra=""):
        return SDP.format(port=self.am.port) + extra

    def heard(self):
        del self.am.heard[:], self.bm.heard[:]
        wait_for("1001 hears", lambda: self.am.loud(900))
        wait_for("the other hears", lambda: self.bm.loud(600))

    def offer(self, text, method="INVITE"):
        got = self.d.ask(method, text)
        if method == "INVITE":
            self.d.ack()
        must(got.code, 200, f"{method} {text[-40:]!r}")
        return got

    def end(self):
        self.d.bye()
        self.b.answer(self.b.await_("BYE"))


def deaf(call):
    """No tone comes any more, in either direction."""
    def quiet():
        n, m = len(call.am.heard), len(call.bm.heard)
        wait_for("time passes", lambda: len(call.bm.heard) > m + 1600)
        return len(call.am.heard) == n and not call.bm.loud(600, 0.2)
    wait_for("1001 is on hold", quiet)


def test_hold_in_every_form():
    """Each form is answered by RFC 3264, silences both ways, and ends by a
    full offer, or by a re-INVITE without one."""
    c = shared()
    with Call(c) as p:
        p.talk()
        plain = p.sdp()
        forms = [
            ("sendonly", plain + "a=sendonly\r\n", "recvonly", "INVITE"),
            ("inactive", plain + "a=inactive\r\n", "inactive", "INVITE"),
            ("inactive by UPDATE", plain + "a=inactive\r\n", "inactive",
             "UPDATE"),
            ("of the session", plain.replace("m=", "a=inactive\r\nm="),
             "inactive", "INVITE"),
            ("0.0.0.0", plain.replace("c=IN IP4 127.0.0.1",
                                      "c=IN IP4 0.0.0.0"), None, "INVITE"),
            ("0.0.0.0, inactive",
             plain.replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0")
             + "a=inactive\r\n", "inactive", "INVITE"),
        ]
        for name, text, wanted, method in forms:
            got = p.offer(text, method)
            found = re.findall(r"^a=(sendrecv|sendonly|recvonly|inactive)",
                               got.body, re.M)
            if wanted and found != [wanted]:
                raise Mismatch(f"{name}: {found}, not {wanted}")
            # twice is once
            p.offer(text, method)
            if name != "sendonly":
                deaf(p)
            p.offer(plain)
            p.heard()
        got = p.offer(plain.replace(f"audio {p.am.port}", "audio 0"))
        must("m=audio 0 " in got.body, True, "the answer to port 0")
        deaf(p)

        # resumed by a re-INVITE without an offer: ours, answered in the ACK
        got = p.d.ask("INVITE")
        must((got.code, "m=audio" in got.body), (200, True), "our offer")
        p.a.send(p.d.text("ACK", plain))
        p.heard()
        p.end()
        assert_clean(c)


def test_both_hold():
    """Both hold, and each resumes for itself; a hold that changes the codec
    on the way changes it."""
    c = shared()
    with Call(c) as p:
        wait_for("no call is shown",
                 lambda: not c.api("GET", "/api/calls")["items"])
        p.talk()
        hub = wait_for("there is a call",
                       lambda: c.api("GET", "/api/calls")["items"])[0]["id"]
        legs = c.api("GET", f"/api/calls/{hub}")["legs"]
        leg = next(x["id"] for x in legs if x["user"] == "1001")
        p.offer(p.sdp("a=sendonly\r\n").replace("AVP 0", "AVP 8"))
        c.api("PATCH", f"/api/calls/{hub}/legs/{leg}", {"held": True})
        inv = p.a.await_("INVITE")
        must("a=inactive" in inv.body, True, "our hold of one that holds")
        p.a.answer(inv, body=p.sdp("a=inactive\r\n"))
        p.a.await_("ACK")
        got = p.offer(p.sdp())
        must("a=sendonly" in got.body, True, "it is still held by us")
        # It is refused (409) until the ACK to the peer's offer has come.
        wait_for("it may be resumed", lambda: request(
            "PATCH", f"http://{c.gateways[0].http}/api/calls/{hub}/legs/{leg}",
            c.token, {"held": False})[0] == 200)
        inv = p.a.await_("INVITE")
        # glare: the peer's offer crosses ours, which comes again
        p.a.answer(inv, 491, "Request Pending")
        p.a.await_("ACK")
        inv = p.a.await_("INVITE")
        must("a=sendrecv" in inv.body, True, "again, after 491")
        must(p.d.ask("INVITE", p.sdp()).code, 491, "while ours waits")
        p.a.answer(inv, body=p.sdp())
        p.a.await_("ACK")
        p.heard()
        p.end()
        assert_clean(c)


def test_reason_of_bye():
    """Why one hung up is told to the other, and kept in the record; who says
    nothing cleared the call normally."""
    c = shared()
    with Call(c) as p:
        p.talk()
        before = len(records(c))
        why = 'Q.850;cause=31;text="Normal, unspecified"'
        must(p.d.ask("BYE", Reason=why).code, 200, "BYE")
        got = p.b.await_("BYE")
        must(got.get("reason"), why, "the Reason of the other's BYE")
        p.b.answer(got)
        assert_clean(c)
        wait_for("the record", lambda: len(records(c)) > before)
        must(why in str(records(c)), True, "the Reason in the record")
        p.talk()
        p.d.bye()
        got = p.b.await_("BYE")
        must(got.get("reason").startswith("Q.850;cause=16"), True,
             "a Reason of ours")
        p.b.answer(got)
        assert_clean(c)


def test_reason_of_cancel():
    """Who lost a ring is told that it was answered elsewhere; a caller's own
    Reason goes on to whom it called."""
    c = shared()
    with Call(c) as p, RawPhone(c.routers[0], "1011") as other:
        must(other.register().code, 200, "the other phone")
        req = p.ring()
        lost = other.await_("INVITE")
        other.answer(lost, 180, "Ringing", tag="t2")
        p.b.answer(req, body=SDP.format(port=p.bm.port))
        cancel = other.await_("CANCEL")
        must(cancel.get("reason"), ELSEWHERE, "the Reason of CANCEL")
        other.answer(cancel, tag="t2")
        other.answer(lost, 487, "Terminated", tag="t2")
        other.await_("ACK")
        ok = p.a.await_("final", call_id=p.inv.get("call-id"))
        d = Dialog(p.a, p.inv, ok)
        d.ack()
        p.b.await_("ACK")
        d.bye()
        p.b.answer(p.b.await_("BYE"))
        other.register(Expires="0")

        req = p.ring()
        p.a.await_(180, call_id=p.inv.get("call-id"))
        p.a.send(p.a.request("CANCEL", p.inv.uri, **{
            "Via": p.inv.get("via"), "From": p.inv.get("from"),
            "To": p.inv.get("to"), "Call-ID": p.inv.get("call-id"),
            "CSeq": p.inv.get("cseq").split()[0] + " CANCEL",
            "Reason": ELSEWHERE}))
        cancel = p.b.await_("CANCEL")
        must(cancel.get("reason"), ELSEWHERE, "the caller's Reason")
        p.b.answer(cancel)
        p.b.answer(req, 487, "Terminated")
        assert_clean(c)


def test_texts():
    """MESSAGE goes to the others who take it; else 405; what is no text is
    415; OPTIONS says what an INVITE would; an unknown INFO package is 469."""
    c = shared()
    text = {"Content-Type": "text/plain;charset=utf-8"}
    with Call(c) as p:
        p.talk()
        got = p.d.ask("MESSAGE", "Grüße", **text)
        must(got.code, 200, "MESSAGE")
        m = p.b.await_("MESSAGE")
        must((m.body, m.get("content-type")),
             ("Grüße", text["Content-Type"]), "what the other reads")
        p.b.answer(m)
        must(p.d.ask("MESSAGE", "x", **{
            "Content-Type": "application/xml"}).code, 415, "no text")
        got = p.d.ask("INFO", "x", **{"Info-Package": "foo",
                                      "Content-Type": "text/plain"})
        must((got.code, "recv-info" in dict(got.headers)), (469, True),
             "INFO of a package")
        got = p.d.ask("OPTIONS")
        must(got.code, 200, "OPTIONS")
        for name, part in (("allow", "PRACK"), ("supported", "100rel"),
                           ("accept", "application/sdp")):
            if part not in got.get(name):
                raise Mismatch(f"OPTIONS: {name}: {got.get(name)}")
        p.end()
        assert_clean(c)
    with RawPhone(c.routers[0]) as a:
        d = a.established("600")
        got = d.ask("MESSAGE", "x", **text)
        must((got.code, "MESSAGE" in got.get("allow")), (405, False),
             "MESSAGE to an echo")
        d.bye()
        assert_clean(c)


def test_bodies():
    """A description in a part of a body is found; what may be left alone is;
    what is encoded, or unknown, is refused."""
    c = shared()
    multi = {"Content-Type": 'multipart/mixed;boundary="b"'}
    with RawPhone(c.routers[0]) as a:
        body = ("--b\r\nContent-Type: application/isup\r\n\r\nx\r\n"
                "--b\r\nContent-Type: application/sdp\r\n\r\n"
                + SDP.format(port=40000) + "\r\n--b--\r\n")
        d = a.established("600", sdp=body, **multi)
        must("m=audio" in d.ok.body, True, "the answer")
        got = d.ask("INVITE", "x", **{"Content-Type": "text/plain"})
        must((got.code, "application/sdp" in got.get("accept")), (415, True),
             "a body that is unknown")
        d.ack()
        got = d.ask("INVITE", SDP.format(port=40000),
                    **{"Content-Encoding": "gzip"})
        must((got.code, got.get("accept-encoding")), (415, "identity"),
             "one that is encoded")
        d.ack()
        got = d.ask("UPDATE", "x", **{
            "Content-Type": "text/plain",
            "Content-Disposition": "render;handling=optional"})
        must((got.code, got.body), (200, ""), "one that may be left alone")
        video = (SDP.format(port=40000) + "m=video 40010 RTP/AVP 96\r\n"
                 "a=rtpmap:96 H264/90000\r\nm=application 9 UDP/BFCP *\r\n"
                 "a=floorctrl:c-s\r\nm=audio 40020 RTP/AVP 0\r\na=foo:bar\r\n")
        got = d.ask("INVITE", video)
        d.ack()
        must([int(x) > 0 for x in
              re.findall(r"^m=\w+ (\d+)", got.body, re.M)],
             [True, False, False, False], "the ports of the answer")
        d.bye()
        assert_clean(c)


def test_cancel_crosses_200():
    """A 200 that crosses our CANCEL is ACKed and ended by BYE; a caller's
    CANCEL that comes after the answer changes nothing."""
    c = shared()
    with Call(c) as p:
        req = p.ring()
        p.a.await_(180, call_id=p.inv.get("call-id"))
        cancel = p.a.request("CANCEL", p.inv.uri, **{
            "Via": p.inv.get("via"), "From": p.inv.get("from"),
            "To": p.inv.get("to"), "Call-ID": p.inv.get("call-id"),
            "CSeq": p.inv.get("cseq").split()[0] + " CANCEL"})
        p.a.send(cancel)
        got = p.b.await_("CANCEL")
        p.b.answer(req, body=SDP.format(port=p.bm.port))
        p.b.answer(got)
        p.b.await_("ACK")
        p.b.answer(p.b.await_("BYE"))
        must(p.a.await_("final", call_id=p.inv.get("call-id"),
                        cseq=p.inv.get("cseq")).code, 487, "the caller's end")
        assert_clean(c)

        p.talk()
        late = p.a.request("CANCEL", p.inv.uri, **{
            "Via": p.inv.get("via"), "From": p.inv.get("from"),
            "To": p.inv.get("to"), "Call-ID": p.inv.get("call-id"),
            "CSeq": p.inv.get("cseq").split()[0] + " CANCEL"})
        must(p.a.ask(late).code, 200, "a CANCEL that is late")
        p.heard()
        p.end()
        assert_clean(c)


def test_2xx_again():
    """A 200 comes until its ACK does; each copy of a phone's 200 gets the ACK
    again."""
    c = shared()
    with Call(c) as p:
        req = p.ring()
        p.b.answer(req, body=SDP.format(port=p.bm.port))
        ack = p.b.await_("ACK")
        p.b.answer(req, body=SDP.format(port=p.bm.port))
        again = p.b.await_("ACK")
        must((again.get("cseq"), again.tag("to")),
             (ack.get("cseq"), ack.tag("to")), "the ACK to the copy")
        ok = p.a.await_("final", call_id=p.inv.get("call-id"))
        copy = p.a.await_("final", call_id=p.inv.get("call-id"))
        must(copy.raw, ok.raw, "the copy of the 200")
        p.d = Dialog(p.a, p.inv, ok)
        p.d.ack()
        p.end()
        assert_clean(c)
