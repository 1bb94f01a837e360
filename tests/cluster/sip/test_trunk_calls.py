# SPDX-License-Identifier: MIT
"""Calls by trunks: numbers as the carrier writes them, who calls, the next
trunk when one cannot, as many calls as may be.  The carriers are raw text."""

import hashlib
import json
import re
import time
from contextlib import ExitStack

from harness import Mismatch, assert_clean, cluster, metrics, must, wait_for
from lib.cluster import DEMO
from rawphone import SDP, Dialog, RawPhone

_stack = ExitStack()
_here = None


class Carrier(RawPhone):
    """A trunk: it has its address before the cluster has one."""

    def __init__(self, name):
        class Nowhere:
            udp = "127.0.0.1:1"
        super().__init__(Nowhere, name)

    def trunk(self, **more):
        return {"id": self.user, "enabled": True, "sources": [self.me],
                "target": self.me, "optionsS": 0, **more}

    def takes(self, req, port=40200):
        """Answer a call: its dialog as the callee has it."""
        self.answer(req, 200, "OK", SDP.format(port=port), tag="c" + self.user)
        self.await_("ACK")

    def ends(self, req):
        """BYE as the callee."""
        self.send(self.request(
            "BYE", re.search(r"<([^>]*)>", req.get("contact")).group(1),
            **{"From": req.get("to") + ";tag=c" + self.user,
               "To": req.get("from"), "Call-ID": req.get("call-id"),
               "Route": req.all("record-route")}))
        self.await_(200)

    def challenges(self, req, alg="MD5", qop="auth", code=401, **more):
        """Refuse a request until it brings credentials; its ACK is taken."""
        name = "WWW-Authenticate" if code == 401 else "Proxy-Authenticate"
        extra = "".join(f", {k}={v}" for k, v in more.items())
        self.answer(req, code, "Credentials", tag="chal", **{
            name: f'Digest realm="{self.user}", nonce="{self.number()}", '
                  f'algorithm={alg}, qop="{qop}"{extra}'})
        if req.method == "INVITE":
            self.await_("ACK")

    def comes(self, number, **f):
        """Call us: the INVITE, sent."""
        text = self.invite(number, **f)
        self.send(text)
        return re.search(r"Call-ID: (\S+)", text).group(1)


def proves(req, method, secret="s3cret", code=401):
    """The request's credentials are those of our account."""
    name = "authorization" if code == 401 else "proxy-authorization"
    got = {k: q or v for k, q, v in re.findall(
        r'(\w+)=(?:"([^"]*)"|([^",\s]+))', req.get(name))}
    if not got:
        raise Mismatch(f"{method} without credentials")

    def h(*parts):
        return hashlib.new("md5" if got["algorithm"] == "MD5" else "sha256",
                           ":".join(parts).encode()).hexdigest()
    a2 = [method, got["uri"]]
    if got["qop"] == "auth-int":
        a2.append(h(req.body))
    must(got["response"], h(h("account", got["realm"], secret), got["nonce"],
                            got["nc"], got["cnonce"], got["qop"], h(*a2)),
         f"response of {method}")
    must((got["username"], got["uri"]), ("account", req.uri), "whose, of what")
    return got


def cseq(req):
    return int(req.get("cseq").split()[0])


def config(a, b, c, silent):
    with open(DEMO, encoding="utf-8") as f:
        conf = json.load(f)
    dev = {d["id"]: d for d in conf["devices"]}
    dev["1001"]["callerId"] = "+4930555001"
    dev["1003"]["anonymous"] = True
    dev["1004"]["maxCalls"] = 1
    german = {"countryCode": "49", "nationalPrefix": "0",
              "internationalPrefix": "00", "numberFormat": "national"}
    conf["trunks"] = [
        a.trunk(**german, identity="pai", trusted=True,
                defaultNumber="+4930555000", failoverCodes=[404],
                numbers=[{"first": "+4930555000", "last": "+4930555099",
                          "target": {"device": "10$1"}},
                         {"number": "+4930555600"}],
                calledIn=[{"pattern": "+4930555600", "strip": 9}]),
        b.trunk(identity="rpid", anyCaller=True, sendName=True,
                calledOut=[{"pattern": "00.", "strip": 2, "prefix": "+"}],
                fromDomain="carrier.example"),
        c.trunk(maxCalls=2),
        silent.trunk(attemptSeconds=1, username="account",
                     password="s3cret")]
    conf["routes"] = conf["routes"][:3] + [
        {"id": f"r{n}", "order": 100 + n, "pattern": f"{n}.",
         "target": {"external": {"trunk": t, "number": "$1",
                                 "failover": rest}}}
        for n, t, rest in ((9, "a", ["b"]), (8, "c", []),
                           (7, "silent", ["b"]), (5, "silent", []))]
    return conf


