# SPDX-License-Identifier: MIT
"""A cluster on this machine: Redis, routers, nodes and gateways in a folder.

Used by deploy/up and by the tests, so that both start the same thing.
"""

import io
import json
import os
import secrets
import shutil
import signal
import socket
import time
import urllib.error
import urllib.request

from . import ports
from .process import Process, ProcessError, launch

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
DEMO = os.path.join(ROOT, "deploy", "demo.json")
WEB = os.path.join(ROOT, "build", "web", "dist")


# Tests look at each answer of Cluster.api(): called with its method, base
# URL, path, status, type and body.
ON_ANSWER = None


class Member:
    """One router, node or gateway: its process and where it listens."""

    def __init__(self, kind, name, argv, log, env, **addresses):
        self.kind = kind
        self.id = name
        self.argv = argv
        self.log = log
        self.env = env
        self.__dict__.update(addresses)
        self.addresses = addresses
        self.process = None

    def start(self):
        """Also again, after its process has ended."""
        self.process = launch(self.id, self.argv, self.log, self.env)

    @property
    def pid(self):
        return self.process.pid

    def summary(self):
        return {"id": self.id, "pid": self.pid, **self.addresses}


class Cluster:
    """Start, know and stop the processes of one cluster.

    The configuration is a file, or a dict in its shape.  `redis_url` is what
    the members connect to instead of Redis' socket, `redis_password` what
    Redis was told by redis_args to ask for.  Members whose names are in
    `later` are not started before join().  `hosts` says by name which host
    a member runs on: its `address`, and the words `prefix` before a command
    that is to run there; all others run here.  `beside_redis` is called with
    the cluster when Redis runs, before anything uses it.  `web` is the folder
    that gateways serve to browsers; None: none.
    """

    def __init__(self, directory, nodes=2, routers=1, gateways=1,
                 config=DEMO, port_base=0, bindir=None, node_args=(),
                 router_args=(), gateway_args=(), redis_args=(),
                 redis_url=None, redis_password=None, log_level="info",
                 later=(), hosts=None, beside_redis=None, web=None):
        self.dir = os.path.abspath(directory)
        self.counts = (routers, nodes, gateways)
        self.config = config
        self.base = port_base
        self.bin = bindir or os.path.join(ROOT, "build", "release", "bin")
        self.node_args = list(node_args)
        self.router_args = list(router_args)
        self.gateway_args = list(gateway_args)
        self.redis_args = list(redis_args)
        self.redis_at = redis_url
        self.redis_password = redis_password
        self.log_level = log_level
        self.routers, self.nodes, self.gateways = [], [], []
        self.later = dict.fromkeys(later)
        self.hosts = hosts or {}
        self.beside_redis = beside_redis or (lambda c: None)
        self.web = web
        self.redis = None
        self.token = None
        self.admin_password = None
        self.cluster_key = None

    # ------------------------------------------------------------- paths

    def path(self, *names):
        return os.path.join(self.dir, *names)

    @property
    def socket(self):
        return self.path("redis.sock")

    @property
    def redis_url(self):
        return self.redis_at or f"unix://{self.socket}"

    def program(self, name):
        path = os.path.join(self.bin, name)
        if not os.access(path, os.X_OK):
            raise ProcessError(f"{path} is missing; run deploy/build")
        return path

    # ------------------------------------------------------------- start

    def prepare(self):
        """The folder, and the secrets that are kept in it."""
        old = recorded(self.dir)
        if any(p.alive() for p in old):
            raise ProcessError(f"a cluster runs already from {self.dir}; "
                               "stop it with deploy/down"
                               + dir_hint(self.dir))
        try:
            os.makedirs(self.path("log"), mode=0o700, exist_ok=True)
            self.cluster_key = self.secret("cluster-key", 32)
            self.token = os.environ.get("SWITCHYARD_ADMIN_TOKEN") or \
                self.secret("admin-token", 24)
            self.admin_password = \
                os.environ.get("SWITCHYARD_ADMIN_PASSWORD") or \
                self.secret("admin-password", 15)
            self.certificate()
        except OSError as e:
            raise ProcessError(f"cannot use {self.dir} as run folder: "
                               f"{e.strerror}") from e
        if len(self.socket) > 100:
            raise ProcessError(f"the path of {self.dir} is too long for a "
                               "socket in it (100 characters at most)")

    def secret(self, name, size):
        """A secret, made once and kept, readable for its owner only."""
        path = self.path(name)
        try:
            with open(path, encoding="ascii") as f:
                value = f.read().strip()
            if value:
                return value
        except FileNotFoundError:
            pass
        value = secrets.token_urlsafe(size)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "w") as f:
            f.write(value + "\n")
        return value

    def certificate(self):
        """A self-signed one for SIP over TLS, sip.crt and sip.key; kept
        while it is good for a day."""
        cert, key = self.path("sip.crt"), self.path("sip.key")
        if os.path.exists(key) and not self.openssl(
                "x509", "-in", cert, "-noout", "-checkend", "86400"):
            return
        why = self.openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-days", "365",
            "-subj", "/CN=localhost", "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1",
            "-keyout", key, "-out", cert)
        if why:
            raise ProcessError(f"cannot make a certificate: {why}")

    @staticmethod
    def openssl(*words):
        """Why it failed, or None."""
        import subprocess
        try:
            run = subprocess.run(["openssl", *words], capture_output=True,
                                 text=True)
        except FileNotFoundError:
            return "openssl is not installed; run deploy/deps"
        return (run.stderr or "failed").strip() if run.returncode else None

    def start(self):
        """Start all of it; on any error stop what was started."""
        self.prepare()
        try:
            self.plan()
            self.start_redis()
            self.beside_redis(self)
            self.apply_config()
            for member in self.members():
                member.start()
            self.record()
            self.wait_ready()
        except BaseException:
            self.stop()
            raise

    def start_redis(self):
        server = shutil.which("redis-server")
        if not server:
            raise ProcessError("redis-server is not installed; run "
                               "deploy/deps")
        data = self.path("redis")
        try:
            os.makedirs(data, mode=0o700, exist_ok=True)
            if os.path.lexists(self.socket):
                os.unlink(self.socket)
        except OSError as e:
            raise ProcessError(f"cannot make room for Redis: {e.filename}: "
                               f"{e.strerror}") from e
        argv = [server, "--port", "0", "--unixsocket", self.socket,
                "--unixsocketperm", "700", "--dir", data,
                "--daemonize", "no", "--save", "", "--appendonly", "no",
                "--logfile", ""] + self.redis_args
        self.redis = launch("redis", argv, self.path("log", "redis.log"))
        end = time.monotonic() + 10
        while not self.redis_ping():
            if not self.redis.alive() or time.monotonic() > end:
                raise ProcessError("Redis did not start: "
                                   f"{self.redis.log_tail()} "
                                   f"(see {self.redis.log})")
            time.sleep(0.02)

    def redis_ping(self):
        try:
            return self.redis_command("PING") == "PONG"
        except OSError:
            return False

    def redis_command(self, *words):
        """One command to Redis; the plain Python value of its reply."""
        from .resp import command
        return command(self.socket, *words, password=self.redis_password)

    def apply_config(self):
        """Also for a cluster that runs: its members are told."""
        import subprocess
        conf = self.config
        if isinstance(conf, dict):
            conf = self.written_config(conf)
        elif self.base and os.path.abspath(conf) == DEMO:
            conf = self.written_config(self.moved_config())
        run = subprocess.run(
            [self.program("switchyard-config"), "--redis", self.redis_url,
             "--cluster-key-file", self.path("cluster-key"), "apply", conf],
            capture_output=True, text=True)
        if run.returncode:
            name = "the configuration" if isinstance(self.config, dict) \
                else self.config
            raise ProcessError((run.stderr or run.stdout).strip()
                               .replace(conf, name))

    def moved_config(self):
        """The demo configuration with its trunks' ports moved by the base."""
        with open(DEMO, encoding="utf-8") as f:
            conf = json.load(f)
        for trunk in conf.get("trunks", []):
            trunk["target"] = moved(trunk["target"], self.base)
            trunk["sources"] = [moved(s, self.base)
                                for s in trunk["sources"]]
        return conf

    def written_config(self, conf):
        path = self.path("config.json")
        write_private(path, conf)  # it has passwords
        return path

    def plan(self):
        """Choose every port and command line before anything is started."""
        routers, nodes, gateways = self.counts
        taken = {self.base + p for p in
                 (ports.SIP, ports.SIPS, ports.WS, ports.WSS, ports.HTTPS,
                  ports.HTTP,
                  ports.TRUNK)}
        for i in range(routers):
            at = [ports.need(self.base + port, what) if i == 0 else
                  ports.next_free(self.base + ports.SIP_NEXT, taken)
                  for port, what in (
                      (ports.SIP, "SIP"), (ports.SIPS, "SIP over TLS"),
                      (ports.WS, "SIP over WebSocket"),
                      (ports.WSS, "SIP over secure WebSocket"))]
            self.add(self.router(f"router-{i + 1}", at,
                                 self.metrics_at(taken)))
        span = (ports.RTP_MAX + 1 - ports.RTP_MIN) // max(nodes, 1) & ~1
        for i in range(nodes):
            low = self.base + ports.RTP_MIN + i * span
            port = ports.next_free(self.base + ports.NODE, taken)
            pages = ports.next_pair(self.base + ports.WEBRTC, taken)
            self.add(self.node(f"node-{i + 1}", port,
                               f"{low}-{low + span - 1}",
                               f"{pages}-{pages + 1}",
                               self.metrics_at(taken)))
        for i in range(gateways):
            http = (ports.need(self.base + ports.HTTP, "HTTP") if i == 0 else
                    ports.next_free(self.base + ports.HTTP_NEXT, taken))
            https = (ports.need(self.base + ports.HTTPS, "HTTPS")
                     if i == 0 else
                     ports.next_free(self.base + ports.HTTPS_NEXT, taken))
            self.add(self.gateway(f"gateway-{i + 1}", http, https))
        absent = [name for name, m in self.later.items() if m is None]
        if absent:
            raise ProcessError(f"no member is named {', '.join(absent)}")

    def of_kind(self, kind):
        return {"router": self.routers, "node": self.nodes,
                "gateway": self.gateways}[kind]

    def add(self, member):
        if member.id in self.later:
            self.later[member.id] = member
        else:
            self.of_kind(member.kind).append(member)

    def metrics_at(self, taken):
        return ports.next_free(self.base + ports.METRICS, taken)

    def address(self, name):
        host = self.hosts.get(name)
        return host.address if host else ports.HOST

    def command(self, name, *words):
        host = self.hosts.get(name)
        return [*host.prefix, *words] if host else list(words)

    def common(self, name):
        return ["--id", name, "--redis", self.redis_url,
                "--log-level", self.log_level]

    def environment(self):
        env = dict(os.environ)
        env["SWITCHYARD_ADMIN_TOKEN"] = self.token
        env["SWITCHYARD_ADMIN_PASSWORD"] = self.admin_password
        # Everything of such a cluster is on this machine.
        env.setdefault("SWITCHYARD_WEBHOOK_LOOPBACK", "on")
        return env

    def router(self, name, listen, metrics):
        at, tls, ws, wss = (f"{self.address(name)}:{port}"
                            for port in listen)
        metrics = f"{self.address(name)}:{metrics}"
        argv = self.command(
            name, self.program("switchyard-router"), *self.common(name),
            "--cluster-key-file", self.path("cluster-key"),
            "--udp", at, "--tcp", at, "--tls", tls, "--ws", ws,
            "--wss", wss, "--tls-cert",
            self.path("sip.crt"), "--tls-key", self.path("sip.key"),
            "--metrics", metrics,
            *self.router_args)
        member = Member("router", name, argv, self.path("log", f"{name}.log"),
                        self.environment(), udp=at, tcp=at, tls=tls, ws=ws,
                        wss=wss, metrics=metrics)
        return member

    def node(self, name, port, rtp, pages, metrics):
        address = self.address(name)
        metrics = f"{address}:{metrics}"
        argv = self.command(
            name, self.program("switchyard-node"), *self.common(name),
            "--cluster-key-file", self.path("cluster-key"),
            "--sip", f"{address}:{port}", "--media-addr", address,
            "--rtp-ports", rtp, "--webrtc-ports", pages,
            "--metrics", metrics,
            *self.node_args)
        member = Member("node", name, argv, self.path("log", f"{name}.log"),
                        self.environment(), metrics=metrics)
        return member

    def gateway(self, name, http, https):
        http = f"{self.address(name)}:{http}"
        https = f"{self.address(name)}:{https}"
        argv = self.command(
            name, self.program("switchyard-gateway"), *self.common(name),
            "--cluster-key-file", self.path("cluster-key"),
            "--http", http, "--https", https,
            *(["--web", self.web] if self.web else []), *self.gateway_args)
        return Member("gateway", name, argv,
                      self.path("log", f"{name}.log"), self.environment(),
                      http=http, https=https, metrics=http)

    def members(self):
        return self.routers + self.nodes + self.gateways

    def wait_ready(self, seconds=20):
        """Until the first gateway sees every member live."""
        end = time.monotonic() + seconds
        seen = {}
        while True:
            for m in self.members():
                if not m.process.alive():
                    raise ProcessError(f"{m.id} did not start: "
                                       f"{m.process.log_tail()} "
                                       f"(see {m.log})")
            try:
                seen = self.api("GET", "/api/status")
                if self.all_live(seen) and self.all_ready():
                    return
            except (OSError, ValueError):
                pass
            if time.monotonic() > end:
                raise ProcessError(f"the cluster was not ready after "
                                   f"{seconds} s: {self.missing(seen)}; "
                                   f"logs are in {self.path('log')}")
            time.sleep(0.05)

    def all_ready(self):
        """Each gateway says so: the first user can log in, too."""
        for gateway in self.of_kind("gateway"):
            url = f"http://{gateway.http}/readyz"
            with urllib.request.urlopen(url, timeout=5):
                pass  # any other status than 200 raises an OSError
        return True

    def all_live(self, status):
        return not self.missing(status)

    def missing(self, status):
        """Names of the members that a status does not show live."""
        live = {m["id"] for kind in ("routers", "nodes", "gateways")
                for m in status.get(kind, []) if m.get("state") == "LIVE"}
        absent = [m.id for m in self.members() if m.id not in live]
        return ", ".join(absent if status.get("redis")
                         else ["redis", *absent])

    # -------------------------------------------------------- come and go

    def join(self, *names):
        """Start members that were to come later, or that left; all live."""
        for name in names:
            member = self.later.pop(name)
            member.start()
            self.of_kind(member.kind).append(member)
        self.record()
        self.wait_ready()

    def left(self, member):
        """A member whose process is gone, or is to be: join() brings it
        again, with the same name and addresses."""
        self.of_kind(member.kind).remove(member)
        self.later[member.id] = member

    # --------------------------------------------------------------- use

    def api(self, method, path, body=None, gateway=0, timeout=5):
        """A request to a gateway's development port; the parsed answer."""
        data = None if body is None else json.dumps(body).encode()
        req = urllib.request.Request(
            f"http://{self.gateways[gateway].http}{path}", data, {
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json"}, method=method)
        failed = None
        try:
            with urllib.request.urlopen(req, timeout=timeout) as res:
                text, status, head = res.read(), res.status, res.headers
        except urllib.error.HTTPError as e:
            text, status, head = e.read(), e.code, e.headers
            failed = urllib.error.HTTPError(e.url, status, e.reason, head,
                                            io.BytesIO(text))
        if ON_ANSWER:
            ON_ANSWER(method, f"http://{self.gateways[gateway].http}", path,
                      status, head["Content-Type"], text)
        if failed:
            raise failed
        return json.loads(text) if text else None

    def drain(self, node, seconds=15):
        """SIGTERM: the node gives its calls to others and ends.  Seconds that
        it took; it is no member of this cluster any more."""
        import signal
        begin = time.monotonic()
        node.process.signal(signal.SIGTERM)
        if not node.process.wait(seconds):
            raise ProcessError(f"{node.id} was not drained in {seconds} s: "
                               f"{node.process.log_tail()}")
        self.nodes.remove(node)
        return time.monotonic() - begin

    # -------------------------------------------------------------- stop

    def processes(self):
        procs = [m.process for m in self.members() if m.process]
        return procs + ([self.redis] if self.redis else [])

    def record(self):
        """cluster.json for programs, pids.json for deploy/down."""
        summary = {
            "routers": [m.summary() for m in self.routers],
            "nodes": [m.summary() for m in self.nodes],
            "gateways": [m.summary() for m in self.gateways],
            "redis": {"pid": self.redis.pid, "socket": self.socket},
            "adminToken": self.token,
            "adminUser": "admin",
            "adminPassword": self.admin_password,
        }
        write_private(self.path("cluster.json"), summary)
        write_private(self.path("pids.json"),
                      [p.record() for p in self.processes()])

    def stop(self):
        """Gateways, routers, nodes, and Redis last."""
        for kind in (self.gateways, self.routers, self.nodes):
            stop_all([m.process for m in kind if m.process])
        if self.redis:
            self.redis.stop()
        for name in ("cluster.json", "pids.json", "redis.sock"):
            try:
                os.unlink(self.path(name))
            except OSError:
                pass


def moved(address, base):
    """host:port[;params] with the port moved."""
    head, sep, params = address.partition(";")
    host, colon, port = head.rpartition(":")
    if not colon or not port.isdigit():
        return address
    return f"{host}:{int(port) + base}{sep}{params}"


def stop_all(procs, seconds=8):
    """End members at once.  (SIGTERM asks them to hand on what they have.)"""
    for p in procs:
        p.signal(signal.SIGINT)
    end = time.monotonic() + seconds
    for p in procs:
        if not p.wait(max(0.0, end - time.monotonic())):
            p.kill()


def write_private(path, value):
    fd = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as f:
        json.dump(value, f, indent=1)
        f.write("\n")
    os.rename(path + ".new", path)


def recorded(directory):
    """The processes that an earlier `up` recorded in a folder."""
    try:
        with open(os.path.join(directory, "pids.json"),
                  encoding="utf-8") as f:
            return [Process(r["name"], r["pid"], r["started"], r["log"])
                    for r in json.load(f)]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def dir_hint(directory):
    default = os.path.join(ROOT, "run")
    return "" if directory == default else f" --dir {directory}"
