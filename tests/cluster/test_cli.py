# SPDX-License-Identifier: MIT
"""switchyard, the command line: as people use it and as programs do."""

import json
import os
import pty
import subprocess
import tempfile
import urllib.request

from harness import BIN, Mismatch, Shared, phones, wait_for
from talk import call, end, phone

PROGRAM = os.path.join(BIN, "switchyard")

shared = Shared(nodes=2)
finish = shared.finish


def environment(c, **more):
    """Nothing of the user's own; the cluster, where there is one."""
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TZ": "UTC"}
    if c:
        env.update(SWITCHYARD_URL=f"http://{c.gateways[0].http}",
                   SWITCHYARD_TOKEN=c.token)
    return {**env, **more}


def run(c, *args, code=0, text=None, **env):
    """Its output, and its errors; its exit code must be that."""
    got = subprocess.run([PROGRAM, *args], input=text, capture_output=True,
                         text=True, timeout=60, check=False,
                         env=environment(c, **env))
    if got.returncode != code:
        raise Mismatch(f"switchyard {' '.join(args)}: {got.returncode}, "
                       f"expected {code}: {got.stdout}{got.stderr}")
    if "\033" in got.stdout:
        raise Mismatch(f"colours in a pipe: {got.stdout!r}")
    return got.stdout, got.stderr


def parsed(c, *args, **kw):
    return json.loads(run(c, *args, "--json", **kw)[0])


def has(text, *words):
    left = [w for w in words if w not in text]
    if left:
        raise Mismatch(f"without {left}:\n{text}")
    return text


def rows(text):
    """A table's rows by the first column; every column begins where its head
    does, or ends there."""
    head, *lines = text.splitlines()
    if any(line.rstrip() != line for line in (head, *lines)):
        raise Mismatch(f"blanks at the end of a line:\n{text!r}")
    return {line.split()[0]: line.split() for line in lines}


def test_what_there_is():
    """status and nodes, as tables and as JSON."""
    c = shared()
    out, _ = run(c, "status")
    has(out, "redis        reachable", "router-1", "node-2", "gateway-1")
    got = parsed(c, "status")
    if len(got["nodes"]) != 2 or not got["redis"]:
        raise Mismatch(f"{got}")
    table = rows(run(c, "nodes")[0])
    if table["node-1"][1] != "LIVE" or set(table) != {"node-1", "node-2"}:
        raise Mismatch(f"{table}")
    if [n["id"] for n in parsed(c, "nodes")] != ["node-1", "node-2"]:
        raise Mismatch("nodes in JSON")
    run(None, "--dir", c.dir, "status")


def listed(c):
    """The call that two have answered, once its record says so, which is
    written a moment after the messages."""
    return wait_for("the call is listed", lambda: [
        x for x in c.api("GET", "/api/calls")["items"]
        if x["state"] == "CALL_ANSWERED" and len(x["legs"]) == 2])[0]


def test_a_call():
    """calls, call, trace, move, hangup."""
    c = shared()
    has(run(c, "calls")[0], "no calls")
    with phones() as box:
        for user in ("1001", "1002"):
            phone(box, c, user)
        call(box, "1001", "1002")
        ident = listed(c)["id"]
        line = rows(run(c, "calls")[0])[ident]
        if line[1:6] != ["answered", "1001", "1002", "device:1002", "2"]:
            raise Mismatch(f"{line}")
        has(run(c, "call", ident)[0], ident, "answered", "PCMU", "1001")
        has(run(c, "move", ident)[0], ident)
        check_trace(c, ident)
        follow = subprocess.Popen(
            [PROGRAM, "trace", ident, "--follow"], text=True,
            stdout=subprocess.PIPE, env=environment(c))
        for _ in range(4):
            follow.stdout.readline()
        has(run(c, "hangup", ident)[0], "hung up")
        for user in ("1001", "1002"):
            box.expect("closed", phone=user)
        has(follow.communicate(timeout=20)[0], "BYE", "200 OK to BYE")
        _, err = run(c, "hangup", ident, code=1)
        has(err, "switchyard: ", "(404)")


