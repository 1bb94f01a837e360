# SPDX-License-Identifier: MIT
"""The configuration by REST: items, their tags, who else is in the way."""

import http.client
import itertools
import json
import time
from concurrent.futures import ThreadPoolExecutor

from grpcpeer import Client
from harness import Mismatch, Shared, must, phones, request, wait_for
from talk import phone

_number = itertools.count()

shared = Shared(nodes=1, gateways=2)
finish = shared.finish


def ask(c, method, path, body=None, status=200, gateway=0, **headers):
    """A request whose status must be that: (headers, body)."""
    head = {k.replace("_", "-"): v for k, v in headers.items()}
    got, answer, parsed = request(
        method, f"http://{c.gateways[gateway].http}{path}", c.token, body,
        head)
    if got != status:
        raise Mismatch(f"{method} {path}: {got} {parsed}, expected {status}")
    return answer, parsed


def fault(got):
    """Of a 400: the field and its cause."""
    return got["errors"][0]["field"], got["errors"][0]["cause"]


def registers(box, c, user, password):
    """Its phone does, once the routers have the configuration, too."""
    def tried():
        try:
            phone(box, c, user, name=f"{user}-{next(_number)}",
                  password=password, tone_hz=500)
            return True
        except Mismatch:
            return False
    wait_for(f"{user} registers with {password}", tried)


# ------------------------------------------------------------- one item

def test_device_from_birth_to_death():
    """A device is made, its phone registers at once, with another password
    after it was changed, and not any more when it is removed."""
    c = shared()
    head, made = ask(c, "POST", "/api/devices", {
        "id": "2001", "displayName": "Two", "password": "first"}, 201)
    must(head["Location"], "/api/config/devices/2001", "Location")
    for secret in ("password", "ha1Md5", "ha1Sha256"):
        must(made[secret], "", secret)
    for gateway in (0, 1):
        wait_for(f"gateway {gateway} has it", lambda: request(
            "GET", f"http://{c.gateways[gateway].http}"
            "/api/config/devices/2001", c.token)[0] == 200)
    with phones() as box:
        registers(box, c, "2001", "first")
        ask(c, "PATCH", "/api/config/devices/2001", {"password": "second"})
        registers(box, c, "2001", "second")
        before = c.api("GET", "/api/registrations")["items"]
        must([r["device"] for r in before], ["2001"], "registered")
        ask(c, "DELETE", "/api/devices/2001", status=204)
        ask(c, "GET", "/api/config/devices/2001", status=404)
        must(c.api("GET", "/api/registrations")["items"], [], "registered")


def test_fields_that_are_wrong():
    """400 names the field, the cause and what is allowed."""
    c = shared()
    for method, path, body, field, cause in (
            ("POST", "/api/devices", {"id": "a b", "password": "x"}, "id",
             "is no id"),
            ("POST", "/api/devices", {"id": "2002"}, "password", "is needed"),
            ("POST", "/api/devices", {"id": "2002", "password": "x",
                                      "codecs": ["mp3"]}, "codecs[0]",
             "unknown name"),
            ("POST", "/api/devices", {"id": "2002", "colour": "x"}, "colour",
             "is not known"),
            ("PUT", "/api/devices/2002", {"id": "2003", "password": "x"},
             "id", "is not that of the path"),
            ("PATCH", "/api/config/devices/1001", {"maxContacts": 1000},
             "maxContacts", "at most"),
            ("PUT", "/api/routes/x", {"pattern": "7", "target": {
                "device": "nobody"}}, "target.device", "there is no device"),
            ("PUT", "/api/routes/x", {"pattern": "7", "order": 10, "target": {
                "echo": True}}, "order", "already"),
            ("PATCH", "/api/config/settings", {"ringSeconds": 99999},
             "ringSeconds", "at most"),
            ("PATCH", "/api/config/settings", {"realm": "other"}, "realm",
             "devices"),
            ("PUT", "/api/groups/g", {"members": ["nobody"]}, "members[0]",
             "nobody")):
        _, got = ask(c, method, path, body, 400)
        name, why = fault(got)
        must(name, field, f"field of {body}")
        if cause not in why:
            raise Mismatch(f"{field}: {why!r} without {cause!r}")


