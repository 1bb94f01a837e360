# SPDX-License-Identifier: MIT
"""Trunks that are names: NAPTR, SRV, addresses (RFC 3263), what happens when
a target is not there, and what is remembered of it; large requests."""

import json
import socket
from contextlib import ExitStack

from harness import (Mismatch, assert_clean, cluster, free_base, metrics,
                     wait_for)
from lib import ports
from lib.cluster import DEMO
from nameserver import TYPES, NameServer
from rawphone import SDP, Message, RawPhone
from tcpphone import TcpPhone

_stack = ExitStack()
_shared = None
TRUNKS = {"70": "srv.test", "71": "naptr.test", "72": "mute.test",
          "73": "none.test", "74": "large.test", "75": "small.test",
          "76": "gone.test"}


def configuration():
    with open(DEMO, encoding="utf-8") as f:
        conf = json.load(f)
    conf["trunks"] = [{"id": name, "enabled": True, "sources": [],
                       "target": name, "optionsS": 0} for name in TRUNKS.values()]
    conf["routes"] = [
        {"id": name, "order": i, "pattern": f"{digits}X",
         "target": {"external": {"trunk": name, "number": "$0"}}}
        for i, (digits, name) in enumerate(TRUNKS.items(), 1)]
    conf["settings"]["udpMaxBytes"] = 65535
    return conf


def shared():
    """A cluster that asks a name server of ours."""
    global _shared
    if _shared is None:
        dns = _stack.enter_context(NameServer())
        c = _stack.enter_context(cluster(
            nodes=1, config=configuration(),
            router_args=("--dns-server", dns.at)))
        _shared = c, dns
    return _shared


def finish():
    _stack.close()


class ClosedPort:
    """A port where nobody is, and nobody else comes meanwhile."""

    def __init__(self, kind=socket.SOCK_DGRAM):
        self.sock = socket.socket(socket.AF_INET, kind)
        self.sock.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_DGRAM:   # with itself: others are refused
            self.sock.connect(self.sock.getsockname())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()


def port(phone):
    return phone.sock.getsockname()[1]


def hang_up(a, far, inv, got):
    """The call is answered, and ended by the caller."""
    far.answer(got, 200, "OK", SDP.format(port=40002), tag="far",
               Contact=f"<sip:far@{far.me}>")
    far.await_("ACK")
    ok = a.await_("final", call_id=inv.get("call-id"))
    head = {"From": inv.get("from"), "To": ok.get("to"),
            "Call-ID": inv.get("call-id"),
            "Route": ok.all("record-route")[::-1]}
    a.send(a.request("ACK", ok.contact(), CSeq="2 ACK", **head))
    a.send(a.request("BYE", ok.contact(), CSeq="3 BYE", **head))
    far.answer(far.await_("BYE"), 200, "OK")


def targets(c, result):
    return metrics(c.routers[0])[
        f'sy_router_targets_total{{result="{result}"}}']


def test_srv_failover():
    """Of two servers the first is not there: the second gets the call, its
    ACK, BYE and CANCEL; and the next call at once, without a question."""
    c, dns = shared()
    with RawPhone(c.routers[0], "1001") as a, \
            RawPhone(c.routers[0], "far") as far:
        with ClosedPort() as closed:
            shut = port(closed)
            dns.zone += [f"_sip._udp.srv.test SRV 1 0 {shut} h.test",
                         f"_sip._udp.srv.test SRV 2 0 {port(far)} h.test",
                         "h.test A 127.0.0.1"]
            inv = a.call("701")
            hang_up(a, far, inv, far.await_("INVITE"))
            wait_for("the closed port is noticed",
                     lambda: targets(c, "failed"))
        questions = sum(dns.asked.values())

        with RawPhone(c.routers[0], "shut", own_port=shut) as back:
            inv = a.call("702")
            got = far.await_("INVITE")
            back.silent(0.1)
        if sum(dns.asked.values()) != questions:
            raise Mismatch(f"asked again: {dns.asked}")
        far.answer(got, 180, "Ringing", tag="far")
        a.await_(180, call_id=inv.get("call-id"))
        a.send(a.request("CANCEL", inv.uri, **{
            "Via": inv.get("via"), "From": inv.get("from"),
            "To": inv.get("to"), "Call-ID": inv.get("call-id"),
            "CSeq": inv.get("cseq").split()[0] + " CANCEL"}))
        cancel = far.await_("CANCEL")
        far.answer(cancel, 200, "OK", tag="far")
        far.answer(got, 487, "Request Terminated", tag="far")
        far.await_("ACK")
        a.await_(487, call_id=inv.get("call-id"))
    assert_clean(c)


