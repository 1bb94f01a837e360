# SPDX-License-Identifier: MIT
"""Hosts: network namespaces at one bridge, as machines at one switch.

    host "a" --- port a --- bridge --- port b --- host "b"

A host is cut off by its port, so that nothing is told to either side: no
reset, no unreachable, no carrier that falls at the other's end but its own.

    host "home" -- its own network -- host "nat" --- port nat --- bridge

behind() puts a host into a network of its own behind another one, which
translates (nftables).  It needs root; all of it is gone at the end.
"""

import contextlib
import ctypes
import os
import subprocess

from harness import Mismatch, Skip

NET = "10.78.0"
BEHIND = "10.79"
# One address stands for the other, both ways; ports stay.
ONE_TO_ONE = """table ip nat {{
  chain pre {{ type nat hook prerouting priority -100;
    iifname "eth0" ip daddr {outside} dnat to {inside}; }}
  chain post {{ type nat hook postrouting priority 100;
    oifname "eth0" ip saddr {inside} snat to {outside}; }}
}}"""
# Many behind one address: who sends gets another port, and may be answered.
MASQUERADE = """table ip nat {{
  chain post {{ type nat hook postrouting priority 100;
    oifname "eth0" masquerade fully-random; }}
}}"""
CLONE_NEWNET = 0x40000000
_number = iter(range(1000))


class Host:
    """One namespace: `address`, and `prefix` before a command to run in it."""

    def __init__(self, name, space, address):
        self.name, self.space, self.address = name, space, address
        self.prefix = ["ip", "netns", "exec", space]

    def run(self, *words, text=None):
        """A command there: what it prints."""
        try:
            run = subprocess.run([*self.prefix, *words], input=text,
                                 capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise Skip("iproute2 is not installed") from None
        if run.returncode:
            raise Mismatch(f"{self.name}: {' '.join(words)}: "
                           f"{run.stderr.strip()}")
        return run.stdout

    def set(self, name, value):
        """A sysctl of its network."""
        with self.inside(), open(f"/proc/sys/{name}", "w",
                                 encoding="ascii") as f:
            f.write(str(value))

    def translations(self):
        """The NAT's table, a line each."""
        with self.inside(), open("/proc/thread-self/net/nf_conntrack",
                                 encoding="ascii") as f:
            return f.read().splitlines()

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

    def behind(self, name, nat, rules, number=1):
        """A host in a network of its own behind another one."""
        outer = self.by_name[nat]
        space, net = self.space(name), f"{BEHIND}.{number}"
        ip("link", "add", "eth0", "netns", space, "type", "veth", "peer",
           "name", "inner", "netns", outer.space)
        self.ip(nat, "addr", "add", f"{net}.1/24", "dev", "inner")
        self.ip(nat, "link", "set", "inner", "up")
        self.ip(name, "addr", "add", f"{net}.2/24", "dev", "eth0")
        self.ip(name, "link", "set", "eth0", "up")
        self.ip(name, "route", "add", "default", "via", f"{net}.1")
        self.by_name[name] = host = Host(name, space, f"{net}.2")
        outer.set("net/ipv4/ip_forward", 1)
        outer.run("nft", "-f", "-", text=rules.format(
            inside=host.address, outside=outer.address))
        return host

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
