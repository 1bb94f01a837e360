# SPDX-License-Identifier: MIT
"""What a trunk prefers: its codecs in order, offered and answered; its SRTP;
how digits are sent to it, while they are taken in any way."""

import json
import re
from contextlib import ExitStack

from harness import assert_clean, cluster, must, phones, wait_for
from lib.cluster import DEMO
from rawmedia import RawMedia
from rawphone import Dialog, Message, RawPhone
from talk import hears, phone, tone

NUMBERS = {"0": "PCMU", "8": "PCMA", "9": "G722"}
OFFER = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
         "t=0 0\r\nm=audio {port} RTP/AVP {pts}\r\n"
         "a=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n")
TRUNKS = {
    "pcma": {"codecs": ["PCMA", "G722"]},
    "srtp": {"codecs": ["PCMU"], "srtp": "required"},
    "events": {"codecs": ["PCMU"], "dtmf": "rfc4733"},
    "info": {"codecs": ["PCMU"], "dtmf": "info"},
    "inband": {"codecs": ["PCMU"], "dtmf": "inband"},
}
_stack = ExitStack()
_shared = None


class Nowhere:
    """Trunks have their address before the cluster has one."""
    udp = "127.0.0.1:1"


class Here:
    """A cluster, a raw trunk of each kind, and the phone 1002."""

    def __init__(self):
        enter = _stack.enter_context
        self.trunks = {n: enter(RawPhone(Nowhere, n)) for n in TRUNKS}
        with open(DEMO, encoding="utf-8") as f:
            conf = json.load(f)
        conf["trunks"] = [
            {"id": n, "enabled": True, "optionsS": 0, "target": t.me,
             "sources": [t.me], **TRUNKS[n]}
            for n, t in self.trunks.items()]
        conf["routes"] = conf["routes"][:1] + [
            {"id": n, "order": 100 + i, "pattern": f"9{i}.",
             "target": {"external": {"trunk": n, "number": "$1"}}}
            for i, n in enumerate(TRUNKS)]
        self.cluster = enter(cluster(nodes=1, config=conf))
        host, _, port = self.cluster.routers[0].udp.rpartition(":")
        for t in self.trunks.values():
            t.to = (host, int(port))
        self.box = enter(phones())
        phone(self.box, self.cluster, "1002")

    def offered(self, name):
        """1002 calls by a trunk: the INVITE there."""
        i = list(TRUNKS).index(name)
        self.box.do("call", phone="1002", to=f"9{i}55")
        return self.trunks[name].await_("INVITE")

    def takes(self, name, req, media, pts="0 101"):
        """The trunk answers, and sends a tone that is heard."""
        t = self.trunks[name]
        t.answer(req, 200, "OK", body=OFFER.format(port=media.port, pts=pts))
        t.await_("ACK")
        self.box.expect("established", phone="1002")
        media.hz = (1000,)
        media.start(req.body)
        hears(self.box, "1002", 1000)
        wait_for("sound of 1002", lambda: media.loud(tone("1002")))

    def ends(self, name):
        self.box.do("hangup", phone="1002")
        t = self.trunks[name]
        t.answer(t.await_("BYE"))
        self.box.expect("closed", phone="1002")
        assert_clean(self.cluster)

    def comes(self, name, pts, media=None):
        """The trunk calls 1002: the INVITE, and its answer."""
        t = self.trunks[name]
        port = media.port if media else 40400
        inv = t.invite("1002", sdp=OFFER.format(port=port, pts=pts))
        t.send(inv)
        inv = Message(inv.encode())
        got = t.await_("final", call_id=inv.get("call-id"))
        if got.code != 200:
            t.send(t.request("ACK", inv.uri, **{
                "Via": inv.get("via"), "From": inv.get("from"),
                "To": got.get("to"), "Call-ID": inv.get("call-id"),
                "CSeq": inv.get("cseq").split()[0] + " ACK"}))
            return None, got
        d = Dialog(t, inv, got)
        d.ack()
        self.box.expect("established", phone="1002")
        return d, got

    def leaves(self, d):
        d.bye()
        self.box.expect("closed", phone="1002")
        assert_clean(self.cluster)


