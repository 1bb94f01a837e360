# SPDX-License-Identifier: MIT
"""Nobody reaches what he may not: every route of the running gateway's
description, every method, everybody.

What is right stands in MAY, written by hand, not read from the gateway: a new
route fails here until somebody has said who may use it."""

import hashlib
import http.client
import json
import re
import time
from contextlib import ExitStack

from grpcpeer import Client
from harness import Mismatch, cluster, request, wait_for
from lib.cluster import DEMO
from wsfeed import Feed

_stack = ExitStack()
_cluster = None

ANYBODY, KNOWN = "", "any"   # no credentials at all; whoever is known

CRUD = {"GET": "config:read", "POST": "config:write", "PUT": "config:write",
        "PATCH": "config:write", "DELETE": "config:write"}


def reads(scope):
    return {"GET": scope}


MAY = {
    "/healthz": reads(ANYBODY),
    "/readyz": reads(ANYBODY),
    "/metrics": reads(ANYBODY),
    "/ws": reads(ANYBODY),       # its topics: test_topics
    "/api/openapi.json": reads(ANYBODY),
    "/api/switchyard.proto": reads(ANYBODY),
    "/api/services.proto": reads(ANYBODY),
    "/api/status": reads("nodes:read"),
    "/api/nodes": reads("nodes:read"),
    "/api/nodes/{id}/drain": {"POST": "nodes:write", "DELETE": "nodes:write"},
    "/api/registrations": reads("registrations:read"),
    "/api/subscriptions": reads("registrations:read"),
    "/api/devices": {"GET": "devices:read", "POST": "config:write"},
    "/api/devices/{id}": {"GET": "devices:read", "PATCH": "devices:write",
                          "PUT": "config:write", "DELETE": "config:write"},
    "/api/providers": {"GET": "config:read", "POST": "config:write"},
    "/api/providers/test": {"POST": "config:write"},
    "/api/providers/{id}": CRUD,
    "/api/routes": CRUD,
    "/api/routes/probe": reads("config:read"),
    "/api/routes/{id}": CRUD,
    "/api/groups": CRUD,
    "/api/groups/{id}": CRUD,
    "/api/config": CRUD,
    "/api/config/check": {"POST": "config:write"},
    "/api/config/settings": CRUD,
    "/api/config/devices": CRUD,
    "/api/config/devices/{id}": CRUD,
    "/api/config/providers": CRUD,
    "/api/config/providers/{id}": CRUD,
    "/api/config/routes": CRUD,
    "/api/config/routes/{id}": CRUD,
    "/api/config/groups": CRUD,
    "/api/config/groups/{id}": CRUD,
    "/api/bans": {"GET": "guard:read", "POST": "guard:write"},
    "/api/bans/{id}": {"DELETE": "guard:write"},
    "/api/events": reads("events:read"),
    "/api/cdr": reads("calls:read"),
    "/api/cdr/{call}": reads("calls:read"),
    "/api/audit": reads("audit:read"),
    "/api/parked": reads("calls:read"),
    "/api/calls": {"GET": "calls:read", "POST": "calls:write"},
    "/api/calls/{id}": {"GET": "calls:read", "DELETE": "calls:write"},
    "/api/calls/{id}/stats": reads("calls:read"),
    "/api/calls/{id}/trace": reads("calls:read"),
    "/api/calls/{id}/dtmf": {"POST": "calls:write"},
    "/api/calls/{id}/move": {"POST": "calls:write"},
    "/api/calls/{id}/transfer": {"POST": "calls:write"},
    "/api/calls/{id}/legs": {"GET": "calls:read", "POST": "calls:write"},
    "/api/calls/{id}/legs/{leg}": {"PATCH": "calls:write",
                                   "DELETE": "calls:write"},
    "/api/transfer": {"POST": "calls:write"},
    "/api/session": {"POST": ANYBODY, "GET": KNOWN, "DELETE": KNOWN},
    "/api/session/password": {"POST": KNOWN},
    "/api/sessions": reads(KNOWN),
    "/api/sessions/{id}": {"DELETE": KNOWN},
    "/api/users": {"GET": "users:read", "POST": "users:write"},
    "/api/users/{id}": {"GET": "users:read", "PATCH": "users:write",
                        "DELETE": "users:write"},
    "/api/tokens": {"GET": "tokens:read", "POST": "tokens:write"},
    "/api/tokens/{id}": {"GET": "tokens:read", "PATCH": "tokens:write",
                         "DELETE": "tokens:write"},
    "/api/webhooks": {"GET": "webhooks:read", "POST": "webhooks:write"},
    "/api/webhooks/{id}": {"GET": "webhooks:read", "PATCH": "webhooks:write",
                           "DELETE": "webhooks:write"},
    "/api/webhooks/{id}/test": {"POST": "webhooks:write"},
    "/api/webhooks/{id}/deliveries": reads("webhooks:read"),
    "/api/webhooks/{id}/deliveries/{delivery}": {"POST": "webhooks:write"},
    "/api/webhooks/{id}/deliveries/{delivery}/redeliver": {
        "POST": "webhooks:write"},
}

