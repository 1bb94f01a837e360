# SPDX-License-Identifier: MIT
"""What the cluster tests stand on: a cluster of their own, test phones, and
a look at what is left behind.  Waiting is always for an event."""

import contextlib
import json
import os
import shutil
import tempfile
import threading
import time
import urllib.error
import urllib.request

import lib.cluster
import openapi
from lib import ports
from lib.cluster import Cluster, ROOT
from lib.phones import Phones

BIN = os.path.join(ROOT, "build", "release", "bin")
DEBUG_BIN = os.path.join(ROOT, "build", "debug", "bin")
FAILED = os.path.join(ROOT, "build", "failed")


class Skip(Exception):
    """The reason why a test cannot run here."""


class Mismatch(AssertionError):
    """What was expected, and what came instead."""


# Where a thread that runs tests looks for ports: far from the others, and with
# what listens below what any node takes for RTP.
LANE = threading.local()
PORTS, STEP = range(1000, 11000), 250
# Browsers open none of these: https://fetch.spec.whatwg.org/#port-blocking
BLOCKED = {6000, 6566, *range(6665, 6670), 6679, 6697, 10080}


def free_base():
    """A port base at which a whole cluster finds its ports free."""
    width = len(PORTS) // getattr(LANE, "of", 1)
    first = PORTS[0] + width * getattr(LANE, "number", 0)
    bases = [*range(first, first + width - STEP, STEP)]
    # Another run of the tests on this machine begins elsewhere.
    turn = os.getpid() % len(bases)
    for base in bases[turn:] + bases[:turn]:
        wanted = [base + p for p in (ports.SIP, ports.SIPS, ports.WS,
                                     ports.WSS, ports.HTTP,
                                     ports.HTTPS, ports.TRUNK)]
        if all(p not in BLOCKED and ports.busy(p) is None for p in wanted):
            return base
    raise Skip("no free range of ports")


@contextlib.contextmanager
def cluster(**kw):
    """A running cluster; its folder is kept under build/failed on failure."""
    folder = tempfile.mkdtemp(prefix="sy-")
    kw.setdefault("port_base", free_base())
    c = Cluster(folder, **kw)
    try:
        c.start()
        yield c
    except BaseException:
        keep = os.path.join(FAILED, os.path.basename(folder))
        shutil.copytree(os.path.join(folder, "log"), keep,
                        dirs_exist_ok=True)
        print(f"        logs of the failed cluster: {keep}", flush=True)
        raise
    finally:
        c.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Shared:
    """A cluster of all tests of a module, which the first of them starts:

        shared = Shared(nodes=2)
        finish = shared.finish      # run.py calls it
    """

    def __init__(self, **kw):
        self.kw = kw
        self.stack = contextlib.ExitStack()
        self.cluster = None

    def __call__(self):
        if self.cluster is None:
            self.cluster = self.stack.enter_context(cluster(**self.kw))
        return self.cluster

    def finish(self):
        self.cluster = None
        self.stack.close()


def must(got, wanted, what):
    """What was got, if it is what was wanted."""
    if got != wanted:
        raise Mismatch(f"{what}: {got!r}, expected {wanted!r}")
    return got


def wait_for(what, test, seconds=10, every=0.02):
    """Poll a condition that has no event of its own."""
    end = time.monotonic() + seconds
    while True:
        value = test()
        if value:
            return value
        if time.monotonic() > end:
            raise Mismatch(f"not within {seconds} s: {what}")
        time.sleep(every)


def phones(bindir=BIN):
    """A process of test phones; use it in a with statement."""
    return Phones(bindir)


# -------------------------------------------------------- a look inside

def metrics(member):
    """A member's metrics: {"name{labels}": value}."""
    with urllib.request.urlopen(f"http://{member.metrics}/metrics",
                                timeout=5) as res:
        lines = res.read().decode().splitlines()
    return {k: float(v) for k, _, v in
            (line.rpartition(" ") for line in lines
             if line and not line.startswith("#"))}


