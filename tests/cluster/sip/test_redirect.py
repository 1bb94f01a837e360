# SPDX-License-Identifier: MIT
"""Redirections: who answers 3xx, where the call goes then, what the caller
hears of it, and what is refused.  Phones and carriers are raw text."""

import json
from contextlib import ExitStack

from harness import assert_clean, cluster, must, wait_for
from lib.cluster import DEMO
from rawphone import Dialog, RawPhone
from rawtrunk import RawTrunk, moved, refused, takes
from survive import records
from test_adopt import take_over

_stack = ExitStack()
_here = None

CALLER, FIRST, SECOND, THIRD = "1001", "1002", "1003", "1004"


def config(a, b):
    with open(DEMO, encoding="utf-8") as f:
        conf = json.load(f)
    dev = {d["id"]: d for d in conf["devices"]}
    dev["1005"]["forward"] = {"always": SECOND}
    dev["1006"]["forward"] = {"busy": SECOND, "unreachable": THIRD}
    conf["settings"]["costly"] = [{"prefix": "+88", "permission": "far"}]
    conf["trunks"] = [a.trunk(), b.trunk()]
    conf["groups"] += [
        {"id": "both", "strategy": "all", "members": [FIRST, SECOND]},
        {"id": "row", "strategy": "order", "memberRingS": 20,
         "members": [FIRST, SECOND]}]
    conf["routes"] = conf["routes"][:3] + [
        {"id": "both", "order": 190, "pattern": "658",
         "target": {"group": "both"}},
        {"id": "row", "order": 191, "pattern": "659",
         "target": {"group": "row"}},
        {"id": "stars", "order": 193, "pattern": "*78",
         "target": {"feature": {"code": "DND_ON"}}},
        {"id": "out", "order": 194, "pattern": "9.",
         "target": {"external": {"trunk": "a", "number": "$1"}}},
        {"id": "far", "order": 195, "pattern": "+.",
         "target": {"external": {"trunk": "a", "number": "$0"}}}]
    return conf


class Here:
    """A cluster, two carriers, and phones."""

    def __init__(self, stack, **more):
        self.a, self.b = (stack.enter_context(RawTrunk(n)) for n in "ab")
        self.cluster = stack.enter_context(cluster(
            config=config(self.a, self.b), **more))
        router = self.cluster.routers[0]
        self.a.aim(router)
        self.b.aim(router)
        self.phones = {u: stack.enter_context(RawPhone(router, u))
                       for u in (CALLER, FIRST, SECOND, THIRD)}
        for p in self.phones.values():
            must(p.register().code, 200, "REGISTER")
        self.caller = self.phones[CALLER]

    def calls(self, number=FIRST, callee=FIRST):
        """The caller's INVITE, and the one that the callee gets."""
        self.inv = self.caller.call(number)
        return self.phones[callee].await_("INVITE")

    def hears(self, code):
        return self.caller.await_(code, call_id=self.inv.get("call-id"))

    def talks(self, callee, req):
        """The callee answers, and the caller ends the call."""
        takes(callee, req)
        ok = self.hears(200)
        d = Dialog(self.caller, self.inv, ok)
        d.ack()
        d.bye()
        callee.answer(callee.await_("BYE"))
        assert_clean(self.cluster)

    def shown(self):
        """What the API says of the way of the one call."""
        api = self.cluster.api
        call = wait_for("a call is shown", lambda: next(iter(
            api("GET", "/api/calls")["items"]), None))
        return [{k: d[k] for k in ("device", "trunk", "reason", "code",
                                   "target", "redirect") if d.get(k)}
                for d in api("GET", "/api/calls/" + call["id"])
                .get("diversions", [])]

    def why(self, words):
        """The record of the last call says so."""
        wait_for(f"a record says {words!r}", lambda: records(self.cluster)
                 and words in repr(records(self.cluster)[-1]))


def here():
    global _here
    if _here is None:
        _here = Here(_stack, nodes=1)
    return _here


def finish():
    _stack.close()


def at(number, host="switchyard", **params):
    return f"<sip:{number}@{host}>" + "".join(
        f";{k}={v}" for k, v in params.items())


