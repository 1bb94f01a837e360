# SPDX-License-Identifier: MIT
"""Calls go to another node while both live: one by one, and all of a node
that is drained.  Nobody hears more than a short gap, and all that can be done
to a call can be done afterwards."""

import signal
import threading
import time
from contextlib import ExitStack, contextmanager

from harness import (Mismatch, assert_clean, call_keys, cluster, metrics, must,
                     node_counts, phones, request, wait_for)
from rawphone import RawPhone
from survive import told
from talk import end, hears, late_ms, phone, talk, tone

# What is heard on a quiet machine is in the bench; others may compute here.
# What the phones themselves were late is added.
GAP_MOST_MS = 400
DRAIN_MOST_S = 15
LEFT = ("sy_node_departures", "sy_node_arrivals", "sy_node_adoptions_pending")

_stack = ExitStack()
_cluster = None


def shared():
    """Two nodes for all tests but those that end one; new ones where a test
    that failed left something behind."""
    global _cluster
    if _cluster and (any(node_counts(_cluster).values())
                     or call_keys(_cluster)):
        _stack.close()
        _cluster = None
    if _cluster is None:
        _cluster = _stack.enter_context(cluster(nodes=2))
    return _cluster


def finish():
    _stack.close()


def only_call(c):
    """Its record is written a few milliseconds after its first message."""
    items = wait_for("there is a call",
                     lambda: c.api("GET", "/api/calls")["items"], 2)
    must(len(items), 1, "calls")
    return c.api("GET", f"/api/calls/{items[0]['id']}")


def other(c, name):
    return next(n.id for n in c.nodes if n.id != name)


def gone(c):
    """Nothing of a move is left but the call."""
    return not any(metrics(n).get(k, 0) for n in c.nodes for k in LEFT)


def move(c, answered=True):
    """The only call to the other node; the call before and after."""
    before = only_call(c)
    to = other(c, before["node"])
    status, _, body = request(
        "POST", f"http://{c.gateways[0].http}/api/calls/{before['id']}/move",
        c.token, {"node": to})
    must(status, 202, f"the answer to move: {body}")
    wait_for("the call is on the other node",
             lambda: only_call(c)["node"] == to)
    if answered:
        wait_for("each leg is heard there", lambda: gone(c), 15)
    after = only_call(c)
    must(after["epoch"] > before["epoch"], True, "a higher epoch")
    for field in ("id", "caller", "called", "startedAt", "destination"):
        must(after.get(field), before.get(field), field)
    must(sorted(x["id"] for x in after["legs"]),
         sorted(x["id"] for x in before["legs"]), "legs")
    return before, after


def watch(box, pairs):
    for who, hz in pairs:
        box.do("watch_tone", phone=who, hz=hz)


def gaps(box, who, most=GAP_MOST_MS):
    """The longest absence of the tone that a phone heard."""
    box.do("tone_gaps", phone=who)
    got = box.expect("tone_gaps", phone=who)
    longest = got["longest_ms"]["max"]
    print(f"        gap at {who}: {longest} ms", flush=True)
    late = late_ms(box)
    if got["silent"] or not got["heard"] or longest > most + late:
        raise Mismatch(f"what {who} heard: {got}; {late} ms late")
    return longest


def two(box, c, **more):
    phone(box, c, "1001", **more)
    phone(box, c, "1011", **more)
    box.do("call", phone="1001", to="1011")
    box.expect("established", phone="1001")
    box.expect("established", phone="1011")
    talk(box, "1001", "1011")


def test_two_parties():
    """There and back, in each codec and with SRTP; hung up by either side."""
    c = shared()
    for more in ({"codecs": ["PCMU"]}, {"codecs": ["opus"]},
                 {"codecs": ["G722"], "transport": "tcp"},
                 {"codecs": ["PCMA"], "srtp": "required"}):
        with phones() as box:
            two(box, c, **more)
            watch(box, (("1001", tone("1011")), ("1011", tone("1001"))))
            before, _ = move(c)
            for who in ("1001", "1011"):
                ev = box.expect("reinvited", phone=who)
                must(ev["by"], "remote", "whose re-INVITE")
                gaps(box, who)
            talk(box, "1001", "1011")
            _, again = move(c)
            must(again["node"], before["node"], "it is back")
            talk(box, "1001", "1011")
            box.none("closed")
            if "opus" in more["codecs"]:
                end(box, "1001", "1011")
            else:
                end(box, "1011", "1001")
            assert_clean(c)


