# SPDX-License-Identifier: MIT
"""Users, sessions and tokens, at two gateways: who may do what, and that it
ends when it should."""

import json
import signal
import time

from harness import Mismatch, Shared, cluster, must, request, wait_for

PASSWORD = "velvet tram 4711 quietly"
OTHER = "quiet hedge 1147 running"

shared = Shared(nodes=1, gateways=2)
finish = shared.finish


class Browser:
    """Keeps the cookie and the CSRF token, as our pages do."""

    def __init__(self, c, user=None, password=PASSWORD, gateway=0):
        self.c, self.gateway = c, gateway
        self.cookie = self.csrf = self.session = None
        if user:
            status, _, body = self.login(user, password)
            must(status, 201, f"login of {user}: {body}")

    def login(self, user, password, **headers):
        status, head, body = self.ask("POST", "/api/session",
                                      {"user": user, "password": password},
                                      **headers)
        if status == 201:
            self.set_cookie = head["Set-Cookie"]
            self.cookie = self.set_cookie.split(";")[0]
            self.csrf, self.session = body["csrfToken"], body
        return status, head, body

    def ask(self, method, path, body=None, gateway=None, csrf=True, **headers):
        head = {k.replace("_", "-"): v for k, v in headers.items()}
        if self.cookie:
            head["Cookie"] = self.cookie
        if csrf and self.csrf:
            head["X-CSRF-Token"] = self.csrf
        at = self.c.gateways[self.gateway if gateway is None else gateway]
        return request(method, f"http://{at.http}{path}", body=body,
                       headers=head)

    def status(self, method, path, body=None, **kw):
        return self.ask(method, path, body, **kw)[0]


def admin(c, gateway=0):
    return Browser(c, "admin", c.admin_password, gateway)


def as_token(c, token, method, path, body=None, gateway=0):
    return request(method, f"http://{c.gateways[gateway].http}{path}",
                   token=token, body=body)


def add_user(a, name, role="OPERATOR", **more):
    status, head, body = a.ask("POST", "/api/users", {
        "id": name, "role": role, "password": PASSWORD, **more})
    must(status, 201, f"making {name}: {body}")
    must(head["Location"], f"/api/users/{name}", "Location")
    return body


def test_session():
    """Log in, be known at every gateway, log out; what the cookie says."""
    c = shared()
    must(Browser(c).status("GET", "/api/session"), 401, "nobody")
    b = admin(c)
    for word in ("HttpOnly", "SameSite=Strict", "Path=/"):
        if word not in b.set_cookie:
            raise Mismatch(f"cookie without {word}: {b.set_cookie}")
    must(b.session["role"], "ADMIN", "role")
    must(b.session["scopes"], ["*"], "scopes")
    for gateway in (0, 1):
        status, _, body = b.ask("GET", "/api/session", gateway=gateway)
        must((status, body["user"], body["csrfToken"]),
             (200, "admin", b.csrf), f"session at gateway {gateway}")
    listed = b.ask("GET", "/api/sessions?user=admin")[2]["items"]
    must([s["id"] for s in listed if s["current"]], [b.session["id"]],
         "current session")
    must(b.status("DELETE", "/api/session"), 204, "logout")
    for gateway in (0, 1):
        wait_for("the session is over everywhere", lambda g=gateway:
                 b.status("GET", "/api/session", gateway=g) == 401, 2)


def test_cross_site():
    """The cookie alone does nothing, nor does a page of another site."""
    c = shared()
    b = admin(c)
    new = {"id": "mallory", "role": "ADMIN", "password": PASSWORD}
    own = f"http://{c.gateways[0].http}"
    for what, kw in (("no token", {"csrf": False}),
                     ("another token", {"csrf": False,
                                        "X_CSRF_Token": "0" * 32}),
                     ("another site", {"Sec_Fetch_Site": "cross-site"}),
                     ("a sister site", {"Sec_Fetch_Site": "same-site"}),
                     ("another origin", {"Origin": "http://evil.example"}),
                     ("no origin", {"Origin": "null"})):
        status, _, body = b.ask("POST", "/api/users", new, **kw)
        must((status, body["type"]), (403, "urn:switchyard:problem:csrf"),
             what)
    must(b.status("GET", "/api/users", csrf=False), 200, "reading")
    must(b.status("GET", "/api/users/mallory"), 404, "nobody was made")
    must(b.status("PATCH", "/api/users/admin", {"displayName": "Ada"},
                  Origin=own, Sec_Fetch_Site="same-origin"), 200, "our page")
    must(Browser(c).login("admin", c.admin_password,
                          Origin="http://evil.example")[0], 403,
         "log in from another site")