def test_state_and_configuration():
    """A field of the configuration is not changed beside the state of a
    device: the answer says where; of a trunk both paths are the same."""
    c = shared()
    _, got = ask(c, "PATCH", "/api/devices/1001", {
        "displayName": "One", "password": "x", "codecs": ["opus"],
        "max_contacts": 2, "colour": "x", "doNotDisturb": False}, 400)
    there = "is configured at /api/config/devices/1001"
    must({e["field"]: e["cause"] for e in got["errors"]}, {
        "displayName": there, "password": there, "codecs": there,
        "max_contacts": there, "colour": "is not known"}, "causes")
    for e in got["errors"]:
        must(e["allowed"], "doNotDisturb, forward, reset", "allowed")
    ask(c, "POST", "/api/providers", {
        "id": "both", "target": "127.0.0.1:5999", "enabled": True}, 201)
    head, got = ask(c, "PATCH", "/api/providers/both",
                    {"enabled": False})
    must(got["enabled"], False, "by the short path")
    head, got = ask(c, "PATCH", "/api/providers/both?updateMask=enabled",
                    {"enabled": True}, If_Match=head["ETag"])
    must(ask(c, "GET", "/api/config/providers/both")[1]["enabled"],
         True, "by a mask")
    ask(c, "PATCH", "/api/providers/both", {"enabled": False}, 412,
        If_Match='"other"')
    ask(c, "DELETE", "/api/providers/both", status=204)
    head, got = ask(c, "POST", "/api/devices/1001", {}, 405)
    must(head["Allow"], "GET, HEAD, PATCH, PUT, DELETE", "Allow")


def faults(got):
    return [(e["field"], e["pointer"]) for e in got["errors"]]


def test_all_that_is_wrong():
    """Of a document with several faults each is named, with its place."""
    c = shared()
    _, got = ask(c, "POST", "/api/devices", {
        "id": "a b", "colour": "x", "maxCalls": "many",
        "codecs": "opus"}, 400)
    must(faults(got), [("colour", "#/colour"), ("maxCalls", "#/maxCalls"),
                       ("codecs", "#/codecs")], "what is no device")
    if not got["detail"].endswith("; and 2 more"):
        raise Mismatch(f"detail: {got['detail']}")
    _, got = ask(c, "POST", "/api/devices", {
        "id": "a b", "maxCalls": 2000000, "codecs": ["mp3", "opus", "gsm"],
        "forward": {"busy": "no number"}}, 400)
    must(sorted(faults(got)), [
        ("codecs[0]", "#/codecs/0"), ("codecs[2]", "#/codecs/2"),
        ("forward.busy", "#/forward/busy"), ("id", "#/id"),
        ("maxCalls", "#/maxCalls"), ("password", "#/password")],
        "what no device may have")
    _, conf = ask(c, "GET", "/api/config")
    conf["settings"]["ringSeconds"] = 99999
    conf["settings"]["iceServers"] = [{"urls": ["http://x"]}]
    conf["devices"] += [{"id": "3101"}, {"id": "1001", "password": "x"}]
    conf["routes"] += [{"id": "r1", "pattern": "[", "order": 1001,
                        "target": {"device": "nobody"}}]
    conf["tokens"] = [{"id": "t", "scopes": ["no:such"]}]
    n, r = len(conf["devices"]), len(conf["routes"]) - 1
    wrong = {"settings.ringSeconds", "settings.iceServers[0].urls",
             f"devices[{n - 2}].password", f"devices[{n - 1}].id",
             f"routes[{r}].pattern", f"routes[{r}].target.device",
             "tokens[0].hash", "tokens[0].scopes[0]"}
    _, got = ask(c, "PUT", "/api/config", conf, 400)
    must({e["field"] for e in got["errors"]}, wrong, "by PUT")
    must({e["pointer"] for e in got["errors"] if "routes" in e["field"]},
         {f"#/routes/{r}/pattern", f"#/routes/{r}/target/device"}, "places")
    _, got = ask(c, "POST", "/api/config/check", conf)
    must((got["valid"], {e["field"] for e in got["errors"]}), (False, wrong),
         "by the check")
    conf["devices"] = [{"id": f"4{i:03}"} for i in range(500)]
    _, got = ask(c, "PUT", "/api/config", conf, 400)
    must(len(got["errors"]), 100, "of more than a hundred")


