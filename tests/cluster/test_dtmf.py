# SPDX-License-Identifier: MIT
"""Digits between phones by each way: RFC 4733 events, tones, INFO, and the
API; and that a digit sent by two ways at once is one."""

import json
from contextlib import ExitStack

from harness import Mismatch, assert_clean, cluster, phones, wait_for
from lib.cluster import DEMO
from rawmedia import RawMedia, tones
from rawphone import RawPhone
from talk import call, end, hears, phone, tone
from wire import stream

RELAY = "Signal={}\r\nDuration=120\r\n"
EVENTS = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
          "t=0 0\r\nm=audio {port} RTP/AVP 0 101\r\n"
          "a=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n")

_stack = ExitStack()
_cluster = None


def shared():
    """One cluster for all tests; 1004 gets its digits by INFO."""
    global _cluster
    if _cluster is None:
        with open(DEMO, encoding="utf-8") as f:
            conf = json.load(f)
        for d in conf["devices"]:
            if d["id"] == "1004":
                d["dtmf"] = "info"
        _cluster = _stack.enter_context(cluster(nodes=1, config=conf))
    return _cluster


def finish():
    _stack.close()


def raw_call(c, a, box, media, sdp=None):
    """A raw phone calls 1002, a test phone that answers."""
    phone(box, c, "1002")
    d = a.established("1002", port=media.port,
                      **({"sdp": sdp.format(port=media.port)} if sdp else {}))
    box.expect("established", phone="1002")
    media.start(d.ok.body)
    return d


def over(c, d, box):
    d.bye()
    box.expect("closed", phone="1002")
    assert_clean(c)


def test_band_to_events():
    """Tones of a phone without events: told as events, and not heard."""
    c = shared()
    with phones() as box, RawPhone(c.routers[0]) as a, RawMedia() as m:
        d = raw_call(c, a, box, m)
        m.hz = (1000,)
        hears(box, "1002", 1000)
        m.say("1590*#AD", ms=400)
        for digit in "1590*#AD":
            box.expect("dtmf", phone="1002", digit=digit)
        hears(box, "1002", 1000)
        m.say("5", ms=3000)
        hears(box, "1002", 1000, present=False)
        hears(box, "1002", tones("5")[0], present=False)
        box.expect("dtmf", phone="1002", digit="5", seconds=10)
        over(c, d, box)


def test_events_to_band():
    """A phone without events is told digits as tones."""
    c = shared()
    with phones() as box, RawPhone(c.routers[0]) as a, RawMedia() as m:
        d = raw_call(c, a, box, m)
        wait_for("sound", lambda: m.loud(tone("1002")))
        box.do("dtmf", phone="1002", digits="159D")
        wait_for("the digits as tones", lambda: m.digits() == "159D")
        over(c, d, box)


def test_info_in():
    """INFO of a phone: heard as an event; a bad one says why."""
    c = shared()
    with phones() as box, RawPhone(c.routers[0]) as a, RawMedia() as m:
        d = raw_call(c, a, box, m)
        for digit in "7#":
            got = d.ask("INFO", RELAY.format(digit),
                        Content_Type="application/dtmf-relay")
            if got.code != 200:
                raise Mismatch(f"INFO: {got.start}")
            box.expect("dtmf", phone="1002", digit=digit)
        got = d.ask("INFO", "3", Content_Type="application/dtmf")
        box.expect("dtmf", phone="1002", digit="3")
        for ctype, body, want in (
                ("application/dtmf-relay", "Signal=X\r\n", 400),
                ("application/dtmf", "none", 400),
                ("application/unknown", "5", 415)):
            got = d.ask("INFO", body, Content_Type=ctype)
            if got.code != want or "399" not in got.get("warning"):
                raise Mismatch(f"INFO {ctype} {body!r}: {got.raw}")
        over(c, d, box)


