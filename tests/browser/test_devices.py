# SPDX-License-Identifier: MIT
"""Microphones and loudspeakers of a page on @switchyard/sdk: refused, absent,
pulled out, plugged in, chosen; and a browser that plays nothing before a
click."""

import contextlib

from browser import TONE_HZ, Browser
from harness import Mismatch, assert_clean, cluster, phones, wait_for
from talk import hears, phone, tone

PAGE, SIP = "1001", "1002"
SECOND_HZ, THIRD_HZ = 2100, 2700


class Shared:
    """One cluster and one SIP phone; a browser with a microphone, and, for who
    needs another one, one of his own."""

    def __init__(self):
        self.stack = contextlib.ExitStack()
        self.cluster = None
        self.usual = None

    def start(self):
        if not self.cluster:
            self.cluster = self.stack.enter_context(cluster(nodes=1))
            self.box = self.stack.enter_context(phones())
            phone(self.box, self.cluster, SIP, codecs=["opus"])
        return self.cluster, self.box

    @contextlib.contextmanager
    def browser(self, **conf):
        if conf:
            with Browser(**conf) as b:
                yield b
            return
        if not self.usual:
            self.usual = self.stack.enter_context(Browser())
        self.usual.events.clear()
        yield self.usual

    @contextlib.contextmanager
    def page(self, hz=0, **conf):
        """A page, which is a phone."""
        with self.browser(**conf) as b:
            c, _ = self.start()
            self.options = {
                "url": [f"https://{c.gateways[0].https}"], "hz": hz,
                "token": c.api("POST", "/api/tokens", {
                    "name": "page", "scopes": ["phone"],
                    "device": PAGE})["token"]}
            b.do("a", "open", lib="sdk", options=self.options, seconds=40)
            b.expect("registered", "a")
            yield b
            b.do("a", "stop")
            b.do("a", "close")
        assert_clean(c)


_all = Shared()
finish = _all.stack.close


def call(b):
    b.do("a", "call", SIP)
    b.expect("connected", "a")
    _all.box.expect("established", phone=SIP)
    b.hears("a", tone(SIP))


def end(b):
    b.do("a", "hangup")
    b.expect("ended", "a")
    _all.box.expect("closed", phone=SIP)


def fails(b, code, method, *args):
    """It says why, by a code and in words for people."""
    try:
        b.do("a", method, *args)
    except Mismatch as e:
        if code not in str(e):
            raise
    else:
        raise Mismatch(f"{method} worked without a microphone")


def no_microphone(b, text, code):
    """Neither to call, nor to answer: that call rings on, and is refused."""
    _, box = _all.start()
    fails(b, text, "call", SIP)
    box.do("call", phone=SIP, to=PAGE)
    b.expect("incoming", "a")
    if b.expect("trouble", "a")["code"] != code:
        raise Mismatch("another cause")
    facts = b.do("a", "facts")
    if facts["state"] != "ringing":
        raise Mismatch(f"{facts}")
    b.do("a", "hangup", 486)
    if box.expect("closed", phone=SIP)["code"] != 486:
        raise Mismatch("another code than 486")
    b.expect("ended", "a")


def test_none():
    """A machine without a microphone."""
    with _all.page(microphone="none") as b:
        no_microphone(b, "There is no microphone", "no-microphone")


def test_denied():
    """The user does not allow it."""
    with _all.page(microphone="denied") as b:
        no_microphone(b, "allow it for this page", "microphone-denied")


def test_pulled():
    """In a call: another one is taken. Without another one the call goes on,
    and is heard; the next that is plugged in speaks."""
    _, box = _all.start()
    with _all.page(SECOND_HZ) as b:
        call(b)
        hears(box, SIP, SECOND_HZ)
        b.do("a", "pull", THIRD_HZ)
        b.expect("lost", "a")
        hears(box, SIP, THIRD_HZ)
        b.do("a", "pull", 0, "NotFoundError")
        trouble = b.expect("trouble", "a")
        if trouble["code"] != "no-microphone":
            raise Mismatch(f"{trouble}")
        hears(box, SIP, THIRD_HZ, present=False)
        b.hears("a", tone(SIP))
        b.do("a", "plug", SECOND_HZ)
        hears(box, SIP, SECOND_HZ)
        end(b)


