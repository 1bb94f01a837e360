# SPDX-License-Identifier: MIT
"""Reading what passes between processes: protobuf by field number, and HTTP
as curl speaks it."""

import json
import subprocess
import tempfile

import openapi
from harness import Mismatch, split


def varint(data, i):
    value = shift = 0
    while True:
        byte = data[i]
        i += 1
        value |= (byte & 0x7f) << shift
        if byte < 0x80:
            return value, i
        shift += 7


def fields(data):
    """A protobuf message: {field number: [value, ...]}."""
    if isinstance(data, str):
        data = data.encode()
    out, i = {}, 0
    while i < len(data):
        key, i = varint(data, i)
        kind = key & 7
        if kind == 0:
            value, i = varint(data, i)
        elif kind == 2:
            size, i = varint(data, i)
            value, i = data[i:i + size], i + size
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value, i = data[i:i + size], i + size
        else:
            raise Mismatch(f"not protobuf: wire type {kind}")
        out.setdefault(key >> 3, []).append(value)
    return out


def stream(c, key):
    """The messages of a Redis stream, oldest first."""
    return [fields(entry[1][1])
            for entry in c.redis_command("XRANGE", key, "-", "+")]


def curl(url, *args, token=None, body=None):
    """A request by curl: (status, version, headers, parsed or raw body)."""
    with tempfile.NamedTemporaryFile() as head:
        argv = ["curl", "-sS", "-m", "10", "-D", head.name,
                "-w", "\n%{http_code} %{http_version}", *args, url]
        if token:
            argv += ["-H", f"Authorization: Bearer {token}"]
        if body is not None:
            argv += ["--json", json.dumps(body)]
        run = subprocess.run(argv, capture_output=True, text=True,
                             check=False)
        if run.returncode:
            raise Mismatch(f"{argv}: {run.returncode}: {run.stderr}")
        lines = head.read().decode().splitlines()
    text, _, tail = run.stdout.rpartition("\n")
    status, version = tail.split()
    headers = {k.strip().lower(): v.strip() for k, _, v in
               (line.partition(":") for line in lines[1:] if ":" in line)}
    method = "HEAD" if "-I" in args else "GET" if body is None else "POST"
    if "-X" in args:
        method = args[args.index("-X") + 1]
    openapi.check(method, *split(url), int(status),
                  headers.get("content-type"), text.encode())
    if "json" in headers.get("content-type", ""):
        text = json.loads(text)
    return int(status), version, headers, text
