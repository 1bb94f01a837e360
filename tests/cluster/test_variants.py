# SPDX-License-Identifier: MIT
"""Clusters that are unlike the demo: IPv6, several threads, other
destinations, another configuration while it runs, TLS to Redis, members that
end, JSON logs, sanitizers."""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from contextlib import ExitStack

import harness
from harness import (Mismatch, assert_clean, call_keys, cluster, free_base,
                     lasting_keys, metrics, must, node_counts, phones, request,
                     wait_for)
from lib import ports
from lib.cluster import DEMO, ROOT
from strangers import free_port, write_tone
from talk import call, end, hears, phone, talk, tone
from wire import curl, stream

_stack = ExitStack()
_cluster = None
SAID = "8317264"  # digits that somebody sends; no log may tell them

ROUTES = [
    {"id": "tone", "order": 1000, "pattern": "610",
     "target": {"tone": {"hz": 1000, "levelDb": -20}}},
    {"id": "file", "order": 1001, "pattern": "611",
     "target": {"file": "tone.wav"}},
    {"id": "missing", "order": 1002, "pattern": "612",
     "target": {"file": "no-such.wav"}},
    {"id": "short", "order": 1003, "pattern": "8XXXX",
     "target": {"device": "1002"}, "ringSeconds": 1},
]


def demo(**more):
    """The demo configuration with further routes, and what is given."""
    with open(DEMO, encoding="utf-8") as f:
        conf = json.load(f)
    conf["routes"] += ROUTES
    return {**conf, **more}


def shared():
    """One cluster for most tests: several threads everywhere, JSON logs; a
    new one where a test that failed left something behind."""
    global _cluster
    if _cluster and (any(node_counts(_cluster).values())
                     or call_keys(_cluster)):
        finish()
    if _cluster is None:
        sounds = _stack.enter_context(
            tempfile.TemporaryDirectory(prefix="sy-sounds-"))
        write_tone(os.path.join(sounds, "tone.wav"), 1500, 2, 16000, 1)
        _cluster = _stack.enter_context(cluster(
            nodes=2, config=demo(), log_level="debug",
            router_args=["--threads", "2", "--log-format", "json"],
            node_args=["--workers", "2", "--sounds", sounds,
                       "--log-format", "json"],
            gateway_args=["--log-format", "json"]))
    return _cluster


def finish():
    global _cluster
    _cluster = None
    _stack.close()


def closed(box, who, *codes):
    ev = box.expect("closed", phone=who)
    if ev["code"] not in codes:
        raise Mismatch(f"{who} ended with {ev}, expected {codes}")


def registered(box, c, user, password, code, **more):
    """A phone that registers once, and the answer."""
    box.do("phone", id=user, user=user, password=password,
           domain="switchyard", proxy=c.routers[0].udp, **more)
    box.do("register", phone=user)
    ev = box.expect("registered", phone=user)
    if ev["code"] != code:
        raise Mismatch(f"{user} registered with {ev}, expected {code}")


def contacts(c):
    return {r["device"]: len(r["bindings"])
            for r in c.api("GET", "/api/registrations")["items"]}


def loaded(member):
    """How often a member has loaded a configuration."""
    with open(member.log, encoding="utf-8") as f:
        return f.read().count("configuration loaded")


def configure(c, conf):
    """Apply a configuration and wait until every member has it."""
    before = {m.id: loaded(m) for m in c.members()}
    c.config = conf
    c.apply_config()
    wait_for("every member has loaded the configuration", lambda: all(
        loaded(m) > before[m.id] for m in c.members()))


# -------------------------------------------------------------------- IPv6

def test_ipv6():
    """Nothing but IPv6: SIP over UDP and TCP, RTP, routers and nodes."""
    base = free_base()
    at = f"[::1]:{base + ports.SIP}"
    with cluster(nodes=2, port_base=base,
                 router_args=["--udp", at, "--tcp", at],
                 node_args=["--sip", "[::1]:0", "--media-addr", "::1"]) as c, \
            phones() as box:
        for user, how in (("1001", "udp"), ("1002", "udp"), ("1003", "tcp"),
                          ("1004", "tcp")):
            phone(box, c, user, laddr="::1", proxy=at, transport=how)
        for a, b in (("1001", "1002"), ("1003", "1004"), ("1001", "1003"),
                     ("1004", "1002")):
            call(box, a, b)
            talk(box, a, b)
            box.do("hold", phone=b)
            box.expect("held", phone=b)
            box.do("resume", phone=b)
            box.expect("resumed", phone=b)
            talk(box, a, b)
            end(box, a, b)
        made = c.api("POST", "/api/calls", {"from": "1003", "to": "1001"})
        for who in ("1003", "1001"):
            box.expect("established", phone=who)
        talk(box, "1001", "1003")
        where = [n["address"] for n in c.api("GET", "/api/nodes")["items"]
                 if n["id"] == made["node"]]
        must(where[0].startswith("[::1]:"), True, f"address {where}")
        end(box, "1001", "1003")
        assert_clean(c)


