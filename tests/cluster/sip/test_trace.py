# SPDX-License-Identifier: MIT
"""Every SIP message of a call is kept and shown, with its secrets masked; a
Homer is told of all messages; counters by method and code."""

import json
import socket
import struct
from contextlib import ExitStack, closing, suppress

from harness import (Mismatch, assert_clean, cluster, metrics, must, phones,
                     request, wait_for)
from lib.cluster import DEMO
from rawphone import RawPhone
from talk import call, end, phone

_stack = ExitStack()
_cluster = _homer = None


class Homer:
    """Receives HEP v3 and takes it apart."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.settimeout(10)
        self.port = self.sock.getsockname()[1]

    def close(self):
        self.sock.close()

    def forget(self):
        """What came before, lest nothing fits in any more."""
        self.sock.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                self.sock.recv(65535)
        self.sock.settimeout(10)

    def take(self):
        """The next packet: {chunk type: value}."""
        data = self.sock.recv(65535)
        must(data[:4], b"HEP3", "magic")
        must(struct.unpack("!H", data[4:6])[0], len(data), "length")
        chunks, at = {}, 6
        while at < len(data):
            vendor, kind, size = struct.unpack("!HHH", data[at:at + 6])
            must(vendor, 0, "vendor")
            if size < 6 or at + size > len(data):
                raise Mismatch(f"chunk {kind} of {size} bytes")
            chunks[kind] = data[at + 6:at + size]
            at += size
        return chunks

    def until(self, test, what):
        for _ in range(2000):
            got = self.take()
            if test(got):
                return got
        raise Mismatch(f"no {what}")


def shared():
    global _cluster, _homer
    if _cluster is None:
        _homer = _stack.enter_context(closing(Homer()))
        with open(DEMO, encoding="utf-8") as f:
            conf = json.load(f)
        conf["settings"] |= {"hep": f"127.0.0.1:{_homer.port}",
                             "hepCaptureId": 4711}
        _cluster = _stack.enter_context(
            cluster(nodes=2, routers=2, config=conf))
    return _cluster


def finish():
    global _cluster
    _cluster = None
    _stack.close()


def starts(trace):
    """What each message is: "in INVITE", "out 407 INVITE"; what was sent
    again, once."""
    out = []
    for _, direction, text in dict.fromkeys(
            (m["router"], m["direction"], m["text"])
            for m in trace["messages"]):
        words = text.split("\r\n", 1)[0].split()
        what = words[0]
        if what == "SIP/2.0":
            cseq = [x for x in text.split("\r\n")
                    if x.lower().startswith("cseq:")][0]
            what = f"{words[1]} {cseq.split()[-1]}"
        out.append(f"{direction} {what}")
    return out


def trace_of(c, number, *whole):
    """The trace of a call, once these are in it."""
    def look():
        got = c.api("GET", f"/api/calls/{number}/trace")
        return got if all(starts(got).count(w) >= whole.count(w)
                          for w in whole) else None
    try:
        return wait_for("the trace is whole", look)
    except Mismatch as e:
        got = c.api("GET", f"/api/calls/{number}/trace")
        raise Mismatch(f"{e}: {starts(got)}") from None


def only(c):
    return wait_for("the call is listed", lambda: c.api(
        "GET", "/api/calls")["items"])[0]["id"]


WHOLE = ("in INVITE", "out 407 INVITE", "in ACK", "in INVITE",
         "out 100 INVITE", "out INVITE", "in 180 INVITE", "out 180 INVITE",
         "in 200 INVITE", "out ACK", "out 200 INVITE", "in ACK")


def test_a_call():
    """From the INVITE without a password to the end, both sides, in order,
    also when it has ended; each side through another router."""
    c = shared()
    with phones() as box:
        phone(box, c, "1001", proxy=c.routers[0].udp)
        phone(box, c, "1002", proxy=c.routers[1].udp)
        call(box, "1001", "1002")
        number = only(c)
        got = trace_of(c, number, *WHOLE)
        must(got["call"], number, "call")
        must(starts(got)[:4], ["in INVITE", "out 407 INVITE", "in ACK",
                               "in INVITE"], "how it began")
        times = [m["at"].rstrip("Z").ljust(len("2026-01-01T00:00:00.000000"),
                                           "0") for m in got["messages"]]
        must(times, sorted(times), "order")
        end(box, "1001", "1002")
        got = trace_of(c, number, *WHOLE, "in BYE", "out BYE", "in 200 BYE",
                       "out 200 BYE")
        if len(starts(got)) != len(WHOLE) + 4:
            raise Mismatch(f"messages: {json.dumps(got, indent=1)}")
        assert_clean(c)
        look_closely(c, got["messages"])
        ttl = c.redis_command("TTL", f"sy:trace:{{{number}}}")
        if not 800 < ttl <= 900:
            raise Mismatch(f"it is kept for {ttl} s")
        must(c.api("GET", f"/api/calls/{number}/trace")["call"], number,
             "the trace of a call that has ended")


def look_closely(c, messages):
    routers = {r.id: r.udp for r in c.routers}
    for m in messages:
        ours = m["target" if m["direction"] == "in" else "source"]
        must(ours, routers[m["router"]], f"our side of {m}")
        must(m["transport"], "udp", "transport")
    must(len({m["router"] for m in messages}), 2, "routers")
    legs = {m["leg"] for m in messages}
    must(len(legs), 2, f"legs {legs}")
    with_password = [m["text"] for m in messages
                     if "\r\nProxy-Authorization: " in m["text"]]
    if not with_password:
        raise Mismatch("no message with a password")
    for secret in ("nonce", "response", "cnonce"):
        for text in [m["text"] for m in messages]:
            for part in text.split(f'{secret}="')[1:]:
                must(set(part.partition('"')[0]), {"*"}, secret)
    if 'username="1001"' not in with_password[0]:
        raise Mismatch(f"whose it is is masked: {with_password[0]}")


def test_keys_and_digits_are_masked():
    c = shared()
    with phones() as box:
        for user in ("1001", "1002"):
            phone(box, c, user, srtp="required")
        call(box, "1001", "1002")
        number = only(c)
        got = trace_of(c, number, *WHOLE)
        keys = [part.split("\r\n")[0] for m in got["messages"]
                for part in m["text"].split("inline:")[1:]]
        if len(keys) < 4 or any(set(k) != {"*"} for k in keys):
            raise Mismatch(f"keys: {keys}")
        end(box, "1001", "1002")
    with RawPhone(c.routers[0]) as a:
        d = a.established("600")
        d.ask("INFO", "Signal=7\r\nDuration=160\r\n",
              **{"Content-Type": "application/dtmf-relay"})
        number = only(c)
        got = trace_of(c, number, "in INFO", "out 200 INFO")
        text = next(m["text"] for m in got["messages"]
                    if m["text"].startswith("INFO"))
        if "Signal=*\r\n" not in text:
            raise Mismatch(f"a digit: {text}")
        d.bye()
    assert_clean(c)


def test_refused():
    """A call that never was answered has a trace too."""
    c = shared()
    with phones() as box:
        phone(box, c, "1001")
        phone(box, c, "1002", answer="reject:486")
        before = {k for k in c.redis_command("KEYS", "sy:trace:*")}
        box.do("call", phone="1001", to="1002")
        must(box.expect("closed", phone="1001")["code"], 486, "it is busy")
        key = wait_for("a trace", lambda: [
            k for k in c.redis_command("KEYS", "sy:trace:*")
            if k not in before])[0]
        number = key.partition("{")[2].rstrip("}")
        trace_of(c, number, "in 486 INVITE", "out 486 INVITE", "in ACK",
                 "in ACK")
        assert_clean(c)


def test_who_may_look():
    c = shared()
    url = f"http://{c.gateways[0].http}/api/calls"
    none = "01J0000000000000000000000Z"
    must(request("GET", f"{url}/{none}/trace")[0], 401, "without a token")
    must(request("GET", f"{url}/{none}/trace", c.token)[0], 404, "no call")
    must(request("GET", f"{url}/x/trace", c.token)[0], 404, "no id")


def test_homer():
    """Each message, with the call's id, or its Call-ID where there is none."""
    c = shared()
    _homer.forget()
    with phones() as box:
        phone(box, c, "1001")
        got = _homer.until(lambda p: p[15].startswith(b"REGISTER")
                           and b"\r\nAuthorization:" in p[15], "REGISTER")
        must(got[1], b"\x02", "family")
        must(got[2], b"\x11", "UDP")
        must(socket.inet_ntoa(got[3]), "127.0.0.1", "source")
        to = struct.unpack("!H", got[8])[0]
        if f"127.0.0.1:{to}" not in [r.udp for r in c.routers]:
            raise Mismatch(f"target port: {to}")
        must(got[11], b"\x01", "SIP")
        must(struct.unpack("!I", got[12])[0], 4711, "capture id")
        if b"Call-ID: " + got[17] not in got[15]:
            raise Mismatch(f"correlation: {got}")
        if b'response="*' not in got[15]:
            raise Mismatch(f"a secret: {got[15]}")
        box.do("call", phone="1001", to="600")
        box.expect("established", phone="1001")
        number = only(c)
        # The first INVITE had no call yet.
        _homer.until(lambda p: p[15].startswith(b"INVITE") and
                     p[17].decode() == number and
                     b"Proxy-Authorization" not in p[15], "first INVITE")
        box.do("hangup", phone="1001")
        box.expect("closed", phone="1001")
        assert_clean(c)


