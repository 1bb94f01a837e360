# SPDX-License-Identifier: MIT
"""Webhooks: a real server is told of what happens, signed, at least once,
whatever dies; and nobody is told who should not be."""

import contextlib
import hashlib
import hmac
import json
import queue
import signal
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness import Mismatch, Shared, cluster, must, request, wait_for

shared = Shared(nodes=1, gateways=2)
finish = shared.finish


class Receiver:
    """An HTTP server that keeps what it is sent, and answers as it is told."""

    def __init__(self, cert=None):
        self.got = queue.Queue()
        self.status = 200
        self.gate = threading.Event()  # unset: it does not answer
        self.gate.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = outer.status   # a test that has got it sets another
                outer.got.put((dict(self.headers), body))
                outer.gate.wait(30)
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

            def handle(self):
                # A client that does not trust us says so, and is gone.
                with contextlib.suppress(ssl.SSLError):
                    super().handle()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.scheme = "http"
        if cert:
            ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            ctx.load_cert_chain(*cert)
            self.server.socket = ctx.wrap_socket(
                self.server.socket, server_side=True,
                do_handshake_on_connect=False)
            self.scheme = "https"
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.server.server_port}/hook"

    def next(self, seconds=15):
        try:
            return self.got.get(timeout=seconds)
        except queue.Empty:
            raise Mismatch(f"nothing came within {seconds} s") from None

    def close(self):
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()


@contextlib.contextmanager
def receiver(cert=None):
    r = Receiver(cert)
    try:
        yield r
    finally:
        r.close()


def ask(c, method, path, body=None, gateway=0):
    return request(method, f"http://{c.gateways[gateway].http}{path}",
                   token=c.token, body=body)


@contextlib.contextmanager
def webhook(c, url, **more):
    status, head, made = ask(c, "POST", "/api/webhooks",
                             {"url": url, **more})
    must(status, 201, f"making it: {made}")
    must(head["Location"], f"/api/webhooks/{made['id']}", "Location")
    try:
        yield made
    finally:
        with contextlib.suppress(OSError):  # the gateway may be dead
            ask(c, "DELETE", f"/api/webhooks/{made['id']}")


def deliveries(c, made):
    return ask(c, "GET", f"/api/webhooks/{made['id']}/deliveries")[2]["items"]


def ban(c, source="192.0.2.77"):
    """An event that costs nothing."""
    must(ask(c, "POST", "/api/bans", {"source": source, "seconds": 60})[0],
         201, "ban")


def verify(made, head, body):
    """As a receiver does it: by the secret that was shown once."""
    parts = dict(p.split("=") for p in
                 head["Switchyard-Signature"].split(","))
    good = hmac.new(made["secret"].encode(),
                    parts["t"].encode() + b"." + body, hashlib.sha256)
    if not hmac.compare_digest(good.hexdigest(), parts["v1"]):
        raise Mismatch("the signature is wrong")
    return json.loads(body)


def test_told():
    """Events of the types that it wants, signed; none of others."""
    c = shared()
    with receiver() as r, webhook(c, r.url, events=["BANNED"]) as made:
        for i in range(5):
            ban(c, f"192.0.2.{i + 1}")
        got = [r.next() for _ in range(5)]
        events = [verify(made, h, b) for h, b in got]
        must(sorted(e["ban"]["source"] for e in events),
             [f"192.0.2.{i + 1}" for i in range(5)], "events")
        for head, _ in got:
            must((head["Switchyard-Event"], head["Content-Type"]),
                 ("BANNED", "application/json"), "header")
        ids = {h["Switchyard-Delivery"] for h, _ in got}
        must(len(ids), 5, "ids of deliveries")
        wait_for("all are written down as done", lambda: {
            d["id"] for d in deliveries(c, made)
            if d["state"] == "DELIVERY_DONE"} == ids)
        shown = ask(c, "GET", f"/api/webhooks/{made['id']}")[2]
        must((shown["lastStatus"], shown["pending"], shown.get("secret")),
             (200, 0, ""), "shown")
        # One of them once more, and a test.
        status, _, again = ask(c, "POST", f"/api/webhooks/{made['id']}/"
                               f"deliveries/{got[0][0]['Switchyard-Delivery']}")
        must((status, again["state"]), (202, "DELIVERY_PENDING"), "again")
        head, body = r.next()
        must((head["Switchyard-Delivery"], body, again["body"].encode()),
             (again["id"], got[0][1], body), "sent once more")
        must(ask(c, "POST", f"/api/webhooks/{made['id']}/test")[0], 202,
             "test")
        head, body = r.next()
        must(head["Switchyard-Event"], "TEST", "test")
        verify(made, head, body)
        # Not while it is off.
        must(ask(c, "PATCH", f"/api/webhooks/{made['id']}",
                 {"enabled": False})[2]["enabled"], False, "off")
        must(ask(c, "POST", f"/api/webhooks/{made['id']}/test")[0], 409,
             "a test while it is off")


