# SPDX-License-Identifier: MIT
"""What administrators set up by the dashboard, and what the API then says:
providers with all that they have, settings, groups, bans, webhooks, one's own
account; and two who change the same."""

from carrier import Carrier
from dashboard import Dashboard
from harness import must, request
from test_webhooks import receiver

_all = Dashboard()
finish = _all.finish
PASSWORD = "quite long enough 1"


def api(path, method="GET", body=None):
    return _all.cluster.api(method, f"/api/{path}", body)


def sheet(page, name):
    page.click(role="tab", name=name)


def group(name):
    return {"role": "group", "name": name}


def confirm(page, name):
    page.click(role="button", name=name, exact=True,
               inside={"role": "dialog"})


def test_provider_whole():
    """A range of numbers, rewriting, who is shown, failover and codecs; what
    is wrong on another sheet is shown there."""
    page = _all.start()
    page.go(path="/providers/loop")
    page.button("Change", exact=True)
    sheet(page, "Numbers")
    page.fill(label="Country code", value="49")
    page.fill(label="National prefix", value="0")
    page.fill(label="International prefix", value="00")
    page.button("Add number")
    own = group("number 1")
    page.fill(label="Number", exact=True, inside=own, value="+49301001")
    page.fill(label="… to, of a range", inside=own, value="+4930100")
    page.pick(label="Leads to", inside=own, option="A phone")
    page.fill(label="Phone", exact=True, inside=own, value="100$1")
    sheet(page, "Media")
    page.button("Save", exact=True)
    page.must_see("as many digits as first has")
    page.see(role="tab", name="Numbers something is wrong here")
    page.fill(label="… to, of a range", inside=own, value="+49301009")

    sheet(page, "Rewriting")
    for rule, (pattern, prefix) in enumerate((("0.", "+49"), ("1X", "+4930"))):
        page.button("Add rule", inside=group("Callers that come in"))
        at = {**group(f"rule {rule + 1}"),
              "inside": group("Callers that come in")}
        page.fill(label="Number", exact=True, inside=at, value=pattern)
        page.fill(label="Digits taken off", inside=at, value="1")
        page.fill(label="Prefix put there", inside=at, value=prefix)
    page.button("Move rule 2 up")
    sheet(page, "Caller ID")
    page.fill(label="Number of who has none of his own", value="+4930100")
    page.pick(role="combobox", name="Who calls is read from",
              option="P-Asserted-Identity")
    sheet(page, "Limits")
    page.fill(label="Answers that mean: try the next one", value="486")
    page.press(keys="Enter")
    sheet(page, "Media")
    for codec in ("PCMA", "G722"):
        page.pick(label="Codecs, the best first: add", option=codec)
    page.button("Move G722 up")
    page.accessible("a provider's form")
    page.button("Save", exact=True)
    page.must_see("The provider is saved")

    got = api("config/providers/loop")
    must(got["numbers"], [{"number": "", "first": "+49301001",
                           "last": "+49301009", "name": "",
                           "target": {"device": "100$1"}}], "its numbers")
    must([r["pattern"] for r in got["callerIn"]], ["1X", "0."], "its rules")
    must(got["callerIn"][1], {"pattern": "0.", "strip": 1, "prefix": "+49"},
         "a rule")
    must((got["codecs"], got["failoverCodes"], got["identity"],
          got["defaultNumber"]), (["G722", "PCMA"], [486], "pai", "+4930100"),
         "the rest")
    page.go(path="/routes")
    page.fill(label="Number", value="0301003", inside={"role": "search"})
    page.pick(role="combobox", name="Dialled by", option="Provider loop")
    page.button("Try", exact=True)
    page.must_see("leads to phone 1003")
    page.must_see("The routes see +49301003")
    page.no_faults(but=("400",))


def test_provider_works():
    """The set-up of one that answers, with an account: all of it works, and
    once saved it is registered."""
    page = _all.start()
    with Carrier(user="4930123", password="zanzibar") as carrier:
        page.go(path="/providers/new")
        page.fill(label="Name", value="good")
        page.fill(label="Address", value=carrier.at)
        page.button("Next")
        page.fill(label="User name", value="4930123")
        page.fill(label="Password", exact=True, value="wrong")
        page.click(label="We register there")
        page.button("Next")
        page.button("Next")
        page.button("Test the connection")
        page.must_see("It does not work yet.")
        page.button("Back")
        page.button("Back")
        page.fill(label="Password", exact=True, value="zanzibar")
        page.button("Next")
        page.button("Next")
        page.button("Test the connection")
        page.must_see("All of it works.")
        page.button("Save", exact=True)
        page.heading("Provider good")
        page.see(text="registered", exact=True)
        carrier.registered()
        page.button("Remove", exact=True)
        confirm(page, "Remove")
        page.heading("Providers")
        page.no_faults()


