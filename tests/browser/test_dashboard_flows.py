# SPDX-License-Identifier: MIT
"""What operators do with the dashboard, and what has come of it in the
cluster."""

import re
import signal

from dashboard import Dashboard
from harness import Mismatch, request, wait_for
from talk import phone

_all = Dashboard()
finish = _all.finish


def api(path):
    return _all.cluster.api("GET", f"/api/{path}")


def names(path):
    return {item["id"] for item in api(path)["items"]}


def test_wrong_password():
    _all.start()
    page = _all.person("wrong")
    page.goto(path="/nodes")
    page.fill(label="User", value="admin")
    page.fill(label="Password", exact=True, value="not this one at all")
    page.button("Log in")
    page.see(role="alert")
    page.must_see("User name or password is wrong.")
    # The right one leads to the page that was asked for.
    page.fill(label="Password", exact=True,
              value=_all.cluster.admin_password)
    page.button("Log in")
    page.heading("Nodes")
    page.do("close")


def test_find_mute_hold_hang_up():
    """A call is found, opened, and ended for one and for all."""
    page = _all.start()
    page.go(path="/calls")
    page.fill(label="Search calls", value="1002")
    page.must_see("1 of 2 calls")
    page.click(role="link", name="1001 → 1002")
    page.button("Mute 1001")
    page.see(role="button", name="Unmute 1001")
    _all.until("1001 is muted", lambda: _all.leg("1001")["muted"])
    page.button("Hold 1002")
    page.see(role="button", name="Resume 1002")
    _all.until("1002 is on hold", lambda: _all.leg("1002")["held"])
    page.button("Unmute 1001")
    page.button("Resume 1002")
    _all.until("all is as before", lambda: not _all.leg("1001")["muted"]
               and not _all.leg("1002")["held"])
    page.button("Hang up", exact=True)
    page.click(role="button", name="Hang up", exact=True,
               inside={"role": "dialog"})
    _all.box.expect("closed", phone="1002")
    # What is known of it stays on the page.
    page.must_see("ended")
    page.must_see("What happened")
    page.click(role="tab", name="Signalling")
    page.button("INVITE from 1001")
    page.see(role="dialog", name="INVITE")
    page.must_see("CSeq")
    page.press(keys="Escape")
    page.go(path="/history")
    page.see(role="link", name="1001 → 1002")
    page.no_faults(but=("404",))


def test_levels_and_adding():
    """Levels move while somebody talks; a third one is called in."""
    page = _all.start()
    phone(_all.box, _all.cluster, "1005")
    page.go(path=f"/calls/{_all.call_of('1003')['id']}")
    page.see(role="meter", name="Says level",
             inside={"role": "listitem", "name": "1003"})
    _all.until("a level is shown", lambda: "dB" in page.attribute(
        role="meter", name="Says level", attribute="aria-valuetext",
        inside={"role": "listitem", "name": "1003"}))
    page.button("Add", exact=True)
    page.fill(label="Phone", exact=True, value="1005",
              inside={"role": "dialog"})
    page.click(role="button", name="Call", exact=True,
               inside={"role": "dialog"})
    page.see(role="listitem", name="1005")
    _all.box.expect("established", phone="1005")
    page.button("Hang up 1005")
    page.click(role="button", name="Hang up", exact=True,
               inside={"role": "dialog"})
    _all.box.expect("closed", phone="1005")
    page.gone(role="listitem", name="1005")


def test_drain():
    """A node is drained, seen to be, and takes calls again; nobody's call
    has ended."""
    page = _all.start()
    node = _all.call_of("1003")["node"]
    before = len(api("calls")["items"])
    page.go(path="/nodes")
    page.button(f"Drain {node}")
    page.click(role="button", name="Drain", exact=True,
               inside={"role": "dialog"})
    page.must_see("Drained: it has no calls and may be stopped")
    if _all.call_of("1003")["node"] == node or \
            len(api("calls")["items"]) != before:
        raise Mismatch(f"{api('calls')}")
    page.button(f"Take calls again on {node}")
    page.button("Take calls", exact=True)
    page.gone(text="Drained: it has no calls")
    _all.until("it is live again", lambda: all(
        n["state"] == "LIVE" for n in api("nodes")["items"]))


