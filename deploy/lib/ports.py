# SPDX-License-Identifier: MIT
"""The ports of a local cluster, and which of them are free."""

import errno
import socket

from .process import ProcessError

HOST = "127.0.0.1"
SIP, SIPS, WS, WSS = 5060, 5061, 5066, 5067
HTTPS, HTTP, TRUNK = 8443, 8080, 5090
RTP_MIN, RTP_MAX = 20000, 29999
# The first ports tried for a second router and gateway, for the nodes, and
# for everybody's metrics.
SIP_NEXT, HTTPS_NEXT, HTTP_NEXT, NODE = 5070, 8444, 8081, 5160
# Pages' media, two a node: not among the RTP ports, of which other clusters
# and phones may have some.
WEBRTC = 5200
METRICS = 9100
BASE_MAX = 65535 - RTP_MAX


def busy(port, kinds=(socket.SOCK_STREAM, socket.SOCK_DGRAM), host=HOST):
    """Why a port cannot be listened on: an OSError, or None."""
    for kind in kinds:
        with socket.socket(socket.AF_INET, kind) as s:
            if kind == socket.SOCK_STREAM:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind((host, port))
            except OSError as e:
                return e
    return None


def need(port, what):
    """Insist on a port: one clear line when it is not to be had."""
    e = busy(port)
    if e is None:
        return port
    if e.errno == errno.EADDRINUSE:
        raise ProcessError(f"port {HOST}:{port} for {what} is in use by "
                           "another process; stop it, or move all ports of "
                           "this cluster with --port-base")
    if e.errno in (errno.EACCES, errno.EPERM):
        raise ProcessError(f"no right to listen on port {HOST}:{port} for "
                           f"{what}; choose another with --port-base")
    raise ProcessError(f"port {HOST}:{port} for {what}: {e.strerror}")


def next_free(port, taken):
    """The first free port from `port` on; it is added to `taken`."""
    while port in taken or busy(port) is not None:
        port += 1
        if port > 65535:
            raise ProcessError("no free port left")
    taken.add(port)
    return port


def next_pair(port, taken):
    """The first of two free ports side by side; both are added to `taken`."""
    while True:
        first = next_free(port, taken)
        if next_free(first + 1, taken) == first + 1:
            return first
        port = first + 1