def test_every_code():
    """300, 301, 302, 305 and 380 lead to their Contact; the caller hears 181,
    then the new phone's 180; the API shows the way."""
    h = here()
    for code in (300, 301, 302, 305, 380):
        req = h.calls()
        moved(h.phones[FIRST], req, at(SECOND), code=code)
        h.hears(181)
        req = h.phones[SECOND].await_("INVITE")
        must(h.shown(), [{"device": FIRST, "reason": "unconditional",
                          "code": 302, "target": SECOND, "redirect": True}],
             "the way")
        h.phones[SECOND].answer(req, 180, "Ringing")
        h.hears(180)
        h.talks(h.phones[SECOND], req)


def test_order_of_q():
    """The best Contact first, the next one when it has failed; a name of ours,
    an address of ours, and tel:; what failed best is told in the end."""
    h = here()
    req = h.calls()
    router = h.cluster.routers[0].udp
    moved(h.phones[FIRST], req, at(THIRD, q="0.1"), f"<tel:{SECOND}>;q=0.7",
          "<mailto:a@b>", at("9123", router, q="0.35"))
    req = h.phones[SECOND].await_("INVITE")
    h.phones[SECOND].answer(req, 480, "Away")
    req = h.a.await_("INVITE")
    must(req.uri, f"sip:123@{h.a.me}", "Request-URI")
    h.a.answer(req, 486, "Busy")
    req = h.phones[THIRD].await_("INVITE")
    h.phones[THIRD].answer(req, 404, "No")
    refused(h.caller, h.inv, 486)
    assert_clean(h.cluster)


def test_a_fork_goes_on():
    """One phone of a device redirects: the other one rings on, and answers, or
    is told that somebody else has."""
    h = here()
    with RawPhone(h.cluster.routers[0], FIRST) as other:
        must(other.register().code, 200, "REGISTER")
        for winner in (other, h.phones[SECOND]):
            req = h.calls()
            rings = other.await_("INVITE")
            other.answer(rings, 180, "Ringing", tag="o")
            moved(h.phones[FIRST], req, at(SECOND))
            req = h.phones[SECOND].await_("INVITE")
            h.phones[SECOND].answer(req, 180, "Ringing")
            won, lost, lost_req = (
                (rings, h.phones[SECOND], req) if winner is other
                else (req, other, rings))
            takes(winner, won, tag="w")
            cancel = lost.await_("CANCEL")
            must("elsewhere" in cancel.get("reason"), True, "Reason")
            lost.answer(cancel)
            lost.answer(lost_req, 487, "Terminated", tag="o")
            d = Dialog(h.caller, h.inv, h.hears(200))
            d.ack()
            d.bye()
            winner.answer(winner.await_("BYE"))
            assert_clean(h.cluster)
        other.register(Expires="0")


def test_last_of_a_family_tells():
    """A phone redirects and both the target and the device's other phone
    fail: the caller hears once, the better code; 6xx speaks for all."""
    h = here()
    with RawPhone(h.cluster.routers[0], FIRST) as other:
        must(other.register().code, 200, "REGISTER")
        req = h.calls()
        rings = other.await_("INVITE")
        moved(h.phones[FIRST], req, at(SECOND))
        req = h.phones[SECOND].await_("INVITE")
        other.answer(rings, 486, "Busy", tag="o")
        other.await_("ACK")
        h.phones[SECOND].answer(req, 404, "No")
        refused(h.caller, h.inv, 486)
        assert_clean(h.cluster)

        req = h.calls()
        rings = other.await_("INVITE")
        other.answer(rings, 180, "Ringing", tag="o")
        moved(h.phones[FIRST], req, at(SECOND))
        req = h.phones[SECOND].await_("INVITE")
        h.phones[SECOND].answer(req, 603, "No")
        other.answer(other.await_("CANCEL"), tag="o")
        other.answer(rings, 487, "Terminated", tag="o")
        refused(h.caller, h.inv, 603)
        other.register(Expires="0")
        assert_clean(h.cluster)


def test_groups():
    """A member of a group redirects: the others ring on; in a row the next
    one comes when the target has failed, without the way of the first."""
    h = here()
    req = h.calls("658")
    second = h.phones[SECOND].await_("INVITE")
    moved(h.phones[FIRST], req, at(THIRD))
    third = h.phones[THIRD].await_("INVITE")
    h.phones[SECOND].answer(second, 486, "Busy")
    h.phones[SECOND].await_("ACK")
    h.talks(h.phones[THIRD], third)

    req = h.calls("659")
    moved(h.phones[FIRST], req, at(THIRD))
    h.phones[THIRD].answer(h.phones[THIRD].await_("INVITE"), 486, "Busy")
    req = h.phones[SECOND].await_("INVITE")
    h.talks(h.phones[SECOND], req)


