# SPDX-License-Identifier: MIT
"""What developers expect of a REST API beside its resources: names of
requests, keys to send again, limits, the audit, history, filters, errors."""

import gzip
import hashlib
import http.client
import json
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timezone

from harness import Mismatch, cluster, must, phones, request, wait_for
from lib.cluster import DEMO
from talk import call, end, phone

_stack = ExitStack()
_cluster = None
ORIGIN = "https://app.example.com"

TOKENS = {
    "ci": ["calls:read", "calls:write", "nodes:read", "guard:read",
           "guard:write"],
    "reader": ["calls:read"],
    "slow": ["nodes:read"],
    "guest": ["nodes:read"],
}


def shared():
    global _cluster
    if _cluster is None:
        with open(DEMO, encoding="utf-8") as f:
            conf = json.load(f)
        conf["tokens"] = [
            {"id": name, "name": name, "scopes": scopes,
             "hash": hashlib.sha256(f"token-{name}".encode()).hexdigest()}
            for name, scopes in TOKENS.items()]
        conf["tokens"][2]["rateLimit"] = 5
        _cluster = _stack.enter_context(
            cluster(nodes=2, gateways=2, config=conf,
                    gateway_args=["--cors-origin", ORIGIN]))
    return _cluster


def finish():
    global _cluster
    _cluster = None
    _stack.close()


def ask(c, method, path, body=None, token="ci", gateway=0, **headers):
    """(status, headers, body); header names with _ for -."""
    head = {k.replace("_", "-"): v for k, v in headers.items()}
    token = c.token if token == "admin" else token and f"token-{token}"
    return request(method, f"http://{c.gateways[gateway].http}{path}", token,
                   body, head)


def kind(problem):
    return problem["type"].removeprefix("urn:switchyard:problem:")


def cause(problem):
    return [e["field"] for e in problem["errors"]]


# ------------------------------------------------------------ descriptions

def test_description():
    c = shared()
    status, head, doc = ask(c, "GET", "/api/openapi.json", token=None)
    must((status, doc["openapi"]), (200, "3.1.0"), "the description")
    must(ask(c, "GET", "/api/openapi.json", token=None, gateway=1,
             If_None_Match=head["ETag"])[0], 304, "unchanged, elsewhere")


def raw(c, path, **head):
    """As it is on the wire: (status, headers, bytes)."""
    host, _, port = c.gateways[0].http.rpartition(":")
    link = http.client.HTTPConnection(host, int(port), timeout=10)
    link.request("GET", path, headers={
        k.replace("_", "-"): v for k, v in head.items()})
    res = link.getresponse()
    got = res.status, res.headers, res.read()
    link.close()
    return got


def test_description_compressed():
    """gzip for who takes it, and nothing else for who does not; one tag and
    Vary in each answer, so that a cache keeps them apart."""
    c = shared()
    status, plain, text = raw(c, "/api/openapi.json")
    must((status, plain["Content-Encoding"]), (200, None), "as it is")
    for accept, coding in (
            ("gzip", "gzip"), ("gzip, deflate, br", "gzip"),
            ("br;q=1, gzip;q=0.5", "gzip"), ("GZIP", "gzip"), ("*", "gzip"),
            ("br", None), ("identity", None), ("gzip;q=0", None),
            ("gzip;q=0, *", None), ("x-gzip-like", None), ("", None)):
        status, head, body = raw(c, "/api/openapi.json",
                                 Accept_Encoding=accept)
        must((status, head["Content-Encoding"]), (200, coding), accept)
        must(gzip.decompress(body) if coding else body, text,
             f"text with {accept!r}")
        must(int(head["Content-Length"]), len(body), "length")
        must(head["ETag"], plain["ETag"], "tag")
        must("accept-encoding" in head.get_all("Vary"), True, "Vary")
        status, head, body = raw(c, "/api/openapi.json", If_None_Match=head[
            "ETag"], Accept_Encoding=accept)
        must((status, body, head["ETag"], head["Content-Encoding"]),
             (304, b"", plain["ETag"], None), "known already")
        must("accept-encoding" in head.get_all("Vary"), True,
             "Vary of the 304")
    # It is of the same text, not of the same bytes: a strong tag would lie.
    must(plain["ETag"][:3], 'W/"', "a weak tag")
    must(len(raw(c, "/api/openapi.json", Accept_Encoding="gzip")[2]) * 4 <
         len(text), True, "it is worth it")


