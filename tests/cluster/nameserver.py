# SPDX-License-Identifier: MIT
"""A DNS server: a zone of lines of text, on a UDP port of this process.

    "NAME A 192.0.2.1"   "NAME AAAA 2001:db8::1"   "NAME CNAME OTHER"
    "NAME SRV PRI WEIGHT PORT TARGET"
    "NAME NAPTR ORDER PREF SERVICE REPLACEMENT"
"""

import collections
import socket
import struct
import threading

TYPES = {"A": 1, "CNAME": 5, "AAAA": 28, "SRV": 33, "NAPTR": 35}


def name(text):
    labels = [p.encode() for p in text.rstrip(".").split(".") if p]
    return b"".join(bytes([len(p)]) + p for p in labels) + b"\0"


def string(text):
    return bytes([len(text)]) + text.encode()


def rdata(kind, words):
    if kind == "A":
        return socket.inet_pton(socket.AF_INET, words[0])
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, words[0])
    if kind == "CNAME":
        return name(words[0])
    if kind == "SRV":
        return struct.pack("!HHH", *map(int, words[:3])) + name(words[3])
    return struct.pack("!HH", int(words[0]), int(words[1])) + string("s") + \
        string(words[2]) + string("") + name(words[3])


def asked(data):
    """What a question asks for: name, type, and where it ends."""
    labels, at = [], 12
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode())
        at += 1 + data[at]
    return ".".join(labels).lower(), \
        struct.unpack_from("!H", data, at + 1)[0], at + 5


class NameServer:
    """Answers until the end of its with statement; `zone` may change, and
    `asked` counts what was asked for, by name and type."""

    def __init__(self, *zone, ttl=60):
        self.zone, self.ttl = list(zone), ttl
        self.asked = collections.Counter()
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.at = "%s:%d" % self.sock.getsockname()
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.sock.sendto(b"", self.sock.getsockname())
        self.thread.join()
        self.sock.close()

    def serve(self):
        while True:
            data, source = self.sock.recvfrom(4096)
            if not data:
                return
            self.sock.sendto(self.answer(data), source)

    def answer(self, data):
        wanted, number, end = asked(data)
        self.asked[wanted, number] += 1
        found = []
        for line in self.zone:
            own, kind, *words = line.split()
            if own.lower() == wanted and TYPES[kind] in (number, 5):
                found.append((TYPES[kind], rdata(kind, words)))
        head = data[:2] + struct.pack(
            "!HHHHH", 0x8580 | (0 if found else 3), 1, len(found), 0, 0)
        return head + data[12:end] + b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", t, 1, self.ttl, len(d)) + d
            for t, d in found)
