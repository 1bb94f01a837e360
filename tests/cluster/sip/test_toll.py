# SPDX-License-Identifier: MIT
"""Costly calls and limits of trunks by each way that a call takes: dialled in
any spelling, forwarded, transferred, by a group's overflow, by the API."""

import json
import time
import urllib.error
import urllib.request
from contextlib import ExitStack

from carrier import Carrier
from harness import Mismatch, assert_clean, cluster, metrics, must, wait_for
from lib.cluster import DEMO
from rawphone import SDP, Dialog, Message, RawPhone

NO = (403, "No Permission For Costly Numbers")
FAR = "0088212345678"
_stack = ExitStack()
_here = None


def config(plain, nine, one, slow):
    """1001, 1003, 1005 may not call +882; 1002, 1004 may, one at a time."""
    with open(DEMO, encoding="utf-8") as f:
        conf = json.load(f)
    dev = {d["id"]: d for d in conf["devices"]}
    conf["settings"]["costly"] = [
        {"prefix": "+882", "permission": "satellite"}]
    for user in ("1002", "1004"):
        dev[user].update(permissions=["satellite"], costlyCallsAtATime=1)
    for user in ("1003", "1004"):
        dev[user]["forward"] = {"always": "8" + FAR}
    dev["1005"]["forward"] = {"always": "5123"}
    dev["1008"]["forward"] = {"always": "6123"}
    conf["trunks"] = [
        {"id": "plain", "enabled": True, "optionsS": 0, "target": plain.at,
         "numberFormat": "plain", "permissions": ["satellite"]},
        {"id": "nine", "enabled": True, "optionsS": 0, "target": nine.at,
         "calledOut": [{"pattern": "9.", "strip": 1, "prefix": "+"}]},
        {"id": "one", "enabled": True, "optionsS": 0, "target": one.at,
         "maxCalls": 1},
        {"id": "slow", "enabled": True, "optionsS": 0, "target": slow.at,
         "maxCallsPerSecond": 1}]
    conf["groups"] = [{"id": "night", "members": ["1009"],
                       "overflow": "8" + FAR}]
    conf["routes"] = conf["routes"][:1] + [
        {"id": f"r{n}", "order": 100 + int(n), "pattern": f"{n}.", "target": {
            "external": {"trunk": t, "number": "$1", "failover": rest}}}
        for n, t, rest in (("8", "plain", []), ("7", "plain", ["nine"]),
                           ("6", "slow", []), ("5", "one", []))] + [
        {"id": "night", "order": 50, "pattern": "650",
         "target": {"group": "night"}}]
    return conf


class Here:
    def __init__(self):
        enter = _stack.enter_context
        self.plain, self.nine, self.one, self.slow = (
            enter(Carrier()) for _ in range(4))
        self.cluster = enter(cluster(nodes=1, config=config(
            self.plain, self.nine, self.one, self.slow)))
        self.phones = {}
        for user in ("1001", "1002", "1006", "1007"):
            p = enter(RawPhone(self.cluster.routers[0], user))
            must(p.register().code, 200, "REGISTER")
            self.phones[user] = p

    def ends(self, d, carrier):
        d.bye()
        carrier.answer(carrier.request("BYE"), 200)
        assert_clean(self.cluster)

    def refuses_one(self, what, account):
        """It is refused, and the history says whose it was; what was
        refused before may be told now."""
        c = self.cluster
        end, told = time.monotonic() + 10, []
        with urllib.request.urlopen(urllib.request.Request(
                f"http://{c.gateways[0].http}/api/events?type=TOLL_DENIED",
                headers={"Authorization": f"Bearer {c.token}"}),
                timeout=10) as stream:
            what()
            for line in stream:
                if line.startswith(b"data:"):
                    told.append(json.loads(line[5:])["account"])
                if f"device:{account}" in told:
                    return
                if time.monotonic() > end:
                    break
        raise Mismatch(f"whose it was: {told}, expected {account}")


def here():
    global _here
    if _here is None:
        _here = Here()
    return _here


def finish():
    _stack.close()


