# SPDX-License-Identifier: MIT
"""gRPC on the gateway's own port, by clients of others."""

import re
import ssl
import subprocess
from contextlib import ExitStack

from grpcpeer import Client, details, grpcio
from harness import (Mismatch, assert_clean, cluster, metrics, phones,
                     request, wait_for)
from talk import call, phone
from test_api import demo, must, url
from wire import fields

_stack = ExitStack()
_shared = {}


def shared():
    """A cluster, and a client that may do everything."""
    if not _shared:
        c = _stack.enter_context(cluster(nodes=2, gateways=1, config=demo()))
        _shared["c"] = c
        _shared["all"] = _stack.enter_context(
            Client(c.gateways[0].http, c.token))
    return _shared["c"], _shared["all"]


def finish():
    _shared.clear()
    _stack.close()


def test_reflection_lists_what_the_schema_has():
    c, client = shared()
    listed = client.ask("list")
    text = request("GET", url(c, "/api/services.proto"))[2].decode()
    for name, body in re.findall(r"^service (\w+) \{(.*?)^\}", text,
                                 re.M | re.S):
        must(listed["services"].get(f"switchyard.v1.{name}"),
             re.findall(r"rpc (\w+)\(", body), name)
    must(listed["missing"][:2], "5 ", "a file that does not exist")
    with Client(c.gateways[0].http, c.token, version="v1alpha") as old:
        must(old.ask("list")["services"], listed["services"], "v1alpha")


def test_calls_as_by_rest():
    c, client = shared()
    with phones() as p:
        phone(p, c, "1001")
        phone(p, c, "1002")
        call(p, "1001", "1002")

        def listed():
            got = client.must("switchyard.v1.Calls/List")["items"]
            return got if [x["state"] for x in got] == ["CALL_ANSWERED"] \
                else None
        # Records are written a moment after the messages.
        ident = wait_for("the call is listed", listed)[0]["id"]
        rest = request("GET", url(c, f"/api/calls/{ident}"), c.token)[2]
        got = client.must("switchyard.v1.Calls/Get", {"id": ident})
        must([x["user"] for x in got["legs"]],
             [x["user"] for x in rest["legs"]], "legs")

        leg = got["legs"][0]["id"]
        got = client.must("switchyard.v1.Legs/Update",
                          {"id": ident, "leg": leg, "body": {"muted": True}})
        must(got["muted"], True, "muted")
        got = client.must("switchyard.v1.Legs/Update",
                          {"id": ident, "leg": leg,
                           "body": {"muted": False}})
        must(got["muted"], False, "a false that is said")
        must(client.must("switchyard.v1.Legs/List",
                         {"id": ident, "limit": 1})["next_cursor"] != "",
             True, "a page of one")

        must(client.must("switchyard.v1.Calls/Hangup", {"id": ident}), {},
             "hang up")
        p.expect("closed", phone="1001")
        p.expect("closed", phone="1002")
    assert_clean(c)


def streams(c):
    return metrics(c.gateways[0])["sy_gateway_event_streams"]


def test_events():
    """As they happen; from where one was; some of them."""
    c, client = shared()
    live = client.open("switchyard.v1.Events/Stream")
    wait_for("the stream", lambda: streams(c) == 1)
    with phones() as p:
        phone(p, c, "1001")
        phone(p, c, "1002")
        call(p, "1001", "1002")
        p.do("hangup", phone="1001")
        p.expect("closed", phone="1002")
    got = []
    while not got or got[-1]["event"]["type"] != "CALL_FINISHED":
        got.append(client.next(live))
    types = [x["event"]["type"] for x in got]
    first = types.index("CALL_STARTED")
    ident = got[first]["event"]["call_id"]

    again = client.open("switchyard.v1.Events/Stream",
                        {"after": got[first]["id"]})
    for x in got[first + 1:]:
        must(client.next(again), x, "resumed")
    some = client.open("switchyard.v1.Events/Stream",
                       {"after": "0-0", "call": ident,
                        "type": ["CALL_STARTED", "CALL_FINISHED"]})
    must([client.next(some)["event"]["type"] for _ in range(2)],
         ["CALL_STARTED", "CALL_FINISHED"], "filtered")
    for stream in (live, again, some):
        client.ask("cancel", stream=stream)
        must(client.ended(stream)["code"], "CANCELLED", "cancelled")
    wait_for("streams to end", lambda: streams(c) == 0)
    assert_clean(c)


