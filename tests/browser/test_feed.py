# SPDX-License-Identifier: MIT
"""A page watches what happens by /ws, and Chromium takes HTTP/2 for it."""

import json
import os
import queue
import subprocess
import threading
import time

from browser import FOLDER, chromium, install
from harness import Mismatch, cluster, metrics, phones
from talk import hears, phone, tone


class Page:
    """feed_page.mjs; use it in a with statement."""

    def __init__(self, gateway, token):
        path = chromium()
        install()
        self.proc = subprocess.Popen(
            ["node", "feed_page.mjs", path, gateway.https, token], cwd=FOLDER,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        self.heard = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.proc.stdout:
            self.lines.put(json.loads(line))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proc.stdin.close()
        try:
            self.proc.wait(10)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()

    def wait(self, test, what, seconds=30):
        end = time.monotonic() + seconds
        while True:
            try:
                got = self.lines.get(
                    timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise Mismatch(f"no {what}: {self.heard[-5:]}") from None
            self.heard.append(got)
            if test(got):
                return got


def test_by_http2():
    with cluster(nodes=1) as c, phones() as box:
        gateway = c.gateways[0]
        phone(box, c, "1001")
        with Page(gateway, c.token) as page:
            got = page.wait(lambda m: "open" in m, "page")
            if got["open"] != "h2":
                raise Mismatch(f"the page came by {got}")
            page.wait(lambda m: m.get("snapshot", {}).get("topic") == "calls",
                      "snapshot")
            for version, want in (("2", 1), ("1.1", 0)):
                name = f'sy_gateway_websockets{{http="{version}"}}'
                if metrics(gateway)[name] != want:
                    raise Mismatch(f"{name} is {metrics(gateway)[name]}")
            box.do("call", phone="1001", to="600")
            hears(box, "1001", tone("1001"))
            got = page.wait(lambda m: "event" in m, "event")
            if got["event"]["type"] != "CALL_STARTED":
                raise Mismatch(f"first {got}")
            box.do("hangup", phone="1001")
            page.wait(lambda m: m.get("event", {}).get("type") ==
                      "CALL_FINISHED", "end of the call")
