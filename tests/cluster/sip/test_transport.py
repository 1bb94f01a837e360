# SPDX-License-Identifier: MIT
"""Where answers and requests go when a phone is not where it says, and what
keeps a connection open."""


from harness import Shared, assert_clean, must
from rawphone import SDP, Dialog, RawPhone
from tcpphone import TcpPhone
from tlsphone import TlsPhone

# Where nobody is: what a phone behind a NAT thinks that it has.
PRIVATE = "10.9.9.9:5060"

shared = Shared(nodes=1)
finish = shared.finish


def options(phone, via):
    n = phone.number()
    phone.send(phone.request("OPTIONS", "sip:switchyard",
                             Via=f"SIP/2.0/UDP {via.format(n=n)}"))
    return n


def test_rport():
    """With rport the answer goes to where the request came from, and says
    so; without it to the port that Via names, at the host that it came from;
    to the source as well if Via names another host."""
    c = shared()
    with RawPhone(c.routers[0]) as a, RawPhone(c.routers[0]) as b:
        host, _, port = a.me.rpartition(":")
        for where in (b.me, PRIVATE):
            options(a, where + ";rport;branch=z9hG4bK{n}")
            got = a.await_("final").get("via")
            for part in (f"rport={port}", f"received={host}",
                         f"UDP {where};"):
                must(part in got, True, f"{part} in {got}")
        options(a, b.me + ";branch=z9hG4bK{n}")
        must(b.await_("final").code, 200, "to the port of Via")
        options(a, PRIVATE + ";branch=z9hG4bK{n}")
        got = a.await_("final").get("via")
        must(f"received={host}" in got, True, f"received in {got}")
        a.silent(0.1)
        b.silent(0.1)


def test_contact_behind_nat():
    """Via and Contact name an address that nobody reaches: it is called, has
    its ACK and BYE, and hangs up, all by where its requests come from."""
    c = shared()
    with RawPhone(c.routers[0], "1001") as a, \
            RawPhone(c.routers[0], "1002") as far:
        far.me, far.contact = PRIVATE, f"<sip:1002@{PRIVATE}>"
        must(far.register().code, 200, "REGISTER")
        inv = a.call("1002")
        got = far.await_("INVITE")
        far.answer(got, 200, "OK", SDP.format(port=40002), tag="far")
        far.await_("ACK")
        d = Dialog(a, inv, a.await_("final", call_id=inv.get("call-id")))
        d.ack()
        a.send(d.text("BYE"))
        far.answer(far.await_("BYE"), 200, "OK")
        must(a.await_("final", call_id=inv.get("call-id"),
                      cseq=f"{d.cseq} BYE").code, 200, "BYE")
        call = far.established("600")
        call.bye()
    assert_clean(c)


def test_keepalives_on_connections():
    """CRLFCRLF is answered by CRLF (RFC 5626 3.5.1), between messages and in
    front of one; a lone CRLF is not."""
    c = shared()
    for kind, at in ((TcpPhone, c.routers[0].tcp),
                     (TlsPhone, c.routers[0].tls)):
        with kind(at) as p:
            p.send("\r\n\r\n")
            must(p.sock.recv(10), b"\r\n", "the pong")
            p.send("\r\n")
            ask = p.request("OPTIONS", "sip:switchyard")
            p.send("\r\n\r\n" + ask)
            must(p.sock.recv(2), b"\r\n", "the pong")
            must(p.await_("final").code, 200, "OPTIONS")
