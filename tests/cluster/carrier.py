# SPDX-License-Identifier: MIT
"""A carrier's registrar in raw text: it challenges, wants more time, is mute
or refuses as the test says, and keeps what it was sent; calls are answered by
the test."""

import hashlib
import re
import socket
import threading
import time

from harness import Mismatch
from rawphone import Message

HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}


def digest(algorithm, *parts):
    return hashlib.new(HASHES[algorithm],
                       ":".join(parts).encode()).hexdigest()


def fields(value):
    """The parameters of an Authorization header."""
    return {k.lower(): v.strip('"') for k, v in
            re.findall(r'([\w-]+)=("[^"]*"|[^",\s]+)', value)}


class Carrier:
    """A thread that answers REGISTER and OPTIONS on a UDP port, or on TCP
    connections to one."""

    def __init__(self, user="bob", password="zanzibar", algorithms=("MD5",),
                 qop="auth", expires=600, min_expires=0, nonce_uses=100,
                 tcp=False, service_route=(), host="127.0.0.1"):
        self.user, self.password = user, password
        self.algorithms, self.qop = algorithms, qop
        self.expires, self.min_expires = expires, min_expires
        self.nonce_uses = nonce_uses
        self.service_route = service_route
        self.tcp = tcp
        self.sock = socket.create_server((host, 0)) if tcp else \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if not tcp:
            self.sock.bind((host, 0))
        self.at = "%s:%d" % self.sock.getsockname()
        self.lock = threading.Condition()
        self.nonces = {}         # nonce: how often it was used
        self.bindings = {}       # Contact URI: (Call-ID, CSeq)
        self.registers = []      # those that were accepted
        self.requests = []       # of calls; those that were not asked for
        self.copies = []         # the last ones: what comes again is left out
        self.asked = []          # OPTIONS
        self.challenges = self.stale = self.options = 0
        self.mute = False        # says nothing at all
        self.refuse = 0          # a code for every REGISTER
        self.stopped = False
        self.thread = threading.Thread(
            target=self.listen if tcp else self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped = True
        if self.tcp:
            socket.create_connection(self.sock.getsockname()).close()
        else:
            self.sock.sendto(b"", self.sock.getsockname())
        self.thread.join()
        self.sock.close()

    # ----------------------------------------------------------- for tests

    def wait(self, what, test, seconds=10):
        """Until something is true of this carrier."""
        with self.lock:
            if not self.lock.wait_for(test, seconds):
                raise Mismatch(f"carrier {self.at}: not within {seconds} s: "
                               f"{what}; {len(self.registers)} REGISTERs, "
                               f"{self.challenges} challenges, "
                               f"{self.bindings}")

    def registered(self, n=1, seconds=10):
        """The n-th REGISTER that was accepted."""
        self.wait(f"REGISTER number {n}", lambda: len(self.registers) >= n,
                  seconds)
        return self.registers[n - 1]

    def request(self, method, seconds=5, **head):
        """The next request of a call with this method, and these values of
        headers ("call_id"); it was taken."""
        found = []

        def has():
            for m in self.requests:
                if m.method == method and all(
                        m.get(k.replace("_", "-")) == v
                        for k, v in head.items()):
                    found.append(m)
                    return True
            return False
        self.wait(method, has, seconds)
        with self.lock:
            self.requests.remove(found[0])
        return found[0]

    def saw(self, method):
        with self.lock:
            return [m for m in self.requests if m.method == method]

    def takes(self, m, body, *lines):
        """200 to an INVITE; its ACK."""
        self.answer(m, 200, f"Contact: <sip:taken@{self.at}>", *lines,
                    body=body)
        return self.request("ACK", call_id=m.get("call-id"))

    # ------------------------------------------------------------- serving

    def run(self):
        while True:
            data, source = self.sock.recvfrom(65535)
            if self.stopped:
                return
            if data.strip():
                self.serve(Message(data, source))

    def listen(self):
        """Connections, one after the other: requests without a body."""
        while True:
            conn, _ = self.sock.accept()
            if self.stopped:
                conn.close()
                return
            threading.Thread(target=self.stream, args=(conn,),
                             daemon=True).start()

    def stream(self, conn):
        got = b""
        with conn:
            while more := conn.recv(65536):
                *whole, got = (got + more).split(b"\r\n\r\n")
                for head in whole:
                    if head.strip():
                        self.serve(Message(head + b"\r\n\r\n", conn))

    def serve(self, m):
        if self.mute:
            return
        with self.lock:
            if m.method == "REGISTER":
                self.register(m)
            elif m.method == "OPTIONS":
                self.options += 1
                self.asked.append(m)
                self.answer(m, 200)
            elif m.method and m.raw not in (c.raw for c in self.copies):
                self.copies = [*self.copies[-20:], m]
                self.requests.append(m)
            self.lock.notify_all()

    def answer(self, m, code, *lines, body=""):
        head = [f"SIP/2.0 {code} X", *(f"Via: {v}" for v in m.all("via")),
                f"From: {m.get('from')}",
                f"To: {m.get('to')}" + ("" if m.tag("to") else ";tag=c"),
                f"Call-ID: {m.get('call-id')}", f"CSeq: {m.get('cseq')}",
                *lines, *(["Content-Type: application/sdp"] if body else []),
                f"Content-Length: {len(body)}"]
        text = ("\r\n".join(head) + "\r\n\r\n" + body).encode()
        if self.tcp:
            m.source.sendall(text)
        else:
            self.sock.sendto(text, m.source)

    def challenge(self, m, stale=False):
        nonce = f"n{len(self.nonces)}.{time.monotonic_ns()}"
        self.nonces[nonce] = 0
        self.challenges += 1
        self.stale += stale
        self.answer(m, 401, *(
            f'WWW-Authenticate: Digest realm="carrier", nonce="{nonce}", '
            f'algorithm={a}, qop="{self.qop}"'
            + (", stale=true" if stale else "") for a in self.algorithms))

    def is_right(self, m, f):
        a = f.get("algorithm", "MD5")
        if a not in self.algorithms or f.get("username") != self.user or \
                f.get("qop") not in self.qop.split(","):
            return False
        ha2 = ("REGISTER", f["uri"])
        if f["qop"] == "auth-int":
            ha2 += (digest(a, m.body),)
        return f["response"] == digest(
            a, digest(a, self.user, "carrier", self.password), f["nonce"],
            f["nc"], f["cnonce"], f["qop"], digest(a, *ha2))

    def register(self, m):
        if self.refuse:
            self.answer(m, self.refuse)
            return
        f = fields(m.get("authorization"))
        if not self.is_right(m, f) if f else True:
            self.challenge(m)
            return
        used = self.nonces.get(f["nonce"], self.nonce_uses)
        if used >= self.nonce_uses or int(f["nc"], 16) != used + 1:
            self.challenge(m, True)
            return
        self.nonces[f["nonce"]] += 1
        if not m.get("contact"):  # it only asks what there is
            self.tell(m, self.expires)
            return
        expires = int(m.get("expires"))
        if 0 < expires < self.min_expires:
            self.answer(m, 423, f"Min-Expires: {self.min_expires}")
            return
        self.bind(m, expires)

    def bind(self, m, expires):
        """RFC 3261 10.3: a CSeq that is not higher is out of order."""
        uri, cseq = m.contact(), int(m.get("cseq").split()[0])
        for call_id, last in self.bindings.values():
            if call_id == m.get("call-id") and cseq <= last:
                self.answer(m, 500)
                return
        if expires:
            self.bindings[uri] = (m.get("call-id"), cseq)
            self.registers.append(m)
        else:
            self.bindings.pop(uri, None)
        self.tell(m, expires or 60)

    def tell(self, m, expires):
        self.answer(m, 200, *(
            f"Contact: <{u}>;expires={min(expires, self.expires)}"
            for u in self.bindings),
            *(f"Service-Route: {r}" for r in self.service_route))
