# SPDX-License-Identifier: MIT
"""Pages that are phones, by @switchyard/sdk in Chromium: with SIP phones,
with each other, and while things die.

The microphone of page "a" is a file with a tone; the others of the same
browser make theirs in the page, or all would sound alike."""

import contextlib
import json
import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from browser import TONE_HZ, Browser
from harness import Mismatch, ROOT, Skip, assert_clean, cluster, phones, \
    wait_for
from lib.cluster import DEMO
from rawphone import RawPhone
from talk import hears, phone, tone
from turn import Turn

SIP, THIRD, SLOW = "1002", "1003", "1010"
RINGBACK_HZ = 425
PAGES = {"a": ("1001", 0), "b": ("1004", 2100), "c": ("1005", 2700),
         "d": ("1007", 0)}
ROOM = ("a", "b", "c")
RELAYED = "1006"
GAP_MAX_MS = {"reload": 8000, "gateway": 800, "node": 5000, "drain": 1500}


def hz_of(page):
    return PAGES[page][1] or TONE_HZ


class Shared:
    """One cluster and one browser; pages are opened as they are needed."""

    def __init__(self):
        self.stack = contextlib.ExitStack()
        self.cluster = None

    def start(self, *pages):
        if not self.cluster:
            browser = Browser()  # skips, before anything else is started
            self.browser = self.stack.enter_context(browser)
            turn = self.stack.enter_context(Turn(browser.folder))
            with open(DEMO, encoding="utf-8") as f:
                conf = json.load(f)
            conf["settings"]["iceServers"] = turn.settings()
            c = self.stack.enter_context(cluster(nodes=2, gateways=2,
                                                 config=conf))
            self.box = self.stack.enter_context(phones())
            phone(self.box, c, SIP, codecs=["opus", "PCMU"])
            phone(self.box, c, THIRD, codecs=["PCMU"])
            phone(self.box, c, SLOW, codecs=["PCMU"], answer="manual")
            self.cluster = c
            self.opened = set()
        for page in pages:
            if page not in self.opened:
                self.open(page)
        return self.cluster, self.browser, self.box

    def options(self, page, **more):
        user, hz = PAGES.get(page, (RELAYED, 0))
        c = self.cluster
        made = c.api("POST", "/api/tokens", {
            "name": f"page {page}", "scopes": ["phone"], "device": user})
        return {"url": [f"https://{g.https}" for g in c.gateways],
                "token": made["token"], "hz": hz, **more}

    def open(self, page, **more):
        self.kept = self.options(page, **more)
        self.browser.do(page, "open", lib="sdk", options=self.kept,
                        seconds=40)
        self.browser.expect("registered", page)
        self.opened.add(page)


_all = Shared()
finish = _all.stack.close


def expect_gap(what, ms, **more):
    print("        " + json.dumps({"gap": what, "ms": round(ms), **more}),
          flush=True)
    if ms > GAP_MAX_MS[what]:
        raise Mismatch(f"{what}: a gap of {ms:.0f} ms, "
                       f"more than {GAP_MAX_MS[what]}")


def both_ways(page, user):
    _all.browser.hears(page, tone(user))
    hears(_all.box, user, hz_of(page), seconds=10)


def call_phone(page="a", user=SIP):
    _, b, box = _all.start(page)
    made = b.do(page, "call", user)
    b.expect("established", page)
    box.expect("established", phone=user)
    b.expect("connected", page)
    both_ways(page, user)
    return made


def end_by_page(page, *users):
    _all.browser.do(page, "hangup")
    for user in users:
        _all.box.expect("closed", phone=user)
    _all.browser.expect("ended", page)
    assert_clean(_all.cluster)


def the_call():
    return _all.cluster.api("GET", "/api/calls")["items"][0]


def test_units():
    """The library's own, by Node.js."""
    if not shutil.which("npm"):
        raise Skip("no npm here")
    for words in (["deploy/build", "web"],
                  ["npm", "test", "--silent", "--prefix", "web/sdk"]):
        done = subprocess.run(words, cwd=ROOT, capture_output=True,
                              text=True, timeout=300, check=False,
                              stdin=subprocess.DEVNULL)
        if done.returncode:
            raise Mismatch(f"{' '.join(words)}: "
                           f"{(done.stdout + done.stderr)[-1500:]}")


