# SPDX-License-Identifier: MIT
"""Long runs: calls between trunks at a rate; nothing fails, nothing grows,
nothing is left.  SY_SOAK_SECONDS changes how long."""

import os
import socket
import tempfile

from harness import Mismatch, assert_clean, cluster, descriptors, metrics
from sipp import Sipp
from strangers import free_port
from test_strangers import trunks

RATE = 50
SECONDS = int(os.environ.get("SY_SOAK_SECONDS", "600"))
GROWTH = 1.10       # of resident memory, after the first tenth
LATE = 0.001        # of all ticks


def rss_kb(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def test_calls_for_a_long_time():
    source, target = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)
    with tempfile.TemporaryDirectory(prefix="sy-") as folder:
        path = os.path.join(folder, "trunks.json")
        trunks(path, source, target)
        with cluster(nodes=2, config=path, log_level="warn") as c, \
                Sipp("uas", target):
            run(c, source)


def sipp(c, source, seconds):
    with Sipp("uac", source, c.routers[0].udp, RATE * seconds, RATE,
              "701") as uac:
        good, bad = uac.end(seconds + 60)
        if good != RATE * seconds or bad:
            raise Mismatch(f"{good} good, {bad} failed: {uac.errors()}")


def run(c, source):
    sipp(c, source, max(SECONDS // 10, 40))
    assert_clean(c, 40)
    memory = {m.id: rss_kb(m.pid) for m in c.members()}
    files = [descriptors(m) for m in c.members()]
    sipp(c, source, SECONDS)
    assert_clean(c, 40)
    for m in c.members():
        now = rss_kb(m.pid)
        print(f"        {m.id}: {memory[m.id]} KB, then {now} KB", flush=True)
        if now > memory[m.id] * GROWTH:
            raise Mismatch(f"{m.id} grew from {memory[m.id]} to {now} KB")
    if files != [descriptors(m) for m in c.members()]:
        raise Mismatch("descriptors are left open")
    for n in c.nodes:
        m = metrics(n)
        if m["sy_media_late_ticks_total"] > LATE * m["sy_media_ticks_total"]:
            raise Mismatch(f"{n.id}: {m['sy_media_late_ticks_total']:.0f} of "
                           f"{m['sy_media_ticks_total']:.0f} ticks late")
