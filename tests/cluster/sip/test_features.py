# SPDX-License-Identifier: MIT
"""What users do with their calls: groups, forwarding, do not disturb, parking."""

import json
import os
import subprocess
import tempfile
from contextlib import ExitStack

from harness import (BIN, Mismatch, assert_clean, cluster, phones, request)
from lib.cluster import DEMO
from talk import call, end, hears, phone, talk, tone

_stack = ExitStack()
_shared = None

CALLER, OTHER = "1009", "1010"


def config():
    with open(DEMO, encoding="utf-8") as f:
        conf = json.load(f)
    devices = {d["id"]: d for d in conf["devices"]}
    devices["1011"]["forward"] = {"busy": "1010", "noAnswer": "1010",
                                  "unreachable": "1010", "noAnswerS": 1}
    devices["1012"]["forward"] = {"always": "1011"}
    devices["1013"]["forward"] = {"always": "1014"}
    devices["1014"]["forward"] = {"always": "1013"}
    for user in ("1015", "1016", "1017"):
        devices[user]["pickupGroup"] = "desk"
    conf["groups"] += [
        {"id": "order", "strategy": "order", "memberRingS": 2,
         "members": ["1001", "1002", "1003"], "overflow": "1010"},
        {"id": "idle", "strategy": "longestIdle", "memberRingS": 5,
         "members": ["1001", "1002", "1003"]}]
    conf["groups"].append({"id": "desk", "members": ["1015", "1016"]})
    conf["routes"] += [
        {"id": "desk", "order": 220, "pattern": "654",
         "target": {"group": "desk"}},
        {"id": "order", "order": 200, "pattern": "652",
         "target": {"group": "order"}},
        {"id": "idle", "order": 210, "pattern": "653",
         "target": {"group": "idle"}}]
    return conf


def shared():
    global _shared
    if _shared is None:
        with tempfile.NamedTemporaryFile("w", suffix=".json",
                                         delete=False) as f:
            json.dump(config(), f)
        _stack.callback(os.unlink, f.name)
        c = _stack.enter_context(cluster(nodes=2, config=f.name))
        _shared = c
    return _shared


def finish():
    _stack.close()


def ask(box, who, to, answered_by):
    """who calls a number, which is answered there, and is hung up."""
    box.do("call", phone=who, to=to)
    box.expect("established", phone=who)
    box.expect("established", phone=answered_by)
    talk(box, who, answered_by)
    end(box, who, answered_by)


def test_group_all():
    """All members ring; who answers first has the call, the others stop."""
    c = shared()
    with phones() as box:
        phone(box, c, CALLER)
        for user in ("1001", "1002", "1003"):
            phone(box, c, user, answer="manual")
        box.do("call", phone=CALLER, to="650")
        for user in ("1001", "1002", "1003"):
            box.expect("incoming", phone=user)
        box.expect("ringing", phone=CALLER)
        box.do("answer", phone="1002")
        box.expect("established", phone="1002")
        box.expect("established", phone=CALLER)
        for user in ("1001", "1003"):
            box.expect("closed", phone=user, code=487)
        talk(box, CALLER, "1002")
        end(box, CALLER, "1002")
    assert_clean(c)


def test_group_in_order():
    """One after the other; busy and silent ones are left, then the overflow."""
    c = shared()
    with phones() as box:
        phone(box, c, CALLER)
        phone(box, c, OTHER)
        phone(box, c, "1001", answer="reject:486")
        phone(box, c, "1002", answer="manual")
        phone(box, c, "1003")
        ask(box, CALLER, "652", "1003")
        box.do("set", phone="1003", answer="reject:486")
        ask(box, CALLER, "652", OTHER)
    assert_clean(c)


def test_group_round_robin():
    c = shared()
    with phones() as box:
        phone(box, c, CALLER)
        for user in ("1004", "1005", "1006"):
            phone(box, c, user)
        for user in ("1004", "1005", "1006", "1004"):
            ask(box, CALLER, "651", user)
    assert_clean(c)