def test_request_ids():
    c = shared()
    own = "abc.DEF-1_2"
    must(ask(c, "GET", "/api/status", X_Request_Id=own)[1]["X-Request-Id"],
         own, "its own id")
    for bad in ("a b", "x" * 65, "a/b"):
        _, head, problem = ask(c, "GET", "/api/calls?limit=0",
                               X_Request_Id=bad)
        must(len(head["X-Request-Id"]), 26, "an id of ours")
        must(problem["requestId"], head["X-Request-Id"], "in the problem")


# ------------------------------------------------------------------- errors

def test_errors():
    """Each a problem document that says what is wrong."""
    c = shared()
    ulid = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    cases = [
        ("GET", "/api/nowhere", None, {}, 404, "not-found"),
        ("GET", "/api/", None, {}, 404, "not-found"),
        ("PUT", "/api/calls", {}, {}, 405, "method-not-allowed"),
        ("GET", "/api/calls/xyz", None, {}, 404, "not-found"),
        ("GET", f"/api/cdr/{ulid}", None, {}, 404, "not-found"),
        ("GET", "/api/calls", None, {"Accept": "text/html"}, 406,
         "not-acceptable"),
        ("POST", "/api/calls", b"a=b",
         {"Content-Type": "application/x-www-form-urlencoded"}, 415,
         "media-type"),
        ("POST", "/api/calls", b"{" * 3000, {}, 400, "json"),
        ("POST", "/api/calls", b'{"from":"1","from":"2"}', {}, 400, "json"),
        ("POST", "/api/calls", b'{"from":"\xff"}', {}, 400, "json"),
        ("POST", "/api/calls", b'{"ringSeconds":1e999}', {}, 400, "json"),
        ("POST", "/api/calls",
         b'{"ringSeconds":99999999999999999999999}', {}, 400, "json"),
        ("POST", "/api/calls", b'{"ringSeconds":4294967296}', {}, 400,
         "validation"),
        ("POST", "/api/calls", b'{"ringSeconds":-1}', {}, 400, "validation"),
        ("POST", "/api/calls", b'{"from":1001}', {}, 400, "validation"),
        ("POST", "/api/calls", b'[]', {}, 400, "validation"),
        ("POST", "/api/calls", b'', {}, 400, "json"),
        ("POST", "/api/calls", b'{"from":"1001"} x', {}, 400, "json"),
        ("GET", "/api/calls?limt=5", None, {}, 400, "validation"),
        ("GET", "/api/calls?limit=5x", None, {}, 400, "validation"),
        ("GET", "/api/calls?state=LIVE", None, {}, 400, "validation"),
        ("GET", "/api/status?x=1", None, {}, 400, "validation"),
        ("GET", "/api/cdr?after=yesterday", None, {}, 400, "validation"),
        ("GET", "/api/cdr?result=good", None, {}, 400, "validation"),
    ]
    for method, path, body, head, status, wanted in cases:
        if isinstance(body, bytes):
            head.setdefault("Content-Type", "application/json")
        got, answer, problem = ask(c, method, path, body, "admin", **head)
        what = f"{method} {path} {body and body[:40]}: {problem}"
        must((got, answer.get_content_type()),
             (status, "application/problem+json"), what)
        must((kind(problem), problem["status"]), (wanted, status), what)
    must(ask(c, "PUT", "/api/calls", {})[1]["Allow"], "GET, HEAD, POST",
         "what is allowed")
    _, _, problem = ask(c, "GET", "/api/calls?limt=5")
    must((cause(problem), problem["errors"][0]["allowed"][:6]),
         (["limt"], "state,"), "the parameter is named")
    got, _, problem = ask(c, "POST", "/api/calls", b"x" * (1 << 21),
                          Content_Type="application/json")
    must((got, kind(problem)), (413, "body-too-large"), "a large body")