def said_of(c, path, mb, token):
    """What is answered to the header of a large body: (status, detail)."""
    host, _, port = c.gateways[0].http.rpartition(":")
    link = http.client.HTTPConnection(host, int(port), timeout=10)
    link.putrequest("POST", path)
    link.putheader("Authorization", f"Bearer {token}")
    link.putheader("Content-Type", "application/json")
    link.putheader("Content-Length", str(mb << 20))
    link.endheaders()
    res = link.getresponse()
    got = res.status, json.loads(res.read())["detail"]
    link.close()
    return got


def test_ten_thousand_devices():
    """A document of a real installation fits; what has no end does not."""
    c = shared()
    _, conf = ask(c, "GET", "/api/config")
    conf["devices"] += [
        {"id": f"user-{i:05}", "displayName": f"Somebody of room {i}",
         "password": f"secret of {i}", "codecs": ["opus", "G722", "PCMA"],
         "callerId": f"+4930555{i:05}", "forward": {"noAnswer": "1001"}}
        for i in range(9999)] + [{"id": "2999", "password": "secret of 2999"}]
    size = len(json.dumps(conf))
    if size < 1500000:
        raise Mismatch(f"{size} bytes prove nothing")
    _, got = ask(c, "POST", "/api/config/check", conf)
    must((got["valid"], len(got["changes"])), (True, 10000), "changes")
    was = ask(c, "GET", "/api/config")[1]
    began = time.monotonic()
    head, got = ask(c, "PUT", "/api/config", conf)
    took = time.monotonic() - began
    must(len(got["devices"]), len(conf["devices"]), "devices")
    for gateway in (0, 1):
        wait_for(f"gateway {gateway} has them", lambda g=gateway: request(
            "GET", f"http://{c.gateways[g].http}"
            "/api/config/devices/user-09998", c.token)[0] == 200)
    everywhere = time.monotonic() - began
    with phones() as box:  # routers have them, too
        registers(box, c, "2999", "secret of 2999")
    began = time.monotonic()
    ask(c, "PUT", "/api/config", was)
    print(f"        {size / 1e6:.1f} MB: stored in {took:.2f} s, at each "
          f"gateway after {everywhere:.2f} s; removed in "
          f"{time.monotonic() - began:.2f} s", flush=True)
    if took > 8:
        raise Mismatch(f"it took {took:.1f} s")
    for path, mb, token, status, word in (
            ("/api/devices", 2, c.token, 413, "larger than 1 MB"),
            ("/api/config/check", 17, c.token, 413, "larger than 16 MB"),
            ("/api/config/check", 15, "wrong", 401, "not known")):
        got, detail = said_of(c, path, mb, token)
        if got != status or word not in detail:
            raise Mismatch(f"{mb} MB to {path}: {got} {detail}")


def test_what_others_need():
    """What would not hold any more is in the way, and is named."""
    c = shared()
    ask(c, "PUT", "/api/groups/team", {"members": ["1015"]}, 201)
    _, got = ask(c, "DELETE", "/api/devices/1015", status=409)
    if "groups team" not in got["detail"] or "1015" not in got["detail"]:
        raise Mismatch(f"detail: {got}")
    _, got = ask(c, "DELETE", "/api/providers/loop", status=409)
    if "routes " not in got["detail"]:
        raise Mismatch(f"detail: {got}")
    ask(c, "DELETE", "/api/groups/team", status=204)