def test_tried_again():
    """500, no answer, a redirect, nobody there: until it is taken."""
    c = shared()
    with receiver() as r, webhook(c, r.url, events=["BANNED"]) as made:
        r.status = 500
        ban(c)
        first = r.next()
        wait_for("it is noted", lambda: [
            (d["lastStatus"], d["lastError"]) for d in deliveries(c, made)
        ] == [(500, "the server answered 500")])
        r.status = 302
        second = r.next()
        r.status = 200
        third = r.next()
        must({x[0]["Switchyard-Delivery"] for x in (first, second, third)},
             {first[0]["Switchyard-Delivery"]}, "one delivery")
        must({x[1] for x in (first, second, third)}, {first[1]}, "one body")
        wait_for("it is done", lambda: [
            (d["state"], d["attempts"]) for d in deliveries(c, made)
        ] == [("DELIVERY_DONE", 3)])


def test_receiver_hangs():
    """One that takes the connection and never answers: given up after 10 s,
    and tried again; the next webhook does not wait for it."""
    c = shared()
    with receiver() as slow, receiver() as quick, \
            webhook(c, slow.url, events=["BANNED"]) as stuck, \
            webhook(c, quick.url, events=["BANNED"]):
        slow.gate.clear()
        for i in range(6):
            ban(c, f"192.0.2.{i + 1}")
        for _ in range(6):
            quick.next(8)
        first = slow.next()
        wait_for("it is noted as no answer", lambda: [
            d for d in deliveries(c, stuck)
            if d["id"] == first[0]["Switchyard-Delivery"] and
            d["attempts"] == 1 and not d["lastStatus"] and d["lastError"] and
            d["state"] == "DELIVERY_PENDING"], 20)
        slow.gate.set()
        wait_for("all are done in the end", lambda: {
            d["state"] for d in deliveries(c, stuck)} == {"DELIVERY_DONE"},
            30)


OLDER = """
for _, k in ipairs(redis.call('KEYS', 'sy:{acct}:hook:*:all')) do
    for _, id in ipairs(redis.call('HKEYS', k)) do
        local at = tonumber(redis.call('TIME')[1]) - 25 * 3600
        local n = ''
        repeat  -- a varint
            local low = at % 128
            at = (at - low) / 128
            n = n .. string.char(at > 0 and low + 128 or low)
        until at == 0
        -- WebhookDelivery.created_at.seconds, once more: the last one counts.
        redis.call('HSET', k, id, redis.call('HGET', k, id) ..
            string.char(58, #n + 1, 8) .. n)
        redis.call('ZADD', string.sub(k, 1, -4) .. 'due', 0, id)
    end
end
return 1
"""


def test_given_up():
    """After 24 hours it is dead, and said to be; by hand it is sent again."""
    c = shared()
    with receiver() as r, webhook(c, r.url, events=["BANNED"]) as made:
        r.status = 500
        ban(c)
        first = r.next()
        wait_for("it waits for its next time", lambda: [
            d["attempts"] for d in deliveries(c, made)] == [1])
        must(c.redis_command("EVAL", OLDER, "0"), 1, "a day goes by")
        wait_for("it is given up", lambda: [
            (d["state"], d["lastStatus"]) for d in deliveries(c, made)
        ] == [("DELIVERY_DEAD", 500)])
        shown = ask(c, "GET", f"/api/webhooks/{made['id']}")[2]
        must(shown["pending"], 0, "pending")
        r.status = 200
        ident = first[0]["Switchyard-Delivery"]
        must(ask(c, "POST", f"/api/webhooks/{made['id']}/deliveries/{ident}")[
            0], 202, "by hand")
        while r.next()[0]["Switchyard-Delivery"] == ident:
            pass