def test_what_is_not_rung():
    """An echo is there at once; beside others that ring it waits for them to
    fail; a star code of somebody else's is nobody's."""
    h = here()
    req = h.calls()
    moved(h.phones[FIRST], req, at("600"))
    d = Dialog(h.caller, h.inv, h.hears(200))
    d.ack()
    d.bye()
    assert_clean(h.cluster)

    req = h.calls("658")
    second = h.phones[SECOND].await_("INVITE")
    h.phones[SECOND].answer(second, 180, "Ringing")
    h.hears(180)
    moved(h.phones[FIRST], req, at("600"))
    h.phones[SECOND].answer(second, 486, "Busy")
    h.phones[SECOND].await_("ACK")
    d = Dialog(h.caller, h.inv, h.hears(200))
    d.ack()
    d.bye()
    assert_clean(h.cluster)

    req = h.calls()
    moved(h.phones[FIRST], req, at("*78"))
    refused(h.caller, h.inv, 480)
    h.why("302 not followed: 403 for this number")
    assert_clean(h.cluster)


def test_loops():
    """A phone that redirects to who is in the call already, or to itself, is
    not followed; nor is a sixth redirection."""
    h = here()
    for target in (FIRST, CALLER):
        req = h.calls()
        moved(h.phones[FIRST], req, at(target))
        refused(h.caller, h.inv, 480)
        h.why("302 not followed: the call has been there")
        assert_clean(h.cluster)
    req = h.calls()
    moved(h.phones[FIRST], req, at(SECOND))
    req = h.phones[SECOND].await_("INVITE")
    moved(h.phones[SECOND], req, at(FIRST))
    refused(h.caller, h.inv, 480)
    assert_clean(h.cluster)
    h.inv = h.caller.call("90")
    for n in range(5):
        moved(h.a, h.a.await_("INVITE"), at(n + 1, h.a.me))
    moved(h.a, h.a.await_("INVITE"), at(6, h.a.me))
    refused(h.caller, h.inv, 480)
    h.why("redirected too often")
    assert_clean(h.cluster)


def test_phone_may_not():
    """A foreign address, a costly number without permission, a number that
    leads nowhere: refused, and the record says why; another Contact is taken."""
    h = here()
    for contact, words in (
            (at("x", "198.51.100.7"), "foreign host 198.51.100.7"),
            (at("+8812345"), "403 for this number"),
            (at("77777"), "404 for this number")):
        req = h.calls()
        moved(h.phones[FIRST], req, contact)
        refused(h.caller, h.inv, 480)
        h.why("302 not followed: " + words)
        assert_clean(h.cluster)
        req = h.calls()
        moved(h.phones[FIRST], req, contact, at(SECOND))
        h.talks(h.phones[SECOND], h.phones[SECOND].await_("INVITE"))
    req = h.calls()
    moved(h.phones[FIRST], req, at(SECOND))
    h.phones[SECOND].answer(h.phones[SECOND].await_("INVITE"), 404, "No")
    refused(h.caller, h.inv, 404)
    req = h.calls()
    h.phones[FIRST].answer(req, 302, "Moved", Contact="<mailto:a@b>")
    refused(h.caller, h.inv, 480)
    h.why("redirected to nobody")
    assert_clean(h.cluster)


def test_phone_to_a_trunk():
    """A phone's Contact at a trunk: only where the dial plan leads there."""
    h = here()
    req = h.calls()
    moved(h.phones[FIRST], req, at("+4930555", h.a.me))
    req = h.a.await_("INVITE")
    must(req.uri, f"sip:+4930555@{h.a.me}", "Request-URI")
    h.talks(h.a, req)
    req = h.calls()
    moved(h.phones[FIRST], req, at("+4930555", h.b.me))
    refused(h.caller, h.inv, 480)
    h.why("302 not followed: no route by trunk b")
    assert_clean(h.cluster)