def test_merge_patch():
    """RFC 7396: what is not named stays, null removes, secrets stay."""
    c = shared()
    path = "/api/config/devices/2004"
    ask(c, "PUT", path, {"password": "x", "displayName": "Four",
                         "codecs": ["opus", "PCMU"],
                         "forward": {"busy": "1001", "noAnswer": "1002"}},
        201)
    _, got = ask(c, "PATCH", path, {"forward": {"busy": None},
                                    "codecs": ["PCMA"]})
    must((got["displayName"], got["codecs"], got["forward"]["busy"],
          got["forward"]["noAnswer"]),
         ("Four", ["PCMA"], "", "1002"), "patched")
    ask(c, "PUT", path, {"displayName": "Only"})
    _, got = ask(c, "GET", path)
    must((got["displayName"], got["codecs"], "forward" in got and
          got["forward"]), ("Only", [], False), "replaced")
    with phones() as box:
        registers(box, c, "2004", "x")
    ask(c, "DELETE", path, status=204)


# ------------------------------------------------------- several at once

def test_tags():
    """If-Match, If-None-Match: nobody's change is lost."""
    c = shared()
    path = "/api/config/groups/tags"
    head, _ = ask(c, "PUT", path, {"name": "a", "members": ["1001"]}, 201, If_None_Match="*")
    ask(c, "PUT", path, {"members": ["1001"]}, 412, If_None_Match="*")
    first = head["ETag"]
    must(ask(c, "GET", path)[0]["ETag"], first, "the tag of GET")
    ask(c, "GET", path, status=304, If_None_Match=first)
    head, _ = ask(c, "PATCH", path, {"name": "b"}, If_Match=first)
    got, _ = ask(c, "PATCH", path, {"name": "c"}, 412, If_Match=first)
    must(got["ETag"], head["ETag"], "the tag that it has now")
    ask(c, "DELETE", path, status=412, If_Match=first)
    must(ask(c, "GET", path)[1]["name"], "b", "name")
    ask(c, "DELETE", path, status=204, If_Match=head["ETag"])
    ask(c, "PUT", path, {"members": ["1001"]}, 412, If_Match="*")
    a, b = (ask(c, "PATCH", "/api/config/devices/1004", {"password": p})[0]
            for p in ("one", "two"))
    if a["ETag"] == b["ETag"]:
        raise Mismatch("another password has the same tag")
    ask(c, "PATCH", "/api/config/devices/1004", {"password": "demo-1004"})


def test_many_editors():
    """Twelve editors at two gateways at once: all of it is there, and of two
    who change the same version of one item, one is told."""
    c = shared()
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda i: ask(
            c, "PUT", f"/api/config/groups/many-{i}", 
            {"name": str(i), "members": ["1001"]}, 201,
            gateway=i % 2), range(12)))
        tag = ask(c, "GET", "/api/config/groups/many-0")[0]["ETag"]
        codes = list(pool.map(lambda i: request(
            "PATCH", f"http://{c.gateways[i % 2].http}"
            "/api/config/groups/many-0", c.token, {"name": f"x{i}"},
            {"If-Match": tag})[0], range(6)))
    must(sorted(codes), [200, 412, 412, 412, 412, 412], "six at one")
    _, got = ask(c, "GET", "/api/config/groups?limit=20")
    names = {g["id"]: g["name"] for g in got["items"]}
    must([names.get(f"many-{i}") for i in range(1, 12)],
         [str(i) for i in range(1, 12)], "groups")
    for i in range(12):
        ask(c, "DELETE", f"/api/groups/many-{i}", status=204)


def test_pages():
    """Lists in order of their ids, page by page."""
    c = shared()
    seen, cursor = [], ""
    while True:
        head, got = ask(c, "GET",
                        f"/api/config/devices?limit=7&cursor={cursor}")
        seen += [d["id"] for d in got["items"]]
        cursor = got["nextCursor"]
        if not cursor:
            break
    must(seen, [str(n) for n in range(1001, 1021)], "devices")
    ask(c, "GET", "/api/config/devices", status=304,
        If_None_Match=head["ETag"])