def test_events_end():
    c, client = shared()
    for message, head, more, code in (
            ({"after": "x"}, {}, {}, "INVALID_ARGUMENT"),
            ({"call": "x"}, {}, {}, "INVALID_ARGUMENT"),
            ({"type": ["CALL_STARTED"] * 17}, {}, {}, "INVALID_ARGUMENT"),
            ({}, {"authorization": "Bearer nobody"}, {}, "UNAUTHENTICATED"),
            ({}, {"authorization": "Bearer token-nodes"}, {},
             "PERMISSION_DENIED"),
            ({}, {"grpc-timeout": "300m"}, {}, "DEADLINE_EXCEEDED"),
            ({}, {}, {"deadlineMs": 300}, "DEADLINE_EXCEEDED")):
        stream = client.open("switchyard.v1.Events/Stream", message, head,
                             **more)
        must(client.ended(stream)["code"], code, f"{message} {head}")
    wait_for("streams to end", lambda: streams(c) == 0)


def test_refusals():
    c, client = shared()
    stranger = {"authorization": "Bearer nobody"}
    reader = {"authorization": "Bearer token-nodes"}
    asked = {"body": {"from": "1001", "to": "1002"}}
    for method, message, head, code, words in (
            ("Calls/List", {}, stranger, "UNAUTHENTICATED", "token"),
            ("Calls/List", {}, reader, "PERMISSION_DENIED", "calls:read"),
            ("Calls/Create", asked, reader, "PERMISSION_DENIED",
             "calls:write"),
            ("Calls/Get", {}, {}, "INVALID_ARGUMENT", "id"),
            ("Calls/Get", {"id": "1"}, {}, "NOT_FOUND", "ULID"),
            ("Calls/List", {"limit": 5000}, {}, "INVALID_ARGUMENT", "limit"),
            ("Calls/Create", {}, {}, "INVALID_ARGUMENT", "missing"),
            ("Nodes/Drain", {"id": "node-9"}, {}, "NOT_FOUND", "node")):
        got = client.call(f"switchyard.v1.{method}", message, head)
        if got["code"] != code or words not in got["details"]:
            raise Mismatch(f"{method} {message}: {got}, expected {code} that "
                           f"says {words}")
    bad = details(client.call("switchyard.v1.Calls/Create",
                              {"body": {"from": "1001"}}))
    must(fields(bad["BadRequest"][1][0])[1], [b"to"], "the field")
    must(bad["ErrorInfo"], {1: [b"VALIDATION"], 2: [b"switchyard"]}, "kind")


def test_deadline_and_cancel():
    """Neither leaves anything behind."""
    c, client = shared()
    got = client.call("switchyard.v1.Cluster/GetStatus", {},
                      {"grpc-timeout": "soon"})
    must(got["code"], "INVALID_ARGUMENT", "no timeout")
    stream = client.open("grpc.health.v1.Health/Watch", deadlineMs=3000)
    must(client.next(stream)["status"], "SERVING", "watched")
    must(client.ended(stream)["code"], "DEADLINE_EXCEEDED", "deadline")
    stream = client.open("grpc.health.v1.Health/Watch")
    must(client.next(stream)["status"], "SERVING", "watched")
    client.ask("cancel", stream=stream)
    must(client.ended(stream)["code"], "CANCELLED", "cancelled")


