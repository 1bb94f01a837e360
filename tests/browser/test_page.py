# SPDX-License-Identifier: MIT
"""Browser pages that are phones by /ws, with nothing but what a browser has."""

import re
import secrets
import time
from concurrent.futures import ThreadPoolExecutor

from browser import TONE_HZ
from harness import Mismatch, assert_clean, wait_for
from rawmedia import tones
from scenarios import PAGE, PHONE, THIRD, Scenarios
from talk import hears, phone, tone
from turn import SECRET, Turn, credential


def open_page(browser, name, c, user, gateway=0, secret=None, **more):
    """A page that is a phone of a device; its secret."""
    secret = secret or secrets.token_urlsafe(24)
    browser.do(name, "open", lib="page", seconds=30, options={
        "server": f"wss://{c.gateways[gateway].https}/ws", "user": user,
        "token": c.token, "phone": secret, **more})
    browser.expect("connected", name)
    browser.do(name, "register")
    browser.expect("registered", name)
    return secret


def node_ports(sdps):
    """Where a node is reached, by its description."""
    return {m.group(1) for m in re.finditer(
        r"a=candidate:\S+ 1 udp \d+ \S+ (\d+) typ host", sdps[1])}


class Pages(Scenarios):
    """As SIP phones in pages, with a gateway in place of a router."""

    shape = {"nodes": 2, "routers": 2, "gateways": 2}

    def open(self):
        self.secret = open_page(self.browser, "a", self.cluster, PAGE)

    def shown(self):
        """Bindings of the page's device, as the API shows them."""
        return next((r["bindings"] for r in self.cluster.api(
            "GET", "/api/registrations")["items"]
            if r["device"] == PAGE), [])

    def owner(self):
        c = self.cluster
        name = c.api("GET", "/api/calls")["items"][0]["node"]
        return next(n for n in c.nodes if n.id == name)


_all = Pages("page")
finish = _all.finish


def test_echo():
    """Its own tone comes back, by Opus and the strongest cipher."""
    _all.echo()


def test_calls_a_phone():
    """Audio both ways; the leg is one of a browser; the page hangs up."""
    _all.call()
    leg = _all.leg()
    if leg["kind"] != "BROWSER" or not leg["webrtc"]:
        raise Mismatch(f"{leg}")
    _all.end()


def test_is_called():
    """It rings, and takes the call; it is shown as a contact."""
    _all.start()
    shown = _all.shown()
    if not shown[0]["gateway"] or shown[0]["userAgent"] != "a raw page":
        raise Mismatch(f"{shown}")
    _all.is_called()


def test_rings_with_a_desk_phone():
    """Two contacts of one device: who answers first has the call."""
    _all.start()
    c, box, b = _all.cluster, _all.box, _all.browser
    open_page(b, "b", c, THIRD, auto=False)
    box.do("call", phone=PHONE, to=THIRD)
    b.expect("incoming", "b")
    box.expect("established", phone=THIRD)
    box.expect("established", phone=PHONE)
    ended = b.expect("ended", "b")
    if ended["reason"] != "answered elsewhere":
        raise Mismatch(f"{ended}")
    box.do("hangup", phone=PHONE)
    for user in (PHONE, THIRD):
        box.expect("closed", phone=user)
    b.do("b", "unregister")
    b.do("b", "close")
    assert_clean(c)


def test_hold_and_digits():
    """The page holds, mutes and sends a digit by messages."""
    _all.call()
    b, box = _all.browser, _all.box
    b.do("a", "hold")
    hears(box, PHONE, TONE_HZ, present=False)
    b.do("a", "resume")
    _all.both_ways()
    b.do("a", "mute", True)
    hears(box, PHONE, TONE_HZ, present=False)
    b.do("a", "mute", False)
    _all.both_ways()
    b.do("a", "dtmf", "7")
    if box.expect("dtmf", phone=PHONE)["digit"] != "7":
        raise Mismatch("another digit than 7")
    _all.end()


