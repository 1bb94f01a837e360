# SPDX-License-Identifier: MIT
"""Two routers, three nodes: any router serves any message of any call."""

import collections
import json

from harness import Mismatch, assert_clean, cluster, phones, wait_for
from lib.cluster import DEMO
from lib.process import start_time
from talk import call, end, hears, phone, talk, tone


def nodes_of(c, limit=1000):
    """How many calls each node has."""
    count, cursor = collections.Counter(), ""
    while cursor is not None:
        page = c.api("GET", f"/api/calls?limit={limit}&cursor={cursor}"
                     if cursor else f"/api/calls?limit={limit}")
        count.update(x["node"] for x in page["items"])
        cursor = page.get("nextCursor") or None
    return count


def test_each_message_through_another_router():
    with cluster(routers=2, nodes=3) as c, phones() as box:
        a, b = c.routers
        phone(box, c, "1001", proxy=a.udp)
        phone(box, c, "1002", proxy=a.udp)
        box.do("route", phone="1001", to=b.udp, methods=["INVITE"])
        box.do("route", phone="1001", to=a.udp, methods=["ACK"])
        box.do("route", phone="1001", to=b.udp, methods=["BYE"])
        for hanging in ("1001", "1002"):
            other = "1002" if hanging == "1001" else "1001"
            call(box, "1001", "1002")
            talk(box, "1001", "1002")
            end(box, hanging, other)
        # CANCEL through a router that never saw the INVITE
        box.forget()
        box.do("set", phone="1002", answer="manual")
        box.do("route", phone="1001", to=a.udp, methods=["CANCEL"])
        box.do("call", phone="1001", to="1002")
        box.expect("ringing", phone="1001")
        box.do("cancel", phone="1001")
        closed = box.expect("closed", phone="1001")
        if closed["code"] != 487:
            raise Mismatch(f"CANCEL through another router: {closed}")
        assert_clean(c)


def test_router_killed_in_mid_call():
    with cluster(routers=2, nodes=3) as c, phones() as box:
        a, b = c.routers
        phone(box, c, "1001", proxy=a.udp)
        phone(box, c, "1002", proxy=a.udp)
        call(box, "1001", "1002")
        talk(box, "1001", "1002")
        a.process.kill()
        talk(box, "1001", "1002")
        # while it is away: in-dialog requests through the other one
        for user in ("1001", "1002"):
            box.do("route", phone=user, to=b.udp)
        box.do("hold", phone="1001")
        box.expect("held", phone="1001")
        hears(box, "1002", tone("1001"), present=False)
        box.do("resume", phone="1001")
        box.expect("resumed", phone="1001")
        talk(box, "1001", "1002")
        a.start()
        c.record()
        c.wait_ready()
        for user in ("1001", "1002"):
            box.do("route", phone=user, to="")
        talk(box, "1001", "1002")
        end(box, "1002", "1001")
        call(box, "1001", "1002")
        end(box, "1001", "1002")
        assert_clean(c)


def test_a_thousand_calls_spread_by_load():
    """1,000 calls at once, without media, over three nodes; more than one
    account may begin in a minute otherwise."""
    with open(DEMO, encoding="utf-8") as f:
        conf = json.load(f)
    conf["settings"]["guard"] = {"callsPerMinute": 100000}
    with cluster(routers=2, nodes=3, log_level="warn", config=conf) as c, \
            phones() as box:
        pids = [m.pid for m in c.members()]
        for first in ("1001", "1002"):
            phone(box, c, first, media=False)
        box.do("load", **{"from": "1001", "to": "600", "count": 1000,
                          "rate": 100, "hold_ms": 30000, "media": False})

        def all_up():
            ev = box.expect("load_progress", seconds=60)
            return ev["now"] >= 1000 or ev["failed"]

        while not all_up():
            pass
        # The record of the last one may not be written yet.
        wait_for("1,000 calls in the API",
                 lambda: sum(nodes_of(c).values()) == 1000, seconds=30)
        spread = nodes_of(c)
        if len(spread) != 3 or min(spread.values()) < 200:
            raise Mismatch(f"not spread by load: {spread}")
        box.do("hangup", phone="1001")
        done = box.expect("load", seconds=60)
        if done["answered"] != 1000 or done["failed"]:
            raise Mismatch(f"calls failed: {done}")
        if any(start_time(p) is None for p in pids):
            raise Mismatch("a process ended")
        assert_clean(c, 20)