def test_echo():
    """Its own tone comes back; what the page measures."""
    _, b, _ = _all.start("a")
    b.do("a", "call", "600")
    b.expect("established", "a")
    b.expect("connected", "a")
    b.hears("a", TONE_HZ)
    stats = b.stats("a")
    if stats["codec"] != "opus" or not stats["packetsSent"] or \
            not 1 < stats["mos"] <= 4.5:
        raise Mismatch(f"{stats}")
    end_by_page("a")


def test_calls_a_phone():
    """Audio both ways; the API shows a browser's leg."""
    call_phone()
    leg = next(x for x in the_call()["legs"] if x["user"] == "1001")
    if leg["kind"] != "BROWSER" or leg["codec"] != "opus" or \
            not leg["webrtc"] or leg["srtp"] != "AEAD_AES_128_GCM":
        raise Mismatch(f"{leg}")
    end_by_page("a", SIP)


def test_is_called():
    """Who calls is shown; the phone hangs up."""
    _, b, box = _all.start("a")
    box.do("call", phone=SIP, to="1001")
    got = b.expect("incoming", "a")
    if got["peer"]["number"] != SIP:
        raise Mismatch(f"{got}")
    b.expect("established", "a")
    box.expect("established", phone=SIP)
    b.expect("connected", "a")
    both_ways("a", SIP)
    box.do("hangup", phone=SIP)
    b.expect("ended", "a")
    box.expect("closed", phone=SIP)
    assert_clean(_all.cluster)


def test_rings_with_the_desk_phone():
    """Both ring; one answers, the other stops."""
    c, b, box = _all.start("a")
    b.do("a", "auto", False)
    phone(box, c, "1001", name="desk", tone_hz=3000, answer="manual")
    box.do("call", phone=SIP, to="1001")
    b.expect("incoming", "a")
    box.expect("incoming", phone="desk")
    box.do("answer", phone="desk")
    box.expect("established", phone="desk")
    box.expect("established", phone=SIP)
    b.expect("ended", "a")
    if b.do("a", "calls"):
        raise Mismatch("the page rings on")
    hears(box, SIP, 3000)
    box.do("hangup", phone=SIP)
    box.expect("closed", phone="desk")
    box.expect("closed", phone=SIP)
    box.do("unregister", phone="desk")
    assert_clean(c)
    b.do("a", "auto", True)
    b.events.clear()


def test_page_to_page():
    """Chromium calls Chromium."""
    _, b, _ = _all.start("a", "b")
    b.do("a", "call", PAGES["b"][0])
    for page in ("a", "b"):
        b.expect("established", page)
        b.expect("connected", page)
    b.hears("a", hz_of("b"))
    b.hears("b", hz_of("a"))
    end_by_page("a")
    b.expect("ended", "b")


def test_hold_and_mute():
    """The page holds and mutes; so does the phone."""
    _, b, box = _all.start("a")
    call_phone()
    b.do("a", "mute")
    hears(box, SIP, TONE_HZ, present=False)
    b.hears("a", tone(SIP))
    b.do("a", "unmute")
    hears(box, SIP, TONE_HZ)
    b.do("a", "hold")
    hears(box, SIP, TONE_HZ, present=False)
    wait_for("the API shows it", lambda: next(
        x for x in the_call()["legs"] if x["user"] == "1001")["held"])
    b.do("a", "resume")
    both_ways("a", SIP)
    box.do("hold", phone=SIP)
    box.expect("held", phone=SIP)
    b.hears("a", None)
    box.do("resume", phone=SIP)
    box.expect("resumed", phone=SIP)
    both_ways("a", SIP)
    end_by_page("a", SIP)


def test_digits():
    """RFC 4733, from the browser itself."""
    _, b, box = _all.start("a")
    call_phone()
    b.do("a", "dtmf", "5#")
    for digit in "5#":
        if box.expect("dtmf", phone=SIP)["digit"] != digit:
            raise Mismatch(f"another digit than {digit}")
    end_by_page("a", SIP)


def counted(seconds=4):
    """Packets a second that page "a" sends and receives, what was made up in
    that time [s], and what the API shows of its leg then."""
    c, b = _all.cluster, _all.browser
    before = b.do("a", "counters")
    time.sleep(seconds)
    now = b.do("a", "counters")
    took = (now["at"] - before["at"]) / 1000
    leg = next(x["now"] for x in c.api(
        "GET", f"/api/calls/{the_call()['id']}/stats")["legs"]
        if x["user"] == "1001")
    made = (now["concealed"] - before["concealed"]) / 48000
    return ((now["sent"] - before["sent"]) / took,
            (now["received"] - before["received"]) / took, made, leg)


def is_pause(rate):
    return 1 <= rate <= 8


