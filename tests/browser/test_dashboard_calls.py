# SPDX-License-Identifier: MIT
"""What operators do with calls by the dashboard: move, transfer, look at who
is parked and who watches whom, and at a call when it is over."""

import contextlib
import time

from dashboard import Dashboard
from harness import Mismatch
from rawphone import RawPhone
from talk import call, hears, phone, tone
from test_presence import Watcher

_all = Dashboard()
finish = _all.finish


def api(path):
    return _all.cluster.api("GET", f"/api/{path}")


def users(c):
    return sorted(leg["user"] for leg in c["legs"]
                  if leg["state"] == "LEG_ANSWERED")


def pair(a, b):
    """Two phones that talk, of their own."""
    for user in (a, b):
        phone(_all.box, _all.cluster, user)
    call(_all.box, a, b)
    return _all.call_of(a)


def confirm(page, name):
    page.click(role="button", name=name, exact=True,
               inside={"role": "dialog"})


def test_move():
    """A call goes to another node, and nobody notices."""
    page = _all.start()
    c = _all.call_of("1001")
    other = {"node-1": "node-2", "node-2": "node-1"}[c["node"]]
    page.go(path=f"/calls/{c['id']}")
    page.button("Move 1001 → 1002 to another node")
    page.click(role="menuitem", name=f"To {other}")
    page.must_see("The call is on another node")
    page.see(role="link", name=other)
    _all.until("it is there", lambda: _all.call_of("1001")["node"] == other)
    hears(_all.box, "1002", tone("1001"))
    # And back, from the page of the node that has it.
    page.go(path=f"/nodes/{other}")
    page.button("Move 1001 → 1002 to another node")
    page.click(role="menuitem", name="To where there is room")
    _all.until("it is back",
               lambda: _all.call_of("1001")["node"] == c["node"])
    hears(_all.box, "1002", tone("1001"))
    page.no_faults()


def test_transfer_to_a_number():
    """Somebody else rings, and takes the place of one."""
    page = _all.start()
    c = pair("1008", "1009")
    phone(_all.box, _all.cluster, "1010")
    page.go(path=f"/calls/{c['id']}")
    page.button("Transfer 1009")
    page.button("Transfer", exact=True)
    page.must_see("To whom?")
    page.fill(label="Number", exact=True, value="1010", inside={"role": "dialog"})
    page.button("Transfer", exact=True)
    page.must_see("The transfer is under way")
    _all.box.expect("established", phone="1010")
    _all.box.expect("closed", phone="1009")
    page.see(role="listitem", name="1010")
    page.gone(role="listitem", name="1009")
    hears(_all.box, "1010", tone("1008"))
    _all.box.do("hangup", phone="1008")
    _all.box.expect("closed", phone="1010")
    page.no_faults(but=("404",))


def test_transfer_to_a_call():
    """Two calls become one; who was transferred has left."""
    page = _all.start()
    first, second = pair("1011", "1012"), pair("1013", "1014")
    page.go(path=f"/calls/{first['id']}")
    page.button("Transfer 1011")
    page.click(text="To a call")
    page.pick(role="combobox", name="Call", option="1013 → 1014")
    page.accessible("a transfer")
    page.button("Transfer", exact=True)
    page.must_see("The transfer is under way")
    _all.box.expect("closed", phone="1011")
    _all.until("they are one", lambda: users(_all.call_of("1013")) ==
               ["1012", "1013", "1014"])
    hears(_all.box, "1012", tone("1013"))
    gone = {first["id"], second["id"]} - {_all.call_of("1013")["id"]}
    _all.until("just one is left", lambda: not any(
        c["id"] in gone for c in api("calls")["items"]))
    for user in ("1013", "1014"):
        _all.box.do("hangup", phone=user)
    _all.box.expect("closed", phone="1012")
    page.no_faults(but=("404",))


def test_parked():
    """Who waits where; and the way to him."""
    page = _all.start()
    page.go(path="/parked")
    page.must_see("Nobody is parked")
    phone(_all.box, _all.cluster, "1015")
    _all.box.do("call", phone="1015", to="691")
    page.see(role="link", name="691")
    page.see(role="cell", name="1015")
    page.accessible("parked calls")
    page.click(role="link", name="691")
    page.heading("1015 → 691")
    page.button("Hang up", exact=True)
    confirm(page, "Hang up")
    _all.box.expect("closed", phone="1015")
    page.go(path="/parked")
    page.must_see("Nobody is parked")
    page.no_faults(but=("404",))


