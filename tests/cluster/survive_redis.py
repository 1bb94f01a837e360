# SPDX-License-Identifier: MIT
"""What is done to Redis under a load of calls, and what the phones tell:
restarted empty, stalled, failed over, and away for one node only."""

import signal
import time
from contextlib import ExitStack
from urllib.error import HTTPError

from harness import HELD, Mismatch, metrics, request, wait_for
from relay import Between
from sentinel import Servers
from survive import leftovers, told
from survive_runs import (LEASE_MS, end, gap_figures, loaded, spread,
                          takes_calls)

NEW_CALL_S = 5      # from when Redis is back to a call


class Meanwhile:
    """Calls that come and end while Redis is away, and what is listed."""

    def __init__(self, c, load):
        self.c, self.load, self.box = c, load, load.box
        self.figures = {}
        load.newcomers()
        self.box.do("call", phone="n1", to="600")
        self.box.expect("established", phone="n1")
        wait_for("all calls are listed", lambda: len(self.listed())
                 == load.calls() + 1)
        self.calls = self.listed()
        self.registered = self.devices()

    def listed(self):
        return sorted(x["id"] for x in self.items("/api/calls"))

    def devices(self):
        return sorted(x["device"] for x in self.items("/api/registrations"))

    def items(self, path):
        got = self.c.api("GET", f"{path}?limit=1000")["items"]
        if len(got) == 1000:
            raise Mismatch(f"{path}: more than a page")
        return got

    def away(self, until):
        """Redis is away: nobody is ready, nobody dies, new calls are refused,
        and a call that ends is over.  Until `until()`, and once more."""
        wait_for("nobody is ready", lambda: all(
            probe(m, "/readyz") == 503 for m in self.c.members()), 6)
        self.box.do("hangup", phone="n1")
        self.box.expect("closed", phone="n1")
        self.load.ended += 1
        refused, slowest = 0, 0.0
        done = False
        while not done:
            done = until()
            began = time.monotonic()
            self.box.do("call", phone="n0", to="600")
            got = self.box.expect("closed", phone="n0", seconds=10)
            if got["code"] != 503:
                raise Mismatch(f"a new call while Redis is away: {got}")
            refused += 1
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.5)
        for m in self.c.members():
            if probe(m, "/healthz") != 200:
                raise Mismatch(f"{m.id} is not healthy")
        self.figures.update(refused=refused, refused_slowest_s=slowest)

    def call(self, name, since, seconds):
        """A new call is answered, at last; seconds since then."""
        box = self.box
        while True:
            box.do("call", phone="n0", to="600")
            got = box.take(lambda e: e.get("phone") == "n0" and e["event"] in
                           ("established", "closed"), 10, "end of INVITE")
            took = time.monotonic() - since
            if got["event"] == "established":
                break
            if took > seconds:
                raise Mismatch(f"no new call after {took:.1f} s: {got}")
        box.do("hangup", phone="n0")
        box.expect("closed", phone="n0")
        self.load.ended += 1
        self.figures[name] = took

    def whole(self, since, ended=1):
        """Redis is back: truth is whole, and stays so when others could be
        taken for dead again."""
        def truth():
            try:
                got = self.listed()
            except HTTPError:   # 503: the gateway has not noticed yet
                return False
            return len(got) == len(self.calls) - ended \
                and set(got) <= set(self.calls) \
                and self.devices() == self.registered
        try:
            wait_for("exactly the running calls are listed", truth, 10)
        except Mismatch as e:
            got = self.listed()
            raise Mismatch(
                f"{e}: {len(got)} calls of {len(self.calls)} - {ended}, "
                f"strange: {set(got) - set(self.calls)}; "
                f"{len(self.devices())} of {len(self.registered)} "
                "registrations") from None
        self.figures["whole_s"] = time.monotonic() - since
        time.sleep(LEASE_MS / 1000 + 1)
        if not truth():
            raise Mismatch(f"listed later: {len(self.listed())} calls")


