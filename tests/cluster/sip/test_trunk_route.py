# SPDX-License-Identifier: MIT
"""By which way calls of a trunk go: its outbound proxy and what its registrar
named; past a trunk that does not answer."""

import json
from contextlib import ExitStack

from carrier import Carrier
from harness import assert_clean, cluster, must, wait_for
from lib.cluster import DEMO
from rawphone import SDP, Dialog, RawPhone

_stack = ExitStack()
_here = None


def config(proxied, first, second):
    with open(DEMO, encoding="utf-8") as f:
        conf = json.load(f)
    conf["trunks"] = [
        {"id": "proxied", "enabled": True, "target": "acme.example:5099",
         "proxy": proxied.at, "username": "bob", "password": "zanzibar",
         "registration": {"registrar": "acme.example", "user": "4930"}},
        {"id": "first", "enabled": True, "target": first.at, "optionsS": 2},
        {"id": "second", "enabled": True, "target": second.at,
         "optionsS": 2}]
    conf["routes"] = [
        {"id": f"r{n}", "order": n, "pattern": f"{n}.", "target": {
            "external": {"trunk": t, "number": "$1", "failover": rest}}}
        for n, t, rest in ((8, "proxied", []), (9, "first", ["second"]))]
    return conf


class Here:
    """A cluster, its carriers, and a phone."""

    def __init__(self):
        enter = _stack.enter_context
        self.beyond = ["<sip:scscf.acme.example;lr>",
                       "<sip:127.0.0.7:5078;lr;a=b>"]
        self.proxied = enter(Carrier(service_route=self.beyond))
        self.first, self.second = enter(Carrier()), enter(Carrier())
        self.cluster = enter(cluster(nodes=1, routers=2, config=config(
            self.proxied, self.first, self.second)))
        self.phone = enter(RawPhone(self.cluster.routers[0]))
        must(self.phone.register().code, 200, "REGISTER")

    def until(self, name, **wanted):
        def is_so():
            p = self.cluster.api("GET", f"/api/providers/{name}")
            return all(p.get(k, False) == v for k, v in wanted.items())
        wait_for(f"{name} is {wanted}", is_so, 20)


def here():
    global _here
    if _here is None:
        _here = Here()
    return _here


def finish():
    _stack.close()


def refused(phone, inv, code):
    got = phone.await_("final", call_id=inv.get("call-id"),
                       cseq=inv.get("cseq"))
    must(got.code, code, "the end")
    phone.send(phone.request("ACK", inv.uri, **{
        "Via": inv.get("via"), "From": inv.get("from"), "To": got.get("to"),
        "Call-ID": inv.get("call-id"),
        "CSeq": inv.get("cseq").split()[0] + " ACK"}))


def test_preloaded_route():
    """The proxy, then the Service-Route; the target stays the Request-URI.
    Within the dialog the Route is what was recorded."""
    h = here()
    h.proxied.registered()
    h.until("proxied", registered=True)
    inv = h.phone.call("84711")
    req = h.proxied.request("INVITE")
    must(req.uri, "sip:4711@acme.example:5099", "Request-URI")
    must(req.all("route"), [f"<sip:{h.proxied.at};lr>", *h.beyond], "Route")
    recorded = f"<sip:{h.proxied.at};lr;r=1>"
    ack = h.proxied.takes(
        req, SDP.format(port=40200), f"Record-Route: {recorded}",
        *(f"Record-Route: {r}" for r in req.all("record-route")))
    must(ack.all("route"), [recorded], "Route of the ACK")
    must(ack.uri, f"sip:taken@{h.proxied.at}", "Request-URI of the ACK")
    d = Dialog(h.phone, inv, h.phone.await_("final",
                                            call_id=inv.get("call-id")))
    must(d.ok.code, 200, "the answer")
    d.ack()
    d.bye()
    bye = h.proxied.request("BYE", call_id=req.get("call-id"))
    must((bye.all("route"), bye.uri), ([recorded], ack.uri), "BYE")
    h.proxied.answer(bye, 200)
    assert_clean(h.cluster)


def test_same_way_for_cancel_and_ack():
    """RFC 3261 9.1 and 17.1.1.3: the INVITE's Route."""
    h = here()
    h.until("proxied", registered=True)
    way = [f"<sip:{h.proxied.at};lr>", *h.beyond]
    inv = h.phone.call("84711")
    req = h.proxied.request("INVITE")
    h.proxied.answer(req, 486)
    ack = h.proxied.request("ACK", call_id=req.get("call-id"))
    must((ack.all("route"), ack.uri), (way, req.uri), "ACK to 486")
    refused(h.phone, inv, 486)
    inv = h.phone.call("84711")
    req = h.proxied.request("INVITE")
    h.proxied.answer(req, 180)
    h.phone.await_(180, call_id=inv.get("call-id"))
    h.phone.send(h.phone.request("CANCEL", inv.uri, **{
        "Via": inv.get("via"), "From": inv.get("from"),
        "Call-ID": inv.get("call-id"),
        "CSeq": inv.get("cseq").split()[0] + " CANCEL"}))
    cancel = h.proxied.request("CANCEL", call_id=req.get("call-id"))
    must((cancel.all("route"), cancel.uri), (way, req.uri), "CANCEL")
    h.proxied.answer(cancel, 200)
    h.proxied.answer(req, 487)
    refused(h.phone, inv, 487)
    assert_clean(h.cluster)


def test_past_a_dead_trunk():
    """A trunk that does not answer OPTIONS gets no call while another one
    does; when none does it is tried; once it answers it comes first again."""
    h = here()
    for name in ("first", "second"):
        h.until(name, checked=True, reachable=True)
    h.first.mute = True
    h.until("first", reachable=False)
    inv = h.phone.call("91")
    # A trunk that is waited for has four seconds.
    req = h.second.request("INVITE", seconds=2)
    h.second.answer(req, 486)
    refused(h.phone, inv, 486)
    # Nobody is left when the one that answers refuses.
    inv = h.phone.call("92")
    h.second.answer(h.second.request("INVITE", seconds=2), 503)
    refused(h.phone, inv, 500)
    must(h.first.saw("INVITE"), [], "calls to the dead one")
    h.second.mute = True
    h.until("second", reachable=False)
    inv = h.phone.call("93")
    with h.first.lock:
        h.first.mute = False
    h.first.answer(h.first.request("INVITE"), 486)
    refused(h.phone, inv, 486)
    h.second.mute = False
    h.until("first", reachable=True)
    inv = h.phone.call("94")
    h.first.answer(h.first.request("INVITE"), 486)
    refused(h.phone, inv, 486)
    must(h.second.saw("INVITE"), [], "calls to the second")
    assert_clean(h.cluster)