def test_held():
    """Who holds goes on holding, and is not heard; then it resumes."""
    c = shared()
    with phones() as box:
        two(box, c)
        box.do("hold", phone="1001")
        box.expect("held", phone="1001")
        move(c)
        must([x["held"] for x in only_call(c)["legs"]
              if x["user"] == "1001"], [True], "held")
        hears(box, "1011", tone("1001"), present=False)
        box.do("resume", phone="1001")
        box.expect("resumed", phone="1001")
        talk(box, "1001", "1011")
        end(box, "1001", "1011")
        assert_clean(c)


def ringing(box, c):
    phone(box, c, "1001")
    phone(box, c, "1011", answer="manual")
    box.do("call", phone="1001", to="1011", call="x")
    box.expect("ringing", phone="1001")
    box.expect("incoming", phone="1011")


def test_ringing():
    """A call that rings moves, and is answered, cancelled, refused there."""
    c = shared()
    with phones() as box:
        ringing(box, c)
        move(c, answered=False)
        box.do("answer", phone="1011")
        box.expect("established", phone="1001")
        box.expect("established", phone="1011")
        talk(box, "1001", "1011")
        end(box, "1011", "1001")
        assert_clean(c)
    with phones() as box:
        ringing(box, c)
        move(c, answered=False)
        box.do("cancel", phone="1001", call="x")
        must(box.expect("closed", phone="1001")["code"], 487, "cancelled")
        must(box.expect("closed", phone="1011")["code"], 487, "cancelled")
        assert_clean(c)
    with phones() as box:
        ringing(box, c)
        move(c, answered=False)
        box.do("reject", phone="1011", code=486)
        must(box.expect("closed", phone="1001")["code"], 486, "refused")
        assert_clean(c)


def test_originated():
    """A call by the API whose first party rings, then the second one."""
    c = shared()
    with phones() as box:
        phone(box, c, "1001", answer="manual")
        phone(box, c, "1011", answer="manual")
        c.api("POST", "/api/calls", {"from": "1001", "to": "1011"})
        box.expect("incoming", phone="1001")
        move(c, answered=False)
        box.do("answer", phone="1001")
        box.expect("established", phone="1001")
        box.expect("incoming", phone="1011")
        hears(box, "1001", 425)  # the ringing tone is ours
        wait_for("nothing is under way", lambda: gone(c))
        move(c)
        hears(box, "1001", 425, seconds=6)
        box.do("answer", phone="1011")
        box.expect("established", phone="1011")
        talk(box, "1001", "1011")
        end(box, "1001", "1011")
        assert_clean(c)


def test_conference():
    """Five, one of them muted: each hears the other three, before and after,
    and the API does to them what it did."""
    c = shared()
    users = ["1001", "1008", "1015", "1018", "1020"]
    talking = users[:4]
    with phones() as box:
        for user in users:
            phone(box, c, user, codecs=["opus" if user == "1008" else "PCMU"])
            box.do("call", phone=user, to="601")
            box.expect("established", phone=user)
        muted = next(x["id"] for x in only_call(c)["legs"]
                     if x["user"] == users[4])
        path = f"/api/calls/{only_call(c)['id']}/legs/{muted}"
        c.api("PATCH", path, {"muted": True})
        hears(box, users[0], tone(users[4]), present=False)
        watch(box, [(a, tone(b)) for a, b in zip(
            users, talking[1:] + talking[:1] + talking[1:2])])
        move(c)
        for user in users:
            gaps(box, user)
            for who in users:
                hears(box, user, tone(who), who != user and who != users[4])
        c.api("PATCH", path, {"muted": False})
        hears(box, users[0], tone(users[4]))
        # Who comes now comes to the same room.
        phone(box, c, "1004")
        box.do("call", phone="1004", to="601")
        box.expect("established", phone="1004")
        hears(box, "1004", tone("1001"))
        must(len(only_call(c)["legs"]), 6, "legs of the room")
        box.do("hangup", phone="1*")
        assert_clean(c)


def test_echo():
    """The echo is that of the new node, once."""
    c = shared()
    with phones() as box:
        phone(box, c, "1001")
        box.do("call", phone="1001", to="600")
        box.expect("established", phone="1001")
        hears(box, "1001", tone("1001"))
        watch(box, [("1001", tone("1001"))])
        move(c)
        gaps(box, "1001")

        def level():
            box.do("listen", phone="1001", ms=500, freqs=[tone("1001")])
            heard = box.expect("heard", phone="1001")
            return heard["tones"][str(tone("1001"))]
        # A stall makes it softer; two of them are louder all the time.
        wait_for("the echo is heard once", lambda: -23 < level() < -17, 5)
        box.do("hangup", phone="1001")
        assert_clean(c)