def test_both_families():
    """A phone with IPv4 and one with IPv6, routers and node on both: they
    talk, whoever calls."""
    base = free_base()
    four, six = (f"{h}:{base + ports.SIP}" for h in (ports.HOST, "[::1]"))
    with cluster(nodes=1, port_base=base, router_args=[
            "--udp", f"{four},{six}", "--tcp", f"{four},{six}"],
            node_args=["--media-addr", f"{ports.HOST},::1"]) as c, \
            phones() as box:
        phone(box, c, "1001")
        phone(box, c, "1002", laddr="::1", proxy=six)
        phone(box, c, "1003", transport="tcp")
        must(contacts(c), {"1001": 1, "1002": 1, "1003": 1}, "contacts")
        call(box, "1001", "1003")
        talk(box, "1001", "1003")
        end(box, "1001", "1003")
        for caller, callee in (("1001", "1002"), ("1002", "1003")):
            call(box, caller, callee)
            talk(box, caller, callee)
            end(box, callee, caller)
        # A call that is given up before the answer
        box.forget()
        box.do("set", phone="1002", answer="manual")
        box.do("call", phone="1001", to="1002")
        box.expect("incoming", phone="1002")
        box.expect("ringing", phone="1001")
        box.do("cancel", phone="1001")
        closed(box, "1001", 487)
        box.expect("closed", phone="1002")
        assert_clean(c)


# ----------------------------------------------------------------- threads

def test_connections_on_other_threads():
    """TCP phones whose connections belong to different threads of a router
    call each other."""
    c = shared()
    with phones() as box:
        users = [str(u) for u in range(1003, 1015)]
        for user in users:
            phone(box, c, user, transport="tcp", media=False)
        got = {k: v for k, v in metrics(c.routers[0]).items()
               if k.startswith("sy_router_connections")}
        before = metrics(c.routers[0])["sy_router_handed_over_total"]
        for a, b in zip(users, users[1:] + users[:1]):
            call(box, a, b)
            end(box, b, a)
        wait_for(f"messages were handed from thread to thread ({got})",
                 lambda: metrics(c.routers[0])[
                     "sy_router_handed_over_total"] > before)
        for user in users[:2]:
            box.do("remove", phone=user)
            phone(box, c, user, transport="tcp")
        call(box, *users[:2])
        talk(box, *users[:2])
        end(box, *users[:2])
        assert_clean(c)


def test_workers_share_the_calls():
    """Calls at the same time on both media threads, each its own sound."""
    c = shared()
    with phones() as box:
        pairs = [(str(u), str(u + 1)) for u in range(1001, 1013, 2)]
        for a, b in pairs:
            phone(box, c, a)
            phone(box, c, b)
            call(box, a, b)
        for a, b in pairs:
            hears(box, a, tone(b))
            hears(box, b, tone(a))
        for (a, _), (_, other) in zip(pairs, pairs[1:]):
            hears(box, a, tone(other), present=False)
        for a, b in pairs:
            end(box, a, b)
        assert_clean(c)


# ------------------------------------------------------------ destinations

