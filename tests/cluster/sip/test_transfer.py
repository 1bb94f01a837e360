# SPDX-License-Identifier: MIT
"""Transfers: REFER blind and attended, told by NOTIFY, on one node and over
several; who is put through hears whom it should."""

import json
import threading
from contextlib import ExitStack
from urllib.parse import quote

from harness import (Mismatch, assert_clean, call_keys, cluster, metrics, must,
                     node_counts, phones, request, wait_for)
from lib.cluster import DEMO
from rawphone import SDP, Dialog, Message, RawPhone
from talk import hears, phone, talk, tone

MOVING = ("sy_node_departures", "sy_node_arrivals")

_stack = ExitStack()
_shared = None
_carrier = None


class Nowhere:
    """The carrier has its address before the cluster has one."""
    udp = "127.0.0.1:1"


def shared():
    """One cluster and two phones with tones, 1002 and 1003, for all."""
    global _shared, _carrier
    if _shared and (any(node_counts(_shared[0]).values())
                    or call_keys(_shared[0])):
        finish()
    if _shared is None:
        _carrier = _stack.enter_context(RawPhone(Nowhere, "loop"))
        with open(DEMO, encoding="utf-8") as f:
            conf = json.load(f)
        conf["trunks"] = [{"id": "loop", "enabled": True,
                           "sources": [_carrier.me], "target": _carrier.me}]
        c = _stack.enter_context(cluster(nodes=3, config=conf))
        box = _stack.enter_context(phones())
        for user in ("1002", "1003"):
            phone(box, c, user)
        _shared = c, box
    return _shared


def finish():
    global _shared
    _shared = None
    _stack.close()


def follow(a, byes):
    """Answer what comes for the transferor: codes of the NOTIFYs, until so
    many of its calls were ended."""
    codes = []
    while True:
        m = a.receive(10 if byes > 0 else 0.3)
        if not m and byes <= 0:
            return codes  # what crossed the last BYE came, too
        if not m:
            raise Mismatch(f"no BYE within 10 s, but NOTIFYs of {codes}")
        if m.method == "INVITE":
            a.answer(m, 200, "OK", body=SDP.format(port=40000))
        elif m.method in ("NOTIFY", "BYE"):
            a.answer(m, 200, "OK")
        if m.method == "NOTIFY":
            codes.append(int(m.body.split()[1]))
        byes -= m.method == "BYE"


def progress(a, last):
    """The NOTIFYs of a REFER up to the last, each answered."""
    codes = []
    while not codes or codes[-1] < 200:
        n = a.await_("NOTIFY", 10)
        a.answer(n, 200, "OK")
        must(n.get("event").split(";")[0], "refer", "Event")
        must(n.get("content-type").split(";")[0], "message/sipfrag", "body")
        codes.append(int(n.body.split()[1]))
        over = n.get("subscription-state").startswith("terminated")
        must(over, codes[-1] >= 200, "Subscription-State")
    must(codes[0], 100, "the first NOTIFY")
    must(codes[-1], last, "the last NOTIFY")
    return codes


def notified(a):
    """The next NOTIFY, answered: its code."""
    n = a.await_("NOTIFY", 10)
    a.answer(n, 200, "OK")
    return int(n.body.split()[1])


def refer(d, to, **f):
    return d.ask("REFER", **{"Refer-To": to, "Referred-By":
                             "<sip:1001@switchyard>", **f})


def bye(a):
    """The transferor's leg is ended by us."""
    a.answer(a.await_("BYE"), 200, "OK")


def calls(c):
    return c.api("GET", "/api/calls")["items"]


def clean(c, box, conference=False):
    """1002 hangs up, and with it 1003, but for a conference."""
    box.do("hangup", phone="1002")
    box.expect("closed", phone="1002")
    if conference:
        box.do("hangup", phone="1003")
    box.expect("closed", phone="1003")
    assert_clean(c)


def test_blind():
    """Target answers: 202, NOTIFYs, BYE; the others talk."""
    c, box = shared()
    with RawPhone(c.routers[0]) as a:
        d = a.established("1002")
        must(refer(d, "<sip:1003@switchyard>").code, 202, "REFER")
        must(180 in progress(a, 200), True, "NOTIFY 180")
        bye(a)
        talk(box, "1002", "1003")
        must(len(calls(c)), 1, "calls")
    clean(c, box)