def test_two_ways_at_once():
    """A phone that sends each digit as tone and by INFO: one digit each."""
    c = shared()
    with phones() as box, RawPhone(c.routers[0]) as a, RawMedia() as m:
        d = raw_call(c, a, box, m)
        wait_for("sound", lambda: m.loud(tone("1002")))
        # A tone too short to be two if this process stands still amid it.
        for digit in "4455":
            m.say(digit, ms=80)
            d.ask("INFO", RELAY.format(digit),
                  Content_Type="application/dtmf-relay")
            box.expect("dtmf", phone="1002", digit=digit)
            wait_for("the tone is over", lambda: not m.plan)
        m.say("8")
        ev = box.expect("dtmf", phone="1002")
        if ev["digit"] != "8":
            raise Mismatch(f"a digit too many: {ev}")
        over(c, d, box)


def test_info_out():
    """A device that is configured so is told digits by INFO, in order."""
    c = shared()
    with phones() as box, RawPhone(c.routers[0], "1004") as b, \
            RawMedia() as m:
        b.register()
        phone(box, c, "1001")
        box.do("call", phone="1001", to="1004")
        ring = b.await_("INVITE")
        b.answer(ring, 200, "OK", body=EVENTS.format(port=m.port))
        b.await_("ACK")
        box.expect("established", phone="1001")
        m.start(ring.body)
        box.do("dtmf", phone="1001", digits="12#")
        for digit in "12#":
            info = b.await_("INFO")
            b.answer(info, 200, "OK")
            if f"Signal={digit}\r\n" not in info.body:
                raise Mismatch(f"wanted {digit}: {info.body!r}")
        if m.events:
            raise Mismatch("by events, too")
        box.do("hangup", phone="1001")
        b.answer(b.await_("BYE"), 200, "OK")
        box.expect("closed", phone="1001")
        assert_clean(c)


def test_api():
    """Digits by the API: to one leg, to all; wrong ones are refused."""
    c = shared()
    with phones() as box:
        phone(box, c, "1001")
        phone(box, c, "1002", codecs=["opus"])
        call(box, "1001", "1002")
        hears(box, "1002", tone("1001"))
        item = wait_for("it is shown", lambda: c.api(
            "GET", "/api/calls")["items"])[0]
        legs = {leg["user"]: leg["id"] for leg in item["legs"]}
        path = f"/api/calls/{item['id']}/dtmf"
        c.api("POST", path, {"digits": "42", "leg": legs["1002"]})
        for digit in "42":
            box.expect("dtmf", phone="1002", digit=digit)
        c.api("POST", path, {"digits": "9", "durationMs": 200})
        for who in ("1001", "1002"):
            ev = box.expect("dtmf", phone=who, digit="9")
            if abs(ev["ms"] - 200) > 20:
                raise Mismatch(f"200 ms were wanted: {ev}")
        end(box, "1001", "1002")
        assert_clean(c)


def test_told():
    """Who follows the events is told digit, length, leg and way."""
    c = shared()
    with phones() as box, RawPhone(c.routers[0]) as a, RawMedia() as m:
        d = raw_call(c, a, box, m)
        item = wait_for("it is shown", lambda: c.api(
            "GET", "/api/calls")["items"])[0]
        d.ask("INFO", RELAY.format("6"),
              Content_Type="application/dtmf-relay")
        box.expect("dtmf", phone="1002", digit="6")
        box.do("dtmf", phone="1002", digits="7", ms=140)
        wait_for("the tone", lambda: m.digits() == "7")
        # A stall of the machine changes how long a tone is heard.
        for count in (3, 4, 5):
            m.say("8", ms=200)
            box.expect("dtmf", phone="1002", digit="8")
            seen = wait_for(f"{count} events", lambda n=count: digits_of(
                c, item["id"], n))
            if abs(seen["8"][0] - 200) <= 25:
                break
        want = {"6": (120, "info"), "7": (140, "rfc4733"),
                "8": (200, "inband")}
        for digit, (ms, way) in want.items():
            if seen[digit][1] != way or abs(seen[digit][0] - ms) > 25:
                raise Mismatch(f"{digit}: {seen[digit]}, wanted {ms} {way}")
        over(c, d, box)


def digits_of(c, call_id, count):
    """{digit: (ms, method)} of a call in the stream, once there are so many;
    of one that came again the last."""
    seen = [(ev[7][0].decode(), (ev[25][0], ev[26][0].decode()))
            for ev in stream(c, "sy:events")
            if ev.get(4) == [call_id.encode()] and 7 in ev]
    return dict(seen) if len(seen) >= count else None