def test_hung_up_before_the_reinvite():
    """Who has just hung up refuses the re-INVITE; its BYE, which came to the
    node before, is answered although the call is no more."""
    c = shared()
    with RawPhone(c.routers[0]) as p:
        d = p.established("600")
        call = only_call(c)
        c.api("POST", f"/api/calls/{call['id']}/move",
              {"node": other(c, call["node"])})
        p.answer(p.await_("INVITE"), 481, "Call Does Not Exist")
        p.answer(p.await_("BYE"), 481, "Call Does Not Exist")
        assert_clean(c)
        must(d.ask("BYE").code in (200, 481), True, "BYE is answered")


def test_refused():
    """What cannot be done is said, and nothing happens to the call."""
    c = shared()
    with phones() as box:
        two(box, c)
        before = only_call(c)
        url = f"http://{c.gateways[0].http}/api/calls/{before['id']}/move"
        status, _, body = request("POST", url, c.token,
                                  {"node": before["node"]})
        must((status, before["node"] in body["detail"]), (409, True), body)
        box.none("reinvited")
        talk(box, "1001", "1011")
        must(only_call(c)["epoch"], before["epoch"], "epoch")
        end(box, "1001", "1011")
        assert_clean(c)


def test_commands_meanwhile():
    """What the API does to a call while it moves is done, once."""
    c = shared()
    with phones() as box:
        two(box, c)
        call = only_call(c)
        leg = next(x["id"] for x in call["legs"] if x["user"] == "1001")
        bad = []

        def patch():
            for i in range(40):
                status, _, body = request(
                    "PATCH", f"http://{c.gateways[0].http}/api/calls/"
                    f"{call['id']}/legs/{leg}", c.token,
                    {"muted": i % 2 == 0})
                if status != 200:
                    bad.append((status, body))
        thread = threading.Thread(target=patch)
        thread.start()
        for _ in range(2):
            move(c)
        thread.join()
        must(bad, [], "refused")
        must([x.get("muted", False) for x in only_call(c)["legs"]],
             [False, False], "muted")
        talk(box, "1001", "1011")
        end(box, "1001", "1011")
        assert_clean(c)


def test_drain():
    """SIGTERM: all calls of the node go on at the other one, and the process
    ends; then they can be hung up from both sides."""
    with cluster(nodes=2, later=("node-2",)) as c, phones() as box:
        users = [str(u) for u in range(1001, 1019)]
        for user in users:
            phone(box, c, user, codecs=["opus" if int(user) % 3 == 0
                                        else "PCMU"])
        pairs = list(zip(users[:9], users[9:]))
        for a, b in pairs:
            box.do("call", phone=a, to=b)
            box.expect("established", phone=a)
        phone(box, c, "1019")
        phone(box, c, "1020")
        for user, to in (("1019", "600"), ("1020", "601")):
            box.do("call", phone=user, to=to)
            box.expect("established", phone=user)
        c.join("node-2")
        watch(box, [(a, tone(b)) for a, b in pairs]
              + [(b, tone(a)) for a, b in pairs] + [("1019", tone("1019"))])
        hears(box, "1019", tone("1019"))
        node = c.nodes[0]
        took = c.drain(node, DRAIN_MOST_S)
        print(f"        drained in {took:.1f} s", flush=True)
        must(node.process.popen.wait(), 0, "exit code of the node")
        box.none("closed")
        for user in users + ["1019"]:
            gaps(box, user)
        items = c.api("GET", "/api/calls")["items"]
        must(sorted({x["node"] for x in items}), ["node-2"], "nodes")
        must(len(items), 11, "calls")
        talk(box, *pairs[0])
        events(c, CALL_MOVED=11, LEG_RESUMED=20)
        for i, (a, b) in enumerate(pairs):
            end(box, *((a, b) if i % 2 else (b, a)))
        box.do("hangup", phone="1019")
        box.do("hangup", phone="1020")
        assert_clean(c)