def test_subscriptions():
    """Which phone's lamp shows what."""
    page = _all.start()
    page.go(path="/subscriptions")
    page.must_see("Nobody watches anything")
    with contextlib.ExitStack() as stack:
        router = _all.cluster.routers[0]
        Watcher(stack, router, "dialog", "1001", user="1016").notify()
        Watcher(stack, router, "presence", "1002", user="1016").notify()
        page.see(role="cell", name="Lamp: its calls")
        page.see(role="cell", name="Presence")
        page.accessible("subscriptions")
        page.pick(role="combobox", name="Kind", option="Presence")
        page.must_see("1 of 2 subscriptions")
        page.gone(role="cell", name="Lamp: its calls")
    page.no_faults()


def test_over():
    """A call that has ended: what happened, each of its messages, how it
    sounded on each leg."""
    page = _all.start()
    c = _all.call_of("1001")
    _all.box.do("hangup", phone="1001")
    _all.box.expect("closed", phone="1002")
    page.go(path="/history")
    page.click(role="link", name="1001 → 1002")
    page.heading("1001 → 1002")
    for text in ("1001 calls", "1002 is called", "1002 is connected",
                 "1001 leaves", "The call ends"):
        page.must_see(text)
    page.accessible("what happened")

    def trace():
        return api(f"calls/{c['id']}/trace")["messages"]

    def all_written():
        had = len(trace())
        time.sleep(1)
        return len(trace()) == had
    _all.until("routers write no more", all_written)
    page.click(role="tab", name="Signalling")
    page.see(css=".sy-ladder-row")
    texts = [m["text"] for m in trace()]
    _all.until("all of its messages are shown", lambda: page.count(
        css=".sy-ladder-row") == len(texts))
    page.click(css=".sy-ladder-row")
    for i, text in enumerate(texts):
        first = text.split("\r\n")[0]
        _all.until(f"message {i}: {first}", lambda f=first: page.text(
            css="[role=dialog] pre").startswith(f))
        if i + 1 < len(texts):
            page.button("Next", exact=True)
    page.press(keys="Escape")
    page.gone(role="dialog")

    page.click(role="tab", name="Quality")
    for user in ("1001", "1002"):
        page.see(role="img", name=f"Score of {user}: now")
        page.see(css=f"section[aria-label^='{user},'] canvas")
    page.click(text="Delay", exact=True)
    page.see(role="img", name="Delay of 1002: now Jitter")
    page.accessible("how it sounded")
    page.no_faults(but=("404",))


def test_send_away():
    """A phone is asked to call elsewhere by itself, and leaves us when it
    has; what is no address is told at its field."""
    page = _all.start()
    phone(_all.box, _all.cluster, "1018")
    with RawPhone(_all.cluster.routers[0], "1017") as raw:
        dialog = raw.established("1018")
        _all.box.expect("established", phone="1018")
        page.go(path=f"/calls/{_all.call_of('1017')['id']}")
        page.button("Transfer 1017")
        page.click(text="Send away")
        page.must_see("Its own system is asked to call there")
        page.fill(label="Number", exact=True, value="sip:a b@example.com",
                  inside={"role": "dialog"})
        page.button("Transfer", exact=True)
        page.see(css="[role=dialog] .mantine-InputWrapper-error")
        page.accessible("what is no address")
        page.fill(label="Number", exact=True,
                  value="sip:2000@elsewhere.example",
                  inside={"role": "dialog"})
        page.button("Transfer", exact=True)
        page.must_see("The transfer is under way")
        refer = raw.await_("REFER")
        if refer.get("refer-to") != "<sip:2000@elsewhere.example>":
            raise Mismatch(f"Refer-To: {refer.get('refer-to')}")
        raw.answer(refer, 202, "Accepted")
        for said, state in (("100 Trying", "active;expires=60"),
                            ("200 OK", "terminated")):
            dialog.ask("NOTIFY", f"SIP/2.0 {said}\r\n", **{
                "Event": "refer", "Subscription-State": state,
                "Content-Type": "message/sipfrag"})
        raw.answer(raw.await_("BYE"), 200, "OK")
    _all.box.expect("closed", phone="1018")
    page.see(role="tab", name="Timeline")
    page.must_see("1017 leaves")
    page.no_faults(but=("400", "404"))
