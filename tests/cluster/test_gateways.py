# SPDX-License-Identifier: MIT
"""Gateways come and go: who asks them notices that as little as can be."""

import http.client
import json
import signal
import socket
import threading
import time
import urllib.request

from harness import Mismatch, assert_clean, cluster, phones, wait_for
from talk import hears, phone, tone

CLIENTS = 8


class Client(threading.Thread):
    """Asks without a pause on connections that it keeps, as a library does:
    a kept connection that ends before a byte of the answer means that
    the question may be asked again; no connection means the next gateway."""

    def __init__(self, addresses, token):
        super().__init__(daemon=True)
        self.addresses = addresses
        self.head = {"Authorization": f"Bearer {token}"}
        self.answers = self.doubts = 0
        self.broken = []
        self.conn = None
        self.stop = threading.Event()

    def connect(self):
        for address in self.addresses:
            conn = http.client.HTTPConnection(address, timeout=10)
            try:
                conn.connect()
            except ConnectionRefusedError:
                continue
            self.conn = conn
            return
        raise ConnectionRefusedError("no gateway is there")

    def ask(self):
        if not self.conn:
            self.connect()
        self.conn.request("GET", "/api/calls", headers=self.head)
        res = self.conn.getresponse()
        if res.status != 200:
            raise Mismatch(f"status {res.status}")
        json.loads(res.read())
        self.answers += 1
        if res.will_close:
            self.conn = None

    def run(self):
        while not self.stop.is_set():
            try:
                self.ask()
            except (http.client.RemoteDisconnected, BrokenPipeError,
                    ConnectionResetError):
                self.doubts += 1
                self.conn = None
            except (OSError, ValueError, Mismatch,
                    http.client.HTTPException) as e:
                self.broken.append(repr(e))
                self.conn = None


def answers(clients):
    return sum(x.answers for x in clients)


def test_gateway_ends_under_load():
    """SIGTERM to one of two: what was asked is answered whole, the others
    take over, and the process is gone within seconds."""
    with cluster(nodes=1, gateways=2) as c:
        first = c.gateways[0]
        clients = [Client([g.http for g in c.gateways], c.token)
                   for _ in range(CLIENTS)]
        host, _, port = first.http.rpartition(":")
        idle = socket.create_connection((host, int(port)), timeout=5)
        for x in clients:
            x.start()
        wait_for("they are served", lambda: answers(clients) > 500)
        began = time.monotonic()
        first.process.signal(signal.SIGTERM)
        must_end(first, 4)
        took = time.monotonic() - began
        served = answers(clients)
        wait_for("the other one serves them",
                 lambda: answers(clients) > served + 500)
        for x in clients:
            x.stop.set()
        for x in clients:
            x.join(15)
        if idle.recv(1):
            raise Mismatch("words on an idle connection")
        idle.close()
        broken = [b for x in clients for b in x.broken]
        doubts = sum(x.doubts for x in clients)
        print(f"        {answers(clients)} answers, {doubts} asked again, "
              f"gone after {took:.2f} s", flush=True)
        if broken or doubts > CLIENTS:
            raise Mismatch(f"{doubts} doubts, broken: {broken[:5]}")
        left = c.api("GET", "/api/status", gateway=1)["gateways"]
        if [g["id"] for g in left] != [c.gateways[1].id]:
            raise Mismatch(f"still shown: {left}")


def must_end(member, seconds):
    """It ends in order, within that time."""
    if not member.process.wait(seconds):
        raise Mismatch(f"{member.id} still runs after {seconds} s")
    code = member.process.popen.poll()
    if code:
        raise Mismatch(f"{member.id} ended with {code}")


def events(address, token, query=""):
    """The event stream of a gateway, open."""
    req = urllib.request.Request(
        f"http://{address}/api/events{query}",
        headers={"Authorization": f"Bearer {token}"})
    return urllib.request.urlopen(req, timeout=10)


def read_events(stream, wanted):
    """(id, type, event) of all up to one of the type that is wanted, or to
    the end of the stream."""
    out, ident, kind = [], "", ""
    for line in stream:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name == "id":
            ident = value
        elif name == "event":
            kind = value
        elif name == "data":
            out.append((ident, kind, json.loads(value)))
            if kind == wanted:
                return out
    return out


def test_events_go_on_at_another_gateway():
    """A stream ends with its gateway; with its last id the next gateway
    tells what was missed, and nothing twice."""
    with cluster(nodes=1, gateways=2) as c, phones() as box:
        phone(box, c, "1001")
        with events(c.gateways[0].http, c.token) as stream:
            box.do("call", phone="1001", to="600")
            seen = read_events(stream, "CALL_STARTED")
            c.gateways[0].process.signal(signal.SIGTERM)
            seen += read_events(stream, None)
        must_end(c.gateways[0], 4)
        hears(box, "1001", tone("1001"))
        box.do("hangup", phone="1001")
        with events(c.gateways[1].http, c.token,
                    f"?after={seen[-1][0]}") as stream:
            seen += read_events(stream, "CALL_FINISHED")
        ids = [s[0] for s in seen]
        if len(set(ids)) != len(ids):
            raise Mismatch(f"told twice: {seen}")
        kinds = [s[1] for s in seen]
        calls = {s[2]["callId"] for s in seen if s[2].get("callId")}
        if kinds.count("CALL_STARTED") != 1 or len(calls) != 1 or \
                kinds.count("CALL_FINISHED") != 1:
            raise Mismatch(f"events: {seen}")
        assert_clean(c)
