# SPDX-License-Identifier: MIT
"""IPv6 on every transport: registered, calling, called, heard and seen."""

import json
from contextlib import ExitStack

from harness import Mismatch, assert_clean, cluster, free_base, must
from lib import ports
from lib.cluster import DEMO
from rawmedia import RawMedia
from rawphone import RawPhone
from tcpphone import TcpPhone
from tlsphone import TlsPhone
from wsphone import WsPhone

SDP6 = ("v=0\r\no=- 1 1 IN IP6 ::1\r\ns=-\r\nc=IN IP6 ::1\r\n"
        "t=0 0\r\nm=audio {port} RTP/AVP 0\r\na=ptime:20\r\n")
HERE, FAR = 1000, 1600      # what phones sound like [Hz]
_stack = ExitStack()
_shared = {}


def shared():
    """A cluster of both families, and its addresses of IPv6."""
    if not _shared:
        with open(DEMO, encoding="utf-8") as f:
            conf = json.load(f)
        for dev in conf["devices"]:
            if dev["id"] == "1002":
                dev["media"] = "rtp"    # also by WebSocket
        conf["trunks"] = []
        conf["routes"] = [r for r in conf["routes"]
                          if "external" not in r["target"]]
        base = free_base()
        at = {"udp": ports.SIP, "tcp": ports.SIP, "tls": ports.SIPS,
              "ws": ports.WS, "wss": ports.WSS}
        args = []
        for kind, port in at.items():
            at[kind] = f"[::1]:{base + port}"
            args += [f"--{kind}", f"{ports.HOST}:{base + port},{at[kind]}"]
        _shared["cluster"] = _stack.enter_context(cluster(
            nodes=1, port_base=base, config=conf, router_args=args,
            node_args=["--media-addr", f"{ports.HOST},::1"]))
        _shared["at"] = at
    return _shared["cluster"], _shared["at"]


def finish():
    _stack.close()
    _shared.clear()


def phone_by(kind, at, user):
    if kind == "udp":
        return RawPhone(at[kind], user, "::1")
    if kind == "tcp":
        return TcpPhone(at[kind], user)
    if kind == "tls":
        return TlsPhone(at[kind], user)
    return WsPhone(at[kind], user, kind)


PARAM = {"udp": "", "tcp": ";transport=tcp", "tls": ";transport=tls",
         "ws": ";transport=ws", "wss": ";transport=ws"}


def told(got, where, kind):
    """Contact and Record-Route lead to the address that was reached."""
    for name in ("contact", "record-route"):
        for value in got.all(name):
            if f"@{where}{PARAM[kind]}" not in value:
                raise Mismatch(f"{kind}: {name}: {value}")
    must("\r\nc=IN IP6 ::1\r\n" in got.body, True, f"{kind}: {got.body}")


def by(kind):
    c, at = shared()
    with phone_by(kind, at, "1002") as six, \
            RawPhone(c.routers[0], "1001") as four, \
            RawMedia("::1") as near, RawMedia() as far:
        must(six.register().code, 200, "registered")

        # it calls the echo
        d = six.established("600", sdp=SDP6.format(port=near.port))
        told(d.ok, at[kind], kind)
        near.hz = (HERE,)
        near.start(d.ok.body)
        near.hears(HERE)
        d.bye()
        assert_clean(c)

        # it is called by a phone of IPv4, and hangs up
        inv = four.call("1002", port=far.port)
        got = six.await_("INVITE")
        must(got.all("via")[0].startswith(
            f"SIP/2.0/{kind.upper()} {at[kind]};"), True, got.get("via"))
        told(got, at[kind], kind)
        six.answer(got, 200, "OK", SDP6.format(port=near.port), tag="six")
        six.await_("ACK")
        ok = four.await_("final", call_id=inv.get("call-id"))
        must(ok.code, 200, "answer")
        four.send(four.request("ACK", ok.contact(), **{
            "From": inv.get("from"), "To": ok.get("to"),
            "Call-ID": inv.get("call-id"), "CSeq": "2 ACK",
            "Route": ok.all("record-route")[::-1]}))
        near.aim(got.body)
        far.hz = (FAR,)
        far.start(ok.body)
        near.hears(FAR)
        far.hears(HERE)
        end = six.ask(six.request("BYE", got.contact(), **{
            "From": f"{got.get('to')};tag=six", "To": got.get("from"),
            "Call-ID": got.get("call-id"), "CSeq": "1 BYE",
            "Route": got.all("record-route")}))
        must(end.code, 200, "BYE")
        four.answer(four.await_("BYE"))
        must(six.register(Expires="0").code, 200, "unregistered")
    assert_clean(c)


def test_udp():
    by("udp")


def test_tcp():
    by("tcp")


def test_tls():
    by("tls")


def test_ws():
    by("ws")


def test_wss():
    by("wss")
