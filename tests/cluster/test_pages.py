# SPDX-License-Identifier: MIT
"""Browser phones by what they say on /ws, without a browser: who may be one,
whose calls are whose, and who comes back."""

import secrets
import time

from harness import (Mismatch, Shared, assert_clean, must, phones, request,
                     wait_for)
from rawphone import RawPhone
from talk import phone
from wsfeed import Feed


# What a browser offers, with names and a certificate of nobody.
OFFER = "\r\n".join((
    "v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 110", "c=IN IP4 0.0.0.0",
    "a=rtcp:9 IN IP4 0.0.0.0", "a=ice-ufrag:abcd",
    "a=ice-pwd:abcdefghijklmnopqrstuvwx", "a=ice-options:trickle",
    "a=fingerprint:sha-256 " + ":".join(["AB"] * 32), "a=setup:actpass",
    "a=mid:0", "a=sendrecv", "a=rtcp-mux", "a=rtpmap:111 opus/48000/2",
    "a=rtpmap:0 PCMU/8000", "a=rtpmap:110 telephone-event/48000", ""))


shared = Shared(nodes=2, gateways=2)
finish = shared.finish


# What it answers an offer of a node with.
ANSWER = OFFER.replace("RTP/SAVPF 111 0 110", "RTP/SAVPF 96") \
    .replace("a=rtpmap:111 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\n"
             "a=rtpmap:110 telephone-event/48000", "a=rtpmap:96 opus/48000/2") \
    .replace("actpass", "active")