def test_users():
    """Made, shown, changed, removed; what is refused, and why."""
    c = shared()
    a = admin(c)
    made = add_user(a, "olga", displayName="Olga", device="1001")
    if "password" in made or made["role"] != "OPERATOR":
        raise Mismatch(f"made: {made}")
    for what, body, field in (
            ("exists", {"id": "olga"}, None),
            ("name", {"id": "o lga"}, "id"),
            ("role", {"id": "x1", "role": "ROLE_UNKNOWN"}, "role"),
            ("device", {"id": "x1", "device": "4242"}, "device"),
            ("short", {"id": "x1", "password": "short"}, "password"),
            ("his name", {"id": "johanna", "password": "Johanna-4711-x"},
             "password"),
            ("well known", {"id": "x1", "password": "Password12345678"},
             "password"),
            ("repeated", {"id": "x1", "password": "abababababab"},
             "password")):
        status, _, got = a.ask("POST", "/api/users", {
            "role": "AGENT", "password": PASSWORD, **body})
        if field is None:
            must(status, 409, what)
        else:
            must((status, got["errors"][0]["field"]), (400, field), what)
    shown = a.ask("GET", "/api/users/olga")[2]
    if "lastLoginAt" in shown:
        raise Mismatch(f"she has not logged in: {shown}")
    Browser(c, "olga", gateway=1)
    wait_for("she has logged in", lambda: a.ask(
        "GET", "/api/users/olga")[2].get("lastLoginAt"), 2)
    page = a.ask("GET", "/api/users?limit=1")[2]
    rest = a.ask("GET", f"/api/users?cursor={page['nextCursor']}")[2]
    names = [u["id"] for u in page["items"] + rest["items"]]
    must(names, sorted(names), "pages")
    if "olga" not in names or "admin" not in names:
        raise Mismatch(f"pages: {names}")
    must(a.status("DELETE", "/api/users/olga"), 204, "removed")
    must(a.status("DELETE", "/api/users/olga"), 404, "removed again")
    must(Browser(c).login("olga", PASSWORD)[0], 401, "she is gone")


def test_last_admin():
    """Somebody must be able to log in and put things right."""
    c = shared()
    a = admin(c)
    for method, body in (("DELETE", None), ("PATCH", {"role": "AGENT"}),
                         ("PATCH", {"disabled": True})):
        status, _, got = a.ask(method, "/api/users/admin", body)
        must((status, got["type"]),
             (409, "urn:switchyard:problem:last-admin"), f"{method} {body}")
    add_user(a, "second", "ADMIN")
    must(a.status("PATCH", "/api/users/second", {"disabled": True}), 200,
         "the second goes")
    must(a.status("DELETE", "/api/users/admin"), 409, "the last again")
    must(a.status("DELETE", "/api/users/second"), 204, "removed")


def test_nobody_gives_more_than_he_has():
    c = shared()
    a = admin(c)
    token = a.ask("POST", "/api/tokens", {
        "name": "people", "scopes": ["users:read", "users:write",
                                     "tokens:write", "phone"]})[2]["token"]
    for role, wanted in (("ADMIN", 403), ("OPERATOR", 403), ("AGENT", 201)):
        status = as_token(c, token, "POST", "/api/users", {
            "id": "nn", "role": role, "password": PASSWORD})[0]
        must(status, wanted, f"to make one of role {role}")
    must(as_token(c, token, "PATCH", "/api/users/admin",
                  {"password": PASSWORD})[0], 403, "an admin's password")
    must(as_token(c, token, "PATCH", "/api/users/nn",
                  {"role": "OPERATOR"})[0], 403, "a higher role")
    must(as_token(c, token, "DELETE", "/api/users/admin")[0], 403, "an admin")
    must(as_token(c, token, "POST", "/api/tokens",
                  {"scopes": ["calls:read"]})[0], 403, "a scope it lacks")
    must(as_token(c, token, "POST", "/api/tokens",
                  {"scopes": ["*"]})[0], 403, "every scope")
    must(as_token(c, token, "POST", "/api/tokens",
                  {"scopes": ["users:read"]})[0], 201, "a scope it has")
    must(a.status("DELETE", "/api/users/nn"), 204, "removed")


