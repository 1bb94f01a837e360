# SPDX-License-Identifier: MIT
"""A relay in front of Redis' socket that can be cut: one process is off Redis
while all others are not.  Cut, it takes connections and bytes and passes on
nothing, as a network does that loses all; mended, it ends what was cut.  It
can also cut itself, before a command goes through that has a certain text."""

import contextlib
import os
import selectors
import socket
import threading

CHUNK = 1 << 16


class Relay:
    """Listens at `path`; use it in a with statement."""

    def __init__(self, path, target):
        self.path, self.target = path, target
        self.sel = selectors.DefaultSelector()
        self.pairs = {}
        self.is_cut = False
        self.before = None
        self.lock = threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen(16)
        self.wake, self.woken = socket.socketpair()
        self.sel.register(self.listener, selectors.EVENT_READ)
        self.sel.register(self.woken, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.wake.send(b"x")
        self.thread.join()
        with self.lock:
            for s in list(self.pairs):
                self.end(s)
        self.listener.close()
        with contextlib.suppress(OSError):
            os.unlink(self.path)

    def cut(self):
        with self.lock:
            self.is_cut = True

    def cut_before(self, text):
        """Cut, with the command that has this text, once it comes."""
        with self.lock:
            self.before = text

    def mend(self):
        with self.lock:
            self.is_cut = False
            self.before = None
            for s in list(self.pairs):
                self.end(s)

    # ------------------------------------------------------------ its thread

    def run(self):
        while True:
            for key, _ in self.sel.select():
                if key.fileobj is self.woken:
                    return
                with self.lock:
                    if key.fileobj is self.listener:
                        self.accept()
                    elif key.fileobj in self.pairs:
                        self.pass_on(key.fileobj)

    def accept(self):
        near, _ = self.listener.accept()
        far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            far.connect(self.target)
        except OSError:
            near.close()
            far.close()
            return
        for a, b in ((near, far), (far, near)):
            self.pairs[a] = b
            self.sel.register(a, selectors.EVENT_READ)

    def pass_on(self, source):
        try:
            data = source.recv(CHUNK)
            if self.before and self.before in data:
                self.is_cut = True
            if data and not self.is_cut:
                self.pairs[source].sendall(data)
        except OSError:
            data = b""
        if not data:
            self.end(source)

    def end(self, one):
        for s in (one, self.pairs.get(one)):
            if s in self.pairs:
                self.sel.unregister(s)
                with contextlib.suppress(OSError):
                    s.close()
        other = self.pairs.pop(one, None)
        self.pairs.pop(other, None)


class Between:
    """`beside_redis` of a cluster: its first node is behind a relay."""

    def __init__(self, stack):
        self.stack, self.relay = stack, None

    def __call__(self, c):
        path = c.path("relay.sock")
        self.relay = self.stack.enter_context(Relay(path, c.socket))
        argv = c.nodes[0].argv
        argv[argv.index(c.redis_url)] = f"unix://{path}"
