# SPDX-License-Identifier: MIT
"""Twelve phones with four codecs in one conference: each hears the eleven
others and not itself; mute, hold and leaving are heard at once."""

from harness import Mismatch, assert_clean, cluster, phones, wait_for
from talk import hears, phone, tone

USERS = [str(1001 + i) for i in range(12)]
CODECS = ["PCMU", "PCMA", "G722", "opus"]
# A phone sends at -20 dB; a gap in the stream smears what is there.
HEARD_DB, UNHEARD_DB = -30, -40


def levels(box, users, ms=1000):
    """What each hears in the same second: {who: {of whom: dB}}."""
    for user in users:
        box.do("listen", phone=user, ms=ms, freqs=[tone(u) for u in USERS])
    heard = {}
    for user in users:
        got = box.expect("heard", phone=user)["tones"]
        heard[user] = {u: got[str(tone(u))] for u in USERS}
    return heard


def check(box, silent=()):
    """What everybody hears, for every pair.  A stall of the machine may
    spoil one second of it."""
    for left in (2, 1, 0):
        try:
            return check_once(box, silent)
        except Mismatch:
            if not left:
                raise


def check_once(box, silent):
    everybody = levels(box, [u for u in USERS if u not in silent])
    for me, heard in everybody.items():
        for you, db in heard.items():
            wanted = you != me and you not in silent
            if wanted and db < HEARD_DB:
                raise Mismatch(f"{me} does not hear {you}: {db} dB")
            if not wanted and db > UNHEARD_DB:
                raise Mismatch(f"{me} hears {you}: {db} dB")


def hub_of(c, legs):
    """The only call, once its record, which is written a moment after the
    answer, has so many legs."""
    calls = c.api("GET", "/api/calls")["items"]
    return calls if [len(x["legs"]) for x in calls] == [legs] else None


def test_twelve():
    with cluster(nodes=2) as c, phones() as box:
        for i, user in enumerate(USERS):
            phone(box, c, user, codecs=[CODECS[i % 4]])
            box.do("call", phone=user, to="601")
            box.expect("established", phone=user)
        calls = wait_for("one hub of twelve is listed",
                         lambda: hub_of(c, len(USERS)))
        hears(box, USERS[0], tone(USERS[11]))
        check(box)

        mute, hold, leave = USERS[1], USERS[2], USERS[3]
        leg = next(x["id"] for x in calls[0]["legs"] if x["user"] == mute)
        path = f"/api/calls/{calls[0]['id']}/legs/{leg}"
        c.api("PATCH", path, {"muted": True})
        hears(box, USERS[0], tone(mute), present=False, seconds=1)
        c.api("PATCH", path, {"muted": False})
        hears(box, USERS[0], tone(mute), seconds=1)

        box.do("hold", phone=hold)
        box.expect("held", phone=hold)
        hears(box, USERS[0], tone(hold), present=False, seconds=1)
        box.do("resume", phone=hold)
        box.expect("resumed", phone=hold)
        hears(box, USERS[0], tone(hold), seconds=1)

        box.do("hangup", phone=leave)
        hears(box, USERS[0], tone(leave), present=False, seconds=1)
        check(box, silent=(leave,))

        for user in USERS:
            if user != leave:
                box.do("hangup", phone=user)
                box.expect("closed", phone=user)
        assert_clean(c)


def test_one_leaves_while_one_enters():
    """Who calls a room just as its last guest leaves meets nobody, but is in
    a call that the cluster knows, with one node as with two."""
    with cluster(nodes=1) as c, phones() as box:
        for user in USERS[:2]:
            phone(box, c, user, media=False)
        last, enters = USERS[:2]
        box.do("call", phone=last, to="601")
        box.expect("established", phone=last)
        for i in range(60):
            box.do("hangup", phone=last)
            box.do("call", phone=enters, to="601")
            box.expect("established", phone=enters)
            box.expect("closed", phone=last)
            wait_for(f"the call of round {i} alone is shown", lambda: [
                len(x["legs"]) for x in
                c.api("GET", "/api/calls")["items"]] == [1], 5)
            last, enters = enters, last
        box.do("hangup", phone=last)
        assert_clean(c)