def test_by_grpc():
    """The same by its gRPC methods; a patch is what a message sets."""
    c = shared()
    service = "switchyard.v1.Configuration"
    with Client(c.gateways[0].http, c.token) as g:
        g.must(f"{service}/CreateDevice", {"body": {
            "id": "2005", "display_name": "Five", "password": "x",
            "max_calls": 3}})
        got = g.must(f"{service}/UpdateDevice", {
            "id": "2005", "body": {"display_name": "Fünf"}})
        must((got["display_name"], got["max_calls"], got["password"]),
             ("Fünf", 3, ""), "patched")
        # A mask sets what a message cannot say: that something is not there.
        got = g.must(f"{service}/UpdateDevice", {
            "id": "2005", "body": {"caller_id": "2005"},
            "update_mask": {"paths": ["max_calls", "display_name",
                                      "forward.no_answer"]}})
        must((got["display_name"], got["max_calls"], got["caller_id"]),
             ("", 0, ""), "masked")
        got = g.call(f"{service}/UpdateDevice", {
            "id": "2005", "body": {},
            "update_mask": {"paths": ["max_calls", "no.such"]}})
        if got["code"] != "INVALID_ARGUMENT" or \
                "no.such" not in got["details"]:
            raise Mismatch(f"a mask that names no field: {got}")
        # Another member of a oneof takes the place of the one that is set.
        g.must(f"{service}/CreateRoute", {"body": {
            "id": "masked", "order": 998, "pattern": "4446",
            "target": {"echo": True}}})
        got = g.must(f"{service}/UpdateRoute", {
            "id": "masked", "body": {"target": {"conference": "x"}}})
        must((got["target"]["conference"], got["pattern"]), ("x", "4446"),
             "another target")
        g.must(f"{service}/RemoveRoute", {"id": "masked"})
        got = g.must(f"{service}/ListDevices", {"limit": 2})
        must([d["id"] for d in got["items"]], ["1001", "1002"], "a page")
        got = g.must(f"{service}/ProbeRoute", {"number": "600"})
        must((got["route"], got["destination"]["echo"]), ("echo", True),
             "probe")
        got = g.must(f"{service}/Get")
        must([d["ha1_md5"] for d in got["devices"] if d["id"] == "2005"],
             [""], "the whole")
        g.must(f"{service}/RemoveDevice", {"id": "2005"})
        must([d["id"] for d in g.must("switchyard.v1.Devices/List", {
            "limit": 1000})["items"] if d["id"] > "2"], [], "devices")


# ------------------------------------------------------------ all of it

def test_whole():
    """GET is what PUT takes: secrets stay, nothing changes; the check says
    what would change; who looked at an older revision is told."""
    c = shared()
    head, conf = ask(c, "GET", "/api/config")
    if "ha1" in str(conf) or "password" in str(conf):
        raise Mismatch("a secret is shown")
    again, _ = ask(c, "PUT", "/api/config", conf)
    must(again["ETag"], head["ETag"], "the revision when nothing changes")
    ask(c, "GET", "/api/config", status=304, If_None_Match=head["ETag"])

    new = {**conf, "devices": [d for d in conf["devices"]
                               if d["id"] != "1020"]}
    new["devices"].append({"id": "3001", "password": "x"})
    new["devices"][0] = {**new["devices"][0], "displayName": "First",
                         "password": "demo-1001", "maxCalls": 2}
    _, got = ask(c, "POST", "/api/config/check", new)
    must((got["valid"], got["errors"]), (True, []), "valid")
    must([(x["section"], x["id"], x["change"], sorted(x["fields"]))
          for x in got["changes"]],
         [("devices", "1001", "change", ["displayName", "maxCalls"]),
          ("devices", "1020", "remove", []),
          ("devices", "3001", "add", [])], "changes")
    must(ask(c, "GET", "/api/config")[0]["ETag"], head["ETag"],
         "the revision after a check")
    ask(c, "PATCH", "/api/config/devices/1002", {"displayName": "x"})
    ask(c, "PUT", "/api/config", new, 412, If_Match=head["ETag"])
    ask(c, "PUT", "/api/config", new)
    ask(c, "GET", "/api/config/devices/1020", status=404)
    with phones() as box:
        for user, password in (("1001", "demo-1001"), ("1002", "demo-1002")):
            registers(box, c, user, password)
    ask(c, "PUT", "/api/config", conf, 400)  # 1020 has no password now
    conf["devices"] = [{**d, "password": f"demo-{d['id']}"}
                       for d in conf["devices"]]
    ask(c, "PUT", "/api/config", conf)