def says(got, status, slug, *words):
    """A problem of that kind, whose text has these words."""
    must((got[0], kind(got[2])), (status, slug), got[2])
    for word in words:
        if word not in got[2]["detail"]:
            raise Mismatch(f"{got[2]['detail']!r} without {word!r}")
    if status == 503 and not int(got[1]["Retry-After"]):
        raise Mismatch("503 without Retry-After")


def test_methods_that_are_not():
    """405 with what there is; a word that is no method at all is 501."""
    c = shared()
    for method, path, allowed in (
            ("DELETE", "/api/status", "GET, HEAD"),
            ("PUT", "/api/calls", "GET, HEAD, POST"),
            ("PATCH", "/api/nodes", "GET, HEAD"),
            ("POST", "/api/devices/1001", "GET, HEAD, PATCH, PUT, DELETE"),
            ("POST", "/api/config/settings", "GET, HEAD, PUT, PATCH"),
            ("GET", "/api/transfer", "POST")):
        got = ask(c, method, path, {} if method != "GET" else None, "admin")
        says(got, 405, "method-not-allowed", method, allowed)
        must(got[1]["Allow"], allowed, f"{method} {path}")
    host, _, port = c.gateways[0].http.rpartition(":")
    with socket.create_connection((host, int(port)), 10) as s:
        s.sendall(b"BREW /api/calls HTTP/1.1\r\nhost: x\r\n\r\n")
        answer = s.makefile("rb").read().decode()
    if not answer.startswith("HTTP/1.1 501 ") or "no method" not in answer:
        raise Mismatch(f"BREW: {answer}")


def test_what_is_missing():
    """Without a key, a router, a node, Redis: what is missing is named, and
    what to do."""
    with cluster(nodes=1, routers=1, gateways=1) as c:
        gateway = c.gateways[0]
        gateway.process.stop()
        at = gateway.argv.index("--cluster-key-file")
        del gateway.argv[at:at + 2]
        gateway.start()
        c.wait_ready()

        key = ("cluster's key", "--cluster-key-file")
        says(ask(c, "POST", "/api/config/providers", {
            "id": "acme", "target": "127.0.0.1:9", "username": "u",
            "password": "x"}, "admin"), 501, "no-key",
            "the password of \"acme\"", *key)
        says(ask(c, "PATCH", "/api/config/settings", {"iceServers": [
            {"urls": ["stun:127.0.0.1:9"]},
            {"urls": ["turn:127.0.0.1:9"], "secret": "x"}]}, "admin"), 501,
            "no-key", "iceServers[1].secret", *key)
        got = ask(c, "POST", "/api/config/providers", {
            "id": "acme", "target": "127.0.0.1:9"}, "admin")
        must(got[0], 201, "without a password")

        must(ask(c, "POST", "/api/nodes/node-1/drain", None, "admin")[0], 202,
             "drain")
        wait_for("no node takes calls", lambda: [
            n["state"] for n in c.api("GET", "/api/nodes")["items"]
        ] == ["DRAINING"])
        says(ask(c, "POST", "/api/calls", {"from": "1001", "to": "600"},
                 "admin"), 503, "unavailable", "no node", "draining")

        c.routers[0].process.stop()
        wait_for("no router is there", lambda: not [
            r for r in c.api("GET", "/api/status").get("routers", [])])
        says(ask(c, "POST", "/api/providers/test", {"id": "acme"}, "admin"),
             503, "unavailable", "no router")

        c.redis.kill()
        wait_for("Redis is missed", lambda: not c.api(
            "GET", "/api/status")["redis"])
        for method, path, body in (
                ("PATCH", "/api/config/devices/1001", {"displayName": "x"}),
                ("GET", "/api/cdr", None), ("GET", "/api/calls", None),
                ("POST", "/api/bans", {"source": "192.0.2.1", "seconds": 9}),
                ("PATCH", "/api/devices/1001", {"doNotDisturb": True})):
            says(ask(c, method, path, body, "admin"), 503, "unavailable",
                 "Redis")
        c.start_redis()