def test_blind_leaves():
    """The transferor says BYE right after its 202: the target rings on."""
    c, box = shared()
    with RawPhone(c.routers[0]) as a:
        d = a.established("1002")
        box.do("set", phone="1003", answer="manual")
        must(refer(d, "<sip:1003@switchyard>", Refer_Sub="false").code, 200,
             "REFER without NOTIFY")
        d.bye()
        box.expect("incoming", phone="1003")
        hears(box, "1002", 425)
        box.do("answer", phone="1003")
        talk(box, "1002", "1003")
        box.do("set", phone="1003", answer="auto")
    clean(c, box)


def test_blind_fails():
    """Busy, not known, a bad Refer-To: the call goes on as it was."""
    c, box = shared()
    with RawPhone(c.routers[0]) as a:
        d = a.established("1002")
        box.do("set", phone="1003", answer="reject:486")
        must(refer(d, "<sip:1003@switchyard>").code, 202, "REFER")
        progress(a, 486)
        box.do("set", phone="1003", answer="auto")
        must(refer(d, "<sip:4711@switchyard>").code, 202, "nobody's number")
        progress(a, 404)
        must(d.ask("REFER").code, 400, "without Refer-To")
        must(refer(d, "<mailto:x@y>").code, 416, "another scheme")
        must(refer(d, "<sip:1003@switchyard?Replaces=a%3Bto-tag%3Db%3B"
                      "from-tag%3Dc>").code, 202, "a dialog of others")
        progress(a, 481)
        must(d.ask("OPTIONS").code, 200, "it is up")
        must(len(calls(c)), 1, "calls")
        d.bye()
        must(a.ask(a.request("REFER", "sip:1002@switchyard",
                             Refer_To="<sip:1003@switchyard>")).code, 405,
             "outside of a call")
    box.expect("closed", phone="1002")
    assert_clean(c)


def test_referred_by():
    """The target is told who has put the call through."""
    c, box = shared()
    with RawPhone(c.routers[0]) as a, RawPhone(c.routers[0], "1011") as b:
        must(b.register().code, 200, "REGISTER")
        d = a.established("1002")
        must(refer(d, "<sip:1011@switchyard>").code, 202, "REFER")
        inv = b.await_("INVITE")
        must(inv.get("referred-by"), "<sip:1001@switchyard>", "Referred-By")
        must("sip:1002@" in inv.get("from"), True, "who calls")
        b.answer(inv, 603, "Decline")
        b.await_("ACK")
        progress(a, 603)
        must(b.register(Expires="0").code, 200, "unregistered")
        d.bye()
    box.expect("closed", phone="1002")
    assert_clean(c)


def test_blind_elsewhere():
    """To an echo, and into a conference where somebody is."""
    c, box = shared()
    with RawPhone(c.routers[0]) as a:
        d = a.established("1002")
        must(refer(d, "<sip:600@switchyard>").code, 202, "REFER to the echo")
        progress(a, 200)
        bye(a)
        hears(box, "1002", tone("1002"))
        box.do("hangup", phone="1002")
        box.expect("closed", phone="1002")

        box.do("call", phone="1003", to="601")
        box.expect("established", phone="1003")
        d = a.established("1002")
        must(refer(d, "<sip:601@switchyard>").code, 202, "REFER to 601")
        progress(a, 200)
        bye(a)
        talk(box, "1002", "1003")
        wait_for("one call", lambda: len(calls(c)) == 1)
    clean(c, box, conference=True)


def replaces(d):
    """The Replaces of a dialog that a RawPhone made, escaped."""
    return (f"{d.inv.get('call-id').replace('@', '%40')}%3Bto-tag%3D"
            f"{d.ok.tag('to')}%3Bfrom-tag%3D{d.inv.tag('from')}")


def place(c, a, user, node):
    """The call of this user's goes to a node."""
    def find():
        return next((x for x in calls(c)
                     if x["destination"] == f"device:{user}"), None)
    call = wait_for("the call", find)
    if call["node"] == node:
        return
    status, _, body = request(
        "POST", f"http://{c.gateways[0].http}/api/calls/{call['id']}/move",
        c.token, {"node": node})
    must(status, 202, f"move: {body}")
    a.answer(a.await_("INVITE"), 200, "OK", body=SDP.format(port=40000))
    wait_for("it is there and heard", lambda: find()["node"] == node
             and not any(metrics(n).get(k, 0) for n in c.nodes for k in MOVING))


