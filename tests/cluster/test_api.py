# SPDX-License-Identifier: MIT
"""The face of the cluster: what its HTTP shows and does, with real calls."""

import base64
import hashlib
import http.client
import json
import re
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from harness import (Mismatch, assert_clean, call_keys, cluster, must,
                     node_counts, phones, request, wait_for)
from lib.cluster import DEMO
from talk import call, end, hears, only_call, phone, talk, tone
from wire import curl, fields, stream

_stack = ExitStack()
_cluster = None

# Tokens by name and what they may.
SCOPES = {
    "nodes": ["nodes:read"],
    "calls": ["calls:read"],
    "dialler": ["calls:write"],
    "registrations": ["registrations:read"],
    "all": ["*"],
    "config": ["config:read"],
}

# What changes from one look to the next: how a leg sounds.
FIGURES = ("mos", "lossPercent", "jitterMs", "roundTripMs",
           "concealedPercent", "discardedPercent", "rFactor",
           "mosListening", "peerLossPercent", "peerJitterMs",
           "jitterBufferMs", "peerMos", "recoveredPercent")


def demo(**more):
    """The demo configuration with tokens, and what else is given."""
    with open(DEMO, encoding="utf-8") as f:
        conf = json.load(f)
    conf["tokens"] = [
        {"id": name, "name": name, "scopes": scopes,
         "hash": hashlib.sha256(f"token-{name}".encode()).hexdigest()}
        for name, scopes in SCOPES.items()]
    return {**conf, **more}


def shared():
    """One cluster for all tests of this file; a new one where a test that
    failed left something behind."""
    global _cluster
    if _cluster and (any(node_counts(_cluster).values())
                     or call_keys(_cluster)):
        finish()
    if _cluster is None:
        _cluster = _stack.enter_context(
            cluster(nodes=2, gateways=2, config=demo()))
    return _cluster


def finish():
    global _cluster
    _cluster = None
    _stack.close()


def url(c, path, gateway=0):
    return f"http://{c.gateways[gateway].http}{path}"


def members(thing, *names):
    left = [n for n in names if n not in thing]
    if left:
        raise Mismatch(f"without {left}: {thing}")


def by_user(shown, user):
    """The leg of a user."""
    for leg in shown["legs"]:
        if leg["user"] == user and leg["state"] != "LEG_ENDED":
            return leg
    raise Mismatch(f"no leg of {user}: {shown}")


def shown_call(c, ident, gateway=0):
    return c.api("GET", f"/api/calls/{ident}", gateway=gateway)


def originate(c, box, a, b):
    """A call by the API that both have answered: its id."""
    made = c.api("POST", "/api/calls", {"from": a, "to": b})
    for who in (a, b):
        box.expect("established", phone=who)
    return made["id"]


def hang_up(c, box, ident, *who):
    must(request("DELETE", url(c, f"/api/calls/{ident}"), c.token)[0], 204,
         "DELETE of a call")
    for name in who:
        must(box.expect("closed", phone=name)["by"], "remote",
             f"end of {name}")


def assert_gone(c, ident, method="GET"):
    wait_for(f"{method} of an ended call is 404", lambda: request(
        method, url(c, f"/api/calls/{ident}"), c.token)[0] == 404)


# ----------------------------------------------------------- what is shown

def test_status_and_lists():
    c = shared()
    with phones() as box:
        phone(box, c, "1001")
        phone(box, c, "1001", name="second")
        phone(box, c, "1002")
        # Counted before each heartbeat.
        wait_for("both devices are counted", lambda: c.api(
            "GET", "/api/status")["registrations"] == 2)
        status = c.api("GET", "/api/status")
        members(status, "version", "calls", "legs", "registrations",
                "configRevision")
        must(status["redis"], True, "redis")
        must([len(status[k]) for k in ("nodes", "routers", "gateways")],
             [2, 1, 2], "members")
        nodes = c.api("GET", "/api/nodes")
        must(sorted(nodes), ["items", "nextCursor"], "a list")
        for n in nodes["items"]:
            members(n, "id", "state", "legs", "hubs", "tickUsedPercent",
                    "lateTicks", "version", "startedAt", "address")
            must((n["state"], n["hubs"], n["legs"]), ("LIVE", 0, 0), n["id"])
        regs = {r["device"]: r["bindings"] for r in
                c.api("GET", "/api/registrations")["items"]}
        must({d: len(b) for d, b in regs.items()}, {"1001": 2, "1002": 1},
             "contacts")
        for b in regs["1002"]:
            must(b["contact"].startswith("sip:1002@127.0.0.1:"), True,
                 b["contact"])
            must((b["router"], b["received"][:4]), ("router-1", "udp:"),
                 "how it came")
        box.do("unregister", phone="second")
        box.expect("unregistered", phone="second")
        regs = c.api("GET", "/api/registrations")["items"]
        must([len(r["bindings"]) for r in regs], [1, 1], "contacts after")


