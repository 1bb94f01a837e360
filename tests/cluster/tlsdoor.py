# SPDX-License-Identifier: MIT
"""TLS for who has none: what comes to one side as plain TCP goes on at the
other in TLS, or the other way round.  sipp of Debian is built without it."""

import contextlib
import socket
import ssl
import threading

from tlsphone import context


class TlsDoor:
    """Listens at `at` ("host:port") and connects to `target` for each
    connection, from `source`.  With a certificate and its key it is the
    server of TLS, else the client."""

    def __init__(self, target, host="127.0.0.1", source="127.0.0.1",
                 cert=None, key=None):
        where, _, port = target.rpartition(":")
        self.target, self.source = (where, int(port)), source
        self.ctx = None
        if cert:
            self.ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.ctx.load_cert_chain(cert, key)
        self.sock = socket.create_server((host, 0))
        self.at = "%s:%d" % self.sock.getsockname()
        self.open, self.lock = set(), threading.Lock()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                conn, _ = self.sock.accept()
                threading.Thread(target=self.join, args=[conn],
                                 daemon=True).start()

    def join(self, conn):
        """Pass on in both directions until either side ends."""
        far = None
        with contextlib.suppress(OSError):
            if self.ctx:
                conn = self.ctx.wrap_socket(conn, server_side=True)
            far = socket.create_connection(self.target, 5, (self.source, 0))
            far.settimeout(None)
            if not self.ctx:
                far = context().wrap_socket(far)
        if not far:
            conn.close()
            return
        with self.lock:
            self.open |= {conn, far}
        back = threading.Thread(target=self.pump, args=[far, conn],
                                daemon=True)
        back.start()
        self.pump(conn, far)
        back.join()
        with self.lock:
            self.open -= {conn, far}
        conn.close()
        far.close()

    @staticmethod
    def pump(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        with self.lock:
            for s in self.open:
                with contextlib.suppress(OSError):
                    s.shutdown(socket.SHUT_RDWR)