def test_pauses():
    """Who is muted sends hardly a packet: the page, and the node to it; that
    is silence, and neither loss nor the end of anything."""
    _, b, box = _all.start("a")
    call_phone()
    b.do("a", "mute")
    hears(box, SIP, TONE_HZ, present=False)
    sent, received, made, leg = counted()
    if not is_pause(sent) or received < 35:
        raise Mismatch(f"the page pauses: {sent}, {received} packets/s")
    box.do("mute", phone=SIP)
    b.hears("a", None)
    sent, received, made, leg = counted()
    print("        " + json.dumps({
        "pause": "packets/s", "sent": round(sent, 1),
        "received": round(received, 1), "made_s": round(made, 3),
        "lossPercent": leg["lossPercent"],
        "concealedPercent": leg["concealedPercent"]}), flush=True)
    if not is_pause(sent) or not is_pause(received):
        raise Mismatch(f"both pause: {sent}, {received} packets/s")
    # Where little is heard, a late packet is much of it.
    if made > 0.2 or leg["lossPercent"] > 0.5 or \
            leg["concealedPercent"] > 25 or leg["state"] != "LEG_ANSWERED":
        raise Mismatch(f"a pause is no loss: {made} s were made up; {leg}")

    def fine():
        stats = b.stats("a")
        return stats["mos"] >= 4 and not stats["lossPercent"]
    wait_for("the page says that a pause is no loss", fine)
    b.hears("a", None)
    b.do("a", "unmute")
    box.do("mute", phone=SIP, on=False)
    both_ways("a", SIP)
    end_by_page("a", SIP)


def test_transfer():
    """Blind: the phone comes to speak to another one."""
    _, b, box = _all.start("a")
    call_phone()
    b.do("a", "transfer", THIRD)
    box.expect("established", phone=THIRD)
    b.expect("ended", "a")
    hears(box, SIP, tone(THIRD))
    hears(box, THIRD, tone(SIP))
    box.do("hangup", phone=SIP)
    for user in (SIP, THIRD):
        box.expect("closed", phone=user)
    assert_clean(_all.cluster)


def test_attended_transfer():
    """Two calls of a page, the first is held by the second; then one."""
    _, b, box = _all.start("a")
    first = call_phone()["leg"]
    second = b.do("a", "call", THIRD)["leg"]
    b.expect("established", "a")
    box.expect("established", phone=THIRD)
    hears(box, THIRD, TONE_HZ)
    hears(box, SIP, TONE_HZ, present=False)
    b.do("a", "transferTo", first)
    for _ in range(2):
        b.expect("ended", "a")
    hears(box, SIP, tone(THIRD))
    hears(box, THIRD, tone(SIP))
    box.do("hangup", phone=SIP)
    for user in (SIP, THIRD):
        box.expect("closed", phone=user)
    assert_clean(_all.cluster)
    del second


def test_conference():
    """Three pages and two SIP phones: each hears all others, not itself."""
    _, b, box = _all.start(*ROOM)
    sources = {page: hz_of(page) for page in ROOM}
    sources.update({user: tone(user) for user in (SIP, THIRD)})
    for page in ROOM:
        b.do(page, "call", "601")
        b.expect("established", page)
    for user in (SIP, THIRD):
        box.do("call", phone=user, to="601")
        box.expect("established", phone=user)
    for me in sources:
        others = [hz for you, hz in sources.items() if you != me]
        if me in ROOM:
            wait_for(f"page {me} hears all others and not itself",
                     lambda me=me, others=others: heard(me, others))
        else:
            for hz in others:
                hears(box, me, hz)
            hears(box, me, sources[me], present=False)
    for page in ROOM:
        b.do(page, "hangup")
    for user in (SIP, THIRD):
        box.do("hangup", phone=user)
        box.expect("closed", phone=user)
    for page in ROOM:
        b.expect("ended", page)
    assert_clean(_all.cluster)


def heard(page, others):
    levels = _all.browser.do(page, "levels", [*others, hz_of(page)])
    return min(levels[:-1]) > -50 > levels[-1]


def arm(page, user):
    """From now on: for how long does nobody hear the other?"""
    _all.browser.do(page, "watch", tone(user))
    _all.box.do("watch_tone", phone=user, hz=hz_of(page))
    wait_for("both are watched", lambda: _all.browser.do(page, "gap")
             ["heard"] and phone_gap(user)["heard"])


def phone_gap(user):
    _all.box.do("tone_gaps", phone=user)
    return _all.box.expect("tone_gaps")


