# SPDX-License-Identifier: MIT
"""Sound before the answer: what a carrier or a phone says while it rings,
and the ringing tone of who waits for it."""

import json

from harness import Mismatch, Shared, assert_clean, cluster, must, phones
from lib.cluster import DEMO
from talk import end, hears, phone, talk, tone

RINGBACK = 425

shared = Shared(nodes=1)
finish = shared.finish


def sounding(box, who, code=183):
    """The phone is told that the call sounds before it is answered."""
    ev = box.expect("progress", phone=who)
    must((ev["code"], ev["early"]), (code, True), f"what {who} is told")


def only_call(c):
    items = c.api("GET", "/api/calls")["items"]
    must(len(items), 1, "calls")
    return c.api("GET", f"/api/calls/{items[0]['id']}")


def not_answered(c, user):
    """The call rings, and of its legs at most one user's is answered."""
    shown = only_call(c)
    must((shown["state"], shown.get("answeredAt")), ("CALL_RINGING", None),
         "the call")
    for leg in shown["legs"]:
        must(leg["state"] == "LEG_ANSWERED", leg["user"] == user,
             f"the leg of {leg['user']} is answered")


def heard_now(box, ms):
    """What the caller hears; gaps count from the last time on."""
    box.do("listen", phone="1001", ms=ms, freqs=[tone("1002")])
    return box.expect("heard", phone="1001")


def gap_of_answer(box, c, codec):
    """A call that sounds, and is answered: its longest gap meanwhile [ms]."""
    box.forget()
    box.do("call", phone="1001", to="1002")
    sounding(box, "1001")
    must(box.expect("media", phone="1001")["codec"], codec,
         "the caller's codec")
    talk(box, "1001", "1002")
    not_answered(c, None)
    box.none("answered", phone="1001")
    box.none("closed")
    heard_now(box, 100)
    box.do("answer", phone="1002")
    box.expect("established", phone="1001")
    box.expect("established", phone="1002")
    heard = heard_now(box, 200)
    must(heard["stray"], 0, "RTP of a session that was not told")
    talk(box, "1001", "1002")
    end(box, "1001", "1002")
    assert_clean(c)
    return heard["gap_ms_max"]


def test_device():
    """Heard before the answer, both ways, and after it without a break."""
    c = shared()
    for codecs in (["PCMU"], ["opus"]):
        with phones() as box:
            phone(box, c, "1001", codecs=codecs)
            phone(box, c, "1002", codecs=["PCMA"], answer="manual",
                  early=True)
            gaps = []
            # A gap that the answer makes comes each time, a stall does not.
            while not gaps or gaps[-1] > 200:
                if len(gaps) == 3:
                    raise Mismatch(f"the answer was heard as a gap: {gaps}")
                gaps.append(gap_of_answer(box, c, codecs[0]))


def test_late_offer():
    """No offer, no answer in a 183: it rings, and no more."""
    c = shared()
    with phones() as box:
        phone(box, c, "1001", sdp_in_invite=False)
        phone(box, c, "1002", answer="manual", early=True)
        box.do("call", phone="1001", to="1002")
        must(box.expect("ringing", phone="1001")["early"], False, "180")
        box.expect("incoming", phone="1002")
        box.do("answer", phone="1002")
        box.expect("established", phone="1001")
        box.none("progress", phone="1001")
        talk(box, "1001", "1002")
        end(box, "1001", "1002")
        assert_clean(c)


# The phones of 1002 and their tones.
FORKS = {"desk": 1000, "mobile": 1200}


def forked(box, c, early):
    """They ring, those named sound: who of them is heard, and who is not."""
    phone(box, c, "1001")
    for name, hz in FORKS.items():
        phone(box, c, "1002", name=name, answer="manual", tone_hz=hz,
              early=name in early)
    box.do("call", phone="1001", to="1002")
    for name in FORKS:
        box.expect("incoming", phone=name)
    sounding(box, "1001")
    box.expect("media", phone="1001")
    for name in early:
        box.expect("media", phone=name)
    box.do("listen", phone="1001", ms=300, freqs=list(FORKS.values()))
    tones = box.expect("heard", phone="1001")["tones"]
    loud = [n for n, hz in FORKS.items() if tones[str(hz)] > -35]
    must(len(loud), 1, f"phones that are heard: {tones}")
    return loud[0], ({*FORKS} - {*loud}).pop()


