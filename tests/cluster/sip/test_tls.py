# SPDX-License-Identifier: MIT
"""SIP over TLS: phones, strangers and trunks; certificates; who is slow, who
speaks no TLS, and what a connection costs."""

import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

from harness import (Mismatch, Shared, assert_clean, cluster, metrics, phones,
                     wait_for)
from lib.cluster import DEMO
from rawphone import SDP, RawPhone
from strangers import Baresip
from talk import hears, phone, tone
from tlsphone import TlsPhone, TlsTrunk, connect, context, make_certificate

IDLE = 1000

# One cluster for the tests that leave its routers as they are.
shared = Shared(nodes=2, routers=2)
finish = shared.finish


# --------------------------------------------------------------- calls

def test_baresip_over_tls():
    """Registered at one router each, called by each other and a UDP phone."""
    c = shared()
    with Baresip("1001", c.routers[0].tls, "opus", 440, "tls") as a, \
            Baresip("1002", c.routers[1].tls, "pcmu", 620, "tls") as b, \
            phones() as box:
        a.registered()
        b.registered()
        for caller, callee, user in ((a, b, "1002"), (b, a, "1001")):
            caller.command("dial", user)
            callee.expect("CALL_INCOMING")
            callee.command("accept")
            a.expect("CALL_ESTABLISHED")
            b.expect("CALL_ESTABLISHED")
            a.hears(620)
            b.hears(440)
            caller.command("hangup")
            callee.expect("CALL_CLOSED")
            assert_clean(c)
        phone(box, c, "1003")
        box.do("call", phone="1003", to="1001")
        a.expect("CALL_INCOMING")
        a.command("accept")
        box.expect("established", phone="1003")
        hears(box, "1003", 440)
        a.hears(tone("1003"))
        a.command("hangup")
        box.expect("closed", phone="1003")
        assert_clean(c)


def contact_is(got, start):
    if not got.get("contact").startswith(start) or \
            ";transport=tls" not in got.get("contact"):
        raise Mismatch(f"Contact is {got.get('contact')}")
    for route in got.all("record-route"):
        if not route.startswith(start) or ";transport=tls" not in route:
            raise Mismatch(f"Record-Route is {route}")


def test_sip_and_sips():
    """Who calls by sips: gets sips: everywhere, and the call can be ended by
    what was given, also at the other router."""
    c = shared()
    for scheme in ("sip", "sips"):
        with TlsPhone(c.routers[0].tls, "1004", scheme=scheme) as a:
            text = a.challenged("INVITE", f"{scheme}:600@switchyard",
                                SDP.format(port=40000))
            a.send(text)
            ok = a.await_("final")
            if ok.code != 200:
                raise Mismatch(f"{scheme}: {ok.start}")
            contact_is(ok, f"<{scheme}:")
            head = {"From": ok.get("from"), "To": ok.get("to"),
                    "Call-ID": ok.get("call-id"),
                    "Route": ok.all("record-route")[::-1]}
            a.send(a.request("ACK", ok.contact(), CSeq="2 ACK", **head))
            with TlsPhone(c.routers[1].tls, "1004") as other:
                end = other.ask(other.request("BYE", ok.contact(),
                                              CSeq="3 BYE", **head))
            if end.code != 200:
                raise Mismatch(f"{scheme}: BYE: {end.start}")
        assert_clean(c)


def test_called_by_its_connection():
    """A registered phone is called by its connection, whichever router the
    call comes through; without it, it is not reached."""
    c = shared()
    with RawPhone(c.routers[1], "1006") as caller:
        with TlsPhone(c.routers[0].tls, "1005", scheme="sips") as a:
            if a.register().code != 200:
                raise Mismatch("not registered")
            sent = caller.call("1005")
            inv = a.await_("INVITE")
            if not inv.get("via").startswith("SIP/2.0/TLS "):
                raise Mismatch(f"Via is {inv.get('via')}")
            contact_is(inv, "<sips:")
            a.answer(inv, 486)
            a.await_("ACK")
            got = caller.await_("final", call_id=sent.get("call-id"))
            if got.code != 486:
                raise Mismatch(f"busy, but {got.start}")
        sent = caller.call("1005")
        got = caller.await_("final", call_id=sent.get("call-id"))
        if got.code not in (408, 430, 480):
            raise Mismatch(f"it is gone, but {got.start}")
        text = caller.challenged(
            "REGISTER", "sip:switchyard", user="1005", **{
                "From": "<sip:1005@switchyard>;tag=x",
                "To": "<sip:1005@switchyard>", "Contact": "*",
                "Expires": "0"})
        caller.ask(text)
    assert_clean(c)


