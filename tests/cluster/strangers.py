# SPDX-License-Identifier: MIT
"""A phone that is not ours: baresip, from Debian; tones for it and others."""

import array
import contextlib
import json
import math
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import wave

from harness import Mismatch, wait_for
from lib import ports

MODULES = ("aufile", "sndfile", "g711", "g722", "opus", "account", "menu",
           "ctrl_tcp")
# baresip's name of each codec, and what an aufile source for it must have:
# rate and channels.
CODECS = {"opus": ("opus/48000/2", 48000, 2), "g722": ("G722/16000/1", 16000, 1),
          "pcmu": ("PCMU/8000/1", 8000, 1), "pcma": ("PCMA/8000/1", 8000, 1)}


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def free_sip_port():
    """For UDP and TCP, and TLS above it: baresip listens on all."""
    for _ in range(100):
        port = free_port(socket.SOCK_DGRAM)
        if ports.busy(port) is None and ports.busy(port + 1) is None:
            return port
    raise Mismatch("no two ports are free")


def write_tone(path, hz, seconds, rate, channels):
    """A sine of -20 dBFS (RMS of a full sine: -3 dB) as a WAV file."""
    one = [int(32767 * 0.1 * math.sin(2 * math.pi * hz * i / rate))
           for i in range(rate)]
    second = array.array("h", [s for s in one for _ in range(channels)])
    with wave.open(path, "wb") as f:
        f.setnchannels(channels)
        f.setsampwidth(2)
        f.setframerate(rate)
        for _ in range(seconds):
            f.writeframes(second.tobytes())


