# SPDX-License-Identifier: MIT
"""What is done to a cluster with calls, and what its phones tell: a death, a
cut, a drain, a rolling restart.  Each gives its figures, and raises Mismatch
where a call was lost; test_survive.py and the bench run the same."""

import signal
import time
from collections import Counter
from contextlib import ExitStack, contextmanager

from harness import (Mismatch, HELD, assert_clean, cluster, metrics, phones,
                     wait_for)
from hosts import Hosts
from survive import (CALLEES, CALLERS, Load, across, check_records,
                     config, leftovers, told)

LEASE_MS = 3000
DRAIN_EXIT_S = 75       # the deadline of a drain, and some more
OTHERS = ("node-2", "node-3")


@contextmanager
def loaded(plan, hosts=None, spread_out=False, **kw):
    """A cluster whose first node has every call of the plan, with two empty
    nodes beside it; or whose three nodes share them: (cluster, load)."""
    later = () if spread_out else OTHERS
    with ExitStack() as stack:
        laddr = "127.0.0.1"
        if hosts:
            laddr = stack.enter_context(hosts["core"].inside()).address
            kw.update(across(hosts, node_1="one", node_2="two",
                             node_3="three"))
        c = stack.enter_context(cluster(nodes=3, routers=2,
                                        config=config(plan), later=later,
                                        **kw))
        box = stack.enter_context(phones())
        load = Load(c, box, plan, laddr)
        load.up()
        c.join(*later)
        # Who came a moment ago does not tell yet who is dead.
        time.sleep(LEASE_MS / 1000 + 0.5)
        load.arm()
        yield c, load


def gap_figures(got, stats):
    """What the phones heard, and how well they kept their own time."""
    gap = got["longest_ms"]
    return {"gap_p50_ms": gap["p50"], "gap_p99_ms": gap["p99"],
            "gap_max_ms": gap["max"], "legs": got["watched"],
            "phones_late_steps": stats["clock"]["late"],
            "phones_late_max_ms": stats["clock"]["late_ms_max"]}


def spread(c):
    """How many calls each node has."""
    return {n.id: int(metrics(n)["sy_node_hubs"]) for n in c.nodes}


def end(c, load, how=None):
    """Ringing calls are answered, cancelled and refused, the others hung up
    from both sides; each left one whole record, and nothing else.  What
    operators were told of how calls came to another node is right."""
    load.unharmed()
    evidence = told(c)
    if how and (evidence.get(how, 0) < load.plan.pairs + load.plan.rooms
                or evidence.get("LEG_RESUMED", 0) < load.legs()
                or "LEG_LOST" in evidence):
        raise Mismatch(f"events: {evidence}")
    load.end_ringing()
    load.hang_up()
    assert_clean(c, 20)
    ends = check_records(c, load.ended)
    wait_for("nothing is left in Redis", lambda: not leftovers(c), 15)
    return {"records": dict(ends), "events": evidence}


def quiet(plan, seconds=10):
    """Nothing is done: what the machine and the phones add to the others."""
    with loaded(plan) as (c, load):
        time.sleep(seconds)
        figures = gap_figures(load.all_heard(5), load.unharmed())
        end(c, load)
        return figures


# -------------------------------------------------------------------- death

def kill(plan):
    """kill -9 of the node that has the calls."""
    with loaded(plan) as (c, load):
        victim = c.nodes[0]
        c.left(victim)
        victim.process.kill()
        got = load.all_heard(20, reinvited=True)
        figures = gap_figures(got, load.unharmed())
        figures["spread"] = spread(c)
        measured(c, "adoption", load)
        figures["told"] = end(c, load, "CALL_ADOPTED")
        return figures


def kill_twice(plan):
    """The one that takes them dies while it does, after its first legs."""
    with loaded(plan) as (c, load):
        first, second = c.nodes[:2]
        c.left(first)
        first.process.kill()
        wait_for("the first legs are taken", lambda: load.stats()["reinvites"],
                 20)
        c.left(second)
        second.process.kill()
        got = load.all_heard(20, reinvited=True)
        figures = gap_figures(got, load.unharmed())
        figures["told"] = end(c, load)
        return figures


def cut(plan):
    """The network of the node's host is cut, and comes back when others have
    taken the calls."""
    with Hosts("core", "one", "two", "three") as hosts, \
            loaded(plan, hosts) as (c, load):
        old = c.nodes[0]
        hosts.cut("one")
        try:
            got = load.all_heard(LEASE_MS / 1000 + 20, reinvited=True)
        finally:
            hosts.mend("one")
        figures = gap_figures(got, load.unharmed())
        wait_for("the old node is a member again",
                 lambda: state(c, old.id) == "LIVE", 20)
        wait_for("the old node has let go of all", lambda: not held(old), 20)
        figures["spread"] = spread(c)
        load.arm()
        load.unharmed()
        takes_calls(load, old)
        figures["told"] = end(c, load, "CALL_ADOPTED")
        return figures