def test_trunk_by_tls():
    """A trunk with transport=tls: one connection for the whole call."""
    with tempfile.TemporaryDirectory(prefix="sy-") as folder, \
            TlsTrunk(*make_certificate(folder, "trunk", "trunk.example")) \
            as trunk:
        with open(DEMO, encoding="utf-8") as f:
            conf = json.load(f)
        conf["trunks"] = [{"id": "out", "enabled": True, "sources": [],
                           "optionsS": 0,
                           "target": f"{trunk.at};transport=tls"}]
        conf["routes"] = [{"id": "out", "order": 1, "pattern": "7XX",
                           "target": {"external": {"trunk": "out",
                                                   "number": "$0"}}}]
        with cluster(nodes=1, config=conf) as c, \
                RawPhone(c.routers[0], "1001") as a:
            inv = a.call("701")
            with trunk.accept() as far:
                got = far.await_("INVITE")
                contact_is(got, "<sip:")
                far.answer(got, 200, "OK", SDP.format(port=40002),
                           tag="far", Contact=f"<sip:701@{trunk.at}"
                                              ";transport=tls>")
                far.await_("ACK")
                ok = a.await_("final", call_id=inv.get("call-id"))
                head = {"From": inv.get("from"), "To": ok.get("to"),
                        "Call-ID": inv.get("call-id"),
                        "Route": ok.all("record-route")[::-1]}
                a.send(a.request("ACK", ok.contact(), CSeq="2 ACK", **head))
                a.send(a.request("BYE", ok.contact(), CSeq="3 BYE", **head))
                far.answer(far.await_("BYE"), 200, "OK")
            assert_clean(c)


# -------------------------------------------------------- certificates

def shown(at, name=None):
    """Common name of the certificate that a stranger is shown."""
    run = subprocess.run(
        ["openssl", "s_client", "-connect", at,
         *(["-servername", name] if name else ["-noservername"])],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10)
    for line in run.stdout.splitlines():
        if line.startswith("subject=CN = "):
            return line.removeprefix("subject=CN = ")
    raise Mismatch(f"openssl s_client: {run.stdout[-300:]}"
                   f"{run.stderr[-300:]}")


def is_answered(p):
    got = p.ask(p.request("OPTIONS", "sip:switchyard"))
    if got.code != 200:
        raise Mismatch(f"OPTIONS: {got.start}")


def log_has(router, text):
    with open(router.log, encoding="utf-8") as f:
        return text in f.read()


def test_names_and_reload():
    """By SNI, then others in the same files, while a connection goes on."""
    with tempfile.TemporaryDirectory(prefix="sy-") as folder:
        made = {n: make_certificate(folder, n, f"{n}.example")
                for n in ("a", "b", "c")}
        certs, keys = (",".join(made[n][i] for n in ("a", "b"))
                       for i in (0, 1))
        with cluster(nodes=1, router_args=["--tls-cert", certs, "--tls-key",
                                           keys, "--threads", "2"]) as c, \
                contextlib.ExitStack() as s:
            router = c.routers[0]
            for name, want in ((None, "a"), ("b.example", "b"),
                               ("x.example", "a")):
                if shown(router.tls, name) != f"{want}.example":
                    raise Mismatch(f"{name}: {shown(router.tls, name)}")
            open_ones = [s.enter_context(TlsPhone(router.tls))
                         for _ in range(8)]
            for p in open_ones:
                is_answered(p)
            for i in (0, 1):
                shutil.copy(made["c"][i], made["a"][i])
            os.kill(router.pid, signal.SIGHUP)
            wait_for("the new certificate",
                     lambda: shown(router.tls) == "c.example", 5)
            with open(made["a"][0], "w", encoding="ascii") as f:
                f.write("nothing\n")
            os.kill(router.pid, signal.SIGHUP)
            wait_for("the wrong one is told",
                     lambda: log_has(router, "the old ones stay"), 5)
            if shown(router.tls) != "c.example":
                raise Mismatch("a wrong file was taken")
            # without a signal, by a look at the files
            shutil.copy(made["b"][0], made["a"][0])
            shutil.copy(made["b"][1], made["a"][1])
            wait_for("the files are looked at",
                     lambda: shown(router.tls) == "b.example", 15, 0.5)
            for p in open_ones:
                is_answered(p)


