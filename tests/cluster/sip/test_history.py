# SPDX-License-Identifier: MIT
"""How a call came to whom it rings: History-Info and Diversion to phones, to
carriers as each wants them, to the caller; and those of a carrier's, kept."""

import json
from contextlib import ExitStack

from harness import assert_clean, cluster, must, wait_for
from lib.cluster import DEMO
from rawphone import Dialog, RawPhone
from rawtrunk import RawTrunk, moved, refused, takes
from test_adopt import take_over

_stack = ExitStack()
_here = None

CALLER, FIRST, SECOND = "1001", "1002", "1003"
NOBODY = "sip:anonymous@anonymous.invalid"


def config(trunks):
    with open(DEMO, encoding="utf-8") as f:
        conf = json.load(f)
    dev = {d["id"]: d for d in conf["devices"]}
    dev["1005"]["forward"] = {"always": "1006"}
    dev["1006"]["forward"] = {"unreachable": SECOND}
    for n, (user, more) in enumerate((
            ("1011", {"callerId": "+4930555011"}), ("1012", {}),
            ("1013", {"callerId": "+4930555013", "anonymous": True}))):
        dev[user].update(more)
        dev[user]["forward"] = {"always": f"9{n}"}
    dev[FIRST]["callerId"] = "+4930555002"
    dev[FIRST]["forward"] = {"busy": "9b77"}
    conf["trunks"] = trunks
    conf["routes"] = conf["routes"][:3] + [
        {"id": f"r{n}", "order": 100 + n, "pattern": f"9{k}.",
         "target": {"external": {"trunk": t, "number": "$1"}}}
        for n, (k, t) in enumerate((("a", "none"), ("b", "both"),
                                    ("h", "history"), ("d", "diversion")))]
    for n in range(3):
        conf["routes"].append({
            "id": f"f{n}", "order": 120 + n, "pattern": f"9{n}",
            "target": {"external": {"trunk": "both",
                                    "number": "+4940777"}}})
    return conf


class Here:
    """A cluster, four carriers that want different things, and phones."""

    def __init__(self, stack, **more):
        enter = stack.enter_context
        self.trunks = {n: enter(RawTrunk(n))
                       for n in ("none", "both", "history", "diversion")}
        german = {"countryCode": "49", "nationalPrefix": "0",
                  "internationalPrefix": "00", "numberFormat": "national",
                  "defaultNumber": "+4930555000", "trusted": True,
                  "numbers": [{"first": "+4930555000", "last": "+4930555099",
                               "target": {"device": "10$1"}}]}
        self.cluster = enter(cluster(config=config([
            t.trunk(sendHistory=n, **(german if n == "both" else {}))
            for n, t in self.trunks.items()]), **more))
        router = self.cluster.routers[0]
        for t in self.trunks.values():
            t.aim(router)
        self.phones = {u: enter(RawPhone(router, u))
                       for u in (CALLER, FIRST, SECOND)}
        for p in self.phones.values():
            must(p.register().code, 200, "REGISTER")
        self.both = self.trunks["both"]

    def gets(self, number, who, **f):
        """1001 calls a number: the INVITE that somebody gets, refused."""
        caller = self.phones[CALLER]
        inv = caller.call(number, **f)
        req = who.await_("INVITE")
        who.answer(req, 603, "No")
        who.await_("ACK")
        refused(caller, inv, 603)
        assert_clean(self.cluster)
        return req


def here():
    global _here
    if _here is None:
        _here = Here(_stack, nodes=1)
    return _here


def finish():
    _stack.close()


def says(req, history, diversion, what="INVITE"):
    must(req.get("history-info"), ", ".join(history), f"{what}: History-Info")
    must(req.get("diversion"), ", ".join(diversion), f"{what}: Diversion")


def test_to_a_phone():
    """Forwarding by us, twice: each has its index, its cause and its parent;
    a call that nobody sent on has neither header."""
    h = here()
    says(h.gets("1005", h.phones[SECOND]),
         ["<sip:1005@switchyard>;index=1",
          "<sip:1006@switchyard;cause=302>;index=1.1;mp=1",
          "<sip:1003@switchyard;cause=503>;index=1.1.1;mp=1.1"],
         ["<sip:1006@switchyard>;reason=unavailable;counter=1",
          "<sip:1005@switchyard>;reason=unconditional;counter=1"])
    says(h.gets(SECOND, h.phones[SECOND]), [], [])


