# SPDX-License-Identifier: MIT
"""Phones behind NATs: flows that they keep open (RFC 5626), what keeps them
open, and whether they answer."""

import re
import time
from contextlib import ExitStack

from harness import (assert_clean, cluster, free_base, know_each_other,
                     metrics, must, request, wait_for)
from lib import ports
from nat import Nat
from rawphone import Dialog, RawPhone
from stun import binding, bound, message
from tcpphone import TcpPhone

UUID = "<urn:uuid:00000000-0000-1000-8000-{:012d}>"
_stack = ExitStack()
_cluster = None


def shared():
    global _cluster
    if _cluster is None:
        _cluster = _stack.enter_context(cluster(nodes=1, routers=2))
        know_each_other(_cluster)
    return _cluster


def finish():
    _stack.close()


def flow(phone, number, reg_id, **f):
    """Register one flow of a phone; the answer."""
    return phone.register(
        Supported="path, outbound",
        Contact=f'{phone.contact};+sip.instance="{UUID.format(number)}"'
                f";reg-id={reg_id}", **f)


def bindings(c, device):
    status, _, got = request(
        "GET", f"http://{c.gateways[0].http}/api/registrations", c.token)
    must(status, 200, "registrations")
    return next((r["bindings"] for r in got["items"]
                 if r["device"] == device), [])


def rung(a, far, number):
    """A call that reaches one phone, which is busy."""
    inv = a.call(number)
    got = far.await_("INVITE")
    far.answer(got, 486, "Busy Here", tag="far")
    far.await_("ACK")
    must(a.await_("final", call_id=inv.get("call-id")).code, 486, "busy")
    return got


def test_flows():
    """A phone with a flow to each router is one phone: it rings once, by its
    youngest flow; when that is gone, by the other one."""
    c = shared()
    with RawPhone(c.routers[0], "1001") as a:
        one = TcpPhone(c.routers[0].tcp, "1002")
        two = TcpPhone(c.routers[1].tcp, "1002")
        with one:
            with two:
                got = flow(one, 2, 1)
                must(got.code, 200, "first flow")
                must("outbound" in got.get("require"), True, "Require")
                must(int(got.get("flow-timer")) > 0, True, "Flow-Timer")
                time.sleep(0.01)  # ages are told apart by the ms
                got = flow(two, 2, 2)
                must(len(got.all("contact")), 2, "flows")
                must(all(";reg-id=" in v for v in got.all("contact")), True,
                     f"reg-id in {got.all('contact')}")
                must([";ob" in b["path"] for b in bindings(c, "1002")],
                     [True, True], "ob in Path")
                rung(a, two, "1002")
                one.silent(0.2)
            rung(a, one, "1002")
    assert_clean(c)


def test_flow_replaced():
    """The same flow from another port, with another Contact and Call-ID: one
    binding, the new one."""
    c = shared()
    with RawPhone(c.routers[0], "1001") as a, \
            RawPhone(c.routers[0], "1003") as old, \
            RawPhone(c.routers[0], "1003") as new:
        must(flow(old, 3, 1).code, 200, "registered")
        must(flow(new, 3, 1).code, 200, "registered again")
        got = bindings(c, "1003")
        must([b["contact"] for b in got], [new.contact.strip("<>")],
             "bindings")
        rung(a, new, "1003")
        old.silent(0.2)
        must(flow(new, 3, 1, Expires="0").all("contact"), [], "gone")
    must(bindings(c, "1003"), [], "bindings")


def test_first_hop_lacks_outbound():
    """Behind a proxy that keeps no flows there are none: 439."""
    c = shared()
    with RawPhone(c.routers[0], "1004") as p:
        via = [f"SIP/2.0/UDP {p.me};branch=z9hG4bKp{p.number()};rport",
               "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKq"]
        must(flow(p, 4, 1, Via=via).code, 439, "two hops")