def told_digits(user, count):
    """(digit, ms, how it came) of the last digits of a user, oldest first."""
    return [(e["digit"], e["durationMs"], e["dtmfMethod"])
            for e in _all.cluster.api(
                "GET", "/api/events?format=json&limit=500&type=DTMF_RECEIVED")
            ["items"] if e["leg"]["user"] == user][:count][::-1]


def expect_told(user, digits, ms):
    got = []

    def are_there():
        got[:] = told_digits(user, len(digits))
        return "".join(d for d, _, _ in got) == digits
    try:
        wait_for("events of the digits", are_there)
    except Mismatch as e:
        raise Mismatch(f"{e}: {got}") from e
    if any(how != "rfc4733" or abs(took - ms) > 25 for _, took, how in got):
        raise Mismatch(f"{ms} ms by RFC 4733 were wanted: {got}")


def test_digits_of_the_page():
    """Events that the browser makes come as events to the phone."""
    _all.call()
    b, box = _all.browser, _all.box
    b.do("a", "insertDtmf", "159*#D", 120)
    for digit in "159*#D":
        got = box.expect("dtmf", phone=PHONE)
        if got["digit"] != digit or abs(got["ms"] - 120) > 25:
            raise Mismatch(f"{digit} of 120 ms was wanted: {got}")
    expect_told(PAGE, "159*#D", 120)
    _all.both_ways()
    _all.end()


def test_digits_of_the_phone():
    """... and those of the phone to the page, which plays them as what they
    are, and nothing else."""
    _all.call()
    b, box = _all.browser, _all.box
    # What is wrong is so each time; a stall of the machine is not.
    for _ in range(3):
        with ThreadPoolExecutor(1) as pool:
            heard = pool.submit(b.do, "a", "others",
                                [tone(PHONE), *tones("5")], 2500)
            box.do("dtmf", phone=PHONE, digits="55", ms=400)
            box.expect("dtmf_sent", phone=PHONE)
        got = heard.result()
        if min(got["heard"]) >= -45 and got["db"] <= -50:
            break
    else:
        raise Mismatch(f"{got}")
    expect_told(PHONE, "55", 400)
    _all.both_ways()
    _all.end()


def test_restart():
    """The page's network is another one: ICE begins anew."""
    _all.restart()


def test_transfer():
    """The other party is put through; the page is told that it is over."""
    _all.call()
    b, box = _all.browser, _all.box
    b.do("a", "transfer", THIRD)
    box.expect("established", phone=THIRD)
    b.expect("ended", "a")
    hears(box, PHONE, tone(THIRD))
    box.do("hangup", phone=PHONE)
    for user in (PHONE, THIRD):
        box.expect("closed", phone=user)
    assert_clean(_all.cluster)


def test_attended_transfer():
    """Two calls of the page; those two talk, and the page has none."""
    _all.call()
    b, box = _all.browser, _all.box
    first = b.do("a", "leg")
    b.do("a", "call", THIRD)
    b.expect("established", "a")
    box.expect("established", phone=THIRD)
    hears(box, THIRD, TONE_HZ)
    b.do("a", "transfer", "", first)
    for _ in range(2):
        b.expect("ended", "a")
    hears(box, PHONE, tone(THIRD))
    hears(box, THIRD, tone(PHONE))
    for user in (PHONE, THIRD):
        hears(box, user, TONE_HZ, present=False)
    box.do("hangup", phone=PHONE)
    for user in (PHONE, THIRD):
        box.expect("closed", phone=user)
    assert_clean(_all.cluster)


def test_two_tabs():
    """Two pages of one user ring together; one takes the call, the other one
    is told that it was answered elsewhere."""
    _all.start()
    c, box, b = _all.cluster, _all.box, _all.browser
    for name in ("b", "c"):
        open_page(b, name, c, "1004", auto=False)
    box.do("call", phone=PHONE, to="1004")
    for name in ("b", "c"):
        b.expect("incoming", name)
    b.do("c", "answer")
    box.expect("established", phone=PHONE)
    ended = b.expect("ended", "b")
    if ended["reason"] != "answered elsewhere":
        raise Mismatch(f"{ended}")
    b.hears("c", tone(PHONE))
    b.do("c", "hangup")
    b.expect("ended", "c")
    box.expect("closed", phone=PHONE)
    for name in ("b", "c"):
        b.do(name, "unregister")
        b.do(name, "close")
    assert_clean(c)