def test_phone_route_probe():
    """A phone is made, registers with its password, gets a route of its
    own, which a number finds; wrong input is told at its field."""
    page = _all.start()
    page.go(path="/phones")
    page.button("New phone")
    page.button("Save")
    page.must_see("A phone needs a password")
    page.fill(label="Name to register with", value="2001")
    page.fill(label="Password", exact=True, value="demo-2001")
    page.button("Save")
    page.must_see("Phone is saved")
    _all.box.do("phone", id="2001", user="2001", domain="switchyard",
                codecs=["PCMU"], tone_hz=500, answer="auto",
                password="demo-2001", proxy=_all.cluster.routers[0].udp)

    def registers():
        _all.box.do("register", phone="2001")
        return _all.box.expect("registered", phone="2001")["code"] == 200
    wait_for("a router knows it", registers, seconds=4, every=0.5)
    page.fill(label="Search phones", value="2001")
    page.click(role="link", name="2001")
    page.heading("Phone 2001")
    page.must_see("registered")

    page.go(path="/routes")
    page.button("New route")
    page.fill(label="Name of the rule", value="two-thousand")
    page.fill(label="Number", value="2[", inside={"role": "dialog"})
    page.button("Save")
    page.see(css="[role=dialog] [role=alert], [role=dialog] "
                 ".mantine-InputWrapper-error")
    page.fill(label="Number", value="2XXX", inside={"role": "dialog"})
    page.button("Save")
    page.must_see("The route is saved")
    page.fill(label="Number", value="2001", inside={"role": "search"})
    page.button("Try", exact=True)
    page.must_see("takes “two-thousand” and leads to phone 2001")

    page.button("Remove two-thousand")
    page.click(role="button", name="Remove", exact=True,
               inside={"role": "dialog"})
    page.must_see("two-thousand is removed")
    page.button("Try", exact=True)
    page.gone(text="takes “two-thousand”")
    page.go(path="/phones/2001")
    page.button("Remove", exact=True)
    page.click(role="button", name="Remove", exact=True,
               inside={"role": "dialog"})
    page.heading("Phones")
    if "2001" in names("config/devices"):
        raise Mismatch("the phone is still there")


def test_provider():
    """The set-up tests the connection, says what is wrong, and saves it."""
    page = _all.start()
    page.go(path="/providers")
    page.button("New provider")
    page.button("Next")
    page.must_see("Where does it listen?")
    page.fill(label="Name", value="acme")
    page.fill(label="Address", value="127.0.0.1:9")
    page.pick(role="combobox", name="Transport", option="TCP")
    page.button("Next")
    page.fill(label="User name", value="4930123")
    page.fill(label="Password", exact=True, value="secret")
    page.button("Next")
    page.fill(label="Country code", value="49")
    page.button("Next")
    page.button("Test the connection")
    page.see(role="list", name="Steps of the test")
    page.must_see("It does not work yet.")
    page.accessible("a test that failed")
    page.button("Save anyway")
    page.heading("Provider acme")
    item = api("config/providers/acme")
    if item["countryCode"] != "49" or item.get("password"):
        raise Mismatch(f"{item}")
    page.button("Change", exact=True)
    page.click(role="tab", name="Limits")
    page.fill(label="Calls at a time", value="7")
    page.button("Save", exact=True)
    page.must_see("The provider is saved")
    if api("config/providers/acme")["maxCalls"] != 7:
        raise Mismatch("its limit was not stored")


def test_token():
    """Shown once, good for what it says, and for nothing once revoked."""
    page = _all.start()
    page.go(path="/tokens")
    page.button("New token")
    page.fill(label="Name", value="reader")
    page.click(label="Calls and history: read")
    page.button("Make the token")
    page.must_see("It is shown only now")
    token = page.text(label="Token", exact=True)
    page.button("Done")
    page.must_see("calls:read")
    if page.count(text=token):
        raise Mismatch("the token is shown again")

    def status(path):
        return request("GET", f"http://{_all.cluster.gateways[0].http}"
                              f"/api/{path}", token)[0]

    if (status("calls"), status("nodes")) != (200, 403):
        raise Mismatch(f"{status('calls')} {status('nodes')}")
    page.button("Revoke reader")
    page.click(role="button", name="Revoke", exact=True,
               inside={"role": "dialog"})
    page.must_see("reader is revoked")
    _all.until("it is refused", lambda: status("calls") == 401)


def test_operator():
    """Sees what is his, and is told what he lacks."""
    page = _all.start()
    page.go(path="/users")
    page.button("New user")
    page.fill(label="Logs in as", value="olga")
    page.fill(label="Password", exact=True, value="short")
    page.button("Save")
    page.must_see("At least 12 characters")
    page.fill(label="Password", exact=True, value="quite long enough 1")
    page.button("Save")
    page.must_see("The user is saved")
    olga = _all.person("olga")
    _all.login(olga, "olga", "quite long enough 1")
    olga.heading("Overview")
    if olga.count(role="link", name=re.escape("Users")):
        raise Mismatch("an operator is shown the users")
    olga.go(path="/users")
    olga.must_see("This needs the role administrator")
    # Locked, he is out at once.
    page.button("Change olga")
    page.click(label="Locked: cannot log in")
    page.button("Save")
    page.must_see("locked")
    olga.go(path="/calls")
    olga.see(role="button", name="Log in")
    olga.do("close")


def test_go_to():
    """From anywhere to a phone and to a call, by some letters and Enter."""
    page = _all.start()
    call = _all.call_of("1003")
    page.go(path="/audit")
    page.heading("Audit")
    page.press(keys="Control+k")
    page.see(css="[role=dialog] input:focus")
    page.fill(css="[role=dialog] input", value="phone 1004")
    page.see(role="option", name="1004")
    page.accessible("the dialog Go to")
    page.press(keys="Enter")
    page.heading("Phone 1004")
    page.gone(role="dialog")
    page.press(keys="Control+k")
    page.fill(css="[role=dialog] input", value=call["id"].lower())
    page.see(role="option", name="1003")
    page.press(keys="Enter")
    page.heading("1003 → 601")
    page.press(keys="Control+k")
    page.see(css="[role=dialog] input:focus")
    page.press(keys="Escape")
    page.gone(role="dialog")