def test_counters():
    c = shared()

    def count(key):
        return sum(metrics(r).get(key, 0) for r in c.routers)

    invites = 'sy_sip_requests_total{direction="in",method="INVITE"}'
    rings = ('sy_sip_responses_total{direction="out",method="INVITE",'
             'class="4xx"}')
    busy = 'sy_sip_response_codes_total{direction="in",code="486"}'
    keys = {invites: 2, rings: 2, busy: 1}
    with phones() as box:
        phone(box, c, "1001")
        phone(box, c, "1002", answer="reject:486")
        for _ in range(3):  # what is sent again is counted again
            # What came before is told within a second.
            before = wait_for("the counters rest", lambda: rest(count, keys))
            box.do("call", phone="1001", to="1002")
            box.expect("closed", phone="1001")
            wait_for("they are counted", lambda: all(
                count(k) - before[k] >= n for k, n in keys.items()))
            got = {k: count(k) - before[k] for k in keys}
            if got == keys:
                break
        must(got, keys, "counters")
        must(count('sy_trace_dropped_total{reason="full"}'), 0, "dropped")


def rest(count, keys):
    """The counters, if they stay the same for two of their seconds."""
    sent = "sy_sip_requests_total{direction=\"in\",method=\"OPTIONS\"}"
    first = count(sent)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for r in _cluster.routers:
            host, _, port = r.udp.rpartition(":")
            s.sendto(OPTIONS.format(at="%s:%d" % s.getsockname()).encode(),
                     (host, int(port)))
        wait_for("OPTIONS are counted", lambda: count(sent) >= first + 2)
    return {k: count(k) for k in keys}