def test_head():
    """Wherever there is a GET."""
    c = shared()
    doc = ask(c, "GET", "/api/openapi.json", token=None)[2]
    for path in doc["paths"]:
        if "get" not in doc["paths"][path] or "{" in path or path == "/ws":
            continue
        query = "?number=600" if path == "/api/routes/probe" else ""
        got, head, body = ask(c, "HEAD", path + query, token="admin",
                              Accept="*/*")
        must((got, body), (200, b""), f"HEAD {path}")


def test_pages_of_other_sites():
    c = shared()
    got, head, _ = ask(c, "OPTIONS", "/api/calls/x/legs", token=None,
                       Origin=ORIGIN, Access_Control_Request_Method="POST")
    must(got, 204, "preflight")
    must(head["Access-Control-Allow-Origin"], ORIGIN, "who may")
    for name in ("authorization", "idempotency-key"):
        if name not in head["Access-Control-Allow-Headers"]:
            raise Mismatch(f"no {name}: {head}")
    if "POST" not in head["Access-Control-Allow-Methods"]:
        raise Mismatch(f"no POST: {head}")
    got, head, _ = ask(c, "GET", "/api/status", Origin=ORIGIN)
    must((got, head["Access-Control-Allow-Origin"]), (200, ORIGIN), "a GET")
    must(head["Access-Control-Allow-Credentials"], None, "with cookies")
    for origin in ("https://evil.example", ORIGIN + ".evil.example", "null"):
        head = ask(c, "GET", "/api/status", Origin=origin)[1]
        must(head["Access-Control-Allow-Origin"], None, origin)


# ------------------------------------------------------ to be sent again

def ban(c, source, key, gateway=0, token="ci", **more):
    return ask(c, "POST", "/api/bans",
               {"source": source, "seconds": 60, **more}, token, gateway,
               Idempotency_Key=key)


def test_done_once():
    """A POST with a key: done once, answered the same by both gateways."""
    c = shared()
    first = ban(c, "192.0.2.1", "k-1")
    must((first[0], first[1]["Idempotency-Replayed"]), (201, None), "first")
    again = ban(c, "192.0.2.1", "k-1", gateway=1)
    must((again[0], again[1]["Idempotency-Replayed"], again[2]),
         (201, "true", first[2]), "again, elsewhere")
    must(again[1]["Location"], first[1]["Location"], "Location")
    must(again[1]["Content-Type"], first[1]["Content-Type"], "type")
    got, _, problem = ban(c, "192.0.2.2", "k-1")
    must((got, kind(problem)), (422, "key-reused"), "for something else")
    # A key is its sender's own.
    must(ban(c, "192.0.2.3", "k-1", token="admin")[0], 201, "of another")
    must(ban(c, "192.0.2.1", "k-2")[2]["count"], 2, "by another key")
    for bad in ("", "x" * 256, "a b"):
        got, _, problem = ban(c, "192.0.2.1", bad)
        must((got, cause(problem)), (400, ["Idempotency-Key"]), repr(bad))
    # What was refused was not done: the key is free.
    must(ban(c, "nowhere", "k-3")[0], 400, "refused")
    must(ban(c, "192.0.2.4", "k-3")[0], 201, "right, with the same key")
    for last in "1234":
        ask(c, "DELETE", f"/api/bans/192.0.2.{last}")