def test_vanishes():
    """A page that is closed without a word loses its call once its consent is
    over; one that only lost its socket for longer has its call."""
    _all.start()
    c, box, b = _all.cluster, _all.box, _all.browser
    open_page(b, "b", c, "1004")
    b.do("b", "call", PHONE)
    b.expect("established", "b")
    box.expect("established", phone=PHONE)
    b.do("a", "call", THIRD)
    b.expect("established", "a")
    box.expect("established", phone=THIRD)
    b.hears("a", tone(THIRD))
    b.hears("b", tone(PHONE))
    b.do("a", "drop")
    b.do("b", "close")
    began = time.monotonic()
    closed = box.expect("closed", phone=PHONE, seconds=45)
    took = time.monotonic() - began
    if took < 20:
        raise Mismatch(f"after {took:.1f} s it could not have come back: "
                       f"{closed}")
    hears(box, THIRD, TONE_HZ)
    b.hears("a", tone(THIRD))
    b.do("a", "reconnect")
    b.do("a", "register")
    b.do("a", "hangup")
    b.expect("ended", "a")
    box.expect("closed", phone=THIRD)
    assert_clean(c)


def test_conference():
    """Three pages and two phones in one room; the pages' legs share a port
    or two of their node."""
    _all.start()
    b, box, c = _all.browser, _all.box, _all.cluster
    others = {"b": "1004", "c": "1005"}
    for name, user in others.items():
        open_page(b, name, c, user, gateway=1)
    for name in ("a", *others):
        b.do(name, "call", "601")
        b.expect("established", name)
    for user in (PHONE, THIRD):
        box.do("call", phone=user, to="601")
        box.expect("established", phone=user)
    call_id = c.api("GET", "/api/calls")["items"][0]["id"]
    legs = c.api("GET", f"/api/calls/{call_id}")["legs"]
    if sorted(leg["kind"] for leg in legs) != ["BROWSER"] * 3 + ["DEVICE"] * 2:
        raise Mismatch(f"{legs}")
    hears(box, PHONE, TONE_HZ)
    b.do("a", "mute", True)
    for name in others:
        b.do(name, "mute", True)
    for name in ("a", *others):
        b.hears(name, tone(PHONE))
    used = set().union(*(node_ports(b.do(name, "sdp"))
                         for name in ("a", *others)))
    if not 1 <= len(used) <= 2:
        raise Mismatch(f"ports of one node: {used}")
    for name in ("a", *others):
        b.do(name, "hangup")
        b.expect("ended", name)
    for user in (PHONE, THIRD):
        box.do("hangup", phone=user)
        box.expect("closed", phone=user)
    for name in others:
        b.do(name, "unregister")
        b.do(name, "close")
    assert_clean(c)


def test_pages_talk():
    """From one page to another, each at a gateway of its own."""
    _all.start()
    b, c = _all.browser, _all.cluster
    open_page(b, "b", c, "1004", gateway=1)
    b.do("a", "call", "1004")
    came = b.expect("incoming", "b")
    if came["from"] != PAGE or came["called"] != "1004":
        raise Mismatch(f"{came}")
    b.expect("established", "b")
    b.expect("established", "a")
    for name in ("a", "b"):
        b.hears(name, TONE_HZ)
    b.do("b", "hangup")
    b.expect("ended", "a")
    b.expect("ended", "b")
    b.do("b", "unregister")
    b.do("b", "close")
    assert_clean(c)