def test_reload():
    """The page is loaded anew: its call comes back."""
    _, b, box = _all.start("a")
    made = call_phone()
    box.do("watch_tone", phone=SIP, hz=TONE_HZ)
    began = time.monotonic()
    b.events.clear()
    b.do("a", "reload", lib="sdk", seconds=40,
         options=_all.options("a"))
    b.expect("connected", "a")
    back = time.monotonic() - began
    both_ways("a", SIP)
    now = b.do("a", "facts")
    if (now["leg"], now["id"], now["peer"]["number"]) != \
            (made["leg"], made["id"], SIP):
        raise Mismatch(f"{now} is not {made}")
    expect_gap("reload", phone_gap(SIP)["longest_ms"]["max"],
               back_ms=round(back * 1000))
    end_by_page("a", SIP)


def test_reload_while_ringing():
    """It rings on, and is taken by the page that came after."""
    c, b, box = _all.start()
    _all.open("d", answer=False)
    box.do("call", phone=SIP, to=PAGES["d"][0])
    rang = b.expect("incoming", "d")
    b.do("d", "reload", lib="sdk", seconds=40,
         options=_all.options("d", answer=False))
    if b.expect("incoming", "d")["leg"] != rang["leg"]:
        raise Mismatch("another call rings")
    b.do("d", "answer")
    box.expect("established", phone=SIP)
    b.expect("connected", "d")
    both_ways("d", SIP)
    end_by_page("d", SIP)
    b.do("d", "stop")
    b.do("d", "close")


def call_ringing(page):
    """The page calls a phone that rings; what it is."""
    made = _all.browser.do(page, "call", SLOW)
    _all.box.expect("incoming", phone=SLOW)
    _all.browser.expect("ringing", page)
    return made


def taken(page):
    _all.box.do("answer", phone=SLOW)
    _all.box.expect("established", phone=SLOW)
    _all.browser.expect("connected", page)
    both_ways(page, SLOW)
    wait_for("it is active", lambda: _all.browser.do(page, "facts")
             ["state"] == "active")


def test_reload_while_calling():
    """The other one rings on; the page that came after has the call."""
    _, b, _ = _all.start("a")
    made = call_ringing("a")
    b.events.clear()
    b.do("a", "reload", lib="sdk", seconds=40, options=_all.options("a"))
    b.expect("registered", "a")
    wait_for("the call is back", lambda: b.do("a", "calls"))
    now = b.do("a", "facts")
    if (now["leg"], now["id"], now["peer"]["number"], now["direction"]) != \
            (made["leg"], made["id"], SLOW, "outgoing"):
        raise Mismatch(f"{now} is not {made}")
    taken("a")
    end_by_page("a", SLOW)


def test_gateway_dies_while_calling():
    """kill -9: it rings on, and the answer comes by the other one."""
    c, b, _ = _all.start("a")
    call_ringing("a")
    gateway = next(g for g in c.gateways if g.id == b.do("a", "gateway"))
    b.events.clear()
    gateway.process.kill()
    c.left(gateway)
    b.expect("registered", "a")
    taken("a")
    end_by_page("a", SLOW)
    c.join(gateway.id)


def expect_text(page, sender, text):
    got = _all.browser.expect("text", page)
    if (got["from"]["number"], got["to"], got["text"]) != \
            (sender, PAGES[page][0], text):
        raise Mismatch(f"{got}")


def write(raw, text, code):
    """Page "a" writes to a phone, which answers so."""
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(_all.browser.do, "a", "message", raw.user, text)
        got = raw.await_("MESSAGE")
        raw.answer(got, code, "So To Speak")
    if (got.body, got.get("content-type")) != \
            (text, "text/plain;charset=utf-8"):
        raise Mismatch(f"{got.raw}")
    return str(written.exception() or "")


def test_texts():
    """From page to page, from page to phone and back; what was refused is
    an error that says why."""
    c, b, _ = _all.start("a", "b")
    text = "Grüße \u2603 \"<&>\""
    b.do("a", "message", PAGES["b"][0], text)
    expect_text("b", PAGES["a"][0], text)
    with RawPhone(c.routers[0], RELAYED) as raw:
        raw.register()
        if write(raw, text, 200):
            raise Mismatch("what was taken is an error")
        if "So To Speak" not in write(raw, text, 486):
            raise Mismatch("what was refused is no error")
        said = raw.ask(raw.challenged(
            "MESSAGE", f"sip:{PAGES['b'][0]}@switchyard", text,
            **{"Content-Type": "text/plain"}))
        if said.code != 200:
            raise Mismatch(f"{said.start}")
        expect_text("b", RELAYED, text)
        raw.register(Expires="0")
    try:
        b.do("a", "message", RELAYED, text)
    except Mismatch as e:
        if "nobody is there" not in str(e):
            raise
    else:
        raise Mismatch("who is not there has taken a text")
    assert_clean(c)