def test_group_longest_idle():
    c = shared()
    with phones() as box:
        phone(box, c, CALLER)
        for user in ("1001", "1002", "1003"):
            phone(box, c, user)
        for user in ("1001", "1003"):
            call(box, CALLER, user)
            box.expect("incoming", phone=user)
            end(box, CALLER, user)
        first = box_answered(box, "653")
        if first != "1002":
            raise Mismatch(f"{first} was rung, 1002 was idle longest")
        second = box_answered(box, "653")
        if second != "1001":
            raise Mismatch(f"{second} was rung, 1001 was idle longest")
    assert_clean(c)


def box_answered(box, to):
    """Who answers a call to a group."""
    box.do("call", phone=CALLER, to=to)
    ev = box.expect("incoming")
    box.expect("established", phone=CALLER)
    box.expect("established", phone=ev["phone"])
    end(box, CALLER, ev["phone"])
    return ev["phone"]


def test_forward_busy():
    c = shared()
    with phones() as box:
        phone(box, c, CALLER)
        phone(box, c, OTHER)
        phone(box, c, "1011", answer="reject:486")
        ask(box, CALLER, "1011", OTHER)
    assert_clean(c)


def test_forward_no_answer():
    c = shared()
    with phones() as box:
        phone(box, c, CALLER)
        phone(box, c, OTHER)
        phone(box, c, "1011", answer="manual")
        ask(box, CALLER, "1011", OTHER)
        box.expect("closed", phone="1011", code=487)
    assert_clean(c)


def test_forward_unreachable_after_always():
    """1012 sends all to 1011, which is not there."""
    c = shared()
    with phones() as box:
        phone(box, c, CALLER)
        phone(box, c, OTHER)
        ask(box, CALLER, "1012", OTHER)
    assert_clean(c)


def test_forward_in_a_circle():
    c = shared()
    with phones() as box:
        phone(box, c, CALLER)
        box.do("call", phone=CALLER, to="1013")
        box.expect("closed", phone=CALLER, code=480)
    assert_clean(c)


def star(box, who, code):
    box.do("call", phone=who, to=code)
    box.expect("established", phone=who)
    box.expect("closed", phone=who, code=200)


def test_do_not_disturb_by_phone():
    """*78 and *79: the phone is left alone, and rings again."""
    c = shared()
    with phones() as box:
        phone(box, c, CALLER)
        phone(box, c, "1007")
        star(box, "1007", "*78")
        box.do("call", phone=CALLER, to="1007")
        box.expect("closed", phone=CALLER, code=486)
        star(box, "1007", "*79")
        ask(box, CALLER, "1007", "1007")
    assert_clean(c)


def test_forward_by_phone():
    """*72 with a number, and *73."""
    c = shared()
    with phones() as box:
        phone(box, c, CALLER)
        phone(box, c, OTHER)
        phone(box, c, "1008")
        star(box, "1008", "*72" + OTHER)
        ask(box, CALLER, "1008", OTHER)
        star(box, "1008", "*73")
        ask(box, CALLER, "1008", "1008")
    assert_clean(c)


def device(c, user, body=None, status=200):
    """What the API shows of a device, or what it says to a change."""
    got, _, doc = request("PATCH" if body else "GET",
                          f"http://{c.gateways[0].http}/api/devices/{user}",
                          c.token, body)
    if got != status:
        raise Mismatch(f"{user}: {got} {doc}, expected {status}")
    return doc


def shown(c, user, dnd=False, changed=(), **forward):
    got = device(c, user)
    numbers = {k: v for k, v in got["forward"].items() if v}
    if (got["doNotDisturb"], numbers, got["changed"]) != \
            (dnd, forward, list(changed)):
        raise Mismatch(f"{got}, expected {dnd} {forward} {changed}")


