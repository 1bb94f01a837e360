# SPDX-License-Identifier: MIT
"""Session timers and UPDATE, as phones see them through a router: what is
asked for, agreed to and refused; and that a timer moves with its call.  That
the clock is right is in the unit tests: no interval is below 90 s."""

import json

from harness import Shared, assert_clean, cluster, must, request, wait_for
from lib.cluster import DEMO
from rawphone import SDP, Dialog, RawPhone

TIMER = {"Supported": "timer"}

shared = Shared(nodes=2)
finish = shared.finish


def nack(phone, inv, got):
    """The ACK to a refusal."""
    phone.send(phone.request(
        "ACK", inv.uri, **{
            "Via": inv.get("via"), "From": inv.get("from"),
            "To": got.get("to"), "Call-ID": inv.get("call-id"),
            "CSeq": inv.get("cseq").split()[0] + " ACK"}))


def test_caller():
    """Too small an interval is refused; one that is not is agreed to, and
    refreshed by UPDATE; an offer in an UPDATE is answered."""
    c = shared()
    with RawPhone(c.routers[0]) as a:
        inv = a.call("600", **TIMER, **{"Session-Expires": "60"})
        got = a.await_("final", call_id=inv.get("call-id"))
        must(got.code, 422, "60 s")
        must(got.get("min-se"), "90", "Min-SE")
        nack(a, inv, got)

        d = a.established("600", Require="timer", **{
            "Session-Expires": "90;refresher=uac", "CSeq": "3 INVITE",
            "Call-ID": inv.get("call-id"), "From": inv.get("from")})
        must(d.ok.get("session-expires"), "90;refresher=uac", "agreed")
        must(d.ok.get("require"), "timer", "Require")
        must("UPDATE" in d.ok.get("allow"), True, "UPDATE in Allow")
        got = d.ask("UPDATE", **TIMER,
                    **{"Session-Expires": "90;refresher=uac"})
        must((got.code, got.get("session-expires")),
             (200, "90;refresher=uac"), "a refresh")
        must(got.body, "", "body")
        must(d.ask("UPDATE", **TIMER, **{"Session-Expires": "30"}).code, 422,
             "too small a refresh")
        got = d.ask("UPDATE", SDP.format(port=40000) + "a=sendonly\r\n",
                    **TIMER)
        must(got.code, 200, "hold by UPDATE")
        must("a=recvonly" in got.body, True, "the answer to hold")
        must(got.get("session-expires"), "90;refresher=uac", "still")
        d.bye()
        assert_clean(c)


def test_callee():
    """A callee that wants longer intervals gets the call again; its
    timer is not the caller's."""
    c = shared()
    with RawPhone(c.routers[0]) as a, RawPhone(c.routers[0], "1011") as b:
        must(b.register().code, 200, "REGISTER")
        inv = a.call("1011")
        first = b.await_("INVITE")
        must([first.get(k) for k in
              ("supported", "session-expires", "min-se")],
             ["100rel, histinfo, replaces, timer", "1800", "90"], "what is asked for")
        b.answer(first, 422, "Session Interval Too Small",
                 **{"Min-SE": "2400"})
        b.await_("ACK")
        again = b.await_("INVITE")
        must([again.get(k) for k in ("session-expires", "min-se")],
             ["2400", "2400"], "what is asked for then")
        must(again.get("call-id"), first.get("call-id"), "Call-ID")
        b.answer(again, body=SDP.format(port=40002), **TIMER, **{
            "Session-Expires": "2400;refresher=uas"})
        b.await_("ACK")
        got = a.await_("final", call_id=inv.get("call-id"))
        must(got.code, 200, "the caller's answer")
        must(got.get("session-expires"), "", "for who knows no timers")
        d = Dialog(a, inv, got)
        d.ack()
        d.bye()
        b.answer(b.await_("BYE"))
        assert_clean(c)


def test_moves():
    """The new owner's re-INVITE asks for what was agreed on."""
    c = shared()
    with RawPhone(c.routers[0]) as a:
        d = a.established("600", **TIMER,
                          **{"Session-Expires": "600;refresher=uac"})
        call = wait_for("there is a call",
                        lambda: c.api("GET", "/api/calls")["items"], 2)[0]
        to = next(n.id for n in c.nodes if n.id != call["node"])
        status, _, body = request(
            "POST",
            f"http://{c.gateways[0].http}/api/calls/{call['id']}/move",
            c.token, {"node": to})
        must(status, 202, f"the answer to move: {body}")
        inv = a.await_("INVITE", call_id=d.inv.get("call-id"))
        must(inv.get("session-expires"), "600;refresher=uas", "the timer")
        a.answer(inv, body=SDP.format(port=40000), **TIMER, **{
            "Session-Expires": "600;refresher=uas"})
        a.await_("ACK", call_id=d.inv.get("call-id"))
        got = d.ask("UPDATE", **TIMER,
                    **{"Session-Expires": "600;refresher=uac"})
        must((got.code, got.get("session-expires")),
             (200, "600;refresher=uac"), "a refresh at the new owner")
        d.bye()
        assert_clean(c)


def asked(settings):
    """What an INVITE asks for, and an INVITE with 95 s is answered."""
    with open(DEMO, encoding="utf-8") as f:
        conf = json.load(f)
    conf["settings"].update(settings)
    with cluster(nodes=1, config=conf) as c, RawPhone(c.routers[0]) as a, \
            RawPhone(c.routers[0], "1011") as b:
        must(b.register().code, 200, "REGISTER")
        first = a.call("1011", **TIMER, **{"Session-Expires": "95"})
        got = a.await_("final", call_id=first.get("call-id")) \
            if settings["sessionExpiresS"] else None
        if got:
            nack(a, first, got)
            must(got.code, 422, "95 s")
            a.call("1011")
        inv = b.await_("INVITE")
        b.answer(inv, 486, "Busy")
        b.await_("ACK")
        return ([inv.get(k) for k in
                 ("supported", "session-expires", "min-se")],
                got and got.get("min-se"))


def test_settings():
    """The settings' interval is asked for, and kept to; 0: none."""
    must(asked({"sessionExpiresS": 120, "sessionMinS": 100}),
         (["100rel, histinfo, replaces, timer", "120", "100"], "100"), "120 s")
    must(asked({"sessionExpiresS": 0}),
         (["100rel, histinfo, replaces, timer", "", ""], None), "0 s")
