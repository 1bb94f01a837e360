# SPDX-License-Identifier: MIT
"""Routers come and go: nobody's call, and no registration, depends on one."""

import signal
import socket
import time

from harness import (Mismatch, assert_clean, cluster, descriptors,
                     is_ready, metrics, phones, wait_for)
from talk import call, end, hears, phone, talk, tone

RATE = 20


def end_in_order(router):
    """SIGTERM: it is gone with exit code 0, and soon."""
    begin = time.monotonic()
    router.process.signal(signal.SIGTERM)
    if not router.process.wait(6):
        raise Mismatch(f"{router.id} does not end")
    code = router.process.popen.wait()
    if code:
        raise Mismatch(f"{router.id}: exit code {code}")
    return time.monotonic() - begin


def again(c, router):
    router.start()
    c.record()
    # It is listed as live by what one that was killed has left, too.
    wait_for(f"{router.id} is ready", lambda: is_ready(router))
    c.wait_ready()


def start_load(box, c, seconds):
    """Calls all the while: between phones of either router, and to an echo."""
    a, b = c.routers
    for user, at in (("1001", a), ("1002", b), ("1003", b), ("1004", a)):
        phone(box, c, user, proxy=at.udp)
    for caller, to in (("1001", "1002"), ("1003", "600")):
        box.do("load", **{"from": caller, "to": to, "hold_ms": 3000,
                          "count": RATE // 2 * seconds, "rate": RATE // 2,
                          "progress_ms": 200})


def load_runs(box, upto):
    while True:
        ev = box.expect("load_progress", seconds=20)
        if ev["started"] >= upto:
            return


def assert_no_call_failed(box, seconds):
    for _ in range(2):
        ev = box.expect("load", seconds=seconds + 40)
        if (ev["failed"] or ev["dropped"] or ev["ok"] != ev["calls"]):
            raise Mismatch(f"calls failed: {ev}")


def test_rolling_restart_loses_no_call():
    """SIGTERM and a new start of each of two routers under 20 calls/s."""
    seconds = 16
    with cluster(routers=2, nodes=2,
                 router_args=["--threads", "2"]) as c, phones() as box:
        start_load(box, c, seconds)
        load_runs(box, RATE)
        for router in c.routers:
            took = end_in_order(router)
            if not 1.5 < took < 5:
                raise Mismatch(f"{router.id} ended after {took:.1f} s")
            again(c, router)
        assert_no_call_failed(box, seconds)
        assert_clean(c, 40)


def test_killed_routers_lose_no_call():
    """The same by kill -9: what was in a router's socket is sent again."""
    seconds = 14
    with cluster(routers=2, nodes=2) as c, phones() as box:
        start_load(box, c, seconds)
        load_runs(box, RATE)
        for router in c.routers:
            router.process.kill()
            again(c, router)
            load_runs(box, RATE)
        assert_no_call_failed(box, seconds)
        assert_clean(c, 40)


def test_registrations_outlive_routers():
    """Phones that registered through routers that are no more are reached; a
    TCP phone connects and registers again by itself."""
    with cluster(routers=2, nodes=1,
                 router_args=["--threads", "2"]) as c, phones() as box:
        a, b = c.routers
        phone(box, c, "1001", proxy=a.udp)
        phone(box, c, "1002", proxy=a.udp)
        phone(box, c, "1003", proxy=a.tcp, transport="tcp")
        host, port = a.tcp.split(":")
        with socket.create_connection((host, int(port))) as other:
            other.sendall(b"\r\n\r\n")
            other.settimeout(6)
            if other.recv(2) != b"\r\n":
                raise Mismatch("no answer to a keep-alive")
            end_in_order(a)
            if other.recv(1):  # raises if it was not closed in order
                raise Mismatch("something came before the end")
        box.expect("disconnected", phone="1003")
        # the first router is away: by the other one, where it never was
        box.do("set", phone="1001", proxy=b.udp)
        box.do("route", phone="1001", to=b.udp)
        call(box, "1001", "1002")
        talk(box, "1001", "1002")
        again(c, a)
        box.expect("registered", phone="1003", code=200, seconds=40)
        end(box, "1002", "1001")
        call(box, "1001", "1003")
        talk(box, "1001", "1003")
        end(box, "1003", "1001")
        # Two threads: each has its ports, Redis, and a DNS client's two.
        for router in c.routers:
            if descriptors(router).get("socket", 0) > 24:
                raise Mismatch(f"{router.id} holds {descriptors(router)}")
        assert_clean(c)


def answers(router, *codes):
    """How often a router answered so."""
    m = metrics(router)
    return sum(m[f'sy_router_answers_total{{code="{c}"}}'] for c in codes)


def refused_at_once(box, router, before, challenges):
    """A call and a REGISTER: told to come later, within a second or so.
    `before`: challenges that this router has sent until now."""
    wait_for("counted", lambda: answers(router, 401, 407) == before)
    refused = answers(router, 503)
    begin = time.monotonic()
    box.do("call", phone="1003", to="600", call="new")
    ev = box.expect("closed", phone="1003")
    if ev["code"] != 503:
        raise Mismatch(f"a new call: {ev}")
    box.do("register", phone="1003")
    ev = box.expect("registered", phone="1003")
    if ev["code"] != 503:
        raise Mismatch(f"a REGISTER: {ev}")
    took = time.monotonic() - begin
    if took > (1 + challenges) * 1.5 + 1:
        raise Mismatch(f"503 took {took:.2f} s")
    wait_for("counted", lambda: answers(router, 503) == refused + 2)
    asked = answers(router, 401, 407) - before
    if asked != challenges:
        raise Mismatch(f"{asked} challenges for nothing")


def goes_on(box):
    box.do("hold", phone="1001")
    box.expect("held", phone="1001")
    hears(box, "1002", tone("1001"), present=False)
    box.do("resume", phone="1001")
    box.expect("resumed", phone="1001")
    talk(box, "1001", "1002")


def test_without_redis():
    """Redis stays away: what runs goes on, for as long as it takes; new calls
    and REGISTERs are told to come later, without a challenge."""
    with cluster(routers=2, nodes=2) as c, phones() as box:
        for user in ("1001", "1002", "1003"):
            phone(box, c, user)  # a challenge each; one more for the call
        call(box, "1001", "1002")
        c.redis.kill()
        for _ in range(3):  # together longer than any lease
            goes_on(box)
            refused_at_once(box, c.routers[0], 4, 0)
        end(box, "1002", "1001")


def test_stalled_redis():
    """Redis does not answer, but nobody closes a connection."""
    with cluster(routers=2, nodes=2) as c, phones() as box:
        for user in ("1001", "1002", "1003"):
            phone(box, c, user)  # a challenge each; one more for the call
        call(box, "1001", "1002")
        c.redis.signal(signal.SIGSTOP)
        try:
            refused_at_once(box, c.routers[0], 4, 2)
            for _ in range(2):
                goes_on(box)
        finally:
            c.redis.signal(signal.SIGCONT)
        c.wait_ready()

        def called():
            box.do("call", phone="1003", to="600", call="then")
            return box.take(lambda e: e["event"] in ("closed", "established")
                            and e["call"] == "then", 10,
                            "a call")["event"] == "established"

        wait_for("new calls work", called, 5, 0.2)
        box.do("hangup", phone="1003")
        box.expect("closed", phone="1003")
        talk(box, "1001", "1002")
        end(box, "1002", "1001")
        assert_clean(c, 40)