def test_settings():
    """TURN servers with a secret, the guard, numbers that cost."""
    page = _all.start()
    page.go(path="/settings")
    sheet(page, "STUN and TURN")
    page.button("Add server")
    page.fill(label="Addresses", inside=group("server 1"),
              value="turn.example.com:3478")
    page.press(keys="Enter")
    page.button("Save", exact=True)
    page.must_see("Such as stun:host:3478")
    page.click(label="Addresses", inside=group("server 1"))
    page.press(keys="Backspace")
    page.fill(label="Addresses", inside=group("server 1"),
              value="turn:turn.example.com:3478?transport=udp")
    page.press(keys="Enter")
    page.fill(label="Shared secret", value="north of nowhere")
    sheet(page, "Guard")
    page.fill(label="Never listened to", exact=True, value="198.51.100.0/33")
    page.press(keys="Enter")
    usual = {"label": "Wrong passwords until a ban"}
    must((page.value(**usual), page.attribute(
        attribute="placeholder", **usual)), ("", "10"), "what is usual")
    page.fill(value="4", **usual)
    page.fill(label="The first ban lasts, s", value="30")
    page.fill(label="The first ban lasts, s", value="")
    sheet(page, "Costly numbers")
    page.button("Add prefix")
    page.fill(label="Begins with", value="+882")
    page.fill(label="Permission", value="satellite")
    page.fill(label="At a time", value="1")
    page.accessible("the settings")
    page.button("Save", exact=True)
    page.see(role="tabpanel", name="Guard")  # what is wrong is shown
    page.see(css=".mantine-InputWrapper-error:has-text('198.51.100.0/33')")
    page.click(label="Never listened to", exact=True)
    page.press(keys="Backspace")
    page.fill(label="Never listened to", exact=True, value="198.51.100.0/24")
    page.press(keys="Enter")
    page.button("Save", exact=True)
    page.must_see("The settings hold from now on")
    got = api("config/settings")
    must(got["iceServers"], [{
        "urls": ["turn:turn.example.com:3478?transport=udp"], "secret": "",
        "ttlSeconds": 0, "noSecret": False}], "the servers")
    must([got["guard"][k] for k in ("deny", "failures", "banSeconds")],
         [["198.51.100.0/24"], 4, 0], "the guard")
    must(got["costly"], [{"prefix": "+882", "permission": "satellite",
                          "callsPerHour": 0, "callsAtATime": 1}], "costly")
    page.no_faults(but=("400",))

    # The permission is offered where phones have theirs.
    page.go(path="/phones")
    page.button("New phone")
    page.click(label="Permissions")
    page.see(role="option", name="satellite")
    page.press(keys="Escape")


def test_settings_of_two():
    """Who saves later is told what another has changed; nothing is lost."""
    page = _all.start()
    page.go(path="/settings")
    page.fill(label="Who parked a call is called after, s", value="90")
    api("config/settings", "PATCH", {"ringSeconds": 45})
    page.button("Save", exact=True)
    page.must_see("Somebody else has changed this meanwhile")
    page.see(css="[role=alert] code:text('ringSeconds')")
    page.accessible("a conflict")
    page.button("Save mine as well")
    _all.until("both hold", lambda: [api("config/settings")[k] for k in (
        "ringSeconds", "parkSeconds")] == [45, 90])

    _all.until("the form has both", lambda: page.do(
        "value", label="A call rings for, s") == "45")
    page.fill(label="A call rings for, s", value="50")
    api("config/settings", "PATCH", {"ringSeconds": 55})
    page.button("Save", exact=True)
    page.must_see("you have changed it, too")
    page.button("Discard mine")
    _all.until("his is shown", lambda: page.do(
        "value", label="A call rings for, s") == "55")
    must(api("config/settings")["ringSeconds"], 55, "his holds")
    page.no_faults(but=("412",))


