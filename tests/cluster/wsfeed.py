# SPDX-License-Identifier: MIT
"""A client of the gateway's /ws in plain bytes: it can do what no library
lets one do."""

import base64
import hashlib
import json
import os
import socket
import struct
import time

from harness import Mismatch

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN = 0x80


def frame(first, data=b"", mask=True, length=None):
    """A frame; `length` is what its head says, if it lies."""
    n = len(data) if length is None else length
    key = os.urandom(4)
    bit = 0x80 if mask else 0
    if n < 126:
        head = bytes([first, bit | n])
    elif n < 65536:
        head = bytes([first, bit | 126]) + n.to_bytes(2, "big")
    else:
        head = bytes([first, bit | 127]) + n.to_bytes(8, "big")
    if not mask:
        return head + data
    return head + key + bytes(b ^ key[i % 4] for i, b in enumerate(data))


class Closed(Exception):
    """The gateway said close, with .code; 1006: it said nothing."""

    def __init__(self, code, reason=""):
        super().__init__(f"closed: {code} {reason}")
        self.code, self.reason = code, reason


class Feed:
    """A WebSocket at the gateway's plain port; use it in a with statement."""

    def __init__(self, address, token=None, headers=None, receive=None):
        host, _, port = address.rpartition(":")
        self.sock = socket.socket()
        if receive:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        self.sock.settimeout(10)
        self.sock.connect((host, int(port)))
        self.got, self.part, self.number = b"", b"", 0
        self.pongs, self.kept = [], []
        self.open(address, token, headers or {})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def open(self, address, token, headers):
        key = base64.b64encode(os.urandom(16)).decode()
        head = {"Host": address, "Upgrade": "websocket",
                "Connection": "keep-alive, Upgrade",
                "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key,
                **headers}
        if token:
            head["Authorization"] = f"Bearer {token}"
        self.sock.sendall(("GET /ws HTTP/1.1\r\n" + "".join(
            f"{k}: {v}\r\n" for k, v in head.items()
            if v is not None) + "\r\n").encode())
        while b"\r\n\r\n" not in self.got:
            if not self.more():
                break
        self.answer, _, self.got = self.got.partition(b"\r\n\r\n")
        want = base64.b64encode(hashlib.sha1(
            (key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode())
            .digest())
        self.status = int(self.answer.split()[1])
        if self.status == 101 and want not in self.answer:
            raise Mismatch(f"no WebSocket: {self.answer}")

    def more(self):
        data = self.sock.recv(65536)
        self.got += data
        return data

    def raw(self, data):
        self.sock.sendall(data)

    def send(self, **message):
        """A message; returns its id."""
        self.number += 1
        self.raw(frame(FIN | TEXT, json.dumps(
            {"id": self.number, **message}).encode()))
        return self.number

    def next_frame(self):
        """(first byte, what it carries)."""
        while True:
            if len(self.got) >= 2:
                n, at = self.got[1] & 127, 2
                if self.got[1] & 0x80:
                    raise Mismatch("a masked frame of a server")
                if n >= 126:
                    at = 4 if n == 126 else 10
                    n = int.from_bytes(self.got[2:at], "big")
                if len(self.got) >= at + n:
                    first, data = self.got[0], self.got[at:at + n]
                    self.got = self.got[at + n:]
                    return first, data
            if not self.more():
                raise Closed(1006)

    def receive(self, seconds=10):
        """The next message."""
        if self.kept:
            return self.kept.pop(0)
        self.sock.settimeout(seconds)
        while True:
            first, data = self.next_frame()
            kind = first & 15
            if kind == PING:
                self.raw(frame(FIN | PONG, data))
            elif kind == PONG:
                self.pongs.append(data)
            elif kind == CLOSE:
                code = struct.unpack(">H", data[:2])[0] if data else 1005
                raise Closed(code, data[2:].decode())
            elif first != FIN | TEXT:
                raise Mismatch(f"frame {first:#x}")
            else:
                return json.loads(data.decode())

    def wait(self, test, seconds=10, keep=False):
        """The first message that fits; those before it are dropped, or kept
        for later."""
        end = time.monotonic() + seconds
        passed = []
        while True:
            left = end - time.monotonic()
            if left <= 0:
                raise Mismatch(f"nothing fits: {passed[-5:]}")
            try:
                got = self.receive(left)
            except TimeoutError:
                raise Mismatch(f"nothing fits: {passed[-5:]}") from None
            if test(got):
                self.kept = (passed if keep else []) + self.kept
                return got
            passed.append(got)

    def ask(self, **message):
        """Its answer; what comes before it is kept."""
        number = self.send(**message)
        return self.wait(lambda m: m.get("id") == number, keep=True)

    def subscribe(self, *topics, after=None):
        sub = {"topics": list(topics)}
        if after:
            sub["after"] = after
        got = self.ask(subscribe=sub)
        if "done" not in got:
            raise Mismatch(f"subscribe {topics}: {got}")

    def snapshot(self, topic):
        return self.wait(lambda m: m.get("snapshot", {}).get("topic") ==
                         topic, keep=True)["snapshot"]

    def closes(self, seconds=10):
        """The code that it ends with; messages before are dropped."""
        try:
            while True:
                self.receive(seconds)
        except Closed as e:
            return e.code
        except ConnectionResetError:
            return 1006
