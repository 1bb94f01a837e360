# SPDX-License-Identifier: MIT
"""A page watches what happens by /ws, and Chromium takes HTTP/2 for it."""

import time

from browser import FOLDER, chromium, install
from child import Child
from harness import Mismatch, cluster, metrics, phones
from talk import hears, phone, tone


class Page(Child):
    """feed_page.mjs."""

    def __init__(self, gateway, token):
        path = chromium()
        install()
        super().__init__(
            ["node", "feed_page.mjs", path, gateway.https, token], FOLDER)

    def wait(self, test, what, seconds=30):
        end = time.monotonic() + seconds
        while True:
            got = self.next_line(end, what)
            self.events.append(got)
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
