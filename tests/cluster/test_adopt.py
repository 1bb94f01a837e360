# SPDX-License-Identifier: MIT
"""A node dies and its calls go on at another one: every kind of call, every
state of a leg; and what is left afterwards."""

import json
import math
import os
import tempfile
import wave
from contextlib import ExitStack, contextmanager, suppress

from harness import Mismatch, assert_clean, cluster, metrics, phones, wait_for
from lib.cluster import DEMO
from relay import Relay
from survive import check_records, records as cdr, text
from talk import call, end, hears, phone, talk, tone


@contextmanager
def two_nodes(**more):
    """A cluster whose first node is alone until take_over()."""
    with cluster(nodes=2, later=["node-2"], **more) as c, phones() as box:
        yield c, box


def kill(c, name="node-1"):
    node = next(n for n in c.nodes if n.id == name)
    node.process.kill()
    c.left(node)


def take_over(c):
    """The second node comes, the first one dies."""
    c.join("node-2")
    kill(c)


def listens(member):
    """It is up: who bears the name of one that just died is thought to be
    live before it is."""
    def answers():
        with suppress(OSError):
            return metrics(member)
        return None
    wait_for(f"{member.id} listens", answers)


def settled(c, name):
    """The node has known the others for a lease: it may take over."""
    node = next(n for n in c.nodes if n.id == name)
    wait_for(f"{name} is settled", lambda: metrics(node)["sy_node_settled"])


def adopted(c, calls, legs=None):
    """The one node that lives has taken over so many calls, and legs."""
    def done():
        m = metrics(c.nodes[0])
        return m["sy_node_adopted_calls_total"] == calls and \
            not m["sy_node_adoptions_pending"]
    wait_for(f"{calls} calls adopted", done)
    m = metrics(c.nodes[0])
    got = m["sy_node_adopted_legs_total"]
    if legs is not None and got != legs:
        raise Mismatch(f"{got} legs are heard again, not {legs}: "
                       f"{ {k: v for k, v in m.items() if 'lost' in k} }")


def test_two_phones():
    with two_nodes() as (c, box):
        for user in ("1001", "1002", "1003", "1004"):
            phone(box, c, user)
        call(box, "1001", "1002")
        call(box, "1003", "1004")
        talk(box, "1001", "1002")
        take_over(c)
        adopted(c, 2, 4)
        talk(box, "1001", "1002")
        talk(box, "1003", "1004")
        end(box, "1001", "1002")
        end(box, "1004", "1003")
        assert_clean(c)


def test_dies_as_calls_end():
    """A node dies once its calls' records are gone from Redis, and before the
    history has them: who takes over its calls writes them, once, and clears
    away what else is left."""
    with ExitStack() as stack:
        relay = []

        def between(c):
            relay.append(stack.enter_context(
                Relay(c.path("relay.sock"), c.socket)))
            argv = c.nodes[0].argv
            argv[argv.index(c.redis_url)] = f"unix://{c.path('relay.sock')}"
        c, box = stack.enter_context(two_nodes(beside_redis=between))
        for user in ("1001", "1002", "1003"):
            phone(box, c, user)
        call(box, "1001", "1002")
        box.do("call", phone="1003", to="601")
        box.expect("established", phone="1003")
        wait_for("both are known", lambda: len(
            c.redis_command("KEYS", "sy:hub:*")) == 2)
        c.join("node-2")    # while the first one is still LIVE
        relay[0].cut_before(b"{sy:cdr}:seen")
        end(box, "1001", "1002")
        wait_for("the node is between", lambda: relay[0].is_cut)
        if not c.redis_command("KEYS", "sy:end:*") or cdr(c):
            raise Mismatch("nothing is left undone")
        kill(c)
        wait_for("its conference has an owner", lambda: metrics(
            c.nodes[0])["sy_node_hubs"] == 1, 15)
        wait_for("the record is there", lambda: len(cdr(c)) == 1, 15)
        box.do("hangup", phone="1003")
        box.expect("closed", phone="1003")
        assert_clean(c, 15)
        check_records(c, 2)


def record_bytes(c):
    """What a call takes in Redis, by leg: all values of its hash."""
    for key in c.redis_command("KEYS", "sy:hub:*"):
        values = c.redis_command("HVALS", key)
        legs = sum(1 for f in c.redis_command("HKEYS", key)
                   if f.startswith("leg:"))
        yield sum(len(v) for v in values) / legs