def test_do_not_disturb():
    """Who has no phone but a page is left alone by the star code that he
    dials there: callers hear busy, or go where busy callers go."""
    _all.start()
    c, b, box = _all.cluster, _all.browser, _all.box

    def dial(code):
        b.do("a", "call", code)
        b.expect("established", "a")
        b.expect("ended", "a")
    open_page(b, "b", c, "1004")
    dial("*78")
    if not c.api("GET", f"/api/devices/{PAGE}")["doNotDisturb"]:
        raise Mismatch("*78 is not shown")
    box.do("call", phone=PHONE, to=PAGE)
    box.expect("closed", phone=PHONE, code=486)
    b.do("b", "call", PAGE)
    busy = b.expect("ended", "b")
    if busy["code"] != 486:
        raise Mismatch(f"a page that calls it: {busy}")
    c.api("PATCH", f"/api/devices/{PAGE}", {"forward": {"busy": THIRD}})
    box.do("call", phone=PHONE, to=PAGE)
    for user in (PHONE, THIRD):
        box.expect("established", phone=user)
    hears(box, PHONE, tone(THIRD))
    box.do("hangup", phone=PHONE)
    for user in (PHONE, THIRD):
        box.expect("closed", phone=user)
    if any(ev["event"] == "incoming" for ev in b.events):
        raise Mismatch(f"it rang: {b.events}")
    c.api("PATCH", f"/api/devices/{PAGE}", {"reset": ["forward.busy"]})
    dial("*79")
    b.do("b", "call", PAGE)
    b.expect("incoming", "a")
    for name in ("a", "b"):
        b.expect("established", name)
    b.do("b", "hangup")
    for name in ("a", "b"):
        b.expect("ended", name)
    b.do("b", "unregister")
    b.do("b", "close")
    assert_clean(c)


def test_refuses_nonsense():
    """What cannot be done is said, with its cause."""
    _all.start()
    b = _all.browser
    for what, expected in (
            ({"phoneCall": {"to": "600", "sdp": "v=0"}}, "bad-request"),
            ({"phoneCall": {"to": "", "sdp": "v=0"}}, "bad-request: to"),
            ({"phoneCall": {"to": "999999", "sdp": "v=0"}}, "not-found"),
            ({"phoneHangup": {"leg": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}},
             "not-found"),
            ({"phoneRegister": {"phone": "short", "device": PAGE}},
             "bad-request: phone"),
            ({"phoneRegister": {"phone": "x" * 32, "device": "nobody"}},
             "not-found")):
        got = b.do("a", "say", what)
        if not isinstance(got, str) or expected not in got:
            raise Mismatch(f"{what}: {got}")
    assert_clean(_all.cluster)


def test_reload():
    """The page is loaded anew during a call, and has it back."""
    _all.call()
    b, c = _all.browser, _all.cluster
    b.do("a", "close")
    open_page(b, "a", c, PAGE, secret=_all.secret)
    b.expect("offered", "a")
    _all.both_ways()
    _all.end()


def test_moves():
    """A node is drained: the page is offered the next one."""
    _all.moves()


def test_gateway_lost():
    """Another socket: nothing is negotiated, and nothing is lost."""
    _all.call()
    b = _all.browser
    before = b.do("a", "sdp")
    b.do("a", "reconnect")
    b.do("a", "register")
    _all.both_ways()
    if b.do("a", "sdp") != before:
        raise Mismatch("it was negotiated anew")
    _all.end()


def test_gateway_dies():
    """kill -9 of the page's gateway: it goes on at the other one."""
    _all.start()
    b, box, c = _all.browser, _all.box, _all.cluster
    open_page(b, "b", c, "1004", gateway=1)
    b.do("b", "call", PHONE)
    b.expect("established", "b")
    box.expect("established", phone=PHONE)
    b.hears("b", tone(PHONE))
    before = b.do("b", "facts")["received"]
    dead, began = c.gateways[1], time.monotonic()
    dead.process.kill()
    c.left(dead)
    b.expect("disconnected", "b")
    b.do("b", "reconnect", f"wss://{c.gateways[0].https}/ws")
    b.do("b", "register")
    passed = time.monotonic() - began
    got = b.do("b", "facts")["received"] - before
    if got < passed * 50 - 25:
        raise Mismatch(f"{got} packets in {passed:.2f} s")
    b.hears("b", tone(PHONE))
    hears(box, PHONE, TONE_HZ)
    box.do("hangup", phone=PHONE)
    b.expect("ended", "b")
    box.expect("closed", phone=PHONE)
    b.do("b", "unregister")
    b.do("b", "close")
    assert_clean(c)


