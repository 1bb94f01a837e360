# SPDX-License-Identifier: MIT
"""Contacts are asked whether they are there (OPTIONS): how long that takes,
who is silent, who is rung then; by one router, whoever of them goes, and
after a Redis that forgot."""

import contextlib
import json
import queue
import threading
import time
from contextlib import ExitStack

from harness import (Mismatch, assert_clean, cluster, know_each_other, metrics,
                     must, wait_for)
from lib.cluster import DEMO
from rawphone import RawPhone
from tcpphone import TcpPhone

EVERY_S = 5
SLACK_S = 1.5   # of this machine: turns of threads, requests to the API
_stack = ExitStack()
_shared = None


class Living:
    """A phone that answers OPTIONS while it is on, and queues all else."""

    def __init__(self, *args, **kw):
        super().__init__(*args, **kw)
        self.on, self.over = True, False
        self.asked = []      # (when, Call-ID) of each transaction
        self.others = queue.SimpleQueue()
        self.thread = threading.Thread(target=self.live, daemon=True)
        self.thread.start()

    def live(self):
        # its connection may be closed by a router that goes
        with contextlib.suppress(OSError, Mismatch):
            while not self.over:
                m = super().receive(0.2)
                if m and m.method == "OPTIONS":
                    self.take(m)
                elif m:
                    self.others.put(m)

    def take(self, m):
        key = m.get("call-id")
        if key not in [k for _, k in self.asked]:
            self.asked.append((time.monotonic(), key))
        if self.on:
            self.answer(m, 200, "OK")

    def receive(self, seconds=3.0):
        try:
            return self.others.get(timeout=max(0.001, seconds))
        except queue.Empty:
            return None

    def __exit__(self, *_):
        self.over = True
        self.thread.join()
        super().__exit__()


class LivingPhone(Living, RawPhone):
    pass


class LivingTcpPhone(Living, TcpPhone):
    pass


def configuration():
    with open(DEMO, encoding="utf-8") as f:
        conf = json.load(f)
    conf["settings"]["qualifyS"] = EVERY_S
    for d in conf["devices"]:
        if d["id"] == "1001":
            d["qualifyS"] = 0
    return conf


def finish():
    _stack.close()


def bindings(c, device):
    got = c.api("GET", "/api/registrations")["items"]
    return next((r["bindings"] for r in got if r["device"] == device), [])


def known(c, phone, reachable, after=""):
    """What is known of a phone's contact, if it is so, and was asked after
    that."""
    for b in bindings(c, phone.user):
        if f"<{b['contact']}>" == phone.contact and "checkedAt" in b and \
                b["reachable"] is reachable and b["checkedAt"] > after:
            return b
    return None


def until_known(c, phone, reachable, seconds, **kw):
    return wait_for(
        f"{phone.user} {'' if reachable else 'un'}reachable",
        lambda: known(c, phone, reachable, **kw), seconds, 0.05)


def events(c, kind):
    """(device, contact) of all events of a kind so far."""
    got = c.api("GET", f"/api/events?format=json&limit=500&type={kind}")
    return [(r["device"], r["bindings"][0]["contact"]) for r in
            (e["registration"] for e in got["items"][::-1])]


def rings(caller, number, *phones):
    """A call that rings just these, who are busy: its final code."""
    inv = caller.call(number)
    for p in phones:
        got = p.await_("INVITE")
        p.answer(got, 486, "Busy Here", tag="far")
        p.await_("ACK")
    return refused(caller, inv)


def refused(caller, inv):
    """The final code of a call that fails, which is acknowledged."""
    got = caller.await_("final", 4, inv.get("call-id"))
    caller.send(caller.request("ACK", inv.uri, **{
        "Via": inv.get("via"), "From": inv.get("from"), "To": got.get("to"),
        "Call-ID": inv.get("call-id"),
        "CSeq": inv.get("cseq").split()[0] + " ACK"}))
    return got.code


def shared():
    """Two routers; 1002 by UDP and without a flow, 1003 by a connection to
    the second router; 1001 calls, and is not asked."""
    global _shared
    if _shared is None:
        c = _stack.enter_context(cluster(nodes=1, routers=2,
                                         config=configuration()))
        know_each_other(c)
        a = _stack.enter_context(RawPhone(c.routers[0], "1001"))
        one = _stack.enter_context(LivingPhone(c.routers[0], "1002"))
        two = _stack.enter_context(LivingTcpPhone(c.routers[1].tcp, "1003"))
        for p in (a, one, two):
            must(p.register().code, 200, f"{p.user} registered")
        _shared = c, a, one, two
    return _shared


def test_round_trip():
    """Who answers is reachable, with its round trip, soon after it
    registered."""
    c, a, one, two = shared()
    for p in (one, two):
        b = until_known(c, p, True, 3 + SLACK_S)
        must(0 < b["roundTripMs"] < 1000, True, f"roundTripMs of {b}")
        must(b["lastCode"], 200, "code")
    must("checkedAt" in bindings(c, "1001")[0], False, "1001 is asked")
    a.silent(0.01)


