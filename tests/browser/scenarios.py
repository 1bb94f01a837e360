# SPDX-License-Identifier: MIT
"""What each library must be able to do, with one cluster and one page."""

import contextlib
import re

from browser import TONE_HZ, Browser
from harness import Mismatch, assert_clean, cluster, phones, request, \
    wait_for
from talk import hears, phone, tone

PHONE, PAGE, THIRD = "1002", "1001", "1003"


def ufrags(sdps):
    return [re.search(r"a=ice-ufrag:(\S+)", sdp).group(1) for sdp in sdps]


class Scenarios:
    """Those of one library; the first one starts what all need."""

    shape = {"nodes": 2, "routers": 2}

    def __init__(self, lib):
        self.lib = lib
        self.stack = contextlib.ExitStack()
        self.cluster = None

    def start(self):
        if self.cluster:
            return
        browser = Browser()  # skips, before anything else is started
        self.browser = self.stack.enter_context(browser)
        c = self.stack.enter_context(cluster(**self.shape))
        self.box = self.stack.enter_context(phones())
        phone(self.box, c, PHONE, codecs=["opus", "PCMU"])
        phone(self.box, c, THIRD, codecs=["PCMU"])
        self.cluster = c
        self.open()

    def open(self):
        self.browser.open("a", self.lib, self.cluster, PAGE, router=1)

    def finish(self):
        self.stack.close()

    def leg(self):
        """The page's leg, as the API shows it."""
        return next(leg for call in
                    self.cluster.api("GET", "/api/calls")["items"]
                    for leg in call["legs"] if leg["user"] == PAGE)

    def both_ways(self):
        self.browser.hears("a", tone(PHONE))
        hears(self.box, PHONE, TONE_HZ, seconds=10)

    def call(self):
        self.start()
        self.browser.do("a", "call", PHONE)
        self.browser.expect("established", "a")
        self.box.expect("established", phone=PHONE)
        self.both_ways()

    def end(self):
        self.browser.do("a", "hangup")
        self.box.expect("closed", phone=PHONE)
        self.browser.expect("ended", "a")
        assert_clean(self.cluster)

    def echo(self):
        self.start()
        self.browser.do("a", "call", "600")
        self.browser.expect("established", "a")
        self.browser.hears("a", TONE_HZ)
        facts = self.browser.do("a", "facts")
        if facts["codec"].lower() != "audio/opus" or \
                "AEAD_AES_128_GCM" not in facts["srtp"]:
            raise Mismatch(f"{facts}")
        self.browser.do("a", "hangup")
        self.browser.expect("ended", "a")
        assert_clean(self.cluster)

    def calls_a_phone(self):
        self.call()
        leg = self.leg()
        if not leg.get("webrtc") or leg["srtp"] != "AEAD_AES_128_GCM" or \
                leg["codec"] != "opus":
            raise Mismatch(f"{leg}")
        self.end()

    def is_called(self):
        self.start()
        self.box.do("call", phone=PHONE, to=PAGE)
        self.browser.expect("incoming", "a")
        self.browser.expect("established", "a")
        self.box.expect("established", phone=PHONE)
        self.both_ways()
        self.box.do("hangup", phone=PHONE)
        self.browser.expect("ended", "a")
        self.box.expect("closed", phone=PHONE)
        assert_clean(self.cluster)

    def hold(self):
        self.call()
        self.browser.do("a", "hold")
        wait_for("the API shows it held", lambda: self.leg()["held"])
        hears(self.box, PHONE, TONE_HZ, present=False)
        self.browser.do("a", "resume")
        self.both_ways()
        self.box.do("hold", phone=PHONE)
        self.box.expect("held", phone=PHONE)
        self.browser.hears("a", None)
        self.box.do("resume", phone=PHONE)
        self.box.expect("resumed", phone=PHONE)
        self.both_ways()
        self.end()

    def digits(self):
        self.call()
        self.browser.do("a", "dtmf", "5")
        if self.box.expect("dtmf", phone=PHONE)["digit"] != "5":
            raise Mismatch("another digit than 5")
        self.end()

    def restart(self):
        self.call()
        before = ufrags(self.browser.do("a", "sdp"))
        self.browser.do("a", "restart")
        after = ufrags(self.browser.do("a", "sdp"))
        if set(before) & set(after):
            raise Mismatch(f"ICE: {before}, then {after}")
        self.both_ways()
        self.end()

    def is_transferred(self):
        """The page's leg goes to another hub of its node."""
        self.start()
        c, box = self.cluster, self.box
        c.api("POST", f"/api/nodes/{c.nodes[1].id}/drain")
        calls = {}
        for to in (PHONE, PAGE):
            box.do("call", phone=THIRD, to=to)
            box.expect("established", phone=THIRD)
            calls[to] = wait_for(f"the call to {to}", lambda to=to: next(
                (x["id"] for x in c.api("GET", "/api/calls")["items"]
                 if x["destination"] == f"device:{to}"), None))
        self.browser.expect("established", "a")
        self.browser.hears("a", tone(THIRD))
        before = ufrags(self.browser.do("a", "sdp"))
        one = c.api("GET", f"/api/calls/{calls[PHONE]}")
        leg = next(x["id"] for x in one["legs"] if x["user"] == THIRD)
        status, _, answer = request(
            "POST", f"http://{c.gateways[0].http}/api/transfer", c.token,
            {"from": one["id"], "leg": leg, "call": calls[PAGE]})
        if status != 202:
            raise Mismatch(f"transfer: {status} {answer}")
        self.both_ways()
        if set(before) & set(ufrags(self.browser.do("a", "sdp"))):
            raise Mismatch("it has the same transport")
        for _ in range(2):
            box.expect("closed", phone=THIRD)
        c.api("DELETE", f"/api/nodes/{c.nodes[1].id}/drain")
        self.end()

    def moves(self):
        """A node is drained and comes again: its call goes on at the other."""
        self.call()
        c = self.cluster
        owner = c.api("GET", "/api/calls")["items"][0]["node"]
        c.api("POST", f"/api/nodes/{owner}/drain")
        wait_for("the call has moved", lambda:
                 c.api("GET", "/api/calls")["items"][0]["node"] != owner)
        self.both_ways()
        c.api("DELETE", f"/api/nodes/{owner}/drain")
        self.end()

    def node_dies(self):
        """The last of all: its cluster has one node from then on."""
        self.call()
        c = self.cluster
        owner = c.api("GET", "/api/calls")["items"][0]["node"]
        before = ufrags(self.browser.do("a", "sdp"))
        node = next(n for n in c.nodes if n.id == owner)
        node.process.kill()
        c.left(node)
        wait_for("another node has the call", lambda:
                 c.api("GET", "/api/calls")["items"][0]["node"] != owner)
        wait_for("the page was told", lambda: not set(before) & set(
            ufrags(self.browser.do("a", "sdp"))))
        self.both_ways()
        self.end()
