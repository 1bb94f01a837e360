# SPDX-License-Identifier: MIT
"""Janus' AudioBridge under the load of media-bench's peers: one room of
48 kHz, everybody a plain RTP participant, no WebRTC in between.

Janus runs from a folder of its own, on 127.0.0.1, and is driven over HTTP (of
1.1.2 the Unix socket's thread sometimes ends before it began); it is ended by
its pid."""

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

from cputime import cpu_us
from harness import BIN, wait_for
from lib.process import launch
from strangers import free_port

LIB = "/usr/lib/x86_64-linux-gnu/janus"
PLUGIN = "janus.plugin.audiobridge"
ROOM = 1
FRAME_S = 0.02
OPUS_BPS, OPUS_COMPLEXITY = 32000, 5    # as media-bench's
WARM_S = 1.5

CONFIG = {
    "janus.jcfg": """general: {{
  configs_folder = "{folder}"
  plugins_folder = "{folder}/plugins"
  transports_folder = "{folder}/transports"
  interface = "127.0.0.1"
  debug_level = 3
  session_timeout = 0
}}
""",
    "janus.transport.http.jcfg": """general: {{
  json = "compact"
  base_path = "/janus"
  http = true
  ip = "127.0.0.1"
  port = {port}
  https = false
}}
""",
    "janus.plugin.audiobridge.jcfg": """general: {{
  local_ip = "127.0.0.1"
}}
""",
}


def library_folder():
    for base in os.listdir("/usr/lib"):
        path = f"/usr/lib/{base}/janus"
        if os.path.isdir(path):
            return path
    return LIB


class Janus:
    """The server; use it in a with statement."""

    def __enter__(self):
        self.port = free_port(socket.SOCK_STREAM)
        self.folder = tempfile.mkdtemp(prefix="sy-janus-")
        for name, text in CONFIG.items():
            with open(os.path.join(self.folder, name), "w",
                      encoding="ascii") as f:
                f.write(text.format(folder=self.folder, port=self.port))
        # Only what the load needs is there to be loaded.
        for kind, name in (("plugins", "libjanus_audiobridge.so"),
                           ("transports", "libjanus_http.so")):
            os.mkdir(os.path.join(self.folder, kind))
            os.symlink(os.path.join(library_folder(), kind, name),
                       os.path.join(self.folder, kind, name))
        # It may crash when it is stopped; no core file in our folder then.
        self.proc = launch("janus", ["prlimit", "--core=0", "janus", "-F", self.folder,
                                     "-o", "-C",
                                     f"{self.folder}/janus.jcfg"],
                           os.path.join(self.folder, "log"))
        self.http = http.client.HTTPConnection("127.0.0.1", self.port,
                                               timeout=20)
        self.serial = 0
        try:
            wait_for("Janus' API", self.connect, 20, 0.1)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.http.close()
        self.proc.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self):
        if not self.proc.alive():
            raise RuntimeError(f"Janus ended: {self.proc.log_tail(3)}")
        try:
            return self.request("GET", "/janus/info")["janus"]
        except OSError:
            self.http.close()
            return None

    def request(self, method, path, body=None):
        self.http.request(method, path, body and json.dumps(body))
        return json.loads(self.http.getresponse().read())

    @property
    def version(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8",
                  errors="replace") as f:
            got = re.search(r"Janus version: \d+ \(([\d.]+)\)", f.read())
        if got:
            return got.group(1)
        run = subprocess.run(["dpkg-query", "-W", "-f=${Version}", "janus"],
                             capture_output=True, text=True, check=False)
        return run.stdout or "of unknown version"

    def ask(self, what, *path, **fields):
        """A request: the answer that is not a mere 'ack'."""
        self.serial += 1
        name = str(self.serial)
        got = self.request("POST", "/".join(["/janus", *map(str, path)]),
                           {"janus": what, "transaction": name, **fields})
        while got["janus"] in ("ack", "keepalive") or \
                got.get("transaction") != name:
            got = self.request("GET", f"/janus/{path[0]}?maxev=1")
        if got["janus"] not in ("success", "event"):
            raise RuntimeError(f"Janus: {what}: {got}")
        return got

    def session(self):
        return self.ask("create")["data"]["id"]

    def message(self, session, handle, **body):
        got = self.ask("message", session, handle, body=body)["plugindata"]["data"]
        if "error" in got:
            raise RuntimeError(f"Janus: {body}: {got}")
        return got

    def handle(self, session):
        return self.ask("attach", session, plugin=PLUGIN)["data"]["id"]

    def room(self, session, codec, ports, talkers):
        """A room with everybody in it: where each sends, and as what."""
        self.message(session, self.handle(session), request="create",
                     room=ROOM, sampling_rate=48000, is_private=True,
                     audiolevel_event=False, audiolevel_ext=False,
                     allow_rtp_participants=True)
        targets = []
        for i, port in enumerate(ports):
            body = {"request": "join", "room": ROOM, "codec": codec,
                    "muted": i >= talkers,
                    "rtp": {"ip": "127.0.0.1", "port": port,
                            "payload_type": 96 if codec == "opus" else 0}}
            if codec == "opus":
                body |= {"bitrate": OPUS_BPS, "quality": OPUS_COMPLEXITY}
            rtp = self.message(session, self.handle(session), **body)["rtp"]
            targets.append(f"{rtp['ip']}:{rtp['port']} "
                           f"{rtp['payload_type']}")
        return targets


def janus(codec, peers, talkers, seconds):
    """CPU time of Janus a participant and frame [us], and what is to be known
    about it."""
    with Janus() as j, subprocess.Popen(
            [os.path.join(BIN, "media-gen"), "--codec", codec, "--peers",
             str(peers), "--talkers", str(talkers)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as gen:
        try:
            ports = json.loads(gen.stdout.readline())["ports"]
            targets = j.room(j.session(), codec, ports, talkers)
            gen.stdin.write("\n".join(targets) + "\n")
            gen.stdin.flush()
            time.sleep(WARM_S)
            costs = []
            for _ in range(seconds):
                before, at = cpu_us(j.proc.pid), time.monotonic()
                time.sleep(1)
                frames = (time.monotonic() - at) / FRAME_S
                costs.append((cpu_us(j.proc.pid) - before) / frames / peers)
        finally:
            gen.stdin.close()
        count = json.loads(gen.stdout.readline())
        more = {}
        due = count["rounds"] * peers
        if count["received"] < 0.98 * due:
            more["peerDelivered"] = count["received"] / due
        if count["lateRounds"] > 0.02 * count["rounds"]:
            more["peerGeneratorLate"] = count["lateRounds"] / count["rounds"]
        if count["dropped"] or count["sendErrors"]:
            more["peerLostBack"] = count["dropped"]
            more["peerSendErrors"] = count["sendErrors"]
        return (sorted(costs)[len(costs) // 2],
                {"peer": f"Janus {j.version} AudioBridge", **more})
