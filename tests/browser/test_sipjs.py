# SPDX-License-Identifier: MIT
"""SIP.js in Chromium over WSS: calls with audio both ways."""

from scenarios import Scenarios

_all = Scenarios("sipjs")
finish = _all.finish


def test_echo():
    """Its own tone comes back, by Opus and the strongest cipher."""
    _all.echo()


def test_calls_a_phone():
    """Audio both ways; the API tells what it is; the page hangs up."""
    _all.calls_a_phone()


def test_is_called():
    """By its connection, through the other router; the phone hangs up."""
    _all.is_called()


def test_hold():
    """By re-INVITE from the page, and from the phone at the other end."""
    _all.hold()


def test_digits():
    """RFC 4733, both ways."""
    _all.digits()


def test_is_transferred():
    """By the other party, to a call on the same node."""
    _all.is_transferred()


def test_moves():
    """To another node, both alive: a re-INVITE as well."""
    _all.moves()


def test_node_dies():
    """The next node has another certificate: a re-INVITE restarts ICE and
    DTLS, and both hear each other again."""
    _all.node_dies()
