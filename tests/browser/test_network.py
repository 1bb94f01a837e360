# SPDX-License-Identifier: MIT
"""A page whose network changes, or lets nothing through but TCP: Chromium on a
host of its own, the cluster on another one.  It needs root."""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import time

from browser import TONE_HZ, Browser
from harness import BIN, Mismatch, Skip, assert_clean, cluster, phones, wait_for
from hosts import Hosts
from lib.cluster import DEMO
from survive import across
from talk import hears, phone, tone
from turn import Turn

PAGE, SIP = "1001", "1002"
OTHER_NET = "10.78.9"   # of the laptop's second interface
GAP_MAX_MS = 12000  # of that Chromium needs 6000 to see it
TEXT = "The quick brown fox jumps over the lazy dog. Please hold the line. " * 8
TCP_ONLY = """table inet filter {
  chain out { type filter hook output priority 0; meta l4proto udp drop; }
}"""

LOSS = """table inet loss {{
  chain in {{ type filter hook input priority 0;
    iifname "eth0" meta l4proto udp numgen random mod 100 < {percent} drop; }}
}}"""


class Shared:
    """A cluster on one host, and a laptop."""

    def __init__(self):
        self.stack = contextlib.ExitStack()
        self.cluster = None

    def start(self):
        if self.cluster:
            return
        enter = self.stack.enter_context
        self.hosts = enter(Hosts("core", "laptop"))
        self.core = enter(self.hosts["core"].inside())
        self.laptop = self.hosts["laptop"]
        self.hosts.ip("laptop", "route", "add", "default", "via",
                      self.core.address)
        self.box = enter(phones())
        with self.laptop.inside():
            self.browser = enter(Browser())
        self.turn = enter(Turn(self.browser.folder, self.core.address))
        with open(DEMO, encoding="utf-8") as f:
            conf = json.load(f)
        c = enter(cluster(nodes=1, config=conf,
                          **across(self.hosts, node_1="core")))
        phone(self.box, c, SIP, codecs=["opus"],
              laddr=self.core.address)
        self.cluster = c

    @contextlib.contextmanager
    def page(self, **more):
        self.start()
        b, c = self.browser, self.cluster
        token = c.api("POST", "/api/tokens", {
            "name": "page", "scopes": ["phone"], "device": PAGE})["token"]
        b.events.clear()
        b.do("a", "open", lib="sdk", seconds=40, options={
            "url": [f"https://{c.gateways[0].https}"], "token": token,
            **more})
        b.expect("registered", "a")
        yield b, c, self.box
        b.do("a", "stop")
        b.do("a", "close")
        assert_clean(c)


_all = Shared()
finish = _all.stack.close


def both_ways():
    _all.browser.hears("a", tone(SIP))
    hears(_all.box, SIP, TONE_HZ, seconds=10)


def call(b, box):
    b.do("a", "call", SIP)
    b.expect("connected", "a")
    box.expect("established", phone=SIP)
    both_ways()


def end(b, box):
    b.do("a", "hangup")
    b.expect("ended", "a")
    box.expect("closed", phone=SIP)


def second_interface():
    """The laptop gets one, that is down; the core knows its net."""
    hosts = _all.hosts
    switch = f"{hosts.tag}-switch"
    hosts.ip("laptop", "link", "add", "eth1", "type", "veth", "peer", "name",
             "second", "netns", switch)
    hosts.ip("switch", "link", "set", "second", "master", "switch", "up")
    hosts.ip("laptop", "addr", "add", f"{OTHER_NET}.2/24", "dev", "eth1")
    hosts.ip("core", "route", "add", f"{OTHER_NET}.0/24", "dev", "eth0")


def test_another_network():
    """In a call the first interface goes, another one comes: media and
    signalling are there again by it."""
    with _all.page() as (b, c, box):
        second_interface()
        call(b, box)
        box.do("watch_tone", phone=SIP, hz=TONE_HZ)
        b.do("a", "watch", tone(SIP))
        wait_for("it is watched", lambda: b.do("a", "gap")["heard"])
        b.events.clear()
        hosts = _all.hosts
        began = time.monotonic()
        # Or Linux would use it at the other one.
        hosts.ip("laptop", "addr", "del", f"{_all.laptop.address}/24", "dev",
                 "eth0")
        hosts.ip("laptop", "link", "set", "eth0", "down")
        hosts.ip("laptop", "link", "set", "eth1", "up")
        hosts.ip("laptop", "route", "add", f"{_all.core.address}/32", "dev",
                 "eth1", "src", f"{OTHER_NET}.2")
        hosts.ip("laptop", "route", "add", "default", "via",
                 _all.core.address, "dev", "eth1", "src", f"{OTHER_NET}.2")
        # Media may be back before it was missed.
        b.expect("registered", "a", seconds=30)
        wait_for("it is connected", lambda: b.do("a", "facts")["media"] ==
                 "connected", 20)
        both_ways()
        box.do("tone_gaps", phone=SIP)
        heard = box.expect("tone_gaps")["longest_ms"]["max"]
        gap = b.do("a", "gap")["longest_ms"]
        print("        " + json.dumps({
            "gap": "another network", "ms": round(gap),
            "phone_ms": round(heard),
            "all_s": round(time.monotonic() - began, 1)}), flush=True)
        if max(gap, heard) > GAP_MAX_MS:
            raise Mismatch(f"a gap of {gap:.0f} ms, {heard:.0f} ms")
        b.do("a", "hold")
        hears(box, SIP, TONE_HZ, present=False)
        b.do("a", "resume")
        both_ways()
        end(b, box)
        hosts.ip("laptop", "link", "set", "eth1", "down")
        hosts.ip("laptop", "addr", "add", f"{_all.laptop.address}/24", "dev",
                 "eth0")
        hosts.ip("laptop", "link", "set", "eth0", "up")
        hosts.ip("laptop", "route", "add", "default", "via",
                 _all.core.address)


