# SPDX-License-Identifier: MIT
"""Each page of the dashboard in light and dark, wide and on a phone's
screen, all four of them: usable without eyes or mouse, no error, nothing
against the policy."""

import contextlib
import json
import signal

from dashboard import Dashboard
from harness import Mismatch

_all = Dashboard()
finish = _all.finish

# What a page is called, and what is there once it has all its data.
PAGES = {
    "/": ("Overview", "1001 → 1002"),
    "/calls": ("Calls", "1001 → 1002"),
    "/parked": ("Parked calls", "Nobody is parked"),
    "/history": ("History", None),
    "/nodes": ("Nodes", "node-2"),
    "/nodes/node-1": ("node-1", "Late ticks"),
    "/events": ("Events", "call started"),
    "/phones": ("Phones", "Phone 1001"),
    "/phones/1001": ("Phone 1001", "Do not disturb"),
    "/subscriptions": ("Subscriptions", "Nobody watches anything"),
    "/groups": ("Groups", "support"),
    "/routes": ("Routes", "lobby"),
    "/providers": ("Providers", "loop"),
    "/providers/new": ("New provider", "It calls from"),
    "/providers/loop": ("Provider loop", "Round trip"),
    "/bans": ("Bans", "Nobody is banned"),
    "/users": ("Users", "Administrator"),
    "/tokens": ("Tokens", None),
    "/webhooks": ("Webhooks", "No webhook yet"),
    "/audit": ("Audit", None),
    "/settings": ("Settings", "Realm"),
    "/account": ("Your account", "Password now"),
    "/nowhere": ("There is no such page", None),
}


def look_at(page, paths):
    for path, (title, text) in paths.items():
        page.go(path=path)
        page.heading(title)
        if text:
            page.see(text=text)
        page.accessible_in_both(f"{page.name} {path}")
        page.no_faults()


def whole_window(page):
    """What is around a page has no frame: it reaches to the edges."""
    top = page.evaluate(script="""(() => {
        const r = document.querySelector(".sy-top").getBoundingClientRect();

        return [r.top, innerWidth - r.right];
    })()""")
    if top != [0, 0]:
        raise Mismatch(f"{page.name}: the head is {top} px from the edges")


def call_pages(page):
    """One call, and all that is known of it."""
    page.go(path=f"/calls/{_all.call_of('1001')['id']}")
    page.heading("1001 → 1002")
    for tab, text in (("Hub and legs", "Says"), ("Timeline", "What happened"),
                      ("Signalling", "INVITE"), ("Quality", "score")):
        page.click(role="tab", name=tab)
        page.see(text=text)
        page.accessible_in_both(f"{page.name} call {tab}")
    page.no_faults()


def test_light_and_wide():
    look_at(_all.start(), PAGES)
    whole_window(_all.page)
    call_pages(_all.page)


def test_dark_on_a_phone():
    _all.start()
    page = _all.person("phone", dark=True, width=360, height=740)
    page.goto(path="/")
    page.heading("Switchyard")
    page.accessible("logging in")
    _all.login(page)
    look_at(page, PAGES)
    whole_window(page)
    call_pages(page)


def test_by_keyboard():
    """From the top of the page to another one, without a mouse."""
    page = _all.start()
    page.goto(path="/calls")
    page.heading("Calls")
    page.press(keys="Tab")
    page.see(css="a.sy-skip:focus")
    page.press(keys="Enter")
    page.see(css="main:focus")
    page.press(keys="Tab")
    page.see(css="main button:focus")
    page.press(keys="Enter")
    page.see(role="dialog", name="New call")
    page.see(css="input:focus")
    page.accessible("a dialog")
    page.press(keys="Escape")
    page.gone(role="dialog")
    page.see(css="main button:focus")


