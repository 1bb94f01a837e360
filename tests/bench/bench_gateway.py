# SPDX-License-Identifier: MIT
"""The gateway's face: requests a second, and how long each takes, for GET
/api/status and GET /api/calls with 1,000 calls that run, over HTTP/1.1 and
HTTP/2, with and without TLS, and for the same by gRPC.

The gateway has a core for itself, h2load the other one.  The peer is nginx,
with one worker on that core, which serves the same bytes from a file: what
HTTP costs without an API behind it."""

import contextlib
import json
import os
import shutil
import struct
import subprocess
import tempfile
import time

from bench_feed import feed
from cputime import cpu_us
from harness import cluster, free_base, phones, request
from talk import phone

CALLS = 1000
RATE = 40  # of calls that are set up, a second
SECONDS = 4
GATEWAY_CORE, LOAD_CORE = 0, 1
# name: arguments of h2load, and whether it is TLS
PROTOCOLS = {
    "h1": (["--h1", "-c", "10"], False),
    "h2": (["-c", "4", "-m", "10"], False),
    "h1_tls": (["--h1", "-c", "10"], True),
    "h2_tls": (["-c", "4", "-m", "10"], True),
}


def pin(pid, core):
    subprocess.run(["taskset", "-a", "-c", "-p", str(core), str(pid)],
                   check=True, capture_output=True)


def load(url, args, seconds, head=(), body=None):
    """A run of h2load: [ms that each request took], sorted."""
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "log")
        argv = ["taskset", "-c", str(LOAD_CORE), "h2load", *args,
                "-D", str(seconds), "--warm-up-time", "1",
                "--log-file", log]
        for field in head:
            argv += ["-H", field]
        if body is not None:
            path = os.path.join(folder, "body")
            with open(path, "wb") as f:
                f.write(body)
            argv += ["-d", path]
        done = subprocess.run([*argv, url], capture_output=True, text=True,
                              check=False, timeout=60 + 2 * seconds)
        if done.returncode or not os.path.exists(log):
            raise RuntimeError(f"{argv}: {done.stdout}{done.stderr}")
        with open(log, encoding="ascii") as f:
            rows = [line.split("\t") for line in f]
    # those that were under way at the end have no status
    rows = [row for row in rows if int(row[1]) > 0]
    bad = sum(row[1] != "200" for row in rows)
    if bad or not rows:
        raise RuntimeError(f"{url}: {bad} of {len(rows)} were not 200")
    return sorted(int(row[2]) / 1000 for row in rows)


def measure(pid, url, args, seconds, head=(), body=None):
    """(requests a second, p99 [ms], CPU time of the server a request [us])"""
    spent = cpu_us(pid)
    times = load(url, args, seconds, head, body)
    used = cpu_us(pid) - spent
    # the warm-up's requests are not in the log, but in the CPU time
    return (len(times) / seconds, times[len(times) * 99 // 100],
            used / len(times) * seconds / (seconds + 1))


@contextlib.contextmanager
def nginx(files, gateway):
    """nginx with these files ({path: bytes}); ({True, False}: its address by
    whether it is TLS, pid of its worker)."""
    if not shutil.which("nginx"):
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        for path, data in files.items():
            where = os.path.join(folder, "www", path.lstrip("/"))
            os.makedirs(os.path.dirname(where), exist_ok=True)
            with open(where, "wb") as f:
                f.write(data)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
             "-keyout", "key.pem", "-out", "cert.pem"], cwd=folder,
            check=True, capture_output=True)
        port = free_base() + 1
        names = {(False, "h1"): port, (False, "h2"): port + 1,
                 (True, "h1"): port + 2, (True, "h2"): port + 2}
        with open(os.path.join(folder, "nginx.conf"), "w",
                  encoding="ascii") as f:
            f.write(f"""
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error;
worker_cpu_affinity 01;
events {{ worker_connections 1024; }}
http {{
  access_log off; default_type application/json; sendfile on;
  keepalive_requests 100000000; tcp_nodelay on;
  server {{
    listen 127.0.0.1:{port};
    listen 127.0.0.1:{port + 1} http2;
    listen 127.0.0.1:{port + 2} ssl http2;
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    root {folder}/www;
  }}
}}
""")
        os.chmod(folder, 0o755)
        proc = subprocess.Popen(
            ["nginx", "-p", folder, "-c", os.path.join(folder, "nginx.conf")],
            stderr=subprocess.DEVNULL)
        try:
            yield names, worker_of(proc)
        finally:
            proc.terminate()
            proc.wait(10)