def test_roles():
    """An operator works, an agent has a phone."""
    c = shared()
    a = admin(c)
    add_user(a, "op")
    add_user(a, "ag", "AGENT", device="1002")
    op, ag = Browser(c, "op"), Browser(c, "ag", gateway=1)
    must(ag.session["scopes"], ["phone"], "scopes of an agent")
    must(ag.session["device"], "1002", "device of an agent")
    for path, wanted in (("/api/nodes", (200, 403)),
                         ("/api/calls", (200, 403)),
                         ("/api/users", (403, 403)),
                         ("/api/tokens", (403, 403)),
                         ("/api/session", (200, 200))):
        must((op.status("GET", path), ag.status("GET", path)), wanted, path)
    # A change of role counts at once, and ends his sessions.
    must(a.status("PATCH", "/api/users/op", {"role": "AGENT"}), 200, "change")
    for gateway in (0, 1):
        wait_for("his sessions have ended", lambda g=gateway: op.status(
            "GET", "/api/session", gateway=g) == 401, 2)
    must(a.status("PATCH", "/api/users/ag", {"disabled": True}), 200,
         "disable")
    wait_for("his sessions have ended",
             lambda: ag.status("GET", "/api/session") == 401, 2)
    must(Browser(c).login("ag", PASSWORD)[0], 403, "a disabled user")
    # One who is removed and made anew does not come back by an old cookie.
    must(a.status("DELETE", "/api/users/op"), 204, "removed")
    add_user(a, "op")
    must(op.status("GET", "/api/session"), 401, "an old cookie")


def test_own_password():
    """It takes the old one; one's other sessions end, this one goes on."""
    c = shared()
    a = admin(c)
    add_user(a, "pia")
    one, two = Browser(c, "pia"), Browser(c, "pia", gateway=1)
    must(one.status("PATCH", "/api/users/pia", {"password": OTHER}), 403,
         "without the scope")
    must(a.status("PATCH", "/api/users/admin", {"password": OTHER}), 409,
         "one's own without the old one")
    for old, new, wanted in (("wrong", OTHER, 403), (PASSWORD, "pia", 400),
                             (PASSWORD, OTHER, 204)):
        must(one.status("POST", "/api/session/password",
                        {"old": old, "new": new}), wanted, f"{old} {new}")
    must(one.status("GET", "/api/session"), 200, "this one goes on")
    wait_for("it goes on at the other gateway", lambda: one.status(
        "GET", "/api/session", gateway=1) == 200, 2)
    wait_for("the other one has ended",
             lambda: two.status("GET", "/api/session") == 401, 2)
    must(Browser(c).login("pia", PASSWORD)[0], 401, "the old password")
    must(Browser(c).login("pia", OTHER)[0], 201, "the new one")
    # An administrator ends a session of somebody else; she cannot.
    must(one.status("DELETE", f"/api/sessions/{a.session['id']}"), 404,
         "another's session")
    must(a.status("DELETE", f"/api/sessions/{one.session['id']}"), 204, "ended")
    must(one.status("GET", "/api/session"), 401, "it has ended")