def test_tone_and_file():
    c = shared()
    with phones() as box:
        phone(box, c, "1001")
        for number, hz, kind in (("610", 1000, "tone"),
                                 ("611", 1500, "file")):
            box.do("call", phone="1001", to=number)
            box.expect("established", phone="1001")
            hears(box, "1001", hz)
            hears(box, "1001", tone("1001"), present=False)
            # A wrong level is wrong each time.
            for _ in range(4):
                level = listen(box, "1001", hz)
                if -24 < level < -16:
                    break
            else:
                raise Mismatch(f"{kind} at {level} dB, expected -20")
            box.do("hangup", phone="1001")
            closed(box, "1001", 200)
        # The file is played again when it ends: it lasts 2 s
        box.do("call", phone="1001", to="611")
        box.expect("established", phone="1001")
        box.do("listen", phone="1001", ms=2500, freqs=[1500])
        level = box.expect("heard", phone="1001")["tones"]["1500"]
        if level < -24:
            raise Mismatch(f"the file in a loop: {level} dB")
        box.do("hangup", phone="1001")
        closed(box, "1001", 200)
        box.do("call", phone="1001", to="612")
        closed(box, "1001", 404)
        made = c.api("POST", "/api/calls", {"from": "1001", "to": "610"})
        box.expect("established", phone="1001")
        hears(box, "1001", 1000)
        must(request("DELETE", f"http://{c.gateways[0].http}/api/calls/"
                     f"{made['id']}", c.token)[0], 204, "DELETE")
        box.expect("closed", phone="1001")
        assert_clean(c)


def listen(box, who, hz):
    box.do("listen", phone=who, ms=500, freqs=[hz])
    return box.expect("heard", phone=who)["tones"][str(hz)]


def test_ring_timeout():
    c = shared()
    with phones() as box:
        phone(box, c, "1001")
        phone(box, c, "1002", answer="manual")
        box.do("call", phone="1001", to="81234")
        box.expect("incoming", phone="1002")
        closed(box, "1001", 480, 408)
        closed(box, "1002", 487)
        c.api("POST", "/api/calls",
              {"from": "1002", "to": "1001", "ringSeconds": 1})
        box.expect("incoming", phone="1002")
        closed(box, "1002", 487)
        box.none("incoming", phone="1001")
        assert_clean(c)


# ------------------------------------------------------------ registration

def test_registrations():
    """Several contacts, the most there may be, too short a time, the end of
    a binding that is not refreshed, and of all of them."""
    c = shared()
    conf = demo()
    conf["devices"][3]["maxContacts"] = 2  # 1004
    configure(c, conf)
    with phones() as box:
        for name in ("a", "b"):
            phone(box, c, "1004", name=name, answer="manual")
        box.do("phone", id="c", user="1004", password="demo-1004",
               domain="switchyard", proxy=c.routers[0].udp)
        box.do("register", phone="c")
        ev = box.expect("registered", phone="c")
        must(ev["code"], 403, f"one contact too many: {ev}")
        must(contacts(c), {"1004": 2}, "contacts")
        box.do("unregister", phone="a")
        must(box.expect("unregistered", phone="a")["code"], 200, "it ends")
        must(contacts(c), {"1004": 1}, "contacts after one ended")
        phone(box, c, "1001")
        box.do("call", phone="1001", to="1004")
        box.expect("incoming", phone="b")
        box.do("answer", phone="b")
        box.expect("established", phone="1001")
        box.none("incoming", phone="a")
        end(box, "1001", "b")
        box.do("unregister", phone="b")
        box.expect("unregistered", phone="b")
        must(contacts(c), {"1001": 1}, "contacts after both ended")
        box.do("register", phone="b", expires=5)
        ev = box.expect("registered", phone="b")
        must(ev["code"], 423, f"too short a time: {ev}")
        assert_clean(c)
    must(contacts(c), {}, "contacts when the phones are gone")


def test_binding_expires():
    c = shared()
    configure(c, demo(settings={"realm": "switchyard", "registerMinS": 1}))
    with phones() as box, phones() as gone:
        phone(box, c, "1001")
        gone.do("phone", id="x", user="1005", password="demo-1005",
                domain="switchyard", proxy=c.routers[0].udp)
        gone.do("register", phone="x", expires=4)
        must(gone.expect("registered", phone="x")["code"], 200, "it")
        must(contacts(c), {"1001": 1, "1005": 1}, "contacts")
        gone.proc.kill()  # it will neither refresh nor unregister
        gone.proc.wait()
        gone.proc.returncode = 0
        wait_for("the binding is over", lambda: contacts(c) == {"1001": 1})
        box.do("call", phone="1001", to="1005")
        closed(box, "1001", 480)
        assert_clean(c)