def ack(phone, inv, got):
    phone.send(phone.request("ACK", inv.uri, **{
        "Via": inv.get("via"), "From": inv.get("from"), "To": got.get("to"),
        "Call-ID": inv.get("call-id"),
        "CSeq": inv.get("cseq").split()[0] + " ACK"}))


def refused(phone, number):
    """Call: how it ends, which is no answer."""
    inv = phone.call(number)
    got = phone.await_("final", call_id=inv.get("call-id"),
                       cseq=inv.get("cseq"))
    ack(phone, inv, got)
    return got.code, " ".join(got.start.split()[2:])


def through(phone, number, carrier):
    """A call that a carrier takes: the caller's dialog."""
    inv = phone.call(number)
    carrier.takes(carrier.request("INVITE"), SDP.format(port=40200))
    d = Dialog(phone, inv, phone.await_("final", call_id=inv.get("call-id")))
    must(d.ok.code, 200, "the answer")
    d.ack()
    return d


def no_calls(*carriers):
    must([m.start for c in carriers for m in c.saw("INVITE")], [],
         "what carriers saw")


def test_any_spelling():
    """As dialled, or as any trunk of the hunt would send it."""
    h = here()
    p = h.phones["1001"]
    for number in ("8+88212345678", "80088212345678", "888212345678",
                   "8+882-123-45678", "80088212345678%23",
                   "7988212345678", "788212345678"):
        must(refused(p, number), NO, number)
    no_calls(h.plain, h.nine)
    for number in ("8112", "7+493012345", "8083012345"):
        inv = p.call(number)
        h.plain.answer(h.plain.request("INVITE"), 486)
        ack(p, inv, p.await_("final", call_id=inv.get("call-id")))
    assert_clean(h.cluster)


def test_forwarded():
    """Who forwards pays, not who calls: one at a time."""
    h = here()
    p, q = h.phones["1001"], h.phones["1006"]
    h.refuses_one(lambda: refused(p, "1003"), "1003")
    no_calls(h.plain)
    d = through(p, "1004", h.plain)
    h.refuses_one(lambda: must(refused(q, "1004")[0], 403, "a second one"),
                  "1004")
    no_calls(h.plain)
    h.ends(d, h.plain)
    h.ends(through(q, "1004", h.plain), h.plain)
    if metrics(h.cluster.nodes[0])["sy_node_tolls_refused_total"] < 2:
        raise Mismatch("not counted")


def test_overflow_of_a_group():
    """Who calls pays: nobody of the group was there."""
    h = here()
    h.refuses_one(lambda: refused(h.phones["1001"], "650"), "1001")
    no_calls(h.plain)
    h.ends(through(h.phones["1002"], "650", h.plain), h.plain)


def talk(h, a, b):
    """Two phones: the caller's dialog, the callee's INVITE."""
    inv = h.phones[a].call(b)
    req = h.phones[b].await_("INVITE")
    h.phones[b].answer(req, 200, "OK", body=SDP.format(port=40300), tag="c")
    h.phones[b].await_("ACK")
    d = Dialog(h.phones[a], inv, h.phones[a].await_(
        "final", call_id=inv.get("call-id")))
    must(d.ok.code, 200, "the answer")
    d.ack()
    return d


def refer(h, d, number):
    return d.ask("REFER", **{
        "Refer-To": f"<sip:{number}@switchyard>",
        "Refer-Sub": "false", "Supported": "norefersub"}).code


def hangs_up(h, d, *others):
    d.bye()
    for p in others:
        p.answer(p.await_("BYE"), 200)
    assert_clean(h.cluster)