def test_drain_by_api():
    """POST drain empties a node that stays, DELETE lets it take calls."""
    c = shared()
    with phones() as box:
        two(box, c)
        node = only_call(c)["node"]
        c.api("POST", f"/api/nodes/{node}/drain")
        wait_for("it is empty", lambda: only_call(c)["node"] != node, 15)
        wait_for("nothing is left of it", lambda: gone(c), 15)
        shown = next(n for n in c.api("GET", "/api/nodes")["items"]
                     if n["id"] == node)
        must(shown["state"], "DRAINING", "state")
        talk(box, "1001", "1011")
        c.api("DELETE", f"/api/nodes/{node}/drain")
        wait_for("it takes calls again", lambda: all(
            n["state"] == "LIVE"
            for n in c.api("GET", "/api/nodes")["items"]))
        end(box, "1001", "1011")
        assert_clean(c)


def test_drain_alone():
    """No other node takes them: calls are served until the deadline, and a
    node that comes meanwhile gets them."""
    with cluster(nodes=2, later=("node-2",),
                 node_args=["--drain-s", "30"]) as c, phones() as box:
        two(box, c)
        node = c.nodes[0]
        node.process.signal(signal.SIGTERM)
        wait_for("it drains", lambda: c.api("GET", "/api/nodes")["items"][0]
                 ["state"] == "DRAINING")
        talk(box, "1001", "1011")
        c.later["node-2"].start()
        if not node.process.wait(20):
            raise Mismatch("it does not end when another node is there")
        c.nodes.remove(node)
        c.nodes.append(c.later.pop("node-2"))
        talk(box, "1001", "1011")
        end(box, "1011", "1001")
        assert_clean(c)


def said(member, text):
    """The lines of its log with a text."""
    with open(member.log, encoding="utf-8") as f:
        return [line for line in f if text in line]


def test_deadline():
    """Alone until the deadline: no BYE; who comes later adopts the calls.  The
    log says once of a call that it was not moved, and whose calls are adopted.
    """
    with cluster(nodes=2, later=("node-2",),
                 node_args=["--drain-s", "3"]) as c, phones() as box:
        two(box, c)
        node = c.nodes[0]
        begin = time.monotonic()
        c.drain(node, 10)
        took = time.monotonic() - begin
        if took < 2.9:
            raise Mismatch(f"gone after {took} s")
        must(node.process.popen.wait(), 0, "exit code of the node")
        must(len(said(node, "call not moved")), 1, "call not moved")
        box.none("closed")
        c.join("node-2")
        for who in ("1001", "1011"):
            box.expect("reinvited", phone=who, seconds=30)
        must([node.id in line for line in
              said(c.nodes[0], "calls of a node that died")], [True],
             "whose calls")
        talk(box, "1001", "1011")
        end(box, "1001", "1011")
        assert_clean(c)


# -------------------------------------------------- what comes in between

@contextmanager
def loaded(later=("node-2",), **kw):
    """Pairs and an echo on node-1, the other nodes empty; their tones are
    watched.  At the end all are hung up, and nothing is left."""
    with cluster(nodes=1 + len(later), later=later, **kw) as c, \
            phones() as box:
        users = [str(1001 + i) for i in range(20)]
        for user in users:
            phone(box, c, user)
        pairs = list(zip(users[:10], users[10:]))
        for a, b in pairs:
            box.do("call", phone=a, to=b)
            box.expect("established", phone=a)
            box.expect("established", phone=b)
        c.join(*later)
        watch(box, [(a, tone(b)) for a, b in pairs]
              + [(b, tone(a)) for a, b in pairs])
        for who in users:
            wait_for(f"{who} is heard", lambda w=who: not silent(box, w))
        yield c, box, pairs


def all_talk(box, pairs, most=5000):
    """Who was watched is told of another node, and is heard, all the time but
    for a gap."""
    for pair in pairs:
        for who in pair:
            wait_for(f"{who} is heard at its new node",
                     lambda w=who: not silent(box, w, reinvites=1), 15, 0.2)
            gaps(box, who, most)
    talk(box, *pairs[0])
    box.none("closed")


def silent(box, who, reinvites=0):
    box.do("tone_gaps", phone=who)
    got = box.expect("tone_gaps", phone=who)
    return got["silent"] or not got["heard"] or got["reinvites"] < reinvites


def end_all(c, box, pairs):
    for i, (a, b) in enumerate(pairs):
        end(box, *((a, b) if i % 2 else (b, a)))
    assert_clean(c, 20)


