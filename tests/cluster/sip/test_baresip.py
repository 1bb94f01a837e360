# SPDX-License-Identifier: MIT
"""baresip as a phone, over each transport: it calls, is called, holds, sends
and receives digits, and puts a call through."""


from harness import Shared
from stranger_calls import configuration, walk
from strangers import Baresip

shared = Shared(nodes=2, routers=2, config=configuration())
finish = shared.finish


def test_udp():
    c = shared()
    with Baresip("1001", c.routers[0].udp) as b:
        walk(c, b)


def test_tcp():
    c = shared()
    with Baresip("1001", c.routers[0].tcp, transport="tcp") as b:
        walk(c, b)


def test_tls():
    """And SRTP, without which it takes no call.  It encrypts for whoever
    answers: this baresip verifies no certificate."""
    c = shared()
    with Baresip("1004", c.routers[0].tls, transport="tls",
                 srtp="srtp-mand") as b:
        walk(c, b)