def tone_db(path, hz, seconds=1.0, form=None):
    """Level [dB of a full sine] of a tone in the last second of a WAV, whose
    rate and channels are those of its head if they are not given."""
    with open(path, "rb") as f:
        raw = f.read()
    rate, channels = form or (int.from_bytes(raw[24:28], "little"),
                              int.from_bytes(raw[22:24], "little"))
    data = array.array("h", raw[44:44 + (len(raw) - 44) // 2 * 2])[::channels]
    data = data[-int(rate * seconds):]
    if len(data) < rate * seconds:
        return -120.0
    n = len(data)
    w = 2 * math.pi * hz / rate
    re = im = 0.0
    for i, v in enumerate(data):
        hann = 1 - math.cos(2 * math.pi * i / n)
        re += v * hann * math.cos(w * i)
        im += v * hann * math.sin(w * i)
    return 20 * math.log10(max(2 * math.hypot(re, im) / n / 32768, 1e-6))


class Baresip:
    """One baresip, controlled over TCP; records what it hears."""

    def __init__(self, user, proxy, codec="pcmu", tone_hz=440,
                 transport="udp", answer="manual", srtp=None,
                 trace=False):
        self.user, self.codec, self.hz = user, codec, tone_hz
        self.secured, self.transport = bool(srtp), transport.upper()
        self.dir = tempfile.mkdtemp(prefix="sy-baresip-")
        self.ctrl = free_port()
        name, rate, channels = CODECS[codec]
        tone = os.path.join(self.dir, "tone.wav")
        write_tone(tone, tone_hz, 60, rate, channels)
        self.write("config", "\n".join([
            f"sip_listen 127.0.0.1:{free_sip_port()}",
            "net_interface 127.0.0.1",
            "module_path /usr/lib/baresip/modules",
            f"audio_source aufile,{tone}",
            f"snd_path {self.dir}",
            "call_max_calls 8",
            f"ctrl_tcp_listen 127.0.0.1:{self.ctrl}",
            # Before the accounts, which name it.
            *(["module srtp.so"] if srtp else []),
            *(f"module {m}.so" for m in MODULES), ""]))
        self.write("accounts", (
            f"<sip:{user}@switchyard;transport={transport}>"
            f";auth_user={user};auth_pass=demo-{user}"
            f";outbound=\"sip:{proxy};transport={transport}\""
            f";regint=300;audio_codecs={name};answermode={answer}"
            f"{f';mediaenc={srtp}' if srtp else ''}\n"))
        self.write("contacts", "")
        with open(os.path.join(self.dir, "log"), "wb") as log:
            self.proc = subprocess.Popen(
                ["baresip", "-f", self.dir, *(["-s"] if trace else [])],
                stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)
        self.events, self.cond = [], threading.Condition()
        self.sock = wait_for("baresip's control port", self.connect, 10)
        threading.Thread(target=self.reader, daemon=True).start()

    def write(self, name, text):
        with open(os.path.join(self.dir, name), "w", encoding="utf-8") as f:
            f.write(text)

    def connect(self):
        if self.proc.poll() is not None:
            raise Mismatch(f"baresip ended: {self.log()}")
        try:
            return socket.create_connection(("127.0.0.1", self.ctrl), 5)
        except OSError:
            return None

    def registered(self):
        """Its log, since the event may come before we are connected."""
        wait_for(f"baresip {self.user} is registered",
                 lambda: f"/{self.transport}/v4}} 200 OK () [1 binding]"
                 in self.log(), 10)

    def log(self):
        with open(os.path.join(self.dir, "log"), errors="replace",
                  encoding="utf-8") as f:
            return f.read()[-2000:]

    def reader(self):
        """Events are netstrings of JSON."""
        self.sock.settimeout(None)
        f = self.sock.makefile("rb")
        while True:
            head = b""
            while not head.endswith(b":"):
                c = f.read(1)
                if not c:
                    return
                head += c
            ev = json.loads(f.read(int(head[:-1])))
            f.read(1)
            with self.cond:
                self.events.append(ev)
                self.cond.notify_all()

    def command(self, name, params=""):
        body = json.dumps({"command": name, "params": params}).encode()
        self.sock.sendall(b"%d:%s," % (len(body), body))

    def expect(self, kind, seconds=10):
        end = time.monotonic() + seconds
        with self.cond:
            while True:
                for i, ev in enumerate(self.events):
                    if ev.get("type") == kind:
                        return self.events.pop(i)
                left = end - time.monotonic()
                if left <= 0:
                    raise Mismatch(
                        f"baresip {self.user}: no {kind} within {seconds} s;"
                        f" events {[e.get('type') for e in self.events]};"
                        f" log: {self.log()}")
                self.cond.wait(left)

    # What a phone does, by any stranger's name for it (stranger_calls.py).

    def dial(self, user):
        self.command("dial", user)

    def incoming(self):
        self.expect("CALL_INCOMING")

    def accept(self):
        self.command("accept")

    def established(self):
        self.expect("CALL_ESTABLISHED")

    def hold(self):
        self.command("hold")

    def resume(self):
        self.command("resume")

    def digits(self, text):
        self.command("sndcode", text)

    def received(self, digit):
        got = self.expect("CALL_DTMF_START").get("param")
        if got != digit:
            raise Mismatch(f"baresip {self.user} receives {got}, not {digit}")

    def transfer(self, user):
        self.command("transfer", user)

    def hangup(self):
        self.command("hangup")

    def closed(self):
        self.expect("CALL_CLOSED")

    def heard_db(self, hz):
        """Level of a tone in the newest recording of what it hears."""
        names = [n for n in os.listdir(self.dir) if n.endswith("-dec.wav")]
        if not names:
            return -120.0
        newest = max(names, key=lambda n: os.path.getmtime(
            os.path.join(self.dir, n)))
        return tone_db(os.path.join(self.dir, newest), hz)

    def recorded(self):
        """Bytes of the newest recording of what it hears."""
        return max((os.path.getsize(os.path.join(self.dir, n)) for n in
                    os.listdir(self.dir) if n.endswith("-dec.wav")),
                   default=0)

    def hears_on(self, hz, since, seconds=15):
        """A second and more is recorded after `since`, with the tone."""
        _, rate, channels = CODECS[self.codec]
        wait_for(f"baresip {self.user} hears {hz} Hz again",
                 lambda: self.recorded() > since + 3 * rate * channels
                 and self.heard_db(hz) > -30, seconds, 0.2)

    def hears(self, hz, seconds=8):
        wait_for(f"baresip {self.user} hears {hz} Hz",
                 lambda: self.heard_db(hz) > -30, seconds, 0.2)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, tb):
        with contextlib.suppress(OSError):
            self.command("quit")
        try:
            self.proc.wait(3)
        except subprocess.TimeoutExpired:
            self.proc.terminate()
            self.proc.wait()
        self.sock.close()
        shutil.rmtree(self.dir, ignore_errors=True)
