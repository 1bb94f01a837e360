# SPDX-License-Identifier: MIT
"""The guard: guessers and scanners, what is shared and shown, digests that
were heard, and calls that cost."""

import json
import urllib.error
from contextlib import ExitStack

from harness import Mismatch, Shared, metrics, must, wait_for
from lib.cluster import DEMO
from rawphone import Message, RawPhone

# Each test has an address of its own: what it does stays with that.
DENIED = "127.0.0.66"
ALLOWED = "127.0.0.29"


def config():
    with open(DEMO, encoding="utf-8") as f:
        conf = json.load(f)
    conf["settings"]["guard"] = {"failures": 3, "users": 4, "banSeconds": 120,
                                 "deny": [DENIED], "burst": 60,
                                 "allow": [ALLOWED],
                                 "registersPerMinute": 10}
    conf["settings"]["costly"] = [
        {"prefix": "+88", "permission": "satellite"},
        {"prefix": "+8899", "permission": ""}]
    for d in conf["devices"]:
        if d["id"] in ("1002", "1003"):
            d["permissions"] = ["satellite"]
    conf["devices"][2]["costlyCallsPerHour"] = 2
    conf["devices"][3].update(permissions=["satellite"],
                              costlyCallsAtATime=1)
    conf["routes"].insert(0, {
        "id": "far", "order": 1, "pattern": "+.",
        "target": {"external": {"trunk": "loop", "number": "$0"}}})
    for n, r in enumerate(conf["routes"]):
        r["order"] = n + 1
    return conf


shared = Shared(nodes=1, routers=2, config=config())
finish = shared.finish


def phone(host, user="1001", router=0):
    return RawPhone(shared().routers[router], user, host=host)


def answered(a, text, seconds):
    """The answer to a request, or None."""
    call_id = Message(text.encode()).get("call-id")
    a.send(text)
    got = a.receive(seconds)
    while got and got.get("call-id") != call_id:
        got = a.receive(seconds)
    return got


def register(a, password=None, seconds=5, **f):
    """A REGISTER, and another one with credentials: the answer, or None."""
    got = answered(a, a.request("REGISTER", "sip:switchyard",
                                To=f"<sip:{a.user}@switchyard>"), seconds)
    if got is None or got.code != 401:
        return got
    text = a.request("REGISTER", "sip:switchyard", **{
        "To": f"<sip:{a.user}@switchyard>", "Expires": "600",
        "Authorization": a.credentials(got, "REGISTER", "sip:switchyard",
                                       password=password), **f})
    return answered(a, text, seconds)


def is_ignored(a):
    return register(a, seconds=0.3) is None


def is_registered(a):
    return code(register(a, seconds=0.5)) == 200


def code(got):
    return got.code if got else None


def bans(source):
    found = shared().api("GET", "/api/bans")["items"]
    return [b for b in found if b["source"] == source]


def lift(ban):
    shared().api("DELETE", f"/api/bans/{ban}")


def refused(router, reason):
    return metrics(router)[f'sy_guard_refused_total{{reason="{reason}"}}']


# ---------------------------------------------------------------- guessers

def test_a_guesser_is_banned_by_all_routers():
    """Wrong passwords of one user: that user, from there, everywhere."""
    host = "127.0.0.21"
    with phone(host) as a, phone(host, router=1) as b, \
            phone(host, "1002") as other:
        for _ in range(3):
            must(code(register(a, password="guess")), 401, "a guess")
        got = register(a)
        must(code(got), 403, "the right password, too late")
        if not got.get("retry-after"):
            raise Mismatch("no Retry-After")
        wait_for("banned at the other router",
                 lambda: code(register(b)) == 403)
        must(code(register(other)), 200, "who shares the address")
        ban, = bans(host)
        must((ban["id"], ban["user"], ban["reason"], ban["count"]),
             (f"{host},1001", "1001", "password", 1), "the ban")
        lift(f"{host},1001")
        must(bans(host), [], "after it was lifted")
        for p in (a, b):
            wait_for("lifted", lambda p=p: is_registered(p))


def test_guesses_of_several_users_ban_the_address():
    host = "127.0.0.22"
    with ExitStack() as stack:
        phones = [stack.enter_context(phone(host, str(1001 + n)))
                  for n in range(4)]
        other = stack.enter_context(phone(host, "1009", router=1))
        for p in phones:
            must(code(register(p, password="guess")), 401, p.user)
        must(is_ignored(phones[0]), True, "after the fourth")
        wait_for("silence at the other router",
                 lambda: is_ignored(other))
        ban, = bans(host)
        must((ban["id"], ban["reason"], ban["router"]),
             (host, "password", shared().routers[0].id), "the ban")
        lift(host)
        wait_for("lifted", lambda: is_registered(other))


