# SPDX-License-Identifier: MIT
"""A node dies and its calls go on at another one: every kind of call, every
state of a leg; and what is left afterwards."""

from contextlib import contextmanager

from harness import Mismatch, assert_clean, cluster, metrics, phones, wait_for
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
