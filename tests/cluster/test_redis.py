# SPDX-License-Identifier: MIT
"""Redis goes away, stalls, forgets, refuses writes, moves to another server:
running calls do not notice, new ones are told to come later, and afterwards
all is as it should be."""

import contextlib
import os
import shutil
import signal
import threading
import time

from harness import (HELD, Mismatch, Shared, assert_clean, cluster,
                     lasting_keys, metrics, must, phones, request, wait_for)
from lib.resp import RedisError
from rawphone import SDP, RawPhone
from relay import Between
from sentinel import Servers
from talk import call, end, late_ms, phone, talk, tone
from wire import fields, stream

USERS = [str(u) for u in range(1001, 1013)]
LEASE_S = 3
WARNING = "level=warn"
LONGEST_MS = 150   # a tone may be missed for: the machine's own hiccups,
                   # besides those that the phones notice


# One cluster for all that leave Redis' server where it is.
shared = Shared(nodes=2, routers=2)
finish = shared.finish


def probe(member, path):
    at = getattr(member, "http", None) or member.metrics
    return request("GET", f"http://{at}{path}")[0]


def ready(c, code):
    """What each member says of its readiness; all live."""
    for m in c.members():
        must(probe(m, "/healthz"), 200, f"{m.id}: /healthz")
    return all(probe(m, "/readyz") == code for m in c.members())