def test_silent_and_back():
    """Who is silent is known to be within two intervals: calls to it fail at
    once, and it does not ring.  When it registers it is rung again, and when it
    answers again it is reachable."""
    c, a, one, two = shared()
    until_known(c, one, True, 3 + SLACK_S)
    must(rings(a, "1002", one), 486, "it rings")
    one.on = False
    b = until_known(c, one, False, 2 * EVERY_S + SLACK_S)
    must(b["lastCode"], 408, "code")
    must(b["roundTripMs"] > 0, True, f"last roundTripMs of {b}")
    must(rings(a, "1002"), 480, "code of a call to a silent phone")
    one.silent(0.01)
    wait_for("an event tells it", lambda: ("1002", b["contact"])
             in events(c, "DEVICE_UNREACHABLE"))
    must(one.register().code, 200, "registered again")
    must(rings(a, "1002", one), 486, "it rings")
    one.on = True
    until_known(c, one, True, 2 * EVERY_S + SLACK_S)
    wait_for("an event tells it", lambda: ("1002", b["contact"])
             in events(c, "DEVICE_REACHABLE"))
    must(rings(a, "1002", one), 486, "it rings")
    must(events(c, "DEVICE_UNREACHABLE"), [("1002", b["contact"])], "events")
    assert_clean(c)


def test_two_contacts():
    """Of two phones of a device the one that is there is rung, without that
    the other one is waited for; both are, where the settings say so."""
    c, a, _, _ = shared()
    with LivingPhone(c.routers[0], "1004") as here, \
            LivingPhone(c.routers[1], "1004") as gone:
        gone.on = False
        for p in (here, gone):
            must(p.register().code, 200, "registered")
        until_known(c, here, True, 3 + SLACK_S)
        until_known(c, gone, False, 2 * EVERY_S + SLACK_S)
        must(rings(a, "1004", here), 486, "code")
        gone.silent(0.01)
        c.config["settings"]["unreachable"] = "ring"
        c.apply_config()

        def both_ring():
            inv = a.call("1004")
            got = here.await_("INVITE")
            far = gone.receive(2)
            here.answer(got, 486, "Busy Here", tag="far")
            if far:
                gone.answer(far, 486, "Busy Here", tag="far")
                gone.await_("ACK")
            here.await_("ACK")
            refused(a, inv)
            return far

        wait_for("both ring", both_ring)
        del c.config["settings"]["unreachable"]
        c.apply_config()
        for p in (here, gone):
            must(p.register(Expires="0").code, 200, "removed")
    must(c.redis_command("EXISTS", "sy:qual:{1004}"), 0, "what was known")
    assert_clean(c)


def test_asked_once():
    """Of two routers one asks, also while the phone was silent; the one that
    has the flow."""
    c, _, one, two = shared()
    wait_for("it was asked four times", lambda: len(two.asked) >= 5,
             4 * EVERY_S + SLACK_S)
    for p in (one, two):
        at = [t for t, _ in p.asked]
        gaps = [b - a for a, b in zip(at, at[1:])]
        must(min(gaps) > EVERY_S * 0.95 - SLACK_S, True, f"{p.user}: {gaps}")
        must(max(gaps) < EVERY_S * 1.05 + SLACK_S, True, f"{p.user}: {gaps}")
    name = 'sy_router_qualify_total{result="reachable"}'
    must(metrics(c.routers[1])[name] >= 4, True, "asked by its own router")


def test_redis_forgets():
    """Redis is killed and comes back with nothing: phones are asked again
    without that they register."""
    c, a, one, two = shared()
    before = until_known(c, one, True, EVERY_S + SLACK_S)["checkedAt"]
    c.redis.kill()
    c.start_redis()
    c.wait_ready()
    for p in (one, two):
        until_known(c, p, True, 20, after=before)
    a.silent(0.01)


def test_router_killed():
    """A router is killed: who can be reached without it is asked by the
    other one; whose connection it had is not reachable any more, and calls to
    it fail at once."""
    c, a, one, two = shared()
    # its REGISTER is answered by who dies: that must not matter
    one.to = (one.to[0], int(c.routers[1].udp.rpartition(":")[2]))
    must(one.register().code, 200, "registered there")
    one.to = (one.to[0], int(c.routers[0].udp.rpartition(":")[2]))
    before = until_known(c, one, True, EVERY_S + SLACK_S)["checkedAt"]
    c.routers[1].process.kill()
    c.routers.pop(1)
    until_known(c, two, False, 12 + 2 * EVERY_S + SLACK_S)
    for _ in range(2):
        before = until_known(c, one, True, 12 + 2 * EVERY_S + SLACK_S,
                             after=before)["checkedAt"]
    must(rings(a, "1003"), 480, "code")
    must(rings(a, "1002", one), 486, "code")
