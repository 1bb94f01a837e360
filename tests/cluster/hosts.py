# SPDX-License-Identifier: MIT
"""Hosts: network namespaces at one bridge, as machines at one switch.

    host "a" --- port a --- bridge --- port b --- host "b"

A host is cut off by its port, so that nothing is told to either side: no
reset, no unreachable, no carrier that falls at the other's end but its own.
It needs root; all of it is gone at the end.
"""

import contextlib
import ctypes
import os
import subprocess

from harness import Mismatch, Skip

NET = "10.78.0"
CLONE_NEWNET = 0x40000000
_number = iter(range(1000))


class Host:
    """One namespace: `address`, and `prefix` before a command to run in it."""

    def __init__(self, name, space, address):
        self.name, self.space, self.address = name, space, address
        self.prefix = ["ip", "netns", "exec", space]

    @contextlib.contextmanager
    def inside(self):
        """This thread, and the processes that it starts, run there."""
        libc = ctypes.CDLL(None, use_errno=True)
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.space}", os.O_RDONLY)
        try:
            if libc.setns(there, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"setns {self.space}")
            yield self
        finally:
            back = libc.setns(home, CLONE_NEWNET)
            os.close(there)
            os.close(home)
            if back:
                raise OSError(ctypes.get_errno(), "setns back")


class Hosts:
    """Hosts by name, in a with statement."""

    def __init__(self, *names):
        self.tag = f"sy{os.getpid()}-{next(_number)}"
        self.names = names
        self.made = []
        self.by_name = {}

    def __getitem__(self, name):
        return self.by_name[name]

    def __enter__(self):
        if os.geteuid():
            raise Skip("network namespaces need root")
        try:
            self.space("switch")
            self.ip("switch", "link", "add", "name", "switch", "type",
                    "bridge")
            self.ip("switch", "link", "set", "switch", "up")
            for number, name in enumerate(self.names, 1):
                self.host(name, f"{NET}.{number}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in reversed(self.made):
            subprocess.run(["ip", "netns", "del", name], check=False)
        self.made.clear()

    def space(self, name):
        full = f"{self.tag}-{name}"
        ip("netns", "add", full)
        self.made.append(full)
        self.ip(name, "link", "set", "lo", "up")
        return full

    def host(self, name, address):
        space = self.space(name)
        ip("link", "add", "eth0", "netns", space, "type", "veth", "peer",
           "name", name, "netns", f"{self.tag}-switch")
        self.ip("switch", "link", "set", name, "master", "switch", "up")
        self.ip(name, "addr", "add", f"{address}/24", "dev", "eth0")
        self.ip(name, "link", "set", "eth0", "up")
        self.by_name[name] = Host(name, space, address)

    def ip(self, name, *words):
        ip("-n", f"{self.tag}-{name}", *words)

    def cut(self, name):
        self.ip("switch", "link", "set", name, "down")

    def mend(self, name):
        self.ip("switch", "link", "set", name, "up")


def ip(*words):
    run = subprocess.run(["ip", *words], capture_output=True, text=True,
                         check=False)
    if run.returncode and words[:2] == ("netns", "add"):
        raise Skip(f"no network namespaces here: ip {' '.join(words)}: "
                   f"{run.stderr.strip()}")
    if run.returncode:
        raise Mismatch(f"ip {' '.join(words)}: {run.stderr.strip()}")