def test_nodes_follow_a_call():
    c = shared()
    with phones() as box:
        phone(box, c, "1001")
        phone(box, c, "1002")
        call(box, "1001", "1002")
        where = only_call(c)["node"]

        def figures():
            return {n["id"]: (n["hubs"], n["legs"])
                    for g in (0, 1)
                    for n in c.api("GET", "/api/nodes", gateway=g)["items"]}
        wait_for("the node shows its call",
                 lambda: figures()[where] == (1, 2))
        must(sum(f[0] for f in figures().values()), 1, "hubs of all nodes")
        must(c.api("GET", "/api/status")["calls"], 1, "calls")
        end(box, "1001", "1002")
        wait_for("the node shows no call", lambda: set(figures().values())
                 == {(0, 0)})
        assert_clean(c)


def test_every_version():
    """HTTP/2 and HTTP/1.1 on the same ports, with and without TLS."""
    c = shared()
    tls = f"https://{c.gateways[0].https}/api/"
    plain = url(c, "/api/")
    for base, version, args in (
            (tls, "1.1", ("-k", "--http1.1")),
            (tls, "2", ("-k", "--http2")),
            (tls, "1.1", ("-k", "--no-alpn")),
            (plain, "1.1", ("--http1.1",)),
            (plain, "2", ("--http2-prior-knowledge",)),
            (plain, "1.1", ("--http2",))):
        what = f"{base} {args}"
        status, got, _, body = curl(base + "status", *args, token=c.token)
        must((status, got, body["redis"]), (200, version, True), what)
        status, got, head, body = curl(
            base + "calls", *args, token=c.token,
            body={"from": "1001", "to": "no-such"})
        must((status, got), (400, version), what)
        must(head["content-type"], "application/problem+json", what)
        must([e["field"] for e in body["errors"]], ["to"], what)
        status, got, _, _ = curl(base + "status", *args)
        must((status, got), (401, version), what)


def test_probes_and_metrics():
    c = shared()
    for g in (0, 1):
        for path in ("/healthz", "/readyz"):
            must(request("GET", url(c, path, g))[0], 200, path)
        status, head, raw = request("GET", url(c, "/metrics", g))
        must(status, 200, "metrics")
        must(head["Content-Type"].startswith("text/plain"), True, "type")
        if b"# TYPE sy_gateway_responses_total counter" not in raw:
            raise Mismatch(f"metrics: {raw[:400]}")


# ------------------------------------------------------- who may do what

ID = "01M7YWJ5T6392BC6GJJBA2GMGN"
ENDPOINTS = (
    ("GET", "/api/status", "nodes:read", 200),
    ("GET", "/api/nodes", "nodes:read", 200),
    ("POST", "/api/nodes/nowhere/drain", "nodes:write", 404),
    ("DELETE", "/api/nodes/nowhere/drain", "nodes:write", 404),
    ("GET", "/api/registrations", "registrations:read", 200),
    ("GET", "/api/parked", "calls:read", 200),
    ("GET", "/api/parked?cursor=x", "calls:read", 400),
    ("GET", "/api/subscriptions", "registrations:read", 200),
    ("GET", "/api/subscriptions?cursor=x", "registrations:read", 400),
    ("GET", "/api/devices/nobody", "devices:read", 404),
    ("PATCH", "/api/devices/nobody", "devices:write", 404),
    ("GET", "/api/events?type=X", "events:read", 400),
    ("GET", "/api/calls", "calls:read", 200),
    ("POST", "/api/calls", "calls:write", 400),
    ("GET", f"/api/calls/{ID}", "calls:read", 404),
    ("DELETE", f"/api/calls/{ID}", "calls:write", 404),
    ("GET", f"/api/calls/{ID}/legs", "calls:read", 404),
    ("POST", f"/api/calls/{ID}/move", "calls:write", 404),
    ("POST", f"/api/calls/{ID}/legs", "calls:write", 400),
    ("PATCH", f"/api/calls/{ID}/legs/{ID}", "calls:write", 400),
    ("DELETE", f"/api/calls/{ID}/legs/{ID}", "calls:write", 404),
)


def test_scopes():
    c = shared()
    for method, path, scope, code in ENDPOINTS:
        what = f"{method} {path}"
        body = {} if method in ("POST", "PATCH") else None
        for token in (None, "wrong", "token-al", c.token + "x"):
            status, head, doc = request(method, url(c, path), token, body)
            must(status, 401, f"{what} with {token}")
            must(head["WWW-Authenticate"].startswith("Bearer "), True, what)
            must(doc["status"], 401, what)
        for name, scopes in SCOPES.items():
            status, head, doc = request(method, url(c, path),
                                        f"token-{name}", body)
            if scope in scopes or "*" in scopes:
                must(status, code, f"{what} with {name}")
                continue
            must(status, 403, f"{what} with {name}")
            if scope not in doc["detail"] or \
                    f'scope="{scope}"' not in head["WWW-Authenticate"]:
                raise Mismatch(f"{what}: the scope is not named: {doc}")
    user = base64.b64encode(b"admin:" + c.token.encode()).decode()
    must(request("GET", url(c, "/api/status"),
                 headers={"Authorization": f"Basic {user}"})[0], 401,
         "another scheme")