def check_trace(c, ident):
    """A ladder: each arrow between two of the columns."""
    # Routers write traces a moment after the messages.
    wait_for("the trace is there", lambda: "ACK" in run(c, "trace", ident)[0])
    out, _ = run(c, "trace", ident)
    has(out, "INVITE (SDP)", "200 OK to INVITE (SDP)", "router-1", "ACK")
    head, *lines = out.splitlines()
    if len(head.split()) != 4 or head.split()[0] != "TIME":
        raise Mismatch(f"heads: {head}")
    places = [head.index(name) for name in head.split()[1:]]
    for line in lines:
        if any(line[p] not in "|-<> " and not line[p].isalnum()
               and line[p] not in "()" for p in places):
            raise Mismatch(f"columns {places}:\n{head}\n{line}")
        if line[places[0]] != "|" or line[places[-1]] != "|":
            raise Mismatch(f"no bars at {places}:\n{head}\n{line}")
        if ("-->" in line) + ("<--" in line) != 1:
            raise Mismatch(f"no arrow: {line}")
    full = run(c, "trace", ident, "--full")[0]
    has(full, "    Via: SIP/2.0/UDP", "    v=0", "    CSeq: ")
    if len(parsed(c, "trace", ident)["messages"]) < len(lines):
        raise Mismatch("messages in JSON")


def test_drain():
    """With progress until the node has no calls, and back."""
    c = shared()
    with phones() as box:
        for user in ("1001", "1002"):
            phone(box, c, user)
        call(box, "1001", "1002")
        node = listed(c)["node"]
        out, _ = run(c, "drain", node, "--wait")
        has(out, f"{node} takes no new calls", f"{node}: 0 calls left",
            f"{node} has no calls")
        if c.api("GET", "/api/calls")["items"][0]["node"] == node:
            raise Mismatch("the call is where it was")
        has(run(c, "drain", node, "--undo")[0], "takes calls again")
        wait_for("it does", lambda: rows(run(c, "nodes")[0])[node][1]
                 == "LIVE")
        end(box, "1001", "1002")
    run(c, "drain", "nobody", code=1)


def test_configuration():
    """get, changed, diff, apply; what is wrong is named; what somebody else
    changed is not lost."""
    c = shared()
    conf = json.loads(run(c, "config", "get")[0])
    with tempfile.NamedTemporaryFile("w+", suffix=".json") as f:
        def write(what):
            f.seek(0)
            f.truncate()
            json.dump(what, f)
            f.flush()
        write(conf)
        has(run(c, "config", "diff", f.name)[0], "nothing changes")
        routes = [{**r, "pattern": "602"} if r["id"] == "echo" else r
                  for r in conf["routes"]]
        write({**conf, "routes": routes, "devices": [
            *conf["devices"], {"id": "4001", "password": "x"}]})
        out, _ = run(c, "config", "diff", f.name)
        has(out, "~ routes echo: pattern", "+ devices 4001")
        out, _ = run(c, "config", "apply", f.name)
        has(out, "~ routes echo: pattern", "revision ")
        probe = c.api("GET", "/api/routes/probe?number=602")
        if probe["route"] != "echo":
            raise Mismatch(f"{probe}")
        write(conf)
        has(run(c, "config", "apply", f.name)[0], "- devices 4001")
        write({**conf, "devices": [{"id": "a b"}]})
        _, err = run(c, "config", "apply", f.name, code=1)
        has(err, "devices[0].id", "allowed: 1 to 64")
        write({**conf, "devices": [{"id": "a b"}], "routes": [
            {"id": "x", "pattern": "[", "target": {"device": "nobody"}}]})
        for how in ("diff", "apply"):
            _, err = run(c, "config", how, f.name, code=1)
            has(err, "devices[0].id", "devices[0].password",
                "routes[0].pattern", "routes[0].target.device")
        write({**conf, "colour": 1, "devices": [{"id": 7}]})
        _, err = run(c, "config", "apply", f.name, code=1)
        has(err, "colour: is not known", "devices[0].id: must be a string")
        write({**conf, "colour": 1})
        _, err = run(c, "config", "diff", f.name, code=1)
        has(err, "colour: is not known")
        f.seek(0)
        f.write("{,")
        f.flush()
        has(run(c, "config", "apply", f.name, code=2)[1], "not JSON", "line 1")
    has(run(c, "config", "apply", "/nonexistent", code=2)[1], "No such file")
    out, _ = run(c, "config", "diff", "-", text=json.dumps(conf))
    has(out, "nothing changes")