def test_tokens():
    """Shown once, kept hashed, revoked at all gateways at once."""
    c = shared()
    a = admin(c)
    status, head, made = a.ask("POST", "/api/tokens", {
        "name": "ci", "scopes": ["calls:read", "nodes:read"]})
    must(status, 201, "made")
    must(head["Location"], f"/api/tokens/{made['id']}", "Location")
    token = made["token"]
    if not token.startswith("sy_"):
        raise Mismatch(f"token: {token}")
    wait_for("the other gateway knows it", lambda: as_token(
        c, token, "GET", "/api/nodes", gateway=1)[0] == 200, 2)
    must(as_token(c, token, "POST", "/api/nodes/node-1/drain")[0], 403,
         "a scope it lacks")
    wrong = token[:-1] + ("0" if token[-1] == "1" else "1")
    must(as_token(c, wrong, "GET", "/api/nodes")[0], 401, "another token")
    shown = a.ask("GET", f"/api/tokens/{made['id']}")[2]
    if shown.get("token") or not shown.get("lastUsedAt"):
        raise Mismatch(f"shown: {shown}")
    must(a.ask("PATCH", f"/api/tokens/{made['id']}",
               {"scopes": ["calls:read"]})[2]["scopes"], ["calls:read"],
         "changed")
    for gateway in (0, 1):
        wait_for("it may less", lambda g=gateway: as_token(
            c, token, "GET", "/api/nodes", gateway=g)[0] == 403, 2)
    must(a.status("DELETE", f"/api/tokens/{made['id']}"), 204, "revoked")
    must(as_token(c, token, "GET", "/api/calls")[0], 401, "revoked here")
    wait_for("revoked there", lambda: as_token(
        c, token, "GET", "/api/calls", gateway=1)[0] == 401, 2)
    for body, field in (({"scopes": []}, "scopes"),
                        ({"scopes": ["x:y"]}, "scopes[0]"),
                        ({"scopes": ["phone"]}, "device"),
                        ({"scopes": ["phone"], "device": "4242"}, "device"),
                        ({"scopes": ["*"], "expiresInSeconds": 1},
                         "expiresInSeconds")):
        status, _, got = a.ask("POST", "/api/tokens", body)
        must((status, got["errors"][0]["field"]), (400, field), body)


def faults(got):
    return [e["field"] for e in got[2].get("errors", [])], got[0]


def test_all_that_is_wrong():
    """Of a body with several faults each is named, with its field."""
    c = shared()
    a = admin(c)
    must(faults(a.ask("POST", "/api/users", {
        "id": "o lga", "displayName": "a\nb", "device": "4242",
        "password": "short"})), (["id", "displayName", "role", "device",
                                  "password"], 400), "a user")
    add_user(a, "several", "AGENT")
    must(faults(a.ask("PATCH", "/api/users/several", {
        "displayName": "a\nb", "device": "4242", "password": "short"})),
        (["displayName", "device", "password"], 400), "a change of a user")
    must(faults(a.ask("POST", "/api/tokens", {
        "name": "a\nb", "scopes": ["calls:read", "x:y", "z"],
        "device": "4242", "expiresInSeconds": 1})),
        (["name", "scopes[1]", "scopes[2]", "device", "expiresInSeconds"],
         400), "a token")
    made = a.ask("POST", "/api/tokens", {"scopes": ["calls:read"]})[2]
    must(faults(a.ask("PATCH", f"/api/tokens/{made['id']}", {
        "name": "a\nb", "scopes": ["x:y"], "device": "4242",
        "expiresAt": "2020-01-01T00:00:00Z"})),
        (["name", "scopes[0]", "device", "expiresAt"], 400),
        "a change of a token")
    b = Browser(c, "several")
    must(faults(b.ask("POST", "/api/session/password", {"new": "short"})),
         (["old", "new"], 400), "another password")
    must(a.status("DELETE", "/api/users/several"), 204, "removed")
    must(a.status("DELETE", f"/api/tokens/{made['id']}"), 204, "revoked")


def answers(c, token, path, wanted, what):
    """Soon, at both gateways."""
    for gateway in (0, 1):
        wait_for(f"{what}, at gateway {gateway}", lambda g=gateway: as_token(
            c, token, "GET", path, gateway=g)[0] == wanted, 2)


