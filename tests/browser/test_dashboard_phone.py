# SPDX-License-Identifier: MIT
"""The phone in the corner of the dashboard."""

from browser import TONE_HZ
from dashboard import Dashboard
from harness import Mismatch
from rawphone import RawPhone
from talk import hears, phone, tone

_all = Dashboard()
finish = _all.finish
PASSWORD = "quite long enough 1"


def agent():
    """Somebody whose phone is 1007."""
    _all.start()
    if not hasattr(_all, "agent"):
        _all.cluster.api("POST", "/api/users", {
            "id": "ada", "displayName": "Ada", "role": "AGENT",
            "device": "1007", "password": PASSWORD})
        _all.agent = _all.person("ada")
        _all.login(_all.agent, "ada", PASSWORD)
        phone(_all.box, _all.cluster, "1006", codecs=["opus"])
    return _all.agent


def test_calls():
    """It calls a phone: both hear each other; mute, hold, digits."""
    page = agent()
    page.button("Phone")
    page.must_see("Ready")
    page.fill(label="Number to call", value="1006")
    page.button("Call", exact=True)
    _all.box.expect("established", phone="1006")
    page.see(role="group", name="Call with")
    hears(_all.box, "1006", TONE_HZ, seconds=10)
    page.button("Mute")
    hears(_all.box, "1006", TONE_HZ, present=False, seconds=10)
    page.button("Unmute")
    hears(_all.box, "1006", TONE_HZ, seconds=10)
    page.accessible("a call")
    page.button("Digits")
    page.button("5", exact=True)
    _all.box.expect("dtmf", phone="1006")
    page.button("Hang up")
    _all.box.expect("closed", phone="1006")
    page.gone(role="group", name="Call with")
    page.no_faults(but=("/api/session",))


def test_is_called():
    """It rings in front of all else, and is answered."""
    page = agent()
    _all.box.do("call", phone="1006", to="1007")
    page.see(role="dialog", name="Incoming call")
    page.accessible("an incoming call")
    page.button("Answer")
    _all.box.expect("established", phone="1006")
    hears(_all.box, "1006", TONE_HZ, seconds=10)
    _all.box.do("hangup", phone="1006")
    page.gone(role="group", name="Call with")


def test_hold_and_transfer():
    """A call is held and taken back, then given to somebody else: by number,
    and by connecting two calls."""
    page = agent()
    phone(_all.box, _all.cluster, "1008", codecs=["opus"])
    phone(_all.box, _all.cluster, "1009", codecs=["opus"])
    if not page.count(label="Number to call"):
        page.button("Phone")
    page.fill(label="Number to call", value="1006")
    page.button("Call", exact=True)
    _all.box.expect("established", phone="1006")
    hears(_all.box, "1006", TONE_HZ, seconds=10)
    page.button("Hold")
    page.must_see("On hold")
    hears(_all.box, "1006", TONE_HZ, present=False, seconds=10)
    page.button("Resume")
    hears(_all.box, "1006", TONE_HZ, seconds=10)

    page.button("Transfer", exact=True)
    page.fill(label="Transfer to number", value="1008")
    page.accessible("a transfer")
    page.press(keys="Enter")
    _all.box.expect("established", phone="1008")
    page.gone(role="group", name="Call with")
    hears(_all.box, "1008", tone("1006"), seconds=10)
    _all.box.do("hangup", phone="1006")
    _all.box.expect("closed", phone="1008")

    for number in ("1008", "1009"):
        page.fill(label="Number to call", value=number)
        page.button("Call", exact=True)
        _all.box.expect("established", phone=number)
        page.see(role="group", name=f"Call with Phone {number}")
    one = {"role": "group", "name": "Call with Phone 1008"}
    page.button("Transfer", exact=True, inside=one)
    page.button("Connect with Phone 1009")
    page.gone(role="group", name="Call with")
    hears(_all.box, "1008", tone("1009"), seconds=10)
    hears(_all.box, "1009", tone("1008"), seconds=10)
    _all.box.do("hangup", phone="1008")
    _all.box.expect("closed", phone="1009")
    page.no_faults(but=("/api/session",))


