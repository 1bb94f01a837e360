# SPDX-License-Identifier: MIT
"""A SIP phone in raw text: it says what the test wants, right or wrong."""

import hashlib
import re
import socket
import time

from harness import Mismatch

SDP = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
       "t=0 0\r\nm=audio {port} RTP/AVP 0\r\na=ptime:20\r\n")
LONG = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact",
        "l": "content-length", "c": "content-type", "k": "supported"}


class Message:
    """A message that was received."""

    def __init__(self, data, source=None):
        self.raw = data
        self.source = source
        text = data.decode("utf-8", "replace")
        head, _, self.body = text.partition("\r\n\r\n")
        self.start, *lines = head.split("\r\n")
        self.headers = []
        for line in lines:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            self.headers.append((LONG.get(name, name), value.strip()))

    @property
    def code(self):
        return int(self.start.split()[1]) if self.start.startswith("SIP/") \
            else None

    @property
    def method(self):
        return None if self.code else self.start.split()[0]

    @property
    def uri(self):
        return self.start.split()[1]

    def all(self, name):
        return [v for k, v in self.headers if k == name.lower()]

    def get(self, name):
        return next(iter(self.all(name)), "")

    def tag(self, name):
        got = re.search(r";tag=([^;>\s]+)", self.get(name))
        return got.group(1) if got else ""

    def contact(self):
        return re.search(r"<([^>]*)>", self.get("contact")).group(1)


def transaction(req):
    """Which one a request belongs to; an ACK to one of its own."""
    return req.method, req.get("via"), req.get("cseq")