def test_redirected():
    """A phone's 302: with the Reason of its answer."""
    h = here()
    caller, first, second = (h.phones[u] for u in (CALLER, FIRST, SECOND))
    inv = caller.call(FIRST)
    moved(first, first.await_("INVITE"), f"<sip:{SECOND}@switchyard>")
    req = second.await_("INVITE")
    says(req, ["<sip:1002@switchyard?Reason=SIP%3Bcause%3D302>;index=1",
               "<sip:1003@switchyard;cause=302>;index=1.1;mp=1"],
         ["<sip:1002@switchyard>;reason=unconditional;counter=1"])
    second.answer(req, 603, "No")
    refused(caller, inv, 603)
    assert_clean(h.cluster)


def test_as_each_trunk_wants_it():
    """sendHistory: none, history, diversion, both."""
    h = here()
    caller, first = h.phones[CALLER], h.phones[FIRST]
    for letter, name in (("a", "none"), ("h", "history"),
                         ("d", "diversion"), ("b", "both")):
        inv = caller.call(FIRST)
        moved(first, first.await_("INVITE"), f"<sip:9{letter}5@switchyard>")
        req = h.trunks[name].await_("INVITE")
        must((bool(req.get("history-info")), bool(req.get("diversion"))),
             (name in ("history", "both"), name in ("diversion", "both")),
             name)
        h.trunks[name].answer(req, 603, "No")
        refused(caller, inv, 603)
        assert_clean(h.cluster)


def test_numbers_at_a_trunk():
    """A device is its number there, or the trunk's default one; never its
    name here. Who is anonymous is hidden."""
    h = here()
    host = h.both.me
    last = f"<sip:040777@{host};cause=302>;index=1.1;mp=1"
    for user, uri, private in (
            ("1011", "sip:030555011@switchyard", False),
            ("1012", "sip:030555000@switchyard", False),
            ("1013", NOBODY, True)):
        req = h.gets(user, h.both)
        says(req, [f"<{uri}{'?Privacy=history' * private}>;index=1", last],
             [f"<{uri}>;reason=unconditional;counter=1"
              + ";privacy=full" * private], user)


def test_privacy_of_the_caller():
    """Privacy: history, or id: no carrier is told who sent the call on; our
    own phones still are."""
    h = here()
    for value in ("history", "id"):
        req = h.gets("1011", h.both, Privacy=value)
        says(req, [f"<{NOBODY}?Privacy=history>;index=1",
                   f"<sip:040777@{h.both.me};cause=302>;index=1.1;mp=1"],
             [f"<{NOBODY}>;reason=unconditional;counter=1;privacy=full"],
             value)
        req = h.gets("1005", h.phones[SECOND], Privacy=value)
        must("<sip:1006@switchyard;cause=302>" in req.get("history-info"),
             True, "a phone of ours is told")


CAME = ['"Old" <sip:+4411@uk.example?Reason=SIP%3Bcause%3D486%3Btext%3D%22x'
        '%22>;index=1', "<sip:x@uk.example;cause=486;user=phone>;index=1.1"
        ";mp=1", "<sip:030555002@switchyard>;index=1.1.1;rc=1.1"]


def test_came_from_a_trunk():
    """What a trusted carrier says of the way before us goes on to the phone,
    and is continued where we send the call on; the API shows it."""
    h = here()
    first = h.phones[FIRST]
    for fields in ({"History-Info": ", ".join(CAME)},
                   {"History-Info": CAME}):
        cid = h.both.comes("030555002", **fields)
        req = first.await_("INVITE")
        kept = ["<sip:+4411@uk.example?Reason=SIP%3Bcause%3D486>;index=1",
                "<sip:x@uk.example;user=phone;cause=486>;index=1.1;mp=1",
                "<sip:030555002@switchyard>;index=1.1.1;rc=1.1"]
        says(req, kept,
             ["<sip:+4411@uk.example>;reason=user-busy;counter=1"])
        first.answer(req, 486, "Busy")
        req = h.both.await_("INVITE")
        kept[2] = ("<sip:030555002@switchyard?Reason=SIP%3Bcause%3D486>"
                   ";index=1.1.1;rc=1.1")
        says(req, [*kept, f"<sip:77@{h.both.me};cause=486>"
                          ";index=1.1.1.1;mp=1.1.1"],
             ["<sip:030555002@switchyard>;reason=user-busy;counter=1",
              "<sip:+4411@uk.example>;reason=user-busy;counter=1"])
        call = wait_for("the call is shown", lambda: h.cluster.api(
            "GET", "/api/calls")["items"])[0]["id"]
        shown = h.cluster.api("GET", f"/api/calls/{call}")["diversions"]
        must([(d.get("uri") or d.get("device"), d["code"]) for d in shown],
             [("sip:+4411@uk.example", 486), (FIRST, 486)], "the API")
        h.both.answer(req, 603, "No")
        must(h.both.await_("final", call_id=cid).code, 603, "the end")
        assert_clean(h.cluster)