def attended(c, box, a, nodes=()):
    one = a.established("1002")
    two = a.established("1003")
    for user, node in zip(("1002", "1003"), nodes):
        place(c, a, user, node)
    must(refer(one, "<sip:1003@switchyard?Replaces="
               f"{replaces(two)}>").code, 202, "REFER")
    must(follow(a, 2)[-1], 200, "the last NOTIFY")
    talk(box, "1002", "1003")
    wait_for("one call", lambda: len(calls(c)) == 1)


def test_attended():
    """Two calls of the transferor's on one node become one."""
    c, box = shared()
    with RawPhone(c.routers[0]) as a:
        attended(c, box, a, ("node-1", "node-1"))
    clean(c, box)


def test_attended_nodes():
    """The same, each call on another node."""
    c, box = shared()
    with RawPhone(c.routers[0]) as a:
        attended(c, box, a, ("node-1", "node-3"))
    clean(c, box)


def test_attended_leaves():
    """The transferor says BYE right after its 202."""
    c, box = shared()
    with RawPhone(c.routers[0]) as a:
        one, two = a.established("1002"), a.established("1003")
        must(refer(one, "<sip:1003@switchyard?Replaces="
                   f"{replaces(two)}>").code, 202, "REFER")
        a.send(one.text("BYE"))
        follow(a, 1)
        talk(box, "1002", "1003")
    clean(c, box)


# ------------------------------------------------------------------ trunks

def test_trunk():
    """To a number outside; and a carrier that puts a call through, as whom
    the dial plan lets it do so."""
    c, box = shared()
    with RawPhone(c.routers[0]) as a:
        d = a.established("1002")
        must(refer(d, "<sip:701@switchyard>").code, 202, "REFER")
        inv = _carrier.await_("INVITE")
        must(inv.get("referred-by"), "", "Referred-By")
        _carrier.answer(inv, 200, "OK", SDP.format(port=40200))
        _carrier.await_("ACK")
        must(progress(a, 200)[-1], 200, "the last NOTIFY")
        bye(a)
        box.do("hangup", phone="1002")
        box.expect("closed", phone="1002")
        bye(_carrier)

    _carrier.to = a.to
    text = _carrier.invite("1002")
    _carrier.send(text)
    inv = Message(text.encode())
    ok = _carrier.await_(200, call_id=inv.get("call-id"))
    d = Dialog(_carrier, inv, ok)
    d.ack()
    must(refer(d, "<sip:701@switchyard>").code, 202, "where it may not")
    progress(_carrier, 404)
    must(refer(d, "<sip:1003@switchyard>").code, 202, "REFER")
    progress(_carrier, 200)
    bye(_carrier)
    talk(box, "1002", "1003")
    clean(c, box)


# ---------------------------------------------------------------- Replaces

def takes(a, ok, d, early=False):
    """The header that names the dialog d of a RawPhone's."""
    return (f"{d.inv.get('call-id')};to-tag={ok.tag('to')}"
            f";from-tag={d.inv.tag('from')}{';early-only' if early else ''}")


def test_replaces():
    """An INVITE with Replaces takes the place of a leg, at any node."""
    c, box = shared()
    with RawPhone(c.routers[0]) as a, RawPhone(c.routers[0], "1004") as b:
        d = a.established("1002")
        inv = b.call("1002", Replaces=takes(a, d.ok, d, True))
        must(b.await_("final", call_id=inv.get("call-id")).code, 486,
             "it talks already")
        e = b.established("1002", Replaces=takes(a, d.ok, d),
                          Require="replaces")
        bye(a)
        wait_for("two legs", lambda: sorted(
            x["user"] for x in
            c.api("GET", f"/api/calls/{calls(c)[0]['id']}")["legs"]) ==
            ["1002", "1004"])
        must("replaces" in e.ok.get("supported", ), True, "Supported")
        inv = b.call("1002", Replaces=takes(a, d.ok, d))
        must(b.await_("final", call_id=inv.get("call-id")).code, 481,
             "a leg that is gone")
        inv = b.call("1002", Replaces="x@y;to-tag=1;from-tag=2")
        must(b.await_("final", call_id=inv.get("call-id")).code, 481,
             "a dialog of others")
        inv = b.call("1002", Replaces="x@y")
        must(b.await_("final", call_id=inv.get("call-id")).code, 400,
             "no Replaces")
        got = e.ask("OPTIONS", Require="join")
        must((got.code, got.get("unsupported")), (420, "join"), "Join")
        e.bye()
    box.expect("closed", phone="1002")
    assert_clean(c)


