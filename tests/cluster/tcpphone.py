# SPDX-License-Identifier: MIT
"""A SIP phone in raw text on one TCP connection, or what a carrier says on a
connection that it was given."""

from rawphone import RawPhone
from tlsphone import TlsPhone, reach


class TcpPhone(TlsPhone):
    """As a TlsPhone, without TLS."""

    def __init__(self, at, user="1001", sock=None):
        super().__init__(at, user, sock or reach(at))
        self.contact = f"<sip:{user}@{self.me};transport=tcp>"

    def request(self, method, uri, body="", **f):
        return RawPhone.request(self, method, uri, body, **f).replace(
            "Via: SIP/2.0/UDP", "Via: SIP/2.0/TCP", 1)
