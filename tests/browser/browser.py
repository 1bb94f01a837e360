# SPDX-License-Identifier: MIT
"""Headless Chromium with SIP phones of others in its pages: JsSIP, SIP.js.

What npm brings (package-lock.json) is installed once, under build/browser."""

import functools
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time

from child import Child
from harness import Mismatch, ROOT, Skip
from strangers import write_tone

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(ROOT, "build", "browser")
TONE_HZ = 1500  # of every page's microphone
_installing = threading.Lock()


def chromium():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path:
            return path
    raise Skip("no chromium here (deploy/deps test)")


def install():
    """The driver and its packages, where they may stay."""
    if not shutil.which("npm"):
        raise Skip("no npm here")
    with _installing:
        install_once()


@functools.cache
def install_once():
    """Not while other lanes use it."""
    os.makedirs(FOLDER, exist_ok=True)
    for name in os.listdir(HERE):
        if name.endswith((".mjs", ".js", ".json")):
            shutil.copy(os.path.join(HERE, name), FOLDER)
    with open(os.path.join(HERE, "package-lock.json"), "rb") as f:
        stamp = hashlib.sha256(f.read()).hexdigest()
    mark = os.path.join(FOLDER, "node_modules", f".{stamp}")
    if os.path.exists(mark):
        return
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=FOLDER, capture_output=True, text=True, timeout=300, check=False,
        stdin=subprocess.DEVNULL)
    if done.returncode:
        raise Skip(f"npm ci: {(done.stderr or done.stdout).strip()[-300:]}")
    with open(mark, "w", encoding="ascii"):
        pass


class Browser(Child):
    """One Chromium; use it in a with statement.

    `microphone`: "file", "denied" (by the user), "none"."""

    driver = "driver.mjs"

    def __init__(self, **conf):
        path = chromium()
        install()
        self.folder = tempfile.mkdtemp(prefix="sy-")
        wav = os.path.join(self.folder, "tone.wav")
        write_tone(wav, TONE_HZ, 1, 48000, 1)
        self.log = open(os.path.join(self.folder, "log"), "w+",
                        encoding="utf-8")
        super().__init__(
            ["node", os.path.join(FOLDER, self.driver), wav, path,
             json.dumps(conf)], FOLDER, self.log)
        self.number = 0

    def __enter__(self):
        try:
            self.expect("ready", seconds=60)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        super().__exit__()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def last_words(self):
        self.log.seek(0)
        return self.log.read()[-500:]

    def do(self, page, method, *args, seconds=20, **more):
        """Call a method of the page's phone; its result."""
        self.number += 1
        number = self.number
        self.proc.stdin.write(json.dumps(
            {"id": number, "page": page, "do": method, "args": args,
             **more}) + "\n")
        end = time.monotonic() + seconds
        while True:
            got = self.next_line(end, f"answer to {method} of {page}")
            if got.get("id") == number:
                if "error" in got:
                    raise Mismatch(f"{page} {method}: {got['error']}")
                return got["result"]
            self.events.append(got)

    def expect(self, event, page=None, seconds=15):
        """The first event of that name and page; those before it are kept."""
        end = time.monotonic() + seconds
        at = 0
        while True:
            while at < len(self.events):
                ev = self.events[at]
                if ev.get("event") == event and page in (None,
                                                         ev.get("page")):
                    return self.events.pop(at)
                at += 1
            self.events.append(self.next_line(end, f"{event} of {page}"))

    def stats(self, page, seconds=10):
        """What the page measures from now on, once something has come."""
        self.events[:] = [e for e in self.events if e.get("event") != "stats"]
        end = time.monotonic() + seconds
        while True:
            got = self.expect("stats", page)["stats"]
            if got["mos"]:
                return got
            if time.monotonic() > end:
                raise Mismatch(f"{page} measures nothing: {got}")

    def open(self, page, lib, c, user, router=0, register=True):
        """A page with a phone of the demo configuration, registered."""
        self.do(page, "open", lib=lib, seconds=30, options={
            "server": f"wss://{c.routers[router].wss}", "user": user,
            "password": f"demo-{user}", "domain": "switchyard"})
        self.expect("connected", page)
        if register:
            self.do(page, "register")
            self.expect("registered", page)

    def hears(self, page, hz, seconds=10):
        """Until that is the strongest tone it hears; None: silence."""
        end = time.monotonic() + seconds
        while True:
            got = self.do(page, "hear")
            if hz is None:
                good = got["db"] < -60
            else:
                good = got["db"] > -50 and abs(got["hz"] - hz) < 15
            if good:
                return
            if time.monotonic() > end:
                raise Mismatch(f"{page} does not hear {hz} Hz: {got}")
            time.sleep(0.05)