def test_settings_by_the_api():
    """The API and the star codes change the same thing."""
    c = shared()
    with phones() as box:
        phone(box, c, CALLER)
        phone(box, c, OTHER)
        phone(box, c, "1017", answer="reject:486")
        shown(c, "1017")
        got = device(c, "1017", {"forward": {"busy": OTHER}})
        if got["forward"]["busy"] != OTHER:
            raise Mismatch(f"not as changed: {got}")
        ask(box, CALLER, "1017", OTHER)
        device(c, "1017", {"forward": {"busy": ""}, "doNotDisturb": True})
        shown(c, "1017", True, ["doNotDisturb", "forward.busy"])
        box.do("call", phone=CALLER, to="1017")
        box.expect("closed", phone=CALLER, code=486)
        box.do("set", phone="1017", answer="manual")
        star(box, "1017", "*79")
        shown(c, "1017", False, ["doNotDisturb", "forward.busy"])
        star(box, "1017", "*72" + OTHER)
        if device(c, "1017")["forward"]["always"] != OTHER:
            raise Mismatch("a star code is not shown")
        ask(box, CALLER, "1017", OTHER)
        device(c, "1017", {"reset": [
            "doNotDisturb", "forward.always", "forward.busy",
            "forward.noAnswer", "forward.unreachable"]})
        shown(c, "1017")
    shown(c, "1011", busy="1010", noAnswer="1010", unreachable="1010",
          noAnswerS=1)
    device(c, "1011", {"forward": {"noAnswerS": 7}})
    shown(c, "1011", changed=["forward.noAnswerS"], busy="1010",
          noAnswer="1010", unreachable="1010", noAnswerS=7)
    device(c, "1011", {"reset": ["forward.noAnswerS"]})
    assert_clean(c)


def test_wrong_settings():
    c = shared()
    for body, field in (
            ({"forward": {"always": "4711"}}, "forward.always"),
            ({"forward": {"busy": "1017"}}, "forward.busy"),
            ({"forward": {"noAnswer": "10 10"}}, "forward.noAnswer"),
            ({"forward": {"noAnswerS": 301}}, "forward.noAnswerS"),
            ({"reset": ["colour"]}, "reset"),
            ({"doNotDisturb": True, "reset": ["doNotDisturb"]}, "reset"),
            ({"colour": 1}, "colour")):
        doc = device(c, "1017", body, 400)
        if [e["field"] for e in doc["errors"]] != [field]:
            raise Mismatch(f"{body}: {doc}")
    shown(c, "1017")


def test_wrong_groups():
    """A configuration that cannot work is refused, with its place."""
    for change, words in (
            ({"members": ["1001", "9999"]},
             'groups[0].members[1]: there is no device "9999"'),
            ({"members": []}, "groups[0].members: 1 to 100 are allowed"),
            ({"strategy": "random"}, 'groups[0].strategy: unknown name')):
        conf = config()
        conf["groups"][0].update(change)
        with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
            json.dump(conf, f)
            f.flush()
            got = subprocess.run(
                [os.path.join(BIN, "switchyard-config"), "check", f.name],
                capture_output=True, text=True, check=False).stderr
        if words not in got:
            raise Mismatch(f"{got!r}, expected {words!r}")


MUSIC_HZ = 330


def test_music_on_hold():
    """Who is put on hold hears music, who holds does not; it ends at once."""
    c = shared()
    with phones() as box:
        phone(box, c, CALLER)
        phone(box, c, OTHER)
        call(box, CALLER, OTHER)
        talk(box, CALLER, OTHER)
        for mode in ("sendonly", "inactive"):
            box.do("hold", phone=CALLER, mode=mode)
            box.expect("held", phone=CALLER)
            hears(box, OTHER, MUSIC_HZ, seconds=6)
            hears(box, CALLER, MUSIC_HZ, present=False, seconds=1)
            box.do("resume", phone=CALLER)
            box.expect("resumed", phone=CALLER)
            talk(box, CALLER, OTHER)
            hears(box, OTHER, MUSIC_HZ, present=False, seconds=6)
        end(box, CALLER, OTHER)
    assert_clean(c)


def test_hold_in_a_conference():
    """Of three who holds disturbs nobody: no music, and what his phone sends
    is not heard.  Who is left alone by two has music."""
    c = shared()
    users = (CALLER, OTHER, "1017")
    with phones() as box:
        for user in users:
            phone(box, c, user)
            box.do("call", phone=user, to="601")
            box.expect("established", phone=user)
        a, b, holds = users
        talk(box, a, b)
        hears(box, a, tone(holds))
        box.do("hold", phone=holds, mode="sendonly")
        box.expect("held", phone=holds)
        hears(box, a, tone(holds), present=False, seconds=6)
        for user in (a, b):
            hears(box, user, MUSIC_HZ, present=False, seconds=2)
        talk(box, a, b)
        box.do("hold", phone=b, mode="inactive")
        box.expect("held", phone=b)
        hears(box, a, MUSIC_HZ, seconds=6)
        box.do("resume", phone=b)
        box.expect("resumed", phone=b)
        hears(box, a, MUSIC_HZ, present=False, seconds=6)
        talk(box, a, b)
        box.do("resume", phone=holds)
        box.expect("resumed", phone=holds)
        hears(box, b, tone(holds))
        for user in users:
            box.do("hangup", phone=user)
            box.expect("closed", phone=user)
    assert_clean(c)


