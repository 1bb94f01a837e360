# SPDX-License-Identifier: MIT
"""What somebody who means harm may try by SIP, and what comes of it."""

import json

from harness import Mismatch, assert_clean, cluster, free_base, metrics
from lib.cluster import DEMO
from rawphone import RawPhone


def demo():
    with open(DEMO, encoding="utf-8") as f:
        return json.load(f)


def code(what, got, *codes):
    """An answer, or None for none, is what was expected."""
    is_ = got.code if got else None
    if is_ not in codes:
        raise Mismatch(f"{what}: {is_}, expected {codes}")



# ---------------------------------------------------------------- spirals

def test_a_spiral_ends():
    """A trunk that leads back to the router: Max-Forwards goes through."""
    base = free_base()
    conf = demo()
    conf["trunks"] = [{"id": "loop", "enabled": True,
                       "sources": ["127.0.0.1"],
                       "target": f"127.0.0.1:{base + 5060}"}]
    conf["routes"] = [{"id": "round", "order": 1, "pattern": "7XX",
                       "target": {"external": {"trunk": "loop",
                                               "number": "$0"}}}]
    with cluster(nodes=1, config=conf, port_base=base) as c, \
            RawPhone(c.routers[0]) as a:
        a.send(a.invite("701"))
        code("a call that goes round", a.await_("final", 20), 483)
        hubs = metrics(c.nodes[0])["sy_node_placed_total"]
        if hubs > 40:
            raise Mismatch(f"{hubs} hubs of one INVITE")
        assert_clean(c)