class Calls:
    """Phones, and calls of several kinds, from before an outage."""

    def __init__(self, c, box):
        self.c, self.box = c, box
        for i, user in enumerate(USERS):
            phone(box, c, user, proxy=c.routers[i % 2].udp)
        self.before = len(stream(c, "sy:cdr"))
        self.tried = 0
        call(box, "1001", "1002")   # stays, and is listened to
        call(box, "1011", "1012")   # stays
        call(box, "1003", "1004")   # ends meanwhile
        for user in ("1005", "1006"):
            box.do("call", phone=user, to="601")
            box.expect("established", phone=user)
        box.do("set", phone="1008", answer="manual")
        box.do("call", phone="1007", to="1008")   # rings on
        box.expect("incoming", phone="1008")
        box.expect("ringing", phone="1007")
        talk(box, "1001", "1002")
        talk(box, "1005", "1006")
        wait_for("all calls are listed", lambda: len(self.listed()) == 5)
        self.ids = self.listed()
        for me, you in (("1001", "1002"), ("1002", "1001")):
            box.do("watch_tone", phone=me, hz=tone(you))

    def listed(self):
        return sorted(x["id"] for x in
                      self.c.api("GET", "/api/calls")["items"])

    def inside(self):
        """What happens within a call."""
        box = self.box
        for what in (("hold", "held"), ("resume", "resumed")):
            box.do(what[0], phone="1011")
            box.expect(what[1], phone="1011", by="local")
        box.do("dtmf", phone="1012", digits="7")
        box.expect("dtmf", phone="1011", digit="7")

    def meanwhile(self):
        """During the outage."""
        c, box = self.c, self.box
        wait_for("nobody is ready", lambda: ready(c, 503), 6)
        self.inside()
        end(box, "1003", "1004")
        box.do("call", phone="1009", to="1010")
        must(box.expect("closed", phone="1009")["code"], 503, "new call")
        self.told_to_wait()
        for method, path, body in (
                ("GET", "/api/calls", None),
                ("POST", "/api/calls", {"from": "1009", "to": "1010"}),
                ("GET", "/api/registrations", None)):
            start = time.monotonic()
            status, head, got = request(
                method, f"http://{c.gateways[0].http}{path}", c.token, body)
            took = time.monotonic() - start
            if status != 503 or took > 2.7 or "problem" not in \
                    head["Content-Type"]:
                # what is only read may be read still
                if method == "GET" and status == 200:
                    continue
                raise Mismatch(f"{method} {path}: {status} after "
                               f"{took:.1f} s: {got}")
        talk(box, "1001", "1002")
        talk(box, "1005", "1006")

    def told_to_wait(self):
        uri = "sip:1010@switchyard"
        with RawPhone(self.c.routers[1], "1009") as raw:
            refused = raw.ask(raw.invite("1010"))
            if refused.code == 407:
                refused = raw.ask(raw.challenged(
                    "INVITE", uri, SDP.format(port=40000)))
        must(refused.code, 503, "new call")
        if not refused.get("retry-after").isdigit():
            raise Mismatch(f"no Retry-After: {refused.raw}")

    def new_call(self, seconds=5):
        """A new call is answered within so long.  Until then it may be
        refused, also by a node (which makes a record of it): registrations
        are back a moment after the nodes."""
        box = self.box
        until = time.monotonic() + seconds
        while True:
            self.tried += 1
            box.do("call", phone="1009", to="1010")
            ev = box.take(lambda e: e.get("phone") == "1009" and e["event"]
                          in ("established", "closed"), 10, "end of INVITE")
            if ev["event"] == "established":
                break
            if time.monotonic() > until:
                raise Mismatch(f"no new call after {seconds} s: {ev}")
        box.expect("established", phone="1010")
        talk(box, "1009", "1010")
        end(box, "1010", "1009")

    def afterwards(self, lost_records=0, ended=True):
        """All is well again."""
        c, box = self.c, self.box
        self.new_call()
        wait_for("all are ready", lambda: ready(c, 200), 5)
        stay = len(self.ids) - ended
        wait_for("exactly the running calls are listed", lambda: (
            set(self.listed()) <= set(self.ids)
            and len(self.listed()) == stay), 5)
        wait_for("all are registered", lambda: sorted(
            r["device"] for r in c.api("GET", "/api/registrations")["items"])
            == USERS, 5)
        box.do("register", phone="1010")
        must(box.expect("registered", phone="1010")["code"], 200, "REGISTER")
        self.inside()
        box.do("cancel", phone="1007")
        must(box.expect("closed", phone="1007")["code"], 487, "CANCEL")
        box.expect("closed", phone="1008")
        box.do("call", phone="1008", to="601")   # it is the same room
        box.expect("established", phone="1008")
        talk(box, "1008", "1005")
        for user in ("1008", "1005", "1006"):
            box.do("hangup", phone=user)
            box.expect("closed", phone=user)
        self.heard()
        end(box, "1002", "1001")
        end(box, "1011", "1012")
        if not ended:
            end(box, "1003", "1004")
        assert_clean(c, keys=lasting_keys)
        self.recorded(lost_records)

    def heard(self):
        self.box.do("tone_gaps", phone="100*", each=True)
        got = self.box.expect("tone_gaps")
        must((got["watched"], got["silent"]), (2, 0), f"watched: {got}")
        if got["longest_ms"]["max"] > LONGEST_MS + late_ms(self.box):
            raise Mismatch(f"audio was missed: {got}")
        print(f"        a tone was missed for {got['longest_ms']['max']} ms "
              "at most", flush=True)

    def recorded(self, lost):
        """One record a call: those from before, the new one, and at most one
        of each attempt that failed before that."""
        new, ids = [], []
        for rec in stream(self.c, "sy:cdr")[max(0, self.before - lost):]:
            made = fields(rec[1][0])
            ids.append(made[1][0])
            if made[1][0].decode() not in self.ids:
                new.append((made[10][0], made[11][0]))
        must(len(set(ids)), len(ids), "records of different calls")
        must(len(ids) - len(new), len(self.ids), "records of the calls")
        must(set(new), {(b"1009", b"1010")}, "other records")
        if len(new) > self.tried:
            raise Mismatch(f"{len(new)} records of {self.tried} calls")


def outage(hurt, heal, lost_history=False):
    c = shared()
    with phones() as box:
        calls = Calls(c, box)
        try:
            hurt(c)
            calls.meanwhile()
        finally:
            heal(c)
        calls.afterwards(calls.before if lost_history else 0)


# ------------------------------------------------------------- it goes away

