# SPDX-License-Identifier: MIT
"""/ws: who may open it, what it tells, and how it ends."""

import contextlib
import signal

from harness import Mismatch, Shared, assert_clean, cluster, phones, wait_for
from talk import hears, phone, tone
from wsfeed import Feed

shared = Shared(nodes=1)
finish = shared.finish


def must(condition, what):
    if not condition:
        raise Mismatch(what)


def of_a_call(message):
    """An event of one; phones come and go besides."""
    return message.get("event", {}).get("callId")


def test_hello():
    """Who sends a token in the header is welcomed; who says hello, too; who
    says a wrong one, or nothing, is let go."""
    c = shared()
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
    c = shared()
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
    c = shared()
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
            seen.append(w.wait(of_a_call))
        first = seen[0]["event"]
        must(first["type"] == "CALL_STARTED" and first["call"]["id"] ==
             first["callId"], f"begins with {seen[0]}")
        with Feed(at, c.token) as again:
            again.subscribe("events", after=begin)
            for want in seen:
                got = again.wait(of_a_call)
                must(got == want, f"{got}, not {want}")
        got = w.ask(subscribe={"topics": ["evnts"]})
        must("allowed: " in got["error"]["detail"], got)
        got = w.ask(subscribe={"topics": ["events"], "after": "x"})
        must("allowed: " in got["error"]["detail"], got)
        assert_clean(c)


def test_gateway_ends():
    """SIGTERM: clients are told to go elsewhere.  There they go on behind the
    last event that they have seen, and miss none; who comes with one that
    the stream does not have begins with a snapshot."""
    with cluster(nodes=1, gateways=2) as c, phones() as box:
        phone(box, c, "1001")
        topics = ("cluster", "calls", "events", "registrations")
        with Feed(c.gateways[0].http, c.token) as w:
            w.subscribe(*topics)
            for topic in topics:
                w.snapshot(topic)
            box.do("call", phone="1001", to="600")
            hears(box, "1001", tone("1001"))
            seen = [w.wait(lambda m: "event" in m)]
            c.gateways[0].process.signal(signal.SIGTERM)
            must(w.closes() == 1001, "no close")
        must(c.gateways[0].process.wait(5), "it still runs")
        must(c.gateways[0].process.popen.poll() == 0, "it did not end well")
        box.do("hangup", phone="1001")
        wait_for("the call is over",
                 lambda: not c.api("GET", "/api/calls", gateway=1)["items"])
        with Feed(c.gateways[1].http, c.token) as w:
            w.subscribe("events", "calls", after=seen[0]["seq"])
            while seen[-1]["event"]["type"] != "CALL_FINISHED":
                got = w.receive()
                must("snapshot" not in got, got)
                seen += [got] if "event" in got else []
            ids = [m["seq"] for m in seen]
            must(len(set(ids)) == len(ids), f"told twice: {ids}")
        with Feed(c.gateways[1].http, c.token) as w:
            w.subscribe("events", "calls", after="1-1")
            w.snapshot("events")
            must(not w.snapshot("calls").get("calls"), "a call is left")


class Table:
    """Calls as a client of /ws keeps them: a snapshot, then changes."""

    def __init__(self, feed):
        self.feed, self.calls, self.seq, self.open = feed, {}, "", False
        self.seen = []

    def take(self, m):
        if "snapshot" in m and m["snapshot"]["topic"] == "calls":
            s = m["snapshot"]
            if not self.open:
                self.calls = {}
            self.open = s.get("more", False)
            self.seq = s["seq"]
            self.calls.update((x["id"], x) for x in s.get("calls", []))
        elif "event" in m:
            must(not self.open, "a change in the middle of a snapshot")
            must(key(m["seq"]) > key(self.seq),
                 f"{m['seq']} after {self.seq}")
            self.seq = m["seq"]
            self.seen.append(m["seq"])
            change(self.calls, m["event"])

    def until(self, seq, seconds=20):
        """Take messages up to this one of the stream."""
        while not self.seq or self.open or key(self.seq) < key(seq):
            self.take(self.feed.receive(seconds))


def key(seq):
    return tuple(int(x) for x in seq.split("-"))


def change(calls, ev):
    """What an event does to a table of calls."""
    kind, ident = ev["type"], ev["callId"]
    call = calls.get(ident)
    if kind in ("CALL_STARTED", "CALL_CHANGED"):
        legs = ev["call"].get("legs") or (call or {}).get("legs", [])
        calls[ident] = {**ev["call"], "legs": legs}
    elif kind == "CALL_FINISHED":
        calls.pop(ident, None)
    elif kind in ("LEG_ADDED", "LEG_CHANGED", "LEG_REMOVED") and call:
        legs = [x for x in call.get("legs", [])
                if x["id"] != ev["leg"]["id"]]
        if kind != "LEG_REMOVED":
            legs.append(ev["leg"])
        call["legs"] = legs


def shape(calls):
    """What two tables must agree on."""
    return {i: (c.get("state"), sorted(
        (x["id"], x.get("state"), x.get("muted", False))
        for x in c.get("legs", []))) for i, c in calls.items()}


