# SPDX-License-Identifier: MIT
"""Whom a phone's display shows: the answer to its INVITE names who answered,
an UPDATE who is there later, by P-Asserted-Identity."""

import json
import threading
from contextlib import ExitStack

from harness import Mismatch, assert_clean, cluster, must, request, wait_for
from lib.cluster import DEMO
from rawphone import SDP, Dialog, Message, RawPhone, transaction

ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, REFER, NOTIFY"
_stack = ExitStack()
_shared = None


class Nowhere:
    """The carrier has its address before the cluster has one."""
    udp = "127.0.0.1:1"


class Display:
    """A phone with a display: a thread answers for it, and notes what it is
    told."""

    def __init__(self, stack, c, user, allow=ALLOW, busy=0):
        self.phone = stack.enter_context(RawPhone(c.routers[0], user))
        self.user, self.allow, self.busy = user, allow, busy
        self.shown, self.ends = [], 0
        self.over = threading.Event()
        if self.phone.register().code != 200:
            raise Mismatch(f"{user} is not registered")
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        stack.callback(self.stop)

    def run(self):
        while not self.over.is_set():
            m = self.phone.receive(0.1)
            if m and m.method:
                self.take(m)

    def take(self, m):
        # A copy, sent before its answer was there, is answered and no more.
        new = transaction(m) not in self.phone.answered
        if m.method == "INVITE":
            # with a Contact and Allow, as phones have
            self.phone.answer(m, 200, "OK", SDP.format(port=40000),
                              Allow=self.allow)
        elif m.method == "UPDATE" and self.busy and new:
            self.busy -= 1
            self.phone.answer(m, 500, "Later", Retry_After="0")
        elif m.method != "ACK":
            self.ends += new and m.method == "BYE"
            self.phone.answer(m, 200, "OK", Allow=self.allow)
        if new and m.get("p-asserted-identity"):
            self.shown.append((m.method, m.get("p-asserted-identity")))

    def stop(self):
        self.over.set()
        self.thread.join()
        self.phone.register(Expires="0")

    def shows(self, *wanted):
        """Just these UPDATEs, and nobody else's name."""
        try:
            wait_for("the display", lambda: self.shown ==
                     [("UPDATE", w) for w in wanted], 8)
        except Mismatch as e:
            raise Mismatch(f"{self.user}: {self.shown}, expected "
                           f"{wanted}") from e


def who(user):
    return f'"Phone {user}" <sip:{user}@switchyard>'


def shared():
    """Three nodes, a carrier that is trusted, and a parking place."""
    global _shared
    if _shared is None:
        far = _stack.enter_context(RawPhone(Nowhere, "far"))
        with open(DEMO, encoding="utf-8") as f:
            conf = json.load(f)
        conf["trunks"] = [{"id": "loop", "enabled": True, "trusted": True,
                           "sources": [far.me], "target": far.me}]
        c = _stack.enter_context(cluster(nodes=3, config=conf))
        host, _, port = c.routers[0].udp.rpartition(":")
        far.to = (host, int(port))
        _shared = c, far
    return _shared


def finish():
    global _shared
    _shared = None
    _stack.close()


def refer(a, d, to, byes=1):
    """By a, to its end: NOTIFYs and what else comes are answered."""
    must(d.ask("REFER", **{"Refer-To": to}).code, 202, "REFER")
    out(a, byes)


def out(a, byes=1):
    while byes:
        m = a.receive(10)
        if not m:
            raise Mismatch("no BYE for the transferor")
        if m.method == "INVITE":
            a.answer(m, 200, "OK", SDP.format(port=40000))
        elif m.method != "ACK" and m.method:
            a.answer(m, 200, "OK")
        byes -= m.method == "BYE"


def call_of(c, user):
    return wait_for("the call", lambda: next(
        (x for x in c.api("GET", "/api/calls")["items"]
         if user in [leg["user"] for leg in x["legs"]]), None))


def hang_up(c):
    for x in c.api("GET", "/api/calls")["items"]:
        c.api("DELETE", f"/api/calls/{x['id']}")
    wait_for("no call", lambda: not c.api("GET", "/api/calls")["items"])
    assert_clean(c)