class Page(Feed):
    """A connection that is a phone of a device."""

    def __init__(self, device, gateway=0, secret=None):
        c = shared()
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
    return next((r["bindings"] for r in shared().api(
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
                one["gateway"] != shared().gateways[0].id:
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
    assert_clean(shared())


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
        # All at once, however late an answer is read.
        ids = [pages[0].send(phoneCall={"to": "4711", "sdp": OFFER})
               for _ in range(12)]
        got = [pages[0].wait(lambda m, i=i: m.get("id") == i, keep=True)
               for i in ids]
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
    c = shared()
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


def ringing(box, page, user):
    """The page calls a phone, which rings; its leg."""
    leg = page.call(user)["phonePlaced"]["leg"]
    box.expect("incoming", phone=user)
    while page.news("phoneProgress")["code"] != 180:
        pass
    return leg


def test_loaded_anew_before_the_answer():
    """Its own offer is no more: it gets one of ours, and the answer has none,
    at the other gateway."""
    c = shared()
    with phones() as box:
        phone(box, c, "1005", codecs=["opus"], answer="manual")
        with Page("1004") as page:
            page.ready()
            leg = ringing(box, page, "1005")
        with Page("1004", 1, page.secret) as again:
            calls = again.ready()["calls"]
            if [(x["leg"], x["peer"]) for x in calls] != [(leg, "1005")]:
                raise Mismatch(f"{calls}")
            offer = again.news("phoneOffer")
            if offer["leg"] != leg or "a=setup:actpass" not in offer["sdp"]:
                raise Mismatch(f"{offer}")
            got = again.ask(phoneAnswer={"leg": leg, "sdp": ANSWER})
            if "done" not in got:
                raise Mismatch(f"{got}")
            box.do("answer", phone="1005")
            answer = again.news("phoneAnswer")
            if answer["leg"] != leg or answer.get("sdp"):
                raise Mismatch(f"{answer}")
            box.expect("established", phone="1005")
            again.ask(phoneHangup={"leg": leg})
            box.expect("closed", phone="1005")
            again.ask(phoneUnregister={})
    assert_clean(c)


def test_gone_before_the_answer():
    """Who closes the page while the other one rings, and does not come back,
    rings for 15 seconds more, not until somebody answers nobody."""
    c = shared()
    with phones() as box:
        phone(box, c, "1005", codecs=["PCMU"], answer="manual")
        with Page("1004") as page:
            page.ready()
            ringing(box, page, "1005")
        began = time.monotonic()
        box.expect("closed", phone="1005", seconds=25)
        if time.monotonic() - began < 10:
            raise Mismatch("it had no time to come back")
    assert_clean(c)


def starts(messages, leg):
    """Of a page: which way, and the first line of each message."""
    return [(m["direction"], m["text"].split("\r\n")[0]) for m in messages
            if m.get("leg") == leg]


def test_trace():
    """What a page and its gateway say to each other is in the call's trace,
    with the SIP of the other side; secrets are not."""
    c = shared()
    with phones() as box:
        phone(box, c, "1005", codecs=["opus"], answer="manual")
        with Page("1004") as page:
            page.ready()
            got = page.call("1005")["phonePlaced"]
            leg, call = got["leg"], got["call"]
            box.expect("incoming", phone="1005")
            page.ask(phoneCandidate={"leg": leg, "candidate":
                                     "candidate:1 1 udp 1 192.0.2.7 9 "
                                     "typ host\r\nphoneForged"})
            must_fail(page.ask(phoneDtmf={"leg": leg, "digits": "x"}),
                      "bad-request")
            box.do("answer", phone="1005")
            page.news("phoneAnswer")
            page.ask(phoneDtmf={"leg": leg, "digits": "4711"})
            page.ask(phoneUpdate={"leg": leg, "held": True})
            page.ask(phoneHangup={"leg": leg})
            page.news("phoneEnded")
            box.expect("closed", phone="1005")
            page.ask(phoneUnregister={})
        want = [("in", "phoneCall"), ("out", "phonePlaced"),
                ("out", "phoneProgress 180"), ("in", "phoneCandidate"),
                ("in", "phoneDtmf"), ("out", "error bad-request"),
                ("out", "phoneAnswer"), ("out", "phoneState"),
                ("out", "done"), ("in", "phoneUpdate"),
                ("in", "phoneHangup"), ("out", "phoneEnded 200")]
        trace = wait_for("the whole trace", lambda: whole(c, call, leg, want))
    offer = next(m for m in trace if m["text"].startswith("phoneCall"))
    port = int(offer["target"].rpartition(":")[2])
    if offer["router"] != c.gateways[0].id or offer["transport"] != "ws" or \
            port != int(c.gateways[0].http.rpartition(":")[2]) or \
            not offer["source"].startswith("127.0.0.1:"):
        raise Mismatch(f"{offer}")
    for text in ("to: 1005", "device: 1004", "a=ice-ufrag:abcd",
                 "a=ice-pwd:*****", "a=fingerprint:sha-256 AB",
                 "Content-Type: application/sdp\r\n\r\nv=0"):
        if text not in offer["text"]:
            raise Mismatch(f"no {text} in {offer['text']}")
    everything = str(trace)
    for secret in ("abcdefghijklmnopqrstuvwx", "4711", page.secret):
        if secret in everything:
            raise Mismatch(f"{secret} is shown: {everything}")
    if any(m["text"].startswith("phoneForged") for m in trace) or \
            "host??phoneForged" not in everything:
        raise Mismatch(f"a line of a stranger: {everything}")
    if not any(m["text"].startswith("INVITE ") for m in trace):
        raise Mismatch("no SIP of the phone")


def whole(c, call, leg, want):
    status, _, doc = request(
        "GET", f"http://{c.gateways[0].http}/api/calls/{call}/trace", c.token)
    if status == 404:
        return None  # nothing is written yet
    trace = doc["messages"]
    return trace if not set(want) - set(starts(trace, leg)) else None


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


def said(page, seconds=5):
    """What somebody wrote to it."""
    got = page.news("phoneMessage", seconds)
    page.kept = [m for m in page.kept if m.get("phoneMessage") != got]
    return got


def writes(p, to, text="hello", kind="text/plain", **f):
    """A phone writes: its final answer."""
    msg = p.challenged("MESSAGE", f"sip:{to}@switchyard", text,
                       **{"Content-Type": kind, **f})
    return p.ask(msg).code


def test_is_written_to():
    """A MESSAGE reaches all pages of a device, at any gateway, beside its
    phones; what they cannot show is 415, where none is there 480."""
    c = shared()
    text = "Grüße, \"1001\" <&>\r\n"
    with RawPhone(c.routers[0], "1002") as a, Page("1001") as one, \
            Page("1001", gateway=1) as two:
        must(writes(a, "1001"), 480, "nobody is there")
        one.ready()
        two.ready()
        must(writes(a, "1001", text, "text/plain; charset=UTF-8"), 200,
             "to pages")
        for page in (one, two):
            must(said(page), {"to": "1001", "text": text, "from": "1002",
                              "fromName": "Phone 1002"}, "what it hears")
        for kind, body in (("application/im-iscomposing+xml", "<x/>"),
                           ("text/html", "<b>"), ("text/plain2", "x")):
            must(writes(a, "1001", body, kind), 415, kind)
        must(writes(a, "1001", "x", **{"Content-Encoding": "gzip"}), 415,
             "what is packed")
        with RawPhone(c.routers[0], "1001") as b:
            must(b.register().code, 200, "REGISTER")
            msg = a.challenged("MESSAGE", "sip:1001@switchyard", "all",
                               **{"Content-Type": "text/plain"})
            a.send(msg)
            must(b.await_("MESSAGE").body, "all", "the phone")
            for page in (one, two):
                must(said(page)["text"], "all", "a page beside it")
            must(a.await_("final").code, 200, "a page has it already")
            must(b.register(Expires="0").code, 200, "unregistered")
        two.ask(phoneUnregister={})
        one.sock.close()
        wait_for("its socket is lost",
                 lambda: writes(a, "1001", "gone?") == 480)
        with Page("1001", secret=one.secret) as one:
            one.ready()
            one.ask(phoneUnregister={})


def test_writes():
    """A page writes as its device, to phones and pages; what is wrong, or
    not taken, is told."""
    c = shared()
    with RawPhone(c.routers[0], "1002") as b, Page("1001") as page, \
            Page("1003", gateway=1) as other:
        page.ready()
        other.ready()
        must(b.register().code, 200, "REGISTER")

        def write(to="1002", text="Grüße \u2603"):
            return page.send(phoneMessage={"to": to, "text": text})

        def told(number):
            return page.wait(lambda m: m.get("id") == number, keep=True)
        for code in (200, 202, 486):
            number = write()
            got = b.await_("MESSAGE")
            must((got.body, got.get("content-type")),
                 ("Grüße \u2603", "text/plain;charset=utf-8"), "the text")
            must(got.get("from").partition(";")[0],
                 '"Phone 1001" <sip:1001@switchyard>', "From")
            must(got.get("to"), "<sip:1002@switchyard>", "To")
            b.answer(got, code, "So To Speak")
            if code < 300:
                must("done" in told(number), True, f"after {code}")
            else:
                must_fail(told(number), "conflict", "So To Speak")
        must("done" in told(write("1003", "to a page")), True, "to a page")
        must(said(other), {"to": "1003", "text": "to a page",
                           "from": "1001", "fromName": "Phone 1001"},
             "what it hears")
        for to, text, kind, words in (
                ("4711", "x", "not-found", "no route"),
                ("600", "x", "not-found", "Nobody Takes Messages There"),
                ("701", "x", "forbidden", "This Trunk Takes No Messages"),
                ("1004", "x", "unavailable", "nobody is there"),
                ("1003", "", "bad-request", "text"),
                ("1003", "x" * 901, "bad-request", "900 bytes"),
                ("", "x", "bad-request", "to"),
                ("10 03", "x", "bad-request", "to")):
            must_fail(told(write(to, text)), kind, words)
        must("done" in told(write("1003", "x" * 900)), True, "900 bytes")
        must(b.register(Expires="0").code, 200, "unregistered")
        for p in (page, other):
            p.ask(phoneUnregister={})


def test_comes_and_goes():
    """A page that is a phone is told of as one, and so is its end."""
    c = shared()

    def told():
        return [(e["type"], e.get("reason", "")) for e in c.api(
            "GET", "/api/events?format=json&limit=500"
                   "&type=REGISTERED,UNREGISTERED")["items"]
            if e["registration"]["device"] == "1017"][::-1]
    with Page("1017") as page:
        page.ready()
        try:
            wait_for("an event", lambda: told() == [("REGISTERED", "")])
        except Mismatch as e:
            raise Mismatch(f"{e}: {told()}") from e
        page.ask(phoneUnregister={})
    wait_for("another one", lambda: told() == [
        ("REGISTERED", ""), ("UNREGISTERED", "unregistered")])
