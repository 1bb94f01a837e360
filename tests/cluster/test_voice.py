# SPDX-License-Identifier: MIT
"""Voices through a cluster: gain, automatic gain, denoise and comfort noise by
the API while people talk, and the events of who talks."""

from harness import Mismatch, assert_clean, phones, wait_for
from talk import call, end, hears, late_ms, only_call, phone, talk, tone
from test_api import (by_user, finish, hang_up, must, originate, refused,
                      shared, shown_call)
from wire import stream

TALK = {20: "started", 21: "stopped", 22: "speaker"}


LISTENS = 4


def level(box, who, hz):
    box.do("listen", phone=who, ms=400, freqs=[hz])
    return box.expect("heard", phone=who)["tones"][str(hz)]


def near(got, want, what, by=0.7):
    if abs(got - want) > by:
        raise Mismatch(f"{what}: {got} dB, not {want}")


def steady(box, who, hz, by=0.2):
    """A level that two listens in a row agree on: a gap of a busy machine
    within one of them is a decibel."""
    last = level(box, who, hz)
    for _ in range(LISTENS):
        before, last = last, level(box, who, hz)
        if abs(last - before) <= by:
            break
    return last


def comes_near(box, who, hz, want, what, by=0.7):
    """As near(), listening again: a level that is wrong stays wrong."""
    for _ in range(LISTENS):
        got = level(box, who, hz)
        if abs(got - want) <= by:
            return
    near(got, want, what, by)


def test_patch():
    c = shared()
    with phones() as box:
        phone(box, c, "1001")
        phone(box, c, "1002")
        ident = originate(c, box, "1001", "1002")
        leg = by_user(shown_call(c, ident), "1001")
        path = f"/api/calls/{ident}/legs/{leg['id']}"
        must((leg["gainInDb"], leg["agc"], leg["denoise"]),
             (0, False, "off"), "a new leg")

        def change(**what):
            got = c.api("PATCH", path, what)
            for key, value in what.items():
                must(got[key], value, f"{key} in the answer")
            return got

        talk(box, "1001", "1002")
        said = steady(box, "1002", tone("1001"))
        heard = steady(box, "1001", tone("1002"))
        change(gainInDb=6)
        comes_near(box, "1002", tone("1001"), said + 6, "louder")
        must(change(gainOutDb=-12)["gainInDb"], 6, "what was not named")
        comes_near(box, "1001", tone("1002"), heard - 12, "turned down")
        comes_near(box, "1002", tone("1001"), said + 6, "still louder")

        change(gainInDb=0, gainOutDb=0, denoise="speex", agc=True)
        hears(box, "1002", tone("1001"), seconds=2)
        for maker in ("auto", "off"):
            must(change(denoise=maker)["agc"], True, "agc stays")
        change(agc=False, comfortNoiseDb=-50)
        comes_near(box, "1002", tone("1001"), said, "as at first")

        shown = by_user(shown_call(c, ident), "1001")
        must((shown["denoise"], shown["comfortNoiseDb"], shown["agc"]),
             ("off", -50, False), "the record")
        wait_for("the meter", lambda: abs(by_user(shown_call(
            c, ident), "1001")["levelInDb"] - (said - 3)) <= 2)

        box.do("set", phone="1002", tone_hz=0)
        hears(box, "1001", tone("1002"), present=False, seconds=2)
        box.do("listen", phone="1001", ms=500, freqs=[tone("1002")])
        hang_up(c, box, ident, "1001", "1002")
        assert_clean(c)


def test_wrong_values():
    c = shared()
    with phones() as box:
        phone(box, c, "1001")
        phone(box, c, "1002")
        ident = originate(c, box, "1001", "1002")
        leg = by_user(shown_call(c, ident), "1001")["id"]
        path = f"/api/calls/{ident}/legs/{leg}"
        status, _, doc = refused(c, "PATCH", path, {
            "gainInDb": 41, "gainOutDb": -41, "denoise": "magic",
            "comfortNoiseDb": -10})
        must(status, 400, "out of bounds")
        must(sorted(e["field"] for e in doc["errors"]),
             ["comfortNoiseDb", "denoise", "gainInDb", "gainOutDb"],
             "fields named")
        must(by_user(shown_call(c, ident), "1001")["gainInDb"], 0,
             "nothing was changed")
        hang_up(c, box, ident, "1001", "1002")
        assert_clean(c)


def events(c, ident):
    """(type, leg) of the call's events of talk."""
    found = []
    for ev in stream(c, "sy:events"):
        if ev.get(4) == [ident.encode()] and ev[2][0] in TALK:
            found.append((TALK[ev[2][0]], ev[6][0]))
    return found


def test_who_talks():
    """Three in a call: who begins, who ends, who is the speaker."""
    c = shared()
    with phones() as box:
        for user in ("1001", "1002", "1003"):
            phone(box, c, user, tone_hz=0)
        call(box, "1001", "1002")
        ident = only_call(c)["id"]
        box.do("set", phone="1001", tone_hz=500)
        hears(box, "1002", 500)
        box.do("set", phone="1001", tone_hz=0)
        must(events(c, ident), [], "two are no news")

        c.api("POST", f"/api/calls/{ident}/legs",
              {"kind": "device", "to": "1003"})
        box.expect("established", phone="1003")
        hears(box, "1002", 500, present=False)
        for user, hz in (("1001", 500), ("1003", 800)):
            box.do("set", phone=user, tone_hz=hz)
            wait_for(f"{user} talks", lambda u=user: by_user(
                shown_call(c, ident), u)["talking"])
            # Who is the speaker is decided later than who talks.
            said = 1 if user == "1001" else 2
            wait_for(f"{user} is the speaker", lambda n=said: [
                kind for kind, _ in events(c, ident)].count("speaker") == n)
            box.do("set", phone=user, tone_hz=0)
            wait_for(f"{user} is silent", lambda u=user: not by_user(
                shown_call(c, ident), u)["talking"])

        wait_for("the events", lambda: len(events(c, ident)) >= 6)
        kinds = [kind for kind, _ in events(c, ident)]
        got = [kinds.count(k) for k in ("started", "stopped", "speaker")]
        # Phones that stood still amid a word said it in two.
        if late_ms(box) < 300 or got[0] != got[1] or got[2] != 2:
            must(got, [2, 2, 2], f"{kinds}")
        box.do("hangup", phone="1003")
        box.expect("closed", phone="1003")
        end(box, "1001", "1002")
        assert_clean(c)
