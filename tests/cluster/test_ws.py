# SPDX-License-Identifier: MIT
"""/ws: who may open it, what it tells, and how it ends."""

import signal

from harness import Mismatch, assert_clean, cluster, phones
from talk import hears, phone, tone
from wsfeed import Feed

shared = {}


def the_cluster():
    if "c" not in shared:
        shared["with"] = cluster(nodes=1)
        shared["c"] = shared["with"].__enter__()
    return shared["c"]


def finish(*error):
    if "with" in shared:
        shared.pop("c")
        shared.pop("with").__exit__(*(error or (None, None, None)))


def must(condition, what):
    if not condition:
        raise Mismatch(what)


def test_hello():
    """Who sends a token in the header is welcomed; who says hello, too; who
    says a wrong one, or nothing, is let go."""
    c = the_cluster()
    at = c.gateways[0].http
    with Feed(at, c.token) as w:
        got = w.receive()
        must(got["welcome"]["gateway"] == c.gateways[0].id, got)
        must("*" in got["welcome"]["scopes"] or
             "events:read" in got["welcome"]["scopes"], got)
        must("done" in w.ask(ping={}), "no answer to a ping")
    with Feed(at) as w:
        got = w.ask(hello={"token": c.token})
        must("welcome" in got, got)
        got = w.ask(hello={"token": c.token})
        must(got["error"]["type"] == "conflict", got)
    with Feed(at) as w:
        w.send(hello={"token": "wrong"})
        must(w.closes() == 4401, "a wrong token is not refused")
    with Feed(at) as w:
        w.send(ping={})
        must(w.closes() == 1008, "a ping before hello")
    with Feed(at) as w:
        must(w.closes() == 1008, "silence is endured")
    with Feed(at, "wrong") as w:
        must(w.status == 401, w.answer)


def test_handshake():
    """What is no handshake is refused as HTTP has it."""
    c = the_cluster()
    at = c.gateways[0].http
    for headers, status in (
            ({"Sec-WebSocket-Version": "8"}, 426),
            ({"Sec-WebSocket-Key": "c2hvcnQ="}, 400),
            ({"Sec-WebSocket-Key": None}, 400),
            ({"Upgrade": "h2c"}, 426),
            ({"Connection": "keep-alive"}, 426),
            ({"Content-Length": "0"}, 426)):
        with Feed(at, c.token, headers) as w:
            must(w.status == status, f"{headers}: {w.answer}")
    with Feed(at, c.token,
              {"Sec-WebSocket-Protocol": "a, switchyard"}) as w:
        must(b"sec-websocket-protocol: switchyard" in w.answer, w.answer)


def test_events():
    """The topic "events" begins with where it begins, and tells each event
    once, in order; another client goes on after any of them."""
    c = the_cluster()
    at = c.gateways[0].http
    with phones() as box, Feed(at, c.token) as w:
        phone(box, c, "1001")
        w.subscribe("events")
        begin = w.snapshot("events")["seq"]
        box.do("call", phone="1001", to="600")
        hears(box, "1001", tone("1001"))
        box.do("hangup", phone="1001")
        seen = []
        while not seen or seen[-1]["event"]["type"] != "CALL_FINISHED":
            seen.append(w.wait(lambda m: "event" in m))
        first = seen[0]["event"]
        must(first["type"] == "CALL_STARTED" and first["call"]["id"] ==
             first["callId"], f"begins with {seen[0]}")
        with Feed(at, c.token) as again:
            again.subscribe("events", after=begin)
            for want in seen:
                got = again.receive()
                while "welcome" in got:
                    got = again.receive()
                must(got == want, f"{got}, not {want}")
        got = w.ask(subscribe={"topics": ["evnts"]})
        must("allowed: " in got["error"]["detail"], got)
        got = w.ask(subscribe={"topics": ["events"], "after": "x"})
        must("allowed: " in got["error"]["detail"], got)
        assert_clean(c)


def test_gateway_ends():
    """SIGTERM: clients are told to go elsewhere."""
    with cluster(nodes=1) as c, Feed(c.gateways[0].http, c.token) as w:
        w.receive()
        c.gateways[0].process.signal(signal.SIGTERM)
        must(w.closes() == 1001, "no close")
        must(c.gateways[0].process.wait(5), "it still runs")