def is_ready(member):
    """Whether its probe says so; one that is gone is not."""
    try:
        return request("GET", f"http://{member.metrics}/readyz")[0] == 200
    except OSError:
        return False


def know_each_other(c):
    """Wait until each thread of each router knows all routers and nodes: a
    gateway may see them earlier."""
    def knows(router):
        got = metrics(router)
        for kind, n in (("router", len(c.routers)), ("node", len(c.nodes))):
            seen = [v for k, v in got.items() if k.startswith(
                f'sy_router_members{{kind="{kind}"')]
            if not seen or min(seen) < n:
                return False
        return True
    wait_for("all routers know each other",
             lambda: all(knows(r) for r in c.routers))


def descriptors(member):
    """Open descriptors of a member by kind."""
    folder = f"/proc/{member.pid}/fd"
    count = {}
    for fd in os.listdir(folder):
        with contextlib.suppress(OSError):
            kind = os.readlink(f"{folder}/{fd}").partition(":")[0]
            count[kind] = count.get(kind, 0) + 1
    return count


def call_keys(c):
    """The Redis keys that only a call may leave."""
    keys = c.redis_command("KEYS", "sy:*")
    return sorted(k for k in keys if k.startswith(
        ("sy:hub:", "sy:end:", "sy:call:", "sy:room:", "sy:owned:"))
        or k == "sy:hubs")


# A dialog that its node let go, or whose peer does not answer, is remembered
# for 64*T1, and ends a moment later (RFC 3261 17.1).
AFTERMATH_S = 35

# What a call holds in a node while it lasts, by the name of its metric.
HELD = ("sy_node_hubs", "sy_node_legs", "sy_node_expected_invites",
        "sy_node_lookups", "sy_sip_dialogs", "sy_media_mixes",
        "sy_media_legs", "sy_media_ports_used")


def node_counts(c):
    """Hubs, legs, dialogs, mixes and used RTP ports over all nodes."""
    total = dict.fromkeys(HELD, 0)
    for n in c.nodes:
        m = metrics(n)
        for key in HELD:
            total[key] += int(m[key])
    return total


def lasting_keys(c):
    """call_keys() without placements that lapse by themselves: what Redis
    did after its caller had given up is nobody's to remove."""
    return [k for k in call_keys(c) if not k.startswith("sy:call:")
            or c.redis_command("PTTL", k) < 0]


def assert_clean(c, seconds=10, keys=call_keys):
    """Nothing of any call is left: hubs, legs, dialogs, ports, keys.
    Dialogs that wait for a peer may take as long as their timers."""
    def clean(but=()):
        return not any(v for k, v in node_counts(c).items()
                       if k not in but) and not keys(c)
    try:
        wait_for("nothing left of the calls",
                 lambda: clean(("sy_sip_dialogs",)), seconds)
        wait_for("no dialog left of the calls", clean,
                 max(seconds, AFTERMATH_S))
    except Mismatch as e:
        raise Mismatch(f"{e}: {node_counts(c)}, {keys(c)[:8]}") from None


# What Cluster.api() gets, too.
lib.cluster.ON_ANSWER = openapi.check


def request(method, url, token=None, body=None, headers=None):
    """An HTTP request: (status, headers, parsed or raw body)."""
    head = dict(headers or {})
    if token:
        head["Authorization"] = f"Bearer {token}"
    data = body
    if isinstance(body, (dict, list)):
        data = json.dumps(body).encode()
        head.setdefault("Content-Type", "application/json")
    req = urllib.request.Request(url, data, head, method=method)
    try:
        with urllib.request.urlopen(req, timeout=10) as res:
            status, got, raw = res.status, res.headers, res.read()
    except urllib.error.HTTPError as e:
        status, got, raw = e.code, e.headers, e.read()
    openapi.check(method, *split(url), status, got.get("Content-Type"), raw)
    if raw and "json" in (got.get("Content-Type") or ""):
        raw = json.loads(raw)
    return status, got, raw


def split(url):
    """A URL's scheme and address, and the rest."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}", slash + path