# ------------------------------------------------------------- refusals

def refused(c, method, path, body=None, headers=None):
    """The problem document of a refusal: (status, headers, document)."""
    status, head, doc = request(method, url(c, path), c.token, body, headers)
    what = f"{method} {path} {str(body)[:60]}"
    must(head["Content-Type"], "application/problem+json", what)
    members(doc, "type", "title", "status", "detail", "instance")
    must(doc["status"], status, what)
    must(doc["instance"], path.partition("?")[0], what)
    must(doc["type"].startswith("urn:switchyard:problem:"), True, doc["type"])
    return status, head, doc


def test_problems():
    c = shared()
    must(refused(c, "GET", "/api/nothing")[0], 404, "no such path")
    must(refused(c, "GET", "/api/calls/not-an-id")[0], 404, "no such id")
    must(refused(c, "GET", f"/api/calls/{ID}")[0], 404, "no such call")
    status, head, _ = refused(c, "PUT", "/api/calls", b"{}")
    must((status, head["Allow"].replace(" ", "").split(",")),
         (405, ["GET", "HEAD", "POST"]), "405")
    typed = {"Content-Type": "application/json"}
    status, _, doc = refused(c, "POST", "/api/calls",
                             b'{"from": "1001",\n "to" "1002"}', typed)
    must((status, doc["line"]), (400, 2), "where it is no JSON")
    if not doc["column"]:
        raise Mismatch(f"no column: {doc}")
    status, _, doc = refused(c, "POST", "/api/calls", b"x" * 1200000, typed)
    must(status, 413, "a large body")
    status, _, doc = refused(c, "POST", "/api/calls", b"from=1001",
                             {"Content-Type": "text/plain"})
    must(status, 415, "another type")
    if "application/json" not in doc["detail"]:
        raise Mismatch(f"what is allowed is not told: {doc}")
    for query in ("limit=0", "limit=x", "limit=1001", "cursor=x"):
        status, _, doc = refused(c, "GET", f"/api/calls?{query}")
        must((status, doc["errors"][0]["field"]),
             (400, query.partition("=")[0]), query)
        members(doc["errors"][0], "cause", "allowed")


def test_wrong_fields():
    c = shared()
    for path, body, field in (
            ("/api/calls", {"to": "1002"}, "from"),
            ("/api/calls", {"from": "1001"}, "to"),
            ("/api/calls", {"from": "1001", "to": "5551234"}, "to"),
            ("/api/calls", {"from": "5551234", "to": "1001"}, "from"),
            ("/api/calls", {"from": "600", "to": "1001"}, "from"),
            ("/api/calls", {"from": 1001, "to": "1002"}, "from"),
            ("/api/calls", {"from": "1001", "to": "10 02"}, "to"),
            ("/api/calls", {"from": "1001", "to": "1002", "colour": 1},
             "colour"),
            ("/api/calls", {"from": "1001", "to": "1002",
                            "ringSeconds": 9999}, "ringSeconds"),
            ("/api/calls", {"from": "1001", "to": "1002",
                            "callerName": "a\r\nb"}, "callerName"),
            (f"/api/calls/{ID}/legs", {"to": "1002"}, "kind"),
            (f"/api/calls/{ID}/legs", {"kind": "fish", "to": "1"}, "kind"),
            (f"/api/calls/{ID}/legs", {"kind": "external", "to": "1002"},
             "to"),
            (f"/api/calls/{ID}/legs", {"kind": "device", "to": "1099"},
             "to")):
        status, _, doc = refused(c, "POST", path, body)
        must((status, [e["field"] for e in doc.get("errors", [])]),
             (400, [field]), f"{path} {body}")
        if not doc["errors"][0]["cause"]:
            raise Mismatch(f"no cause: {doc}")
    for body in ({}, {"muted": "yes"}, {"loud": True}, []):
        must(refused(c, "PATCH", f"/api/calls/{ID}/legs/{ID}", body)[0],
             400, f"PATCH {body}")
    must(refused(c, "PATCH", f"/api/calls/{ID}/legs/{ID}",
                 {"muted": True})[0], 404, "no such call")
    assert_clean(c)


# ---------------------------------------------------------------- calls