def test_answered():
    """The 200 names who answered: also of a group, and nobody where a machine
    did; 180 does not."""
    c, _ = shared()
    with ExitStack() as s:
        a = s.enter_context(RawPhone(c.routers[0], "1001"))
        Display(s, c, "1004")
        for to, name in (("1004", who("1004")), ("651", who("1004")),
                         ("600", "")):
            d = a.established(to)
            must(d.ok.get("p-asserted-identity"), name, f"of {to}")
            d.bye()
    assert_clean(c)


def test_transferred():
    """Blind: who stays is told of the new one, if it knows UPDATE."""
    c, _ = shared()
    with ExitStack() as s:
        a = s.enter_context(RawPhone(c.routers[0], "1001"))
        b, d = Display(s, c, "1002"), Display(s, c, "1003")
        old = Display(s, c, "1005", "INVITE, ACK, BYE, CANCEL")
        refer(a, a.established("1002"), "<sip:1003@switchyard>")
        b.shows(who("1003"))
        d.shows()
        hang_up(c)
        refer(a, a.established("1005"), "<sip:1003@switchyard>")
        call_of(c, "1003")
        old.shows()
        hang_up(c)


def test_hidden():
    """Who does not want to be shown is anonymous; trunks are not told."""
    c, far = shared()
    with ExitStack() as s:
        b = Display(s, c, "1002")
        text = far.invite("1001", From='"Eve" <sip:+4930@far>;tag=1',
                          Privacy="id")
        one = Display(s, c, "1001")
        far.send(text)
        inv = Message(text.encode())
        ok = far.await_(200, call_id=inv.get("call-id"))
        must(ok.get("p-asserted-identity"), "", "what a trunk is told")
        Dialog(far, inv, ok).ack()
        call = call_of(c, "1001")
        leg = next(x["id"] for x in call["legs"] if x["user"] == "1001")
        two = s.enter_context(RawPhone(c.routers[0], "1001"))
        two.established("1002")
        must(request("POST", f"http://{c.gateways[0].http}/api/transfer",
                     c.token, {"from": call["id"], "leg": leg,
                               "call": call_of(c, "1002")["id"]})[0], 202,
             "transfer")
        out(two)
        wait_for("the other leg is out, too", lambda: one.ends == 1)
        b.shows('"Anonymous" <sip:anonymous@anonymous.invalid>')
        ends = threading.Thread(target=out, args=(far,))
        ends.start()
        hang_up(c)
        ends.join()


def test_attended_nodes():
    """Attended, from two nodes: both are told of each other, once."""
    c, _ = shared()
    with ExitStack() as s:
        a = s.enter_context(RawPhone(c.routers[0], "1001"))
        b, d = Display(s, c, "1002"), Display(s, c, "1003")
        one, two = a.established("1002"), a.established("1003")
        here, there = call_of(c, "1002"), call_of(c, "1003")
        if here["node"] == there["node"]:
            other = next(n.id for n in c.nodes if n.id != here["node"])
            moves = threading.Thread(target=lambda: c.api(
                "POST", f"/api/calls/{there['id']}/move", {"node": other}))
            moves.start()
            a.answer(a.await_("INVITE"), 200, "OK", SDP.format(port=40000))
            moves.join()
            wait_for("it moved", lambda: call_of(c, "1003")["node"] == other)
        refer(a, one, "<sip:1003@switchyard?Replaces=" +
              two.inv.get("call-id").replace("@", "%40") +
              f"%3Bto-tag%3D{two.ok.tag('to')}"
              f"%3Bfrom-tag%3D{two.inv.tag('from')}>", 2)
        b.shows(who("1003"))
        d.shows(who("1002"))
        hang_up(c)


def test_picked_up():
    """A call that waits at a parking place is taken."""
    c, _ = shared()
    with ExitStack() as s:
        a = s.enter_context(RawPhone(c.routers[0], "1001"))
        b = Display(s, c, "1002")
        refer(a, a.established("1002"), "<sip:693@switchyard>")
        e = s.enter_context(RawPhone(c.routers[0], "1006"))
        e.established("693")
        b.shows(who("1006"))
        ends = threading.Thread(target=out, args=(e,))
        ends.start()
        hang_up(c)
        ends.join()
