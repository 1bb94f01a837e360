# SPDX-License-Identifier: MIT
"""Browser phones by what they say on /ws, without a browser: who may be one,
whose calls are whose, and who comes back."""

import secrets

from harness import Mismatch, assert_clean, cluster, phones, wait_for
from talk import phone
from wsfeed import Feed

shared = {}

# What a browser offers, with names and a certificate of nobody.
OFFER = "\r\n".join((
    "v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 110", "c=IN IP4 0.0.0.0",
    "a=rtcp:9 IN IP4 0.0.0.0", "a=ice-ufrag:abcd",
    "a=ice-pwd:abcdefghijklmnopqrstuvwx", "a=ice-options:trickle",
    "a=fingerprint:sha-256 " + ":".join(["AB"] * 32), "a=setup:actpass",
    "a=mid:0", "a=sendrecv", "a=rtcp-mux", "a=rtpmap:111 opus/48000/2",
    "a=rtpmap:0 PCMU/8000", "a=rtpmap:110 telephone-event/48000", ""))


def the_cluster():
    if "c" not in shared:
        shared["with"] = cluster(nodes=2, gateways=2)
        shared["c"] = shared["with"].__enter__()
    return shared["c"]


def finish(*error):
    if "with" in shared:
        shared.pop("c")
        shared.pop("with").__exit__(*(error or (None, None, None)))


class Page(Feed):
    """A connection that is a phone of a device."""

    def __init__(self, device, gateway=0, secret=None):
        c = the_cluster()
        super().__init__(c.gateways[gateway].http, c.token)
        self.receive()
        self.device = device
        self.secret = secret or secrets.token_urlsafe(24)

    def ask(self, **message):
        """What it is answered; news is kept."""
        number = self.send(**message)
        return self.wait(lambda m: m.get("id") == number, keep=True)

    def register(self, **more):
        return self.ask(phoneRegister={
            "phone": self.secret, "device": self.device,
            "name": "no browser", **more})

    def ready(self, **more):
        """Registered, as soon as the gateway is ready itself."""
        return wait_for("a phone", lambda: self.register(**more).get(
            "phoneRegistered"))

    def news(self, what, seconds=10):
        return self.wait(lambda m: what in m, seconds, keep=True)[what]

    def call(self, to):
        return self.ask(phoneCall={"to": to, "sdp": OFFER})


def must_fail(got, kind, text=""):
    error = got.get("error", {})
    if error.get("type") != kind or text not in error.get("detail", ""):
        raise Mismatch(f"not {kind}: {got}")


def registered(device):
    return next((r["bindings"] for r in the_cluster().api(
        "GET", "/api/registrations")["items"] if r["device"] == device), [])


def test_registers():
    """What it must say, and what it is told; its contact goes with it."""
    with Page("1001") as page:
        must_fail(page.ask(phoneCall={"to": "600", "sdp": OFFER}),
                  "conflict", "phoneRegister")
        must_fail(page.register(phone="too-short"), "bad-request", "phone")
        must_fail(page.register(device="4711"), "not-found", "4711")
        got = page.ready()
        if got["device"] != "1001" or got["displayName"] != "Phone 1001":
            raise Mismatch(f"{got}")
        one = registered("1001")[0]
        if page.secret in str(one) or one["userAgent"] != "no browser" or \
                one["gateway"] != the_cluster().gateways[0].id:
            raise Mismatch(f"{one}")
        page.ask(phoneUnregister={})
        wait_for("no contact", lambda: not registered("1001"))


