# SPDX-License-Identifier: MIT
"""What is secret is nowhere in Redis: not as it is, and, where people have
chosen it, not as a hash that can be looked up in a table either."""

import base64
import hashlib
import json

from harness import Mismatch, cluster, must, request, wait_for

FIRST = "velvet tram 4711 quietly"
SECOND = "quiet hedge 1147 running"
THIRD = "amber stone 2290 walking"
WRONG = "nobody has this one 5512"


def flat(value):
    """What a command answered, as bytes with a mark between two values."""
    if isinstance(value, list):
        return b"\0".join(flat(v) for v in value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    return str(value).encode()


READ = {
    "string": ("GET", ()), "hash": ("HGETALL", ()), "set": ("SMEMBERS", ()),
    "list": ("LRANGE", ("0", "-1")),
    "zset": ("ZRANGE", ("0", "-1", "WITHSCORES")),
    "stream": ("XRANGE", ("-", "+")),
}


def dump(c):
    """All that Redis holds: {key: bytes}."""
    got = {}
    for key in c.redis_command("KEYS", "*"):
        kind = c.redis_command("TYPE", key)
        if kind == "none":
            continue  # it has lapsed
        word, more = READ[kind]
        got[key] = flat(key) + b"\0" + flat(c.redis_command(word, key, *more))
    return got


def spellings(data):
    """Bytes as people write them down."""
    plain = base64.b64encode(data).rstrip(b"=")
    return {"raw": data, "hex": data.hex().encode(),
            "HEX": data.hex().upper().encode(), "base64": plain,
            "base64url": plain.replace(b"+", b"-").replace(b"/", b"_")}


def traces(text, hashes):
    """What shall be nowhere: [(what it is, bytes)]."""
    data = text.encode() if isinstance(text, str) else text
    out = list(spellings(data).items())
    for name in hashes:
        out += [(f"{name} {how}", v) for how, v in
                spellings(hashlib.new(name, data).digest()).items()]
    return out


LOOKED_UP = ("md5", "sha1", "sha256", "sha512")
OF_RANDOM = ("md5", "sha1")  # SHA-256 of what is random tells nothing


def ask(c, method, path, body=None, wanted=200, token=None, **head):
    status, answer, got = request(
        method, f"http://{c.gateways[0].http}{path}", token or c.token, body,
        {k.replace("_", "-"): v for k, v in head.items()})
    must(status, wanted, f"{method} {path}: {got}")
    return answer, got


def login(c, user, password):
    return request("POST", f"http://{c.gateways[0].http}/api/session",
                   body={"user": user, "password": password})


def make_all(c):
    """Each thing that has a secret, by each way in: (chosen, random)."""
    chosen = {"the administrator's password": c.admin_password,
              "the cluster's key": c.cluster_key}
    random = {"the administrator's token": c.token}

    # A user, by a key to send again; twice another password; a wrong one.
    body = {"id": "dora", "displayName": "Dora Dumped", "role": "OPERATOR",
            "password": FIRST}
    for _ in range(2):
        ask(c, "POST", "/api/users", body, 201, Idempotency_Key="key-dora-1")
    ask(c, "PATCH", "/api/users/dora", {"password": SECOND})
    must(login(c, "dora", WRONG)[0], 401, "a wrong password")
    status, head, got = login(c, "dora", SECOND)
    must(status, 201, "log in")
    cookie = head["Set-Cookie"].split(";")[0]
    random["a session"] = cookie.partition("=")[2].partition(".")[2]
    random["a CSRF token"] = got["csrfToken"]
    status = request(
        "POST", f"http://{c.gateways[0].http}/api/session/password",
        body={"old": SECOND, "new": THIRD},
        headers={"Cookie": cookie, "X-CSRF-Token": got["csrfToken"]})[0]
    must(status, 204, "another password")
    chosen.update({"a first password": FIRST, "a second one": SECOND,
                   "a third one": THIRD, "one that was tried": WRONG})

    # Tokens, lasting and not; also asked for twice.
    _, got = ask(c, "POST", "/api/tokens", {
        "name": "lasting", "scopes": ["calls:read"]}, 201,
        Idempotency_Key="key-token-1")
    lasting = random["a token"] = got["token"]
    ask(c, "GET", "/api/calls", token=got["token"])
    _, got = ask(c, "POST", "/api/tokens", {
        "scopes": ["phone"], "device": "1001", "expiresInSeconds": 600}, 201)
    random["a phone's token"] = got["token"]
    random["its secret"] = got["token"].rpartition(".")[2]

    # What signs, and what others must be told.
    _, got = ask(c, "POST", "/api/webhooks", {
        "url": "http://127.0.0.1:9/", "events": ["BANNED"]}, 201,
        Idempotency_Key="key-webhook-1")
    random["a webhook's secret"] = got["secret"]
    ask(c, "POST", "/api/bans", {"source": "192.0.2.1", "seconds": 60}, 201)
    ask(c, "POST", "/api/devices", {"id": "2001", "password": "Device-4711"},
        201, Idempotency_Key="key-device-1")
    ask(c, "POST", "/api/providers", {
        "id": "acme", "target": "127.0.0.1:9", "username": "u",
        "password": "Provider-4711"}, 201, Idempotency_Key="key-trunk-1")
    ask(c, "PATCH", "/api/config/settings", {"iceServers": [
        {"urls": ["turn:127.0.0.1:9"], "secret": "Turn-4711"}]})
    chosen.update({"a device's password": "Device-4711",
                   "a provider's": "Provider-4711",
                   "a TURN server's secret": "Turn-4711"})
    return chosen, random, lasting, body


def test_nothing_plain_in_redis():
    with cluster(nodes=1) as c:
        chosen, random, lasting, body = make_all(c)
        # The rest of it is known: by its hash one could try passwords.
        chosen["the body that makes a user"] = json.dumps(body)
        wait_for("the delivery was tried", lambda: any(
            k.startswith("sy:{acct}:hook:") for k in
            c.redis_command("KEYS", "*")))
        held = dump(c)
        # The dump sees what is there: a name, and what may be there.
        everything = b"\n".join(held.values())
        for what, data in (
                ("a name", b"Dora Dumped"),
                ("a token's hash",
                 hashlib.sha256(lasting.encode()).hexdigest().encode()),
                ("a password's", b"$argon2id$")):
            if data not in everything:
                raise Mismatch(f"{what} is not in the dump, so it proves "
                               "nothing")
        found = [
            f"{what} ({how}) in {key}"
            for secrets, hashes in ((chosen, LOOKED_UP), (random, OF_RANDOM))
            for what, text in secrets.items()
            for how, data in traces(text, hashes)
            for key, value in held.items() if data in value]
        if found:
            raise Mismatch("; ".join(found[:10]))
        print(f"        {len(held)} keys, {len(everything)} bytes; "
              f"{len(chosen) + len(random)} secrets are in none")
