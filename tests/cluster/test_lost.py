# SPDX-License-Identifier: MIT
"""A node dies, and a peer does not want to hear of the next one: its leg is
lost alone, and everybody is told why."""

import time
from contextlib import contextmanager

from harness import assert_clean, cluster, metrics, must, phones, wait_for
from rawphone import SDP, RawPhone
from survive import told
from talk import hears, phone, talk, tone

LOST = 'sy_node_lost_legs_total{reason="%s"}'


@contextmanager
def two_nodes():
    """Calls on the first node, until die()."""
    with cluster(nodes=2, later=["node-2"]) as c, phones() as box:
        yield c, box


def die(c):
    """The node that has the calls; the other one takes them."""
    wait_for("all is written", lambda: c.api("GET", "/api/calls")["items"])
    c.join("node-2")
    node = c.nodes[0]
    node.process.kill()
    c.left(node)


def talks_to(raw, c, box):
    """1001 has called it."""
    phone(box, c, "1001")
    must(raw.register().code, 200, "REGISTER")
    box.do("call", phone="1001", to="1003")
    inv = raw.await_("INVITE")
    raw.answer(inv, 200, "OK", SDP.format(port=40020))
    raw.await_("ACK")
    box.expect("established", phone="1001")


def refuses(raw, code, reason):
    """Its re-INVITE of the next node."""
    raw.answer(raw.await_("INVITE", 15), code, reason)
    raw.await_("ACK")


def past(c, count):
    """The records of calls that have ended, as the API has them."""
    return wait_for(f"{count} records", lambda: [
        x for x in [c.api("GET", "/api/cdr")["items"]] if len(x) == count],
        15)[0]


def why(record, user):
    return next(x["endReason"] for x in record["call"]["legs"]
                if x["user"] == user)


def test_in_a_conference():
    """Two of four refuse, or are not there any more: the others talk on."""
    with two_nodes() as (c, box), \
            RawPhone(c.routers[0], "1003") as no, \
            RawPhone(c.routers[0], "1004") as away:
        for user in ("1001", "1002"):
            phone(box, c, user)
            box.do("call", phone=user, to="601")
            box.expect("established", phone=user)
        no.established("601")
        away.established("601", port=40010)
        wait_for("four are there", lambda: [
            x for x in c.api("GET", "/api/calls")["items"]
            if len(x["legs"]) == 4])
        die(c)
        refuses(no, 603, "Decline")
        refuses(away, 408, "Request Timeout")
        wait_for("two are left", lambda: [
            x for x in c.api("GET", "/api/calls")["items"]
            if len(x["legs"]) == 2 and not x["adopting"]], 15)
        talk(box, "1001", "1002")
        for raw in (no, away):
            raw.answer(raw.await_("BYE"))
        for reason in ("refused", "no answer"):
            must(metrics(c.nodes[0])[LOST % reason], 1, f"lost: {reason}")
        reasons = told(c)["reasons"]
        must(reasons, {"not resumed: 603 Decline": 1,
                       "not resumed: 408 Request Timeout": 1}, "events")
        wait_for("its node shows what it has lost", lambda: c.api(
            "GET", "/api/nodes")["items"][0]["lostLegs"] == 2)
        box.do("hangup", phone="100*")
        for user in ("1001", "1002"):
            box.expect("closed", phone=user)
        record = past(c, 1)[0]
        must([why(record, u) for u in ("1003", "1004")],
             ["not resumed: 603 Decline", "not resumed: 408 Request Timeout"],
             "the record")
        assert_clean(c)


def test_of_two():
    """A call of two ends with the leg that is lost; the other one is hung up,
    and the call's record has both reasons."""
    with two_nodes() as (c, box), \
            RawPhone(c.routers[0], "1003") as raw:
        talks_to(raw, c, box)
        die(c)
        refuses(raw, 481, "Call/Transaction Does Not Exist")
        raw.answer(raw.await_("BYE"), 481)
        box.expect("closed", phone="1001", by="remote", seconds=15)
        record = past(c, 1)[0]
        must(why(record, "1003"),
             "not resumed: 481 Call/Transaction Does Not Exist", "whose")
        must(why(record, "1001"), "the other party was not resumed",
             "of the other one")
        assert_clean(c)


def test_less_will_do():
    """A phone that refuses more than it once agreed to is asked for that."""
    with two_nodes() as (c, box), \
            RawPhone(c.routers[0], "1003") as raw:
        phone(box, c, "1001")
        box.do("call", phone="1001", to="601")
        box.expect("established", phone="1001")
        talking = raw.established("601")
        die(c)
        refuses(raw, 488, "Not Acceptable Here")
        again = raw.await_("INVITE")
        formats = [x for x in again.body.splitlines()
                   if x.startswith("m=audio")][0].split()[3:]
        must(formats, ["0"], "what it is asked for")
        raw.answer(again, 200, "OK", SDP.format(port=40000))
        raw.await_("ACK")
        must(told(c).get("LEG_LOST", 0), 0, "legs lost")
        box.do("hangup", phone="1001")
        box.expect("closed", phone="1001")
        talking.bye()
        assert_clean(c)


def test_silent():
    """One who says nothing to the next node is waited for as long as a
    request is repeated (RFC 3261 17.1.1.2, 32 s); the others talk meanwhile."""
    with two_nodes() as (c, box), \
            RawPhone(c.routers[0], "1003") as raw:
        for user in ("1001", "1002"):
            phone(box, c, user)
            box.do("call", phone=user, to="601")
            box.expect("established", phone=user)
        raw.established("601")
        wait_for("three are there", lambda: [
            x for x in c.api("GET", "/api/calls")["items"]
            if len(x["legs"]) == 3])
        die(c)
        raw.await_("INVITE", 15)
        talk(box, "1001", "1002")
        reasons = wait_for("it is lost", lambda: told(c)["reasons"], 40)
        must(reasons, {"not resumed: 408 Request Timeout": 1}, "events")
        must(metrics(c.nodes[0])[LOST % "no answer"], 1, "lost: no answer")
        raw.answer(raw.await_("BYE"))
        talk(box, "1001", "1002")
        box.do("hangup", phone="100*")
        for user in ("1001", "1002"):
            box.expect("closed", phone=user)
        record = past(c, 1)[0]
        must(why(record, "1003"), "not resumed: 408 Request Timeout",
             "the record")
        assert_clean(c)


def test_waits_for_an_ack():
    """A peer that awaits the ACK of a node that died refuses the next one by
    491 until it has it: it is asked again at once, not after the seconds of
    two that collide."""
    with two_nodes() as (c, box), \
            RawPhone(c.routers[0], "1003") as raw:
        talks_to(raw, c, box)
        die(c)
        for _ in range(5):
            refuses(raw, 491, "Request Pending")
            again = time.monotonic()
        raw.answer(raw.await_("INVITE", 2), 200, "OK", SDP.format(port=40020))
        must(time.monotonic() - again < 2, True, "it is soon")
        raw.await_("ACK")
        must(told(c).get("LEG_LOST", 0), 0, "legs lost")
        box.do("hangup", phone="1001")
        raw.answer(raw.await_("BYE"))
        box.expect("closed", phone="1001")
        assert_clean(c)