def test_secrets_are_shown_once():
    """Also to who asks again with the same key; they are kept nowhere."""
    c = shared()

    def make():
        return ask(c, "POST", "/api/tokens",
                   {"name": "made once", "scopes": ["calls:read"]}, "admin",
                   Idempotency_Key="k-secret")
    got, head, made = make()
    must(got, 201, "a token")
    for key in wait_for("the request is known", lambda: c.redis_command(
            "KEYS", "sy:idem:{admin}:*")):
        if made["token"] in str(c.redis_command("HGETALL", key)):
            raise Mismatch("the token is kept")
    got, again, problem = make()
    must((got, kind(problem), again["Location"]),
         (409, "done-before", head["Location"]), "again")


def test_done_once_at_a_time():
    """Many at once, at both gateways: one is done."""
    c = shared()
    with ThreadPoolExecutor(12) as pool:
        got = list(pool.map(
            lambda n: ban(c, "192.0.2.9", "k-many", n % 2), range(24)))
    statuses = {g[0] for g in got}
    if not statuses <= {201, 409} or 201 not in statuses:
        raise Mismatch(f"many at once: {statuses}")
    must({g[2]["count"] for g in got if g[0] == 201}, {1}, "times done")
    must(ban(c, "192.0.2.9", "k-many")[1]["Idempotency-Replayed"], "true",
         "afterwards")
    ask(c, "DELETE", "/api/bans/192.0.2.9")


def test_done_nobody_knows():
    """A gateway that dies in the middle: that it is not known is said."""
    c = shared()
    for node in c.nodes:
        os.kill(node.pid, signal.SIGSTOP)
    gateway = c.gateways[1]
    try:
        with ThreadPoolExecutor(1) as pool:
            def originate():
                try:
                    return ask(c, "POST", "/api/calls",
                               {"from": "1001", "to": "600"}, gateway=1,
                               Idempotency_Key="k-dead")[0]
                except OSError:
                    return None
            running = pool.submit(originate)
            keys = wait_for("the request is known", lambda: [
                k for k in c.redis_command("KEYS", "sy:idem:{*}:*")
                if c.redis_command("HEXISTS", k, "s") == 0])
            got, _, problem = ask(c, "POST", "/api/calls",
                                  {"from": "1001", "to": "600"},
                                  Idempotency_Key="k-dead")
            must((got, kind(problem)), (409, "running"), "meanwhile")
            os.kill(gateway.pid, signal.SIGKILL)
            must(running.result(), None, "the first one")
    finally:
        for node in c.nodes:
            os.kill(node.pid, signal.SIGCONT)
    c.redis_command("HSET", keys[0], "until", "1")  # a minute later
    got, _, problem = ask(c, "POST", "/api/calls",
                          {"from": "1001", "to": "600"},
                          Idempotency_Key="k-dead")
    must((got, kind(problem)), (504, "unknown"), "afterwards")
    gateway.process.wait(5)
    gateway.start()
    wait_for("the gateway is back", lambda: ready(gateway))


def ready(gateway):
    try:
        return request("GET", f"http://{gateway.http}/readyz")[0] == 200
    except OSError:
        return False


# ------------------------------------------------------------------- limits

def test_rate_limit():
    c = shared()
    _, head, _ = ask(c, "GET", "/api/status", token="slow")
    must(head["RateLimit-Limit"], "10", "5 a second, 10 at once")
    got = [ask(c, "GET", "/api/status", token="slow") for _ in range(40)]
    refused = [g for g in got if g[0] == 429]
    must({g[0] for g in got}, {200, 429}, "40 at once")
    must(kind(refused[0][2]), "rate-limit", "the problem")
    must((refused[0][1]["RateLimit-Remaining"],
          refused[0][1]["Retry-After"]), ("0", "1"), "when to go on")
    # Others are not concerned, nor who has no limit.
    must(ask(c, "GET", "/api/status")[0], 200, "another token")
    must(ask(c, "GET", "/api/status", token="admin")[1]["RateLimit-Limit"],
         None, "the administrator's")
    wait_for("it may go on", lambda: ask(
        c, "GET", "/api/status", token="slow")[0] == 200)