def test_gateway_dies():
    """kill -9 of the one that sends, with deliveries under way: the other
    sends them, none is lost."""
    with cluster(nodes=1, gateways=2) as c, receiver() as r:
        with webhook(c, r.url, events=["BANNED"]) as made:
            wait_for("one has the lease", lambda: c.redis_command(
                "EXISTS", "sy:{acct}:hooks:owner"))
            busy = sender(c)
            r.gate.clear()  # the receiver hangs
            other = 1 - busy
            for i in range(12):
                must(ask(c, "POST", "/api/bans", {
                    "source": f"192.0.2.{i + 1}", "seconds": 60},
                    gateway=other)[0], 201, "ban")
            r.next()
            c.gateways[busy].process.signal(signal.SIGKILL)
            r.gate.set()
            seen = set()
            while len(seen) < 12:
                seen.add(verify(made, *r.next())["ban"]["source"])
            wait_for("all are done", lambda: [
                d["state"] for d in ask(
                    c, "GET", f"/api/webhooks/{made['id']}/deliveries",
                    gateway=other)[2]["items"]] == ["DELIVERY_DONE"] * 12)


def test_gateway_restarts():
    """The only gateway ends and starts again: what waits is sent, each with
    its id."""
    with cluster(nodes=1, gateways=1) as c, receiver() as r:
        with webhook(c, r.url, events=["BANNED"]) as made:
            r.status = 500
            for i in range(6):
                ban(c, f"192.0.2.{i + 1}")
            wait_for("all wait, and some were tried", lambda: [
                d["state"] for d in deliveries(c, made)
            ] == ["DELIVERY_PENDING"] * 6 and any(
                d["attempts"] for d in deliveries(c, made)))
            ids = {d["id"] for d in deliveries(c, made)}
            gateway = c.gateways[0]
            gateway.process.signal(signal.SIGTERM)
            if not gateway.process.wait(10):
                raise Mismatch("it does not end")
            r.status = 200
            while not r.got.empty():
                r.got.get()
            gateway.start()
            c.wait_ready()
            seen = {}
            while len(seen) < 6:
                head, body = r.next()
                seen[head["Switchyard-Delivery"]] = verify(made, head, body)
            must(set(seen), ids, "deliveries")
            must(sorted(e["ban"]["source"] for e in seen.values()),
                 [f"192.0.2.{i + 1}" for i in range(6)], "events")
            wait_for("all are done", lambda: [
                d["state"] for d in deliveries(c, made)
            ] == ["DELIVERY_DONE"] * 6)


def start_with(c, *key):
    """The first gateway anew, with another key or none. Its log grows on."""
    gateway = c.gateways[0]
    gateway.process.stop()
    if "--cluster-key-file" in gateway.argv:
        at = gateway.argv.index("--cluster-key-file")
        del gateway.argv[at:at + 2]
    gateway.argv += key
    gateway.start()
    c.wait_ready()


def said(c, what):
    """The lines of the gateway's log with it."""
    with open(c.path("log", f"{c.gateways[0].id}.log"), encoding="utf-8") as f:
        return [line for line in f if what in line]


