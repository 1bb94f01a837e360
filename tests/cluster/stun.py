# SPDX-License-Identifier: MIT
"""STUN as a client says it (RFC 8489): a Binding request, and its answer."""

import os
import socket
import struct
import zlib

from harness import Mismatch

COOKIE = 0x2112A442
FINGERPRINT, CRC_XOR = 0x8028, 0x5354554E
XOR_MAPPED, ERROR, UNKNOWN = 0x20, 9, 10


def message(kind, attributes=b"", printed=False):
    size = len(attributes) + (8 if printed else 0)
    head = struct.pack("!HHI", kind, size, COOKIE) + os.urandom(12)
    data = head + attributes
    if printed:
        data += struct.pack("!HHI", FINGERPRINT, 4,
                            zlib.crc32(data) ^ CRC_XOR)
    return data


def binding(**kw):
    return message(0x0001, **kw)


class Stun:
    """A message that was received."""

    def __init__(self, data):
        self.kind, size, cookie = struct.unpack("!HHI", data[:8])
        if cookie != COOKIE or size != len(data) - 20:
            raise Mismatch(f"no STUN: {data!r}")
        self.id = data[8:20]
        self.attributes, at = {}, 20
        while at < len(data):
            kind, size = struct.unpack("!HH", data[at:at + 4])
            value = data[at + 4:at + 4 + size]
            if kind == FINGERPRINT and value != struct.pack(
                    "!I", zlib.crc32(data[:at]) ^ CRC_XOR):
                raise Mismatch("wrong FINGERPRINT")
            self.attributes[kind] = value
            at += 4 + (size + 3 & ~3)

    def mapped(self):
        """The address that the server saw: "host:port"."""
        value = self.attributes[XOR_MAPPED]
        _, family, port = struct.unpack("!BBH", value[:4])
        key = struct.pack("!I", COOKIE) + self.id
        host = bytes(a ^ b for a, b in zip(value[4:], key))
        port ^= COOKIE >> 16
        if family == 2:
            return f"[{socket.inet_ntop(socket.AF_INET6, host)}]:{port}"
        return f"{socket.inet_ntop(socket.AF_INET, host)}:{port}"


def bound(phone, request=None):
    """A phone's keepalive on its SIP socket, and its answer."""
    request = request or binding()
    phone.send(request)
    got = phone.receive()
    if not got:
        raise Mismatch(f"{phone.user}: no answer to STUN")
    got = Stun(got.raw)
    if got.id != request[8:20]:
        raise Mismatch(f"{phone.user}: answer of another transaction")
    return got