def test_forked_other_answers():
    """Both sound: one is heard and hears, until the other one answers."""
    c = shared()
    with phones() as box:
        heard, other = forked(box, c, ("desk", "mobile"))
        hears(box, heard, tone("1001"))
        hears(box, other, tone("1001"), present=False)
        hears(box, "1001", FORKS[other], present=False)
        box.do("answer", phone=other)
        box.expect("established", phone="1001")
        box.expect("closed", phone=heard)
        hears(box, "1001", FORKS[other])
        hears(box, "1001", FORKS[heard], present=False)
        hears(box, other, tone("1001"))
        box.none("progress", phone="1001")
        end(box, "1001", other)
        assert_clean(c)


def test_forked_the_heard_one_refuses():
    """The next one that sounds is heard; where there is none, the caller,
    who has our media already, hears the other one ring."""
    c = shared()
    for early in (("desk", "mobile"), ("desk",)):
        with phones() as box:
            heard, other = forked(box, c, early)
            box.do("reject", phone=heard, code=486)
            hears(box, "1001", FORKS[other] if other in early else RINGBACK,
                  seconds=8)
            not_answered(c, None)
            box.do("answer", phone=other)
            box.expect("established", phone="1001")
            hears(box, "1001", FORKS[other])
            end(box, other, "1001")
            assert_clean(c)


def test_refused_and_cancelled():
    """The announcement was heard, and the call was never one."""
    c = shared()
    with phones() as box:
        phone(box, c, "1001")
        phone(box, c, "1002", answer="manual", early=True)
        for how, code in (("reject", 486), ("cancel", 487)):
            box.do("call", phone="1001", to="1002")
            sounding(box, "1001")
            hears(box, "1001", tone("1002"))
            if how == "reject":
                box.do("reject", phone="1002", code=code)
            else:
                box.do("cancel", phone="1001")
            closed = box.expect("closed", phone="1001")
            must((closed["code"], closed["talk_ms"]), (code, 0), how)
            if not closed["rtp"]["rx"]:
                raise Mismatch(f"nothing was heard: {closed}")
            box.expect("closed", phone="1002")
            assert_clean(c)


def test_originated_ringback():
    """Who was called first hears it ring until the other one sounds, or
    answers, or does not."""
    c = shared()
    with phones() as box:
        phone(box, c, "1001", tone_hz=1000)  # far from the ringing tone
        phone(box, c, "1002", answer="manual")
        for early in (False, True):
            box.do("set", phone="1002", early=early)
            made = c.api("POST", "/api/calls", {"from": "1001", "to": "1002"})
            box.expect("established", phone="1001")
            box.expect("incoming", phone="1002")
            if early:
                hears(box, "1001", tone("1002"))
                hears(box, "1002", 1000)
            else:
                hears(box, "1001", RINGBACK, seconds=8)
            not_answered(c, "1001")
            box.do("answer", phone="1002")
            box.expect("established", phone="1002")
            hears(box, "1001", tone("1002"))
            hears(box, "1002", RINGBACK, present=False)
            must(len(c.api("GET", f"/api/calls/{made['id']}")["legs"]), 2,
                 "legs")
            end(box, "1002", "1001")
            assert_clean(c)
        c.api("POST", "/api/calls", {"from": "1001", "to": "1002"})
        box.expect("incoming", phone="1002")
        hears(box, "1001", tone("1002"))
        box.do("reject", phone="1002")
        box.expect("closed", phone="1001")
        assert_clean(c)


def test_trunk():
    """A carrier that announces without 180, and refuses after it."""
    with phones() as box:
        at = box.do("phone", id="carrier", tone_hz=900, early=True,
                    ring=False, answer="manual")["address"]
        with open(DEMO, encoding="utf-8") as f:
            conf = json.load(f)
        for trunk in conf["trunks"]:
            if trunk["id"] == "loop":
                trunk["target"] = at
        with cluster(nodes=1, config=conf) as c:
            phone(box, c, "1001", codecs=["G722"])
            box.do("call", phone="1001", to="777")
            sounding(box, "1001")
            hears(box, "1001", 900)
            not_answered(c, None)
            box.do("reject", phone="carrier", code=404)
            must(box.expect("closed", phone="1001")["code"], 404, "the end")
            box.none("ringing", phone="1001")
            assert_clean(c)
            box.forget()
            call_up(box, "777")
            hears(box, "1001", 900)
            hears(box, "carrier", tone("1001"))
            end(box, "1001", "carrier")
            assert_clean(c)


def call_up(box, number):
    box.do("call", phone="1001", to=number)
    box.expect("incoming", phone="carrier")
    sounding(box, "1001")
    box.do("answer", phone="carrier")
    for who in ("1001", "carrier"):
        box.expect("established", phone=who)