def test_long_table():
    """Of 300 phones those in sight are drawn; each is reached by scrolling
    and by searching."""
    page = _all.start()
    for i in range(300):
        _all.cluster.api("POST", "/api/config/devices",
                         {"id": f"{5000 + i}", "password": f"demo-{i:04}"})
    page.go(path="/phones")
    page.see(css="table[aria-rowcount='321']")
    drawn = page.count(css=".sy-table tbody tr[role=row]")
    if not 10 < drawn < 100:
        raise Mismatch(f"{drawn} rows are drawn")
    if page.count(role="link", name="5299", exact=True):
        raise Mismatch("what is out of sight is drawn")
    page.accessible("a long table")
    page.evaluate(script="scrollTo(0, 1e6)")
    page.see(role="link", name="5299", exact=True)
    page.see(css="tr[aria-rowindex='321']")
    head = page.evaluate(script="""document.querySelector(
        ".sy-table th").getBoundingClientRect().top""")
    if not 0 < head < 100:
        raise Mismatch(f"the heads are out of sight: {head}")
    page.gone(role="link", name="1001", exact=True)
    page.evaluate(script="scrollTo(0, 0)")
    page.see(role="link", name="1001", exact=True)
    page.fill(label="Search phones", value="5277")
    page.see(role="link", name="5277", exact=True)
    if page.count(css=".sy-table tbody tr") != 1:
        raise Mismatch("one phone was searched")
    # What is not drawn is as high as it would be, also after a search.
    for text in ("5277", ""):
        page.fill(label="Search phones", value=text)
        page.see(role="link", name="5277" if text else "1001", exact=True)
    in_vain(page)
    high = page.evaluate(script="""(() => {
        const row = document.querySelector("tr[aria-rowindex='2']");
        const all = document.querySelector(".sy-table tbody");

        return all.offsetHeight / row.offsetHeight;
    })()""")
    if not 300 < high < 340:
        raise Mismatch(f"320 rows are as high as {high}")
    page.no_faults()


def in_vain(page):
    """A search from a table's end, taken back: the rows of its begin are
    drawn, and no others before them."""
    page.evaluate(script="scrollTo(0, 1e6)")
    page.see(role="link", name="5299", exact=True)
    page.fill(label="Search phones", value="5277")
    page.gone(role="link", name="5299", exact=True)
    page.evaluate(script="""(() => {
        const body = document.querySelector(".sy-table tbody");

        window.drawn = [];
        new MutationObserver((all) => all.forEach((r) =>
            drawn.push(...r.addedNodes))).observe(body, { childList: true });
    })()""")
    page.fill(label="Search phones", value="")
    page.see(role="link", name="1001", exact=True)
    page.see(css="table[aria-rowcount='321']")
    page.gone(css="tr[aria-rowindex='321']")
    drawn, vain = page.evaluate(script="""[drawn.length,
        drawn.filter((row) => !row.isConnected).length]""")
    if drawn < 10 or vain:
        raise Mismatch(f"{vain} of {drawn} rows were drawn in vain")


def test_quality_figures():
    """What was lost and heard all the same is told, and what that is."""
    page = _all.start()
    call = _all.call_of("1003")
    stats = _all.cluster.api("GET", f"/api/calls/{call['id']}/stats")
    for leg in stats["legs"]:
        for figures in filter(None, (leg.get("now"), leg.get("total"))):
            figures.update(lossPercent=5.1, recoveredPercent=3.2)
    page.block(path="**/stats", body=json.dumps(stats))
    page.go(path=f"/calls/{call['id']}")
    page.click(role="tab", name="Quality")
    page.must_see("loss 5.1 %")
    says = page.attribute(text="recovered 3.2 %", attribute="title")
    if "Opus FEC" not in (says or ""):
        raise Mismatch(f"it is explained by {says!r}")
    page.accessible_in_both("figures of quality")
    page.unblock(path="**/stats")
    page.no_faults()


def test_gateway_is_gone():
    """It says so, and goes on by itself once there is one again."""
    page = _all.start()
    gateway = _all.cluster.gateways[0]
    page.go(path="/calls")
    page.see(text="1001 → 1002")
    gateway.process.signal(signal.SIGKILL)
    page.must_see("No connection to the gateway")
    page.accessible("no connection")
    gateway.start()
    page.gone(text="No connection to the gateway")

    def is_there():
        with contextlib.suppress(OSError):
            return _all.cluster.api("GET", "/api/calls")["items"]
    _all.until("the gateway is there", is_there)
    _all.box.do("hangup", phone="1001")
    page.gone(text="1001 → 1002")
    if any("policy" in f for f in page.faults()):
        raise Mismatch("against the policy")
