# SPDX-License-Identifier: MIT
"""What is held for a phone that is there: memory of Redis and of the router
for a registered contact, and of the router for an idle TLS connection."""

import contextlib
import json
import os
import subprocess

from cputime import cpu_us, pss_kb
from harness import BIN, cluster
from peer_kamailio import kamailio
from router_registers import config, load

CONTACTS, RATE = 50000, 1000
CONNECTIONS = 4000
FIRST = 200   # connections before: what is allocated once


def used(c):
    info = c.redis_command("INFO", "memory")
    return int(next(line for line in info.splitlines()
                    if line.startswith("used_memory:")).partition(":")[2])


def held_by_contacts(*args):
    """Bytes of Redis, and of the router, for each of so many devices that
    registers one contact."""
    with cluster(nodes=1, log_level="warn", config=config(CONTACTS)) as c:
        router = c.routers[0]
        the_load = load(router.udp, CONTACTS, *args)
        the_load.whole(RATE, RATE)
        before, mine = used(c), pss_kb(router.pid)
        the_load.whole(RATE, CONTACTS)
        # those that were there already are written again
        fresh = CONTACTS - RATE
        return ((used(c) - before) / fresh,
                (pss_kb(router.pid) - mine) * 1024 / fresh)


def contacts(show):
    """By UDP from the address in Contact; and from behind a NAT, which has
    the path to the router stored with it."""
    for name, args in (("contact", ()),
                       ("contact_nat", ("--host", "192.0.2.7"))):
        redis, router = held_by_contacts(*args)
        show("router", f"router.redis_bytes_per_{name}", redis, "bytes",
             routerBytes=router, contacts=CONTACTS)


@contextlib.contextmanager
def connections(at, count):
    """So many idle TLS connections; the seconds that opening them took."""
    holder = subprocess.Popen([os.path.join(BIN, "tls-hold"), at, str(count)],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True)
    try:
        got = json.loads(holder.stdout.readline())
        if got["open"] < count:
            raise RuntimeError(f"{at}: only {got['open']} connections")
        yield got["seconds"]
    finally:
        holder.stdin.close()
        holder.wait()
        holder.stdout.close()


def held_by_connections(pids, at):
    """KB, and CPU time [us] of the handshake, of each connection."""
    with connections(at, FIRST):
        kb, us = sum(map(pss_kb, pids)), sum(map(cpu_us, pids))
        with connections(at, CONNECTIONS):
            return ((sum(map(pss_kb, pids)) - kb) / CONNECTIONS,
                    (sum(map(cpu_us, pids)) - us) / CONNECTIONS)


def tls(show):
    with cluster(nodes=1, log_level="warn",
                 router_args=["--tcp-max", "20000"]) as c:
        mine, mine_us = held_by_connections([c.routers[0].pid],
                                            c.routers[0].tls)
        with kamailio("TLS", certificate=c.path("sip.crt"),
                      key=c.path("sip.key")) as k:
            peer, peer_us = held_by_connections(k.pids, k.at)
    show("router", "router.kb_per_tls_connection", mine, "KB",
         peer="kamailio", peerValue=peer, ratio=mine / peer,
         connections=CONNECTIONS)
    show("router", "router.us_per_tls_handshake", mine_us, "us",
         peer="kamailio", peerValue=peer_us, ratio=mine_us / peer_us)
