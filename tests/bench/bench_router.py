# SPDX-License-Identifier: MIT
"""The router as stateless forwarder, beside Kamailio in the same run.

A call is INVITE, 180, 200, ACK, BYE, 200.  The load is sip-load, both ends
in one process on the second core; the proxy has the first core for itself.
"""

import json
import os
import subprocess
import tempfile

from cputime import cpu_us
from harness import BIN, cluster, free_base, wait_for
from lib import ports
from lib.process import launch

COST_RATE, COST_CALLS = 1000, 8000
SECONDS = 3
RUNS = 3


def load(args, rate, calls):
    """One run of the load on the second core."""
    run = subprocess.run(
        ["taskset", "-c", "1", os.path.join(BIN, "sip-load"), *args,
         "--rate", str(rate), "--calls", str(calls)],
        capture_output=True, text=True, check=False)
    if not run.stdout:
        raise RuntimeError(run.stderr)
    return json.loads(run.stdout)


def cost(pids, args):
    """CPU time of a proxy's processes a call: median of a few runs."""
    costs = []
    for _ in range(RUNS):
        before = sum(map(cpu_us, pids))
        got = load(args, COST_RATE, COST_CALLS)
        costs.append((sum(map(cpu_us, pids)) - before) / COST_CALLS)
        if got["lost"]:
            raise RuntimeError(f"the proxy lost calls: {got}")
    return sorted(costs)[RUNS // 2]


def highest_clean(args, least=500, most=64000):
    """The highest rate without one lost call, to a tenth."""
    rate, good = least, 0
    while rate <= most and not load(args, rate, rate * SECONDS)["lost"]:
        good, rate = rate, rate * 2
    bad = rate
    while good and bad - good > good / 10:
        rate = (good + bad) // 2
        if load(args, rate, rate * SECONDS)["lost"]:
            bad = rate
        else:
            good = rate
    return good


def pin(pid):
    for task in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(task), {0})


def node_route(c):
    """A Route that lets the load speak as the node does: one that lives, for
    what comes for a dead one goes another way."""
    instance = c.api("GET", "/api/nodes")["items"][0]["instance"]
    run = subprocess.run(
        [os.path.join(BIN, "sy-token"), "--key-file", c.path("cluster-key"),
         "--instance", str(instance)],
        capture_output=True, text=True, check=True)
    return f"<sip:{run.stdout.strip()}@cluster;lr>"


def ours():
    with cluster(nodes=1, log_level="warn") as c:
        pid = c.routers[0].pid
        pin(pid)
        args = ["--proxy", c.routers[0].udp, "--route", node_route(c)]
        return cost([pid], args), highest_clean(args)


def kamailio():
    port = free_base() + ports.SIP
    with tempfile.TemporaryDirectory(prefix="sy-kam-") as folder:
        with open(os.path.join(os.path.dirname(__file__), "kamailio.cfg"),
                  encoding="utf-8") as f:
            text = f.read().replace("@PORT@", str(port))
        path = os.path.join(folder, "kamailio.cfg")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        proc = launch("kamailio",
                      ["kamailio", "-DD", "-E", "-m", "64", "-M", "16",
                       "-f", path, "-w", folder, "-Y", folder],
                      os.path.join(folder, "log"))
        try:
            wait_for("Kamailio listening", lambda: ports.busy(port), 10)
            pids = [proc.pid, *children(proc.pid)]
            for pid in pids:
                pin(pid)
            args = ["--proxy", f"127.0.0.1:{port}"]
            return cost(pids, args), highest_clean(args)
        finally:
            proc.stop()


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(p) for p in f.read().split()]


def router(show):
    mine, mine_rate = ours()
    peer, peer_rate = kamailio()
    limit = highest_clean(["--direct"])
    show("router", "router.us_per_call", mine, "us", peer="kamailio",
         peerValue=peer, ratio=mine / peer, rate=COST_RATE)
    show("router", "router.calls_per_s", mine_rate, "calls/s",
         peer="kamailio", peerValue=peer_rate, ratio=mine_rate / peer_rate,
         generatorLimit=limit)