SCOPES = ("audit:read", "calls:read", "calls:write", "config:read",
          "config:write", "devices:read", "devices:write", "events:read",
          "guard:read", "guard:write", "nodes:read", "nodes:write", "phone",
          "registrations:read", "tokens:read", "tokens:write", "users:read",
          "users:write", "webhooks:read", "webhooks:write")

OPERATOR = {s for s in SCOPES if s.endswith(":read")} - {
    "users:read", "tokens:read", "audit:read"} | {
    "calls:write", "nodes:write", "devices:write", "guard:write", "phone"}
ROLES = {"ADMIN": set(SCOPES), "OPERATOR": OPERATOR, "AGENT": {"phone"}}

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
NOBODY = "01ARZ3NDEKTSV4RRFFQ69G5FAV"   # there is none with this id

TOPICS = {"cluster": "nodes:read", "calls": "calls:read",
          f"call:{NOBODY}": "calls:read", "events": "events:read",
          "registrations": "registrations:read", "providers": "config:read"}


def shared():
    global _cluster
    if _cluster is None:
        with open(DEMO, encoding="utf-8") as f:
            conf = json.load(f)
        conf["tokens"] = [
            {"id": name.replace(":", "-").replace("*", "all"), "name": name,
             "scopes": [name],
             "hash": hashlib.sha256(f"token-{name}".encode()).hexdigest()}
            for name in (*SCOPES, "*")]
        conf["tokens"].append({
            "id": "over", "scopes": ["*"],
            "expiresAt": "2026-01-01T00:00:00Z",
            "hash": hashlib.sha256(b"token-over").hexdigest()})
        _cluster = _stack.enter_context(cluster(
            nodes=1, config=conf, gateway_args=["--rate-limit", "0"]))
    return _cluster


def finish():
    global _cluster
    _cluster = None
    _stack.close()


class Sender:
    """Somebody, on a connection of his own."""

    def __init__(self, c, name, scopes, head, source="127.0.0.1"):
        self.name, self.scopes, self.head = name, scopes, head
        host, _, port = c.gateways[0].http.rpartition(":")
        self.link = http.client.HTTPConnection(
            host, int(port), timeout=10, source_address=(source, 0))

    def ask(self, method, path, **more):
        head = {"Accept": "application/json", **self.head, **more}
        if method in ("POST", "PUT", "PATCH"):
            head.setdefault("Content-Type", "application/json")
        self.link.request(method, path, body=b"", headers=head)
        res = self.link.getresponse()
        raw = res.read()
        kind = res.headers.get_content_type()
        return res.status, json.loads(raw) if raw and "json" in kind else None

    def due(self, scope):
        """The status of a refusal; None: it is let in."""
        if scope == ANYBODY or (scope == KNOWN and self.scopes is not None):
            return None
        if self.scopes is None:
            return 401
        return None if scope in self.scopes else 403


def by_token(c):
    yield Sender(c, "nobody", None, {})
    yield Sender(c, "a wrong token", None, {"Authorization": "Bearer wrong"})
    yield Sender(c, "another way", None, {"Authorization": "Basic d3Jvbmc6"})
    yield Sender(c, "a token * that is over", None,
                 {"Authorization": "Bearer token-over"}, "127.0.0.78")
    yield Sender(c, "the administrator", set(SCOPES),
                 {"Authorization": f"Bearer {c.token}"})
    yield Sender(c, "a token *", set(SCOPES),
                 {"Authorization": "Bearer token-*"})
    for scope in SCOPES:
        yield Sender(c, f"a token {scope}", {scope},
                     {"Authorization": f"Bearer token-{scope}"})