def test_transferred():
    """Who transfers pays, as long as that call lasts."""
    h = here()
    d = talk(h, "1001", "1006")
    h.refuses_one(lambda: must(refer(h, d, "8" + FAR), 200, "REFER"), "1001")
    hangs_up(h, d, h.phones["1006"])
    d = talk(h, "1002", "1006")
    # One that is not answered counts no more, though the call goes on.
    must(refer(h, d, "8" + FAR + "1"), 200, "REFER")
    h.plain.answer(h.plain.request("INVITE"), 486)
    wait_for("room again", lambda: h.cluster.redis_command(
        "ZCARD", "sy:costly:{device:1002}:now") == 0)
    must(refer(h, d, "8" + FAR), 200, "REFER")
    h.plain.takes(h.plain.request("INVITE"), SDP.format(port=40200))
    h.phones["1002"].answer(h.phones["1002"].await_("BYE"), 200)
    must(refused(h.phones["1002"], "8" + FAR),
         (403, "Too Many Costly Calls At A Time"), "one more")
    no_calls(h.plain)
    end_by_api(h, h.phones["1006"], h.plain)
    h.ends(through(h.phones["1002"], "8" + FAR, h.plain), h.plain)


def end_by_api(h, phone, carrier):
    for call in h.cluster.api("GET", "/api/calls")["items"]:
        h.cluster.api("DELETE", f"/api/calls/{call['id']}")
    phone.answer(phone.await_("BYE"), 200)
    carrier.answer(carrier.request("BYE"), 200)
    assert_clean(h.cluster)


def originate(h, user, number):
    """A call by the API whose first party answers."""
    h.cluster.api("POST", "/api/calls", {"from": user, "to": number})
    p = h.phones[user]
    p.answer(p.await_("INVITE"), 200, "OK", body=SDP.format(port=40300),
             tag="o")
    p.await_("ACK")


def test_by_the_api():
    """A call from a device is that device's."""
    h = here()
    try:
        originate(h, "1001", "8" + FAR)
        raise Mismatch("taken without a permission")
    except urllib.error.HTTPError as e:
        text = e.read().decode()
        must((e.code, "has no permission" in text), (400, True), text)
    originate(h, "1002", "8" + FAR)
    h.plain.takes(h.plain.request("INVITE"), SDP.format(port=40200))
    must(refused(h.phones["1002"], "8" + FAR),
         (403, "Too Many Costly Calls At A Time"), "one more")
    end_by_api(h, h.phones["1002"], h.plain)
    d = through(h.phones["1002"], "8" + FAR, h.plain)
    h.refuses_one(lambda: originate(h, "1002", "8" + FAR), "1002")
    h.phones["1002"].answer(h.phones["1002"].await_("BYE"), 200)
    no_calls(h.plain)
    h.ends(d, h.plain)


def test_calls_a_second():
    """One a second, whoever has it dialled: of two at once one gets through."""
    h = here()
    p, q = h.phones["1001"], h.phones["1006"]
    # Both have their challenges before either goes on.
    calls = {x: x.challenged("INVITE", f"sip:{number}@switchyard",
                             SDP.format(port=40000))
             for x, number in ((p, "1008"), (q, "6123"))}
    for x, text in calls.items():
        x.send(text)
    h.slow.answer(h.slow.request("INVITE"), 486)
    codes = []
    for x, text in calls.items():
        inv = Message(text.encode())
        got = x.await_("final", call_id=inv.get("call-id"))
        ack(x, inv, got)
        codes.append(got.code)
    must(sorted(codes), [486, 503], "one goes, one does not")
    no_calls(h.slow)
    assert_clean(h.cluster)


def test_a_full_trunk():
    """One call at a time, whoever has it dialled."""
    h = here()
    d = through(h.phones["1001"], "1005", h.one)      # forwarded
    must(refused(h.phones["1006"], "5123")[0], 503, "dialled")
    must(refused(h.phones["1006"], "1005")[0], 503, "forwarded")
    originate(h, "1002", "5123")
    h.phones["1002"].answer(h.phones["1002"].await_("BYE"), 200)
    talks = talk(h, "1006", "1007")
    must(refer(h, talks, "5123"), 200, "REFER")
    no_calls(h.one)
    talks.bye()
    h.phones["1007"].answer(h.phones["1007"].await_("BYE"), 200)
    h.ends(d, h.one)
    originate(h, "1002", "5123")
    h.one.takes(h.one.request("INVITE"), SDP.format(port=40200))
    must(refused(h.phones["1006"], "5123")[0], 503, "dialled")
    end_by_api(h, h.phones["1002"], h.one)
