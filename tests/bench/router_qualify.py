# SPDX-License-Identifier: MIT
"""Contacts that are asked whether they are there: what one look costs, and
how evenly they are spread when all of them registered at once."""

import threading
import time

from cputime import cpu_us
from harness import cluster, metrics, wait_for
from rawphone import RawPhone
from router_registers import config

DEVICES, EVERY_S, ROUNDS = 2000, 10, 3


class Phones(RawPhone):
    """All phones on one socket: they register, then they answer OPTIONS."""

    def __init__(self, router, users):
        super().__init__(router)
        self.users = users
        self.asked = []      # (when, Request-URI)
        self.over = False

    def register_all(self):
        for self.user in self.users:
            self.contact = f"<sip:{self.user}@{self.me}>"
            text = self.challenged("REGISTER", "sip:switchyard", **{
                "To": f"<sip:{self.user}@switchyard>", "Expires": "600"},
                password=f"pw-{self.user}")
            self.send(text)
            if self.await_("final").code != 200:
                raise RuntimeError(f"{self.user} does not register")

    def await_(self, *args, **kw):
        """Some are asked while others still register."""
        while True:
            m = self.receive()
            if m.code and m.code >= 200:
                return m
            if m.method == "OPTIONS":
                self.answer(m, 200, "OK")

    def live(self):
        while not self.over:
            m = self.receive(0.1)
            if m and m.method == "OPTIONS":
                self.asked.append((time.monotonic(), m.uri))
                self.answer(m, 200, "OK")


def looks(router):
    return sum(v for k, v in metrics(router).items()
               if k.startswith("sy_router_qualify_total"))


def longest_gap(asked):
    last, longest = {}, 0
    for at, who in asked:
        longest = max(longest, at - last.get(who, at))
        last[who] = at
    if len(last) != DEVICES:
        raise RuntimeError(f"only {len(last)} of {DEVICES} were asked")
    return longest


def busiest(asked):
    """So many within a second, at most."""
    count = {}
    for at, _ in asked:
        count[int(at)] = count.get(int(at), 0) + 1
    return max(count.values())


def measure(c, phones):
    """Router's and Redis' CPU time a look [us], over whole rounds."""
    router, redis = c.routers[0], c.redis.pid
    n, mine, its = looks(router), cpu_us(router.pid), cpu_us(redis)
    phones.asked.clear()
    wait_for("all are asked some times", lambda: len(phones.asked) >=
             ROUNDS * DEVICES, (ROUNDS + 2) * EVERY_S, 0.5)
    n = looks(router) - n
    return ((cpu_us(router.pid) - mine) / n, (cpu_us(redis) - its) / n)


def qualify(show):
    conf = config(DEVICES)
    conf["settings"]["qualifyS"] = EVERY_S
    users = [d["id"] for d in conf["devices"]]
    with cluster(nodes=1, log_level="warn", config=conf) as c, \
            Phones(c.routers[0], users) as phones:
        phones.register_all()
        thread = threading.Thread(target=phones.live)
        thread.start()
        try:
            mine, redis = measure(c, phones)
        finally:
            phones.over = True
            thread.join()
    show("router", "router.us_per_qualify", mine, "us", redis_us=redis,
         contacts=DEVICES, rate=DEVICES / EVERY_S)
    show("router", "router.qualify_interval_max_s",
         longest_gap(phones.asked), "s", wanted=EVERY_S)
    show("router", "router.qualify_busiest_s", busiest(phones.asked),
         "contacts/s", mean=DEVICES / EVERY_S)