def operations(c):
    """(path, method, scope); all that the gateway says it has is in MAY."""
    doc = c.api("GET", "/api/openapi.json")
    for path, entry in doc["paths"].items():
        if path not in MAY:
            raise Mismatch(f"{path}: MAY does not say who may use it")
        for method, op in entry.items():
            method = method.upper()
            if method not in MAY[path]:
                raise Mismatch(f"{method} {path}: MAY does not say who may")
            if op.get("x-scope", "") != MAY[path][method]:
                raise Mismatch(f"{method} {path}: its scope is "
                               f"{op.get('x-scope')}, not "
                               f"{MAY[path][method]}")
        for method in METHODS:
            scope = entry.get("get" if method == "HEAD" else method.lower())
            key = "GET" if method == "HEAD" else method
            if scope is not None:
                yield path, method, MAY[path][key]
            else:
                # It may be a name there: /api/providers/test.
                named = path.rpartition("/")[0] + "/{id}"
                yield path, method, (
                    MAY.get(named, {}).get(key)
                    if key.lower() in doc["paths"].get(named, {})
                    and "{" not in path else None)


def check(sender, path, method, scope):
    at = path
    for name in ("{id}", "{leg}", "{call}", "{delivery}"):
        at = at.replace(name, NOBODY)
    status, body = sender.ask(method, at)
    what = f"{sender.name}: {method} {path}: {status} {body}"
    if scope is None:
        if status != 405:
            raise Mismatch(f"{what}, expected 405")
        return
    due = sender.due(scope)
    if due and status != due:
        raise Mismatch(f"{what}, expected {due}")
    if not due and status in (401, 403, 429):
        raise Mismatch(f"{what}, expected to be let in")


def test_tokens():
    c = shared()
    ops = list(operations(c))
    for sender in by_token(c):
        for path, method, scope in ops:
            check(sender, path, method, scope)


def make_users(c, lead="test"):
    """A user of each role who has logged in: {role: session}."""
    out = {}
    for role in ROLES:
        name = f"{lead}-{role.lower()}"
        request("POST", f"http://{c.gateways[0].http}/api/users", c.token,
                {"id": name, "role": role, "displayName": role,
                 "password": f"a long pass phrase of {role[::-1]}",
                 **({"device": "1001"} if role == "AGENT" else {})})
        status, head, session = request(
            "POST", f"http://{c.gateways[0].http}/api/session", None,
            {"user": name, "password": f"a long pass phrase of {role[::-1]}"})
        if status != 201:
            raise Mismatch(f"{name} cannot log in: {status} {session}")
        out[role] = (head["Set-Cookie"].partition(";")[0],
                     session["csrfToken"])
    return out


def test_sessions():
    """Roles, and what a page of another site may make a browser send."""
    c = shared()
    ops = [o for o in operations(c) if o[:2] != ("/api/session", "DELETE")]
    if "/api/users" not in {o[0] for o in ops}:
        return
    for role, (cookie, csrf) in make_users(c).items():
        user = Sender(c, role, ROLES[role],
                      {"Cookie": cookie, "X-CSRF-Token": csrf})
        forged = Sender(c, f"{role} without its CSRF token", ROLES[role],
                        {"Cookie": cookie},
                        f"127.0.0.{80 + len(role)}")
        for path, method, scope in ops:
            check(user, path, method, scope)
            if method in ("GET", "HEAD") or not scope:
                continue
            status, body = forged.ask(method, path.replace("{id}", NOBODY))
            if status not in (403, 404, 405):
                raise Mismatch(f"{forged.name}: {method} {path}: {status}")
            if status == 403 and not body["type"].endswith((":csrf",
                                                            ":forbidden")):
                raise Mismatch(f"{forged.name}: {method} {path}: {body}")
        status, _ = forged.ask("DELETE", "/api/session")
        if status != 403:
            raise Mismatch(f"{forged.name} logs out: {status}")
        status, _ = user.ask("DELETE", "/api/session")
        if status != 204:
            raise Mismatch(f"{role} cannot log out: {status}")
        status, _ = user.ask("GET", "/api/session")
        if status != 401:
            raise Mismatch(f"{role} after its end: {status}")
    check_forged_in_audit(c)


def check_forged_in_audit(c):
    """Whose cookie another's page has used: that it was tried is known."""
    def tried():
        got = c.api("GET", "/api/audit?who=user:test-admin&status=403"
                           "&path=/api/session&method=DELETE")
        return [e for e in got["items"] if e["path"] == "/api/session"]
    wait_for("a forged request is in the audit", tried)