def test_configuration_changes_while_it_runs():
    c = shared()
    configure(c, demo())
    with phones() as box:
        registered(box, c, "2001", "new-2001", 401)
        box.do("remove", phone="2001")
        phone(box, c, "1001")
        phone(box, c, "1002")
        call(box, "1001", "1002")
        conf = demo()
        conf["devices"].append({"id": "2001", "password": "new-2001"})
        conf["devices"][2]["password"] = "changed"  # 1003
        conf["routes"].append({"id": "new", "order": 5, "pattern": "2XXX",
                               "target": {"device": "$0"}})
        configure(c, conf)
        # one that has lapsed is counted until the next look
        wait_for("both bindings are left", lambda: c.api(
            "GET", "/api/status")["registrations"] == 2)
        talk(box, "1001", "1002")
        registered(box, c, "2001", "new-2001", 200, tone_hz=1100)
        registered(box, c, "1003", "demo-1003", 401)
        end(box, "1001", "1002")
        box.do("call", phone="1001", to="2001")
        box.expect("established", phone="2001")
        hears(box, "1001", 1100)
        hears(box, "2001", tone("1001"))
        configure(c, demo())  # the device is no more; its call goes on
        hears(box, "1001", 1100)
        end(box, "1001", "2001")
        box.do("call", phone="1001", to="2001")
        closed(box, "1001", 404)
        box.do("call", phone="2001", to="1001")
        closed(box, "2001", 403, 401, 407)
        assert_clean(c)


# ------------------------------------------------------------------- Redis

@contextlib.contextmanager
def certificate():
    """A self-signed certificate for 127.0.0.1: its folder."""
    with tempfile.TemporaryDirectory(prefix="sy-tls-") as folder:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-keyout",
             f"{folder}/key.pem", "-out", f"{folder}/cert.pem", "-subj",
             "/CN=redis", "-addext", "subjectAltName=IP:127.0.0.1"],
            check=True, capture_output=True)
        yield folder


def test_redis_with_tls_and_password():
    password = "p/w:@1 x"
    quoted = "p%2Fw%3A%401%20x"
    with certificate() as folder:
        port = free_port()
        tls = ["--tls-port", str(port), "--bind", "127.0.0.1",
               "--tls-cert-file", f"{folder}/cert.pem",
               "--tls-key-file", f"{folder}/key.pem",
               "--tls-ca-cert-file", f"{folder}/cert.pem",
               "--tls-auth-clients", "no", "--requirepass", password]
        url = f"rediss://:{quoted}@127.0.0.1:{port}/0" \
              f"?cafile={folder}/cert.pem"
        with cluster(redis_url=url, redis_password=password,
                     redis_args=tls, gateway_args=[
                         "--tls-cert", f"{folder}/cert.pem",
                         "--tls-key", f"{folder}/key.pem"]) as c, \
                phones() as box:
            # The gateway's own certificate, verified
            status, version, _, _ = curl(
                f"https://{c.gateways[0].https}/readyz", "--cacert",
                f"{folder}/cert.pem")
            must((status, version), (200, "2"), "HTTPS")
            phone(box, c, "1001")
            phone(box, c, "1002")
            call(box, "1001", "1002")
            talk(box, "1001", "1002")
            # Every connection ends; all come back
            must(c.redis_command("CLIENT", "KILL", "TYPE", "normal",
                                 "SKIPME", "yes") > 0, True, "connections")
            c.redis_command("CLIENT", "KILL", "TYPE", "pubsub")
            talk(box, "1001", "1002")
            wait_for("the gateway is ready again", lambda: request(
                "GET", f"http://{c.gateways[0].http}/readyz")[0] == 200)
            c.wait_ready()
            end(box, "1001", "1002")
            assert_clean(c, keys=lasting_keys)
            for m in c.members():
                with open(m.log, encoding="utf-8") as f:
                    text = f.read()
                for secret in (password, quoted):
                    if secret in text:
                        raise Mismatch(f"{m.id} logs the password")
        # A certificate that nobody vouches for, a wrong password: refused
        program = os.path.join(harness.BIN, "switchyard-config")
        base = [program, "--redis"]
        with cluster(redis_url=url, redis_password=password, nodes=1,
                     redis_args=tls) as c:
            for wrong, said in (
                    (f"rediss://:{quoted}@127.0.0.1:{port}", "certificate"),
                    (f"rediss://:guess@127.0.0.1:{port}"
                     f"?cafile={folder}/cert.pem", "password")):
                run = subprocess.run([*base, wrong, "apply", DEMO],
                                     capture_output=True, text=True,
                                     timeout=30, check=False)
                if run.returncode != 1 or said not in run.stderr or \
                        len(run.stderr.strip().splitlines()) != 1 or \
                        quoted in run.stderr or "guess" in run.stderr:
                    raise Mismatch(f"{wrong}: {run}")