def test_group():
    """A ring group is made, changed, needed by a route, and removed."""
    page = _all.start()
    page.go(path="/groups")
    page.button("New group")
    page.fill(label="Name in routes", value="night")
    page.button("Save", exact=True)
    page.must_see("Who is to ring?")
    page.pick(role="combobox", name="Members", option="1008")
    page.click(role="option", name="1009")
    page.press(keys="Escape")
    page.pick(role="combobox", name="They ring", option="One after the other")
    page.button("Save", exact=True)
    page.must_see("The group is saved")
    got = api("config/groups/night")
    must((got["members"], got["strategy"]), (["1008", "1009"], "order"),
         "the group")
    api("config/routes", "POST", {"id": "night", "order": 900,
                                  "pattern": "699", "target":
                                  {"group": "night"}})
    page.button("Remove night")
    confirm(page, "Remove")
    page.see(text="it is needed: of route", inside={"role": "dialog"})
    page.press(keys="Escape")
    api("config/routes/night", "DELETE")
    page.button("Remove night")
    confirm(page, "Remove")
    page.must_see("night is removed")
    page.no_faults(but=("409",))


def test_bans():
    """Somebody is banned by hand, and forgiven."""
    page = _all.start()
    page.go(path="/bans")
    page.button("New ban")
    page.fill(label="Address", value="not an address")
    page.button("Ban", exact=True)
    page.see(css="[role=dialog] .mantine-InputWrapper-error")
    page.fill(label="Address", value="192.0.2.77")
    page.fill(label="Comment", value="tries all numbers")
    page.button("Ban", exact=True)
    page.must_see("tries all numbers")
    must([(b["source"], b["reason"]) for b in api("bans")["items"]],
         [("192.0.2.77", "manual")], "the bans")
    page.button("Lift the ban of 192.0.2.77")
    confirm(page, "Lift")
    page.must_see("Nobody is banned")
    page.no_faults(but=("400",))


def test_webhook():
    """Made with a secret shown once; what is sent, what came of it, and once
    more."""
    page = _all.start()
    with receiver() as server:
        page.go(path="/webhooks")
        page.button("New webhook")
        page.fill(label="Address", value=server.url)
        page.button("Save", exact=True)
        page.must_see("shown only now")
        page.button("Done")
        page.click(role="link", name=server.url)
        page.must_see("Nothing was sent yet")
        server.status = 500
        page.button("Send a test")
        server.next()
        page.see(role="cell", name="500")
        page.must_see("waits")
        server.status = 200
        server.next()  # tried again by itself
        page.must_see("delivered")
        page.button("Show test")
        page.see(role="dialog", name="test")
        page.must_see('"reason": "a test"')
        page.accessible("a delivery")
        page.press(keys="Escape")
        page.button("Send again: test")
        server.next()
        _all.until("two deliveries", lambda: page.count(
            role="button", name="Send again: test") == 2)
        page.go(path="/webhooks")
        page.button(f"Change {server.url}")
        page.click(label="In use")
        page.button("Save", exact=True)
        page.see(text="off", exact=True)
        page.button(f"Remove {server.url}")
        confirm(page, "Remove")
        page.must_see("No webhook yet")
    page.no_faults()


def test_own_account():
    """Another password, and an end to one's session elsewhere."""
    _all.start()
    api("users", "POST", {"id": "petra", "displayName": "Petra",
                          "role": "OPERATOR", "password": PASSWORD})
    here, there, new = (_all.person(n) for n in ("here", "there", "new"))
    for page in (here, there):
        _all.login(page, "petra", PASSWORD)
    here.go(path="/account")
    here.see(css=".sy-list .mantine-Badge-root:has-text('here')")
    here.button("End", exact=True)
    confirm(here, "End")
    here.must_see("The session has ended")
    there.go(path="/calls")
    there.see(role="button", name="Log in")
    there.do("close")

    here.fill(label="Password now", value="not this one at all")
    here.fill(label="New password", value=PASSWORD + "2")
    here.fill(label="Once more", value=PASSWORD + "3")
    here.button("Change it")
    here.must_see("It is not the same")
    here.fill(label="Once more", value=PASSWORD + "2")
    here.button("Change it")
    here.see(css="[role=alert], .mantine-InputWrapper-error")
    here.fill(label="Password now", value=PASSWORD)
    here.button("Change it")
    here.must_see("Your password is changed")
    _all.login(new, "petra", PASSWORD + "2")
    new.heading("Overview")
    status, _, _ = request(
        "POST", f"http://{_all.cluster.gateways[0].http}/api/session", None,
        {"user": "petra", "password": PASSWORD})
    must(status, 401, "the old password")
    for page in (here, new):
        page.do("close")