def methods(c):
    """(method, scope) of all gRPC methods: what MAY says of the route that
    the line above each names."""
    text = request("GET", f"http://{c.gateways[0].http}/api/services.proto")[
        2].decode()
    service = None
    for line in re.finditer(
            r"^service (\w+)|// (GET|POST|PUT|PATCH|DELETE) (/\S+)\n"
            r"\s*rpc (\w+)\(", text, re.M):
        if line[1]:
            service = line[1]
        else:
            yield f"switchyard.v1.{service}/{line[4]}", MAY[line[3]][line[2]]


def called(client, method, head, wait_ms):
    if method != "switchyard.v1.Events/Stream":
        return client.call(method, {}, head, deadlineMs=wait_ms)
    return client.ended(client.open(method, {}, head, deadlineMs=wait_ms))


def test_grpc():
    """Each gRPC method, by everybody who has a token, or none."""
    c = shared()
    ops = list(methods(c))
    if len(ops) < 60:
        raise Mismatch(f"methods: {ops}")
    with Client(c.gateways[0].http) as client:
        for sender in by_token(c):
            # No revision is 0: what would replace all of it replaces nothing.
            head = {"if-match": '"0"', **{
                k.lower(): v for k, v in sender.head.items()}}
            for method, scope in ops:
                due = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED"}.get(
                    sender.due(scope))
                # Who is let in may be left waiting, for nothing.
                wait_ms = 10000 if due else 300
                got = called(client, method, head, wait_ms)
                while got["code"] == "RESOURCE_EXHAUSTED":
                    # So many wrong ones of one address, in so short a time.
                    time.sleep(0.2)
                    got = called(client, method, head, wait_ms)
                if due and got["code"] != due:
                    raise Mismatch(f"{sender.name}: {method}: {got}, "
                                   f"expected {due}")
                if not due and got["code"] in ("UNAUTHENTICATED",
                                               "PERMISSION_DENIED"):
                    raise Mismatch(f"{sender.name}: {method}: {got}, "
                                   "expected to be let in")


def test_event_streams():
    """Server-sent events, by everybody: a stream, or a refusal."""
    c = shared()
    for sender in by_token(c):
        sender.link.request("GET", "/api/events", headers={
            **sender.head, "Accept": "text/event-stream"})
        res = sender.link.getresponse()
        due = sender.due("events:read") or 200
        kind = res.headers.get_content_type()
        sender.link.close()
        if res.status != due or (due == 200) != (kind == "text/event-stream"):
            raise Mismatch(f"{sender.name}: {res.status} {kind}")


def test_topics_of_others():
    """/ws is for those who are known: by a header, by hello."""
    c = shared()
    at = c.gateways[0].http
    for token in ("wrong", "token-over"):
        with Feed(at, token) as feed:
            if feed.status != 401:
                raise Mismatch(f"{token}: {feed.answer}")
        with Feed(at) as feed:
            feed.send(hello={"token": token})
            code = feed.closes()
            if code != 4401:
                raise Mismatch(f"hello of {token}: {code}")


def test_topics_of_roles():
    """The topics of /ws, by the login of each role."""
    c = shared()
    at = c.gateways[0].http
    for role, (cookie, _) in make_users(c, "feed").items():
        with Feed(at, None, {"Cookie": cookie}) as feed:
            feed.receive()
            for topic, needed in TOPICS.items():
                number = feed.send(subscribe={"topics": [topic]})
                got = feed.wait(lambda m, n=number: m.get("id") == n)
                let_in = got.get("error", {}).get("type") != "forbidden"
                if let_in != (needed in ROLES[role]):
                    raise Mismatch(f"{role}: {topic}: {got}")


def test_topics():
    """The topics of /ws, by each scope alone."""
    c = shared()
    at = c.gateways[0].http
    for scope in (*SCOPES, "*"):
        with Feed(at, f"token-{scope}") as feed:
            feed.receive()
            for topic, needed in TOPICS.items():
                number = feed.send(subscribe={"topics": [topic]})
                got = feed.wait(lambda m, n=number: m.get("id") == n)
                let_in = got.get("error", {}).get("type") != "forbidden"
                if let_in != (scope in (needed, "*")):
                    raise Mismatch(f"{scope}: {topic}: {got}")
