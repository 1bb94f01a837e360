# SPDX-License-Identifier: MIT
"""A NAT of one phone: what the phone sends to `inside` goes on to the router
from a port that is opened for it.  Its clock is turned by the test: a mapping
that was not used since the last age() is closed by the next."""

import selectors
import socket
import threading


class Nat:
    def __init__(self, to, host="127.0.0.1"):
        address, _, port = to.rpartition(":")
        self.to = (address.strip("[]"), int(port))
        self.host = host
        self.family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.lock = threading.Lock()
        self.sel = selectors.DefaultSelector()
        self.private = self.socket()
        self.public = self.phone = None
        self.used = False
        self.wake, self.waker = socket.socketpair()
        self.sel.register(self.wake, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def socket(self):
        s = socket.socket(self.family, socket.SOCK_DGRAM)
        s.bind((self.host, 0))
        self.sel.register(s, selectors.EVENT_READ)
        return s

    @property
    def inside(self):
        port = self.private.getsockname()[1]
        return f"[{self.host}]:{port}" if ":" in self.host \
            else f"{self.host}:{port}"

    @property
    def outside(self):
        """The mapping's address; None: there is none."""
        with self.lock:
            if not self.public:
                return None
            port = self.public.getsockname()[1]
        return f"[{self.host}]:{port}" if ":" in self.host \
            else f"{self.host}:{port}"

    def age(self):
        """Time goes by: so much that what is not used again is closed."""
        with self.lock:
            if self.public and not self.used:
                self.sel.unregister(self.public)
                self.public.close()
                self.public = None
            self.used = False

    def passed(self, sock):
        with self.lock:
            if sock is self.private:
                data, self.phone = sock.recvfrom(65535)
                if not self.public:
                    self.public = self.socket()
                self.used = True
                self.public.sendto(data, self.to)
            elif sock is self.public:
                data, source = sock.recvfrom(65535)
                if source[:2] == self.to:
                    self.private.sendto(data, self.phone)

    def run(self):
        while True:
            for key, _ in self.sel.select():
                if key.fileobj is self.wake:
                    return
                self.passed(key.fileobj)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.waker.send(b"x")
        self.thread.join()
        for s in (self.private, self.public, self.wake, self.waker):
            if s:
                s.close()
        self.sel.close()