def test_refused():
    """Who cannot be called says why; a page that is busy is busy."""
    c, b, box = _all.start("a", "b")
    try:
        b.do("a", "call", "no-such-number")
    except Mismatch as e:
        if "no route has this number" not in str(e):
            raise
    else:
        raise Mismatch("a call to nobody")
    b.do("b", "auto", False)
    box.do("call", phone=SIP, to=PAGES["b"][0])
    b.expect("incoming", "b")
    b.do("b", "hangup", 486)
    got = box.expect("closed", phone=SIP)
    if got["code"] != 486:
        raise Mismatch(f"{got}")
    b.expect("ended", "b")
    b.do("b", "auto", True)
    assert_clean(c)


def test_drain():
    """Its node gives the call to another one."""
    c, b, box = _all.start("a")
    call_phone()
    owner = the_call()["node"]
    arm("a", SIP)
    c.api("POST", f"/api/nodes/{owner}/drain")
    wait_for("it has moved", lambda: the_call()["node"] != owner)
    both_ways("a", SIP)
    expect_gap("drain", b.do("a", "gap")["longest_ms"],
               phone_ms=phone_gap(SIP)["longest_ms"]["max"])
    c.api("DELETE", f"/api/nodes/{owner}/drain")
    end_by_page("a", SIP)


def test_relay():
    """By a TURN server only, with credentials of the cluster's."""
    _, b, _ = _all.start()
    _all.open("r", relay=True)
    b.do("r", "call", "600")
    b.expect("connected", "r")
    b.hears("r", TONE_HZ)
    stats = b.stats("r")
    if stats["path"] != "relay":
        raise Mismatch(f"{stats}")
    end_by_page("r")
    b.do("r", "stop")
    b.do("r", "close")


def test_gateway_dies():
    """kill -9: the call does not notice, and is ruled by another one."""
    c, b, box = _all.start("a")
    call_phone()
    arm("a", SIP)
    gateway = next(g for g in c.gateways if g.id == b.do("a", "gateway"))
    b.events.clear()
    gateway.process.kill()
    c.left(gateway)
    b.expect("registered", "a")
    both_ways("a", SIP)
    expect_gap("gateway", b.do("a", "gap")["longest_ms"],
               phone_ms=phone_gap(SIP)["longest_ms"]["max"])
    b.do("a", "hold")
    hears(box, SIP, TONE_HZ, present=False)
    b.do("a", "resume")
    both_ways("a", SIP)
    end_by_page("a", SIP)
    c.join(gateway.id)


def test_node_dies():
    """kill -9: another node has the call, and audio comes back."""
    c, b, box = _all.start("a")
    call_phone()
    owner = the_call()["node"]
    node = next(n for n in c.nodes if n.id == owner)
    arm("a", SIP)
    node.process.kill()
    c.left(node)
    wait_for("another node has it", lambda: the_call()["node"] != owner)
    both_ways("a", SIP)
    expect_gap("node", b.do("a", "gap")["longest_ms"],
               phone_ms=phone_gap(SIP)["longest_ms"]["max"])
    end_by_page("a", SIP)
    c.join(node.id)


def test_node_dies_before_the_answer():
    """Sound before the answer: a page hears the phone that it calls, then,
    that phone's node being dead, that it rings; then it is answered."""
    c, b, box = _all.start("a")
    phone(box, c, "1008", codecs=["PCMU"], answer="manual", early=True)
    b.do("a", "call", "1008")
    b.expect("connected", "a")
    b.hears("a", tone("1008"))
    hears(box, "1008", hz_of("a"))
    owner = the_call()["node"]
    node = next(n for n in c.nodes if n.id == owner)
    node.process.kill()
    c.left(node)
    b.hears("a", RINGBACK_HZ, seconds=15)
    if the_call()["state"] != "CALL_RINGING":
        raise Mismatch(f"{the_call()}")
    box.do("answer", phone="1008")
    b.expect("established", "a")
    box.expect("established", phone="1008")
    both_ways("a", "1008")
    end_by_page("a", "1008")
    box.do("unregister", phone="1008")
    c.join(node.id)
