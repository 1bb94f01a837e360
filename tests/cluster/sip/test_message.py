# SPDX-License-Identifier: MIT
"""MESSAGE from device to device (RFC 3428): who may, whom it reaches, and
what the one who wrote hears of it."""

import json
import signal
from contextlib import ExitStack, contextmanager

from harness import Mismatch, cluster, is_ready, must, wait_for
from lib.cluster import DEMO
from rawphone import Message, RawPhone
from wsphone import WsPhone

A_MINUTE = 40
TYPE = "text/plain;charset=utf-8"

_stack = ExitStack()
_shared = None


class Nowhere:
    """The carriers have their addresses before the cluster has one."""
    udp = "127.0.0.1:1"


def shared():
    """Two routers, and two carriers: one whose messages are taken."""
    global _shared
    if _shared is None:
        carriers = {name: _stack.enter_context(RawPhone(Nowhere, name))
                    for name in ("writes", "mute")}
        with open(DEMO, encoding="utf-8") as f:
            conf = json.load(f)
        conf["settings"]["guard"] = {"messagesPerMinute": A_MINUTE}
        conf["trunks"] += [
            {"id": name, "enabled": True, "optionsS": 0, "sources": [p.me],
             "target": p.me, "messages": name == "writes",
             "messagesOut": name == "writes", "username": "us",
             "password": "secret", "defaultNumber": "+4930999",
             "numbers": [{"number": "+4930999"}]}
            for name, p in carriers.items()]
        conf["routes"] += [
            {"id": f"by-{name}", "order": 300 + int(digit),
             "pattern": f"{digit}.",
             "target": {"external": {"trunk": name, "number": "$1"}}}
            for name, digit in (("writes", "8"), ("mute", "9"))]
        c = _stack.enter_context(cluster(nodes=1, routers=2, config=conf))
        host, _, port = c.routers[0].udp.rpartition(":")
        for p in carriers.values():
            p.to = (host, int(port))
        _shared = c, carriers
    return _shared


def finish():
    global _shared
    _shared = None
    _stack.close()


@contextmanager
def registered(phone):
    with phone as p:
        must(p.register().code, 200, "REGISTER")
        try:
            yield p
        finally:
            p.register(Expires="0")


def write(a, to, text="hello", **f):
    """A MESSAGE with credentials, sent; its text."""
    f = {"Content-Type": TYPE, **{k.replace("_", "-"): v
                                  for k, v in f.items()}}
    msg = a.challenged("MESSAGE", f"sip:{to}@switchyard", text, **f)
    a.send(msg)
    return msg


def final(a, msg, seconds=5.0):
    sent = Message(msg.encode())
    return a.await_("final", seconds, sent.get("call-id"), sent.get("cseq"))


def test_udp_to_websocket():
    """By two routers, with what was authenticated as From; a copy is answered
    again, and not brought twice."""
    c, _ = shared()
    text = "Grüße, \"1002\" <&>"
    with RawPhone(c.routers[0], "1001") as a, \
            registered(WsPhone(c.routers[1].ws, "1002")) as b:
        msg = write(a, "1002", text, Subject="a matter",
                    Date="Thu, 26 Nov 2026 12:00:00 GMT")
        got = b.await_("MESSAGE")
        must(got.body, text, "the text")
        must(got.get("from").partition(";")[0],
             '"Phone 1001" <sip:1001@switchyard>', "From")
        must(got.get("to"), "<sip:1002@switchyard>", "To")
        must((got.get("content-type"), got.get("subject"), got.get("date")),
             (TYPE, "a matter", "Thu, 26 Nov 2026 12:00:00 GMT"),
             "what describes it")
        must(got.get("max-forwards"), "68", "Max-Forwards")
        if got.get("contact") or got.get("authorization"):
            raise Mismatch(f"too much is told: {got.raw}")
        a.send(msg)  # a copy, while it waits
        b.answer(got, 200, "OK")
        must(final(a, msg).code, 200, "the answer")
        a.send(msg)  # and one when it was answered
        must(final(a, msg).code, 200, "the answer again")
        b.silent()
    with RawPhone(c.routers[1], "1001") as a, \
            registered(RawPhone(c.routers[0], "1002")) as b:
        msg = write(a, "1002", "back")
        got = b.await_("MESSAGE")
        must(got.body, "back", "the text")
        b.answer(got, 202, "Accepted")
        must(final(a, msg).code, 202, "what the phone says")


def test_what_phones_say():
    """The first that takes it decides; else what one of them says."""
    c, _ = shared()
    with ExitStack() as stack:
        a = stack.enter_context(RawPhone(c.routers[0], "1001"))
        b = [stack.enter_context(registered(
            RawPhone(c.routers[i], "1003"))) for i in range(2)]
        for codes, want in (((415, 200), 200), ((486, 408), 486),
                            ((503, 500), 500), ((430, 503), 480)):
            msg = write(a, "1003")
            for p, code in zip(b, codes):
                p.answer(p.await_("MESSAGE"), code, "So To Speak")
            got = final(a, msg)
            must(got.code, want, f"of {codes}")
            if want in (486, 500):
                must(got.start.split(" ", 2)[2], "So To Speak", "the phrase")


def test_group():
    """A number of a group: all of its members get it."""
    c, _ = shared()
    with RawPhone(c.routers[0], "1001") as a, \
            registered(RawPhone(c.routers[0], "1004")) as b, \
            registered(RawPhone(c.routers[1], "1005")) as d:
        msg = write(a, "651", "to all of you")
        for p in (b, d):
            got = p.await_("MESSAGE")
            must(got.body, "to all of you", "the text")
            must(got.get("to"), "<sip:651@switchyard>", "To")
            p.answer(got, 200, "OK")
        must(final(a, msg).code, 200, "the answer")