def obliging(b):
    """A phone that takes every offer until it is told BYE: a thread."""
    def serve():
        m = b.receive(30)
        while m and m.method != "BYE":
            if m.method == "INVITE":
                b.answer(m, 200, "OK", body=SDP.format(port=40000))
            m = b.receive(30)
        if m:
            b.answer(m, 200, "OK")
    t = threading.Thread(target=serve)
    t.start()
    return t


def test_replaces_merged():
    """A leg that came by a transfer has a tag of a hub that is no more: an
    INVITE with Replaces finds it all the same."""
    c, box = shared()
    with RawPhone(c.routers[0]) as a, RawPhone(c.routers[0], "1004") as b, \
            RawPhone(c.routers[0], "1005") as e:
        must(b.register().code, 200, "REGISTER")
        one = a.established("1002")
        out = a.call("1004")
        inv = b.await_("INVITE")
        b.answer(inv, 200, "OK", body=SDP.format(port=40000))
        b.await_("ACK")
        two = Dialog(a, out, a.await_(200, call_id=out.get("call-id")))
        two.ack()
        served = obliging(b)
        must(refer(one, "<sip:1004@switchyard?Replaces="
                   f"{replaces(two)}>").code, 202, "REFER")
        must(follow(a, 2)[-1], 200, "the last NOTIFY")
        wait_for("one call", lambda: len(calls(c)) == 1)
        d = e.established("1004", Replaces=f"{inv.get('call-id')};to-tag="
                          f"{inv.tag('from')};from-tag=t1")
        served.join()
        wait_for("the new one is in the call", lambda: sorted(
            x["user"] for x in
            c.api("GET", f"/api/calls/{calls(c)[0]['id']}")["legs"]) ==
            ["1002", "1005"])
        d.bye()
        must(b.register(Expires="0").code, 200, "unregistered")
    box.expect("closed", phone="1002")
    assert_clean(c)


# -------------------------------------------------------------------- REST

def post(c, path, body, status=202):
    got, head, answer = request("POST", f"http://{c.gateways[0].http}{path}",
                                c.token, body)
    must(got, status, f"{path} {body}: {answer}")
    return head, answer


def leg_of(c, call, user):
    return next(x["id"] for x in c.api("GET", f"/api/calls/{call}")["legs"]
                if x.get("user") == user)


def test_rest_blind():
    """A leg is put through to a number; what is wrong is told."""
    c, box = shared()
    with RawPhone(c.routers[0]) as a:
        a.established("1002")
        call = wait_for("the call", lambda: calls(c))[0]["id"]
        path, leg = f"/api/calls/{call}/transfer", leg_of(c, call, "1001")
        for bad in ({"to": "1003"}, {"leg": leg}, {"leg": leg, "to": "4711"},
                    {"leg": leg, "to": "1003", "mode": "x"},
                    {"leg": leg, "mode": "attended"}):
            post(c, path, bad, 400)
        post(c, path, {"leg": call, "to": "1003"}, 404)
        post(c, path, {"leg": leg, "to": "1003"})
        bye(a)
        talk(box, "1002", "1003")
    clean(c, box)


def test_rest_attended():
    """Two calls become one, by POST /api/transfer."""
    c, box = shared()
    with RawPhone(c.routers[0]) as a:
        a.established("1002")
        a.established("1003")
        one, two = (wait_for(f"the call to {n}", lambda n=n: next(
            (x["id"] for x in calls(c)
             if x["destination"] == f"device:{n}"), None))
            for n in ("1002", "1003"))
        heads = []
        t = threading.Thread(target=lambda: heads.append(post(
            c, "/api/transfer", {"leg": leg_of(c, one, "1001"), "call": two,
                                 "from": one})))
        t.start()
        follow(a, 2)
        t.join()
        must(heads[0][0]["location"], f"/api/calls/{one}", "Location")
        talk(box, "1002", "1003")
    clean(c, box)


def test_rest_refer():
    """A peer is asked to call elsewhere, and leaves once it has."""
    c, box = shared()
    with RawPhone(c.routers[0]) as a:
        d = a.established("1002")
        call = wait_for("the call", lambda: calls(c))[0]["id"]
        post(c, f"/api/calls/{call}/transfer", {
            "leg": leg_of(c, call, "1001"), "mode": "refer",
            "to": "sip:2000@elsewhere.example"})
        ref = a.await_("REFER")
        must(ref.get("refer-to"), "<sip:2000@elsewhere.example>", "Refer-To")
        a.answer(ref, 202, "Accepted")
        for frag, state in (("SIP/2.0 100 Trying", "active;expires=60"),
                            ("SIP/2.0 200 OK", "terminated")):
            must(d.ask("NOTIFY", frag + "\r\n", **{
                "Event": "refer", "Subscription-State": state,
                "Content-Type": "message/sipfrag"}).code, 200, "NOTIFY")
        bye(a)
    box.expect("closed", phone="1002")
    assert_clean(c)


