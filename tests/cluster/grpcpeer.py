# SPDX-License-Identifier: MIT
"""gRPC clients of others: @grpc/grpc-js, which learns all by server reflection
(grpcjs/client.mjs), and Debian's python3-grpcio.

What npm brings (grpcjs/package-lock.json) is installed once, under build/grpc."""

import base64
import json
import os
import subprocess
import time

import npm
from child import Child
from harness import Mismatch, Skip

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "grpcjs")


class Client(Child):
    """grpc-js; use it in a with statement."""

    def __init__(self, target, token=None, ca=None, version="v1"):
        folder = npm.install(HERE, "grpc")
        self.head = {"authorization": f"Bearer {token}"} if token else {}
        ca = base64.b64encode(ca).decode() if ca else "-"
        super().__init__(
            ["node", os.path.join(folder, "client.mjs"), target, ca, version],
            folder, subprocess.PIPE)
        self.number = 0

    def __enter__(self):
        try:
            self.wait(lambda got: got.get("ready"), "start", 30)
        except BaseException:
            self.__exit__()
            raise
        return self

    def last_words(self):
        return self.proc.stderr.read()

    def wait(self, test, what, seconds=15):
        """The first line that is it; others stay for later."""
        for i, got in enumerate(self.events):
            if test(got):
                return self.events.pop(i)
        end = time.monotonic() + seconds
        while True:
            got = self.next_line(end, what)
            if test(got):
                return got
            self.events.append(got)

    def send(self, do, **more):
        self.number += 1
        self.proc.stdin.write(json.dumps(
            {"id": self.number, "do": do, **more}) + "\n")
        return self.number

    def ask(self, do, **more):
        number = self.send(do, **more)
        return self.wait(lambda got: got.get("id") == number, do)

    def call(self, method, message=None, head=None, **more):
        """{"code", "reply" or "details", "head"}."""
        return self.ask("call", method=method, message=message or {},
                        metadata={**self.head, **(head or {})}, **more)

    def must(self, method, message=None, head=None, **more):
        """The reply of a call that is OK."""
        got = self.call(method, message, head, **more)
        if got["code"] != "OK":
            raise Mismatch(f"{method} {message}: {got}")
        return got["reply"]

    def open(self, method, message=None, head=None, **more):
        """A stream: what next() and ended() take."""
        return self.send("open", method=method, message=message or {},
                         metadata={**self.head, **(head or {})}, **more)

    def next(self, stream, seconds=15):
        return self.wait(lambda got: got.get("stream") == stream
                         and "message" in got, "message", seconds)["message"]

    def ended(self, stream, seconds=15):
        return self.wait(lambda got: got.get("stream") == stream
                         and "code" in got, "end", seconds)


def grpcio(target, ca, calls):
    """Calls by Debian's grpcio, see grpcio_client.py."""
    script = os.path.join(os.path.dirname(HERE), "grpcio_client.py")
    done = subprocess.run(
        ["/usr/bin/python3", script], check=False, text=True, timeout=120,
        capture_output=True,
        input=json.dumps({"target": target, "ca": ca, "calls": calls}))
    if "ModuleNotFoundError" in done.stderr:
        raise Skip("no grpc for Python here (deploy/deps test)")
    if done.returncode:
        raise Mismatch(done.stderr[-800:])
    return json.loads(done.stdout)


def details(got):
    """google.rpc.Status of an error: {"BadRequest": ..., ...} by the bare
    names of the messages, each by field number."""
    from wire import fields
    found = {}
    for any_ in fields(base64.b64decode(got["bin"])).get(3, []):
        got = fields(any_)
        found[got[1][0].decode().rpartition(".")[2]] = fields(got[2][0])
    return found
