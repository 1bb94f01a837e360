# SPDX-License-Identifier: MIT
"""/ws and clients that mean no good, or cannot keep up: each is told why it
is let go, and the others notice nothing."""

import json
import socket
import struct
import threading

from harness import Mismatch, Shared, Skip, metrics, request, wait_for
from wsfeed import (BINARY, CLOSE, CONTINUATION, FIN, PING, TEXT, Closed, Feed,
                    frame)


shared = Shared(nodes=1)
finish = shared.finish


def must(condition, what):
    if not condition:
        raise Mismatch(what)


def test_close_codes():
    """What RFC 6455 forbids, each in frames of its own: the code says what
    it was."""
    c = shared()
    good = json.dumps({"id": 1, "ping": {}}).encode()
    euro = "\u20ac".encode()
    for name, data, code in (
            ("no mask", frame(FIN | TEXT, good, mask=False), 1002),
            ("reserved bit", frame(FIN | 0x40 | TEXT, good), 1002),
            ("reserved opcode", frame(FIN | 5, good), 1002),
            ("binary", frame(FIN | BINARY, good), 1003),
            ("continues nothing", frame(FIN | CONTINUATION, good), 1002),
            ("message in a message",
             frame(TEXT, b"{") + frame(FIN | TEXT, b"}"), 1002),
            ("long ping", frame(FIN | PING, b"x" * 126), 1002),
            ("ping in pieces", frame(PING, b"x"), 1002),
            ("close of one byte", frame(FIN | CLOSE, b"x"), 1002),
            ("close with 1005",
             frame(FIN | CLOSE, struct.pack(">H", 1005)), 1002),
            ("no UTF-8", frame(FIN | TEXT, b"\"\xff\""), 1007),
            ("no UTF-8 in pieces",
             frame(TEXT, euro[:2]) + frame(FIN | CONTINUATION, b"x"), 1007),
            ("UTF-8 that is cut off", frame(FIN | TEXT, euro[:2]), 1007),
            ("too large", frame(FIN | TEXT, b"", length=70000), 1009),
            ("too large in pieces",
             frame(TEXT, b"x" * 65000) +
             frame(FIN | CONTINUATION, b"x" * 600), 1009),
            ("pieces of nothing",
             frame(TEXT) + frame(CONTINUATION) * 1100, 1008),
            ("pings without end", frame(FIN | PING, b"x") * 400, 1008),
            ("messages without end", frame(FIN | TEXT, good) * 100, 1008)):
        with Feed(c.gateways[0].http, c.token) as w:
            w.raw(data)
            got = w.closes()
            must(got == code, f"{name}: {got}, not {code}")
    with Feed(c.gateways[0].http, c.token) as w:
        w.raw(frame(TEXT, b'{"id": 7, "pi') + frame(FIN | PING, euro) +
              frame(CONTINUATION, b"") + frame(FIN | CONTINUATION,
                                               b'ng": {}}'))
        got = w.wait(lambda m: m.get("id") == 7)
        must("done" in got and w.pongs == [euro], f"{got} {w.pongs}")
        w.raw(frame(FIN | CLOSE, struct.pack(">H", 4000) + euro))
        must(w.closes() == 4000, "its own code does not come back")


def test_what_is_no_message():
    """Text that is no message of ours is answered, and nothing is lost."""
    c = shared()
    with Feed(c.gateways[0].http, c.token) as w:
        w.receive()
        for text in ("", "{", "[]", "7", '{"id": "x"}', '{"nothing": 1}',
                     '{"subscribe": {"topics": [7]}}', "[" * 5000):
            w.raw(frame(FIN | TEXT, text.encode()))
            got = w.receive()
            must(got["error"]["type"] == "bad-request" and
                 got["error"]["detail"], f"{text[:20]}: {got}")
        got = w.ask(subscribe={"topics": ["call:x"]})
        must(got["error"]["type"] == "bad-request", got)
        got = w.ask(subscribe={"topics": [
            f"call:01ARZ3NDEKTSV4RRFFQ69G5F{i:02}" for i in range(40)]})
        must(got["error"]["type"] == "too-many", got)
        must("done" in w.ask(ping={}), "no answer any more")