OPTIONS = ("OPTIONS sip:switchyard SIP/2.0\r\n"
           "Via: SIP/2.0/UDP {at};branch=z9hG4bKrest;rport\r\n"
           "From: <sip:x@y>;tag=1\r\nTo: <sip:switchyard>\r\n"
           "Call-ID: rest\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n"
           "Content-Length: 0\r\n\r\n")


def echo(c, box):
    """A call that was; its id."""
    box.do("call", phone="1001", to="600")
    box.expect("established", phone="1001")
    number = only(c)
    box.do("hangup", phone="1001")
    box.expect("closed", phone="1001")
    assert_clean(c)
    return number


def test_settings():
    """Wrong values are told; without a trace there is none."""
    c = shared()
    from lib.process import ProcessError
    conf = c.config
    for field, value in (("hep", "homer"), ("hep", "homer:0"),
                         ("hep", "ho mer:9060"), ("trace", "all"),
                         ("traceSeconds", 86401)):
        c.config = {**conf, "settings": {**conf["settings"], field: value}}
        try:
            c.apply_config()
        except ProcessError as e:
            if f"settings.{field}" not in str(e):
                raise Mismatch(f"{field} {value}: {e}") from None
        else:
            raise Mismatch(f"{field} {value} was taken")
    c.config = {**conf, "settings": {**conf["settings"], "trace": "off"}}
    c.apply_config()
    try:
        with phones() as box:
            phone(box, c, "1001")

            def untraced():
                """Of two calls the first has none.  The tracer deals with
                one after the other, and Homer is told of the second."""
                first = echo(c, box)
                second = echo(c, box)
                _homer.until(lambda p: p[17].decode() == second, "call")
                return not c.redis_command("EXISTS",
                                           f"sy:trace:{{{first}}}")
            wait_for("a call without a trace", untraced)
    finally:
        c.config = conf
        c.apply_config()
