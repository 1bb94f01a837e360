# SPDX-License-Identifier: MIT
"""A replica and a sentinel beside a cluster's Redis, and a failover."""

import os
import shutil

from harness import wait_for
from lib.process import launch
from lib.resp import command
from strangers import free_port


class Servers:
    """What a cluster is to be told (`settings()`), and what it starts; stop()
    ends replica and sentinel."""

    def __init__(self):
        self.ports = [free_port() for _ in range(3)]
        self.procs = []
        self.url = (f"redis+sentinel://127.0.0.1:{free_port()},"
                    f"127.0.0.1:{self.ports[2]}/sy")
        self.args = ["--port", str(self.ports[0]), "--bind", "127.0.0.1"]

    def settings(self):
        return {"redis_url": self.url, "redis_args": self.args,
                "beside_redis": self.start}

    def start(self, c):
        """Called when the master runs, and before anything else does.  A
        sentinel asks a master for its replicas every 10 s: so the replica is
        there before it, and known."""
        master, replica, sentinel = self.ports
        server = shutil.which("redis-server")
        os.makedirs(c.path("replica"))
        self.procs.append(launch("replica", [
            server, "--port", str(replica), "--bind", "127.0.0.1",
            "--unixsocket", c.path("replica.sock"), "--dir",
            c.path("replica"), "--save", "", "--repl-diskless-sync-delay",
            "0", "--replicaof", "127.0.0.1", str(master)],
            c.path("log", "replica.log")))
        wait_for("the replica follows", lambda: says(
            c.path("replica.sock"), "master_link_status:up", "INFO",
            "replication"), 20)
        with open(c.path("sentinel.conf"), "w", encoding="ascii") as f:
            f.write(f"port {sentinel}\nbind 127.0.0.1\ndir {c.dir}\n"
                    f"unixsocket {c.path('sentinel.sock')}\n"
                    f"sentinel monitor sy 127.0.0.1 {master} 1\n"
                    "sentinel down-after-milliseconds sy 1000\n"
                    "sentinel failover-timeout sy 5000\n")
        self.procs.append(launch("sentinel", [
            server, c.path("sentinel.conf"), "--sentinel"],
            c.path("log", "sentinel.log")))
        wait_for("the sentinel knows the replica",
                 lambda: is_known(c.path("sentinel.sock")), 20)

    def kill_master(self, c):
        """From here on the cluster's commands go to the replica."""
        c.redis.kill()
        os.unlink(c.socket)
        os.symlink(c.path("replica.sock"), c.socket)

    def promoted(self, c):
        return says(c.path("replica.sock"), "role:master", "INFO",
                    "replication")

    def stop(self):
        for p in self.procs:
            p.kill()


def says(path, text, *words):
    """Is the text in the answer?  Not yet, if nobody listens there."""
    try:
        return text in command(path, *words)
    except OSError:
        return False


def is_known(path):
    """Is there a replica that a sentinel would make master?"""
    try:
        known = command(path, "SENTINEL", "REPLICAS", "sy")
    except OSError:
        return False
    return any(dict(zip(r[::2], r[1::2])).get("master-link-status") == "ok"
               for r in known)