def test_muted_stays_muted():
    """Who is muted is not heard by the next microphone."""
    _, box = _all.start()
    with _all.page(SECOND_HZ) as b:
        call(b)
        b.do("a", "mute")
        b.do("a", "pull", THIRD_HZ)
        b.expect("lost", "a")
        for hz in (SECOND_HZ, THIRD_HZ):
            hears(box, SIP, hz, present=False)
        b.do("a", "unmute")
        hears(box, SIP, THIRD_HZ)
        end(b)


def test_back_without():
    """Loaded anew where there is no microphone any more: the call comes back
    and is heard; one that is plugged in then speaks."""
    _, box = _all.start()
    with _all.page(SECOND_HZ) as b:
        call(b)
        b.events.clear()
        b.do("a", "reload", lib="sdk", seconds=40,
             options={**_all.options, "broken": "NotFoundError"})
        if b.expect("trouble", "a")["code"] != "no-microphone":
            raise Mismatch("another cause")
        b.expect("connected", "a")
        b.hears("a", tone(SIP))
        b.do("a", "plug", THIRD_HZ)
        hears(box, SIP, THIRD_HZ, seconds=10)
        b.hears("a", tone(SIP))
        end(b)


def test_chosen():
    """Devices have names; what is chosen is used at once, and remembered."""
    _, box = _all.start()
    with _all.page() as b:
        call(b)
        had = wait_for("names", lambda: named(b))
        mic = had["microphones"][-1]["id"]
        speaker = had["speakers"][-1]["id"]
        b.do("a", "useMicrophone", mic)
        b.do("a", "useSpeaker", speaker)
        wait_for("both are used", lambda: uses(b, mic, speaker))
        hears(box, SIP, TONE_HZ)
        b.hears("a", tone(SIP))
        b.do("a", "useSpeaker", "gone")
        wait_for("the system's instead", lambda: falls_back(b, "gone"))
        b.do("a", "useSpeaker", speaker)
        b.events.clear()
        b.do("a", "reload", lib="sdk", seconds=40, options=_all.options)
        b.expect("connected", "a")
        now = b.do("a", "devices")
        if (now["microphone"], now["speaker"]) != (mic, speaker) or \
                now["asked"][0]["deviceId"] != {"exact": mic} or \
                speaker not in now["outputs"]:
            raise Mismatch(f"{now}")
        end(b)


def named(b):
    got = b.do("a", "devices")
    lists = got["microphones"], got["speakers"]
    return got if all(len(v) > 1 and v[0]["label"] for v in lists) else None


def falls_back(b, speaker):
    outputs = b.do("a", "devices")["outputs"]
    return (speaker, "") in zip(outputs, outputs[1:])


def uses(b, mic, speaker):
    got = b.do("a", "devices")
    return got["asked"][-1].get("deviceId") == {"exact": mic} and \
        speaker in got["outputs"]


def test_blocked():
    """A browser that plays nothing before a click (ours is told so in the page:
    to be driven is a gesture): the page is told, and what comes plays from the
    click on."""
    with _all.page(SECOND_HZ) as b:
        b.do("a", "block")
        b.do("a", "call", SIP)
        b.expect("established", "a")
        trouble = b.expect("trouble", "a")
        if trouble["code"] != "blocked" or "click" not in trouble["text"]:
            raise Mismatch(f"{trouble}")
        if b.do("a", "played"):
            raise Mismatch("it plays already")
        b.do("a", "click")
        at = wait_for("it plays", lambda: b.do("a", "played"))
        wait_for("it goes on", lambda: b.do("a", "played")[0] > at[0])
        end(b)