def test_small_records():
    """Under 2 KB a leg, with every codec and keys of SRTP, once the ACK has
    come: until then the INVITE is kept."""
    with cluster(nodes=1) as c, phones() as box:
        for user in ("1001", "1002"):
            phone(box, c, user, srtp="optional",
                  codecs=["opus", "G722", "PCMU", "PCMA"])
        call(box, "1001", "1002")
        wait_for("the records are small", lambda: all(
            size < 2048 for size in record_bytes(c)))
        print(f"        bytes a leg: {list(record_bytes(c))}")
        end(box, "1001", "1002")
        assert_clean(c)


def api_call(c, source, target):
    return c.api("POST", "/api/calls", {"from": source, "to": target})["id"]


def ring(box, a, b):
    """a calls b, which rings and does not answer."""
    box.do("call", phone=a, to=b)
    box.expect("incoming", phone=b)
    box.expect("ringing", phone=a)


def answer(box, caller, called):
    box.do("answer", phone=called)
    box.expect("established", phone=called)
    box.expect("established", phone=caller)


def every_kind(c, box):
    """A call of every kind, each with phones of its own."""
    manual = {"answer": "manual"}
    more = {
        "1001": {"srtp": "required"}, "1002": {"srtp": "required"},
        "1010": manual, "1012": manual, "1015": manual,
        "1014": {"early": True, **manual},
        "1017": {"transport": "tcp", "proxy": c.routers[0].tcp},
        "1018": {"transport": "tcp", "proxy": c.routers[0].tcp},
        "1019": {"codecs": ["opus"]}, "1020": {"codecs": ["G722"]},
    }
    for user in range(1001, 1021):
        phone(box, c, str(user), **more.get(str(user), {}))
    call(box, "1001", "1002")
    call(box, "1003", "1004")
    box.do("hold", phone="1003")
    box.expect("held", phone="1003")
    for user in ("1005", "1006", "1007"):
        box.do("call", phone=user, to="601")
        box.expect("established", phone=user)
    box.do("call", phone="1008", to="600")
    box.expect("established", phone="1008")
    ring(box, "1009", "1010")
    ring(box, "1011", "1012")
    box.do("call", phone="1013", to="1014")
    box.expect("progress", phone="1013")
    api_call(c, "1015", "1016")
    box.expect("incoming", phone="1015")
    call(box, "1017", "1018")
    call(box, "1019", "1020")


def answered_kinds(box):
    """Those that talked talk again, and digits are told."""
    talk(box, "1001", "1002")
    for me, you in (("1001", "1002"), ("1019", "1020")):
        box.do("dtmf", phone=me, digits="5#")
        for digit in "5#":
            box.expect("dtmf", phone=you, digit=digit)
    for me, others in (("1005", ("1006", "1007")), ("1007", ("1005",))):
        for other in others:
            hears(box, me, tone(other))
    hears(box, "1008", tone("1008"))
    talk(box, "1017", "1018")
    talk(box, "1019", "1020")
    hears(box, "1004", tone("1003"), present=False)
    box.do("resume", phone="1003")
    box.expect("resumed", phone="1003")
    talk(box, "1003", "1004")


def ringing_kinds(box):
    """Those that rang are answered, or cancelled.  What was heard before the
    answer is heard again with the answer only: nothing can tell a peer
    without PRACK where its sound is to go before that."""
    answer(box, "1009", "1010")
    talk(box, "1009", "1010")
    box.do("cancel", phone="1011")
    box.expect("closed", phone="1011")
    box.expect("closed", phone="1012")
    answer(box, "1013", "1014")
    talk(box, "1013", "1014")
    box.do("answer", phone="1015")
    box.expect("established", phone="1015")
    box.expect("established", phone="1016")
    talk(box, "1015", "1016")


def all_end(c, box):
    for a, b in (("1001", "1002"), ("1004", "1003"), ("1009", "1010"),
                 ("1014", "1013"), ("1015", "1016"), ("1018", "1017"),
                 ("1019", "1020")):
        end(box, a, b)
    for user in ("1005", "1006", "1007", "1008"):
        box.do("hangup", phone=user)
        box.expect("closed", phone=user)
    assert_clean(c)


def test_every_kind():
    with two_nodes() as (c, box):
        every_kind(c, box)
        take_over(c)
        adopted(c, 10, 12)
        answered_kinds(box)
        ringing_kinds(box)
        all_end(c, box)


