# SPDX-License-Identifier: MIT
"""How many calls a trunk has, as GET /api/providers and metrics tell: in both
directions, at any node, also after one died."""

import json
import math
from contextlib import ExitStack

from carrier import Carrier
from harness import (Mismatch, assert_clean, cluster, metrics, must, phones,
                     wait_for)
from lib.cluster import DEMO
from rawphone import SDP, Dialog, Message, RawPhone
from talk import phone


class Nowhere:
    """Who calls has its address before the cluster has one."""
    udp = "127.0.0.1:1"


def config(called, caller):
    with open(DEMO, encoding="utf-8") as f:
        conf = json.load(f)
    conf["trunks"] = [
        {"id": "called", "enabled": True, "target": called.at,
         "optionsS": 2, "maxCalls": 7, "maxCallsPerSecond": 9},
        {"id": "caller", "enabled": True, "optionsS": 0,
         "sources": [caller.me], "target": caller.me}]
    conf["routes"] = conf["routes"][:1] + [
        {"id": "out", "order": 100, "pattern": "9.", "target": {
            "external": {"trunk": "called", "number": "$1"}}}]
    return conf


def until(c, **wanted):
    """Both trunks have so many calls (in, out)."""
    def is_so():
        got = {p["id"]: (p.get("callsIn", 0), p.get("callsOut", 0))
               for p in c.api("GET", "/api/providers")["items"]}
        for p in c.api("GET", "/api/providers")["items"]:
            if p.get("calls", 0) != p.get("callsIn", 0) + \
                    p.get("callsOut", 0):
                raise Mismatch(f"calls: {p}")
        return got == wanted
    wait_for(f"calls are {wanted}", is_so)


def test_calls_are_counted():
    with ExitStack() as stack:
        enter = stack.enter_context
        called, caller = enter(Carrier()), enter(RawPhone(Nowhere, "caller"))
        c = enter(cluster(nodes=2, later=["node-2"],
                          config=config(called, caller)))
        host, _, port = c.routers[0].udp.rpartition(":")
        caller.to = (host, int(port))
        box = enter(phones())
        for user in ("1001", "1002"):
            phone(box, c, user)
        until(c, called=(0, 0), caller=(0, 0))

        box.do("call", phone="1001", to="9123")
        out = called.request("INVITE")
        until(c, called=(0, 1), caller=(0, 0))
        called.takes(out, SDP.format(port=40200))
        box.expect("established", phone="1001")
        text = caller.invite("1002")
        caller.send(text)
        ok = caller.await_("final")
        must(ok.code, 200, "INVITE")
        d = Dialog(caller, Message(text.encode()), ok)
        d.ack()
        until(c, called=(0, 1), caller=(1, 0))
        p = c.api("GET", "/api/providers/called")
        must((p["maxCalls"], p["maxCallsPerSecond"], p["calls"]), (7, 9, 1),
             "limits")
        gauges(c.nodes[0], called=(0, 1), caller=(1, 0))
        wait_for("the router's gauges", lambda: up(c.routers[0]))

        c.join("node-2")
        node = next(n for n in c.nodes if n.id == "node-1")
        node.process.kill()
        c.left(node)
        again = called.request("INVITE", 15)
        called.takes(again, SDP.format(port=40200))
        caller.answer(caller.await_("INVITE", 15), 200, "OK",
                      body=SDP.format(port=40000))
        until(c, called=(0, 1), caller=(1, 0))
        gauges(c.nodes[0], called=(0, 1), caller=(1, 0))
        box.do("hangup", phone="1001")
        called.answer(called.request("BYE"), 200)
        until(c, called=(0, 0), caller=(1, 0))
        d.cseq = 50
        d.bye()
        until(c, called=(0, 0), caller=(0, 0))
        assert_clean(c)
        gauges(c.nodes[0], called=(0, 0), caller=(0, 0))


def up(router):
    got = metrics(router)
    return got.get('sy_trunk_reachable{trunk="called"}') == 1 and \
        math.isnan(got['sy_trunk_registered{trunk="called"}'])


def gauges(node, **wanted):
    got = metrics(node)
    must({name: tuple(got[f'sy_trunk_calls{{trunk="{name}",'
                          f'direction="{d}"}}'] for d in ("in", "out"))
          for name in wanted}, wanted, "gauges")