def test_call_by_the_api():
    c = shared()
    with phones() as box:
        phone(box, c, "1001", answer="manual")
        phone(box, c, "1002", answer="manual")
        status, head, made = request(
            "POST", url(c, "/api/calls"), c.token,
            {"from": "1001", "to": "1002"})
        ident = made["id"]
        must((status, head["Location"]), (201, f"/api/calls/{ident}"),
             "POST of a call")
        rung = box.expect("incoming", phone="1001")
        if "1002" not in rung["from"]:
            raise Mismatch(f"who calls: {rung}")
        box.do("answer", phone="1001")
        rung = box.expect("incoming", phone="1002")
        if "1001" not in rung["from"]:
            raise Mismatch(f"who calls: {rung}")
        wait_for("the call rings", lambda: by_user(shown_call(c, ident),
                 "1002")["state"] == "LEG_RINGING")
        box.do("answer", phone="1002")
        for who in ("1001", "1002"):
            box.expect("established", phone=who)
        talk(box, "1001", "1002")

        shown = shown_call(c, ident)
        members(shown, "id", "node", "epoch", "state", "destination",
                "startedAt", "answeredAt", "legs")
        must((shown["state"], shown["destination"], shown["epoch"]),
             ("CALL_ANSWERED", "device:1002", 1), "the call")
        for leg in shown["legs"]:
            members(leg, "id", "kind", "state", "user", "direction", "codec",
                    "muted", "held", "mos", "lossPercent", "jitterMs")
            must((leg["kind"], leg["state"], leg["codec"], leg["direction"]),
                 ("DEVICE", "LEG_ANSWERED", "PCMU", "OUTBOUND"), "a leg")
        must(sorted(leg["user"] for leg in shown["legs"]), ["1001", "1002"],
             "legs")
        legs = c.api("GET", f"/api/calls/{ident}/legs")["items"]
        must([x["id"] for x in legs], [x["id"] for x in shown["legs"]],
             "the list of legs")
        listed = c.api("GET", "/api/calls")["items"]
        must([(x["id"], x["node"]) for x in listed],
             [(ident, shown["node"])], "the list of calls")

        hang_up(c, box, ident, "1001", "1002")
        for method in ("GET", "DELETE"):
            assert_gone(c, ident, method)
        assert_clean(c)


def test_calls_that_fail():
    """Nobody there, refused, hung up while it rings: the caller is let go,
    and nothing is left."""
    c = shared()
    with phones() as box:
        phone(box, c, "1001")
        phone(box, c, "1002", answer="reject:486")
        c.api("POST", "/api/calls", {"from": "1001", "to": "1002"})
        box.expect("established", phone="1001")
        box.expect("closed", phone="1001")
        c.api("POST", "/api/calls", {"from": "1001", "to": "1020"})
        box.expect("established", phone="1001")
        box.expect("closed", phone="1001")
        box.expect("incoming", phone="1002")
        for who in ("1020", "1002"):
            status, _, made = request("POST", url(c, "/api/calls"), c.token,
                                      {"from": who, "to": "1001"})
            must(status, 201, f"from {who}, who does not answer")
            assert_gone(c, made["id"])
        assert_clean(c)
        box.forget()
        box.do("set", phone="1002", answer="manual")
        for i in range(20):  # there for both gateways as soon as it is told
            made = c.api("POST", "/api/calls", {"from": "1002", "to": "600"})
            must(shown_call(c, made["id"], i % 2)["id"], made["id"], "it")
            must(request("DELETE", url(c, f"/api/calls/{made['id']}"),
                         c.token)[0], 204, "DELETE at once")
        assert_clean(c)
        box.forget()
        made = c.api("POST", "/api/calls", {"from": "1002", "to": "1001"})
        box.expect("incoming", phone="1002")
        hang_up(c, box, made["id"], "1002")
        assert_clean(c)


def test_echo_and_conference_by_the_api():
    c = shared()
    with phones() as box:
        for user in ("1001", "1002", "1003"):
            phone(box, c, user)
        made = c.api("POST", "/api/calls", {"from": "1001", "to": "600"})
        hears_when_up(box, "1001", tone("1001"))
        must(sorted(x["kind"] for x in
                    shown_call(c, made["id"])["legs"]), ["DEVICE", "ECHO"],
             "legs of an echo")
        hang_up(c, box, made["id"], "1001")
        with ThreadPoolExecutor(2) as pool:  # at two gateways at once
            ids = set(pool.map(lambda at: c.api(
                "POST", "/api/calls", {"from": at[1], "to": "601"},
                gateway=at[0])["id"], enumerate(("1001", "1002"))))
        must(len(ids), 1, "calls of one conference")
        for user in ("1001", "1002"):
            box.expect("established", phone=user)
        box.do("call", phone="1003", to="601")
        box.expect("established", phone="1003")
        talk(box, "1001", "1003")
        talk(box, "1002", "1003")
        hang_up(c, box, ids.pop(), "1001", "1002", "1003")
        assert_clean(c)


def hears_when_up(box, who, hz):
    box.expect("established", phone=who)
    hears(box, who, hz)


# ----------------------------------------------------------------- legs

