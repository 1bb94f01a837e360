# SPDX-License-Identifier: MIT
"""Calls outlive their machines: few calls of every kind, and what becomes of
them.  `tests/run bench survive` does the same with many, for the figures."""

from harness import Mismatch, cluster, metrics, phones
from hosts import Hosts
from survive import Load, Plan, across, config
from survive_runs import cut, drain, end, kill, kill_twice, rolling
from survive_strangers import strangers
from talk import late_ms

FEW = Plan(pairs=10, rooms=1, members=5, ringing=6)


def late_ticks(node):
    """One for each 20 ms that its media stood still."""
    return metrics(node)["sy_media_late_ticks_total"]


def test_nobody_dies():
    """The load by itself: nobody's tone is missed, no re-INVITE comes."""
    with cluster(nodes=2, routers=2, config=config(FEW),
                 later=["node-2"]) as c, phones() as box:
        load = Load(c, box, FEW)
        load.up()
        before = late_ticks(c.nodes[0])
        c.join("node-2")
        got = load.all_heard(5)
        stalled = late_ms(box) + 20 * (late_ticks(c.nodes[0]) - before)
        if got["reinvites"] or got["longest_ms"]["p50"] > 20 + stalled:
            raise Mismatch(f"not quiet but for {stalled} ms: {got}")
        end(c, load)


def test_short_cut():
    """The host of the node is off the network for a second, less than its
    lease: silence meanwhile, and nothing else."""
    with Hosts("core", "one", "two") as hosts, \
            hosts["core"].inside() as core, \
            cluster(nodes=2, config=config(FEW), later=["node-2"],
                    **across(hosts, node_1="one", node_2="two")) as c, \
            phones() as box:
        load = Load(c, box, FEW, core.address)
        load.up()
        c.join("node-2")
        hosts.cut("one")
        try:
            box.do("expect", phone="a0", hz=620, present=False,
                   within_ms=3000, window_ms=300)
            if not box.expect("expected", phone="a0")["ok"]:
                raise Mismatch("the host is heard though it is cut off")
        finally:
            hosts.mend("one")
        got = load.all_heard(10)
        if got["reinvites"] or not 200 < got["longest_ms"]["p50"] < 2500:
            raise Mismatch(f"not a short cut: {got}")
        end(c, load)


# Generous, for a machine that does other things too; the bench tells.
KILL_MAX_MS, CUT_MAX_MS, DRAIN_MAX_MS, DRAIN_EXIT_MAX_S = 3000, 6000, 400, 15
TOLD_OFF_MAX_MS = 200


def shorter(got, most_ms):
    """Nobody was not heard for longer."""
    print(f"        gaps p50 {got['gap_p50_ms']:.0f} ms, p99 "
          f"{got['gap_p99_ms']:.0f} ms of {got['legs']} legs; phones late "
          f"{got['phones_late_max_ms']:.0f} ms", flush=True)
    if got["gap_p99_ms"] > most_ms:
        raise Mismatch(f"a gap of more than {most_ms} ms: {got}")


def test_kill():
    """And operators are told what the phones heard: the node was last seen
    75 ms before its death, or later."""
    got = kill(FEW)
    shorter(got, KILL_MAX_MS)
    told_ms = got["told"]["events"]["gap_ms"]
    print(f"        told {told_ms} ms at most, phones heard "
          f"{got['gap_max_ms']:.0f} ms", flush=True)
    if abs(told_ms - got["gap_max_ms"]) > \
            TOLD_OFF_MAX_MS + got["phones_late_max_ms"]:
        raise Mismatch(f"told {told_ms} ms: {got}")


def test_two_kills():
    shorter(kill_twice(FEW), 2 * KILL_MAX_MS)


def test_cut():
    shorter(cut(FEW), CUT_MAX_MS)


def test_drain():
    got = drain(FEW)
    shorter(got, DRAIN_MAX_MS + got["phones_late_max_ms"])
    if got["exit_s"] > DRAIN_EXIT_MAX_S:
        raise Mismatch(f"the process was there for {got['exit_s']} s")


def test_rolling_restart():
    got = rolling(pairs=20, rate=5, seconds=3, counts=(2, 2, 2))
    if got["ok"] != got["calls"] or got["failed"] or got["dropped"]:
        raise Mismatch(f"calls were lost: {got}")
    if "CALL_MOVED" not in got["told"]:
        raise Mismatch(f"no node had a call when it was restarted: {got}")


def test_strangers_and_a_kill():
    strangers("kill")


def test_strangers_and_a_drain():
    strangers("drain")