def test_parking_place():
    """Who waits at a place hears music, until somebody dials it."""
    c = shared()
    with phones() as box:
        phone(box, c, CALLER)
        phone(box, c, OTHER)
        box.do("call", phone=CALLER, to="693")
        box.expect("established", phone=CALLER)
        hears(box, CALLER, MUSIC_HZ, seconds=6)
        box.do("call", phone=OTHER, to="693")
        box.expect("established", phone=OTHER)
        talk(box, CALLER, OTHER)
        end(box, CALLER, OTHER)
    assert_clean(c)


def test_pick_up():
    """*8 with the number of a phone that rings, or alone: of one's group; the
    phone that rang stops, and knows why."""
    c = shared()
    with phones() as box:
        phone(box, c, CALLER)
        phone(box, c, "1015", answer="manual")
        phone(box, c, OTHER)
        phone(box, c, "1016")
        for who, code in ((OTHER, "*81015"), ("1016", "*8")):
            box.do("call", phone=CALLER, to="1015")
            box.expect("incoming", phone="1015")
            box.expect("ringing", phone=CALLER)
            box.do("call", phone=who, to=code)
            box.expect("established", phone=who)
            box.expect("established", phone=CALLER)
            box.expect("closed", phone="1015", code=487)
            talk(box, CALLER, who)
            end(box, CALLER, who)
        for who, code in ((OTHER, "*81015"), ("1016", "*8"), (OTHER, "*8")):
            box.do("call", phone=who, to=code)
            box.expect("closed", phone=who, code=404)
    assert_clean(c)


def test_pick_up_in_order():
    """Of several calls that ring a group the oldest is picked up first, the
    next pick-up takes the next; a phone that rings no more is none of them,
    others of its group go on ringing."""
    c = shared()
    callers = (CALLER, "1012", "1013")
    with phones() as box:
        for user in callers:
            phone(box, c, user)
        phone(box, c, "1015", answer="manual")
        for user in ("1016", "1018"):
            phone(box, c, user)
        for n, user in enumerate(callers):
            box.do("call", phone=user, to="1015")
            box.expect("incoming", phone="1015")
            box.expect("ringing", phone=user)
        first, second, third = callers
        box.do("hangup", phone=second)
        box.expect("closed", phone=second)
        box.expect("closed", phone="1015", code=487)
        for user, by in ((first, "1016"), (third, "1018")):
            code = "*8" if by == "1016" else "*81015"
            box.do("call", phone=by, to=code)
            box.expect("established", phone=by)
            box.expect("established", phone=user)
            box.expect("closed", phone="1015", code=487)
            talk(box, user, by)
            end(box, user, by)
        box.do("call", phone="1016", to="*8")
        box.expect("closed", phone="1016", code=404)
    assert_clean(c)


def test_pick_up_from_a_group_that_rings():
    """One of the phones that ring refuses: the call can still be picked."""
    c = shared()
    with phones() as box:
        phone(box, c, CALLER)
        phone(box, c, OTHER)
        phone(box, c, "1015", answer="reject:486")
        phone(box, c, "1016", answer="manual")
        phone(box, c, "1017")
        box.do("call", phone=CALLER, to="654")
        box.expect("closed", phone="1015")
        box.expect("incoming", phone="1016")
        box.expect("ringing", phone=CALLER)
        box.do("call", phone="1017", to="*8")
        box.expect("established", phone="1017")
        box.expect("established", phone=CALLER)
        box.expect("closed", phone="1016", code=487)
        talk(box, CALLER, "1017")
        end(box, CALLER, "1017")
    assert_clean(c)