def test_unauthenticated_requests_are_no_failures():
    """Phones behind one address, a first request each, and none of them has
    a password yet: more at once than the bucket holds in the end."""
    host = "127.0.0.23"
    with ExitStack() as stack:
        for n in range(50):
            p = stack.enter_context(phone(host, str(1001 + n % 20)))
            must(code(register(p)), 200, f"phone {n}")
        for n in range(50):
            a = phone(host, "1001") if not n else a
            must(a.ask(a.request("REGISTER", "sip:switchyard",
                                 To="<sip:1001@switchyard>")).code, 401,
                 "without a password")
        a.sock.close()
    must(bans(host), [], "bans")


# ---------------------------------------------------- scanners, lists, hand

def test_a_scanner_is_dropped():
    host = "127.0.0.24"
    with phone(host) as a, phone(host, router=1) as b:
        a.send(a.request("OPTIONS", "sip:100@switchyard",
                         User_Agent="friendly-scanner"))
        a.silent(0.3)
        wait_for("its ban", lambda: bans(host))
        must(bans(host)[0]["reason"], "scanner", "reason")
        wait_for("silence at the other router",
                 lambda: is_ignored(b))


def test_a_denied_network_is_not_read():
    with phone(DENIED) as a:
        must(is_ignored(a), True, "an address of the deny list")


def test_an_allowed_network_is_never_banned():
    """Neither for wrong passwords nor for the name of its program, and it has
    no rate."""
    with phone(ALLOWED) as a:
        for _ in range(5):
            must(code(register(a, password="guess")), 401, "a guess")
        must(code(answered(a, a.request("OPTIONS", "sip:switchyard",
                                        User_Agent="friendly-scanner"), 5)),
             200, "a scanner's name")
        for n in range(200):
            must(code(answered(a, a.request("OPTIONS", "sip:switchyard"), 5)),
                 200, f"OPTIONS {n}")
        must(code(register(a)), 200, "the right password")
        must(bans(ALLOWED), [], "bans")


def test_a_ban_by_hand():
    c, host = shared(), "127.0.0.25"
    with phone(host) as a, phone(host, "1002", router=1) as b:
        must(code(register(a)), 200, "before")
        ban = c.api("POST", "/api/bans", {"source": host, "seconds": 600,
                                          "comment": "a test"})
        must((ban["id"], ban["reason"], ban["comment"]),
             (host, "manual", "a test"), "the ban")
        for p in (a, b):
            wait_for("silence", lambda p=p: is_ignored(p))
        lift(host)
        wait_for("lifted", lambda: is_registered(a))
        for body in ({"source": "nowhere"}, {"source": "10.0.0.0/8"}):
            try:
                c.api("POST", "/api/bans", body)
            except urllib.error.HTTPError as e:
                must(e.code, 400, f"{body}")
            else:
                raise Mismatch(f"taken: {body}")


def test_a_flood_leaves_others_alone():
    """Junk beyond the burst is dropped; calls that run there go on."""
    host, c = "127.0.0.26", shared()
    dropped = 'sy_guard_dropped_total{reason="rate"}'
    with phone(host) as a, phone(host, "1002") as evil, \
            phone("127.0.0.27", "1003") as other:
        call = a.established("600")
        before = metrics(c.routers[0])[dropped]
        for _ in range(400):
            evil.send(evil.request("OPTIONS", "sip:switchyard"))
        wait_for("drops", lambda: metrics(c.routers[0])[dropped] > before)
        must(code(register(other)), 200, "another address")
        call.bye()


# ----------------------------------------------------------------- digests
# By accounts that have not spent their registrations of the minute above.

def test_credentials_are_used_once():
    """What was heard on the way is of no use to who heard it."""
    with phone("127.0.0.31", "1017") as a:
        first = a.request("REGISTER", "sip:switchyard",
                          To="<sip:1017@switchyard>")
        auth = a.credentials(a.ask(first), "REGISTER", "sip:switchyard")
        more = {"To": "<sip:1017@switchyard>", "Authorization": auth}
        text = a.request("REGISTER", "sip:switchyard", **more)
        must(a.ask(text).code, 200, "once")
        must(a.ask(text).code, 200, "its retransmission")
        got = a.ask(a.request("REGISTER", "sip:switchyard", **more))
        must(got.code, 401, "again")
        if "stale=true" not in got.get("www-authenticate"):
            raise Mismatch("a phone would ask its user now")
        wait_for("its counter",
                 lambda: refused(shared().routers[0], "replay") > 0)


