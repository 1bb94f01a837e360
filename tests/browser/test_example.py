# SPDX-License-Identifier: MIT
"""@switchyard/sdk as a stranger takes it: its example as it stands, and its
package in a project of his own."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile

from browser import TONE_HZ
from harness import Mismatch, ROOT, Skip, assert_clean, cluster, phones, \
    wait_for
from lib.cluster import WEB
from pages import Page, PageBrowser
from talk import hears, phone

EXAMPLE = os.path.join(ROOT, "web", "sdk", "example", "server.mjs")
MODULES = os.path.join(ROOT, "web", "node_modules")
PAGE, SIP, THIRD = "1001", "1002", "1003"

# Everything that its README names, with the types that it says.
PROJECT = """
import { Phone, Feed, Ringer, Connection, Devices, SwitchyardError,
	type Call, type CallState, type CallStats, type MediaState,
	type PhoneState, type PhoneOptions } from "@switchyard/sdk";

const options: PhoneOptions = { url: "https://gateway.example",
	token: async () => "token", autoHold: false, statsMs: 1000 };
const phone: Phone = new Phone(options);

phone.on("state", (state: PhoneState, reason: string) => [state, reason]);
phone.on("ringing", (on: boolean) => on);
phone.on("error", (e: SwitchyardError) => [e.code, e.message, e.fields]);
phone.devices.on("change", () => phone.devices.microphones.map((d) => d.label));
phone.devices.on("lost", () => {});
phone.on("incoming", async (call: Call) => {
	call.on("state", (state: CallState) => state);
	call.on("media", (state: MediaState) => state);
	call.on("stats", (s: CallStats) => [s.mos, s.lossPercent, s.jitterMs]);
	call.on("ended", (reason: string, code: number) => [reason, code]);
	await call.answer();
	await call.mute();
	await call.hold();
	await call.dtmf("1#");
	await call.transfer("1002");
	await call.transfer(await phone.call("1003"));
	const heard: MediaStream = call.remote;
	new MediaRecorder(heard);
	await call.hangup(603);
});
// @ts-expect-error: there is no such event
phone.on("sate", () => {});

const connection = new Connection({ url: "https://gateway.example" });
new Feed(connection).watch("calls",
	{ snapshot: () => {}, change: () => {} });
const devices: Devices = phone.devices;
export { Ringer, devices };
"""


def example_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def server(c, port):
    proc = subprocess.Popen(
        ["node", EXAMPLE, PAGE], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PORT": str(port), "SWITCHYARD_TOKEN": c.token,
             "SWITCHYARD_URL": f"http://{c.gateways[0].http}"})
    try:
        if "http://localhost" not in proc.stdout.readline():
            raise Mismatch("the example's server does not start")
        yield
    finally:
        proc.terminate()
        proc.wait(10)
        proc.stdout.close()


def test_example():
    """It calls, is called, holds, transfers, and says what is wrong."""
    port = example_port()
    with contextlib.ExitStack() as stack:
        browser = stack.enter_context(PageBrowser())
        c = stack.enter_context(cluster(nodes=1, web=WEB))
        box = stack.enter_context(phones())
        for user in (SIP, THIRD):
            phone(box, c, user, codecs=["opus", "PCMU"])
        stack.enter_context(server(c, port))
        page = Page(browser, "a", f"http://localhost:{port}")
        page.goto(path="/")
        page.see(text="registered", exact=True)
        page.fill(label="Number", value="4711")
        page.button("Call")
        page.see(text="no route has this number")
        page.fill(label="Number", value=SIP)
        page.button("Call")
        page.see(text="active")
        box.expect("established", phone=SIP)
        hears(box, SIP, TONE_HZ, seconds=10)
        page.button("Hold")
        hears(box, SIP, TONE_HZ, present=False)
        page.button("Resume")
        hears(box, SIP, TONE_HZ, seconds=10)
        page.button("Hang up")
        box.expect("closed", phone=SIP)
        box.do("call", phone=THIRD, to=PAGE)
        page.button("Answer")
        box.expect("established", phone=THIRD)
        hears(box, THIRD, TONE_HZ, seconds=10)
        box.do("hangup", phone=THIRD)
        page.see(text="Ended: ")
        page.no_faults(but=("favicon",))
        page.do("close")
        wait_for("no call", lambda: not c.api("GET", "/api/calls")["items"])
        assert_clean(c)


def run(*words, cwd):
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True,
                          timeout=120, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise Mismatch(f"{' '.join(words)}: "
                       f"{(done.stdout + done.stderr)[-1500:]}")
    return done.stdout


def test_package():
    """Its package has types that are strict, and no more than it needs; a
    bundler takes it."""
    if not shutil.which("npm"):
        raise Skip("no npm here")
    run("deploy/build", "web", cwd=ROOT)
    with tempfile.TemporaryDirectory(prefix="sy-") as folder:
        packed = json.loads(run("npm", "pack", "--json",
                                "--pack-destination", folder,
                                cwd=os.path.join(ROOT, "web", "sdk")))[0]
        files = {f["path"] for f in packed["files"]}
        if not {"dist/index.js", "dist/index.d.ts", "README.md",
                "package.json"} <= files or \
                any(f.startswith(("src/", "test/")) for f in files):
            raise Mismatch(f"{sorted(files)}")
        home = os.path.join(folder, "node_modules", "@switchyard")
        os.makedirs(home)
        with tarfile.open(os.path.join(folder, packed["filename"])) as tar:
            tar.extractall(home)
        os.rename(os.path.join(home, "package"), os.path.join(home, "sdk"))
        with open(os.path.join(folder, "page.ts"), "w",
                  encoding="utf-8") as f:
            f.write(PROJECT)
        with open(os.path.join(folder, "tsconfig.json"), "w",
                  encoding="utf-8") as f:
            json.dump({"compilerOptions": {
                "strict": True, "noEmit": True, "target": "es2022",
                "module": "es2022", "moduleResolution": "bundler",
                "lib": ["es2023", "dom", "dom.iterable"], "types": []},
                "files": ["page.ts"]}, f)
        run(os.path.join(MODULES, ".bin", "tsc"), "-p", folder, cwd=folder)
        run(os.path.join(MODULES, ".bin", "esbuild"), "page.ts", "--bundle",
            "--minify", "--format=esm", "--outfile=page.js", cwd=folder)
        size = os.path.getsize(os.path.join(folder, "page.js"))
        if not 10_000 < size < 60_000:
            raise Mismatch(f"a bundle of {size} bytes")