def test_device_leg():
    c = shared()
    with phones() as box:
        for user in ("1001", "1002", "1003"):
            phone(box, c, user)
        call(box, "1001", "1002")
        ident = only_call(c)["id"]
        path = f"/api/calls/{ident}/legs"
        status, head, leg = request("POST", url(c, path), c.token,
                                    {"kind": "device", "to": "1003"})
        must((status, head["Location"]), (201, f"{path}/{leg['id']}"),
             "POST of a leg")
        box.expect("established", phone="1003")
        for a, b in (("1001", "1003"), ("1002", "1003"), ("1001", "1002")):
            talk(box, a, b)
        for user in ("1001", "1002"):
            hears(box, "1003", tone(user))
        must(by_user(shown_call(c, ident), "1003")["state"], "LEG_ANSWERED",
             "the leg")
        must(request("DELETE", url(c, f"{path}/{leg['id']}"), c.token)[0],
             204, "DELETE of a leg")
        box.expect("closed", phone="1003")
        hears(box, "1001", tone("1003"), present=False, seconds=1)
        talk(box, "1001", "1002")
        must(request("DELETE", url(c, f"{path}/{leg['id']}"), c.token)[0],
             404, "DELETE of a leg that is gone")

        status, _, doc = request("POST", url(c, path), c.token,
                                 {"kind": "device", "to": "1020"})
        if status not in (404, 409) or "not registered" not in doc["detail"]:
            raise Mismatch(f"a device that is not there: {status} {doc}")
        talk(box, "1001", "1002")
        # Removed while it rings; what rings cannot be held
        box.do("set", phone="1003", answer="manual")
        box.forget()
        leg = c.api("POST", path, {"kind": "device", "to": "1003"})
        box.expect("incoming", phone="1003")
        status, _, doc = refused(c, "PATCH", f"{path}/{leg['id']}",
                                 {"held": True})
        must(status, 409, f"hold of a phone that rings: {doc}")
        must(request("DELETE", url(c, f"{path}/{leg['id']}"), c.token)[0],
             204, "DELETE of a leg that rings")
        must(box.expect("closed", phone="1003")["code"], 487, "it rang")
        # It does not answer: the call goes on without it
        leg = c.api("POST", path, {"kind": "device", "to": "1003",
                                   "ringSeconds": 1})
        must(box.expect("closed", phone="1003")["code"], 487, "it rang 1 s")
        must(len(shown_call(c, ident)["legs"]), 2, "legs")
        talk(box, "1001", "1002")
        box.do("set", phone="1003", answer="auto")
        # One of the first two leaves: two are still there
        c.api("POST", path, {"kind": "device", "to": "1003"})
        box.expect("established", phone="1003")
        box.do("hangup", phone="1002")
        box.expect("closed", phone="1002")
        talk(box, "1001", "1003")
        end(box, "1001", "1003")
        assert_clean(c)


def test_mute_deaf_and_hold():
    c = shared()
    with phones() as box:
        phone(box, c, "1001")
        phone(box, c, "1002")
        ident = originate(c, box, "1001", "1002")
        leg = by_user(shown_call(c, ident), "1001")["id"]
        path = f"/api/calls/{ident}/legs/{leg}"

        def change(**what):
            got = c.api("PATCH", path, what)
            for key, value in what.items():
                must(got[key], value, f"{key} in the answer")
            return got

        talk(box, "1001", "1002")
        change(muted=True)
        hears(box, "1002", tone("1001"), present=False, seconds=1)
        hears(box, "1001", tone("1002"), seconds=1)
        must(change(deaf=True)["muted"], True, "what was not named")
        hears(box, "1001", tone("1002"), present=False, seconds=1)
        change(muted=False, deaf=False)
        hears(box, "1002", tone("1001"), seconds=1)
        hears(box, "1001", tone("1002"), seconds=1)
        wait_for("the record shows no mute", lambda: not by_user(
            shown_call(c, ident), "1001")["muted"])

        change(held=True)
        box.expect("held", phone="1001", by="remote")
        hears(box, "1001", tone("1002"), present=False, seconds=1)
        hears(box, "1002", tone("1001"), present=False, seconds=1)
        wait_for("hold is shown", lambda: by_user(
            shown_call(c, ident), "1001")["held"])
        must(by_user(shown_call(c, ident), "1002")["held"], False,
             "the other's hold")
        change(held=False)
        box.expect("resumed", phone="1001", by="remote")
        talk(box, "1001", "1002")
        hang_up(c, box, ident, "1001", "1002")
        assert_clean(c)