class Here:
    """A cluster, four carriers, and phones."""

    def __init__(self):
        enter = _stack.enter_context
        self.a, self.b, self.c, self.silent = (
            enter(Carrier(n)) for n in ("a", "b", "c", "silent"))
        self.cluster = enter(cluster(nodes=1, config=config(
            self.a, self.b, self.c, self.silent)))
        router = self.cluster.routers[0]
        address, _, port = router.udp.rpartition(":")
        for one in (self.a, self.b, self.c, self.silent):
            one.to = (address, int(port))
        self.phones = {u: enter(RawPhone(router, u))
                       for u in ("1001", "1002", "1003", "1004")}
        for p in self.phones.values():
            must(p.register().code, 200, "REGISTER")

    def phone(self, user):
        return self.phones[user]


def here():
    global _here
    if _here is None:
        _here = Here()
    return _here


def finish():
    _stack.close()


def called(req):
    return re.match(r"sip:([^@]*)@", req.uri).group(1)


def refused(phone, inv, code):
    got = phone.await_("final", call_id=inv.get("call-id"))
    must(got.code, code, "the end")
    phone.send(phone.request("ACK", inv.uri, **{
        "Via": inv.get("via"), "From": inv.get("from"), "To": got.get("to"),
        "Call-ID": inv.get("call-id"),
        "CSeq": inv.get("cseq").split()[0] + " ACK"}))


def not_called(carrier, seconds):
    """Copies of an answer that it has not acknowledged may come."""
    end = time.monotonic() + seconds
    while m := carrier.receive(end - time.monotonic()):
        must(m.method, None, f"{carrier.user} got {m.start}")


def through(h, user, number, carrier, **f):
    """A call that a carrier takes: its INVITE there, the caller's dialog."""
    p = h.phone(user)
    inv = p.call(number, **f)
    req = carrier.await_("INVITE")
    carrier.takes(req)
    ok = p.await_("final", call_id=inv.get("call-id"))
    must(ok.code, 200, "the answer")
    d = Dialog(p, inv, ok)
    d.ack()
    return req, d


def over(carrier, d):
    d.bye()
    carrier.answer(carrier.await_("BYE"))


def test_number_and_identity_out():
    """The number as the carrier writes it; the device's own number in From
    and P-Asserted-Identity, no internal name."""
    h = here()
    req, d = through(h, "1001", "9004930777888", h.a)
    must(called(req), "030777888", "Request-URI")
    must(req.get("from").split(";")[0], "<sip:030555001@switchyard>", "From")
    must(req.get("p-asserted-identity"), "<sip:030555001@switchyard>",
         "P-Asserted-Identity")
    must(req.get("privacy"), "", "Privacy")
    over(h.a, d)
    # Who has no number shows the default; "1002" is nobody's there.
    req, d = through(h, "1002", "90012125550100", h.a)
    must(called(req), "0012125550100", "Request-URI")
    must(req.get("p-asserted-identity"), "<sip:030555000@switchyard>",
         "P-Asserted-Identity")
    over(h.a, d)
    assert_clean(h.cluster)


def test_privacy_out():
    """A device that is anonymous, and one that asks for it."""
    h = here()
    for user, more, number in (("1003", {}, "030555000"),
                               ("1001", {"Privacy": "id"}, "030555001")):
        req, d = through(h, user, "90110", h.a, **more)
        must(called(req), "0110", "Request-URI")
        must(req.get("from").split(";")[0],
             '"Anonymous" <sip:anonymous@anonymous.invalid>', "From")
        must(req.get("privacy"), "id", "Privacy")
        must(req.get("p-asserted-identity"), f"<sip:{number}@switchyard>",
             "P-Asserted-Identity")
        over(h.a, d)
    assert_clean(h.cluster)