def measured(c, name, load):
    """The histogram of the gaps has each leg that was resumed, once, and none
    beyond its last bucket."""
    name = f"sy_node_{name}_gap_seconds"
    got = Counter()

    def is_whole():
        got.clear()
        for node in c.nodes:
            got.update({k: v for k, v in metrics(node).items()
                        if k.startswith(name)})
        buckets = [v for k, v in got.items()
                   if k.startswith(f"{name}_bucket")]
        count = got[f"{name}_count"]
        return count >= load.legs() and got[f"{name}_sum"] and \
            count == told(c).get("LEG_RESUMED") and \
            buckets == sorted(buckets) and buckets[-2:] == [count, count]
    try:
        wait_for(name, is_whole, 5, 0.1)
    except Mismatch:
        raise Mismatch(f"{name}: {dict(got)}, told {told(c)}") from None


def state(c, name):
    return next((n["state"] for n in c.api("GET", "/api/nodes")["items"]
                 if n["id"] == name), None)


def held(member):
    got = metrics(member)
    return {k: got[k] for k in HELD if got[k]}


def takes_calls(load, node):
    """New calls are placed on a node once its load of before is forgotten."""
    load.newcomers()

    def placed():
        load.box.do("call", phone="n0", to="600")
        load.box.expect("established", phone="n0")
        here = "sy_node_hubs" in held(node)
        load.box.do("hangup", phone="n0")
        load.box.expect("closed", phone="n0")
        load.ended += 1
        return here
    wait_for(f"a new call on {node.id}", placed, 40, 0.2)


# -------------------------------------------------------------------- drain

def drain(plan):
    """SIGTERM to the node that has the calls."""
    with loaded(plan) as (c, load):
        leaving = c.nodes[0]
        began = time.monotonic()
        leaving.process.signal(signal.SIGTERM)
        if not leaving.process.wait(DRAIN_EXIT_S):
            raise Mismatch(f"{leaving.id} has not ended in {DRAIN_EXIT_S} s:"
                           f" {held(leaving)}")
        seconds = time.monotonic() - began
        c.left(leaving)
        got = load.all_heard(10, reinvited=True)
        figures = gap_figures(got, load.unharmed())
        figures["exit_s"] = seconds
        figures["spread"] = spread(c)
        measured(c, "move", load)
        figures["told"] = end(c, load, "CALL_MOVED")
        return figures


# ------------------------------------------------------------------ rolling

def rolling(pairs, rate, seconds, counts=(3, 2, 2)):
    """Each member in turn is ended by SIGTERM and started again, while calls
    come and go at a rate."""
    nodes, routers, gateways = counts
    plan = Load.only_pairs(pairs)
    total = {"calls": 0, "answered": 0, "ok": 0, "failed": {}, "dropped": 0,
             "gap_p99_ms": 0.0, "gap_max_ms": 0.0}
    with cluster(nodes=nodes, routers=routers, gateways=gateways,
                 config=config(plan)) as c, phones() as box:
        load = Load(c, box, plan)
        load.phones("a", pairs, CALLERS, tone_hz=440, quiet=True)
        load.phones("b", pairs, CALLEES, tone_hz=620, quiet=True)
        rest = c.members()
        while rest:
            box.forget()    # how the load before went on
            box.do("load", **{"from": "a%d", "to": "b%d", "first": 0,
                              "count": int(rate * seconds), "rate": rate,
                              "hold_ms": int(seconds * 500), "gaps": True,
                              "progress_ms": 200})
            steady(box, rate * seconds / 2)
            member = next_of(c, rest)
            rest.remove(member)
            restart(c, member)
            add(total, box.expect("load", seconds=3 * seconds + 60),
                member.id)
        stats = load.stats()
        assert_clean(c, 30)
        total["told"] = told(c)
        total["ends"] = dict(check_records(c, total["answered"]))
    total["phones_late_steps"] = stats["clock"]["late"]
    total["phones_late_max_ms"] = stats["clock"]["late_ms_max"]
    return total


def next_of(c, rest):
    """Whose turn it is; of the nodes the one with the most calls, so that
    some are moved however few there are."""
    nodes = [m for m in rest if m in c.nodes]
    if rest[0] not in nodes:
        return rest[0]
    count = Counter(x["node"] for x in c.api("GET", "/api/calls")["items"])
    return max(nodes, key=lambda m: count[m.id])


def steady(box, calls):
    """As many calls are up as there will be at a time, but for a few."""
    while box.expect("load_progress", seconds=30)["now"] < 0.9 * calls:
        pass


def restart(c, member):
    old = member.process
    old.signal(signal.SIGTERM)
    if not old.wait(DRAIN_EXIT_S):
        raise Mismatch(f"{member.id} has not ended in {DRAIN_EXIT_S} s")
    c.left(member)
    c.join(member.id)


def add(total, got, name):
    """One load's summary to the sum of all."""
    for key in ("calls", "answered", "ok", "dropped"):
        total[key] += got[key]
    for code, n in got["failed"].items():
        key = f"{name}: {code}"
        total["failed"][key] = total["failed"].get(key, 0) + n
    gap = got["gap_ms"]
    total["gap_p99_ms"] = max(total["gap_p99_ms"], gap["p99"] or 0)
    if (gap["max"] or 0) > total["gap_max_ms"]:
        total["gap_max_ms"], total["gap_max_at"] = gap["max"], name