def test_naptr():
    """NAPTR wants TCP first: by TCP it goes.  When that listens no more, the
    next transport of NAPTR gets the call."""
    c, dns = shared()
    with RawPhone(c.routers[0], "1001") as a, \
            RawPhone(c.routers[0], "far") as far:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(10)
        dns.zone += [
            "naptr.test NAPTR 10 1 SIP+D2T _sip._tcp.naptr.test",
            "naptr.test NAPTR 20 1 SIP+D2U _sip._udp.naptr.test",
            "_sip._tcp.naptr.test SRV 1 0 "
            f"{listener.getsockname()[1]} n.test",
            f"_sip._udp.naptr.test SRV 1 0 {port(far)} n.test",
            "n.test A 127.0.0.1"]
        inv = a.call("711")
        with listener, TcpPhone(None, "far", listener.accept()[0]) as tcp:
            got = tcp.await_("INVITE")
            if not got.get("via").startswith("SIP/2.0/TCP"):
                raise Mismatch(f"Via: {got.get('via')}")
            tcp.me += ";transport=tcp"
            hang_up(a, tcp, inv, got)
        inv = a.call("712")
        hang_up(a, far, inv, far.await_("INVITE"))
    assert_clean(c)


def test_nobody_answers():
    """A server that is mute: its INVITE goes to the next one in the end, and
    the next call does so at once."""
    c, dns = shared()
    with RawPhone(c.routers[0], "1001") as a, \
            RawPhone(c.routers[0], "mute") as mute, \
            RawPhone(c.routers[0], "far") as far:
        dns.zone += [f"_sip._udp.mute.test SRV 1 0 {port(mute)} m.test",
                     f"_sip._udp.mute.test SRV 2 0 {port(far)} m.test",
                     "m.test A 127.0.0.1"]
        inv = a.call("721")
        first = mute.await_("INVITE")
        got = far.await_("INVITE", 10)
        if got.get("call-id") != first.get("call-id"):
            raise Mismatch("another call")
        hang_up(a, far, inv, got)
        while mute.receive(0.1):
            pass
        inv = a.call("722")
        hang_up(a, far, inv, far.await_("INVITE"))
        mute.silent(0.1)
    assert_clean(c)


def refused(c, number, want=500):
    """The carrier's 503 is not the caller's (RFC 3261 16.7 6)."""
    with RawPhone(c.routers[0], "1001") as a:
        inv = a.call(number)
        got = a.await_("final", 10, call_id=inv.get("call-id"))
        if got.code != want:
            raise Mismatch(f"{number}: {got.start}")


def test_no_such_name():
    """A name that there is not: refused at once, and remembered."""
    c, dns = shared()
    refused(c, "731")
    questions = sum(dns.asked.values())
    refused(c, "732")
    if sum(dns.asked.values()) != questions:
        raise Mismatch(f"asked again: {dns.asked}")
    if not dns.asked["none.test", TYPES["NAPTR"]]:
        raise Mismatch(f"NAPTR was not asked for: {dns.asked}")
    assert_clean(c)