def test_tokens_end_with_their_maker():
    """What a user made may no more than he may himself, at once: not when he
    is locked out, has less to say, or is gone; nor does it come to life again
    with another of his name."""
    c = shared()
    a = admin(c)
    add_user(a, "tina", role="ADMIN", device="1003")
    tina = Browser(c, "tina")
    made = tina.ask("POST", "/api/tokens", {"name": "hers", "scopes": ["*"]})
    lasting = made[2]["token"]
    passing = tina.ask("POST", "/api/tokens", {
        "scopes": ["phone"], "device": "1003",
        "expiresInSeconds": 600})[2]["token"]
    answers(c, lasting, "/api/users", 200, "hers is known")
    # By way of her token: hers, too.
    child = as_token(c, lasting, "POST", "/api/tokens", {
        "name": "of hers", "scopes": ["nodes:read", "users:read"]})[2]["token"]
    answers(c, child, "/api/users", 200, "that of her token is known")
    # It is hers still when that token is gone.
    spare = as_token(c, lasting, "POST", "/api/tokens", {
        "name": "spare", "scopes": ["*"]})[2]
    must(spare["createdBy"], "user:tina", "whose it is")
    grandchild = as_token(c, spare["token"], "POST", "/api/tokens", {
        "name": "of that", "scopes": ["nodes:read"]})[2]["token"]
    must(a.status("DELETE", f"/api/tokens/{spare['id']}"), 204, "revoked")
    answers(c, passing, "/api/session", 200, "a phone's is known")
    must(a.status("PATCH", "/api/users/tina", {"role": "OPERATOR"}), 200,
         "less to say")
    answers(c, lasting, "/api/users", 403, "hers may less")
    answers(c, child, "/api/users", 403, "that of hers may less")
    answers(c, lasting, "/api/nodes", 200, "what she may herself it may")
    must(a.status("PATCH", "/api/users/tina", {"disabled": True}), 200,
         "locked out")
    for token in (lasting, child, grandchild, passing):
        answers(c, token, "/api/session", 401, "locked out")
    must(a.status("PATCH", "/api/users/tina", {"disabled": False}), 200,
         "let in again")
    answers(c, lasting, "/api/nodes", 200, "hers is back")
    must(a.status("DELETE", "/api/users/tina"), 204, "removed")
    for token in (lasting, child, grandchild, passing):
        must(as_token(c, token, "GET", "/api/session")[0], 401, "at once")
        answers(c, token, "/api/session", 401, "she is gone")
    wait_for("hers is listed no more", lambda: made[2]["id"] not in [
        t["id"] for t in a.ask("GET", "/api/tokens?limit=1000")[2]["items"]])


def test_phone_tokens():
    """Short-lived ones are made by the thousand, and end by themselves."""
    c = shared()
    before = c.redis_command("HGET", "sy:{acct}", "revision")
    body = {"scopes": ["phone"], "device": "1001", "expiresInSeconds": 3600}
    made = [as_token(c, c.token, "POST", "/api/tokens", body)[2]
            for _ in range(20)]
    must(c.redis_command("HGET", "sy:{acct}", "revision"), before,
         "what all gateways watch")
    for gateway in (0, 1):
        status, _, who = as_token(c, made[0]["token"], "GET", "/api/session",
                                  gateway=gateway)
        must((status, who["scopes"], who["device"]), (200, ["phone"], "1001"),
             "a phone's token")
    must(as_token(c, made[0]["token"], "GET", "/api/calls")[0], 403,
         "it is a phone's")
    one = made[1]
    must(as_token(c, c.token, "GET", f"/api/tokens/{one['id']}")[2]["device"],
         "1001", "shown by its id")
    left = c.redis_command("PTTL", f"sy:{{acct}}:t:{one['id']}")
    if not 3_500_000 < left <= 3_600_000:
        raise Mismatch(f"it ends in {left} ms")
    must(as_token(c, one["token"], "GET", "/api/session", gateway=1)[0], 200,
         "it is known there")
    must(as_token(c, c.token, "DELETE", f"/api/tokens/{one['id']}")[0], 204,
         "revoked")
    wait_for("revoked there", lambda: as_token(
        c, one["token"], "GET", "/api/session", gateway=1)[0] == 401, 2)


def guess(c, user, numbers):
    return [Browser(c, gateway=i % 2).login(user, f"wrong {i}")
            for i in numbers]


def test_guessing():
    """Passwords cannot be tried one after the other, at all gateways
    together; who knows his own waits no longer than that."""
    c = shared()
    a = admin(c)
    for name in ("gus", "gil", "gwen"):
        add_user(a, name)
        got = guess(c, name, range(4))
        begin = time.monotonic()
        got += guess(c, name, (4, 5))
        right = Browser(c).login(name, PASSWORD)[0]
        # The wait is a second, from the fifth on: else it was over before.
        if time.monotonic() - begin < 1:
            break
    must([s for s, _, _ in got], [401] * 5 + [429], "tries")
    if not 1 <= int(got[5][1]["Retry-After"]) <= 2:
        raise Mismatch(f"Retry-After: {got[5][1]['Retry-After']}")
    must(right, 429, "also the right one")
    wait_for("he may again",
             lambda: Browser(c).login(name, PASSWORD)[0] == 201, 5)
    must(Browser(c).login(name, "wrong")[0], 401, "all is forgotten")
    # A name that is not there takes as long, and says the same.
    said = {n: Browser(c).login(n, "x" * 12)[2] for n in (name, "nobody")}
    for words in said.values():
        words.pop("requestId", None)
    must(said[name], said["nobody"], "what is said")