def test_ob_keeps_the_flow():
    """Who says ;ob is called by its flow in this dialog, whatever its Contact
    names: Record-Route has it."""
    c = shared()
    with RawPhone(c.routers[0], "1001") as a:
        inv = a.call("600")
        plain = a.await_("final", call_id=inv.get("call-id"))
        ob = RawPhone(c.routers[0], "1001")
        with ob:
            ob.contact = f"<sip:1001@{ob.me};ob>"
            d = ob.established("600")
            user = re.search(r"<sip:([^@]*)@", d.ok.get("record-route"))
            must("." in user.group(1), True, "a flow in Record-Route")
            d.bye()
        user = re.search(r"<sip:([^@]*)@", plain.get("record-route"))
        must("." in user.group(1), False, "no flow without ;ob")
        e = Dialog(a, inv, plain)
        e.ack()
        e.bye()
    assert_clean(c)


# ---------------------------------------------------------------- keepalives

def both_families(base):
    """A router's addresses of both families, and a phone's host to each."""
    return [(f"{ports.HOST}:{base + ports.SIP}", "127.0.0.1", "10.9.9.9"),
            (f"[::1]:{base + ports.SIP}", "::1", "[fd00::9]")]


def stun_count(c, result):
    return metrics(c.routers[0])[f'sy_router_stun_total{{result="{result}"}}']


def test_stun_keeps_the_flow():
    """A phone behind a NAT whose keepalive is STUN stays where it is, and is
    rung there.  When the NAT has forgotten it, STUN shows another address: it
    registers again, and is rung at the new one.  By IPv4 and IPv6."""
    base = free_base()
    families = both_families(base)
    with cluster(nodes=1, port_base=base, router_args=[
            "--udp", ",".join(f[0] for f in families)]) as c:
        for router, host, private in families:
            with Nat(router, host) as nat, \
                    RawPhone(router, "1001", host) as a, \
                    RawPhone(nat.inside, "1002", host) as p:
                p.contact = f"<sip:1002@{private}:5060>"
                must(p.register().code, 200, "registered")
                first = nat.outside
                for _ in range(4):
                    nat.age()
                    must(bound(p).mapped(), first, "mapped address")
                must(nat.outside, first, "mapping")
                rung(a, p, "1002")
                nat.age()
                nat.age()
                must(nat.outside, None, "mapping")
                second = bound(p).mapped()
                must(second, nat.outside, "mapped address")
                must(second != first, True, "another address")
                must(p.register().code, 200, "registered again")
                rung(a, p, "1002")
                p.register(Expires="0")
        assert_clean(c)


def test_stun_answers():
    """FINGERPRINT is answered with one; what we are asked to understand and
    do not is 420; indications, other methods and rubbish get no answer."""
    c = shared()
    with RawPhone(c.routers[0], "1001") as p:
        got = bound(p)
        must((got.kind, list(got.attributes)), (0x0101, [0x20]), "plain")
        must(got.mapped(), p.me, "mapped address")
        got = bound(p, binding(printed=True))
        must(list(got.attributes), [0x20, 0x8028], "with FINGERPRINT")
        # CHANGE-REQUEST of RFC 3489
        got = bound(p, binding(attributes=bytes.fromhex("0003000400000006")))
        must(got.kind, 0x0111, "error response")
        must(got.attributes[9][2:4], b"\4\x14", "420")
        must(got.attributes[10], b"\0\3", "UNKNOWN-ATTRIBUTES")
        before = stun_count(c, "silent")
        silent = [message(0x0011), message(0x0003), message(0x0101),
                  binding()[:-1] + b"xx", binding(attributes=b"\0\3\0\4")]
        for data in silent:
            p.send(data)
        # answers come in the order of what was asked on one socket
        bound(p)
        wait_for("they are counted", lambda: stun_count(c, "silent")
                 - before == len(silent))


def test_other_keepalives():
    """CRLF, zeros and empty datagrams are taken in silence, and counted."""
    c = shared()
    name = "sy_router_keepalives_total"
    with RawPhone(c.routers[0], "1001") as p:
        before = metrics(c.routers[0])[name]
        kinds = [b"\r\n", b"\r\n\r\n", b"\0\0\0\0", b"\0", b"", b"jaK\0"]
        for data in kinds:
            p.send(data)
        bound(p)
        wait_for("they are counted", lambda: metrics(c.routers[0])[name]
                 - before == len(kinds))
