# SPDX-License-Identifier: MIT
"""What a phone of others must be able to do here, whoever made it.

A stranger (`Baresip`, `Linphone`) is registered as 1001, or with SRTP as 1004,
and sends its tone; 1002 and 1003 are test phones, which answer by themselves."""

import json

from harness import Mismatch, assert_clean, phones
from lib.cluster import DEMO
from talk import hears, only_call, phone, talk, tone


def configuration():
    """The demo's, where 1004 must have SRTP."""
    with open(DEMO, encoding="utf-8") as f:
        conf = json.load(f)
    next(d for d in conf["devices"] if d["id"] == "1004")["srtp"] = "required"
    return conf


def walk(c, stranger):
    """Each of these, one after the other, with one registration."""
    with phones() as box:
        for user in ("1002", "1003"):
            phone(box, c, user)
        stranger.registered()
        for step in (calls_out, is_called, holds, digits, transfers):
            try:
                step(c, box, stranger)
                assert_clean(c)
            except Exception as e:
                raise Mismatch(f"{step.__name__}: {e}") from e


def both_hear(box, stranger):
    hears(box, "1002", stranger.hz)
    stranger.hears(tone("1002"))


def up(c, box, stranger):
    """A call from the stranger to 1002."""
    stranger.dial("1002")
    box.expect("established", phone="1002")
    stranger.established()
    both_hear(box, stranger)
    is_secured(c, stranger)


def is_secured(c, stranger):
    """Its leg of the only call has SRTP exactly if it should."""
    ident = only_call(c)["id"]
    leg, = [x for x in c.api("GET", f"/api/calls/{ident}")["legs"]
            if x["user"] == stranger.user]
    if bool(leg.get("srtp")) != stranger.secured:
        raise Mismatch(f"SRTP: {leg.get('srtp')}")


def down(box, stranger):
    stranger.hangup()
    stranger.closed()
    box.expect("closed", phone="1002", by="remote")


def calls_out(c, box, stranger):
    """Heard both ways, and ended by the stranger."""
    up(c, box, stranger)
    down(box, stranger)


def is_called(c, box, stranger):
    """By its registration; ended by the test phone."""
    box.do("call", phone="1002", to=stranger.user)
    stranger.incoming()
    stranger.accept()
    box.expect("established", phone="1002")
    stranger.established()
    both_hear(box, stranger)
    is_secured(c, stranger)
    box.do("hangup", phone="1002")
    box.expect("closed", phone="1002")
    stranger.closed()


def holds(c, box, stranger):
    """Each holds the other: it is not heard, and then it is."""
    up(c, box, stranger)
    stranger.hold()
    hears(box, "1002", stranger.hz, present=False)
    stranger.resume()
    both_hear(box, stranger)
    box.do("hold", phone="1002")
    box.expect("held", phone="1002")
    hears(box, "1002", stranger.hz, present=False)
    box.do("resume", phone="1002")
    box.expect("resumed", phone="1002")
    both_hear(box, stranger)
    down(box, stranger)


def digits(c, box, stranger):
    """In order, both ways."""
    up(c, box, stranger)
    stranger.digits("159#")
    for digit in "159#":
        box.expect("dtmf", phone="1002", digit=digit)
    for digit in "27*":
        box.do("dtmf", phone="1002", digits=digit)
        stranger.received(digit)
    down(box, stranger)


def transfers(c, box, stranger):
    """It puts 1002 through to 1003, and is out; those talk."""
    up(c, box, stranger)
    stranger.transfer("1003")
    box.expect("established", phone="1003")
    stranger.closed()
    talk(box, "1002", "1003")
    box.do("hangup", phone="1003")
    box.expect("closed", phone="1003")
    box.expect("closed", phone="1002")