def test_health():
    c, client = shared()
    for service, code in (("", "OK"), ("switchyard.v1.Calls", "OK"),
                          ("switchyard.v1.Nothing", "NOT_FOUND")):
        got = client.call("grpc.health.v1.Health/Check",
                          {"service": service}, {"authorization": ""})
        must(got["code"], code, service)
        if code == "OK":
            must(got["reply"]["status"], "SERVING", service)
    stream = client.open("grpc.health.v1.Health/Watch",
                         {"service": "switchyard.v1.Nothing"})
    must(client.next(stream)["status"], "SERVICE_UNKNOWN", "watched")
    client.ask("cancel", stream=stream)


def test_tls_and_python():
    """The same by Debian's grpcio, which is another implementation, over
    TLS."""
    c, _ = shared()
    host, port = c.gateways[0].https.rsplit(":", 1)
    pem = ssl.get_server_certificate((host, int(port)))
    head = {"authorization": f"Bearer {c.token}"}
    nodes, calls = "/switchyard.v1.Nodes/List", "/switchyard.v1.Calls/List"
    cursor = bytes([0x12, 120]) + b"x" * 120  # long enough to be compressed
    large = b"\x12\x80\x80\x80\x02" + b"x" * (4 << 20)
    got = grpcio(c.gateways[0].https, pem, [
        {"method": nodes, "metadata": head},
        {"method": calls, "metadata": head, "message": cursor.hex()},
        {"method": calls, "metadata": head, "message": cursor.hex(),
         "gzip": True},
        {"method": "/switchyard.v1.Nodes/Nothing"},
        {"method": nodes, "metadata": head, "message": large.hex()},
        {"method": nodes, "metadata": head, "message": large.hex(),
         "gzip": True},
        {"method": nodes, "metadata": head, "message": "ffff"}])
    must([x["code"] for x in got],
         ["OK", "INVALID_ARGUMENT", "INVALID_ARGUMENT", "UNIMPLEMENTED",
          "RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED", "INVALID_ARGUMENT"],
         "codes")
    must(len(fields(bytes.fromhex(got[0]["reply"]))[1]), 2, "nodes")
    must(got[2]["details"], got[1]["details"], "the compressed one")
    must("Nothing" in got[3]["details"], True, got[3]["details"])


def test_not_grpc():
    """What cannot be a call says so in HTTP."""
    c, _ = shared()
    path = "/switchyard.v1.Nodes/List"
    for args, status in (
            (["--http1.1", "-X", "POST"], "505"),
            (["--http2-prior-knowledge", "-X", "GET"], "405"),
            (["--http2-prior-knowledge", "-X", "POST", "+json"], "415")):
        kind = args.pop() if args[-1][0] == "+" else ""
        got = subprocess.run(
            ["curl", "-sS", "-m", "10", "-o", "/dev/null", "-w",
             "%{http_code}", "-H", f"content-type: application/grpc{kind}",
             *args, url(c, path)], capture_output=True, text=True, check=True)
        must(got.stdout, status, f"{args}")


def test_protobuf_by_rest():
    """Messages instead of JSON, for who asks."""
    c, _ = shared()
    status, head, raw = request(
        "GET", url(c, "/api/nodes"), c.token,
        headers={"Accept": "application/protobuf"})
    must((status, head["Content-Type"]), (200, "application/protobuf"), "GET")
    must(sorted(fields(n)[1][0] for n in fields(raw)[1]),
         [b"node-1", b"node-2"], "nodes")
    status, _, got = request(
        "POST", url(c, "/api/bans"), c.token, b"\x0a\x09192.0.2.7",
        {"Content-Type": "application/protobuf"})
    must((status, got["source"]), (201, "192.0.2.7"), "POST")
    status, _, got = request(
        "POST", url(c, "/api/bans"), c.token, b"\x0a\x02\xff\xfe",
        {"Content-Type": "application/protobuf"})
    must((status, got["errors"][0]["cause"]), (400, "is not UTF-8"), "POST")