def events(c, **least):
    """How operators were told that the calls came where they are."""
    got = told(c)
    print("        " + " ".join(f"{k} {v}" for k, v in sorted(got.items())
                                if k.startswith(("CALL_A", "CALL_M",
                                                 "LEG_RES", "LEG_L"))),
          flush=True)
    for name, count in least.items():
        if got.get(name, 0) < count:
            raise Mismatch(f"{name}: {got}")
    must(got.get("LEG_LOST", 0), 0, "legs lost")


def first_reinvite(box):
    box.expect("reinvited", by="remote", seconds=10)


def test_taker_dies():
    """One of those that take the calls is killed while it does."""
    with loaded(("node-2", "node-3")) as (c, box, pairs):
        node, victim = c.nodes[0], c.nodes[1]
        node.process.signal(signal.SIGTERM)
        first_reinvite(box)
        victim.process.kill()
        c.nodes.remove(victim)
        if not node.process.wait(30):
            raise Mismatch("the node does not end")
        c.nodes.remove(node)
        # A phone that waits for the ACK of the dead one puts others off.
        all_talk(box, pairs, 12000)
        events(c, CALL_MOVED=1, CALL_ADOPTED=1, LEG_RESUMED=20)
        end_all(c, box, pairs)


def test_giver_dies():
    """The node that gives its calls away is killed while it does."""
    with loaded() as (c, box, pairs):
        for n in c.nodes:  # who has just come waits for a lease
            wait_for(f"{n.id} is settled",
                     lambda m=n: metrics(m)["sy_node_settled"])
        node = c.nodes[0]
        node.process.signal(signal.SIGTERM)
        first_reinvite(box)
        node.process.kill()
        c.nodes.remove(node)
        all_talk(box, pairs, 1500)
        events(c, CALL_MOVED=1, LEG_RESUMED=20)
        end_all(c, box, pairs)


def test_redis_stalls():
    """Redis stands still in the middle: everybody is heard meanwhile, and the
    rest moves afterwards."""
    with loaded() as (c, box, pairs):
        node = c.nodes[0]
        node.process.signal(signal.SIGTERM)
        first_reinvite(box)
        c.redis.signal(signal.SIGSTOP)
        try:
            for a, b in pairs[:3]:
                talk(box, a, b)
            time.sleep(2)
        finally:
            c.redis.signal(signal.SIGCONT)
        if not node.process.wait(30):
            raise Mismatch("the node does not end")
        c.nodes.remove(node)
        all_talk(box, pairs)
        end_all(c, box, pairs)


def test_hung_up_meanwhile():
    """Half of the calls end while they move."""
    with loaded() as (c, box, pairs):
        node = c.nodes[0]
        node.process.signal(signal.SIGTERM)
        for i, (a, b) in enumerate(pairs[:5]):
            box.do("hangup", phone=(a, b)[i % 2])
        for a, b in pairs[:5]:
            box.expect("closed", phone=a)
            box.expect("closed", phone=b)
        if not node.process.wait(15):
            raise Mismatch("the node does not end")
        c.nodes.remove(node)
        all_talk(box, pairs[5:])
        end_all(c, box, pairs[5:])


def test_room_that_fills():
    """Callers come to a conference that moves back and forth: one room."""
    c = shared()
    users = [str(u) for u in range(1001, 1016)]
    with phones() as box:
        for user in users:
            phone(box, c, user)
        box.do("call", phone=users[0], to="601")
        box.expect("established", phone=users[0])
        stop = threading.Event()
        moves = []

        def go():
            while not stop.is_set():
                call = only_call(c)
                status, _, _ = request(
                    "POST", f"http://{c.gateways[0].http}/api/calls/"
                    f"{call['id']}/move", c.token,
                    {"node": other(c, call["node"])})
                moves.append(status)
                time.sleep(0.2)
        thread = threading.Thread(target=go)
        thread.start()
        try:
            for user in users[1:]:
                box.do("call", phone=user, to="601")
                box.expect("established", phone=user)
                time.sleep(0.1)
        finally:
            stop.set()
            thread.join()
        print(f"        {moves.count(202)} moves of {len(moves)}", flush=True)
        must(moves.count(202) > 2, True, "it moved")
        must(len(only_call(c)["legs"]), len(users), "legs of the room")
        hears(box, users[0], tone(users[-1]))
        hears(box, users[-1], tone(users[0]))
        box.do("hangup", phone="1*")
        assert_clean(c, 20)
