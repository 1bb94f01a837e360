# SPDX-License-Identifier: MIT
"""Parking: who parked a call is called back, by whatever node has it."""

import json
import os
import tempfile
from contextlib import ExitStack, contextmanager

from harness import Mismatch, assert_clean, cluster, must, phones, wait_for
from lib.cluster import DEMO
from rawphone import SDP, RawPhone
from talk import hears, phone, talk, tone

MUSIC_HZ = 330
PARKER, WAITS, OTHER, OVERFLOW = "1001", "1002", "1003", "1010"

_stack = ExitStack()
_shared = None


@contextmanager
def places(**more):
    """A cluster that calls back after two seconds, and two phones."""
    with open(DEMO, encoding="utf-8") as f:
        conf = json.load(f)
    conf["settings"].update({"parkSeconds": 2, "parkOverflow": OVERFLOW})
    with tempfile.NamedTemporaryFile("w", suffix=".json",
                                     delete=False) as f:
        json.dump(conf, f)
    try:
        with cluster(config=f.name, **more) as c, phones() as box:
            for user in (WAITS, OTHER):
                phone(box, c, user)
            yield c, box
    finally:
        os.unlink(f.name)


def shared():
    global _shared
    if _shared is None:
        _shared = _stack.enter_context(places(nodes=2))
    return _shared


def finish():
    global _shared
    _shared = None
    _stack.close()


def parked(c):
    return c.api("GET", "/api/parked")["items"]


def is_parked(c, what, **wanted):
    def find():
        return next((x for x in parked(c) if all(
            x.get(k) == v for k, v in wanted.items())), None)
    return wait_for(what, find)


def transfer(d, to, last=200):
    """REFER, and its NOTIFYs to the last."""
    a = d.phone
    must(d.ask("REFER", Refer_To=to).code, 202, "REFER")
    code = 0
    while code < 200:
        n = a.await_("NOTIFY", 10)
        a.answer(n, 200, "OK")
        code = int(n.body.split()[1])
    must(code, last, f"REFER to {to}")


def park(c, box, a, place):
    """The parker talks to who is then put at a place."""
    d = a.established(WAITS)
    box.expect("established", phone=WAITS)
    transfer(d, f"<sip:{place}@switchyard>")
    a.answer(a.await_("BYE"), 200, "OK")
    got = is_parked(c, "parked", place=place)
    must((got["user"], got["by"]), (WAITS, PARKER), "who waits")
    return got


def rung(a):
    """The parker is called back, and rings."""
    inv = a.await_("INVITE", 8)
    a.answer(inv, 180, "Ringing")
    if f"sip:{WAITS}@" not in inv.get("from"):
        raise Mismatch(f"who calls: {inv.get('from')}")
    return inv


def refuse(a, inv):
    a.answer(inv, 486, "Busy Here")
    a.await_("ACK")


def take(a, inv):
    a.answer(inv, 200, "OK", body=SDP.format(port=40000))
    a.await_("ACK")


def bye(a, inv):
    """The parker hangs up the call that came back."""
    d = {"From": inv.get("to") + ";tag=t1", "To": inv.get("from"),
         "Call-ID": inv.get("call-id"), "CSeq": "1 BYE",
         "Route": inv.all("record-route")}
    got = a.ask(a.request("BYE", inv.contact(), **d))
    must(got.code, 200, "BYE")


@contextmanager
def parker(c):
    with RawPhone(c.routers[0], PARKER) as a:
        must(a.register().code, 200, "REGISTER")
        try:
            yield a
        finally:
            a.register(Expires="0")


def clean(c, box, *users):
    for user in users:
        box.expect("closed", phone=user)
    assert_clean(c)


def test_by_the_api():
    """An operator parks a call: a transfer to a place; who parked it is the
    party that left, and who dials the place has the call."""
    c, box = shared()
    with parker(c) as a:
        a.established(WAITS)
        box.expect("established", phone=WAITS)
        call = wait_for("the call", lambda: c.api("GET", "/api/calls")[
            "items"])[0]
        leg = next(x["id"] for x in call["legs"] if x["user"] == PARKER)
        c.api("POST", f"/api/calls/{call['id']}/transfer",
              {"leg": leg, "to": "694"})
        a.answer(a.await_("BYE"), 200, "OK")
        got = is_parked(c, "parked", place="694")
        must((got["user"], got["by"]), (WAITS, PARKER), "who waits")
        hears(box, WAITS, MUSIC_HZ, seconds=6)
        box.do("call", phone=OTHER, to="694")
        box.expect("established", phone=OTHER)
        talk(box, WAITS, OTHER)
        must(parked(c), [], "parked")
        box.do("hangup", phone=OTHER)
        clean(c, box, OTHER, WAITS)


