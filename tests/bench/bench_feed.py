# SPDX-License-Identifier: MIT
"""The gateway's feed: so many WebSocket clients that watch all events of so
many calls a second: how late they hear, what each costs, beside a program that
does nothing but write the same bytes.

The events are those of a real call between two phones, written to the stream
as a node writes them, over and over."""

import json
import os
import socket
import subprocess
import threading
import time

from cputime import cpu_us, pss_kb
from harness import BIN, cluster, phones, wait_for
from lib.resp import command, request
from talk import phone

CLIENTS, CALLS, SECONDS = 5000, 50, 10


def recorded(c):
    """The events of one call, in their packed form."""
    with phones() as box:
        phone(box, c, "1001")
        phone(box, c, "1002", answer_delay_ms=500)
        before = len(command(c.socket, "XRANGE", "sy:events", "-", "+"))
        box.do("call", phone="1001", to="1002")
        wait_for("the call is answered", lambda: [
            x for x in c.api("GET", "/api/calls")["items"]
            if x["state"] == "CALL_ANSWERED"])
        box.do("hangup", phone="1001")
        wait_for("the call is over",
                 lambda: not c.api("GET", "/api/calls")["items"])
    entries = raw(c.socket, "XRANGE", "sy:events", "-", "+")[before:]
    return [fields[1] for _, fields in entries]


def raw(path, *words):
    """A reply whose strings are bytes: events are no text."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        s.sendall(request(*words))
        with s.makefile("rb") as f:
            return parse(f)


def parse(f):
    kind, rest = f.read(1), f.readline()
    if kind == b"*":
        return [parse(f) for _ in range(int(rest))]
    if kind == b"$":
        data = f.read(int(rest))
        f.read(2)
        return data
    return rest.strip()


class Stream(threading.Thread):
    """Writes the events of so many calls a second."""

    def __init__(self, path, events, calls):
        super().__init__(daemon=True)
        self.path, self.events, self.calls = path, events, calls
        self.stop = threading.Event()
        self.written = 0

    def run(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.path)
            begin, n = time.monotonic(), 0
            while not self.stop.is_set():
                # the events of a call, evenly over the time of a call
                event = self.events[n % len(self.events)]
                s.sendall(request("XADD", "sy:events", "MAXLEN", "~", "20000",
                                  "*", "e", event) +
                          request("PUBLISH", "sy:bus:events", b""))
                s.recv(4096)
                n += 1
                self.written = n
                due = begin + n / (self.calls * len(self.events))
                time.sleep(max(0, due - time.monotonic()))


class Clients:
    """feed-load; use it in a with statement."""

    def __init__(self, at, count, token, *more):
        self.proc = subprocess.Popen(
            [os.path.join(BIN, "feed-load"), at, str(count), token, *more],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        got = json.loads(self.proc.stdout.readline() or "{}")
        if got.get("open") != count:
            raise RuntimeError(f"{at}: {got} of {count} clients")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proc.stdin.close()
        self.proc.wait()
        self.proc.stdout.close()

    def told(self):
        self.proc.stdin.write("\n")
        self.proc.stdin.flush()
        return json.loads(self.proc.stdout.readline())


def measured(clients, pid, seconds):
    """What they heard in that time, and the CPU time [us] of the process."""
    time.sleep(2)
    clients.told()
    us, begin = cpu_us(pid), time.monotonic()
    time.sleep(seconds)
    got = clients.told()
    took = time.monotonic() - begin
    return {**got, "us": cpu_us(pid) - us, "seconds": took}


def at_floor(count, rate, size, seconds):
    """The same by feed-floor."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        at = "127.0.0.1:%d" % s.getsockname()[1]
    with subprocess.Popen(
            [os.path.join(BIN, "feed-floor"), at, str(rate), str(size)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as proc:
        proc.stdout.readline()
        with Clients(at, count, "x") as clients:
            got = measured(clients, proc.pid, seconds)
        proc.stdin.close()
    return got


def at_gateway(c, events, count, calls, seconds, *more):
    """What so many clients heard, and what a client takes of memory."""
    gateway = c.gateways[0]
    before = pss_kb(gateway.pid)
    with Clients(gateway.http, count, c.token, *more) as clients:
        idle_kb = (pss_kb(gateway.pid) - before) / count
        stream = Stream(c.socket, events, calls)
        stream.start()
        got = measured(clients, gateway.pid, seconds)
        busy_kb = (pss_kb(gateway.pid) - before) / count
        stream.stop.set()
        stream.join()
    rate = calls * len(events)
    return {**got, "idle_kb": idle_kb, "busy_kb": busy_kb,
            "size": int(got["bytes"] / max(1, got["events"])) - 4,
            "rate": rate, "us_each": got["us"] / max(1, got["events"]),
            "percent": got["us"] / got["seconds"] / 1e4,
            "heard": got["events"] / (rate * count * got["seconds"])}


def feed(show, count=CLIENTS, calls=CALLS, seconds=SECONDS):
    with cluster(nodes=1, log_level="warn") as c:
        events = recorded(c)
        with Clients(c.gateways[0].http, 200, c.token):
            got = at_gateway(c, events, count, calls, seconds)
            packed = at_gateway(c, events, count, calls, seconds, "deflate")
    low = at_floor(count, got["rate"], got["size"], seconds)
    for name, x, floor in ((f"feed.{count}x{calls}", got, low),
                           (f"feed.{count}x{calls}.deflate", packed, None)):
        show_feed(show, name, x, floor)
        show("gateway", f"{name}.cpu_percent", x["percent"], "%",
             **({"floor": low["us"] / low["seconds"] / 1e4} if floor else {}),
             clients=count, callsPerSecond=calls, eventsPerSecond=x["rate"],
             bytesPerEvent=x["size"], shed=x["closed"], heard=x["heard"])
    show("gateway", f"feed.{count}x{calls}.kb_per_client_idle",
         got["idle_kb"], "KB")
    show("gateway", f"feed.{count}x{calls}.kb_per_client_busy",
         got["busy_kb"], "KB")


def show_feed(show, name, x, floor):
    """Lag, and CPU time of a message; beside the floor, if any."""
    def low(value):
        return {"floor": value(floor)} if floor else {}
    show("gateway", f"{name}.lag_p50_ms", x["p50"], "ms",
         **low(lambda f: f["p50"]))
    show("gateway", f"{name}.lag_p99_ms", x["p99"], "ms", max=x["max"],
         **low(lambda f: f["p99"]))
    each = floor and floor["us"] / floor["events"]
    show("gateway", f"{name}.us_per_message", x["us_each"], "us",
         **({"floor": each, "ratio": x["us_each"] / each} if floor else {}))
