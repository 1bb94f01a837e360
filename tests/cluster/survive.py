# SPDX-License-Identifier: MIT
"""Calls that are to outlive their machines: a load of every kind, what its
phones hear without a break, and how it ends.  Used by test_survive.py with
few calls, and by the bench of that name with many."""

import time
from collections import Counter, namedtuple

from harness import Mismatch, lasting_keys, wait_for
from wire import fields, stream

# Two-party calls, conferences and their members, ringing calls of each
# direction.
Plan = namedtuple("Plan", "pairs rooms members ringing")
FULL = Plan(200, 5, 10, 10)

# Users by what their phones do; the last digits count.
CALLERS, CALLEES, MEMBERS = 2000, 3000, 4000
RINGERS, RUNG, API_FROM, API_TO = 5000, 5100, 5200, 5300
NEWCOMER, NEWCOMERS = 5900, 2    # who call in between, and afterwards
CALLER_HZ, CALLEE_HZ = 440, 620
ROOM_HZ, ROOM_STEP_HZ = 440, 280


def config(plan):
    """Devices and conferences for a plan."""
    users = [CALLERS + i for i in range(plan.pairs)] \
        + [CALLEES + i for i in range(plan.pairs)] \
        + [MEMBERS + i for i in range(plan.rooms * plan.members)] \
        + [k + i for k in (RINGERS, RUNG, API_FROM, API_TO)
           for i in range(plan.ringing)] \
        + [NEWCOMER + i for i in range(NEWCOMERS)]
    return {
        "settings": {"realm": "switchyard",
                     "codecs": ["opus", "G722", "PCMU", "PCMA", "L16"]},
        "devices": [{"id": str(u), "password": f"demo-{u}"} for u in users],
        "routes": [
            *({"id": f"room-{r}", "order": 10 + r, "pattern": f"6{100 + r}",
               "target": {"conference": f"room-{r}"}}
              for r in range(plan.rooms)),
            {"id": "echo", "order": 200, "pattern": "600",
             "target": {"echo": True}},
            {"id": "phones", "order": 300, "pattern": "XXXX",
             "target": {"device": "$0"}}],
    }


