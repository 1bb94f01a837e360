# SPDX-License-Identifier: MIT
"""SIP over WebSocket, plain and secure (RFC 7118)."""

import json
import socket
import urllib.error
import urllib.request

from harness import Mismatch, Shared, assert_clean, metrics
from rawphone import RawPhone
from wsphone import BINARY, CLOSE, FIN, PING, TEXT, WEB_SDP, WsPhone, frame

shared = Shared(nodes=2, routers=2)
finish = shared.finish


def expect(what, got, want):
    if got != want:
        raise Mismatch(f"{what}: {got}, not {want}")


def is_answered(p):
    got = p.ask(p.request("OPTIONS", "sip:switchyard"))
    expect("OPTIONS", got.code, 200)
    return got


def test_calls_out():
    """To the echo, over both; the call is ended by what the answer gave."""
    c = shared()
    for scheme, at in (("ws", c.routers[0].ws), ("wss", c.routers[1].wss)):
        with WsPhone(at, "1001", scheme) as a:
            call = a.established("600")
            for value in (call.ok.get("contact"),
                          call.ok.get("record-route")):
                if f"@{at};transport=ws" not in value:
                    raise Mismatch(f"{scheme}: {value}")
            if not call.ok.get("via").startswith(
                    f"SIP/2.0/{scheme.upper()} {a.me}"):
                raise Mismatch(f"{scheme}: {call.ok.get('via')}")
            call.bye()
        assert_clean(c)


def test_is_called():
    """By its connection, through the other router and from UDP; then its
    own BYE; gone with its connection."""
    c = shared()
    for scheme, at in (("ws", c.routers[0].ws), ("wss", c.routers[0].wss)):
        with RawPhone(c.routers[1], "1003") as caller:
            with WsPhone(at, "1002", scheme) as a:
                expect("REGISTER", a.register().code, 200)
                inv = caller.call("1002")
                got = a.await_("INVITE")
                if not got.get("via").startswith(
                        f"SIP/2.0/{scheme.upper()} {at};"):
                    raise Mismatch(f"{scheme}: {got.get('via')}")
                for part in ("UDP/TLS/RTP/SAVPF", "a=ice-lite",
                             "a=setup:actpass", "a=fingerprint:sha-256 "):
                    if part not in got.body:
                        raise Mismatch(f"no {part} in {got.body}")
                a.answer(got, 200, "OK", WEB_SDP, tag="web")
                a.await_("ACK")
                ok = caller.await_("final", call_id=inv.get("call-id"))
                expect("the caller", ok.code, 200)
                caller.send(caller.request(
                    "ACK", ok.contact(), **{
                        "From": inv.get("from"), "To": ok.get("to"),
                        "Call-ID": inv.get("call-id"), "CSeq": "2 ACK",
                        "Route": ok.all("record-route")[::-1]}))
                end = a.ask(a.request("BYE", got.contact(), **{
                    "From": f"{got.get('to')};tag=web",
                    "To": got.get("from"), "CSeq": "1 BYE",
                    "Call-ID": got.get("call-id"),
                    "Route": got.all("record-route")}))
                expect("BYE", end.code, 200)
                caller.answer(caller.await_("BYE"))
            caller.call("1002")
            gone = caller.await_("final")
            if gone.code not in (408, 430, 480):
                raise Mismatch(f"it is gone, but {gone.start}")
            caller.user = "1002"
            expect("forgotten", caller.register(
                Contact="*", Expires="0").code, 200)
        assert_clean(c)


def test_frames():
    """Fragments, pings between them, binary, keep-alives, many in one."""
    c = shared()
    for scheme, at in (("ws", c.routers[0].ws), ("wss", c.routers[0].wss)):
        with WsPhone(at, "1001", scheme) as a:
            ask = a.request("OPTIONS", "sip:switchyard").encode()
            a.sock.sendall(frame(TEXT, ask[:10]))
            a.sock.sendall(frame(FIN | PING, b"hi") + frame(0, ask[10:60]))
            a.sock.sendall(frame(FIN, ask[60:]))
            expect("fragments", a.await_("final").code, 200)
            expect("pongs", a.pongs, [b"hi"])
            a.sock.sendall(frame(FIN | BINARY, ask) * 3 +
                           frame(FIN | TEXT, b"\r\n\r\n"))
            for _ in range(3):
                expect("binary", a.await_("final").code, 200)
            expect("answers are text", set(a.kinds), {TEXT})
            expect("keep-alive", a.next_frame(), (FIN | TEXT, b"\r\n"))
            a.sock.sendall(frame(FIN | CLOSE, (1000).to_bytes(2, "big")))
            expect("close", (a.receive(), a.closed), (None, 1000))
            expect("the end", a.sock.recv(10), b"")


def test_no_utf8_goes_as_binary():
    """A body that is no text, between a WebSocket phone and a UDP one."""
    c = shared()
    with WsPhone(c.routers[0].ws, "1001") as a:
        ask = a.request("OPTIONS", "sip:switchyard", **{
            "From": "\"\udcff\" <sip:1001@switchyard>;tag=x"})
        a.sock.sendall(frame(FIN | BINARY, ask.encode(
            "utf-8", "surrogateescape")))
        expect("binary", a.await_("final").code, 200)
        expect("answered as", a.kinds, [BINARY])


def test_broken_frames():
    """Each ends its connection with the reason; others go on."""
    c = shared()
    with WsPhone(c.routers[0].ws, "1001") as other:
        for what, data, status in (
                ("not masked", b"\x81\x01x", 1002),
                ("reserved bit", b"\xc1" + frame(FIN | TEXT, b"x")[1:],
                 1002),
                ("no UTF-8", frame(FIN | TEXT, b"\xff"), 1007),
                ("1 GB", b"\x82\xff" + (1 << 30).to_bytes(8, "big") +
                 b"mask", 1009)):
            with WsPhone(c.routers[0].ws, "1002") as a:
                a.sock.sendall(data)
                expect(what, (a.receive(), a.closed), (None, status))
                expect(what, a.sock.recv(10), b"")
        is_answered(other)


def test_what_is_no_websocket():
    """A browser's GET, SIP as it goes over TCP, who says nothing."""
    c = shared()
    router = c.routers[0]
    try:
        urllib.request.urlopen(f"http://{router.ws}/", timeout=5)
        raise Mismatch("a plain GET was answered 2xx")
    except urllib.error.HTTPError as e:
        expect("a plain GET", e.code, 426)
        if b"WebSocket" not in e.read():
            raise Mismatch("it does not say why") from None
    host, _, port = router.ws.rpartition(":")
    with RawPhone(router) as a, socket.socket() as sock, \
            socket.socket() as silent:
        for s in (sock, silent):
            s.settimeout(10)
            s.connect((host, int(port)))
        sock.sendall(a.request("OPTIONS", "sip:switchyard").encode())
        got = b""
        while more := sock.recv(1000):
            got += more
        if not got.startswith(b"HTTP/1.1 400 "):
            raise Mismatch(f"SIP without frames: {got}")
        expect("who is silent", silent.recv(10), b"")
    m = metrics(router)
    if m['sy_router_websockets_total{result="refused"}'] < 2:
        raise Mismatch("refused ones are not counted")


def test_addresses_are_told():
    """In cluster.json, and in the member record that nodes read."""
    c = shared()
    with open(c.path("cluster.json"), encoding="utf-8") as f:
        told = json.load(f)["routers"][0]
    for kind in ("udp", "tcp", "tls", "ws", "wss"):
        expect(kind, told[kind], getattr(c.routers[0], kind))