def test_calls_under_load():
    """Calls come and go while clients come, at two gateways: what each makes
    of its snapshot and the changes is what those make that were there from
    the first event on; and nobody misses a change, or has one twice."""
    with cluster(nodes=1, gateways=2) as c, phones() as box:
        ats = [g.http for g in c.gateways]
        with Feed(ats[0], c.token) as whole, contextlib.ExitStack() as stack:
            whole.subscribe("events")
            whole.snapshot("events")
            truth, order = {}, []
            for i in range(1, 17):
                phone(box, c, f"10{i:02}")
            tables = []
            for turn in range(6):
                first = 1 + 8 * (turn % 2)
                users = [f"10{i:02}" for i in range(first, first + 8)]
                for user in users:
                    box.do("call", phone=user, to="600")
                    tables.append(Table(stack.enter_context(
                        Feed(ats[len(tables) % 2], c.token))))
                    tables[-1].feed.subscribe("calls")
                for user in users:
                    hears(box, user, tone(user))
                if turn == 5:
                    break
                for user in users:
                    box.do("hangup", phone=user)
                    if user == users[3]:
                        tables.append(Table(stack.enter_context(
                            Feed(ats[turn % 2], c.token))))
                        tables[-1].feed.subscribe("calls")
            started = 0
            while started < 48:
                m = whole.wait(lambda m: "event" in m)
                started += m["event"]["type"] == "CALL_STARTED"
                order.append(m)
            for user in users:
                box.do("hangup", phone=user)
            finished = [m["event"]["type"] for m in order].count(
                "CALL_FINISHED")
            while finished < 48:
                m = whole.wait(lambda m: "event" in m)
                finished += m["event"]["type"] == "CALL_FINISHED"
                order.append(m)
            of_calls = [m for m in order if m["event"].get("callId")]
            middle = of_calls[len(of_calls) * 3 // 4]["seq"]
            for m in of_calls:
                if key(m["seq"]) <= key(middle):
                    change(truth, m["event"])
            must(len(truth) >= 3, f"{len(truth)} calls in the middle")
            early = 0
            for t in tables:
                t.until("0-1")
                begin = t.seq
                if key(begin) < key(middle):
                    early += 1
                    t.until(middle)
                    must(shape(t.calls) == shape(truth),
                         f"{shape(t.calls)}, not {shape(truth)}")
                t.until(of_calls[-1]["seq"])
                must(not t.calls, f"left: {t.calls}")
                want = [m["seq"] for m in of_calls
                        if key(m["seq"]) > key(begin)]
                must(t.seen == want, f"after {begin} {t.seen}, not {want}")
            must(early > 20, f"only {early} came early")
            with Feed(ats[1], c.token) as again:
                again.subscribe("calls", after=middle)
                for m in of_calls:
                    if key(m["seq"]) > key(middle):
                        got = again.wait(lambda x: "event" in x)
                        must(got == m, f"{got}, not {m}")
        assert_clean(c)


def test_polled():
    """The cluster, registrations, providers and a call with its levels: as
    they are, then what changes."""
    c = shared()
    with phones() as box, Feed(c.gateways[0].http, c.token) as w:
        phone(box, c, "1001")
        w.subscribe("cluster", "registrations", "providers")
        got = w.snapshot("cluster")["status"]
        must([n["id"] for n in got["nodes"]] == [c.nodes[0].id], got)
        got = w.snapshot("registrations")["registrations"]
        must([r["device"] for r in got] == ["1001"], got)
        got = w.snapshot("providers")["providers"]
        must([p["id"] for p in got] == ["loop"], got)
        phone(box, c, "1002")
        got = w.wait(lambda m: "registrations" in m, keep=True)
        must([r["device"] for r in got["registrations"]["items"]] ==
             ["1002"], got)
        w.subscribe("events")
        w.snapshot("events")
        box.do("call", phone="1001", to="600")
        hears(box, "1001", tone("1001"))
        started = w.wait(of_a_call, keep=True)
        call = started["event"]["callId"]
        with Feed(c.gateways[0].http, c.token) as one:
            one.subscribe(f"call:{call}")
            snap = one.snapshot(f"call:{call}")
            must(snap["calls"][0]["id"] == call and
                 key(snap["seq"]) >= key(started["seq"]), snap)
            one.wait(lambda m: "call" in m and any(
                x["levelInDb"] > -60 for x in m["call"]["legs"]))
            for _ in range(3):
                one.wait(lambda m: "call" in m, seconds=3)
            box.do("hangup", phone="1001")
            got = one.wait(lambda m: m.get("event", {}).get("type") ==
                           "CALL_FINISHED")
            must(key(got["seq"]) > key(snap["seq"]), got)
        w.wait(lambda m: m.get("status", {}).get("calls", 1) == 0)
        with Feed(c.gateways[0].http, c.token) as late:
            late.subscribe(f"call:{call}", "calls")
            must("calls" not in late.snapshot(f"call:{call}"),
                 "a call that is over")
            must(not late.snapshot("calls").get("calls"), "calls")
        assert_clean(c)