def test_wrong_tokens_are_limited():
    """By address; who has a right one there is not concerned."""
    c = shared()
    host, port = c.gateways[0].http.rsplit(":", 1)

    def try_one(token):
        link = http.client.HTTPConnection(
            host, int(port), timeout=10, source_address=("127.0.0.77", 0))
        link.request("GET", "/api/status",
                     headers={"Authorization": f"Bearer {token}"})
        res = link.getresponse()
        res.read()
        link.close()
        return res.status
    seen = set()
    for _ in range(3000):   # faster than they are forgiven
        seen.add(try_one("wrong"))
        if 429 in seen:
            break
    must(seen, {401, 429}, "wrong tokens")
    must(try_one("token-ci"), 200, "a right one")
    must(ask(c, "GET", "/api/status", token="nobody")[0], 401, "elsewhere")


# -------------------------------------------------------------------- audit

def test_audit():
    c = shared()
    must(ask(c, "POST", "/api/bans", {"source": "192.0.2.50", "seconds": 60,
                                      "comment": "a secret word"},
             X_Request_Id="r-1")[0], 201, "a ban")
    must(ask(c, "POST", "/api/bans", {"source": "192.0.2.51"},
             token="reader", X_Request_Id="r-2")[0], 403, "forbidden")
    must(ask(c, "DELETE", "/api/bans/192.0.2.50", gateway=1,
             X_Request_Id="r-3")[0], 204, "lifted")
    must(ask(c, "GET", "/api/audit", token="ci")[0], 403, "who may read")
    must(ask(c, "POST", "/api/session", {"user": "mallory",
                                         "password": "a secret word"},
             token=None, X_Request_Id="r-4")[0], 401, "a login")

    def entries(query=""):
        return ask(c, "GET", f"/api/audit{query}", token="admin")[2]

    def written():
        got = {e["requestId"]: e for e in entries()["items"]}
        return got if {"r-1", "r-2", "r-3"} <= got.keys() else None
    by_id = wait_for("all are written", written)
    a, b, d = by_id["r-1"], by_id["r-2"], by_id["r-3"]
    must((a["who"], a["method"], a["path"], a["status"], a["gateway"]),
         ("token:ci", "POST", "/api/bans", 201, "gateway-1"), "who did what")
    must(sorted(a["changed"]), ["comment", "seconds", "source"], "fields")
    if "secret word" in json.dumps(by_id):
        raise Mismatch("a value is in the audit")
    must((b["who"], b["status"]), ("token:reader", 403), "refused")
    tried = wait_for("the login is written", lambda: entries(
        "?path=/api/session")["items"])[0]
    must((tried["requestId"], tried["who"], tried["status"],
          tried["changed"]), ("r-4", "user:mallory", 401,
                              ["user", "password"]), "a login that failed")
    must((d["method"], d["status"], d["gateway"]),
         ("DELETE", 204, "gateway-2"), "at the other gateway")
    must([e["requestId"] for e in entries("?who=token:reader")["items"]],
         ["r-2"], "by who")
    must({e["status"] for e in entries("?status=403")["items"]}, {403},
         "by status")
    must({e["method"] for e in entries("?method=DELETE")["items"]},
         {"DELETE"}, "by method")
    # Pages meet, newest first.
    ids, cursor = [], ""
    while True:
        page = entries(f"?limit=2&cursor={cursor}")
        ids += [e["id"] for e in page["items"]]
        cursor = page["nextCursor"]
        if not cursor:
            break
    everything = [e["id"] for e in entries("?limit=1000")["items"]]
    must(ids, everything, "page by page")
    must(ids, sorted(ids, reverse=True, key=lambda i: [
        int(n) for n in i.split("-")]), "newest first")


# ------------------------------------------------------------------ history