def received(raw):
    """The next MESSAGE that a phone of raw text gets."""
    return raw.await_("MESSAGE", 10)


def test_messages():
    """A phone writes: it is told in the corner, read, and answered; what is
    not delivered says why, and can be sent again; a reload keeps it all."""
    page = agent()
    if page.count(label="Number to call"):
        page.button("Phone 1007")  # folded
    with RawPhone(_all.cluster.routers[0], "1011") as raw:
        if raw.register().code != 200:
            raise Mismatch("1011 was not registered")
        sent = raw.ask(raw.challenged(
            "MESSAGE", "sip:1007@switchyard", "Grüße <b>&",
            **{"Content-Type": "text/plain;charset=utf-8"}))
        if sent.code != 200:
            raise Mismatch(f"the page did not take the message: {sent.raw}")
        page.see(css=".sy-phone-head:has-text('1 new message')")
        page.click(css=".sy-phone-head")
        page.button("Messages")
        page.button("Phone 1011")
        page.see(text="Grüße <b>&", exact=True)
        page.gone(css=".sy-unread")
        page.see(css="input[aria-label=Message]:focus")
        page.fill(label="Message", exact=True, value="And to you")
        page.accessible_in_both("messages")
        page.press(keys="Enter")
        got = received(raw)
        page.must_see("sending …")
        if got.body != "And to you":
            raise Mismatch(f"1011 was told {got.body!r}")
        raw.answer(got, 200, "OK")
        page.must_see("delivered")

        page.fill(label="Message", exact=True, value="Once more")
        page.press(keys="Enter")
        raw.answer(received(raw), 486, "Not Now Please")
        page.must_see("not delivered: ")
        page.must_see("Not Now Please")
        page.accessible_in_both("a message that was refused")
        page.button("Send again")
        got = received(raw)
        if got.body != "Once more":
            raise Mismatch(f"1011 was told {got.body!r}")
        raw.answer(got, 200, "OK")
        page.gone(text="not delivered: ")
        raw.register(Expires="0")

    page.button("All messages")
    page.button("New message")
    page.fill(label="Message to number", value="4711")
    page.fill(label="Message", exact=True, value="x")
    page.button("Send")
    page.must_see("not delivered: ")
    page.reload()
    page.button("Phone")
    page.button("Messages")
    page.button("Phone 1011")
    page.see(text="Grüße <b>&", exact=True)
    page.see(text="And to you", exact=True)
    page.button("Messages", exact=True)  # and back to the number
    page.see(label="Number to call")
    page.no_faults(but=("/api/session",))


def test_phone_does_not_come():
    """The corner says so, and has the phone once it can be had."""
    agent()
    page = _all.person("no phone")
    _all.login(page, "ada", PASSWORD)
    page.block(path="**/assets/dock-*")
    page.goto(path="/")
    page.must_see("The phone could not be loaded")
    page.accessible_in_both("without the phone")
    page.go(path="/account")
    page.heading("Your account")
    page.unblock(path="**/assets/dock-*")
    page.button("Try again: The phone")
    page.must_see("Ready")
    page.do("close")


def test_texts_of_somebody_before():
    """Who was logged in here has left, or his session has: his texts too."""
    _all.start()
    page = _all.person("before")
    kept = "Object.keys(sessionStorage).filter((k) => /^sy-texts-/.test(k))"
    page.goto(path="/")
    page.see(role="button", name="Log in")

    def leave():
        page.evaluate(script="""for (const k of ["1007", "bo/1007"])
            sessionStorage.setItem(`sy-texts-${k}`, "[]")""")

    leave()
    page.goto(path="/")
    _all.until("nothing is kept without a session",
               lambda: not page.evaluate(script=kept))
    _all.login(page)
    leave()
    page.goto(path="/")
    page.see(role="button", name="admin")
    _all.until("nothing of others is kept",
               lambda: not page.evaluate(script=kept))
    page.do("close")
