# SPDX-License-Identifier: MIT
"""RTP by hand: PCMU tones from whatever port a test likes, and an ear."""

import math
import re
import socket
import struct
import threading
import time

from harness import Mismatch

LOW, HIGH = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
DIGITS = "123A456B789C*0#D"
RATE, FRAME = 8000, 160


def ulaw(x):
    """A sample in -1..1 as PCMU (G.711)."""
    v = int(max(-1.0, min(1.0, x)) * 32635)
    sign, v = (0x80, -v) if v < 0 else (0, v)
    v += 132
    exp = v.bit_length() - 8
    return ~(sign | exp << 4 | (v >> (exp + 3)) & 15) & 255


def linear(u):
    u = ~u & 255
    v = ((u & 15) << 3) + 132 << (u >> 4 & 7)
    return (132 - v if u & 0x80 else v - 132) / 32768


def tones(digit):
    at = DIGITS.index(digit)
    return LOW[at // 4], HIGH[at % 4]


def power(samples, hz):
    """Goertzel: the part of the whole power that is at a frequency."""
    total = sum(s * s for s in samples)
    k = 2 * math.cos(2 * math.pi * hz / RATE)
    a = b = 0.0
    for s in samples:
        a, b = s + k * a - b, a
    return 2 * (a * a + b * b - k * a * b) / len(samples) / (total or 1)


class RawMedia:
    """A socket that sends tones to where a description says, and listens."""

    def __init__(self, host="127.0.0.1", ssrc=7, pt=0):
        self.sock = socket.socket(socket.AF_INET6 if ":" in host
                                  else socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((host, 0))
        self.port = self.sock.getsockname()[1]
        self.ssrc, self.pt, self.seq, self.ts = ssrc, pt, 1000, 5000
        self.to = None
        self.hz = ()            # what is sent now; (): silence
        self.plan = []          # [(frames, hz)] before that
        self.heard = []         # samples
        self.events = set()     # (timestamp, code) by telephone-event 101
        self.cond = threading.Condition()
        self.running = False
        self.threads = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.running = False
        for t in self.threads:
            t.join()
        self.sock.close()

    def start(self, sdp=None, to=None):
        """Send from now on, and listen."""
        self.to = to
        if sdp:
            self.aim(sdp)
        self.running = True
        self.sock.settimeout(0.1)
        self.threads = [threading.Thread(target=self._send, daemon=True),
                        threading.Thread(target=self._listen, daemon=True)]
        for t in self.threads:
            t.start()
        return self

    def aim(self, sdp):
        """From now on to where a description says."""
        host = re.search(r"^c=IN IP[46] (\S+)", sdp, re.M).group(1)
        port = re.search(r"^m=audio (\d+)", sdp, re.M).group(1)
        self.to = (host, int(port))

    def say(self, digits, ms=100, pause_ms=100):
        """Digits as tones, in the band."""
        self.plan += [x for d in digits for x in (
            (ms // 20, tones(d)), (pause_ms // 20, ()))]

    def packet(self, hz):
        n = self.ts
        body = bytes(ulaw(sum(0.25 * math.sin(2 * math.pi * f * (n + i) / RATE)
                              for f in hz)) for i in range(FRAME))
        head = struct.pack("!BBHII", 0x80, self.pt, self.seq & 0xffff,
                           self.ts & 0xffffffff, self.ssrc)
        self.seq += 1
        self.ts += FRAME
        return head + body

    def _send(self):
        at = time.monotonic()
        while self.running:
            hz = self.hz
            if self.plan:
                left, hz = self.plan[0]
                self.plan[0] = (left - 1, hz)
                if left <= 1:
                    del self.plan[0]
            self.sock.sendto(self.packet(hz), self.to)
            at += 0.02
            time.sleep(max(0, at - time.monotonic()))

    def _listen(self):
        while self.running:
            try:
                data = self.sock.recv(2048)
            except TimeoutError:
                continue
            if data[1] & 0x7f == 0:
                with self.cond:
                    self.heard += [linear(u) for u in data[12:]]
                    self.cond.notify_all()
            elif data[1] & 0x7f == 101:
                self.events.add((data[4:8], data[12]))

    def digits(self):
        """The digits heard in the band so far, by windows of 20 ms."""
        found, last = "", None
        heard = list(self.heard)
        for i in range(0, len(heard) - FRAME, FRAME):
            w = heard[i:i + FRAME]
            now = None
            if sum(s * s for s in w) / FRAME > 1e-4:
                for d in DIGITS:
                    lo, hi = tones(d)
                    p, q = power(w, lo), power(w, hi)
                    if p > 0.2 and q > 0.2 and p + q > 0.9:
                        now = d
            if now and now != last:
                found += now
            last = now
        return found

    def hears(self, hz, seconds=5):
        """Wait until a frequency is heard, from now on."""
        with self.cond:
            self.heard.clear()
            if not self.cond.wait_for(lambda: self.loud(hz), seconds):
                raise Mismatch(f"{hz} Hz is not heard on port {self.port}")

    def loud(self, hz, seconds=0.5):
        """Is a frequency in what was heard last?"""
        w = self.heard[-int(seconds * RATE):]
        return len(w) > RATE * seconds / 2 and power(w, hz) > 0.3