def test_turn():
    """A page that may use nothing but a relay: coturn, by UDP, TCP and TLS, with
    credentials that it gets from the gateway."""
    _all.start()
    b, c = _all.browser, _all.cluster
    with Turn(b.folder) as turn:
        for transport in ("udp", "tcp", "tls"):
            url = turn.url(transport)
            c.api("PATCH", "/api/config/settings", {
                "iceServers": [{**turn.settings(transport)[0],
                                "ttlSeconds": 600}]})
            shown = c.api("GET", "/api/config/settings")
            if SECRET in str(shown) or shown.get("iceSecrets"):
                raise Mismatch(f"{shown}")
            open_page(b, "b", c, "1004", relay=True)
            got = wait_for("servers", lambda: [
                s for s in b.do("b", "register").get("iceServers", [])
                if s["urls"] == [url]])
            if not got[0]["username"].endswith(":1004"):
                raise Mismatch(f"{got}")
            b.do("b", "call", "600")
            b.expect("established", "b")
            b.hears("b", TONE_HZ)
            b.do("b", "hangup")
            b.expect("ended", "b")
            b.do("b", "unregister")
            b.do("b", "close")
    c.api("PATCH", "/api/config/settings", {"iceServers": []})
    assert_clean(c)


def test_turn_credentials():
    """One that has ended, and one of another secret, are no relay."""
    _all.start()
    b = _all.browser
    with Turn(b.folder) as turn:
        now = int(time.time())
        for user, secret, good in ((f"{now + 60}:1001", SECRET, True),
                                   (f"{now - 60}:1001", SECRET, False),
                                   (f"{now + 60}:1001", "another", False)):
            got = b.do("a", "gather", [{
                "urls": [turn.url()], "username": user,
                "credential": credential(user, secret)}], seconds=40)
            if bool(got["relay"]) != good or \
                    (not good and 401 not in got["errors"]):
                raise Mismatch(f"{user}, {secret}: {got}")


def ringing_dies(caller, callee):
    """Its node is killed while it rings; then it is answered."""
    b, c = _all.browser, _all.cluster
    node = wait_for("its node", lambda: next(
        (n for x in c.api("GET", "/api/calls")["items"]
         if x["state"] == "CALL_RINGING"
         for n in c.nodes if n.id == x["node"]), None))
    node.process.kill()
    c.left(node)
    wait_for("another node has the call", lambda: next(
        (x for x in c.api("GET", "/api/calls")["items"]
         if x["node"] != node.id and not x["adopting"]), None))
    callee()
    caller()
    c.join(node.id)


def test_node_dies_while_it_rings():
    """A page that is called, and one that calls: both are answered at the
    next node."""
    _all.start()
    b, box, c = _all.browser, _all.box, _all.cluster
    open_page(b, "b", c, "1004", auto=False)
    made = box.do("call", phone=PHONE, to="1004")
    b.expect("incoming", "b")
    box.expect("ringing", phone=PHONE, call=made["call"])

    def taken():
        b.do("b", "answer")
        b.hears("b", tone(PHONE))

    ringing_dies(lambda: hears(box, PHONE, TONE_HZ, seconds=10), taken)
    box.expect("established", phone=PHONE)
    b.do("b", "hangup")
    b.expect("ended", "b")
    box.expect("closed", phone=PHONE)
    assert_clean(c)

    phone(box, c, "1006", codecs=["PCMU"], answer="manual")
    b.do("b", "call", "1006")
    box.expect("incoming", phone="1006")

    def answered():
        box.do("answer", phone="1006")
        b.expect("established", "b")
        hears(box, "1006", TONE_HZ, seconds=10)

    ringing_dies(lambda: b.hears("b", tone("1006")), answered)
    b.do("b", "hangup")
    b.expect("ended", "b")
    box.expect("closed", phone="1006")
    b.do("b", "unregister")
    b.do("b", "close")
    assert_clean(c)


def test_node_dies():
    """Another node has the call, and offers itself to the page."""
    _all.node_dies()


def test_unregisters():
    """Its contact goes at once."""
    _all.start()
    _all.browser.do("a", "unregister")
    wait_for("no contact", lambda: not _all.shown())
