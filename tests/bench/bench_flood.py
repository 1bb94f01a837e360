# SPDX-License-Identifier: MIT
"""Set-up time of calls while one address sends 20,000 junk messages a second:
bytes that are no SIP, STUN, and requests that would each need an answer."""

import os
import socket
import subprocess
import sys
import time

RATE, CALLS = 25, 250       # of the calls
FLOOD_HZ = 20000
SOURCE = "127.0.0.66"
SOCKETS = 8                 # source ports, so that each thread gets some
STEP_S = 0.005


def load(box):
    box.do("load", **{"from": "1001", "to": "1002", "count": CALLS,
                      "rate": RATE, "hold_ms": 100, "media": False})
    got = box.expect("load", seconds=120)
    if got["answered"] != CALLS:
        raise RuntimeError(f"calls failed: {got}")
    return got["setup_ms"]


def dropped(c):
    from harness import metrics

    return sum(v for m in c.routers for k, v in metrics(m).items()
               if k.startswith("sy_guard_dropped_total"))


def flood(show):
    # here: the flood itself runs without them
    from harness import cluster, phones
    from talk import phone

    with cluster(nodes=1, log_level="warn") as c, phones() as box:
        for user in ("1001", "1002"):
            phone(box, c, user, media=False, preauth=True)
        load(box)  # what is done once is done now
        calm = load(box)
        before, at = dropped(c), time.monotonic()
        evil = subprocess.Popen([sys.executable, os.path.abspath(__file__),
                                 c.routers[0].udp])
        try:
            time.sleep(1)
            loud = load(box)
            if evil.poll() is not None:
                raise RuntimeError("the flood has ended")
            rate = (dropped(c) - before) / (time.monotonic() - at)
        finally:
            evil.terminate()
            evil.wait()
        for p in ("p50", "p99"):
            show("flood", f"flood.setup_{p}_ms", loud[p], "ms",
                 floor=calm[p], ratio=loud[p] / calm[p], rate=RATE)
        show("flood", "flood.dropped_per_s", rate, "messages/s",
             wanted=FLOOD_HZ)


def stun():
    """A Binding request, RFC 8489."""
    return b"\0\1\0\0\x21\x12\xa4\x42" + os.urandom(12)


def junk():
    """What is sent in turn."""
    me = f"{SOURCE}:5060"
    for n in range(64):
        yield os.urandom(200)
        yield stun()
        method = ("OPTIONS", "REGISTER", "INVITE")[n % 3]
        yield (f"{method} sip:{n}@switchyard SIP/2.0\r\n"
               f"Via: SIP/2.0/UDP {me};branch=z9hG4bKj{n};rport\r\n"
               f"From: <sip:{n}@switchyard>;tag=j\r\n"
               f"To: <sip:{n}@switchyard>\r\nCall-ID: j{n}\r\n"
               f"CSeq: 1 {method}\r\nMax-Forwards: 70\r\n"
               f"Contact: <sip:{n}@{me}>\r\n"
               "Content-Length: 0\r\n\r\n").encode()


def send_for_ever(to):
    host, _, port = to.rpartition(":")
    socks = []
    for _ in range(SOCKETS):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((SOURCE, 0))
        s.connect((host, int(port)))
        s.setblocking(False)
        socks.append(s)
    messages, sent, begin = list(junk()), 0, time.monotonic()
    while True:
        due = int((time.monotonic() - begin) * FLOOD_HZ)
        while sent < due:
            try:
                socks[sent // 2 % SOCKETS].send(
                    messages[sent % len(messages)])
            except OSError:
                pass
            sent += 1
        time.sleep(STEP_S)


if __name__ == "__main__":
    send_for_ever(sys.argv[1])