def test_credentials_are_for_one_uri():
    with phone("127.0.0.32", "1016") as a:
        uri = "sip:600@switchyard"
        got = a.ask(a.request("INVITE", uri))
        auth = a.credentials(got, "INVITE", uri)
        must(a.ask(a.request("INVITE", "sip:601@switchyard",
                             Proxy_Authorization=auth)).code, 400,
             "credentials for another number")
        # the same user at another name of ours, by a phone that leaves port
        # and parameters away
        uri = f"sip:600@{a.to[0]}:{a.to[1]};x=1"
        got = a.ask(a.request("OPTIONS", "sip:switchyard"))
        must(got.code, 200, "OPTIONS")
        got = a.ask(a.request("REGISTER", f"sip:{a.to[0]}:{a.to[1]}",
                              To="<sip:1016@switchyard>"))
        auth = a.credentials(got, "REGISTER", "sip:switchyard")
        must(a.ask(a.request("REGISTER", f"sip:{a.to[0]}:{a.to[1]}",
                             To="<sip:1016@switchyard>",
                             Authorization=auth)).code, 200, "another name")


def test_nobody_speaks_for_another():
    with phone("127.0.0.33") as a:
        got = a.ask(a.request("REGISTER", "sip:switchyard",
                              To="<sip:1002@switchyard>"))
        auth = a.credentials(got, "REGISTER", "sip:switchyard")
        got = a.ask(a.request("REGISTER", "sip:switchyard",
                              To="<sip:1002@switchyard>",
                              Authorization=auth))
        must(got.code, 403, "REGISTER for 1002 by 1001")
        uri = "sip:600@switchyard"
        got = a.ask(a.request("INVITE", uri))
        got = a.ask(a.request(
            "INVITE", uri, From="<sip:1002@switchyard>;tag=1",
            Proxy_Authorization=a.credentials(got, "INVITE", uri)))
        must(got.code, 403, "INVITE as 1002 by 1001")
        for tag in ("r.x", "A" * 40):
            got = a.ask(a.request("INVITE", uri, To=f"<{uri}>;tag={tag}"))
            must(got.code, 481, "a To tag that nobody gave")


def test_an_account_has_a_rate():
    with phone("127.0.0.34", "1015") as a:
        codes = [code(register(a)) for _ in range(12)]
        must(codes[:8], [200] * 8, "a phone that registers")
        must(503 in codes[9:], True, f"one that does nothing else: {codes}")


# -------------------------------------------------------------------- tolls

def cancel(a, inv):
    a.send(a.request("CANCEL", inv.uri, **{
        "Via": inv.get("via"), "From": inv.get("from"),
        "Call-ID": inv.get("call-id"),
        "CSeq": inv.get("cseq").split()[0] + " CANCEL"}))


def call(a, number):
    """What the router says first; where it takes the call, that is enough."""
    inv = a.call(number)
    got = wait_for("an answer", a.receive)
    while got.get("call-id") != inv.get("call-id") or \
            got.get("cseq") != inv.get("cseq"):
        got = wait_for("an answer", a.receive)
    if got.code < 200:
        cancel(a, inv)
    return got.code, " ".join(got.start.split()[2:])


def test_costly_numbers_need_permission():
    c, why = shared(), "No Permission For Costly Numbers"
    with phone("127.0.0.41", "1001") as a, phone("127.0.0.41", "1002") as b:
        must(call(a, "+881234"), (403, why), "without permission")
        must(call(a, "+491234")[0] != 403, True, "what costs little")
        must(call(b, "+881234")[0] != 403, True, "with permission")
        must(call(b, "+889912"), (403, why), "what nobody may")
        wait_for("the counter", lambda: refused(c.routers[0], "toll") >= 2)
    seen = c.redis_command("XREVRANGE", "sy:events", "+", "-", "COUNT", "50")
    if "device:1001" not in str(seen):
        raise Mismatch("no event names the account")


def test_costly_calls_are_counted_over_all_routers():
    """1003 may make two in an hour, by whichever router."""
    with phone("127.0.0.42", "1003") as a, \
            phone("127.0.0.42", "1003", router=1) as b:
        for p in (a, b):
            must(call(p, "+881234")[0] != 403, True, "within the hour's two")
        for p in (a, b):
            must(call(p, "+881234"),
                 (403, "Too Many Costly Calls In This Hour"), "a third")


def test_costly_calls_at_a_time():
    """1004 may have one: the next waits until that has ended."""
    with phone("127.0.0.43", "1004") as a, \
            phone("127.0.0.43", "1004", router=1) as b:
        inv = a.call("+881234")
        a.await_(100, call_id=inv.get("call-id"))
        must(call(b, "+881234"), (403, "Too Many Costly Calls At A Time"),
             "a second one")
        cancel(a, inv)
        wait_for("room again", lambda: call(b, "+881234")[0] == 100)