def test_diversion_from_a_trunk():
    """Diversion alone becomes History-Info too; hidden ones stay hidden; what
    others say is nothing to us."""
    h = here()
    first = h.phones[FIRST]
    fields = {"Diversion": [
        '<sip:2@x.example>;reason="no-answer";counter=2;privacy=full',
        "<tel:+441>;reason=time-of-day"]}
    h.both.comes("030555002", **fields)
    req = first.await_("INVITE")
    says(req, ["<tel:+441>;index=1",
               f"<{NOBODY};cause=404?Privacy=history>;index=1.1;mp=1",
               "<sip:+4930555002@switchyard;cause=408>;index=1.1.1;mp=1.1"],
         [f"<{NOBODY}>;reason=no-answer;counter=2;privacy=full",
          "<tel:+441>;reason=unknown;counter=1"])
    first.answer(req, 404, "No")
    h.both.await_(404)
    assert_clean(h.cluster)
    h.trunks["none"].comes(FIRST, **fields)
    req = first.await_("INVITE")
    says(req, [], [], "of one that is not trusted")
    first.answer(req, 404, "No")
    h.trunks["none"].await_(404)
    assert_clean(h.cluster)


def test_loop_over_carriers():
    """A call that was sent on ten times before it came is not sent on."""
    h = here()
    first = h.phones[FIRST]
    for count, code in ((9, 603), (10, 486)):
        cid = h.both.comes("030555002", Diversion=(
            f"<sip:2@x.example>;reason=user-busy;counter={count}"))
        first.answer(first.await_("INVITE"), 486, "Busy")
        if code == 603:
            req = h.both.await_("INVITE")
            h.both.answer(req, 603, "No")
            h.both.await_("ACK")
        must(h.both.await_("final", call_id=cid).code, code, "the end")
        assert_clean(h.cluster)


def test_to_the_caller():
    """181 and 200 have History-Info for who supports it, not for others."""
    h = here()
    caller, second = h.phones[CALLER], h.phones[SECOND]
    way = ("<sip:1005@switchyard>;index=1, "
           "<sip:1006@switchyard;cause=302>;index=1.1;mp=1")
    whole = way + ", <sip:1003@switchyard;cause=503>;index=1.1.1;mp=1.1"
    for supported, said in (("histinfo", True), ("timer", False)):
        inv = caller.call("1005", Supported=supported)
        for wanted in (way, whole):
            got = caller.await_(181, call_id=inv.get("call-id"))
            must(got.get("history-info"), wanted if said else "", "181")
        takes(second, second.await_("INVITE"))
        ok = caller.await_(200, call_id=inv.get("call-id"))
        must(ok.get("history-info"), whole if said else "", "200")
        d = Dialog(caller, inv, ok)
        d.ack()
        d.bye()
        second.answer(second.await_("BYE"))
        assert_clean(h.cluster)


def test_another_node():
    """The node dies while a call from a carrier rings: its successor knows the
    whole way, and tells it where it sends the call on."""
    with ExitStack() as stack:
        h = Here(stack, nodes=2, later=["node-2"])
        cid = h.both.comes("030555002", **{"History-Info": ", ".join(CAME)})
        first = h.phones[FIRST]
        req = first.await_("INVITE")
        first.answer(req, 180, "Ringing")
        h.both.await_(180)
        take_over(h.cluster)
        wait_for("the other node has it", lambda: [
            c["node"] for c in h.cluster.api("GET", "/api/calls")["items"]]
            == ["node-2"])
        first.answer(req, 486, "Busy")
        req = h.both.await_("INVITE", 10)
        must(req.get("history-info").count("index="), 4, "entries")
        must(req.get("diversion").count("counter="), 2, "diversions")
        h.both.answer(req, 603, "No")
        must(h.both.await_("final", 10, call_id=cid).code, 603, "the end")
        assert_clean(h.cluster)