def test_no_target_left():
    """All targets refuse: 503 as soon as that is known, not after 32 s."""
    c, dns = shared()
    with ClosedPort() as udp, ClosedPort(socket.SOCK_STREAM) as tcp:
        dns.zone += [f"_sip._udp.gone.test SRV 1 0 {port(udp)} g.test",
                     f"_sip._tcp.gone.test SRV 1 0 {port(tcp)} g.test",
                     "g.test A 127.0.0.1"]
        none = targets(c, "none_left")
        refused(c, "761")
        wait_for("the router itself refused it",
                 lambda: targets(c, "none_left") > none)
    assert_clean(c)


def both(c, user):
    """A phone at a UDP port that is free for TCP as well."""
    for _ in range(50):
        p = RawPhone(c.routers[0], user)
        if ports.busy(port(p), (socket.SOCK_STREAM,)) is None:
            return p
        p.sock.close()
    raise Mismatch("no port is free for both")


def test_large():
    """What does not fit in a packet goes by TCP where somebody listens, by
    UDP where nobody does; and by UDP at once when that was found out."""
    c, dns = shared()
    c.config["settings"]["udpMaxBytes"] = 600
    c.apply_config()
    with RawPhone(c.routers[0], "1001") as a, \
            both(c, "far") as far, both(c, "only") as only:
        dns.zone += [f"_sip._udp.large.test SRV 1 0 {port(far)} l.test",
                     f"_sip._udp.small.test SRV 1 0 {port(only)} l.test",
                     "l.test A 127.0.0.1"]
        with socket.create_server(("127.0.0.1", port(far))) as listener:
            listener.settimeout(10)
            inv = a.call("741")
            with TcpPhone(None, "far", listener.accept()[0]) as tcp:
                got = tcp.await_("INVITE")
                if not got.get("via").startswith("SIP/2.0/TCP"):
                    raise Mismatch(f"Via: {got.get('via')}")
                hang_up(a, tcp, inv, got)
        inv = a.call("751")
        hang_up(a, only, inv, only.await_("INVITE"))
        with socket.create_server(("127.0.0.1", port(only))) as listener:
            listener.settimeout(0.1)
            inv = a.call("752")
            hang_up(a, only, inv, only.await_("INVITE"))
            try:
                listener.accept()[0].close()
                raise Mismatch("TCP was tried again")
            except TimeoutError:
                pass
    assert_clean(c)


def test_aaaa():
    """A name with both addresses: by the one where somebody is, which is
    IPv6; the call's ACK and BYE too.  A name with IPv6 alone as well."""
    with open(DEMO, encoding="utf-8") as f:
        conf = json.load(f)
    with NameServer() as dns, RawPhone("[::1]:1", "far", "::1") as far:
        conf["trunks"] = [
            {"id": name, "enabled": True, "sources": [], "optionsS": 0,
             "target": f"{name}:{port(far)}"}
            for name in ("both.test", "six.test")]
        conf["routes"] = [
            {"id": t["id"], "order": i, "pattern": f"7{i}X", "target": {
                "external": {"trunk": t["id"], "number": "$0"}}}
            for i, t in enumerate(conf["trunks"])]
        dns.zone += ["both.test A 127.0.0.9", "both.test AAAA ::1",
                     "six.test AAAA ::1"]
        base = free_base()
        at = ",".join(f"{h}:{base + ports.SIP}" for h in (ports.HOST, "[::1]"))
        with cluster(nodes=1, config=conf, port_base=base, router_args=[
                "--dns-server", dns.at, "--udp", at, "--tcp", at],
                node_args=["--media-addr", f"{ports.HOST},::1"]) as c, \
                RawPhone(c.routers[0], "1001") as a:
            for number in ("710", "700"):
                inv = a.call(number)
                got = far.await_("INVITE", 10)
                if "[::1]" not in got.get("via"):
                    raise Mismatch(f"{number}: Via is {got.get('via')}")
                hang_up(a, far, inv, got)
                assert_clean(c)
            for name in ("both.test", "six.test"):
                if not dns.asked[name, TYPES["AAAA"]]:
                    raise Mismatch(f"not asked for {name}: {dns.asked}")