def test_address_has_the_filters():
    """What was looked for is there after a reload, and on the way back."""
    page = _all.start()
    page.go(path="/phones")
    page.fill(label="Search phones", value="1003")
    page.gone(role="link", name="1001", exact=True)
    _all.until("the address has it",
               lambda: page.evaluate(script="location.search") == "?q=1003")
    page.reload()
    page.heading("Phones")
    page.see(css="input[aria-label='Search phones'][value='1003']")
    page.click(role="link", name="1003")
    page.heading("Phone 1003")
    page.evaluate(script="history.back()")
    page.heading("Phones")
    page.see(css="input[aria-label='Search phones'][value='1003']")


def lacking(name, path):
    """A page that does not get a part of the program, with somebody who is
    about to log in."""
    _all.start()
    page = _all.person(name)
    page.block(path=path)
    page.goto(path="/")
    page.fill(label="User", value="admin")
    page.fill(label="Password", exact=True,
              value=_all.cluster.admin_password)
    page.button("Log in")
    return page


def test_shell_does_not_come():
    """Without what is around each page nothing can be shown but that; tried
    again it comes, with its styles."""
    page = lacking("no shell", "**/assets/shell-*")
    page.must_see("The dashboard could not be loaded")
    page.accessible("without the shell")
    page.button("Try again")
    page.must_see("The dashboard could not be loaded")
    page.unblock(path="**/assets/shell-*")
    page.button("Try again")
    page.see(role="button", name="admin")
    page.heading("Overview")
    if page.evaluate(script="getComputedStyle(document.querySelector("
                            "'.sy-shell')).display") != "flex":
        raise Mismatch("the shell has no styles")
    page.do("close")


def test_part_does_not_come():
    """What could not be loaded is named where it would be; all else can be
    used, and once it can be had it comes, without a reload."""
    parts = (("goto", "“Go to”", "Go to …"), ("user_menu", "Your menu",
                                               "admin"))
    for part, says, name in parts:
        page = lacking(part, f"**/assets/{part}-*")
        page.must_see(f"{says} could not be loaded")
        page.heading("Overview")
        page.accessible_in_both(f"without {part}")
        page.evaluate(script="window.same = true")
        page.click(role="link", name="Nodes", exact=True)
        page.heading("Nodes")
        page.button(f"Try again: {says}")
        page.must_see(f"{says} could not be loaded")
        page.unblock(path=f"**/assets/{part}-*")
        page.button(f"Try again: {says}")
        page.see(role="button", name=name)
        page.gone(text="could not be loaded")
        if not page.evaluate(script="window.same"):
            raise Mismatch("the page was loaded anew")
        page.do("close")


def test_page_does_not_come():
    """So does a page; and one that failed before comes at its next use."""
    page = lacking("no page", "**/assets/audit-*")
    page.heading("Overview")
    page.go(path="/audit")
    page.must_see("This page could not be loaded")
    page.unblock(path="**/assets/audit-*")
    page.go(path="/nodes")
    page.heading("Nodes")
    page.go(path="/audit")
    page.heading("Audit")
    page.do("close")


def test_newer_dashboard():
    """Files that are gone because there is a newer dashboard: it is
    offered."""
    page = lacking("older", "**/assets/goto-*")
    page.heading("Overview")
    page.must_see("“Go to” could not be loaded")
    page.block(path="**/", body="<script src=/assets/index-new.js></script>")
    page.button("Try again: “Go to”")
    page.must_see("there is a newer dashboard")
    page.unblock(path="**/")
    page.unblock(path="**/assets/goto-*")
    page.button("Load the page anew: “Go to”")
    page.see(role="button", name="Go to …")
    page.do("close")


def test_redis_is_away():
    """Everybody is told; what cannot be done now says why."""
    page = _all.start()
    page.go(path="/groups")
    page.heading("Groups")
    _all.cluster.redis.signal(signal.SIGSTOP)
    try:
        page.must_see("Redis is away")
        page.accessible("Redis is away")
        page.button("Remove support")
        page.click(role="button", name="Remove", exact=True,
                   inside={"role": "dialog"})
        page.see(css="[role=dialog] [role=alert]")
        if "redis" not in page.text(
                css="[role=dialog] [role=alert]").lower():
            raise Mismatch("the error does not name its cause")
        page.press(keys="Escape")
    finally:
        _all.cluster.redis.signal(signal.SIGCONT)
    page.gone(text="Redis is away")


def test_a_node_dies():
    """The overview says so, and what became of its calls."""
    page = _all.start()
    node = next(n for n in _all.cluster.nodes
                if n.id == _all.call_of("1003")["node"])
    page.go(path="/")
    page.heading("Overview")
    node.process.signal(signal.SIGKILL)
    page.must_see(f"{node.id} died: ")
    node.start()
    page.see(role="link", name=node.id, exact=False)