def test_called_back():
    """Who waits hears music until the parker has taken the call back."""
    c, box = shared()
    with parker(c) as a:
        got = park(c, box, a, "691")
        if not got["since"] < got["recallAt"]:
            raise Mismatch(f"times: {got}")
        hears(box, WAITS, MUSIC_HZ, seconds=6)
        inv = rung(a)
        is_parked(c, "it rings", recalling=True)
        hears(box, WAITS, MUSIC_HZ, seconds=6)
        take(a, inv)
        wait_for("nobody waits", lambda: not parked(c))
        bye(a, inv)
    clean(c, box, WAITS)


def test_goes_back_and_is_taken():
    """The parker is busy, the overflow is not there: it waits on, and is
    rung for again; who dials the place then has the call."""
    c, box = shared()
    with parker(c) as a:
        first = park(c, box, a, "692")
        refuse(a, rung(a))
        back = is_parked(c, "it waits again", recalling=False)
        must(back["since"], first["since"], "since when it waits")
        if not back["recallAt"] > first["recallAt"]:
            raise Mismatch(f"{back} after {first}")
        inv = rung(a)
        box.do("call", phone=OTHER, to="692")
        box.expect("established", phone=OTHER)
        a.answer(a.await_("CANCEL"), 200, "OK")
        a.answer(inv, 487, "Request Terminated")
        talk(box, WAITS, OTHER)
        must(parked(c), [], "who waits")
        box.do("hangup", phone=OTHER)
    clean(c, box, OTHER, WAITS)


def test_overflow():
    """The parker does not take it: the number for that case is rung."""
    c, box = shared()
    with parker(c) as a:
        phone(box, c, OVERFLOW)
        park(c, box, a, "693")
        refuse(a, rung(a))
        box.expect("established", phone=OVERFLOW)
        talk(box, WAITS, OVERFLOW)
        box.do("hangup", phone=OVERFLOW)
        box.do("unregister", phone=OVERFLOW)
    clean(c, box, OVERFLOW, WAITS)


def test_place_is_taken():
    """Two strangers are not put together: the parker is told, and goes on."""
    c, box = shared()
    with parker(c) as a:
        box.do("call", phone=OTHER, to="694")
        box.expect("established", phone=OTHER)
        d = a.established(WAITS)
        box.expect("established", phone=WAITS)
        transfer(d, "<sip:694@switchyard>", 486)
        must([(x["user"], x["by"]) for x in parked(c)], [(OTHER, "")],
             "who waits")
        d.bye()
        box.expect("closed", phone=WAITS)
        box.do("hangup", phone=OTHER)
    clean(c, box, OTHER)


def test_attended():
    """The parker goes to the place first, and puts the other one there."""
    c, box = shared()
    with parker(c) as a:
        one = a.established(WAITS)
        box.expect("established", phone=WAITS)
        two = a.established("695")
        transfer(one, "<sip:695@switchyard?Replaces="
                 f"{two.inv.get('call-id').replace('@', '%40')}%3Bto-tag%3D"
                 f"{two.ok.tag('to')}%3Bfrom-tag%3D{two.inv.tag('from')}>")
        for _ in range(2):
            a.answer(a.await_("BYE"), 200, "OK")
        is_parked(c, "parked", place="695", user=WAITS, by=PARKER)
        box.do("hangup", phone=WAITS)
        box.expect("closed", phone=WAITS)
    clean(c, box)


def kill_first(c):
    """The second node comes, the first one dies."""
    c.join("node-2")
    node = next(n for n in c.nodes if n.id == "node-1")
    node.process.kill()
    c.left(node)


def test_node_dies():
    """While a call waits, and while the parker is rung: another node calls
    back, and goes on ringing."""
    with places(nodes=2, later=["node-2"]) as (c, box), parker(c) as a:
        first = park(c, box, a, "691")
        kill_first(c)
        inv = rung(a)
        must(parked(c)[0]["since"], first["since"], "since when it waits")
        hears(box, WAITS, MUSIC_HZ, seconds=6)
        take(a, inv)
        bye(a, inv)
        clean(c, box, WAITS)
    with places(nodes=2, later=["node-2"]) as (c, box), parker(c) as a:
        park(c, box, a, "691")
        inv = rung(a)
        kill_first(c)
        is_parked(c, "it rings at the other node", recalling=True)
        wait_for("the call is adopted", lambda: c.api(
            "GET", "/api/calls")["items"][0]["node"] == "node-2")
        take(a, inv)
        hears(box, WAITS, MUSIC_HZ, present=False, seconds=6)
        bye(a, inv)
        clean(c, box, WAITS)