def test_nothing_readable():
    """Redis has no password, token or cookie that could be used."""
    c = shared()
    a = admin(c)
    add_user(a, "rita")
    token = a.ask("POST", "/api/tokens", {"scopes": ["*"]},
                  Idempotency_Key="once")[2]["token"]
    secrets = [PASSWORD, c.admin_password, token[3:],
               a.cookie.rpartition(".")[2]]
    text = []
    kept = c.redis_command("KEYS", "sy:idem*")
    if not kept:
        raise Mismatch("the request with a key left nothing")
    for key in c.redis_command("KEYS", "sy:{acct}*") + kept:
        kind = c.redis_command("TYPE", key)
        read = {"hash": ("HGETALL", key), "string": ("GET", key),
                "zset": ("ZRANGE", key, 0, -1)}[kind]
        text.append(repr(c.redis_command(*read)))
    text = "".join(text)
    for s in secrets:
        if s in text:
            raise Mismatch("Redis has a secret")
    if "$argon2id$v=19$m=19456,t=2,p=1$" not in text:
        raise Mismatch("passwords are not argon2id")


def test_redis_emptied():
    """It comes back with nothing: users, tokens and sessions are there."""
    with cluster(nodes=1, gateways=2) as c:
        a = admin(c)
        add_user(a, "vera")
        vera = Browser(c, "vera", gateway=1)
        token = a.ask("POST", "/api/tokens", {"scopes": ["nodes:read"]})[2]
        phone = a.ask("POST", "/api/tokens", {
            "scopes": ["phone"], "device": "1001",
            "expiresInSeconds": 600})[2]
        must(as_token(c, phone["token"], "GET", "/api/session")[0], 200,
             "phone")
        c.redis.signal(signal.SIGKILL)
        c.redis.wait(5)
        # Meanwhile nobody is logged out.
        must(a.status("GET", "/api/session"), 200, "without Redis")
        must(Browser(c).login("vera", PASSWORD)[0], 503, "no login")
        must(a.status("POST", "/api/users", {
            "id": "x", "role": "AGENT", "password": PASSWORD}), 503,
            "no change")
        c.start_redis()
        for gateway in (0, 1):
            wait_for("all are known again", lambda g=gateway: (
                a.status("GET", "/api/session", gateway=g),
                vera.status("GET", "/api/session", gateway=g),
                as_token(c, token["token"], "GET", "/api/nodes", gateway=g)[0],
                as_token(c, phone["token"], "GET", "/api/session",
                         gateway=g)[0]) == (200, 200, 200, 200), 10)
        wait_for("Redis has them again", lambda: c.redis_command(
            "HEXISTS", "sy:{acct}:users", "vera"))
        wait_for("vera can log in",
                 lambda: Browser(c).login("vera", PASSWORD)[0] == 201)
        must(a.status("DELETE", "/api/users/vera"), 204, "changes again")
        wait_for("she is gone",
                 lambda: vera.status("GET", "/api/session") == 401, 2)


def test_session_without_redis():
    """A stalled Redis: who was there goes on, who comes is told to wait."""
    c = shared()
    a, b = admin(c), admin(c)
    must(a.status("GET", "/api/session"), 200, "known here")
    c.redis.signal(signal.SIGSTOP)
    try:
        end = time.monotonic() + 8
        while time.monotonic() < end:
            must(a.status("GET", "/api/session"), 200, "it goes on")
            time.sleep(0.5)
        # The other gateway has never seen this one.
        must(b.status("GET", "/api/session", gateway=1), 503, "unknown there")
    finally:
        c.redis.signal(signal.SIGCONT)
    wait_for("all is well", lambda: b.status(
        "GET", "/api/session", gateway=1) == 200, 10)


def test_command_line():
    """A first password that is none is refused at the start."""
    import subprocess
    c = shared()
    got = subprocess.run(
        [c.program("switchyard-gateway"), "--admin-password", "short"],
        capture_output=True, text=True, timeout=20, check=False)
    if got.returncode != 2 or "12 to 256 characters" not in got.stderr:
        raise Mismatch(f"{got.returncode}: {got.stderr}")
    json.loads(open(c.path("cluster.json"), encoding="utf-8").read()
               )["adminPassword"]