def few(c, box):
    """Some calls: talking, in a conference, with an echo, ringing."""
    for user in ("1001", "1002", "1003", "1004", "1005", "1006"):
        phone(box, c, user)
    for user in ("1007", "1009"):
        phone(box, c, user)
    for user in ("1008", "1010"):
        phone(box, c, user, answer="manual")
    call(box, "1001", "1002")
    for user in ("1003", "1004", "1005"):
        box.do("call", phone=user, to="601")
        box.expect("established", phone=user)
    box.do("call", phone="1006", to="600")
    box.expect("established", phone="1006")
    ring(box, "1007", "1008")
    ring(box, "1009", "1010")
    # What rings is written a few ms later.
    wait_for("all are written", lambda: written_legs(c) == FEW_LEGS + 5)


def written_legs(c):
    return sum(f.startswith("leg:") for key in
               c.redis_command("KEYS", "sy:hub:*")
               for f in c.redis_command("HKEYS", key))


FEW_CALLS, FEW_LEGS = 5, 6      # FEW_LEGS: of phones, answered


def few_talk(box):
    talk(box, "1001", "1002")
    hears(box, "1003", tone("1004"))
    hears(box, "1005", tone("1003"))
    hears(box, "1006", tone("1006"))


def few_end(c, box):
    answer(box, "1007", "1008")
    talk(box, "1007", "1008")
    box.do("reject", phone="1010")
    box.expect("closed", phone="1009", code=486)
    end(box, "1002", "1001")
    end(box, "1007", "1008")
    for user in ("1003", "1004", "1005", "1006"):
        box.do("hangup", phone=user)
        box.expect("closed", phone=user)
    assert_clean(c)


def test_one_after_the_other():
    """Two nodes die in a row, then the last one: who comes next goes on."""
    with cluster(nodes=3, later=["node-2", "node-3"]) as c, phones() as box:
        few(c, box)
        c.join("node-2")
        kill(c, "node-1")
        adopted(c, FEW_CALLS, FEW_LEGS)
        few_talk(box)
        c.join("node-3")
        kill(c, "node-2")
        adopted(c, FEW_CALLS, FEW_LEGS)
        few_talk(box)
        kill(c, "node-3")
        c.join("node-1")
        adopted(c, FEW_CALLS, FEW_LEGS)
        few_talk(box)
        few_end(c, box)


def test_back_at_once():
    """The only node dies and is started again, as a supervisor does."""
    with cluster(nodes=1) as c, phones() as box:
        few(c, box)
        kill(c, "node-1")
        c.join("node-1")
        listens(c.nodes[0])
        adopted(c, FEW_CALLS, FEW_LEGS)
        few_talk(box)
        few_end(c, box)


def test_adopter_dies():
    """Two take over, and one of them dies while it does."""
    with cluster(nodes=3, later=["node-2", "node-3"]) as c, phones() as box:
        few(c, box)
        c.join("node-2", "node-3")
        for name in ("node-2", "node-3"):
            settled(c, name)
        node = c.nodes[0]
        node.process.kill()
        wait_for("somebody takes over", lambda: any(
            metrics(n)["sy_node_hubs"] for n in c.nodes[1:]), every=0.001)
        c.left(node)
        kill(c, "node-2")

        def has_all():
            m = metrics(c.nodes[0])
            return m["sy_node_hubs"] == FEW_CALLS and \
                not m["sy_node_adoptions_pending"]
        wait_for("the last one has them all", has_all, 30)
        few_talk(box)
        few_end(c, box)


def test_settled_death():
    """Where nodes have known each other, a death is found at once.  Who
    calls in that moment gets through, into the same conference."""
    with two_nodes() as (c, box):
        few(c, box)
        for user in ("1011", "1012", "1013"):
            phone(box, c, user)
        c.join("node-2")
        settled(c, "node-2")
        for user in ("1001", "1002"):
            box.do("watch_tone", phone=user, hz=tone(
                "1002" if user == "1001" else "1001"))
        talk(box, "1001", "1002")   # what they miss counts from here
        kill(c)
        box.do("call", phone="1011", to="601")
        box.do("call", phone="1012", to="1013")
        adopted(c, FEW_CALLS, FEW_LEGS)
        few_talk(box)
        for user in ("1011", "1012", "1013"):
            box.expect("established", phone=user)
        hears(box, "1011", tone("1004"))
        hears(box, "1004", tone("1011"))
        talk(box, "1012", "1013")
        box.do("tone_gaps", phone="100*")
        gaps = box.expect("tone_gaps")
        print(f"        audible gap: {gaps['longest_ms']['max']:.0f} ms")
        if gaps["longest_ms"]["max"] > 2000:
            raise Mismatch(f"gaps: {gaps}")
        end(box, "1012", "1013")
        box.do("hangup", phone="1011")
        box.expect("closed", phone="1011")
        few_end(c, box)


