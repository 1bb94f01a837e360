# SPDX-License-Identifier: MIT
"""A SIP phone in raw text over WebSocket, plain or secure, as a browser is
one: its Contact is a name that nobody can resolve."""

import base64
import hashlib
import os

from harness import Mismatch
from rawphone import Message, RawPhone
from tlsphone import connect, reach

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
FIN = 0x80
HELLO = {"Host": "switchyard", "Upgrade": "websocket",
         "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
         "Sec-WebSocket-Protocol": "sip", "Origin": "https://example.com"}


# What a browser answers; nothing of it needs to work.
WEB_SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
    "a=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
    "c=IN IP4 0.0.0.0\r\na=mid:0\r\na=rtcp-mux\r\na=setup:active\r\n"
    "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
    "a=fingerprint:sha-256 " + ":".join(["00"] * 32) + "\r\n")


def frame(first, data):
    """A frame of a client: masked."""
    n, mask = len(data), os.urandom(4)
    head = bytes([first, 0x80 | n]) if n < 126 else \
        bytes([first, 0x80 | 126]) + n.to_bytes(2, "big")
    return head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data))


class WsPhone(RawPhone):
    """As a RawPhone, on a WebSocket of its own; `scheme` is ws or wss."""

    def __init__(self, at, user="1001", scheme="ws", sock=None):
        self.user, self.scheme = user, scheme
        self.sock = sock or (connect(at) if scheme == "wss" else reach(at))
        self.got, self.part = b"", b""
        self.answered = set()
        self.pongs, self.closed, self.kinds = [], None, []
        self.me = f"{os.urandom(6).hex()}.invalid"
        self.contact = f"<sip:{user}@{self.me};transport=ws>"
        self.open()

    def open(self):
        key = base64.b64encode(os.urandom(16)).decode()
        head = {**HELLO, "Sec-WebSocket-Key": key}
        self.sock.sendall(("GET / HTTP/1.1\r\n" + "".join(
            f"{k}: {v}\r\n" for k, v in head.items()) + "\r\n").encode())
        self.sock.settimeout(5)
        while b"\r\n\r\n" not in self.got:
            self.more()
        answer, _, self.got = self.got.partition(b"\r\n\r\n")
        want = base64.b64encode(hashlib.sha1(
            (key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode())
            .digest())
        if not answer.startswith(b"HTTP/1.1 101 ") or want not in answer \
                or b"Sec-WebSocket-Protocol: sip" not in answer:
            raise Mismatch(f"no WebSocket: {answer}")

    def more(self):
        data = self.sock.recv(65536)
        if not data:
            raise Mismatch(f"{self.user}: its connection was closed")
        self.got += data

    def send(self, text, to=None):
        self.sock.sendall(frame(FIN | TEXT, text.encode()))

    def request(self, method, uri, body="", **f):
        text = super().request(method, uri, body, **f)
        return text.replace("Via: SIP/2.0/UDP",
                            f"Via: SIP/2.0/{self.scheme.upper()}", 1)

    def next_frame(self):
        """(first byte, what it carries)."""
        while True:
            if len(self.got) >= 2:
                n, at = self.got[1], 2
                if n == 126 and len(self.got) >= 4:
                    n, at = int.from_bytes(self.got[2:4], "big"), 4
                if len(self.got) >= at + n and (n < 126 or at == 4):
                    first, data = self.got[0], self.got[at:at + n]
                    self.got = self.got[at + n:]
                    return first, data
            self.more()

    def receive(self, seconds=3.0):
        self.sock.settimeout(max(0.001, seconds))
        try:
            while True:
                first, data = self.next_frame()
                op = first & 15
                if op == PONG:
                    self.pongs.append(data)
                elif op == CLOSE:
                    self.closed = int.from_bytes(data[:2], "big")
                    return None
                elif data != b"\r\n":
                    self.kinds.append(op)
                    return Message(data)
        except TimeoutError:
            return None