def test_external_leg():
    """Out by the trunk: a phone listens where the trunk leads to."""
    c = shared()
    with phones() as box:
        where = box.do("phone", id="pbx", user="pbx", codecs=["PCMA"],
                       tone_hz=900, answer="auto")["address"]
        configure(c, demo(trunks=[{"id": "loop", "enabled": True,
                                   "optionsS": 0,
                                   "sources": [where], "target": where}]))
        phone(box, c, "1001")
        phone(box, c, "1002")
        call(box, "1001", "1002")
        ident = only_call(c)["id"]
        leg = c.api("POST", f"/api/calls/{ident}/legs",
                    {"kind": "external", "to": "777"})
        must(leg["kind"], "TRUNK", "kind of the leg")
        if "777" not in box.expect("incoming", phone="pbx")["to"]:
            raise Mismatch("the number does not reach the trunk")
        box.expect("established", phone="pbx")
        for user in ("1001", "1002"):
            hears(box, user, 900)
            hears(box, "pbx", tone(user))
        must(by_user(shown_call(c, ident), "777")["codec"], "PCMA", "codec")
        must(request("DELETE", url(c, f"/api/calls/{ident}/legs/"
                                      f"{leg['id']}"), c.token)[0], 204,
             "DELETE of the leg")
        box.expect("closed", phone="pbx")
        talk(box, "1001", "1002")
        end(box, "1001", "1002")

        made = c.api("POST", "/api/calls", {"from": "778", "to": "1002"})
        box.expect("established", phone="pbx")
        box.expect("established", phone="1002")
        hears(box, "1002", 900)
        hears(box, "pbx", tone("1002"))
        must(shown_call(c, made["id"])["caller"], "778", "who calls")
        hang_up(c, box, made["id"], "pbx", "1002")
        assert_clean(c)


def test_caller_name_on_the_wire():
    """A name as a person writes it reaches the peer whole, and only as a
    name."""
    c = shared()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        s.settimeout(5)
        at = "127.0.0.1:%d" % s.getsockname()[1]
        configure(c, demo(trunks=[{"id": "loop", "enabled": True,
                                   "optionsS": 0, "sendName": True,
                                   "sources": [at], "target": at}]))
        for name, written in (
                ("Front desk", b'"Front desk" <sip:'),
                ('Zo\u00eb "Q" \\ <x>;tag=1',
                 'From: "Zo\u00eb \\"Q\\" \\\\ <x>;tag=1" <sip:'.encode())):
            made = c.api("POST", "/api/calls", {
                "from": "777", "to": "600", "callerName": name})
            text, peer = s.recvfrom(65536)
            if written not in text:
                raise Mismatch(f"callerName {name!r}: {text}")
            s.sendto(answer_to(text, "486 Busy Here"), peer)
            assert_gone(c, made["id"])
            then = b"INVITE"    # again, until its answer was there
            while then == b"INVITE":
                then = s.recvfrom(65536)[0].partition(b" ")[0]
            must(then, b"ACK", "then")
        assert_clean(c)


def answer_to(request_text, status):
    """The response to a SIP request, by copying what must be copied."""
    lines = request_text.decode().split("\r\n")
    keep = [x for x in lines if x.lower().startswith(
        ("via:", "from:", "call-id:", "cseq:"))]
    to = [x + ";tag=t" for x in lines if x.lower().startswith("to:")]
    return "\r\n".join([f"SIP/2.0 {status}", *keep, *to,
                        "Content-Length: 0", "", ""]).encode()


def configure(c, conf):
    """Apply a configuration and wait until every member has it."""
    before = {m.id: loaded(m) for m in c.members()}
    c.config = conf
    c.apply_config()
    wait_for("every member has loaded the configuration", lambda: all(
        loaded(m) > before[m.id] for m in c.members()))


def loaded(member):
    """How often a member has loaded a configuration."""
    with open(member.log, encoding="utf-8") as f:
        return f.read().count("configuration loaded")


# ---------------------------------------------------------------- pages

def test_pages():
    """More calls than a page holds: each is given once, in order."""
    c = shared()
    with phones() as box:
        phone(box, c, "1001", media=False)
        for i in range(23):
            box.do("call", phone="1001", to="600", call=f"x{i}")
        for i in range(23):
            box.expect("established", call=f"x{i}")
        wait_for("all are in the list",
                 lambda: len(c.api("GET", "/api/calls")["items"]) == 23)
        sizes, ids = pages(c, "/api/calls", 5)
        must(sizes, [5, 5, 5, 5, 3], "sizes of the pages")
        must(ids, sorted(set(ids)), "their order")
        must(pages(c, "/api/calls", 23)[0], [23], "one full page")
        must(sum(pages(c, "/api/nodes", 1)[0]), 2, "nodes by one")
        must(pages(c, "/api/registrations", 1)[0], [1], "registrations")
        # A call on the border of a page that ends does not lose the others
        page = c.api("GET", "/api/calls?limit=5")
        hang_up(c, box, page["items"][-1]["id"], "1001")
        assert_gone(c, page["items"][-1]["id"])
        rest = c.api("GET", f"/api/calls?cursor={page['nextCursor']}")
        first = {x["id"] for x in page["items"]}
        must(len(first | {x["id"] for x in rest["items"]}), 23, "calls")
        box.do("hangup", phone="1001")
        assert_clean(c)


def pages(c, path, limit):
    """Sizes of the pages, and all the ids."""
    sizes, ids, cursor = [], [], ""
    while True:
        page = c.api("GET", f"{path}?limit={limit}"
                     + (f"&cursor={cursor}" if cursor else ""))
        sizes.append(len(page["items"]))
        ids += [x.get("id") or x["device"] for x in page["items"]]
        cursor = page["nextCursor"]
        if not cursor:
            return sizes, ids


# -------------------------------------------------------------- gateways