def now():
    return datetime.now(timezone.utc).isoformat(
        timespec="milliseconds").replace("+00:00", "Z")


def test_history_and_filters():
    c = shared()
    began = now()
    with phones() as box:
        phone(box, c, "1001")
        phone(box, c, "1002")
        call(box, "1001", "1002")

        def calls(query):
            return [i["id"] for i in
                    ask(c, "GET", f"/api/calls{query}")[2]["items"]]
        live = wait_for("the call is listed",
                        lambda: calls("?state=CALL_ANSWERED"))
        must(len(live), 1, "calls")
        where = c.api("GET", "/api/calls")["items"][0]["node"]
        for query, there in (
                ("?state=CALL_ANSWERED", True), ("?state=CALL_RINGING", False),
                ("?user=1002", True), ("?user=1003", False),
                ("?number=1002", True), ("?number=77", False),
                ("?kind=DEVICE", True), ("?kind=TRUNK", False),
                ("?kind=DEVICE&user=1001", True), ("?trunk=loop", False),
                (f"?node={where}", True), ("?node=node-9", False)):
            must(calls(query), live if there else [], query)
        for query, n in (("?device=1001", 1), ("?device=1003", 0),
                         ("?reachable=true", 0)):
            must(len(c.api("GET", f"/api/registrations{query}")["items"]), n,
                 query)
        must(len(c.api("GET", "/api/nodes?state=LIVE")["items"]), 2, "nodes")
        must(c.api("GET", "/api/nodes?state=DRAINING")["items"], [], "drain")
        end(box, "1001", "1002")
        box.do("call", phone="1001", to="1009")
        box.expect("closed", phone="1001")

    def records(query=""):
        got = ask(c, "GET", f"/api/cdr{query}")
        must(got[0], 200, query)
        return got[2]["items"]
    wait_for("both have a record",
             lambda: len(records(f"?after={began}")) >= 2)
    both = records(f"?after={began}")
    must(records("?limit=1")[0], both[0], "the newest")
    # They end at nearly the same time: either may be written first.
    newest, = [r for r in both if r["call"]["id"] != live[0]]
    must([r["call"]["id"] for r in
          records(f"?after={began}&result=answered")], live, "answered")
    must([r["call"]["id"] for r in records(
        f"?after={began}&result=unanswered")], [newest["call"]["id"]],
        "not answered")
    must([r["call"]["id"] for r in records(f"?after={began}&user=1002")],
         live, "of a user")
    must([r["call"]["id"] for r in records(f"?after={began}&number=1009")],
         [newest["call"]["id"]], "of a number")
    must(records("?trunk=nowhere"), [], "of a trunk")
    must(records(f"?before={began}&after={began}"), [], "before that")
    for ident in (live[0], newest["call"]["id"]):
        got, _, rec = ask(c, "GET", f"/api/cdr/{ident.lower()}")
        must((got, rec["call"]["id"]), (200, ident), "one record")

    def events(query):
        got, head, body = ask(c, "GET", f"/api/events{query}", token="admin",
                              Accept="application/json")
        must((got, head.get_content_type()), (200, "application/json"),
             query)
        return body
    mine = events(f"?call={live[0]}")["items"]
    must((mine[-1]["type"], mine[0]["type"]),
         ("CALL_STARTED", "CALL_FINISHED"), "newest first")
    must({e["callId"] for e in mine}, set(live), "of one call")
    must([e["type"] for e in events(
        f"?call={live[0]}&type=CALL_STARTED,CALL_FINISHED")["items"]],
        ["CALL_FINISHED", "CALL_STARTED"], "of two types")
    page = events(f"?call={live[0]}&limit=1")
    must(events(f"?call={live[0]}&limit=1&cursor={page['nextCursor']}")
         ["items"][0], mine[1], "page by page")
    must(events("?format=json&limit=1")["items"][0]["id"],
         c.redis_command("XREVRANGE", "sy:events", "+", "-", "COUNT", "1")
         [0][0], "its id")