def test_other_key():
    """A gateway without the cluster's key, or with another one, can sign
    nothing: all of it waits without an attempt, and is sent once it can."""
    with cluster(nodes=1) as c, receiver() as r:
        with webhook(c, r.url, events=["BANNED"]) as made:
            other = c.path("other-key")
            with open(other, "w", encoding="ascii") as f:
                f.write("another-key-of-32-characters-abcd\n")
            for key, why in (((), "has no cluster key"),
                             (("--cluster-key-file", other),
                              "under another cluster key")):
                start_with(c, *key)
                for i in range(3):
                    ban(c, f"192.0.2.{i + 1}")
                wait_for("it is shown why they wait", lambda: {
                    (d["state"], d["attempts"], d["lastStatus"],
                     why in d["lastError"]) for d in deliveries(c, made)
                } == {("DELIVERY_PENDING", 0, 0, True)}, 15)
                must(len(said(c, why)), 1, f"warnings: {why}")
                shown = ask(c, "GET", f"/api/webhooks/{made['id']}")[2]
                must(why in shown["lastError"], True, "shown")
            if not r.got.empty():
                raise Mismatch(f"it was told: {r.got.get()}")
            start_with(c, "--cluster-key-file", c.path("cluster-key"))
            for _ in range(6):
                verify(made, *r.next(20))
            wait_for("all are done", lambda: {
                (d["state"], d["attempts"], d["lastError"])
                for d in deliveries(c, made)} == {("DELIVERY_DONE", 1, "")})


def is_plain(c, made):
    """Whether Redis has the webhook's secret as it is."""
    have = c.redis_command("HGET", "sy:{acct}:webhooks", made["id"])
    have = have.encode() if isinstance(have, str) else have
    return made["secret"].encode() in have


def test_sealed_later():
    """A secret from before the cluster had a key is sealed once it has one,
    and signs as it did."""
    with cluster(nodes=1) as c, receiver() as r:
        start_with(c)
        with webhook(c, r.url, events=["BANNED"]) as made:
            ban(c)
            verify(made, *r.next())
            must(is_plain(c, made), True, "plain without a key")
            start_with(c, "--cluster-key-file", c.path("cluster-key"))
            wait_for("it is sealed", lambda: not is_plain(c, made))
            ban(c, "192.0.2.78")
            verify(made, *r.next())
            must(len(said(c, "of a webhook is sealed now")), 1, "told once")


def test_sealed_by_change():
    """Who changes a webhook seals its secret, also while a gateway without
    the key delivers."""
    with cluster(nodes=1, gateways=2) as c, receiver() as r:
        start_with(c)
        c.gateways[1].process.stop()
        with webhook(c, r.url, events=["BANNED"]) as made:
            wait_for("it has the lease", lambda: said(
                c, "webhooks are sent by this gateway"))
            c.gateways[1].start()
            c.wait_ready()
            must(is_plain(c, made), True, "plain without a key")
            must(ask(c, "PATCH", f"/api/webhooks/{made['id']}",
                     {"name": "n"}, gateway=1)[0], 200, "PATCH")
            must(is_plain(c, made), False, "plain after a change")
            start_with(c, "--cluster-key-file", c.path("cluster-key"))
            ban(c)
            verify(made, *r.next())


def field(number, data):
    """One of bytes, or a string, in protobuf."""
    size = b""
    n = len(data)
    while n > 127:
        size, n = size + bytes([n & 127 | 128]), n >> 7
    return bytes([number << 3 | 2]) + size + bytes([n]) + data


WITH = """
local have = redis.call('HGET', 'sy:{acct}:webhooks', ARGV[1])
local mark, rest = string.match(have, '^%d+ (.\\n)(.*)$')
local rev = redis.call('HINCRBY', 'sy:{acct}', 'revision', 1)
-- The last one of a field counts.
redis.call('HSET', 'sy:{acct}:webhooks', ARGV[1],
           string.format('%d ', rev) .. mark .. rest .. ARGV[2])
return 1
"""


def test_no_secret():
    """By an empty key anybody can sign: nothing is sent, and it is said."""
    with cluster(nodes=1) as c, receiver() as r:
        with webhook(c, r.url, events=["BANNED"]) as made:
            c.gateways[0].process.stop()
            c.redis_command("EVAL", WITH, "0", made["id"], field(9, b""))
            start_with(c, "--cluster-key-file", c.path("cluster-key"))
            ban(c)
            wait_for("it is shown why it waits", lambda: [
                (d["attempts"], "no secret" in d["lastError"])
                for d in deliveries(c, made)] == [(0, True)])
            if not r.got.empty():
                raise Mismatch(f"it was told: {r.got.get()}")


