# SPDX-License-Identifier: MIT
"""/ws while Redis is away: clients stay, are told so, and miss nothing that
happened when it is back; where it is back empty they are told that, too."""

import signal

from harness import Mismatch, cluster, phones
from talk import hears, phone, tone
from wsfeed import Feed


def must(condition, what):
    if not condition:
        raise Mismatch(what)


def test_redis_is_stopped():
    """It does not answer for a while: status says so, and afterwards the
    events go on behind the last one."""
    with cluster(nodes=1) as c, phones() as box, \
            Feed(c.gateways[0].http, c.token) as w:
        phone(box, c, "1001")
        w.subscribe("cluster", "calls", "events")
        w.snapshot("events")
        w.snapshot("calls")
        box.do("call", phone="1001", to="600")
        hears(box, "1001", tone("1001"))
        started = w.wait(lambda m: m.get("event", {}).get("callId"),
                         keep=True)
        must(started["event"]["type"] == "CALL_STARTED", started)
        c.redis.signal(signal.SIGSTOP)
        try:
            w.wait(lambda m: "status" in m and not
                   m["status"].get("redis", False), 15, keep=True)
        finally:
            c.redis.signal(signal.SIGCONT)
        w.wait(lambda m: m.get("status", {}).get("redis"), 20, keep=True)
        box.do("hangup", phone="1001")
        got = w.wait(lambda m: m.get("event", {}).get("callId") and
                     m["seq"] != started["seq"], 20)
        must(got["event"]["callId"] == started["event"]["callId"], got)
        while got["event"]["type"] != "CALL_FINISHED":
            got = w.wait(lambda m: "event" in m, 20)


def test_redis_is_emptied():
    """The stream is gone: the calls are told anew, as they are."""
    with cluster(nodes=1) as c, phones() as box, \
            Feed(c.gateways[0].http, c.token) as w:
        phone(box, c, "1001")
        w.subscribe("calls", "events")
        w.snapshot("events")
        must(not w.snapshot("calls").get("calls"), "calls")
        box.do("call", phone="1001", to="600")
        hears(box, "1001", tone("1001"))
        call = w.wait(lambda m: m.get("event", {}).get("callId"))[
            "event"]["callId"]
        c.redis_command("FLUSHALL")
        w.snapshot("events")

        # In a snapshot, or as a change since one that was too early.
        def told(m):
            shot = m.get("snapshot", {})
            return (shot.get("topic") == "calls" and
                    [x["id"] for x in shot.get("calls", [])] == [call]) or \
                m.get("event", {}).get("call", {}).get("id") == call
        w.wait(told, 20)
        box.do("hangup", phone="1001")
        w.wait(lambda m: m.get("event", {}).get("type") == "CALL_FINISHED" and
               m["event"]["callId"] == call, 20)