def ended(h, trunk, direction, code):
    """How many calls by a trunk ended so."""
    return metrics(h.cluster.nodes[0]).get(
        f'sy_trunk_calls_total{{trunk="{trunk}",direction="{direction}",'
        f'code="{code}"}}', 0)


def test_counters():
    """Each call by a trunk is counted by its final code."""
    h = here()
    before = {key: ended(h, *key) for key in (
        ("b", "out", 486), ("a", "out", 200), ("b", "in", 486))}
    p = h.phone("1002")
    inv = p.call("90042")
    h.a.answer(h.a.await_("INVITE"), 503, "Full")
    h.b.answer(h.b.await_("INVITE"), 486, "Busy")
    refused(p, inv, 486)
    _, d = through(h, "1002", "9030", h.a)
    over(h.a, d)
    cid = h.b.comes("1002")
    p.answer(p.await_("INVITE"), 486, "Busy")
    must(h.b.await_("final", call_id=cid).code, 486, "the end")
    assert_clean(h.cluster, 15)
    must({key: ended(h, *key) - n for key, n in before.items()},
         dict.fromkeys(before, 1), "calls that ended")


def test_in():
    """A range leads to devices; who calls is what a trusted carrier asserts,
    in E.164, or nobody."""
    h = here()
    p = h.phone("1002")
    for more, shown in (
            ({"P-Asserted-Identity": "<sip:040999888@a.example>"},
             "<sip:+4940999888@switchyard>"),
            ({"Remote-Party-ID": "<sip:00414400000@a>;party=calling"},
             "<sip:+414400000@switchyard>"),
            ({"P-Asserted-Identity": "<tel:+49-40-999888>",
              "Privacy": "id"}, '"Anonymous" <sip:anonymous@switchyard>')):
        cid = h.a.comes("030555002", **more)
        req = p.await_("INVITE")
        if not req.get("from").startswith(shown):
            raise Mismatch(f"From: {req.get('from')}, expected {shown}")
        p.answer(req, 486, "Busy")
        must(h.a.await_("final", call_id=cid).code, 486, "the end")
    # One that is not trusted asserts nothing.
    cid = h.b.comes("1002", P_Asserted_Identity="<sip:110@b.example>")
    req = p.await_("INVITE")
    if not req.get("from").startswith("<sip:b@switchyard>"):
        raise Mismatch(f"From: {req.get('from')}")
    p.answer(req, 486, "Busy")
    must(h.b.await_("final", call_id=cid).code, 486, "the end")
    # A number without a target is rewritten and routed.
    cid = h.a.comes("030555600")
    must(h.a.await_("final", call_id=cid).code in (200, 404, 480), True,
         "routed")
    assert_clean(h.cluster, 15)


def trunk_legs(c):
    return [leg for call in c.api("GET", "/api/calls")["items"]
            for leg in c.api("GET", "/api/calls/" + call["id"])["legs"]
            if leg["kind"] == "TRUNK"]


def test_failover():
    """503 and a code of the trunk's own lead to the next one, busy does not."""
    h = here()
    p = h.phone("1001")
    for code in (503, 404):
        inv = p.call("9004930777888")
        h.a.answer(h.a.await_("INVITE"), code, "No")
        req = h.b.await_("INVITE")
        must(called(req), "+4930777888", "Request-URI")
        must(req.get("from").split(";")[0],
             '"Phone 1001" <sip:+4930555001@carrier.example>', "From")
        must(req.get("remote-party-id"),
             '"Phone 1001" <sip:+4930555001@carrier.example>;party=calling;'
             "privacy=off;screen=yes", "Remote-Party-ID")
        legs = wait_for("the second attempt is shown",
                        lambda: trunk_legs(h.cluster))
        must([leg["trunk"] for leg in legs], ["b"], "trunks")
        h.b.answer(req, 486, "Busy")
        h.b.await_("ACK")
        refused(p, inv, 486)
    inv = p.call("9004930777888")
    h.a.answer(h.a.await_("INVITE"), 486, "Busy")
    refused(p, inv, 486)
    not_called(h.b, 0.3)
    assert_clean(h.cluster)