def test_rest_refer_attended():
    """A peer is asked to take another one's call with us over: from then on
    the two talk to each other, and we are out of it."""
    c, _ = shared()
    with RawPhone(c.routers[0]) as a, RawPhone(c.routers[0], "1011") as b:
        must(b.register().code, 200, "REGISTER")
        out = a.call("1011")
        inv = b.await_("INVITE")
        b.answer(inv, 200, "OK", body=SDP.format(port=40000))
        b.await_("ACK")
        d = Dialog(a, out, a.await_(200, call_id=out.get("call-id")))
        d.ack()
        call = wait_for("the call", lambda: calls(c))[0]
        theirs = next(x["dialog"] for x in call["legs"]
                      if x["user"] == "1011")
        must(theirs, {"callId": inv.get("call-id"),
                      "localTag": inv.tag("from"), "remoteTag": "t1"},
             "the dialog of 1011 in the API")
        replaced = (f"{theirs['callId']};to-tag={theirs['remoteTag']}"
                    f";from-tag={theirs['localTag']}")
        to = f"sip:1011@{b.me}?Replaces=" + quote(replaced, safe="")
        post(c, f"/api/calls/{call['id']}/transfer", {
            "leg": leg_of(c, call["id"], "1001"), "mode": "refer", "to": to})
        ref = a.await_("REFER")
        must(ref.get("refer-to"), f"<{to}>", "Refer-To")
        a.answer(ref, 202, "Accepted")

        address, _, port = b.me.rpartition(":")
        a.send(a.request("INVITE", f"sip:1011@{b.me}",
                         SDP.format(port=40000), Replaces=replaced),
               (address, int(port)))
        direct = b.await_("INVITE")
        must(direct.get("replaces"), replaced, "what 1011 is asked for")
        b.answer(direct, 200, "OK", body=SDP.format(port=40000))
        a.await_(200, call_id=direct.get("call-id"))
        must(d.ask("NOTIFY", "SIP/2.0 200 OK\r\n", **{
            "Event": "refer", "Subscription-State": "terminated",
            "Content-Type": "message/sipfrag"}).code, 200, "NOTIFY")
        bye(a)
        bye(b)
        must(b.register(Expires="0").code, 200, "unregistered")
    assert_clean(c)


def test_rest_refer_refused():
    """What is no URI, or too long, is told."""
    c, box = shared()
    with RawPhone(c.routers[0]) as a:
        d = a.established("1002")
        call = wait_for("the call", lambda: calls(c))[0]["id"]
        for to in ("sip:a b@example.com", "sip:<x>@example.com",
                   "sip:" + "9" * 500 + "@example.com", "a b", ""):
            _, answer = post(c, f"/api/calls/{call}/transfer", {
                "leg": leg_of(c, call, "1001"), "mode": "refer", "to": to},
                400)
            must([e["field"] for e in answer["errors"]], ["to"], to)
        d.bye()
    box.expect("closed", phone="1002")
    assert_clean(c)


# -------------------------------------------------------- over a node's death

def test_node_dies():
    """Between 202 and the answer: the target rings on, its answer counts,
    and the new owner tells the transferor."""
    with cluster(nodes=2, later=["node-2"]) as c, phones() as box, \
            RawPhone(c.routers[0]) as a:
        phone(box, c, "1002")
        phone(box, c, "1003", answer="manual")
        d = a.established("1002")
        must(refer(d, "<sip:1003@switchyard>").code, 202, "REFER")
        box.expect("incoming", phone="1003")
        while notified(a) != 180:
            pass
        c.join("node-2")
        node = next(n for n in c.nodes if n.id == "node-1")
        node.process.kill()
        c.left(node)
        again = a.await_("INVITE", 10)
        a.answer(again, 200, "OK", body=SDP.format(port=40000))
        box.expect("reinvited", phone="1002", seconds=10)
        box.do("answer", phone="1003")
        must(follow(a, 1)[-1], 200, "the last NOTIFY")
        talk(box, "1002", "1003")