def test_two_gateways():
    """Both show and do the same; one is killed, the other goes on."""
    c = shared()
    with phones() as box:
        phone(box, c, "1001")
        phone(box, c, "1002")
        ident = originate(c, box, "1001", "1002")

        def shown():
            """By each of them; one may have the newer record."""
            both = [shown_call(c, ident, g) for g in (0, 1)]
            for leg in both[0]["legs"] + both[1]["legs"]:
                for figure in FIGURES:
                    del leg[figure]
            return both

        wait_for("both show the same", lambda: len(
            {json.dumps(x, sort_keys=True) for x in shown()}) == 1)
        b = shown()[1]
        must([sorted(m["id"] for m in c.api("GET", "/api/status",
                                            gateway=g)["gateways"])
              for g in (0, 1)], [["gateway-1", "gateway-2"]] * 2, "gateways")
        c.gateways[0].process.kill()
        try:
            talk(box, "1001", "1002")
            leg = by_user(b, "1001")["id"]
            c.api("PATCH", f"/api/calls/{ident}/legs/{leg}",
                  {"muted": True}, gateway=1)
            hears(box, "1002", tone("1001"), present=False, seconds=1)
            wait_for("the dead gateway is no longer shown", lambda: [
                m["id"] for m in c.api("GET", "/api/status",
                                       gateway=1)["gateways"]]
                == ["gateway-2"], 15)
            must(request("DELETE", url(c, f"/api/calls/{ident}", 1),
                         c.token)[0], 204, "DELETE at the other")
            for who in ("1001", "1002"):
                box.expect("closed", phone=who)
        finally:
            c.gateways[0].start()
            c.record()
            c.wait_ready()
        assert_clean(c)


def test_probes_without_redis():
    """Readiness needs Redis, liveness does not, and the status answers."""
    with cluster(nodes=1) as c:
        def probes(path):
            at = [c.gateways[0].http] + [m.metrics for m in
                                         c.routers + c.nodes]
            return {request("GET", f"http://{a}{path}")[0] for a in at}
        must(probes("/healthz"), {200}, "liveness")
        wait_for("all are ready", lambda: probes("/readyz") == {200})
        c.redis.kill()
        wait_for("nobody is ready", lambda: probes("/readyz") == {503})
        must(probes("/healthz"), {200}, "liveness without Redis")
        status, _, shown = request("GET", url(c, "/api/status"), c.token)
        must((status, shown["redis"], len(shown["nodes"])), (200, False, 1),
             "the status without Redis")
        for method, path, body in (
                ("GET", "/api/calls", None),
                ("GET", "/api/registrations", None),
                ("POST", "/api/calls", {"from": "1001", "to": "600"}),
                ("DELETE", f"/api/calls/{ID}", None)):
            status, head, _ = refused(c, method, path, body)
            must(status, 503, f"{method} {path}")
            must(head["Retry-After"].isdigit(), True, "Retry-After")
        c.start_redis()
        c.apply_config()
        wait_for("all are ready", lambda: probes("/readyz") == {200})


# ----------------------------------------------------- what Redis is told

def test_checkpoint_record_and_events():
    c = shared()
    with phones() as box:
        phone(box, c, "1001")
        phone(box, c, "1002")
        call(box, "1001", "1002")
        ident = only_call(c)["id"]
        key = f"sy:hub:{{{ident}}}"

        def record():
            flat = c.redis_command("HGETALL", key)
            return dict(zip(flat[::2], flat[1::2]))

        def of_user(user, kind):
            """The leg's field of that kind, as protobuf."""
            have = record()
            for name, value in have.items():
                if name.startswith("leg:") and \
                        fields(value)[4] == [user.encode()]:
                    return fields(have[kind + name[4:]])
            raise Mismatch(f"no leg of {user} in {sorted(have)}")

        wait_for("the record has both dialogs", lambda: len(
            [n for n in record() if n.startswith("dlg:")]) == 2)
        wait_for("both dialogs are whole", lambda: all(
            of_user(user, "dlg:").get(number) for user in ("1001", "1002")
            for number in (7, 13, 20, 21)))
        names = sorted({re.sub(":.*", ":", n) for n in record()})
        must(names, ["call", "dlg:", "epoch", "leg:", "node", "owner",
                     "state"],
             "fields of the record")
        for user in ("1001", "1002"):
            dlg = of_user(user, "dlg:")
            for number in (5, 6, 7, 8, 9, 13, 14, 19, 20, 21):
                if number != 19 and not dlg.get(number):
                    raise Mismatch(f"field {number} of {user}: {dlg}")
        version = of_user("1001", "dlg:")[16]
        box.do("hold", phone="1001")
        box.expect("held", phone="1001")
        wait_for("the record knows of the hold", lambda: of_user(
            "1001", "dlg:").get(18 + 1) == [1]
            and of_user("1001", "leg:").get(8) == [1])
        if of_user("1001", "dlg:")[16] == version:
            raise Mismatch("the version of the description is the old one")
        box.do("resume", phone="1001")
        box.expect("resumed", phone="1001")
        wait_for("the record knows of its end",
                 lambda: 19 not in of_user("1001", "dlg:"))
        end(box, "1001", "1002")
        wait_for("the record is gone",
                 lambda: not c.redis_command("EXISTS", key))
        assert_clean(c)
        history(c, ident)


