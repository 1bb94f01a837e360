# SPDX-License-Identifier: MIT
"""A phone that is not ours: linphonec, the console phone of linphone, from
Debian.  It is told what to do by lines, and says what happens in words."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
import time

from harness import Mismatch, Skip, wait_for
from strangers import free_sip_port, tone_db, write_tone

# Its ports for media begin somewhere in here; another phone, other ones.
RTP_PORTS, RTP_STEP = 33000, 10
REGISTERED = "to [LinphoneRegistrationOk]"
RC = """[sip]
sip_port={udp}
sip_tcp_port={tcp}
sip_tls_port={tls}
use_ipv6=0
bind_address=127.0.0.1
default_proxy=0
media_encryption={srtp}
verify_server_certs=1
verify_server_cn=1
root_ca={ca}
[rtp]
audio_rtp_port={rtp}
[audio_codec_0]
mime={codec}
rate={rate}
channels=1
enabled=1
[proxy_0]
reg_proxy=<sip:{proxy};transport={transport}>
reg_route=<sip:{proxy};transport={transport};lr>
reg_identity=sip:{user}@switchyard
reg_expires=300
reg_sendregister=1
publish=0
[auth_info_0]
username={user}
passwd=demo-{user}
realm=switchyard
domain=switchyard
"""


class Linphone:
    """One linphonec, which plays a tone and records what it hears."""

    serial = os.getpid()

    def __init__(self, user, proxy, transport="udp", tone_hz=440, srtp="none",
                 ca="/nonexistent"):
        if not shutil.which("linphonec"):
            raise Skip("linphonec is not installed")
        self.user, self.hz = user, tone_hz
        self.secured, self.transport = srtp != "none", transport.upper()
        self.dir = tempfile.mkdtemp(prefix="sy-linphone-")
        # Its database lies there; without the folder it complains.
        os.makedirs(self.path(".local/share/linphone"))
        write_tone(self.path("tone.wav"), tone_hz, 60, 8000, 1)
        port = free_sip_port()
        Linphone.serial += 1
        with open(self.path("rc"), "w", encoding="utf-8") as f:
            f.write(RC.format(
                **{t: port if t == transport else 0
                   for t in ("udp", "tcp", "tls")},
                transport=transport, srtp=srtp, ca=ca, codec="PCMU",
                rate=8000, proxy=proxy, user=user,
                rtp=RTP_PORTS + Linphone.serial % 200 * RTP_STEP))
        self.proc = subprocess.Popen(
            ["linphonec", "-c", self.path("rc"), "-d", "6", "-l",
             self.path("log")], env=dict(os.environ, HOME=self.dir),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace")
        self.said, self.cond = "", threading.Condition()
        threading.Thread(target=self.reader, daemon=True).start()
        self.say("soundcard use files")
        self.say(f"play {self.path('tone.wav')}")
        self.recordings = 0
        self.record()

    def path(self, name):
        return os.path.join(self.dir, name)

    def reader(self):
        while c := self.proc.stdout.read(1):
            with self.cond:
                self.said += c
                self.cond.notify_all()

    def say(self, line):
        self.proc.stdin.write(line + "\n")
        self.proc.stdin.flush()

    def expect(self, text, seconds=10):
        """It says so; what it said before that is forgotten."""
        end = time.monotonic() + seconds
        with self.cond:
            while text not in self.said:
                left = end - time.monotonic()
                if left <= 0 or self.proc.poll() is not None:
                    raise Mismatch(f"linphone {self.user}: no '{text}' within "
                                   f"{seconds} s, but '{self.said[-500:]}'; "
                                   f"log: {self.log()[-1500:]}")
                self.cond.wait(left)
            self.said = self.said.partition(text)[2]

    def log(self):
        with contextlib.suppress(OSError), \
                open(self.path("log"), errors="replace",
                     encoding="utf-8") as f:
            return f.read()
        return ""

    # What a phone does, by any stranger's name for it (stranger_calls.py).

    def registered(self):
        wait_for(f"linphone {self.user} is registered",
                 lambda: REGISTERED in self.log(), 10)
        if f"\nVia: SIP/2.0/{self.transport} " not in self.log():
            raise Mismatch(f"linphone {self.user}: not by {self.transport}")

    def record(self):
        """What it hears in the next call goes into a file of its own."""
        self.recordings += 1
        self.say(f"record {self.path(f'heard{self.recordings}.wav')}")

    def dial(self, user):
        self.say(f"call {user}")

    def incoming(self):
        self.expect("new incoming call")

    def accept(self):
        self.say("answer")

    def established(self):
        self.expect("Media streams established")

    def hold(self):
        self.say("pause")
        self.expect("is now paused")

    def resume(self):
        self.say("resume")
        self.expect("Media streams established")

    def digits(self, text):
        self.say(text)

    def received(self, digit):
        self.expect(f"Receiving tone {digit}")

    def transfer(self, user):
        self.say(f"transfer {user}")

    def hangup(self):
        self.say("terminate")

    def closed(self):
        self.expect(" ended (")
        self.record()

    def heard_db(self, hz):
        """Level of a tone in the last second of what it heard.  The file has
        no head before it is complete: 48 kHz, one channel."""
        with contextlib.suppress(OSError):
            return tone_db(self.path(f"heard{self.recordings}.wav"), hz,
                           form=(48000, 1))
        return -120.0

    def hears(self, hz, seconds=10):
        wait_for(f"linphone {self.user} hears {hz} Hz",
                 lambda: self.heard_db(hz) > -30, seconds, 0.2)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        with contextlib.suppress(OSError):
            self.say("quit")
            self.proc.stdin.close()
        try:
            self.proc.wait(5)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
        shutil.rmtree(self.dir, ignore_errors=True)
        if self.proc.returncode and not kind:
            raise Mismatch(f"linphone ends with {self.proc.returncode}")