def test_scopes():
    """A token is told of what its scopes allow, and of nothing when it is
    revoked."""
    c = shared()
    at = c.gateways[0].http
    status, _, made = request(
        "POST", f"http://{at}/api/tokens", c.token,
        {"name": "watcher", "scopes": ["calls:read"]})
    if status == 404:
        raise Skip("tokens are not made by the API yet")
    must(status == 201, made)
    with Feed(at, made["token"]) as w:
        must(w.receive()["welcome"]["scopes"] == ["calls:read"], "scopes")
        w.subscribe("calls")
        w.snapshot("calls")
        for topic in ("cluster", "events", "registrations", "providers"):
            got = w.ask(subscribe={"topics": [topic]})
            must(got["error"]["type"] == "forbidden", got)
        got = w.ask(phoneUnregister={})
        must(got["error"]["type"] in ("forbidden", "unavailable"), got)
        c.api("DELETE", f"/api/tokens/{made['id']}")
        must(w.closes() == 4401, "it is still told")


class Flood(threading.Thread):
    """Events without end: bans that are made and lifted."""

    def __init__(self, c):
        super().__init__(daemon=True)
        self.c, self.stop, self.made = c, threading.Event(), 0
        self.failed = None

    def run(self):
        try:
            while not self.stop.is_set():
                ban = self.c.api("POST", "/api/bans", body={
                    "source": "192.0.2.7", "seconds": 60,
                    "comment": "x" * 200})
                self.c.api("DELETE", f"/api/bans/{ban['id']}")
                self.made += 2
        except Exception as e:  # pylint: disable=broad-except
            self.failed = e


def test_slow_reader():
    """While one takes nothing of what it asked for, one that reads hears
    all, in order; and the slow one, once it reads, too."""
    c = shared()
    at = c.gateways[0].http
    with Feed(at, c.token, receive=2048) as slow, Feed(at, c.token) as quick:
        for w in (slow, quick):
            w.subscribe("events")
            w.snapshot("events")
        flood = Flood(c)
        flood.start()
        seen = read_events(quick, 200)
        flood.stop.set()
        flood.join(10)
        must(not flood.failed, flood.failed)
        must(read_events(slow, 200) == seen, "other events")


def read_events(w, count):
    """The seq of the next of them, which must be in order."""
    seen = [w.wait(lambda m: "event" in m, 30)["seq"] for _ in range(count)]
    order = [tuple(int(x) for x in s.split("-")) for s in seen]
    must(order == sorted(set(order)), "out of order")
    return seen


def test_half_open():
    """A client that vanished without a word does not stay for ever, and one
    that closes its side is gone at once."""
    c = shared()
    name = 'sy_gateway_websockets{http="1.1"}'
    with Feed(c.gateways[0].http, c.token) as w:
        w.receive()
        wait_for("it is counted alone",
                 lambda: metrics(c.gateways[0])[name] == 1)
        w.sock.shutdown(socket.SHUT_WR)
        wait_for("it is gone", lambda: not metrics(c.gateways[0])[name])
        try:
            w.receive(5)
            raise Mismatch("told something")
        except Closed:
            pass


def log_in(c, at):
    """The cookie of a login of the first user; skips where there is none."""
    status, head, body = request(
        "POST", f"http://{at}/api/session",
        body={"user": "admin", "password": getattr(c, "admin_password", "")})
    if status == 404:
        raise Skip("nobody can log in yet")
    must(status == 201, body)
    return head["Set-Cookie"].partition(";")[0]


def test_cookie():
    """A login's cookie opens /ws for pages of this site alone; what the page
    says at once is heard; and it ends with the login."""
    c = shared()
    at = c.gateways[0].http
    cookie = log_in(c, at)
    mine = {"Cookie": cookie, "Origin": f"http://{at}"}
    for origin in ("https://evil.example", "null", f"https://{at}.evil"):
        with Feed(at, headers={"Cookie": cookie, "Origin": origin}) as w:
            must(w.status == 403 or w.closes() == 4401,
                 f"{origin}: {w.answer}")
    with Feed(at, headers={"Cookie": cookie[:-3] + "xyz"}) as w:
        must(w.status == 401 or w.closes() == 4401, w.answer)
    with Feed(at, headers=mine) as w:
        w.subscribe("calls")
        w.snapshot("calls")
        got = w.wait(lambda m: "welcome" in m)["welcome"] \
            if not w.kept else next(
                m["welcome"] for m in w.kept if "welcome" in m)
        must(got["user"] == "admin", got)
        status, _, me = request("GET", f"http://{at}/api/session",
                                headers={"Cookie": cookie})
        must(status == 200, me)
        status, _, body = request(
            "DELETE", f"http://{at}/api/session", headers={
                "Cookie": cookie, "X-CSRF-Token": me["csrfToken"]})
        must(status == 204, body)
        must(w.closes() == 4401, "it is still told")
