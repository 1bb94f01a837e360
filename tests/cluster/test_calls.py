# SPDX-License-Identifier: MIT
"""Calls between test phones through one cluster: set-up, ring, answer, hold,
change, refuse, cancel, and what is left afterwards."""

import signal

from harness import (Mismatch, Shared, assert_clean, cluster, is_ready,
                     lasting_keys, metrics, phones, request, wait_for)
from talk import call, end, hears, phone, talk, tone

shared = Shared(nodes=2)
finish = shared.finish


def test_two_phones():
    c = shared()
    with phones() as box:
        phone(box, c, "1001", codecs=["opus"])
        phone(box, c, "1002", codecs=["PCMA"])
        call(box, "1001", "1002")
        talk(box, "1001", "1002")
        end(box, "1001", "1002")
        call(box, "1001", "1002")
        end(box, "1002", "1001")
        assert_clean(c)


def test_every_codec():
    c = shared()
    for codec in ("PCMU", "PCMA", "G722", "opus", "L16"):
        with phones() as box:
            phone(box, c, "1001", codecs=[codec])
            phone(box, c, "1002", codecs=["PCMU"])
            call(box, "1001", "1002")
            talk(box, "1001", "1002")
    assert_clean(c)


def test_tcp():
    c = shared()
    with phones() as box:
        for user in ("1003", "1004"):
            phone(box, c, user, transport="tcp", proxy=c.routers[0].tcp)
        call(box, "1003", "1004")
        talk(box, "1003", "1004")
        end(box, "1004", "1003")
        assert_clean(c)


def test_late_offer():
    c = shared()
    with phones() as box:
        phone(box, c, "1001", sdp_in_invite=False)
        phone(box, c, "1002")
        call(box, "1001", "1002")
        talk(box, "1001", "1002")
        end(box, "1001", "1002")
        assert_clean(c)


def test_hold_resume_and_codec_change():
    c = shared()
    with phones() as box:
        phone(box, c, "1001", codecs=["PCMU", "PCMA"])
        phone(box, c, "1002")
        call(box, "1001", "1002")
        talk(box, "1001", "1002")
        box.do("hold", phone="1001")
        box.expect("held", phone="1001")
        hears(box, "1002", tone("1001"), present=False)
        hears(box, "1001", tone("1002"), present=False)
        box.do("resume", phone="1001")
        box.expect("resumed", phone="1001")
        talk(box, "1001", "1002")
        box.do("reinvite", phone="1001", codecs=["PCMA"], new_port=True)
        ev = box.expect("reinvited", phone="1001")
        if ev["codec"] != "PCMA":
            raise Mismatch(f"codec after re-INVITE: {ev}")
        talk(box, "1001", "1002")
        box.do("reinvite", phone="1001", laddr="127.0.0.2")
        ev = box.expect("reinvited", phone="1001")
        if not ev["rtp_local"].startswith("127.0.0.2:"):
            raise Mismatch(f"address after re-INVITE: {ev}")
        talk(box, "1001", "1002")
        end(box, "1002", "1001")
        assert_clean(c)


def test_cancel():
    c = shared()
    with phones() as box:
        phone(box, c, "1001")
        phone(box, c, "1002", answer="manual")
        box.do("call", phone="1001", to="1002")
        box.expect("ringing", phone="1001")
        box.expect("incoming", phone="1002")
        box.do("cancel", phone="1001")
        closed = box.expect("closed", phone="1001")
        box.expect("closed", phone="1002")
        if closed["code"] != 487:
            raise Mismatch(f"cancelled call ended with {closed}")
        assert_clean(c)


def test_busy_unknown_and_unregistered():
    c = shared()
    with phones() as box:
        phone(box, c, "1001")
        phone(box, c, "1002", answer="reject:486")
        for to, code in (("1002", 486), ("1020", 480), ("5551234", 404),
                         ("1099", 404)):
            box.do("call", phone="1001", to=to)
            closed = box.expect("closed", phone="1001")
            if closed["code"] != code:
                raise Mismatch(f"call to {to} ended with {closed}")
        assert_clean(c)


