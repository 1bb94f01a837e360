# SPDX-License-Identifier: MIT
"""REGISTERs by digest with SHA-256, whole: the challenge, the response, the
contact in Redis (register-load).  Redis shares the second core with the load,
so the highest rate is that of the machine; the cost is the router's."""

import json
import os
import subprocess

from cputime import cpu_us
from harness import BIN, cluster
from peer_kamailio import kamailio
from router_load import Load, pin

RATE, REGISTERS = 2000, 12000
# 120 a minute are what an account may; the highest rate comes to less.
USERS = 10000
DOMAIN = "switchyard"


def config(users):
    """Users as register-load has them."""
    return {"settings": {"realm": DOMAIN},
            "devices": [{"id": str(1000000 + i),
                         "password": f"pw-{1000000 + i}"}
                        for i in range(users)]}


def load(at, users, *args):
    return Load("register-load", "--registers", "--proxy", at, "--domain",
                DOMAIN, "--users", str(users), *args)


def floor(c):
    run = subprocess.run([os.path.join(BIN, "register-floor"), c.socket],
                         capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def registers(show):
    with cluster(nodes=1, log_level="warn", config=config(USERS)) as c:
        pids, redis = [c.routers[0].pid], c.redis.pid
        pin(pids)
        os.sched_setaffinity(redis, {1})
        the_load = load(c.routers[0].udp, USERS)
        the_load.whole(RATE, USERS)  # all are there from now on
        before = cpu_us(redis)
        mine = the_load.cost(pids, RATE, REGISTERS)
        redis_us = (cpu_us(redis) - before) / (3 * REGISTERS)
        times = the_load.whole(RATE, REGISTERS)
        rate = the_load.highest_clean()
        least = floor(c)
    with kamailio("REGISTRAR") as k:
        pin(k.pids)
        the_load = load(k.at, USERS)
        the_load.whole(RATE, USERS)
        peer = the_load.cost(k.pids, RATE, REGISTERS)
        peer_rate = the_load.highest_clean()
    show("router", "router.us_per_register", mine, "us",
         floor=least["us"], ratio=mine / least["us"], peer="kamailio",
         peerValue=peer, redis_us=redis_us, rate=RATE,
         floorOf={k: v for k, v in least.items() if k != "us"})
    show("router", "router.registers_per_s", rate, "registers/s",
         peer="kamailio", peerValue=peer_rate, a_core=1e6 / mine,
         peer_a_core=1e6 / peer)
    show("router", "router.register_p50_ms", times["p50_ms"], "ms", rate=RATE)
    show("router", "router.register_p99_ms", times["p99_ms"], "ms", rate=RATE)
