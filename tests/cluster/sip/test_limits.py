# SPDX-License-Identifier: MIT
"""Limits of connections: of one source, of handshakes that are not done, of
time without a word; and that others are served meanwhile."""

import socket
import time
from contextlib import ExitStack, contextmanager

from harness import Mismatch, Shared, assert_clean, metrics, must, wait_for
from rawphone import RawPhone
from tcpphone import TcpPhone
from tlsphone import TlsPhone, connect
from wsphone import WsPhone

MAX, IDLE_S = 64, 4
QUARTER, SHAKES = MAX // 4, MAX // 16

shared = Shared(nodes=1, router_args=[
    "--tcp-max", str(MAX), "--threads", "1", "--tcp-idle", str(IDLE_S)])
finish = shared.finish


def address(at):
    host, _, port = at.rpartition(":")
    return host, int(port)


def plain(at, source):
    sock = socket.create_connection(address(at), 5, (source, 0))
    return sock


def is_closed(sock, seconds=5):
    sock.settimeout(seconds)
    try:
        while sock.recv(1000):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


def refused(c, limit):
    return metrics(c.routers[0])[
        f'sy_router_tcp_refused_total{{limit="{limit}"}}']


def timeouts(c, wait):
    return metrics(c.routers[0])[
        f'sy_router_tcp_timeouts_total{{wait="{wait}"}}']


def open_now(c):
    return sum(v for k, v in metrics(c.routers[0]).items()
               if k.startswith("sy_router_connections"))


def is_answered(p):
    must(p.ask(p.request("OPTIONS", "sip:switchyard")).code, 200, "OPTIONS")


def rung(caller, far, number):
    inv = caller.call(number)
    got = far.await_("INVITE")
    far.answer(got, 486, "Busy Here", tag="far")
    far.await_("ACK")
    must(caller.await_("final", call_id=inv.get("call-id")).code, 486,
         "busy")


@contextmanager
def served(c):
    """One phone of each transport, from another address: after what is done
    meanwhile they are rung, and another one can come."""
    router = c.routers[0]
    with ExitStack() as s:
        caller = s.enter_context(RawPhone(router, "1001"))
        old = [TcpPhone(router.tcp, "1002", plain(router.tcp, "127.0.0.2")),
               TlsPhone(router.tls, "1003",
                        connect(router.tls, source="127.0.0.2")),
               WsPhone(router.ws, "1004", sock=plain(router.ws,
                                                     "127.0.0.2"))]
        for p in old:
            s.enter_context(p)
            must(p.register().code, 200, "registered")
        yield
        for p in old:
            rung(caller, p, p.user)
        for new in (TcpPhone(router.tcp, "1005",
                             plain(router.tcp, "127.0.0.3")),
                    TlsPhone(router.tls, "1006",
                             connect(router.tls, source="127.0.0.3")),
                    WsPhone(router.ws, "1007",
                            sock=plain(router.ws, "127.0.0.3"))):
            with new:
                is_answered(new)
        for p in old:
            must(p.register(Expires="0").code, 200, "unregistered")
    wait_for("all are gone", lambda: not open_now(c), 10)
    assert_clean(c)


def fill(s, c, one):
    """Connections that were used, of one source, until it gets no more."""
    before = refused(c, "source")
    got = 0
    try:
        while got < 2 * MAX:
            sock = s.enter_context(one())
            sock.sendall(b"\r\n\r\n")
            if sock.recv(10) != b"\r\n":
                break
            got += 1
    except OSError:
        pass
    wait_for("it is counted", lambda: refused(c, "source") > before)
    if not QUARTER <= got <= MAX - QUARTER:
        raise Mismatch(f"one source got {got} of {MAX}")


def test_source_tcp():
    """One source does not take all, others are served."""
    c = shared()
    with served(c), ExitStack() as s:
        fill(s, c, lambda: plain(c.routers[0].tcp, "127.0.0.9"))


def test_source_tls():
    """The same by TLS, its handshakes done."""
    c = shared()
    with served(c), ExitStack() as s:
        fill(s, c, lambda: connect(c.routers[0].tls, source="127.0.0.9"))


def half_open(at):
    """Handshakes that never go on: a source gets few; they end after 5 s, and
    it gets more again."""
    c = shared()
    with ExitStack() as s:
        with served(c):
            before, late = refused(c, "handshakes"), timeouts(c, "handshake")
            begin = time.monotonic()
            silent = [s.enter_context(plain(at, "127.0.0.8"))
                      for _ in range(SHAKES)]
            extra = s.enter_context(plain(at, "127.0.0.8"))
            must(is_closed(extra, 2), True, "one more is refused")
            wait_for("it is counted",
                     lambda: refused(c, "handshakes") > before)
        for sock in silent:
            must(is_closed(sock, 10), True, "closed after a while")
        if time.monotonic() - begin < 3:
            raise Mismatch("closed too soon")
        wait_for("they are counted",
                 lambda: timeouts(c, "handshake") >= late + SHAKES)
        again = s.enter_context(plain(at, "127.0.0.8"))
        must(is_closed(again, 1), False, "there is room again")


def test_half_open_tls():
    half_open(shared().routers[0].tls)


def test_half_open_ws():
    half_open(shared().routers[0].ws)


def test_half_open_wss():
    half_open(shared().routers[0].wss)


def test_idle():
    """Who says nothing goes after --tcp-idle; who keeps alive stays, and who
    is registered stays without a word, and is rung; once it is not, it goes."""
    c = shared()
    router = c.routers[0]
    before = timeouts(c, "next")
    with RawPhone(router, "1001") as a, ExitStack() as s:
        def three(user):
            return [s.enter_context(p) for p in (
                TcpPhone(router.tcp, user), TlsPhone(router.tls, user),
                WsPhone(router.ws, user))]
        idle, alive, bound = three("1002"), three("1003"), three("1004")
        for n, p in enumerate(bound):
            p.user = f"100{4 + n}"
            must(p.register(**{"From": f"<sip:{p.user}@switchyard>;tag=r"})
                 .code, 200, "registered")
        for p in idle + alive:
            is_answered(p)

        def gone():
            for p in alive:
                is_answered(p)
            return timeouts(c, "next") >= before + len(idle)
        wait_for("the idle ones go", gone, 20, 0.3)
        for p in idle[:2]:
            must(is_closed(p.sock), True, "idle")
        must((idle[2].receive(), idle[2].closed), (None, 1001), "idle")
        for p in alive:
            is_answered(p)
        for p in bound:
            rung(a, p, p.user)
        for p in bound:
            must(p.register(Expires="0").code, 200, "unregistered")
        wait_for("all are gone", lambda: not open_now(c), 10)
        must(all(is_closed(p.sock) for p in alive + bound), True, "idle")
    assert_clean(c)