def worker_of(proc):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with open(f"/proc/{proc.pid}/task/{proc.pid}/children",
                  encoding="ascii") as f:
            children = f.read().split()
        if children:
            return int(children[0])
        time.sleep(0.02)
    raise RuntimeError("nginx has no worker")


def rest(show, c, seconds):
    gateway = c.gateways[0]
    paths = {"status": "/api/status", "calls": "/api/calls"}
    files = {}
    for path in paths.values():
        status, _, body = request("GET", f"http://{gateway.http}{path}",
                                  c.token, headers={"Accept-Encoding": "x"})
        files[path] = json.dumps(body, separators=(",", ":")).encode()
        if status != 200:
            raise RuntimeError(f"{path}: {status}")
    head = [f"authorization: Bearer {c.token}"]
    with nginx(files, gateway) as peer:
        for name, path in paths.items():
            for protocol, (args, tls) in PROTOCOLS.items():
                at = gateway.https if tls else gateway.http
                more = {}
                if peer:
                    port = peer[0][(tls, protocol[:2])]
                    rate, p99, us = measure(
                        peer[1], f"http{'s' * tls}://127.0.0.1:{port}{path}",
                        args, seconds)
                    more = {"peer": "nginx, a file", "peerValue": rate,
                            "peerP99Ms": p99, "peerUs": us}
                rate, p99, us = measure(
                    gateway.pid, f"http{'s' * tls}://{at}{path}", args,
                    seconds, head)
                show("gateway", f"gateway.{name}_{protocol}", rate,
                     "requests/s", p99Ms=p99, usPerRequest=us,
                     bytes=len(files[path]), **more)


def unary(show, c, seconds):
    """The same by gRPC: a message of 0 bytes asks for all."""
    gateway = c.gateways[0]
    head = [f"authorization: Bearer {c.token}", "te: trailers",
            "content-type: application/grpc"]
    for name, method in (("status", "Cluster/GetStatus"),
                         ("calls", "Calls/List"),
                         ("nodes", "Nodes/List")):
        rate, p99, us = measure(
            gateway.pid,
            f"http://{gateway.http}/switchyard.v1.{method}",
            PROTOCOLS["h2"][0], seconds, head, struct.pack(">BI", 0, 0))
        show("gateway", f"gateway.{name}_grpc", rate, "calls/s", p99Ms=p99,
             usPerRequest=us)


PARTS = {"rest": rest, "unary": unary}


def running(c):
    return request("GET", f"http://{c.gateways[0].http}/api/status",
                   c.token)[2]["calls"]


def fill(box, c):
    """CALLS calls without media, up to now; who called them.  A machine that
    has other work may have some refused: others take their place."""
    callers = []
    for first in range(1001, 1019, 2):
        caller, callee = str(first), str(first + 1)
        for user in (caller, callee):
            phone(box, c, user, media=False, preauth=True)
        missing = CALLS - running(c)
        if missing <= 0:
            break
        callers.append(caller)
        box.do("load", **{"from": caller, "to": callee, "count": missing,
                          "rate": RATE, "hold_ms": 3600000, "media": False})
        last, since = -1, time.monotonic()
        while running(c) < CALLS and time.monotonic() < since + 15:
            now = running(c)
            if now != last:
                last, since = now, time.monotonic()
            time.sleep(0.5)
    if running(c) < CALLS:
        raise RuntimeError(f"only {running(c)} calls of {CALLS}")
    return callers


def gateway(show, options):
    seconds = int(options.seconds or SECONDS)
    if options.only in (None, "feed"):
        feed(show)
    if options.only == "feed":
        return
    with cluster(nodes=2, log_level="warn") as c, phones() as box:
        callers = fill(box, c)
        pin(c.gateways[0].pid, GATEWAY_CORE)
        for name, part in PARTS.items():
            if not options.only or name == options.only:
                part(show, c, seconds)
        for caller in callers:
            box.do("hangup", phone=caller)
            box.expect("load", seconds=60)