def history(c, ident):
    """The call's CDR and its events."""
    called = ident.encode()
    cdr = [r for r in stream(c, "sy:cdr") if fields(r[1][0])[1] == [called]]
    must(len(cdr), 1, "records of the call")
    ended = fields(cdr[0][1][0])
    must((ended[4], ended[10], ended[11], len(ended[9])),
         ([4], [b"1001"], [b"1002"], 2), "state, caller, called, legs")
    for number in (6, 7, 8):
        if number not in ended:
            raise Mismatch(f"time {number} is not in {ended}")
    if not 0 < cdr[0][2][0] < 60000:
        raise Mismatch(f"duration: {cdr[0][2]}")
    kinds = [e[2][0] for e in stream(c, "sy:events")
             if e.get(4) == [called]]
    if kinds[0] != 1 or kinds[-1] != 3 or 5 not in kinds:
        raise Mismatch(f"events of the call: {kinds}")


# ---------------------------------------------------------------- drain

def test_drain_takes_no_new_calls():
    c = shared()
    with phones() as box:
        for user in ("1001", "1002", "1003"):
            phone(box, c, user)
        call(box, "1001", "1002")
        where = only_call(c)["node"]
        path = f"/api/nodes/{where}/drain"

        def states(gateway):
            return {n["id"]: n["state"] for n in
                    c.api("GET", "/api/nodes", gateway=gateway)["items"]}

        must(c.api("POST", path)["state"], "DRAINING", "the answer")
        try:
            for g in (0, 1):
                wait_for("it is shown", lambda g=g: states(g)[where]
                         == "DRAINING")
            for _ in range(8):
                box.do("call", phone="1003", to="600")
                box.expect("established", phone="1003")
                made = c.api("POST", "/api/calls",
                             {"from": "1003", "to": "600"})
                if made["node"] == where:
                    raise Mismatch("a call by the API was placed there")
                box.expect("established", phone="1003")
                box.do("hangup", phone="1003")
                for _ in range(2):
                    box.expect("closed", phone="1003")
            talk(box, "1001", "1002")
        finally:
            must(c.api("DELETE", path)["state"], "LIVE", "taken back")
        wait_for("it is live again", lambda: states(0)[where] == "LIVE")
        end(box, "1001", "1002")
        assert_clean(c)


# -------------------------------------------------------------- many at once

def test_many_requests():
    """Many on one connection, after each other and at the same time."""
    c = shared()
    head = {"Authorization": f"Bearer {c.token}"}
    conn = http.client.HTTPConnection(c.gateways[0].http, timeout=5)
    conn.connect()
    first = conn.sock
    for _ in range(100):
        conn.request("GET", "/api/nodes", headers=head)
        res = conn.getresponse()
        must((res.status, len(json.loads(res.read())["items"])), (200, 2),
             "one of many")
    must(conn.sock is first, True, "one connection")
    conn.close()
    for gateway, args in ((0, ("--http2",)), (1, ("--http1.1",))):
        base = f"https://{c.gateways[gateway].https}/api/"
        urls = [base + p for p in ("status", "calls", "registrations",
                                   f"calls/{ID}") * 25]
        run = subprocess.run(
            ["curl", "-sSk", "-m", "10", "-Z", *args, "-H",
             f"Authorization: Bearer {c.token}", "-w",
             "\n%{http_code} %{url_effective}\n", *urls],
            capture_output=True, text=True, check=True)
        codes = [line[:3] for line in run.stdout.splitlines()
                 if re.match(r"\d{3} https", line)]
        must((codes.count("200"), codes.count("404")), (75, 25), "codes")


# ------------------------------------------------------- rough handling

def test_rough_clients():
    """Half requests, garbage and clients that go away: the others are
    served, and no connection stays."""
    c = shared()
    host, _, port = c.gateways[0].http.partition(":")
    for text in (b"GET /api/status HTTP/1.1\r\nHost: x\r\n", b"\x16\x03\x01",
                 b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 64,
                 b"BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"POST /api/calls HTTP/1.1\r\nHost: x\r\nContent-Length: 9"
                 b"\r\nTransfer-Encoding: chunked\r\n\r\n"):
        with socket.create_connection((host, int(port)), 5) as s:
            s.sendall(text)
            must(request("GET", url(c, "/api/status"), c.token)[0], 200,
                 f"the status beside {text[:20]}")
    argv = ["openssl", "s_client", "-connect", c.gateways[0].https, "-tls1_1"]
    old = subprocess.run(argv, stdin=subprocess.DEVNULL, check=False,
                         capture_output=True, timeout=10)
    if old.returncode == 0:
        raise Mismatch("TLS 1.1 is taken")