def test_killed_and_empty():
    """It dies and has forgotten everything: configuration, registrations,
    calls are there again by themselves."""
    outage(lambda c: c.redis.kill(), lambda c: c.start_redis(),
           lost_history=True)


def warnings(c):
    """The warnings in each process' log."""
    lines = {}
    for m in c.members():
        with open(m.log, encoding="utf-8") as f:
            lines[m.id] = [x.strip() for x in f if WARNING in x]
    return lines


def test_said_once():
    """A warning a process that Redis is gone, and none that it is back."""
    with cluster(nodes=1) as c:
        wait_for("all are ready", lambda: ready(c, 200))
        before = warnings(c)
        c.redis.kill()
        wait_for("nobody is ready", lambda: ready(c, 503))
        time.sleep(LEASE_S)   # there is nothing to see when it is over
        c.start_redis()
        wait_for("all are ready", lambda: ready(c, 200), 20)
        for name, lines in warnings(c).items():
            lines = [x for x in lines if x not in before[name]
                     and "configuration" not in x
                     and "accounts" not in x]
            must(len(lines), 1, f"warnings of {name}: {lines}")


def test_stalled():
    """It does not answer, and no connection ends."""
    stall(6)


def stall(seconds):
    def hurt(c):
        c.redis.signal(signal.SIGSTOP)
        hurt.since = time.monotonic()

    def heal(c):
        wait_for("it was stalled for long", lambda:
                 time.monotonic() - hurt.since > seconds,
                 seconds + 10)
        c.redis.signal(signal.SIGCONT)
    outage(hurt, heal)


def test_connections_killed():
    """All connections end at once, and again."""
    c = shared()
    with phones() as box:
        calls = Calls(c, box)
        for _ in range(3):
            for kind in ("normal", "pubsub"):
                c.redis_command("CLIENT", "KILL", "TYPE", kind, "SKIPME",
                                "yes")
            wait_for("all are back", lambda: len(
                c.redis_command("CLIENT", "LIST").splitlines())
                > 2 * len(c.members()), 3)
        calls.inside()
        calls.afterwards(ended=False)


def test_loading():
    """It restarts, and reads its data for seconds."""
    def load(c):
        for i in range(400):
            c.redis_command("SET", f"fill:{i}", "x" * 2000)
        c.redis_command("SAVE")
        c.redis.kill()
        slow = ["--key-load-delay", "15000",
                "--loading-process-events-interval-bytes", "1024"]
        c.redis_args += slow
        load.start = threading.Thread(target=start, args=(c,), daemon=True)
        load.start.start()
        wait_for("it loads", lambda: is_loading(c))

    def start(c):
        while True:
            try:
                c.start_redis()
                return
            except RedisError:   # of PING: it was started, and loads
                wait_for("it has loaded", lambda: not is_loading(c), 30)
                return

    def loaded(c):
        load.start.join()
        del c.redis_args[-4:]
        c.redis_command("CONFIG", "SET", "key-load-delay", "0")
        for i in range(400):
            c.redis_command("DEL", f"fill:{i}")
        os.unlink(c.path("redis", "dump.rdb"))
    outage(load, loaded)


def is_loading(c):
    try:
        c.redis_command("PING")
    except RedisError as e:
        return str(e).startswith("LOADING")
    except OSError:
        return True
    return False


# ------------------------------------------------------ it refuses to write

def config_set(name, value):
    return lambda c: c.redis_command("CONFIG", "SET", name, value)


def test_out_of_memory():
    outage(config_set("maxmemory", "1"), config_set("maxmemory", "0"))


def test_made_a_replica():
    """READONLY: somebody else is master now, whom nobody knows."""
    outage(lambda c: c.redis_command("REPLICAOF", "127.0.0.1", "1"),
           lambda c: c.redis_command("REPLICAOF", "NO", "ONE"))