def test_refused():
    """Nobody's numbers, those who are away, what is too large, who is not who
    he says."""
    c, _ = shared()
    with RawPhone(c.routers[0], "1001") as a, \
            registered(RawPhone(c.routers[0], "1006")) as b:
        for to, code, words in (
                ("4711", 404, "Not Found"), ("1099", 404, "Not Found"),
                ("600", 404, "Nobody Takes Messages There"),
                ("701", 403, "This Trunk Takes No Messages"),
                ("1007", 480, "Temporarily Unavailable")):
            got = final(a, write(a, to))
            must((got.code, got.start.split(" ", 2)[2]), (code, words), to)
        must(final(a, write(a, "1006", "x" * 1000)).code, 413, "1000 bytes")
        for field, code in ((("Require", "join"), 420),
                            (("Max-Forwards", "0"), 483)):
            got = a.ask(a.request("MESSAGE", "sip:1006@switchyard", "hi",
                                  Content_Type=TYPE, **dict([field])))
            must(got.code, code, field)
        must(final(a, write(a, "1006", Content_Type=None)).code, 400,
             "no Content-Type")
        msg = a.challenged("MESSAGE", "sip:1006@switchyard", "hi",
                           Content_Type=TYPE,
                           From="<sip:1008@switchyard>;tag=z")
        a.send(msg)
        must(final(a, msg).code, 403, "in the name of another")
        b.silent()
        msg = write(a, "1006", "x" * 700)
        got = b.await_("MESSAGE")
        if len(got.raw) > 1300:
            raise Mismatch(f"{len(got.raw)} bytes were sent")
        b.answer(got, 200, "OK")
        must(final(a, msg).code, 200, "700 bytes")


def test_trunks():
    """A trunk's messages are taken where it is configured so."""
    c, carriers = shared()
    with registered(RawPhone(c.routers[0], "1006")) as b:
        for name, p in carriers.items():
            msg = p.request("MESSAGE", "sip:1006@switchyard", "from far",
                            From="<sip:+4930123@far>;tag=1",
                            Content_Type=TYPE)
            p.send(msg)
            if name == "writes":
                got = b.await_("MESSAGE")
                must(got.get("from").partition(";")[0],
                     "<sip:+4930123@switchyard>", "From")
                b.answer(got, 200, "OK")
                must(final(p, msg).code, 200, name)
                continue
            got = final(p, msg)
            must((got.code, got.start.split(" ", 2)[2]),
                 (403, "This Trunk May Not Send Messages"), name)


def test_out_by_a_trunk():
    """Where it is configured so: the number that a call would show, and the
    trunk's challenge is answered; else a clear refusal."""
    c, carriers = shared()
    p = carriers["writes"]
    challenge = ('Digest realm="far", nonce="n1", algorithm=MD5, '
                 'qop="auth"')
    with RawPhone(c.routers[1], "1001") as a:
        msg = write(a, "8030123", "out")
        first = p.await_("MESSAGE")
        must(first.uri, f"sip:030123@{p.me}", "Request-URI")
        must(first.get("from").partition(";")[0],
             "<sip:+4930999@switchyard>", "From")
        p.answer(first, 401, "Unauthorized", WWW_Authenticate=challenge)
        got = p.await_("MESSAGE")
        must((got.get("call-id"), got.tag("from"), got.get("cseq")),
             (first.get("call-id"), first.tag("from"), "2 MESSAGE"),
             "it is the same again")
        nonce = 'username="us", realm="far", nonce="n1"'
        if nonce not in got.get("authorization"):
            raise Mismatch(got.get("authorization"))
        must(got.body, "out", "the text")
        p.answer(got, 202, "Accepted")
        must(final(a, msg).code, 202, "the answer")
        msg = write(a, "8030123", "out")
        for _ in range(2):
            p.answer(p.await_("MESSAGE"), 401, "Unauthorized",
                     WWW_Authenticate=challenge)
        must(final(a, msg).code, 480, "its password is wrong")
        got = final(a, write(a, "9030123"))
        must((got.code, got.start.split(" ", 2)[2]),
             (403, "This Trunk Takes No Messages"), "another trunk")


def test_too_many():
    """One account may not flood; another one is not disturbed by it."""
    c, _ = shared()
    with RawPhone(c.routers[0], "1018") as a, \
            RawPhone(c.routers[0], "1017") as other:
        codes = [final(a, write(a, "1007")).code for _ in range(A_MINUTE + 5)]
        must(set(codes[:A_MINUTE]), {480}, "at first")
        got = final(a, write(a, "1007"))
        must((got.code, got.get("retry-after") != ""), (503, True), "then")
        must(final(other, write(other, "1007")).code, 480, "another one")


def test_without_redis():
    """503 and Retry-After; afterwards it goes on."""
    c, _ = shared()
    with RawPhone(c.routers[0], "1002") as a, \
            registered(RawPhone(c.routers[0], "1006")) as b:
        msg = a.challenged("MESSAGE", "sip:1006@switchyard", "now?",
                           Content_Type=TYPE)
        c.redis.signal(signal.SIGSTOP)
        try:
            a.send(msg)
            got = final(a, msg)
            must((got.code, got.get("retry-after") != ""), (503, True),
                 "while Redis is stalled")
        finally:
            c.redis.signal(signal.SIGCONT)
        wait_for("Redis is there", lambda: is_ready(c.routers[0]))
        b.silent(0.3)

        def again():
            try:
                msg = write(a, "1006", "again")
                got = b.receive(1)
                if got and got.method == "MESSAGE":
                    b.answer(got, 200, "OK")
                return final(a, msg).code == 200
            except Mismatch:    # it is refused without a challenge
                return False
        wait_for("messages are brought again", again)