def test_forked_ring():
    """Two contacts of one device ring; the first answer wins."""
    c = shared()
    with phones() as box:
        phone(box, c, "1001")
        for name in ("desk", "mobile"):
            phone(box, c, "1002", name=name, answer="manual")
        box.do("call", phone="1001", to="1002")
        box.expect("incoming", phone="desk")
        box.expect("incoming", phone="mobile")
        box.do("answer", phone="mobile")
        box.expect("established", phone="1001")
        box.expect("closed", phone="desk")
        hears(box, "1001", tone("1002"))
        hears(box, "mobile", tone("1001"))
        end(box, "1001", "mobile")
        assert_clean(c)


def test_echo_and_dtmf():
    c = shared()
    with phones() as box:
        phone(box, c, "1001")
        box.do("call", phone="1001", to="600")
        box.expect("established", phone="1001")
        hears(box, "1001", tone("1001"))
        box.do("hangup", phone="1001")
        box.expect("closed", phone="1001")
        phone(box, c, "1002", codecs=["opus"])
        call(box, "1001", "1002")
        hears(box, "1002", tone("1001"))
        for digit in "15#":
            box.do("dtmf", phone="1001", digits=digit)
            box.expect("dtmf", phone="1002", digit=digit)
        end(box, "1001", "1002")
        assert_clean(c)


def test_wrong_password():
    c = shared()
    with phones() as box:
        box.do("phone", id="x", user="1001", password="wrong",
               domain="switchyard", proxy=c.routers[0].udp)
        box.do("register", phone="x")
        ev = box.expect("registered", phone="x")
        if ev["code"] not in (401, 403):
            raise Mismatch(f"wrong password: {ev}")


def test_both_digests():
    c = shared()
    with phones() as box:
        for user, digest, name in (("1001", "md5", "MD5"),
                                   ("1002", "sha256", "SHA-256")):
            box.do("phone", id=user, user=user, password=f"demo-{user}",
                   domain="switchyard", proxy=c.routers[0].udp,
                   digest=digest)
            box.do("register", phone=user)
            ev = box.expect("registered", phone=user)
            if ev["code"] != 200 or ev["algorithm"].upper() != name:
                raise Mismatch(f"digest {digest}: {ev}")


def test_redis_away():
    """Running calls go on, new ones get 503, and afterwards all is well."""
    with cluster(nodes=1) as c, phones() as box:
        for user in ("1001", "1002", "1003"):
            phone(box, c, user)
        call(box, "1001", "1002")
        c.redis.signal(signal.SIGSTOP)
        try:
            wait_for("the gateway is not ready",
                     lambda: not is_ready(c.gateways[0]), 15)
            if request("GET", f"http://{c.gateways[0].http}/healthz")[0] \
                    != 200:
                raise Mismatch("liveness depends on Redis")
            box.do("call", phone="1003", to="600")
            closed = box.expect("closed", phone="1003", seconds=15)
            if closed["code"] != 503:
                raise Mismatch(f"call without Redis ended with {closed}")
            talk(box, "1001", "1002")
        finally:
            c.redis.signal(signal.SIGCONT)
        wait_for("all are ready", lambda: all(map(is_ready, c.members())), 15)
        talk(box, "1001", "1002")
        box.do("call", phone="1003", to="600")
        box.expect("established", phone="1003")
        box.do("hangup", phone="1003")
        end(box, "1001", "1002")
        assert_clean(c, keys=lasting_keys)


def test_no_node():
    """Without any live node: 503 with Retry-After."""
    with cluster(nodes=1) as c, phones() as box:
        phone(box, c, "1001")
        c.nodes[0].process.kill()
        box.do("call", phone="1001", to="600")
        closed = box.expect("closed", phone="1001", seconds=15)
        if closed["code"] != 503:
            raise Mismatch(f"call without a node ended with {closed}")


def test_metrics_are_told():
    c = shared()
    for member in c.routers + c.nodes:
        if not metrics(member):
            raise Mismatch(f"{member.id} tells no metrics")
