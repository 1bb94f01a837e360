# SPDX-License-Identifier: MIT
"""Just enough of Redis' protocol to look at its keys."""

import socket


class RedisError(Exception):
    pass


def command(path, *words, password=None):
    """Send one command over a unix socket and return its reply."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(5)
        s.connect(path)
        with s.makefile("rb") as f:
            if password:
                s.sendall(request("AUTH", password))
                reply(f)
            s.sendall(request(*words))
            return reply(f)


def request(*words):
    out = [b"*%d\r\n" % len(words)]
    for w in words:
        b = w if isinstance(w, bytes) else str(w).encode()
        out.append(b"$%d\r\n%s\r\n" % (len(b), b))
    return b"".join(out)


def reply(f):
    line = f.readline()
    if not line.endswith(b"\r\n"):
        raise OSError("Redis closed the connection")
    kind, rest = line[:1], line[1:-2]
    if kind == b"+":
        return rest.decode()
    if kind == b"-":
        raise RedisError(rest.decode())
    if kind == b":":
        return int(rest)
    if kind == b"$":
        if int(rest) < 0:
            return None
        data = f.read(int(rest) + 2)[:-2]
        try:
            return data.decode()
        except UnicodeDecodeError:
            return data
    if kind == b"*":
        return None if int(rest) < 0 else [reply(f) for _ in range(int(rest))]
    raise OSError("not Redis' protocol")