def test_tokens_and_users():
    """A token does what its scope says until it is revoked; a user."""
    c = shared()
    out, err = run(c, "token", "create", "ci", "--scope", "nodes:read",
                   "--expires", "1d")
    has(err, "shown this once")
    token = out.strip()
    run(c, "status", SWITCHYARD_TOKEN=token)
    _, err = run(c, "calls", code=1, SWITCHYARD_TOKEN=token)
    has(err, "calls:read", "(403)")
    ident = [t for t in parsed(c, "token", "list") if t["name"] == "ci"][0]
    has(run(c, "token", "list")[0], "ci", "nodes:read")
    run(c, "token", "revoke", ident["id"])
    run(c, "status", code=1, SWITCHYARD_TOKEN=token)
    run(c, "token", "create", "x", code=2)
    run(c, "users", "add", "eve", "--role", "OPERATOR",
        text="a long enough password\n")
    has(run(c, "users", "list")[0], "eve", "OPERATOR")
    log_in_and_out(c)
    run(c, "users", "remove", "eve")


def log_in_and_out(c):
    with tempfile.TemporaryDirectory() as home:
        env = {"HOME": home, "SWITCHYARD_TOKEN": ""}
        run(c, "login", "eve", code=1, text="wrong\n", **env)
        out, _ = run(c, "login", "eve", text="a long enough password\n",
                     **env)
        has(out, "eve is logged in, as OPERATOR")
        kept = os.path.join(home, ".config", "switchyard", "session.json")
        if os.stat(kept).st_mode & 0o77:
            raise Mismatch("others may read the login")
        run(c, "calls", **env)
        run(c, "drain", "node-1", **env)  # needs the CSRF token
        run(c, "drain", "node-1", "--undo", **env)
        run(c, "users", "list", code=1, **env)
        run(c, "logout", **env)
        run(c, "calls", code=1, **env)


def test_events():
    """What comes, and what came."""
    c = shared()
    p = subprocess.Popen([PROGRAM, "events", "--follow", "--type",
                          "BANNED"], text=True, stdout=subprocess.PIPE,
                         env=environment(c))
    try:
        wait_for("it listens", lambda: "sy_gateway_event_streams 1"
                 in metrics(c))
        c.api("POST", "/api/bans", {"source": "192.0.2.77"})
        has(p.stdout.readline(), "BANNED", "ban=192.0.2.77")
    finally:
        p.kill()
        p.communicate()
    has(run(c, "events")[0], "BANNED")
    last = json.loads(run(c, "events", "--json")[0].splitlines()[-1])
    if last["type"] != "BANNED":
        raise Mismatch(f"{last}")


def metrics(c):
    url = f"http://{c.gateways[0].http}/metrics"
    with urllib.request.urlopen(url, timeout=5) as res:
        return res.read().decode().splitlines()


def test_what_is_wrong():
    """Exit codes; errors are one line that names the cause."""
    c = shared()
    for args, code, word in (
            ((), 2, "a command is needed"),
            (("nope",), 2, "no such command"),
            (("token",), 2, "list, create, revoke"),
            (("call",), 2, "CALL is wanted"),
            (("status", "--colour"), 2, "--colour: there is no such option"),
            (("status", "--follow"), 2, "no option --follow"),
            (("status", "--url"), 2, "a value is needed: URL"),
            (("status", "--url", "ftp://x"), 2, "allowed: https://"),
            (("status", "--dir", "/nonexistent"), 2, "cluster.json"),
            (("status", "--url", "http://127.0.0.1:9"), 3, "no gateway at"),
            (("status", "--url", f"https://{c.gateways[0].https}"), 3,
             "--ca FILE"),
            (("status", "--token", "wrong"), 1, "not known")):
        out, err = run(c, *args, code=code)
        has(err, "switchyard: ", word)
        if out or err.count("\n") != 1:
            raise Mismatch(f"{args}: {out!r} {err!r}")
    run(c, "status", "--insecure", "--url", f"https://{c.gateways[0].https}")
    has(run(None, "--help")[0], "usage: switchyard", "config apply FILE",
        "3 no gateway answers")
    has(run(None, "trace", "--help")[0], "--full", "--follow", "ladder")
    has(run(None, "--version")[0], "switchyard ")


def test_colours_on_a_terminal():
    """There, and not with NO_COLOR."""
    c = shared()
    for env, wanted in (({}, True), ({"NO_COLOR": "1"}, False)):
        if (b"\033[" in on_terminal(c, "nodes", TERM="xterm", **env)) \
                != wanted:
            raise Mismatch(f"colours with {env}: {not wanted}")


def on_terminal(c, *args, **env):
    ours, its = pty.openpty()
    p = subprocess.Popen([PROGRAM, *args], stdout=its,
                         env=environment(c, **env))
    os.close(its)
    out = b""
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:  # it has ended
            break
        if not more:
            break
        out += more
    os.close(ours)
    if p.wait(10):
        raise Mismatch(f"{args} on a terminal: {p.returncode}")
    return out