def test_secrets_of_turn_servers():
    """They are taken, never shown, and stay when all is put back."""
    c = shared()
    path = "/api/config/settings"
    _, got = ask(c, "PATCH", path, {"iceServers": [
        {"urls": ["turn:turn.example.com"], "secret": "s3cret"}]})
    must((got["iceSecrets"], got["iceServers"][0]["secret"]), ([], ""),
         "what is shown")
    tag = ask(c, "GET", path)[0]["ETag"]
    _, conf = ask(c, "GET", "/api/config")
    if "iceSecrets" in conf["settings"] or "s3cret" in str(conf):
        raise Mismatch(f"a secret is shown: {conf['settings']}")
    ask(c, "PUT", "/api/config", conf)
    must(ask(c, "GET", path)[0]["ETag"], tag, "the settings with their secret")
    # Given again it is no change, by either way; another one is.
    ask(c, "PATCH", path, {"iceServers": [
        {"urls": ["turn:turn.example.com"], "secret": "s3cret"}]})
    must(ask(c, "GET", path)[0]["ETag"], tag, "the same secret by PATCH")
    for secret, fields in (("s3cret", []), ("other", [["iceServers"]])):
        conf["settings"]["iceServers"][0]["secret"] = secret
        _, got = ask(c, "POST", "/api/config/check", conf)
        must([x["fields"] for x in got["changes"]], fields, secret)
    del conf["settings"]["iceServers"][0]["secret"]
    conf["settings"]["ringSeconds"] = 50
    ask(c, "PUT", "/api/config", conf)
    ask(c, "PATCH", path, {"ringSeconds": None})
    must(ask(c, "GET", path)[0]["ETag"], tag, "the settings as they were")
    # It is removed alone; the word for that is not kept.
    bare = {"urls": ["turn:turn.example.com"], "noSecret": True}
    _, got = ask(c, "PATCH", path, {"iceServers": [
        {**bare, "secret": "x"}]}, 400)
    must(fault(got), ("iceServers[0].noSecret", "is there beside a secret"),
         "both at once")
    must(ask(c, "GET", path)[0]["ETag"], tag, "unchanged")
    conf = ask(c, "GET", "/api/config")[1]
    conf["settings"]["iceServers"] = [bare]
    _, got = ask(c, "POST", "/api/config/check", conf)
    must([x["fields"] for x in got["changes"]], [["iceServers"]], "a check")
    head, got = ask(c, "PATCH", path, {"iceServers": [bare]})
    must(got["iceServers"][0]["noSecret"], False, "shown")
    if head["ETag"] == tag:
        raise Mismatch("its secret is there still")
    head, got = ask(c, "PATCH", path, {"iceServers": [bare]},
                    If_Match=head["ETag"])
    must(ask(c, "PATCH", path, {"iceServers": [
        {"urls": bare["urls"]}]})[0]["ETag"], head["ETag"], "none to keep")
    ask(c, "PATCH", path, {"iceServers": []})


def test_whole_that_is_wrong():
    """Another realm needs all passwords; errors have their path."""
    c = shared()
    _, conf = ask(c, "GET", "/api/config")
    other = {**conf, "settings": {**conf["settings"], "realm": "other"}}
    _, got = ask(c, "PUT", "/api/config", other, 400)
    must(fault(got)[0], "devices[0].password", "field")
    _, got = ask(c, "POST", "/api/config/check", other)
    must((got["valid"], got["errors"][0]["field"]),
         (False, "devices[0].password"), "check")
    _, got = ask(c, "POST", "/api/config/check",
                 {**conf, "routes": [{"id": "x", "pattern": "[", "target":
                                      {"echo": True}}]})
    must(got["errors"][0]["field"], "routes[0].pattern", "field")