# ----------------------------------------------------------- ends of members

def test_node_ends_in_order():
    """SIGINT: its calls end with BYE, the others do not notice, and it is
    gone from the table at once."""
    with cluster(nodes=2) as c, phones() as box:
        users = [str(u) for u in range(1001, 1009)]
        for user in users:
            phone(box, c, user)
            box.do("call", phone=user, to="600", call=user)
            box.expect("established", call=user)
        calls = wait_for("eight calls", lambda: [
            x for x in [c.api("GET", "/api/calls")["items"]] if len(x) == 8])
        where = {x["caller"]: x["node"] for x in calls[0]}
        node, other = c.nodes
        mine = [u for u in users if where[u] == node.id]
        if not mine:  # placement goes by load, which may be anything
            node, other, mine = other, node, users
        node.process.signal(signal.SIGINT)
        for user in mine:
            must(box.expect("closed", phone=user)["by"], "remote", user)
        wait_for("it is gone from the table", lambda: [
            n["id"] for n in c.api("GET", "/api/nodes")["items"]]
            == [other.id], 3)
        if not node.process.wait(5):
            raise Mismatch("the node does not end")
        must(node.process.popen.wait(), 0, "exit code of the node")
        for user in users:
            if user not in mine:
                box.none("closed", phone=user)
                hears(box, user, tone(user))
        for user in mine[:2]:  # new calls go to the other one at once
            box.do("call", phone=user, to="600", call="again" + user)
            box.expect("established", call="again" + user)
        wait_for("only the other node has calls", lambda: {
            x["node"] for x in c.api("GET", "/api/calls")["items"]}
            == {other.id})
        box.do("hangup", phone="1*")
        c.nodes.remove(node)
        assert_clean(c)
        must(len(stream(c, "sy:cdr")), 8 + len(mine[:2]), "records of calls")


# --------------------------------------------------------------------- logs

def test_logs():
    """Each line of a JSON log is an object; none tells a secret, or digits."""
    c = shared()
    with phones() as box:
        phone(box, c, "1001", codecs=["PCMU"])
        phone(box, c, "1002")
        call(box, "1001", "1002")
        box.do("dtmf", phone="1001", digits=SAID, ms=60)
        for digit in SAID:
            box.expect("dtmf", phone="1002", digit=digit)
        end(box, "1001", "1002")
        box.do("call", phone="1001", to=SAID)
        closed(box, "1001", 404)
        request("GET", f"http://{c.gateways[0].http}/api/calls", "a-guess")
        assert_clean(c)
    with open(c.path("cluster-key"), encoding="ascii") as f:
        key = f.read().strip()
    secret = ("demo-10", "new-2001", c.token, key, SAID, "a-guess",
              "response=")
    for m in c.members():
        with open(m.log, encoding="utf-8") as f:
            lines = f.read().splitlines()
        if len(lines) < 3:
            raise Mismatch(f"{m.id} logs next to nothing: {lines}")
        spelled = []
        for line in lines:
            entry = json.loads(line)
            for field in ("ts", "level", "proc", "msg"):
                if field not in entry:
                    raise Mismatch(f"{m.id}: no {field} in {line}")
            must(entry["proc"], m.id, "proc")
            for text in secret:
                if text in line:
                    raise Mismatch(f"{m.id} logs {text!r}: {line}")
            spelled += [str(v) for v in entry.values()
                        if len(str(v)) == 1 and str(v) in SAID
                        and "digit" in line]
        if len(spelled) >= len(SAID):
            raise Mismatch(f"{m.id} logs digits one by one")


# --------------------------------------------------------------- sanitizers

def test_address_sanitizer():
    sanitized("debug")


def test_thread_sanitizer():
    sanitized("tsan")


