# SPDX-License-Identifier: MIT
"""Clients of others hear what happens: the package ws, an EventSource, and a
WebSocket over HTTP/2."""

import os
import time

import npm
from child import Child
from harness import Mismatch, assert_clean, cluster, metrics, phones, wait_for
from talk import hears, phone, tone

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "wsjs")


class Peers(Child):
    """The three of them."""

    def __init__(self, address, token):
        super().__init__(["node", "client.mjs", address, token],
                         npm.install(HERE, "wsjs"))

    def do(self, command):
        self.proc.stdin.write(command + "\n")

    def wait(self, test, what, seconds=20):
        """Until one of all that was heard fits."""
        end = time.monotonic() + seconds
        at = 0
        while True:
            for got in self.events[at:]:
                if test(got):
                    return got
            at = len(self.events)
            got = self.next_line(end, what)
            if "error" in got:
                raise Mismatch(f"{what}: {got}")
            self.events.append(got)

    def of_calls(self, who):
        """(id, event) of what it heard of calls."""
        if who == "es":
            return [(g["id"], g["data"]) for g in self.events
                    if g["from"] == who and "id" in g]
        return [(g["message"]["seq"], g["message"]["event"])
                for g in self.events if g["from"] == who and
                "event" in g.get("message", {}) and
                g["message"]["event"].get("callId")]


def is_finish(who):
    def test(got):
        event = got["data"] if who == "es" and "data" in got else \
            got.get("message", {}).get("event", {})
        return got["from"] == who and event.get("type") == "CALL_FINISHED"
    return test


def test_three_of_others():
    """The same events in the same order to all; over HTTP/2 by the metric,
    too; compressed where a client offers that (RFC 7692), and taken so; closed
    as each wants to be."""
    with cluster(nodes=1) as c, phones() as box:
        phone(box, c, "1001")
        gateway = c.gateways[0]
        with Peers(gateway.http, c.token) as p:
            p.wait(lambda g: g["from"] == "h2" and g.get("connect"),
                   "setting of RFC 8441")
            p.wait(lambda g: g["from"] == "h2" and g.get("status") == 200 and
                   "permessage-deflate" in g.get("extensions", ""),
                   "answer to CONNECT")
            p.wait(lambda g: "permessage-deflate" in g.get("extensions", {})
                   and g["from"] == "ws", "compression")
            for who in ("ws", "h2"):
                p.wait(lambda g, who=who: g["from"] == who and "snapshot" in
                       g.get("message", {}), f"snapshot of {who}")
            p.wait(lambda g: g["from"] == "es" and g.get("open"), "stream")
            p.do("ping")
            p.wait(lambda g: g.get("pong"), "pong")
            for version in ("1.1", "2"):
                wait_for(f"a WebSocket over HTTP/{version}", lambda v=version:
                         metrics(gateway)[
                             f'sy_gateway_websockets{{http="{v}"}}'] == 1)
            box.do("call", phone="1001", to="600")
            hears(box, "1001", tone("1001"))
            box.do("hangup", phone="1001")
            for who in ("ws", "h2", "es"):
                p.wait(is_finish(who), f"end of the call of {who}")
            if not any(g.get("packed") for g in p.events):
                raise Mismatch("no event was compressed")
            want = p.of_calls("ws")
            if len(want) < 2 or p.of_calls("es") != want or \
                    p.of_calls("h2") != want:
                raise Mismatch([[(i, e["type"]) for i, e in p.of_calls(who)]
                                for who in ("ws", "es", "h2")])
            p.do("close")
            p.wait(lambda g: g["from"] == "ws" and g.get("closed") == 1000,
                   "close of ws")
            p.wait(lambda g: g["from"] == "h2" and g.get("ended"),
                   "end of the stream")
            wait_for("all are gone", lambda: not any(
                v for k, v in metrics(gateway).items()
                if k.startswith(("sy_gateway_websockets{",
                                 "sy_gateway_event_streams"))))
            p.do("leave")
        assert_clean(c)