def test_silence():
    """A trunk that says nothing is not waited for; its late answer is ended."""
    h = here()
    p = h.phone("1001")
    inv = p.call("70123")
    late = h.silent.await_("INVITE")
    req = h.b.await_("INVITE")
    h.b.takes(req)
    ok = p.await_("final", call_id=inv.get("call-id"))
    must(ok.code, 200, "the answer")
    d = Dialog(p, inv, ok)
    d.ack()
    h.silent.answer(late, 200, "OK", SDP.format(port=40300))
    h.silent.answer(h.silent.await_("BYE"))
    over(h.b, d)
    assert_clean(h.cluster)


def test_limit():
    """Two calls at a time, in either direction; there is room again as soon
    as one ends."""
    h = here()
    _, first = through(h, "1001", "81", h.c)
    _, second = through(h, "1002", "82", h.c)
    p = h.phone("1003")
    refused(p, p.call("83"), 503)
    cid = h.c.comes("600")
    must(h.c.await_("final", call_id=cid).code, 503, "one more comes in")
    over(h.c, first)
    _, third = through(h, "1003", "83", h.c)
    over(h.c, second)
    over(h.c, third)
    assert_clean(h.cluster)
    if h.cluster.redis_command("EXISTS", "sy:limit:{trunk:c}"):
        raise Mismatch("room is still held")


def test_limit_of_device():
    """One call at a time: who calls it then hears busy."""
    h = here()
    p, q = h.phone("1004"), h.phone("1001")
    inv = q.call("1004")
    req = p.await_("INVITE")
    r = h.phone("1002")
    refused(r, r.call("1004"), 486)
    p.answer(req, 603, "No")
    refused(q, inv, 603)
    inv = q.call("1004")
    p.answer(p.await_("INVITE"), 603, "No")
    refused(q, inv, 603)
    assert_clean(h.cluster)


def test_credentials():
    """MD5, SHA-256 and auth-int, of server and proxy; the same dialog with the
    next CSeq; then ahead, with a count; a stale nonce is answered anew."""
    h = here()
    p, t = h.phone("1001"), h.silent
    for alg, qop, code in (("MD5", "auth", 401), ("SHA-256", "auth-int", 407)):
        inv = p.call("5123")
        first = t.await_("INVITE")
        must(first.get("authorization"), "", "credentials unasked")
        t.challenges(first, alg, qop, code)
        req = t.await_("INVITE")
        got = proves(req, "INVITE", code=code)
        must((got["algorithm"], got["qop"], got["nc"]),
             (alg, qop, "00000001"), "digest")
        must((req.get("call-id"), req.tag("from"), cseq(req)),
             (first.get("call-id"), first.tag("from"), cseq(first) + 1),
             "the dialog")
        t.takes(req)
        d = Dialog(p, inv, p.await_("final", call_id=inv.get("call-id")))
        must(d.ok.code, 200, "the answer")
        d.ack()
        d.bye()
        bye = t.await_("BYE")
        must(proves(bye, "BYE", code=code)["nc"], "00000002", "count")
        t.challenges(bye, alg, qop, code, stale="true")
        again = t.await_("BYE")
        must(proves(again, "BYE", code=code)["nc"], "00000001", "count")
        must(cseq(again), cseq(bye) + 1, "CSeq")
        t.answer(again)
    assert_clean(h.cluster)


def test_wrong_password():
    """A second challenge is no third try: the call fails as forbidden, its
    record says why; another trunk is tried where there is one."""
    h = here()
    p, t = h.phone("1001"), h.silent
    inv = p.call("5123")
    t.challenges(t.await_("INVITE"))
    t.challenges(t.await_("INVITE"))
    refused(p, inv, 403)
    t.silent(0.3)
    wait_for("the call's record says why", lambda: b"user or password refused"
             in repr(h.cluster.redis_command("XRANGE", "sy:cdr", "-", "+"))
             .encode())
    inv = p.call("70123")
    t.challenges(t.await_("INVITE"), "X-NEW")
    h.b.answer(h.b.await_("INVITE"), 486, "Busy")
    h.b.await_("ACK")
    refused(p, inv, 486)
    assert_clean(h.cluster)