class Load:
    """The calls of a plan, made by one process of phones."""

    def __init__(self, c, box, plan, laddr="127.0.0.1", **settings):
        self.c, self.box, self.plan = c, box, plan
        self.laddr, self.settings = laddr, settings
        self.api_ids = []
        self.ended = 0      # records that there should be by now
        self.has_newcomers = False

    @staticmethod
    def only_pairs(count):
        return Plan(count, 0, 0, 0)

    # ------------------------------------------------------------- begin

    def phones(self, name, count, first_user, **more):
        """Registered phones name0, name1, ..., spread over the routers."""
        routers = self.c.routers
        first_hz = more["tone_hz"]
        for k, router in enumerate(routers):
            ids = range(count * k // len(routers),
                        count * (k + 1) // len(routers))
            if not ids:
                continue
            if "tone_step" in more:
                more["tone_hz"] = first_hz + more["tone_step"] * ids[0]
            self.box.do("phones", id=f"{name}%d", count=len(ids),
                        first=ids[0], user="%d",
                        user_first=first_user + ids[0],
                        password="demo-%d", domain="switchyard",
                        proxy=router.udp, laddr=self.laddr,
                        **{"codecs": ["PCMU"], **self.settings, **more})
        self.box.do("register", phone=f"{name}*", rate=200)
        got = self.box.expect("registered_all", seconds=30)
        if got["ok"] != count:
            raise Mismatch(f"phones {name}: {got}")

    def up(self):
        """All of it: talking, and ringing."""
        self.talk_up()
        self.rooms_up()
        wait_for("every call is up",
                 lambda: self.stats()["calls"]["now"] == self.legs(), 30)
        self.ringing_up()
        self.arm()

    def legs(self):
        return 2 * self.plan.pairs + self.plan.rooms * self.plan.members

    def calls(self):
        return self.plan.pairs + self.plan.rooms + 2 * self.plan.ringing

    def newcomers(self):
        """n0 and n1, who have no call yet."""
        if not self.has_newcomers:
            self.phones("n", NEWCOMERS, NEWCOMER, tone_hz=CALLER_HZ)
        self.has_newcomers = True

    def talk_up(self):
        n = self.plan.pairs
        self.phones("a", n, CALLERS, tone_hz=CALLER_HZ, quiet=True)
        self.phones("b", n, CALLEES, tone_hz=CALLEE_HZ, quiet=True)
        for i in range(n):
            self.box.do("call", phone=f"a{i}", to=str(CALLEES + i))
            time.sleep(0.02)    # as many a second as people would

    def rooms_up(self):
        """Each member has a tone of its own, far from the others'."""
        rooms, members = self.plan.rooms, self.plan.members
        for r in range(rooms):
            self.phones(f"c{r}-", members, MEMBERS + r * members,
                        tone_hz=ROOM_HZ, tone_step=ROOM_STEP_HZ, quiet=True)
            for i in range(members):
                self.box.do("call", phone=f"c{r}-{i}", to=str(6100 + r))
                time.sleep(0.02)

    def ringing_up(self):
        """Phones that call phones, and the API that calls for them: there
        the first half rings the caller, the others the called."""
        n = self.plan.ringing
        for name, user in (("d", RINGERS), ("e", RUNG), ("f", API_FROM),
                           ("g", API_TO)):
            self.phones(name, n, user, answer="manual", tone_hz=CALLER_HZ
                        if name in "df" else CALLEE_HZ)
        for i in range(n):
            self.box.do("call", phone=f"d{i}", to=str(RUNG + i))
            self.box.expect("incoming", phone=f"e{i}")
            self.box.expect("ringing", phone=f"d{i}")
        for i in range(n):
            made = self.c.api("POST", "/api/calls", {
                "from": str(API_FROM + i), "to": str(API_TO + i)})
            self.api_ids.append(made["id"])
            self.box.expect("incoming", phone=f"f{i}")
            if i >= n // 2:
                self.box.do("answer", phone=f"f{i}")
                self.box.expect("established", phone=f"f{i}")
                self.box.expect("incoming", phone=f"g{i}")

    # -------------------------------------------------------------- hear

    def stats(self):
        self.box.do("stats")
        return self.box.expect("stats")

    def arm(self):
        """From now on: for how long does nobody hear whom it should?  An
        absence counts once the tone was heard, so everybody hears it now."""
        self.box.do("watch_tone", phone="a*", hz=CALLEE_HZ)
        self.box.do("watch_tone", phone="b*", hz=CALLER_HZ)
        for r in range(self.plan.rooms):
            for i in range(self.plan.members):
                j = (i + 1) % self.plan.members
                self.box.do("watch_tone", phone=f"c{r}-{i}",
                            hz=ROOM_HZ + ROOM_STEP_HZ * j)
        self.all_heard(15)

    def gaps(self, each=False):
        self.box.do("tone_gaps", phone="*", each=each)
        return self.box.expect("tone_gaps")

    def all_heard(self, seconds, reinvited=False):
        """Everybody hears whom it should; what the watches tell then."""
        got = {}

        def heard():
            nonlocal got
            got = self.gaps()
            return got["watched"] == self.legs() == got["heard"] \
                and not got["silent"] \
                and (not reinvited or got["reinvites"] >= self.legs())
        try:
            wait_for("all are heard", heard, seconds, 0.1)
        except Mismatch as e:
            raise Mismatch(f"{e}: of {self.legs()} legs: {got}") from None
        return got

    def unharmed(self):
        """Nobody was hung up by the other side."""
        stats = self.stats()
        if stats["byes"]:
            raise Mismatch(f"{stats['byes']} BYEs came: {stats}")
        return stats

    # --------------------------------------------------------------- end

    def answered(self, *names):
        for name in names:
            self.box.expect("established", phone=name, seconds=15)

    def hears(self, name, hz):
        self.box.do("expect", phone=name, hz=hz, within_ms=4000)
        got = self.box.expect("expected", phone=name, seconds=6)
        if not got["ok"]:
            raise Mismatch(f"{name} does not hear {hz} Hz: {got}")

    def closed(self, name, *codes):
        got = self.box.expect("closed", phone=name, seconds=15)
        if got["code"] not in codes:
            raise Mismatch(f"{name}: {got}, not one of {codes}")

    def end_ringing(self):
        """Each ringing call is answered and talks, or is cancelled, or is
        refused, in turn."""
        for i in range(self.plan.ringing):
            (self.answer, self.cancel, self.refuse)[i % 3](i)
        for i in range(self.plan.ringing):
            (self.api_answer, self.api_cancel)[i % 2](i)
        self.ended += 2 * self.plan.ringing

    def answer(self, i):
        self.box.do("answer", phone=f"e{i}")
        self.answered(f"e{i}", f"d{i}")
        self.hears(f"e{i}", CALLER_HZ)
        self.hears(f"d{i}", CALLEE_HZ)
        self.box.do("hangup", phone=f"d{i}" if i & 1 else f"e{i}")
        self.closed(f"d{i}", 200)
        self.closed(f"e{i}", 200)

    def cancel(self, i):
        self.box.do("cancel", phone=f"d{i}")
        self.closed(f"d{i}", 487)
        self.closed(f"e{i}", 487)

    def refuse(self, i):
        self.box.do("reject", phone=f"e{i}", code=486)
        self.closed(f"e{i}", 486)
        self.closed(f"d{i}", 486)

    def api_answer(self, i):
        if i < self.plan.ringing // 2:
            self.box.do("answer", phone=f"f{i}")
            self.answered(f"f{i}")
            self.box.expect("incoming", phone=f"g{i}")
        self.box.do("answer", phone=f"g{i}")
        self.answered(f"g{i}")
        self.hears(f"g{i}", CALLER_HZ)
        self.hears(f"f{i}", CALLEE_HZ)
        self.box.do("hangup", phone=f"g{i}")
        self.closed(f"g{i}", 200)
        self.closed(f"f{i}", 200)

    def api_cancel(self, i):
        self.c.api("DELETE", f"/api/calls/{self.api_ids[i]}")
        if i < self.plan.ringing // 2:
            self.closed(f"f{i}", 487)
        else:
            self.closed(f"g{i}", 487)
            self.closed(f"f{i}", 200)

    def hang_up(self):
        """The callers of one half, the called of the other; the members."""
        for i in range(self.plan.pairs):
            self.box.do("hangup", phone=f"{'ab'[i & 1]}{i}")
        self.box.do("hangup", phone="c*")
        wait_for("every call is hung up",
                 lambda: self.stats()["calls"]["now"] == 0, 20)
        self.ended += self.plan.pairs + self.plan.rooms


# ------------------------------------------------------------- what is left

def records(c):
    """The calls of sy:cdr."""
    return [fields(r[1][0]) for r in stream(c, "sy:cdr")]


def text(call, number):
    return call.get(number, [b""])[0].decode()


def check_records(c, count):
    """One record a call, each with its times, and legs that tell their
    ends; how often which end was told."""
    wait_for(f"{count} records", lambda: len(records(c)) >= count, 10)
    calls = records(c)
    ids = Counter(text(x, 1) for x in calls)
    twice = [i for i, n in ids.items() if n > 1]
    if twice or len(ids) != count:
        raise Mismatch(f"{len(ids)} calls in the records, not {count}; "
                       f"twice: {twice}")
    ends = Counter()
    for call in calls:
        legs = [fields(leg) for leg in call.get(9, [])]
        if len(legs) < 1 or 6 not in call or 8 not in call:
            raise Mismatch(f"not a whole record: {call}")
        ends[text(call, 12)] += 1
        for leg in legs:
            if leg.get(3) != [4] or 14 not in leg:
                raise Mismatch(f"a leg without an end: {leg} of {call}")
    return ends


# Event types that tell how calls came to another node (schema: EventType).
TOLD = {30: "CALL_ADOPTED", 31: "CALL_MOVED", 32: "LEG_RESUMED",
        33: "LEG_LOST"}


def told(c):
    """What operators are told: how many of these events, the longest gap of
    the legs that were resumed, and why legs were lost."""
    events = [e for e in stream(c, "sy:events") if e.get(2, [0])[0] in TOLD]
    count = Counter(TOLD[e[2][0]] for e in events)
    gaps = sorted(e.get(27, [0])[0] for e in events if e[2][0] == 32)
    reasons = Counter(text(e, 28) for e in events if e[2][0] == 33)
    return {**count, "gap_ms": gaps[-1] if gaps else None,
            "reasons": dict(reasons)}


def leftovers(c):
    """Keys that name processes and calls that are gone."""
    keys = [k for k in lasting_keys(c) if not k.startswith("sy:owned:")]
    keys += [k for k in c.redis_command("KEYS", "sy:owned:*")]
    live = {str(m["instance"]) for m in
            c.api("GET", "/api/nodes")["items"] if "instance" in m}
    owners = c.redis_command("HKEYS", "sy:owners") or []
    if live:
        keys += [f"sy:owners {o}" for o in owners if o not in live]
    return keys


# ------------------------------------------------------------------- hosts

REDIS_PORT = 6379


def across(hosts, core="core", **nodes):
    """How a cluster lies on hosts: all but the named nodes on `core`, where
    Redis listens by TCP."""
    names = {f"{kind}-{i}": hosts[core] for kind in ("router", "gateway")
             for i in range(1, 9)}
    names.update({k.replace("_", "-"): hosts[v] for k, v in nodes.items()})
    at = hosts[core].address
    return {
        "hosts": names, "port_base": 0,
        "redis_url": f"redis://{at}:{REDIS_PORT}",
        "redis_args": ["--port", str(REDIS_PORT), "--bind", at,
                       "--protected-mode", "no"],
    }
