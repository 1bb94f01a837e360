# SPDX-License-Identifier: MIT
"""Calls outlive their machines: few calls of every kind, and what becomes of
them.  `tests/run bench survive` does the same with many, for the figures."""

from harness import Mismatch, assert_clean, cluster, phones
from hosts import Hosts
from survive import Load, Plan, across, check_records, config, leftovers

FEW = Plan(pairs=10, rooms=1, members=5, ringing=6)


def ends_well(c, load):
    """Ringing calls are answered, cancelled and refused, the others hung up
    from both sides; each left a record, and nothing else."""
    load.unharmed()
    load.end_ringing()
    load.hang_up()
    assert_clean(c, 20)
    check_records(c, load.ended)
    left = leftovers(c)
    if left:
        raise Mismatch(f"left in Redis: {left}")


def test_nobody_dies():
    """The load by itself: nobody's tone is missed, no re-INVITE comes."""
    with cluster(nodes=2, routers=2, config=config(FEW),
                 later=["node-2"]) as c, phones() as box:
        load = Load(c, box, FEW)
        load.up()
        c.join("node-2")
        got = load.all_heard(5)
        if got["reinvites"] or got["longest_ms"]["p50"] > 20:
            raise Mismatch(f"not quiet: {got}")
        ends_well(c, load)


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
                   within_ms=3000, window_ms=500)
            if not box.expect("expected", phone="a0")["ok"]:
                raise Mismatch("the host is heard though it is cut off")
        finally:
            hosts.mend("one")
        got = load.all_heard(10)
        if got["reinvites"] or not 400 < got["longest_ms"]["p50"] < 2500:
            raise Mismatch(f"not a short cut: {got}")
        ends_well(c, load)
