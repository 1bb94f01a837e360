# SPDX-License-Identifier: MIT
"""Bad input at the router: a clear answer or a counted drop, no crash, and a
running call unharmed."""

import random
import socket

from harness import (Mismatch, assert_clean, cluster, metrics, phones,
                     wait_for)
from talk import call, phone, talk

INVITE = (
    "INVITE sip:1002@{host} SIP/2.0\r\n"
    "Via: SIP/2.0/UDP {me};branch=z9hG4bK{n}\r\n"
    "Max-Forwards: 70\r\n"
    "From: <sip:1001@switchyard>;tag={n}\r\n"
    "To: <sip:1002@switchyard>\r\n"
    "Call-ID: {n}@bad\r\n"
    "CSeq: 1 INVITE\r\n"
    "Contact: <sip:1001@{me}>\r\n"
    "Content-Type: application/sdp\r\n"
    "Content-Length: {len}\r\n\r\n{body}")
BODY = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
        "t=0 0\r\nm=audio 4000 RTP/AVP 0\r\n")


class Peer:
    """A socket that speaks raw text to the router."""

    def __init__(self, router):
        host, _, port = router.udp.rpartition(":")
        self.to = (host, int(port))
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.me = "127.0.0.1:%d" % self.sock.getsockname()[1]
        self.n = 0

    def invite(self, **changes):
        self.n += 1
        fields = {"host": "switchyard", "me": self.me, "n": f"bad{self.n}",
                  "len": len(BODY), "body": BODY, **changes}
        return INVITE.format(**fields)

    def send(self, data):
        self.sock.sendto(data.encode() if isinstance(data, str) else data,
                         self.to)

    def status(self, data, seconds=2, mark=b""):
        """The status of the first answer with a mark; None: none came."""
        self.drain()
        self.send(data)
        self.sock.settimeout(seconds)
        try:
            while True:
                got = self.sock.recv(65535)
                if mark in got:
                    return int(got.split(b" ")[1])
        except TimeoutError:
            return None

    def drain(self):
        self.sock.settimeout(0)
        try:
            while True:
                self.sock.recv(65535)
        except BlockingIOError:
            pass

    def alive(self):
        """The router answers OPTIONS; asked again, as over UDP one does: a
        burst before it may have filled the socket."""
        self.n += 1
        options = (
            f"OPTIONS sip:{self.to[0]}:{self.to[1]} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.me};branch=z9hG4bKo{self.n}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:x@y>;tag=o{self.n}\r\n"
            f"To: <sip:x@y>\r\nCall-ID: o{self.n}@bad\r\n"
            "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
        return any(self.status(options, 2, f"o{self.n}@bad".encode()) == 200
                   for _ in range(5))


def dropped(router):
    return sum(v for k, v in metrics(router).items()
               if k.startswith("sy_router_dropped"))


def expect(peer, what, data, *codes):
    got = peer.status(data, 2 if codes != (None,) else 0.3)
    if got not in codes:
        raise Mismatch(f"{what}: answered {got}, expected {codes}")


def test_each_fault_has_its_answer():
    with cluster(nodes=1) as c, phones() as box:
        for user in ("1001", "1002"):
            phone(box, c, user)
        call(box, "1001", "1002")
        p = Peer(c.routers[0])
        good = p.invite()
        expect(p, "valid, without credentials", good, 407)
        expect(p, "wrong version", p.invite().replace("SIP/2.0\r\nVia",
                                                      "SIP/7.0\r\nVia"), 505)
        expect(p, "Content-Length beyond the datagram",
               p.invite(len=9999), 400)
        expect(p, "Content-Length not a number", p.invite(len="ten"), 400)
        expect(p, "no CSeq", p.invite().replace("CSeq: 1 INVITE\r\n", ""),
               400)
        expect(p, "CSeq of another method",
               p.invite().replace("1 INVITE", "1 BYE"), 400)
        expect(p, "two Call-IDs", p.invite().replace(
            "CSeq", "Call-ID: other\r\nCSeq"), 400)
        expect(p, "Max-Forwards 0", p.invite().replace(": 70", ": 0"), 483)
        expect(p, "unknown scheme", p.invite().replace(
            "INVITE sip:1002@switchyard", "INVITE http://x/"), 416)
        expect(p, "Proxy-Require unknown", p.invite().replace(
            "CSeq", "Proxy-Require: frobnicate\r\nCSeq"), 420)
        expect(p, "unknown method", p.invite().replace("INVITE", "NEWMETHOD"),
               405, 501)
        before = dropped(c.routers[0])
        expect(p, "no Via", p.invite().replace(
            f"Via: SIP/2.0/UDP {p.me};", "X-No-Via: "), None)
        expect(p, "truncated", p.invite()[:150], None, 400)
        expect(p, "junk", bytes(range(256)) * 4, None)
        expect(p, "oversized", p.invite().replace(
            "CSeq", "X-Big: " + "x" * 60000 + "\r\nCSeq"), None, 400, 407,
            413, 513)
        wait_for("drops are counted",
                 lambda: dropped(c.routers[0]) >= before + 2)
        if not p.alive():
            raise Mismatch("the router no longer answers")
        talk(box, "1001", "1002")
        box.do("hangup", phone="1001")
        box.expect("closed", phone="1002")
        assert_clean(c)


def test_random_mutations():
    """10,000 mutations of valid messages, seeded; the call goes on."""
    seed = random.randrange(1 << 32)
    print(f"        seed {seed}", flush=True)
    rnd = random.Random(seed)
    with cluster(nodes=1) as c, phones() as box:
        for user in ("1001", "1002"):
            phone(box, c, user)
        call(box, "1001", "1002")
        p = Peer(c.routers[0])
        pids = [m.pid for m in c.members()]
        for i in range(10000):
            p.send(mutate(rnd, p.invite().encode()))
            if i % 500 == 0 and not p.alive():
                raise Mismatch(f"no answer after {i} mutations")
        if not p.alive():
            raise Mismatch("no answer after the mutations")
        if pids != [m.pid for m in c.members() if m.process.alive()]:
            raise Mismatch("a process ended")
        talk(box, "1001", "1002")
        box.do("hangup", phone="1002")
        box.expect("closed", phone="1001")
        assert_clean(c)


def mutate(rnd, data):
    data = bytearray(data)
    for _ in range(rnd.randint(1, 8)):
        at = rnd.randrange(len(data))
        kind = rnd.randrange(5)
        if kind == 0:
            data[at] = rnd.randrange(256)
        elif kind == 1:
            del data[at:at + rnd.randint(1, 40)]
        elif kind == 2:
            data[at:at] = data[at:at + rnd.randint(1, 60)]
        elif kind == 3:
            data[at:at] = rnd.choice(
                [b"\r\n", b"\r\n ", b"\0", b"<", b">", b"\"", b";", b",",
                 b"sip:", b"%00", b":", b"-1", b"4294967296"])
        else:
            del data[at:]
        if not data:
            data = bytearray(b"\r\n")
    return bytes(data)