def sender(c):
    """Which gateway says that it sends."""
    def find():
        for i, g in enumerate(c.gateways):
            with open(c.path("log", f"{g.id}.log"), encoding="utf-8") as f:
                if "webhooks are sent by this gateway" in f.read():
                    return (i,)
        return None
    return wait_for("one says so", find)[0]


def test_certificate():
    """A server that cannot prove who it is is told nothing."""
    c = shared()
    cert = (c.path("sip.crt"), c.path("sip.key"))
    with receiver(cert) as r, webhook(c, r.url, events=["BANNED"]) as made:
        ban(c)
        wait_for("it is refused", lambda: any(
            "certificate" in d["lastError"] for d in deliveries(c, made)))
        if not r.got.empty():
            raise Mismatch("it was told")


def test_not_there():
    """What only this machine or this link can reach is no place to send to."""
    c = shared()
    for url, cause in (
            ("http://169.254.169.254/latest/meta-data", "link-local"),
            ("http://[fe80::1]/", "link-local"),
            ("http://[fd00:ec2::254]/", "link-local"),
            ("http://[::ffff:169.254.1.1]/", "link-local"),
            ("http://0.0.0.0/", "no address"),
            ("ftp://192.0.2.1/", "neither"),
            ("file:///etc/passwd", "neither"),
            ("https://me:secret@example.com/", "user"),
            ("nonsense", "URL"), ("", "URL")):
        status, _, got = ask(c, "POST", "/api/webhooks", {"url": url})
        must((status, got["errors"][0]["field"]), (400, "url"), url)
        if cause not in got["errors"][0]["cause"]:
            raise Mismatch(f"{url}: {got}")


def test_all_that_is_wrong():
    """Each fault of a body is named, with its field."""
    c = shared()
    body = {"name": "a\nb", "url": "nonsense",
            "events": ["BANNED", "EVENT_UNKNOWN"]}
    fields = ["name", "url", "events[1]"]
    status, _, got = ask(c, "POST", "/api/webhooks", body)
    must((status, sorted(e["field"] for e in got["errors"])),
         (400, sorted(fields)), "made")
    with receiver() as r, webhook(c, r.url) as made:
        status, _, got = ask(c, "PATCH", f"/api/webhooks/{made['id']}", body)
        must((status, sorted(e["field"] for e in got["errors"])),
             (400, sorted(fields)), "changed")


def test_events_by_default_again():
    """An empty list, or reset, brings those of calls back; what is absent
    stays."""
    c = shared()
    with receiver() as r, webhook(c, r.url, events=["BANNED"]) as made:
        path = f"/api/webhooks/{made['id']}"
        must(ask(c, "PATCH", path, {"name": "n"})[2]["events"], ["BANNED"],
             "absent")
        must(ask(c, "PATCH", path, {"events": None})[2]["events"],
             ["BANNED"], "null")
        must(ask(c, "PATCH", path, {"events": []})[2]["events"], [], "empty")
        must(ask(c, "GET", path)[2]["events"], [], "as it is kept")
        must(ask(c, "PATCH", path, {"events": ["BANNED"]})[2]["events"],
             ["BANNED"], "again")
        status, _, got = ask(c, "PATCH", path, {"reset": ["url", "events"],
                                                "events": ["BANNED"]})
        must((status, [e["field"] for e in got["errors"]]),
             (400, ["reset[0]", "reset[1]"]), "what cannot be")
        must(ask(c, "PATCH", path, {"reset": ["events"]})[2]["events"], [],
             "reset")


def test_loopback_refused():
    """Without the option the own machine is none either, by any name."""
    with cluster(nodes=1, gateway_args=["--webhook-loopback", "off"]) as c:
        for url in ("http://127.0.0.1:1/", "http://localhost:1/",
                    "http://[::1]:1/", "http://2130706433:1/"):
            status, _, got = ask(c, "POST", "/api/webhooks", {"url": url})
            must((status, got["errors"][0]["field"]), (400, "url"), url)
        # A name that leads there is found out when it is asked for.
        with webhook(c, "http://hook.localhost:1/", events=["BANNED"]) as made:
            ban(c)
            wait_for("it is refused", lambda: any(
                "own machine" in d["lastError"]
                for d in deliveries(c, made)), 4)
