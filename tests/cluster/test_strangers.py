# SPDX-License-Identifier: MIT
"""Phones and trunks that are not ours: baresip calls baresip and the test
phone, sipp calls sipp from trunk to trunk at a rate."""

import json
import os
import socket
import tempfile

from harness import (Mismatch, assert_clean, cluster, descriptors,
                     node_counts, phones, wait_for)
from lib.cluster import DEMO
from sipp import Sipp
from strangers import Baresip, free_port
from talk import hears, phone, tone

RATE, SECONDS = 50, 60


def test_baresip_calls_baresip():
    with cluster(nodes=2) as c:
        proxy = c.routers[0].udp
        with Baresip("1001", proxy, "opus", 440) as a, \
                Baresip("1002", proxy, "pcmu", 620) as b:
            a.registered()
            b.registered()
            for hanging, told in ((a, b), (b, a)):
                a.command("dial", "1002")
                b.expect("CALL_INCOMING")
                b.command("accept")
                a.expect("CALL_ESTABLISHED")
                b.expect("CALL_ESTABLISHED")
                a.hears(620)
                b.hears(440)
                hanging.command("hangup")
                told.expect("CALL_CLOSED")
                assert_clean(c)


def test_baresip_and_the_test_phone():
    with cluster(nodes=2) as c, phones() as box:
        phone(box, c, "1001", digest="sha256")
        with Baresip("1002", c.routers[0].udp, "g722", 620) as b:
            b.registered()
            for direction in ("to baresip", "from baresip"):
                if direction == "to baresip":
                    box.do("call", phone="1001", to="1002")
                    b.expect("CALL_INCOMING")
                    b.command("accept")
                else:
                    b.command("dial", "1001")
                box.expect("established", phone="1001")
                b.expect("CALL_ESTABLISHED")
                hears(box, "1001", 620)
                b.hears(tone("1001"))
                if direction == "to baresip":
                    b.command("hangup")
                else:
                    box.do("hangup", phone="1001")
                    b.expect("CALL_CLOSED")
                box.expect("closed", phone="1001")
                assert_clean(c)


def no_more_descriptors(c, before):
    """Those who ask for metrics may still have had a connection before."""
    def more():
        return [n for m, b in zip(c.members(), before)
                for n in [{k: v for k, v in descriptors(m).items()
                           if v > b.get(k, 0)}] if n]
    try:
        wait_for("no descriptor is left", lambda: not more())
    except Mismatch as e:
        raise Mismatch(f"{e}: {more()}, before {before}") from None


def trunks(path, source, target):
    """The demo configuration with one trunk for each side of the test."""
    with open(DEMO, encoding="utf-8") as f:
        conf = json.load(f)
    conf["trunks"] = [
        {"id": "in", "enabled": True, "sources": [f"127.0.0.1:{source}"],
         "optionsS": 0, "target": f"127.0.0.1:{source}"},
        {"id": "out", "enabled": True, "sources": [f"127.0.0.1:{target}"],
         "optionsS": 0, "target": f"127.0.0.1:{target}"}]
    conf["routes"] = [
        {"id": "out", "order": 1, "pattern": "7XX", "source": "trunk:in",
         "target": {"external": {"trunk": "out", "number": "$0"}}},
        {"id": "dev", "order": 2, "pattern": "1XXX", "source": "trunk:in",
         "target": {"device": "$0"}}]
    with open(path, "w", encoding="utf-8") as f:
        json.dump(conf, f)


def uas_failed(got):
    """Calls that failed for the called sipp.  One that is late repeats its
    200, and takes the second ACK, which has another branch, for a fault."""
    late = int(got["FailedUnexpectedMessage(C)"])
    return int(got["FailedCall(C)"]) - (
        late if int(got["Retransmissions(C)"]) and late < RATE else 0)


def test_sipp_from_trunk_to_trunk():
    """50 calls/s for 60 s with sipp's built-in uac and uas; nothing fails,
    nothing is left: hubs, legs, dialogs, ports, descriptors, keys."""
    source, target = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)
    with tempfile.TemporaryDirectory(prefix="sy-") as folder:
        path = os.path.join(folder, "trunks.json")
        trunks(path, source, target)
        with cluster(nodes=2, config=path, log_level="warn") as c, \
                Sipp("uas", target) as uas:
            with Sipp("uac", source, c.routers[0].udp, 20, 20, "701") as warm:
                if warm.end(30) != (20, 0):
                    raise Mismatch(f"the first calls fail: {warm.errors()}")
            assert_clean(c)
            before = [descriptors(m) for m in c.members()]
            with Sipp("uac", source, c.routers[0].udp, RATE * SECONDS, RATE,
                      "701") as uac:
                good, bad = uac.end(SECONDS + 40)
                # a sipp that is late takes an answer to its repeated BYE for
                # a fault of a call that it has forgotten
                late = 3 if int(uac.counts()["Retransmissions(C)"]) else 0
                if good + bad != RATE * SECONDS or bad > late:
                    raise Mismatch(f"{good} good, {bad} failed: "
                                   f"{uac.errors()}")
            assert_clean(c, 40)
            no_more_descriptors(c, before)
            if uas_failed(uas.counts()):
                raise Mismatch(f"uas: {uas.counts()}")
            print(f"        {good} calls, {bad} failed, left behind: "
                  f"{node_counts(c)}", flush=True)