def test_versions():
    """1.2 and 1.3, nothing before."""
    c = shared()
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with connect(c.routers[0].tls, ctx=context(version)) as sock:
            sock.sendall(b"\r\n\r\n")
            if sock.recv(10) != b"\r\n":
                raise Mismatch(f"{version}: no answer")
    run = subprocess.run(
        ["openssl", "s_client", "-connect", c.routers[0].tls, "-tls1_1",
         "-cipher", "ALL:@SECLEVEL=0"], stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=10)
    if not run.returncode:
        raise Mismatch("TLS 1.1 was taken")


def test_wrong_options():
    with tempfile.TemporaryDirectory(prefix="sy-") as folder:
        cert, key = make_certificate(folder, "a", "a.example")
        for args, want in (
                ([], "--tls: needs --tls-cert and --tls-key"),
                (["--tls-cert", cert], "--tls: needs --tls-cert and "
                                       "--tls-key"),
                (["--tls-cert", "/none", "--tls-key", key],
                 "--tls-cert: /none: No such file or directory"),
                (["--tls-cert", cert, "--tls-key", cert],
                 f"--tls-key: {cert}: "),
                (["--tls-cert", cert, "--tls-key", key, "--tls-ca", key],
                 f"--tls-ca: {key}: ")):
            run = subprocess.run(
                [shared().program("switchyard-router"), "--cluster-key",
                 "0123456789abcdef", "--tls", "127.0.0.1:0", *args],
                capture_output=True, text=True, timeout=10)
            line = run.stderr.removeprefix("switchyard-router: ")
            if run.returncode != 2 or not line.startswith(want) or \
                    run.stderr.count("\n") != 1:
                raise Mismatch(f"{args}: {run.returncode}, {run.stderr}")


# ---------------------------------------------------------- bad company

def handshakes(router, result):
    return metrics(router)[
        f'sy_router_tls_handshakes_total{{result="{result}"}}']


def test_plain_text_on_the_port():
    c = shared()
    router = c.routers[0]
    host, _, port = router.tls.rpartition(":")
    failed = handshakes(router, "failed")
    with RawPhone(router) as a, socket.socket() as sock:
        sock.settimeout(5)
        sock.connect((host, int(port)))
        sock.sendall(a.request("OPTIONS", "sip:switchyard").encode())
        with contextlib.suppress(ConnectionResetError):
            while sock.recv(1000):
                pass
        is_answered(a)
    wait_for("it is counted", lambda: handshakes(router, "failed") > failed)


def test_slow_handshake():
    """A byte each 100 ms: it ends after 5 s, and holds nobody up."""
    c = shared()
    router = c.routers[0]
    host, _, port = router.tls.rpartition(":")
    inc, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    obj = context().wrap_bio(inc, out)
    with contextlib.suppress(ssl.SSLWantReadError):
        obj.do_handshake()
    hello = out.read()
    with TlsPhone(router.tls) as other, socket.socket() as sock:
        sock.connect((host, int(port)))
        start = time.monotonic()
        worst = 0.0
        try:
            for b in hello:
                sock.sendall(bytes([b]))
                before = time.monotonic()
                is_answered(other)
                worst = max(worst, time.monotonic() - before)
                time.sleep(0.1)
                if time.monotonic() - start > 10:
                    raise Mismatch("not closed within 10 s")
        except OSError:
            pass
        took = time.monotonic() - start
        if took < 4.5:
            raise Mismatch(f"closed after {took:.1f} s already")
    print(f"        closed after {took:.1f} s; slowest answer to another "
          f"meanwhile: {worst * 1000:.1f} ms", flush=True)


def resident_kb(member):
    with open(f"/proc/{member.pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f
                    if line.startswith("VmRSS"))


def test_memory_of_idle_connections():
    """1,000 connections that were used once, from four addresses."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE,
                       (min(hard, max(soft, 2 * IDLE)), hard))
    with cluster(nodes=1) as c, contextlib.ExitStack() as s:
        router = c.routers[0]
        ctx = context()

        def used(i):
            sock = s.enter_context(connect(
                router.tls, ctx=ctx, source=f"127.0.0.{1 + i % 4}"))
            sock.sendall(b"\r\n\r\n")
            if sock.recv(10) != b"\r\n":
                raise Mismatch("no answer to a keep-alive")
        for i in range(50):
            used(i)
        before, start = resident_kb(router), time.monotonic()
        for i in range(IDLE):
            used(i)
        seconds = time.monotonic() - start
        each = (resident_kb(router) - before) / IDLE
        print(f"        {each:.1f} KB for each of {IDLE} idle TLS "
              f"connections; {IDLE / seconds:.0f} handshakes/s with a client "
              "in Python", flush=True)
        if each > 60:
            raise Mismatch(f"{each:.1f} KB a connection")