def test_calls_are_its_own():
    """Nobody says anything of a leg that is not his."""
    with Page("1001") as page, Page("1002", gateway=1) as other:
        page.ready()
        other.ready()
        leg = page.call("600")["phonePlaced"]["leg"]
        page.news("phoneAnswer")
        for message in ({"phoneHangup": {"leg": leg}},
                        {"phoneUpdate": {"leg": leg, "held": True}},
                        {"phoneOffer": {"leg": leg, "sdp": OFFER}},
                        {"phoneTransfer": {"leg": leg, "to": "1003"}},
                        {"phoneDtmf": {"leg": leg, "digits": "1"}}):
            must_fail(other.ask(**message), "not-found")
        must_fail(page.ask(phoneTransfer={"leg": leg}), "bad-request", "to")
        must_fail(page.ask(phoneTransfer={"leg": leg, "with": "x"}),
                  "bad-request", "with")
        must_fail(page.ask(phoneDtmf={"leg": leg, "digits": "x"}),
                  "bad-request", "digits")
        must_fail(page.ask(phoneAnswer={"leg": leg, "sdp": OFFER}),
                  "conflict", "no offer")
        must_fail(page.ask(phoneOffer={"leg": leg, "sdp": "nonsense"}),
                  "bad-request")
        page.ask(phoneHangup={"leg": leg})
        page.news("phoneEnded")
        must_fail(page.ask(phoneHangup={"leg": leg}), "not-found")
        for one in (page, other):
            one.ask(phoneUnregister={})
    assert_clean(the_cluster())


def test_replaced():
    """The same secret elsewhere: the first connection is a phone no more."""
    for gateway in (0, 1):
        with Page("1001") as page:
            page.ready()
            with Page("1001", gateway, page.secret) as again:
                again.ready()
                page.news("phoneReplaced")
                must_fail(page.call("600"), "conflict")
                if len(registered("1001")) != 1:
                    raise Mismatch(f"{registered('1001')}")
                again.ask(phoneUnregister={})


def test_limits():
    """Contacts of a device, and calls of a page."""
    pages = []
    try:
        for _ in range(10):
            pages.append(Page("1003"))
            pages[-1].ready()
        pages.append(Page("1003"))
        must_fail(pages[-1].register(), "conflict", "maxContacts")
        got = [pages[0].call("4711") for _ in range(12)]
        must_fail(got[0], "not-found")
        must_fail(got[-1], "too-many-requests")
    finally:
        for page in pages:
            page.send(phoneUnregister={})
            page.sock.close()
    wait_for("no contact", lambda: not registered("1003"))


def test_comes_back_to_a_ring():
    """Its socket is lost while it rings: the next one is told, at the other
    gateway; it refuses, and the caller hears why."""
    c = the_cluster()
    with phones() as box:
        phone(box, c, "1005", codecs=["PCMU"])
        with Page("1004") as page:
            page.ready()
            box.do("call", phone="1005", to="1004")
            leg = page.news("phoneIncoming")["leg"]
        with Page("1004", 1, page.secret) as again:
            calls = again.ready()["calls"]
            if [x["leg"] for x in calls] != [leg]:
                raise Mismatch(f"{calls}")
            came = again.news("phoneIncoming")
            if came["leg"] != leg or came["from"] != "1005":
                raise Mismatch(f"{came}")
            got = again.ask(phoneHangup={"leg": leg, "code": 603})
            if "done" not in got:
                raise Mismatch(f"{got}")
            if box.expect("closed", phone="1005")["code"] != 603:
                raise Mismatch("another code than 603")
            again.ask(phoneUnregister={})
    assert_clean(c)


def test_calls_that_are_no_more():
    """A page has calls that nobody knows: it is told, once others have had
    time to take them over."""
    with Page("1007") as page:
        page.ready()
        leg = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
        page.ready(legs=[leg])
        ended = page.news("phoneEnded", 20)
        if ended["leg"] != leg or ended["code"] != 481:
            raise Mismatch(f"{ended}")
        page.ask(phoneUnregister={})


def test_lost_contact_is_kept():
    """Who loses the socket is a contact for some 20 seconds more."""
    with Page("1006") as page:
        page.ready()
    left = registered("1006")
    if len(left) != 1:
        raise Mismatch(f"{left}")
    with Page("1006", 1, page.secret) as again:
        again.ready()
        if len(registered("1006")) != 1:
            raise Mismatch("it is there twice")
        again.ask(phoneUnregister={})
