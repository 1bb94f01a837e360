# SPDX-License-Identifier: MIT
"""One process of the test phone: many phones, commands in, events out."""

import json
import os
import subprocess
import threading
import time


class PhoneError(Exception):
    """What was expected of a phone, and what came instead."""


class Phones:
    def __init__(self, bindir, stderr=None):
        self.events = []
        self.cond = threading.Condition()
        self.closed = False
        self.proc = subprocess.Popen(
            [os.path.join(bindir, "switchyard-phone")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr,
            text=True, bufsize=1)
        threading.Thread(target=self.reader, daemon=True).start()

    def reader(self):
        for line in self.proc.stdout:
            with self.cond:
                self.events.append(json.loads(line))
                self.cond.notify_all()
        with self.cond:
            self.closed = True
            self.cond.notify_all()

    def send(self, cmd, **fields):
        self.proc.stdin.write(json.dumps({"cmd": cmd, **fields}) + "\n")
        self.proc.stdin.flush()

    def do(self, cmd, **fields):
        """A command and its immediate answer, which must be ok."""
        self.send(cmd, **fields)
        ev = self.take(lambda e: e["event"] in ("ok", "error")
                       and e.get("cmd") == cmd, 10, f"answer to {cmd}")
        if ev["event"] != "ok":
            raise PhoneError(f"{cmd} {fields}: {ev}")
        return ev

    def take(self, test, seconds, what):
        """Remove and return the first event that fits, old or new."""
        end = time.monotonic() + seconds
        with self.cond:
            while True:
                for i, ev in enumerate(self.events):
                    if test(ev):
                        return self.events.pop(i)
                left = end - time.monotonic()
                if left <= 0 or self.closed:
                    raise PhoneError(f"no {what} within {seconds} s; "
                                     f"events: {self.events[-8:]}")
                self.cond.wait(left)

    def expect(self, event, seconds=10, **match):
        return self.take(
            lambda e: e["event"] == event and all(
                e.get(k) == v for k, v in match.items()),
            seconds, f"event {event} {match}")

    def none(self, event, **match):
        """No such event so far."""
        with self.cond:
            for e in self.events:
                if e["event"] == event and all(e.get(k) == v
                                               for k, v in match.items()):
                    raise PhoneError(f"unexpected {e}")

    def forget(self):
        with self.cond:
            self.events.clear()

    def quit(self):
        if self.proc.poll() is None:
            try:
                self.send("quit")
            except OSError:
                pass
            try:
                self.proc.wait(10)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
                raise PhoneError("the phones did not quit") from None
        if self.proc.returncode:
            raise PhoneError(f"switchyard-phone: exit {self.proc.returncode}")

    def __enter__(self):
        return self

    def __exit__(self, kind, value, tb):
        if kind:
            self.proc.kill()
            self.proc.wait()
        else:
            self.quit()