def here():
    global _shared
    if _shared is None:
        _shared = Here()
    return _shared


def finish():
    _stack.close()


def audio(sdp):
    """Profile and codecs of a description, in order."""
    port, profile, pts = re.search(r"^m=audio (\d+) (\S+) ([\d ]+)", sdp,
                                   re.M).groups()
    return profile, [NUMBERS[p] for p in pts.split() if p in NUMBERS]


def test_codecs_offered():
    """Those of the trunk, in its order, and no others."""
    h = here()
    for name in ("pcma", "events"):
        req = h.offered(name)
        must(audio(req.body), ("RTP/AVP", TRUNKS[name]["codecs"]), name)
        must(re.findall(r"a=rtpmap:\d+ (opus|L16)", req.body), [], "more")
        h.trunks[name].answer(req, 486, "Busy")
        h.box.expect("closed", phone="1002", code=486)
    assert_clean(h.cluster)


def test_codecs_answered():
    """Of what a trunk offers only those count; none: 488."""
    h = here()
    d, got = h.comes("pcma", "0 9 8 101")
    must(audio(got.body)[1], ["G722", "PCMA"], "answer")
    h.leaves(d)
    _, got = h.comes("pcma", "0 101")
    must(got.code, 488, "PCMU only")
    assert_clean(h.cluster)


def test_srtp():
    """Required of one trunk: offered to it, and plain RTP is refused."""
    h = here()
    req = h.offered("srtp")
    must(audio(req.body), ("RTP/SAVP", ["PCMU"]), "offer")
    must("a=crypto:1 " in req.body, True, "keys")
    h.trunks["srtp"].answer(req, 486, "Busy")
    h.box.expect("closed", phone="1002", code=486)
    _, got = h.comes("srtp", "0 101")
    must(got.code, 488, "plain RTP")
    assert_clean(h.cluster)


def test_digits_by_events():
    h = here()
    with RawMedia() as m:
        h.takes("events", h.offered("events"), m)
        h.box.do("dtmf", phone="1002", digits="159")
        wait_for("three events", lambda: len(m.events) == 3)
        must(sorted(code for _, code in m.events), [1, 5, 9], "events")
        must(m.digits(), "", "tones")
        h.ends("events")


def test_digits_by_info():
    h = here()
    t = h.trunks["info"]
    with RawMedia() as m:
        h.takes("info", h.offered("info"), m)
        h.box.do("dtmf", phone="1002", digits="12#")
        for digit in "12#":
            info = t.await_("INFO")
            t.answer(info)
            must(f"Signal={digit}\r\n" in info.body, True, info.body)
        must((m.events, m.digits()), (set(), ""), "by other ways, too")
        h.ends("info")


def test_digits_as_tones():
    """Though it would take events."""
    h = here()
    with RawMedia() as m:
        h.takes("inband", h.offered("inband"), m)
        h.box.do("dtmf", phone="1002", digits="159")
        wait_for("the digits as tones", lambda: m.digits() == "159")
        must(m.events, set(), "events")
        h.ends("inband")


def test_digits_are_taken():
    """INFO of a trunk that gets events; tones of one that gets tones, though
    it would send events."""
    h = here()
    with RawMedia() as m:
        d, _ = h.comes("events", "0 101", m)
        must(d.ask("INFO", "Signal=7\r\nDuration=120\r\n",
                   Content_Type="application/dtmf-relay").code, 200, "INFO")
        h.box.expect("dtmf", phone="1002", digit="7")
        h.leaves(d)
    with RawMedia() as m:
        d, got = h.comes("inband", "0 101", m)
        m.hz = (1000,)
        m.start(got.body)
        hears(h.box, "1002", 1000)
        m.say("4")
        h.box.expect("dtmf", phone="1002", digit="4")
        h.leaves(d)
