# SPDX-License-Identifier: MIT
"""The commands behind deploy/up and deploy/down."""

import argparse
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lib import ports                                   # noqa: E402
from lib.cluster import (DEMO, ROOT, WEB, Cluster,      # noqa: E402
                         dir_hint, recorded, stop_all)
from lib.process import ProcessError                    # noqa: E402

RUN = os.path.join(ROOT, "run")


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def count(least, most):
    def read(text):
        if not text.isdigit() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(
                f"'{text}' is not a number from {least} to {most}")
        return int(text)
    return read


def up_parser():
    p = Parser(prog="deploy/up", description="Start a cluster on this "
               "machine, place a demo call, and stay (Ctrl-C stops all).")
    p.add_argument("--detach", action="store_true",
                   help="return when all of it is up; stop with deploy/down")
    p.add_argument("--nodes", type=count(1, 32), default=2, metavar="N",
                   help="media nodes (default 2)")
    p.add_argument("--routers", type=count(1, 16), default=1, metavar="N",
                   help="SIP routers (default 1)")
    p.add_argument("--gateways", type=count(1, 16), default=1, metavar="N",
                   help="HTTP gateways (default 1)")
    p.add_argument("--config", default=DEMO, metavar="FILE",
                   help="configuration (default deploy/demo.json)")
    p.add_argument("--no-demo-call", action="store_true",
                   help="place no call at the start")
    p.add_argument("--port-base", type=count(0, ports.BASE_MAX), default=0,
                   metavar="P", help="move every listening port by P")
    p.add_argument("--dir", default=RUN, metavar="D",
                   help="run folder: logs, data, Redis' socket (default run)")
    return p


def down_parser():
    p = Parser(prog="deploy/down", description="Stop what deploy/up --detach "
               "started.")
    p.add_argument("--dir", default=RUN, metavar="D",
                   help="run folder that up was given (default run)")
    return p


def up(args):
    cluster = Cluster(args.dir, args.nodes, args.routers, args.gateways,
                      args.config, args.port_base,
                      web=WEB if has_dashboard() else None)
    # A SIGTERM while starting must stop what was started, as Ctrl-C does;
    # and who was started in the background may have had SIGINT ignored.
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGINT, interrupt)
    cluster.start()
    try:
        greet(cluster)
        if not args.no_demo_call:
            from lib.demo import demo_call
            if not demo_call(cluster, os.path.abspath(args.config) == DEMO):
                raise ProcessError("the demo call failed; logs are in "
                                   + cluster.path("log"))
        farewell(cluster, args.detach)
    except BaseException:
        cluster.stop()
        raise
    if not args.detach:
        stay(cluster)


def has_dashboard():
    return os.path.exists(os.path.join(WEB, "index.html"))


def interrupt(_sig, _frame):
    raise KeyboardInterrupt


def greet(c):
    print(f"redis      unix:{c.socket}")
    for m in c.members():
        where = "  ".join(f"{k} {v}" for k, v in m.addresses.items()
                          if m.kind != "gateway" or k != "metrics")
        print(f"{m.id:<10} pid {m.pid:<7} {where}".rstrip())
    print(f"logs       {c.path('log')}/, one file a process", flush=True)


def farewell(c, detach):
    print()
    if c.web:
        print(f"dashboard  https://{c.gateways[0].https}/"
              f"  (development: http://{c.gateways[0].http}/)")
        print(f"           user admin, password {c.admin_password}"
              f"  (kept in {c.path('admin-password')})")
    print(f"API        https://{c.gateways[0].https}/api/status"
          f"  (development: http://{c.gateways[0].http}/api/status)")
    print(f"token      {c.token}  (kept in {c.path('admin-token')})")
    host, _, port = c.routers[0].udp.rpartition(":")
    print(f"phones     SIP server {host} port {port}, users 1001 to 1020, "
          "password demo-<user>")
    if detach:
        print(f"stop       deploy/down{dir_hint(c.dir)}", flush=True)
    else:
        print("Ctrl-C stops all of it.", flush=True)


def stay(c):
    """Until Ctrl-C; a process that ends meanwhile is told, once."""
    told = set()
    try:
        while True:
            signal.sigtimedwait([], 1)
            for p in c.processes():
                if not p.alive() and p.name not in told:
                    told.add(p.name)
                    print(f"{p.name} has ended (pid {p.pid}): "
                          f"{p.log_tail() or 'see ' + str(p.log)}",
                          file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print("\nstopping", flush=True)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        c.stop()


def down(args):
    directory = os.path.abspath(args.dir)
    procs = recorded(directory)
    alive = [p for p in procs if p.alive()]
    if not procs:
        raise ProcessError(f"no cluster was started from {directory}")
    # Redis is the last of the record: everybody else may still write to it.
    stop_all(alive[:-1])
    for p in alive[-1:]:
        p.stop()
    for name in ("cluster.json", "pids.json", "redis.sock"):
        try:
            os.unlink(os.path.join(directory, name))
        except OSError:
            pass
    print(f"stopped {len(alive)} processes")


def main():
    command, argv = sys.argv[1], sys.argv[2:]
    if command == "check":
        if {"-h", "--help"} & set(argv):
            up_parser().print_help()
            sys.exit(3)
        args = up_parser().parse_args(argv)
        if not os.path.isfile(args.config):
            sys.exit(fail("deploy/up", f"--config {args.config}: "
                          "no such file", 2))
        return
    try:
        if command == "up":
            up(up_parser().parse_args(argv))
        else:
            down(down_parser().parse_args(argv))
    except ProcessError as e:
        sys.exit(fail(f"deploy/{command}", str(e), 1))
    except KeyboardInterrupt:
        sys.exit(130)


def fail(prog, text, code):
    print(f"{prog}: {text}", file=sys.stderr)
    return code


main()