def with_players(folder):
    """The demo configuration with a tone at 610, and at 611 a file of two
    seconds: silence, then 1,000 Hz."""
    path = os.path.join(folder, "beep.wav")
    with wave.open(path, "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(b"".join(
            int(8000 * math.sin(math.pi * i / 4) * (i >= 8000)).to_bytes(
                2, "little", signed=True) for i in range(16000)))
    with open(DEMO, encoding="utf-8") as f:
        conf = json.load(f)
    conf["routes"][:0] = [
        {"id": "tone", "order": 1, "pattern": "610",
         "target": {"tone": {"hz": 1300, "levelDb": -20}}},
        {"id": "file", "order": 2, "pattern": "611",
         "target": {"file": path}}]
    return conf


def leg_of(c, ident, user):
    shown = c.api("GET", f"/api/calls/{ident}")
    return next(x for x in shown["legs"] if x["user"] == user)


def patch(c, ident, user, **what):
    leg = leg_of(c, ident, user)["id"]
    c.api("PATCH", f"/api/calls/{ident}/legs/{leg}", what)


def test_what_the_api_made():
    """Mute and hold by the API, a leg that rings to join, a ring of two
    contacts; players; a leg that had left is in the call's record."""
    with tempfile.TemporaryDirectory() as folder, \
            two_nodes(config=with_players(folder)) as (c, box):
        for user in ("1001", "1002", "1005", "1006", "1007", "1008", "1009"):
            phone(box, c, user)
        for name, user in (("1003", "1003"), ("desk", "1004"),
                           ("mobile", "1004")):
            phone(box, c, user, name=name, answer="manual")
        call(box, "1001", "1002")
        ident = wait_for("it is listed", lambda: c.api(
            "GET", "/api/calls")["items"])[0]["id"]
        c.api("POST", f"/api/calls/{ident}/legs",
              {"kind": "device", "to": "1008"})
        box.expect("established", phone="1008")
        box.do("hangup", phone="1008")
        box.expect("closed", phone="1008")
        patch(c, ident, "1001", muted=True)
        c.api("POST", f"/api/calls/{ident}/legs",
              {"kind": "device", "to": "1003"})
        box.expect("incoming", phone="1003")
        box.do("call", phone="1005", to="1004")
        box.expect("incoming", phone="desk")
        box.expect("incoming", phone="mobile")
        for user, number in (("1006", "610"), ("1007", "611")):
            box.do("call", phone=user, to=number)
            box.expect("established", phone=user)
        other = api_call(c, "1009", "600")
        box.expect("established", phone="1009")
        patch(c, other, "1009", held=True)
        box.expect("held", phone="1009", by="remote")

        take_over(c)
        adopted(c, 5, 5)
        hears(box, "1006", 1300)
        hears(box, "1007", 1000)
        hears(box, "1007", 1000, present=False)
        hears(box, "1001", tone("1002"))
        hears(box, "1002", tone("1001"), present=False)
        patch(c, ident, "1001", muted=False)
        hears(box, "1002", tone("1001"))
        box.do("answer", phone="1003")
        box.expect("established", phone="1003")
        for me, you in (("1001", "1003"), ("1003", "1002")):
            hears(box, me, tone(you))
        box.do("answer", phone="mobile")
        box.expect("established", phone="1005")
        box.expect("closed", phone="desk")
        hears(box, "1005", tone("1004"))
        if not leg_of(c, other, "1009")["held"]:
            raise Mismatch("1009 is not held any more")
        patch(c, other, "1009", held=False)
        box.expect("resumed", phone="1009", by="remote")
        hears(box, "1009", tone("1009"))

        box.do("hangup", phone="1003")
        box.expect("closed", phone="1003")
        end(box, "1001", "1002")
        end(box, "mobile", "1005")
        for user in ("1006", "1007", "1009"):
            box.do("hangup", phone=user)
            box.expect("closed", phone=user)
        assert_clean(c)
        check_records(c, 5)
        legs = next(x[9] for x in cdr(c) if text(x, 1) == ident)
        if len(legs) != 4:
            raise Mismatch(f"{len(legs)} legs in the record, not 4")
