# SPDX-License-Identifier: MIT
"""Clients of the gateway that mean harm, and those beside them."""

import json
import os
import resource
import socket
import ssl
import subprocess
import sys
import threading
import time

import hostile
from harness import Mismatch, Shared, metrics, wait_for
from wsfeed import Closed, Feed

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 0.6      # of each attack
CALM = "11"        # ENHANCE_YOUR_CALM
GROWTH_MB = 48     # more is a leak, or something that is not bounded

shared = Shared(nodes=1)
finish = shared.finish


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


def resident_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        for line in f:
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    raise Mismatch(f"{pid} is gone")


class Bystander:
    """Somebody who asks for /healthz all the time: on one connection, and
    each time on a new one; and a WebSocket that pings."""

    def __init__(self, c):
        self.where, self.token = c.gateways[0].http, c.token
        self.at = address(self.where)
        self.times, self.wrong = [], []
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(keep,))
                        for keep in (True, False)]
        self.threads.append(threading.Thread(target=self._run_feed))

    def _ask(self, s):
        started = time.monotonic()
        s.sendall(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")
        got = b""
        while b"\r\n\r\n" not in got or not got.endswith(b"\n"):
            more = s.recv(4096)
            if not more:
                raise OSError(f"closed after {got!r}")
            got += more
        self.times.append(time.monotonic() - started)
        if not got.startswith(b"HTTP/1.1 200"):
            self.wrong.append(got)

    def _run(self, keep):
        try:
            s = socket.create_connection(self.at, 10)
            while not self.ended.wait(0.005):
                if not keep:
                    s.close()
                    s = socket.create_connection(self.at, 10)
                self._ask(s)
            s.close()
        except OSError as e:
            self.wrong.append(str(e))

    def _run_feed(self):
        try:
            with Feed(self.where, self.token) as feed:
                while not self.ended.wait(0.1):
                    started = time.monotonic()
                    feed.send(ping={})
                    feed.receive()
                    self.times.append(time.monotonic() - started)
        except (OSError, Closed) as e:
            self.wrong.append(f"WebSocket: {e}")

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for t in self.threads:
            t.join()

    def must_be_well(self, what):
        """Wide: the machine has other work, too."""
        times = sorted(self.times)
        if self.wrong or len(times) < 10:
            raise Mismatch(f"{what}: others: {self.wrong[:3]}, "
                           f"{len(times)} answers")
        middle, worst = times[len(times) // 2], times[-1]
        if middle > 0.1 or worst > 2:
            raise Mismatch(f"{what}: others wait {middle * 1000:.0f} ms, "
                           f"{worst * 1000:.0f} at worst")
        return f"p50 {middle * 1000:.1f} ms, max {worst * 1000:.0f} ms"


def attack(c, name):
    """What came of an attack, see hostile.py."""
    gateway = c.gateways[0]
    before = resident_mb(gateway.pid)
    with Bystander(c) as beside:
        done = subprocess.run(
            [sys.executable, os.path.join(HERE, "hostile.py"), gateway.http,
             name, str(SECONDS)], capture_output=True, text=True, check=False,
            timeout=60)
        if done.returncode:
            raise Mismatch(f"{name}: {done.stderr[-500:]}")
    told = json.loads(done.stdout)
    grown = resident_mb(gateway.pid) - before
    print(f"        {name}: {told['sent'] / 1e6:.1f} MB, "
          f"{told['connections']} connections, GOAWAY {told['codes']}; "
          f"others {beside.must_be_well(name)}; {grown:+.1f} MB", flush=True)
    if grown > GROWTH_MB:
        raise Mismatch(f"{name}: the gateway has grown by {grown:.0f} MB")
    return told


def test_floods():
    """Who only costs is cut off, and told why."""
    c = shared()
    for name in ("rapid_reset", "made_reset", "ping", "settings", "priority",
                 "window", "unknown", "empty_data"):
        for _ in range(3):  # a busy machine may not get as far
            codes = attack(c, name)["codes"]
            if set(codes) - {"null"}:
                break
        if set(codes) - {CALM, "null"} or CALM not in codes:
            raise Mismatch(f"{name}: GOAWAY {codes}, expected {CALM}")
    if not metrics(c.gateways[0])["sy_gateway_floods_total"]:
        raise Mismatch("nothing is counted")


def test_headers_without_end():
    c = shared()
    for name in ("continuation", "long_continuation", "hpack_bomb",
                 "endless_header"):
        told = attack(c, name)
        if told["sent"] / told["connections"] > 16 << 20:
            raise Mismatch(f"{name}: {told} was read")


def test_answers_not_taken():
    c = shared()
    gateway = c.gateways[0]
    for name in ("never_reads", "no_window", "garbage"):
        attack(c, name)
    wait_for("connections to go",
             lambda: metrics(gateway)["sy_gateway_connections"] < 5, 20)


# ----------------------------------------------------------------- slowness

def slow(at, first):
    """A connection that says the beginning of something."""
    s = socket.create_connection(at, 10)
    s.sendall(first)
    return s


def is_closed(s):
    s.settimeout(0)
    try:
        while True:
            if not s.recv(65536):
                return True
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_slowness():
    """Who never says all is let go: headers, handshakes and prefaces after
    10 s, bodies after 30 s (these in the unit tests)."""
    c = shared()
    at, tls = address(c.gateways[0].http), address(c.gateways[0].https)
    begun = [(at, b""), (at, b"GET / HTTP/1.1\r\nhost: a\r\nx"),
             (at, b"PRI * HT"), (at, hostile.OPEN),
             (at, hostile.OPEN + hostile.frame(hostile.HEADERS, 0, 1,
                                               hostile.GET)),
             (tls, b""), (tls, b"\x16\x03\x01\x02\x00\x01")]
    held = [slow(where, first) for where, first in begun * 40]
    with Bystander(c) as beside:
        # A byte now and then does not help.
        end = time.monotonic() + 20
        while not all(map(is_closed, held)):
            if time.monotonic() > end:
                raise Mismatch("still there: " + str(
                    {begun[i % len(begun)][1] for i, s in enumerate(held)
                     if not is_closed(s)}))
            for i, s in enumerate(held):
                if i % len(begun) == 1:
                    try:
                        s.send(b"y")
                    except OSError:
                        pass
            time.sleep(0.5)
    beside.must_be_well("slowness")
    for s in held:
        s.close()


def test_ten_thousand_idle():
    """They cost little, and nobody else notices."""
    count = 10000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE,
                       (hard if hard < 0 else min(hard, count + 2000), hard))
    c = shared()
    gateway = c.gateways[0]
    at = address(gateway.http)
    before = resident_mb(gateway.pid)
    ask = hostile.OPEN + hostile.frame(
        hostile.HEADERS, hostile.END_HEADERS | hostile.END_STREAM, 1,
        hostile.GET)
    held = []
    try:
        for i in range(count):
            s = socket.create_connection(
                at, 10, (f"127.0.0.{1 + i % 4}", 0))
            s.sendall(ask)
            held.append(s)
        wait_for("connections", lambda: metrics(gateway)[
            "sy_gateway_connections"] >= count, 20)
        with Bystander(c) as beside:
            wait_for("answers to others",
                     lambda: len(beside.times) > 200, 20)
        each = (resident_mb(gateway.pid) - before) * 1024 / count
        print(f"        {count} idle: {each:.1f} KB each; others "
              f"{beside.must_be_well('idle')}", flush=True)
        if each > 32:
            raise Mismatch(f"an idle connection costs {each:.1f} KB")
        for s in held[::1000]:
            if is_closed(s):
                raise Mismatch("an idle connection was closed at once")
    finally:
        for s in held:
            s.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    wait_for("they are gone",
             lambda: metrics(gateway)["sy_gateway_connections"] < 5, 20)


# ---------------------------------------------------------------- smuggling

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n"

# Each is answered once, by this status, and what follows is never parsed.
SMUGGLING = {
    "two kinds of length": (400, b"POST /api/calls HTTP/1.1\r\nhost: a\r\n"
                            b"content-length: 4\r\n"
                            b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    "two lengths": (400, b"POST /api/calls HTTP/1.1\r\nhost: a\r\n"
                    b"content-length: 4\r\ncontent-length: 0\r\n\r\n"),
    "a length with a sign": (400, b"POST /api/calls HTTP/1.1\r\nhost: a\r\n"
                             b"content-length: +4\r\n\r\nabcd"),
    "a list of lengths": (400, b"POST /api/calls HTTP/1.1\r\nhost: a\r\n"
                          b"content-length: 4, 4\r\n\r\nabcd"),
    "chunked twice": (400, b"POST /api/calls HTTP/1.1\r\nhost: a\r\n"
                      b"transfer-encoding: chunked, chunked\r\n\r\n"
                      b"0\r\n\r\n"),
    "chunked not last": (400, b"POST /api/calls HTTP/1.1\r\nhost: a\r\n"
                         b"transfer-encoding: chunked, identity\r\n\r\n"
                         b"0\r\n\r\n"),
    "a coding like chunked": (400, b"POST /api/bans HTTP/1.1\r\nhost: a\r\n"
                              b"authorization: Bearer TOKEN\r\n"
                              b"content-type: application/json\r\n"
                              b"transfer-encoding: xchunked\r\n\r\n"
                              b"0\r\n\r\n"),
    "a blank before the colon": (400, b"POST /api/calls HTTP/1.1\r\n"
                                 b"host: a\r\ncontent-length : 4\r\n\r\n"
                                 b"abcd"),
    "a folded line": (400, b"GET /healthz HTTP/1.1\r\nhost: a\r\nx: y\r\n"
                      b" z: 1\r\n\r\n"),
    "a bare line feed": (400, b"GET /healthz HTTP/1.1\nhost: a\n\n"),
    "a line feed in the header": (400, b"GET /healthz HTTP/1.1\r\nhost: a\n"
                                  b"x: y\r\n\r\n"),
    "a zero in a value": (400, b"GET /healthz HTTP/1.1\r\nhost: a\r\n"
                          b"x: y\0z\r\n\r\n"),
    "no host": (400, b"GET /healthz HTTP/1.1\r\n\r\n"),
    "two hosts": (400, b"GET /healthz HTTP/1.1\r\nhost: a\r\nhost: b\r\n"
                  b"\r\n"),
    "a chunk of a bad size": (400, b"POST /api/bans HTTP/1.1\r\nhost: a\r\n"
                              b"authorization: Bearer TOKEN\r\n"
                              b"content-type: application/json\r\n"
                              b"transfer-encoding: chunked\r\n\r\n"
                              b"0x1\r\na\r\n0\r\n\r\n"),
    "a chunk that is longer": (400, b"POST /api/bans HTTP/1.1\r\nhost: a\r\n"
                               b"authorization: Bearer TOKEN\r\n"
                               b"content-type: application/json\r\n"
                               b"transfer-encoding: chunked\r\n\r\n"
                               b"1\r\nabc\r\n0\r\n\r\n"),
    "another version": (505, b"GET /healthz HTTP/3.0\r\nhost: a\r\n\r\n"),
}


def answers(at, data):
    """All that comes until the connection ends."""
    got = b""
    with socket.create_connection(at, 10) as s:
        s.settimeout(5)
        s.sendall(data)
        try:
            while more := s.recv(65536):
                got += more
        except OSError:
            pass
    return got


def test_smuggling():
    c = shared()
    at = address(c.gateways[0].http)
    wrong = []
    for name, (status, data) in SMUGGLING.items():
        got = answers(at, data.replace(b"TOKEN", c.token.encode())
                      + SMUGGLED)
        heads = got.count(b"HTTP/1.1 ")
        if heads != 1 or not got.startswith(b"HTTP/1.1 %d" % status) \
                or b"/smuggled" in got:
            wrong.append(f"{name}: {got[:120]!r}, {heads} answers")
    if wrong:
        raise Mismatch("\n".join(wrong))


def test_lengths_of_h2():
    """A body that is not as long as its header says is an error of the
    stream (RFC 9113 8.1.1), and of nobody else."""
    at = address(shared().gateways[0].http)
    for declared, body in ((b"1", b"abc"), (b"9", b"abc")):
        head = (b"\x83" + hostile.GET[1:] + b"\x0f\x0d"
                + bytes([len(declared)]) + declared)
        data = (hostile.OPEN
                + hostile.frame(hostile.HEADERS, hostile.END_HEADERS, 1, head)
                + hostile.frame(hostile.DATA, hostile.END_STREAM, 1, body)
                + hostile.frame(hostile.PING, 0, 0, b"12345678"))
        with socket.create_connection(at, 10) as s:
            s.settimeout(10)
            s.sendall(data)
            got = b""
            while b"12345678" not in got:
                more = s.recv(65536)
                if not more:
                    raise Mismatch(f"{declared}: closed after {got!r}")
                got += more
        kinds = []
        while len(got) >= 9:
            kinds.append(got[3])
            got = got[9 + int.from_bytes(got[:3], "big"):]
        if hostile.RST not in kinds:
            raise Mismatch(f"length {declared}, body {body}: {kinds}")


# ---------------------------------------------------------------------- TLS

def s_client(at, *args, say=""):
    done = subprocess.run(
        ["openssl", "s_client", "-connect", at, *args], input=say,
        capture_output=True, text=True, timeout=20, check=False)
    return done.stdout + done.stderr


def test_odd_tls():
    at = shared().gateways[0].https
    text = s_client(at, "-tls1_2", say="R\n")
    if "no renegotiation" not in text and "handshake failure" not in text:
        raise Mismatch(f"renegotiation: {text[-400:]}")
    text = s_client(at, "-alpn", "http/0.9,foo")
    if "no application protocol" not in text:
        raise Mismatch(f"an unknown protocol: {text[-400:]}")
    text = s_client(at, "-alpn", "foo,http/1.1")
    if "ALPN protocol: http/1.1" not in text:
        raise Mismatch(f"one that is known: {text[-400:]}")
    text = s_client(at, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    if "Cipher is (NONE)" not in text:
        raise Mismatch(f"TLS 1.1: {text[-400:]}")
    # HTTP/1.1 where h2 was agreed on is an error, not a guess.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    with socket.create_connection(address(at), 10) as raw, \
            context.wrap_socket(raw) as s:
        s.sendall(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")
        got = b""
        try:
            while more := s.recv(65536):
                got += more
        except OSError:
            pass
        if b"HTTP/1.1" in got:
            raise Mismatch(f"h2 was agreed on: {got!r}")