def sanitized(preset):
    """Calls of all kinds through programs with sanitizers: not a word of
    theirs, and each member ends with 0 when it is told to."""
    run = subprocess.run(
        [os.path.join(ROOT, "deploy", "build"), preset, "--target"]
        + [f"switchyard-{p}" for p in ("router", "node", "gateway",
                                       "config")], check=False)
    must(run.returncode, 0, f"deploy/build {preset}")
    with cluster(nodes=2, routers=2, config=demo(),
                 bindir=os.path.join(ROOT, "build", preset, "bin"),
                 router_args=["--threads", "2"],
                 node_args=["--workers", "2"]) as c:
        with phones() as box:
            every_kind(c, box)
            storm(c, box)
            assert_clean(c)
        members = c.members()
        for m in members:
            m.process.signal(signal.SIGTERM)
        for m in members:
            if not m.process.wait(10):
                raise Mismatch(f"{m.id} does not end")
        for m in members:
            with open(m.log, encoding="utf-8", errors="replace") as f:
                text = f.read()
            if "Sanitizer" in text or "runtime error" in text:
                raise Mismatch(f"{m.id}: {text[-3000:]}")
            must(m.process.popen.wait(), 0, f"exit code of {m.id}")


def every_kind(c, box):
    """A dozen calls, each of another kind."""
    a, b = c.routers
    pbx = box.do("phone", id="pbx", user="pbx")["address"]
    configure(c, demo(trunks=[{"id": "loop", "enabled": True,
                               "sources": [pbx], "target": pbx}]))
    for user, more in (("1001", {"codecs": ["opus", "PCMU"]}),
                       ("1002", {"codecs": ["PCMA"]}),
                       ("1003", {"codecs": ["G722"], "transport": "tcp"}),
                       ("1004", {"transport": "tcp", "proxy": b.tcp}),
                       ("1005", {"sdp_in_invite": False}),
                       ("1006", {"proxy": b.udp})):
        phone(box, c, user, **more)
    for x, y in (("1001", "1002"), ("1003", "1004"), ("1005", "1006"),
                 ("1004", "1001")):
        call(box, x, y)
        talk(box, x, y)
        box.do("dtmf", phone=x, digits="5")
        box.expect("dtmf", phone=y, digit="5")
        box.do("hold", phone=y)
        box.expect("held", phone=y)
        box.do("resume", phone=y)
        box.expect("resumed", phone=y)
        box.do("reinvite", phone=x, new_port=True)
        box.expect("reinvited", phone=x)
        end(box, y, x)
    for number in ("600", "610", "611", "612", "601", "5551234", "1020",
                   "777"):
        box.do("call", phone="1001", to=number, call=number)
        ev = box.take(lambda e, n=number: e.get("call") == n and e["event"]
                      in ("established", "closed"), 20, f"end of {number}")
        if ev["event"] == "established":
            box.do("hangup", phone="1001", call=number)
            box.expect("closed", call=number)
    box.forget()
    box.do("set", phone="1002", answer="manual")
    box.do("call", phone="1001", to="1002")
    box.expect("incoming", phone="1002")
    box.do("cancel", phone="1001")
    box.expect("closed", phone="1002")
    by_the_api(c, box)
    box.do("set", phone="1002", answer="auto")


def by_the_api(c, box):
    box.forget()
    made = c.api("POST", "/api/calls", {"from": "1001", "to": "1006"})
    for who in ("1001", "1006"):
        box.expect("established", phone=who)
    path = f"/api/calls/{made['id']}"
    leg = c.api("POST", path + "/legs", {"kind": "device", "to": "1005"})
    box.expect("established", phone="1005")
    for what in ({"muted": True, "deaf": True}, {"held": True}):
        c.api("PATCH", f"{path}/legs/{leg['id']}", what)
    box.expect("held", phone="1005")
    c.api("GET", path)
    c.api("DELETE", f"{path}/legs/{leg['id']}")
    box.expect("closed", phone="1005")
    for p in ("status", "nodes", "registrations", "calls?limit=1"):
        c.api("GET", "/api/" + p)
    c.api("DELETE", path)
    for who in ("1001", "1006"):
        box.expect("closed", phone=who)


def storm(c, box):
    """Every device registers and unregisters, all at once, over and over."""
    box.do("phones", id="s%d", user="%d", password="demo-%d", count=14,
           first=1, user_first=1007, domain="switchyard",
           proxy=c.routers[1].udp, quiet=True)
    for _ in range(10):
        box.do("register", phone="s*", rate=2000)
        done = box.expect("registered_all")
        must((done["ok"], done["failed"]), (14, 0), "REGISTER storm")