@contextlib.contextmanager
def losing(percent):
    """Both directions lose so many of their UDP packets, at random; where
    they arrive, or their senders would be told."""
    hosts = (_all.core, _all.laptop)
    for host in hosts:
        host.run("nft", "-f", "-", text=LOSS.format(percent=percent))
    try:
        yield
    finally:
        for host in hosts:
            host.run("nft", "delete", "table", "inet", "loss")


def speech(folder):
    """A file that the test phone can play, of a voice: a tone that stays is
    noise to an encoder, and gets no correction."""
    if not shutil.which("espeak-ng"):
        raise Skip("espeak-ng is not installed")
    raw, path = (os.path.join(folder, f"{x}.wav") for x in ("raw", "speech"))
    subprocess.run(["espeak-ng", "-s", "140", "-w", raw, TEXT], check=True)
    subprocess.run([os.path.join(BIN, "speech-measure"), "prepare", raw, path,
                    "48000", "20"], check=True)
    return path


def losses(b, c):
    """What was lost so far, and brought back by FEC: of what the page hears,
    by its browser, and of what it says, by the API."""
    heard = b.do("a", "counters")
    call_id = c.api("GET", "/api/calls")["items"][0]["id"]
    leg = next(x["now"] for x in c.api(
        "GET", f"/api/calls/{call_id}/stats")["legs"] if x["user"] == PAGE)
    sent = leg["rxPackets"] / (100 - leg["lossPercent"])
    return {"heard": heard["lost"], "back": heard["fec"] - heard["fecUnused"],
            "made": heard["concealed"] / 960,
            "said": round(sent * leg["lossPercent"]),
            "node": round(sent * leg["recoveredPercent"])}


def first_back(b, c):
    """Once either side has something back."""
    got = {}

    def both():
        got.update(losses(b, c))
        return got["back"] > 0 < got["node"]
    try:
        wait_for("FEC, both ways", both, 20)
    except Mismatch as e:
        raise Mismatch(f"{e}: {got}") from e
    return got


def test_loss():
    """One packet in ten is lost, both ways: each side tells the other, which
    has its packets carry what was in the one before; that is heard."""
    _all.start()
    voice = speech(_all.browser.folder)
    with open(voice, "rb") as f:
        text = base64.b64encode(f.read()).decode()
    with _all.page(hz=text) as (b, c, box):
        b.do("a", "call", SIP)
        b.expect("connected", "a")
        box.expect("established", phone=SIP)
        box.do("play", phone=SIP, file=voice)
        with losing(10):
            began, more = first_back(b, c), {}

            # What a stall of the machine adds weighs less and less.
            def since():
                now = losses(b, c)
                more.update({k: now[k] - began[k] for k in now})
                return min(more["heard"], more["said"]) >= 20 and \
                    more["back"] * 3 >= more["heard"] and \
                    more["node"] * 3 >= more["said"] and \
                    more["made"] <= more["heard"] * 0.8
            try:
                wait_for("20 losses each way, brought back", since, 25)
            except Mismatch as e:
                raise Mismatch(f"{e}: {more}") from e
        print("        " + json.dumps({"loss": "packets", **more}), flush=True)
        end(b, box)


def tcp_only(transport):
    _all.start()
    c = _all.cluster
    c.api("PATCH", "/api/config/settings",
          {"iceServers": _all.turn.settings(transport)})
    _all.laptop.run("nft", "-f", "-", text=TCP_ONLY)
    try:
        with _all.page() as (b, c, box):
            call(b, box)
            stats = b.stats("a")
            if stats["path"] != "relay":
                raise Mismatch(f"{stats}")
            end(b, box)
    finally:
        _all.laptop.run("nft", "delete", "table", "inet", "filter")
        c.api("PATCH", "/api/config/settings", {"iceServers": []})


def test_tcp_only():
    """Where no UDP leaves the house: by TURN over TCP."""
    tcp_only("tcp")


def test_tls_only():
    """... and over TLS."""
    tcp_only("tls")
