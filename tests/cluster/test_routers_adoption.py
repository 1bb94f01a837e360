# SPDX-License-Identifier: MIT
"""Routers while a node's calls are adopted: what is for the dead node reaches
the one that takes its calls over, through any router; rooms stay one."""

import signal

from harness import (Mismatch, assert_clean, cluster, metrics, phones,
                     wait_for)
from talk import call, end, hears, phone, talk, tone


def start(c, box):
    """Phones behind either router; their calls on node-1 alone."""
    a, b = c.routers
    for user in range(1001, 1013):
        phone(box, c, str(user), proxy=(a if user % 2 else b).udp,
              answer="manual" if user in (1002, 1004, 1006) else "auto")
    for user in ("1007", "1008"):
        box.do("call", phone=user, to="601")
        box.expect("established", phone=user)
    for caller, callee in (("1001", "1002"), ("1003", "1004"),
                           ("1005", "1006")):
        box.do("call", phone=caller, to=callee)
        box.expect("ringing", phone=caller)
        box.expect("incoming", phone=callee)
    call(box, "1009", "1010")
    talk(box, "1009", "1010")


def live(c):
    return [n["id"] for n in c.api("GET", "/api/nodes")["items"]]


def orphans(c, result):
    return sum(metrics(r)[f'sy_router_orphans_total{{result="{result}"}}']
               for r in c.routers)


def room_is_one(c):
    rooms = [x for x in c.api("GET", "/api/calls")["items"]
             if "conference" in x.get("destination", {})]
    if len(rooms) != 1:
        raise Mismatch(f"the conference is {len(rooms)} calls: {rooms}")


def at_once(box):
    """All of this while the calls are still being taken over."""
    box.do("cancel", phone="1001")
    box.do("answer", phone="1004")
    box.do("reject", phone="1006", code=486)
    box.do("hangup", phone="1010")
    for user in ("1011", "1012"):
        box.do("call", phone=user, to="601")


def outcome(c, box):
    for user, code in (("1001", 487), ("1002", 487), ("1005", 486),
                       ("1006", 486)):
        box.expect("closed", phone=user, code=code, seconds=15)
    for user in ("1003", "1004", "1011", "1012"):
        box.expect("established", phone=user, seconds=15)
    for user in ("1009", "1010"):
        box.expect("closed", phone=user, seconds=15)
    talk(box, "1003", "1004")
    for me, you in (("1007", "1011"), ("1011", "1012"), ("1012", "1008")):
        hears(box, me, tone(you))
    room_is_one(c)
    end(box, "1004", "1003")
    for user in ("1007", "1008", "1011", "1012"):
        box.do("hangup", phone=user)
        box.expect("closed", phone=user)
    wait_for("some waited for a new owner", lambda: orphans(c, "found"))
    if orphans(c, "late"):
        raise Mismatch(f"{orphans(c, 'late')} messages found no owner")
    assert_clean(c, 5)


def test_messages_for_a_killed_node():
    with cluster(routers=2, nodes=2, later=["node-2"]) as c, phones() as box:
        start(c, box)
        c.join("node-2")
        node = c.nodes[0]
        node.process.kill()
        c.left(node)
        at_once(box)
        outcome(c, box)


def test_messages_for_a_paused_node():
    """It is declared dead, and then goes on: not with these calls."""
    with cluster(routers=2, nodes=2, later=["node-2"]) as c, phones() as box:
        start(c, box)
        c.join("node-2")
        node = c.nodes[0]
        node.process.signal(signal.SIGSTOP)
        try:
            wait_for("it is taken for dead",
                     lambda: node.id not in live(c))
        finally:
            node.process.signal(signal.SIGCONT)
        wait_for("it is back", lambda: node.id in live(c))
        at_once(box)
        outcome(c, box)