class RawPhone:
    """One UDP socket, and what a phone would know.  The router may be an
    address."""

    serial = int(time.time() * 1000) % 100000000

    def __init__(self, router, user="1001", host="127.0.0.1",
                 own_port=0):
        at = router if isinstance(router, str) else router.udp
        address, _, port = at.rpartition(":")
        self.to = (address.strip("[]"), int(port))
        self.user = user
        six = ":" in host
        self.sock = socket.socket(socket.AF_INET6 if six else socket.AF_INET,
                                  socket.SOCK_DGRAM)
        self.sock.bind((host, own_port))
        port = self.sock.getsockname()[1]
        self.me = f"[{host}]:{port}" if six else f"{host}:{port}"
        self.contact = f"<sip:{user}@{self.me}>"
        self.answered = set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    @classmethod
    def number(cls):
        cls.serial += 1
        return cls.serial

    # ------------------------------------------------------------- sending

    def send(self, text, to=None):
        data = text.encode() if isinstance(text, str) else text
        self.sock.sendto(data, to or self.to)

    def request(self, method, uri, body="", **f):
        """The text of a request; None as a header's value: without it."""
        n = self.number()
        head = {
            "Via": f"SIP/2.0/UDP {self.me};branch=z9hG4bK{n};rport",
            "Max-Forwards": "70",
            "From": f"<sip:{self.user}@switchyard>;tag=f{n}",
            "To": f"<{uri}>",
            "Call-ID": f"{n}@raw",
            "CSeq": f"1 {method}",
            "Contact": self.contact,
        }
        if body:
            head["Content-Type"] = "application/sdp"
        head.update({k.replace("_", "-"): v for k, v in f.items()})
        if "Content-Length" not in head:
            head["Content-Length"] = str(len(body.encode()))
        lines = [f"{method} {uri} SIP/2.0"]
        for k, v in head.items():
            for one in v if isinstance(v, list) else [v]:
                if one is not None:
                    lines.append(f"{k}: {one}")
        return "\r\n".join(lines) + "\r\n\r\n" + body

    def invite(self, number, port=40000, sdp=None, **f):
        return self.request("INVITE", f"sip:{number}@switchyard",
                            SDP.format(port=port) if sdp is None else sdp,
                            **f)

    def answer(self, req, code=200, reason="X", body="", tag="t1",
               proxies=(), **f):
        """Answer a received request, as if by proxies that want to stay."""
        head = [f"SIP/2.0 {code} {reason}"]
        head += [f"Via: {v}" for v in req.all("via")]
        head += [f"Record-Route: {v}" for v in
                 [*proxies, *req.all("record-route")]]
        to = req.get("to")
        if ";tag=" not in to and code > 100:
            to += f";tag={tag}"
        head += [f"From: {req.get('from')}", f"To: {to}",
                 f"Call-ID: {req.get('call-id')}", f"CSeq: {req.get('cseq')}"]
        f.setdefault("Contact", self.contact)
        head += [f"{k.replace('_', '-')}: {v}" for k, v in f.items()]
        if body:
            head.append("Content-Type: application/sdp")
        head.append(f"Content-Length: {len(body)}")
        if code >= 200:
            self.answered.add(transaction(req))
        self.send("\r\n".join(head) + "\r\n\r\n" + body, req.source)

    # ----------------------------------------------------------- receiving

    def receive(self, seconds=3.0):
        """The next message, or None."""
        self.sock.settimeout(max(0.001, seconds))
        try:
            return Message(*self.sock.recvfrom(65535))
        except TimeoutError:
            return None

    def ask(self, text, seconds=5.0):
        """Send a request: its own final answer."""
        sent = Message(text.encode())
        self.send(text)
        return self.await_("final", seconds, sent.get("call-id"),
                           sent.get("cseq"))

    def await_(self, what, seconds=5.0, call_id=None, cseq=None):
        """The next message that is a method, or has one of these codes; not
        a request that came again before its answer was there."""
        end = time.monotonic() + seconds
        seen = []
        while time.monotonic() < end:
            m = self.receive(end - time.monotonic())
            if not m or (call_id and m.get("call-id") != call_id) or \
                    (cseq and m.get("cseq") != cseq) or \
                    (m.method and transaction(m) in self.answered):
                continue
            if m.method == what or (m.code and
                                    (what == m.code or what == "final"
                                     and m.code >= 200)):
                return m
            seen.append(m.start)
        raise Mismatch(f"{self.user}: no {what} within {seconds} s, "
                       f"but {seen}")

    def silent(self, seconds=0.5):
        m = self.receive(seconds)
        if m:
            raise Mismatch(f"{self.user} got unexpectedly, from "
                           f"{m.source}: {m.raw.decode(errors='replace')}")

    # ------------------------------------------------------ authentication

    def credentials(self, challenge, method, uri, user=None, password=None):
        user = user or self.user
        password = password or f"demo-{user}"
        name = "proxy-authenticate" if challenge.code == 407 \
            else "www-authenticate"
        value = next(v for v in challenge.all(name)
                     if "algorithm=MD5" in v)
        realm = re.search(r'realm="([^"]*)"', value).group(1)
        nonce = re.search(r'nonce="([^"]*)"', value).group(1)

        def h(*parts):
            return hashlib.md5(":".join(parts).encode()).hexdigest()
        response = h(h(user, realm, password), nonce, "00000001", "c", "auth",
                     h(method, uri))
        return (f'Digest username="{user}", realm="{realm}", '
                f'nonce="{nonce}", uri="{uri}", response="{response}", '
                'algorithm=MD5, cnonce="c", qop=auth, nc=00000001')

    def challenged(self, method, uri, body="", user=None, password=None,
                   **f):
        """Send a request and, once asked, its credentials: their text."""
        first = self.request(method, uri, body, **f)
        self.send(first)
        sent = Message(first.encode())
        got = self.await_("final", call_id=sent.get("call-id"))
        if got.code not in (401, 407):
            raise Mismatch(f"{method} without credentials: {got.start}")
        if got.code == 407:
            self.send(self.request(
                "ACK", uri, **{**f, "Via": sent.get("via"),
                               "From": sent.get("from"),
                               "To": got.get("to"),
                               "Call-ID": sent.get("call-id"),
                               "CSeq": sent.get("cseq").split()[0]
                               + " ACK"}))
        cseq = int(sent.get("cseq").split()[0]) + 1
        name = "Proxy-Authorization" if got.code == 407 else "Authorization"
        more = {**f, "Call-ID": sent.get("call-id"),
                "From": sent.get("from"), "CSeq": f"{cseq} {method}",
                name: self.credentials(got, method, uri, user, password)}
        return self.request(method, uri, body, **more)

    def register(self, **f):
        """Register; the answer."""
        text = self.challenged("REGISTER", "sip:switchyard", **{
            "To": f"<sip:{self.user}@switchyard>", "Expires": "600", **f})
        self.send(text)
        return self.await_("final",
                           call_id=Message(text.encode()).get("call-id"))

    def call(self, number, port=40000, sdp=None, **f):
        """INVITE with credentials: its text, sent."""
        text = self.challenged("INVITE", f"sip:{number}@switchyard",
                               SDP.format(port=port) if sdp is None else sdp,
                               **f)
        self.send(text)
        return Message(text.encode())

    def established(self, number, **f):
        """A call to something that answers: a dialog."""
        inv = self.call(number, **f)
        ok = self.await_("final", call_id=inv.get("call-id"))
        if ok.code != 200:
            raise Mismatch(f"{self.user} calls {number}: {ok.start}")
        d = Dialog(self, inv, ok)
        d.ack()
        return d


class Dialog:
    """A call that a RawPhone made."""

    def __init__(self, phone, inv, ok):
        self.phone, self.inv, self.ok = phone, inv, ok
        self.cseq = int(inv.get("cseq").split()[0])

    def text(self, method, body="", cseq=None, **f):
        if method == "ACK":
            n = cseq or self.cseq
        else:
            self.cseq += 1
            n = cseq or self.cseq
        head = {"From": self.inv.get("from"), "To": self.ok.get("to"),
                "Call-ID": self.inv.get("call-id"), "CSeq": f"{n} {method}"}
        routes = self.ok.all("record-route")[::-1]
        if routes:
            head["Route"] = routes
        head.update({k.replace("_", "-"): v for k, v in f.items()})
        return self.phone.request(method, self.ok.contact(), body, **head)

    def ack(self):
        self.phone.send(self.text("ACK"))

    def ask(self, method, body="", **f):
        """A request within the dialog: its final answer."""
        return self.phone.ask(self.text(method, body, **f))

    def bye(self):
        got = self.ask("BYE")
        if got.code != 200:
            raise Mismatch(f"BYE: {got.start}")
