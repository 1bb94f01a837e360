# SPDX-License-Identifier: MIT
"""A SIP phone in raw text on one TCP connection, or what a carrier says on a
connection that it was given."""

import socket

from rawphone import RawPhone
from tlsphone import TlsPhone


class TcpPhone(TlsPhone):
    """As a TlsPhone, without TLS."""

    def __init__(self, at, user="1001", sock=None):
        if sock is None:
            host, _, port = at.rpartition(":")
            sock = socket.create_connection((host, int(port)), 5)
        super().__init__(at, user, sock)
        self.contact = f"<sip:{user}@{self.me};transport=tcp>"

    def request(self, method, uri, body="", **f):
        return RawPhone.request(self, method, uri, body, **f).replace(
            "Via: SIP/2.0/UDP", "Via: SIP/2.0/TCP", 1)