def probe(member, path):
    at = getattr(member, "http", None) or member.metrics
    return request("GET", f"http://{at}{path}")[0]


def outage(plan, hurt, until, heal, **kw):
    """Redis goes away for everybody, and comes back: nobody notices who
    talks, nobody is moved."""
    with loaded(plan, spread_out=True, **kw) as (c, load):
        before = spread(c)
        meanwhile = Meanwhile(c, load)
        load.arm()
        hurt(c)
        try:
            meanwhile.away(until)
        finally:
            heal(c)
        back = time.monotonic()
        meanwhile.call("new_call_s", back, NEW_CALL_S)
        meanwhile.whole(back)
        got = load.all_heard(5)
        figures = {**gap_figures(got, load.unharmed()), **meanwhile.figures}
        if got["reinvites"]:
            raise Mismatch(f"legs were taken though nobody died: {got}")
        if any(spread(c)[n] > before[n] + 1 for n in before):
            raise Mismatch(f"calls were moved: {before}, {spread(c)}")
        if told(c).get("CALL_ADOPTED"):
            raise Mismatch(f"events: {told(c)}")
        figures["spread"] = before
        figures["told"] = end(c, load)
        return figures


def lasts(seconds):
    """until(): so long since it was first asked."""
    since = []

    def until():
        since.append(time.monotonic())
        return since[-1] - since[0] >= seconds
    return until


def redis_empty(plan):
    """It is killed, and restarted with nothing."""
    return outage(plan, lambda c: c.redis.kill(), lasts(2),
                  lambda c: c.start_redis())


def redis_stall(plan, seconds=30):
    """It is stopped, and no connection ends."""
    return outage(plan, lambda c: c.redis.signal(signal.SIGSTOP),
                  lasts(seconds), lambda c: c.redis.signal(signal.SIGCONT))


def redis_failover(plan):
    """The master is killed; its replica follows, by Sentinel."""
    servers = Servers()
    with ExitStack() as stack:
        stack.callback(servers.stop)
        return outage(plan, servers.kill_master, lasts(0), lambda c: wait_for(
            "the replica is master", lambda: servers.promoted(c), 20, 0.005),
            **servers.settings())


def redis_cut(plan):
    """The node that has the calls is off Redis, and nothing else: others take
    its calls when its lease is over; back again, it lets go."""
    with ExitStack() as stack:
        between = Between(stack)
        c, load = stack.enter_context(loaded(plan, beside_redis=between))
        old = c.nodes[0]
        meanwhile = Meanwhile(c, load)
        load.arm()
        cut = time.monotonic()
        between.relay.cut()
        meanwhile.call("new_call_s", cut, 10)
        got = load.all_heard(LEASE_MS / 1000 + 20, reinvited=True)
        taken = time.monotonic()
        if probe(old, "/readyz") != 503 or probe(old, "/healthz") != 200:
            raise Mismatch("the node that is cut off is ready")
        between.relay.mend()
        mended = time.monotonic()
        wait_for("the old node is a member again",
                 lambda: probe(old, "/readyz") == 200)
        wait_for("the old node has let go of all", lambda: not held(old))
        meanwhile.figures["let_go_s"] = time.monotonic() - mended
        meanwhile.whole(mended, ended=0)
        got = load.all_heard(5)
        figures = {**gap_figures(got, load.unharmed()), **meanwhile.figures,
                   "taken_s": taken - cut, "spread": spread(c)}
        load.box.do("hangup", phone="n1")
        load.box.expect("closed", phone="n1")
        load.ended += 1
        takes_calls(load, old)
        figures["told"] = end(c, load, "CALL_ADOPTED")
        if leftovers(c):
            raise Mismatch(f"left in Redis: {leftovers(c)}")
        return figures


def held(node):
    """Dialogs that it had are remembered for half a minute, lest a peer is
    told that they are over."""
    got = metrics(node)
    return [k for k in HELD if got[k] and k != "sy_sip_dialogs"]