def test_trunk():
    """A carrier's Contact at itself is called as it stands; elsewhere, at
    another trunk, or at us, it is refused; who calls pays for a costly one."""
    h = here()
    h.inv = h.caller.call("9123")
    moved(h.a, h.a.await_("INVITE"), at("456;npdi=yes", h.a.me))
    h.hears(181)
    req = h.a.await_("INVITE")
    must(req.uri, f"sip:456;npdi=yes@{h.a.me}", "Request-URI")
    must(h.shown(), [{"trunk": "a", "reason": "unconditional", "code": 302,
                      "target": f"sip:456;npdi=yes@{h.a.me}",
                      "redirect": True}], "the way")
    h.talks(h.a, req)
    for contact, words in (
            (at("456", h.b.me), "foreign host 127.0.0.1"),
            (at(FIRST), "foreign host switchyard"),
            (at("+8812345", h.a.me), "not permitted")):
        h.inv = h.caller.call("9123")
        moved(h.a, h.a.await_("INVITE"), contact)
        refused(h.caller, h.inv, 480)
        h.why("302 not followed: " + words)
        assert_clean(h.cluster)


def test_forwarding_is_told():
    """181 and the way in the record for forwarding by us: always, busy,
    unreachable."""
    h = here()
    h.inv = h.caller.call("1005")
    h.hears(181)
    req = h.phones[SECOND].await_("INVITE")
    must(h.shown(), [{"device": "1005", "reason": "unconditional",
                      "code": 302, "target": SECOND}], "the way")
    h.talks(h.phones[SECOND], req)
    h.inv = h.caller.call("1006")
    h.hears(181)
    req = h.phones[THIRD].await_("INVITE")
    must([d["code"] for d in h.shown()], [503], "the way")
    h.talks(h.phones[THIRD], req)
    with RawPhone(h.cluster.routers[0], "1006") as p:
        must(p.register().code, 200, "REGISTER")
        h.inv = h.caller.call("1006")
        p.answer(p.await_("INVITE"), 486, "Busy")
        h.hears(181)
        req = h.phones[SECOND].await_("INVITE")
        must([d["code"] for d in h.shown()], [486], "the way")
        h.talks(h.phones[SECOND], req)
        p.register(Expires="0")
    wait_for("the record has the way", lambda: any(
        b"user-busy" in d for d in records(h.cluster)[-1].get(40, [])))
    assert_clean(h.cluster)


def test_api():
    """Who is called by the API redirects: its target is called, joins, and is
    put through."""
    h = here()
    api = h.cluster.api
    got = api("POST", "/api/calls", {"from": FIRST, "to": "600"})
    moved(h.phones[FIRST], h.phones[FIRST].await_("INVITE"), at(SECOND))
    takes(h.phones[SECOND], h.phones[SECOND].await_("INVITE"))
    wait_for("it is answered", lambda: api(
        "GET", "/api/calls/" + got["id"])["state"] == "CALL_ANSWERED")
    api("DELETE", "/api/calls/" + got["id"])
    h.phones[SECOND].answer(h.phones[SECOND].await_("BYE"))
    assert_clean(h.cluster)


def test_another_node_goes_on():
    """The node dies while a redirected call rings, with a Contact left and
    another phone beside it: its successor goes on with each."""
    with ExitStack() as stack:
        h = Here(stack, nodes=2, later=["node-2"])
        other = stack.enter_context(RawPhone(h.cluster.routers[0], FIRST))
        must(other.register().code, 200, "REGISTER")
        req = h.calls()
        rings = other.await_("INVITE")
        other.answer(rings, 180, "Ringing", tag="o")
        moved(h.phones[FIRST], req, at(SECOND), at(THIRD))
        req = h.phones[SECOND].await_("INVITE")
        h.phones[SECOND].answer(req, 180, "Ringing")
        h.hears(180)
        way = [{"device": FIRST, "reason": "unconditional", "code": 302,
                "target": SECOND, "redirect": True}]
        must(h.shown(), way, "the way")
        take_over(h.cluster)
        wait_for("the other node has it", lambda: [
            c["node"] for c in h.cluster.api("GET", "/api/calls")["items"]]
            == ["node-2"])
        must(h.shown(), way, "the way there")
        h.phones[SECOND].answer(req, 486, "Busy")
        req = h.phones[THIRD].await_("INVITE", 10)
        must([d["target"] for d in h.shown()], [SECOND, THIRD], "the way")
        takes(h.phones[THIRD], req)
        cancel = other.await_("CANCEL")
        other.answer(cancel, tag="o")
        other.answer(rings, 487, "Terminated", tag="o")
        ok = h.caller.await_(200, 10, call_id=h.inv.get("call-id"))
        d = Dialog(h.caller, h.inv, ok)
        d.ack()
        d.bye()
        h.phones[THIRD].answer(h.phones[THIRD].await_("BYE"))
        assert_clean(h.cluster)
