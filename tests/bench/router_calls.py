# SPDX-License-Identifier: MIT
"""The router as stateless forwarder: a call is INVITE, 180, 200, ACK, BYE,
200, both ends in one process (sip-load)."""

import os
import subprocess

from harness import BIN, cluster
from peer_kamailio import kamailio
from router_load import Load, pin

RATE, CALLS = 1000, 8000


def load(*args):
    return Load("sip-load", "--calls", *args)


def node_route(c):
    """A Route that lets the load speak as the node does: one that lives, for
    what comes for a dead one goes another way."""
    instance = c.api("GET", "/api/nodes")["items"][0]["instance"]
    run = subprocess.run(
        [os.path.join(BIN, "sy-token"), "--key-file", c.path("cluster-key"),
         "--instance", str(instance)],
        capture_output=True, text=True, check=True)
    return f"<sip:{run.stdout.strip()}@cluster;lr>"


def measured(pids, the_load):
    pin(pids)
    return the_load.cost(pids, RATE, CALLS), the_load.highest_clean()


def calls(show):
    with cluster(nodes=1, log_level="warn") as c:
        mine, mine_rate = measured(
            [c.routers[0].pid],
            load("--proxy", c.routers[0].udp, "--route", node_route(c)))
    with kamailio() as k:
        peer, peer_rate = measured(k.pids, load("--proxy", k.at))
    limit = load("--direct").highest_clean()
    show("router", "router.us_per_call", mine, "us", peer="kamailio",
         peerValue=peer, ratio=mine / peer, rate=RATE)
    show("router", "router.calls_per_s", mine_rate, "calls/s",
         peer="kamailio", peerValue=peer_rate, ratio=mine_rate / peer_rate,
         generatorLimit=limit)