def test_other_gateway():
    """What is changed at one gateway is soon at the other."""
    c = shared()
    ask(c, "PUT", "/api/routes/far", {"order": 999, "pattern": "444", "target":
                                      {"echo": True}}, 201, gateway=1)
    wait_for("the other gateway has it", lambda: request(
        "GET", f"http://{c.gateways[0].http}/api/routes/far",
        c.token)[0] == 200)
    ask(c, "DELETE", "/api/routes/far", status=204)


# -------------------------------------------------------------- what is

def test_probe():
    """Which rule a number takes, and why not the others."""
    c = shared()
    probe = "/api/routes/probe?number={}&from={}"
    _, got = ask(c, "GET", probe.format("1002", "device:1001"))
    must((got["matched"], got["route"], got["destination"]),
         (True, "phones", {"device": "1002"}), "a phone")
    _, got = ask(c, "GET", probe.format("701", "device:1001"))
    must((got["route"], [(t["trunk"], t["called"], t["caller"])
                         for t in got["trunks"]]),
         ("loop-out", [("loop", "701", "1001")]), "a trunk")
    must(got["tried"][-1]["route"], "loop-out", "the last one tried")
    _, got = ask(c, "GET", probe.format("701", "trunk:loop"))
    must((got["matched"], {t["why"] for t in got["tried"]}),
         (False, {"it is for other callers",
                  "the number does not match its pattern"}), "why not")
    _, got = ask(c, "GET", probe.format("1999", "device:1001"))
    must(got["matched"], False, "a device that is not there")
    for query in ("number=", "from=api", "number=1&from=nobody",
                  "number=1&from=device:nobody"):
        ask(c, "GET", f"/api/routes/probe?{query}", status=400)
    ask(c, "PATCH", "/api/config/providers/loop", {
        "countryCode": "49", "nationalPrefix": "0",
        "internationalPrefix": "00", "numberFormat": "national",
        "numbers": [{"first": "+493055500", "last": "+493055599",
                     "target": {"device": "10$1"}}],
        "defaultNumber": "+493055500"})
    _, got = ask(c, "GET", probe.format("03055502", "trunk:loop"))
    must((got["called"], got["rule"], got["destination"]),
         ("+493055502", "a number of trunk loop", {"device": "1002"}),
         "a number of the trunk")
    ask(c, "PATCH", "/api/config/routes/loop-out", {
        "pattern": "+49.", "target": {"external": {"number": "$0"}}})
    _, got = ask(c, "GET", probe.format("%2B4989123", "device:1001"))
    must([(t["called"], t["caller"]) for t in got["trunks"]],
         [("089123", "03055500")], "as the trunk writes numbers")


def test_devices_with_their_calls():
    c = shared()
    with phones() as box:
        for user in ("1005", "1006"):
            phone(box, c, user)
        _, got = ask(c, "GET", "/api/devices?limit=1000")
        seen = {d["id"]: (d["contacts"], d["calls"]) for d in got["items"]}
        must((seen["1005"], seen["1006"], seen["1007"]),
             ((1, 0), (1, 0), (0, 0)), "contacts and calls")
        made = c.api("POST", "/api/calls", {"from": "1005", "to": "600"})
        box.expect("established", phone="1005")
        _, got = ask(c, "GET", "/api/devices?limit=2&cursor=1004")
        must([(d["id"], d["calls"]) for d in got["items"]],
             [("1005", 1), ("1006", 0)], "a page")
        must(got["nextCursor"], "1006", "the next page")
        ask(c, "DELETE", f"/api/calls/{made['id']}", status=204)
        box.expect("closed", phone="1005")