def test_disk_full():
    """MISCONF: what it should write down it cannot."""
    def fill(c):
        c.redis_command("CONFIG", "SET", "save", "3600 1000000")
        shutil.rmtree(c.path("redis"))
        c.redis_command("BGSAVE")
        wait_for("it failed to save", lambda: "rdb_last_bgsave_status:err"
                 in c.redis_command("INFO", "persistence"))

    def clean(c):
        os.makedirs(c.path("redis"), mode=0o700)
        c.redis_command("CONFIG", "SET", "save", "")
    outage(fill, clean)


# ---------------------------------------------------------------- it moves

def test_failover():
    """The master dies; Sentinel makes the replica master: followed within
    seconds, and nothing is lost."""
    servers = Servers()
    with contextlib.closing(contextlib.ExitStack()) as stack:
        stack.callback(servers.stop)
        c = stack.enter_context(cluster(
            nodes=2, routers=2, **servers.settings()))
        box = stack.enter_context(phones())
        calls = Calls(c, box)
        start = time.monotonic()
        servers.kill_master(c)
        calls.inside()
        end(box, "1003", "1004")
        wait_for("the replica is master", lambda: servers.promoted(c), 20)
        moved = time.monotonic()
        calls.afterwards()
        print(f"        promoted after {moved - start:.1f} s", flush=True)


# ------------------------------------------------------- one node is cut off

def test_one_node_cut_off():
    """One node is off Redis, and nothing else: its calls go on, another node
    takes them, and when it is back it has let go."""
    with contextlib.ExitStack() as stack:
        between = Between(stack)
        c = stack.enter_context(cluster(nodes=2, beside_redis=between))
        box = stack.enter_context(phones())
        cut_off(c, box, between.relay)


def cut_off(c, box, relay):
    pairs = list(zip(USERS[::2], USERS[1::2]))
    for user in USERS:
        phone(box, c, user)
    for a, b in pairs:
        call(box, a, b)
        talk(box, a, b)
    mine = c.nodes[0].id
    before = where(c)
    theirs = {i for i, node in before.items() if node == mine}
    if not theirs or len(before) != len(pairs):
        raise Mismatch(f"no call on {mine}: {before}")
    for a, b in pairs:
        box.do("watch_tone", phone=a, hz=tone(b))
        box.do("watch_tone", phone=b, hz=tone(a))

    relay.cut()
    wait_for("it is not ready", lambda: probe(c.nodes[0], "/readyz") == 503)
    must(probe(c.nodes[0], "/healthz"), 200, "/healthz")
    wait_for("the other node has its calls", lambda: mine not in
             where(c).values() and len(where(c)) == len(pairs), 20)
    for a, b in pairs:
        talk(box, a, b)
    relay.mend()
    wait_for("it is back", lambda: probe(c.nodes[0], "/readyz") == 200)
    try:
        wait_for("it has let go", lambda: not any(held(c.nodes[0]).values()))
    except Mismatch as e:
        raise Mismatch(f"{e}: {held(c.nodes[0])}") from None
    must(set(where(c)), set(before), "calls")
    for a, b in pairs:
        talk(box, a, b)
    box.none("closed")
    box.do("tone_gaps", phone="10*", each=True)
    got = box.expect("tone_gaps")
    must((got["watched"], got["silent"]), (len(USERS), 0), f"watched: {got}")
    print(f"        {len(theirs)} of {len(pairs)} calls were taken over; a "
          f"tone was missed for {got['longest_ms']['max']:.0f} ms at most",
          flush=True)
    for a, b in pairs:
        end(box, b, a)
    assert_clean(c, 45, keys=lasting_keys)
    records = [rec[1][0] for rec in stream(c, "sy:cdr")]
    must((len(records), len(set(records))), (len(pairs), len(pairs)),
         "records of calls")


def held(node):
    """What calls hold in a node, but for dialogs: those that it had are
    remembered for half a minute, lest a peer is told that they are over."""
    m = metrics(node)
    return {k: m[k] for k in HELD if k != "sy_sip_dialogs"}


def where(c):
    """The node of each call."""
    return {x["id"]: x["node"] for x in c.api("GET", "/api/calls")["items"]}
