# SPDX-License-Identifier: MIT
"""deploy/up and deploy/down as a person uses them."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request

from harness import Mismatch, Skip, free_base
from lib.cluster import ROOT
from lib.process import start_time

UP = os.path.join(ROOT, "deploy", "up")
DOWN = os.path.join(ROOT, "deploy", "down")


def run(argv, code=0, env=None):
    got = subprocess.run(argv, capture_output=True, text=True, timeout=120,
                         stdin=subprocess.DEVNULL, env=env, check=False)
    if got.returncode != code:
        raise Mismatch(f"{argv}: exit {got.returncode}, expected {code}\n"
                       f"{got.stdout}{got.stderr}")
    return got.stdout, got.stderr


def one_line(text, *words):
    """An error is one line and names its cause."""
    if len(text.strip().splitlines()) != 1:
        raise Mismatch(f"not one line: {text!r}")
    for w in words:
        if w not in text:
            raise Mismatch(f"{w!r} is not in {text!r}")


def test_detach_and_down():
    with tempfile.TemporaryDirectory(prefix="sy-") as folder:
        where = ["--dir", folder]
        out, _ = run([UP, "--detach", "--port-base", str(free_base()),
                      *where, "--routers", "2", "--gateways", "2"])
        with open(os.path.join(folder, "cluster.json"),
                  encoding="utf-8") as f:
            told = json.load(f)
        for kind, count in (("routers", 2), ("nodes", 2), ("gateways", 2)):
            if len(told[kind]) != count:
                raise Mismatch(f"{kind} of cluster.json: {told[kind]}")
            for m in told[kind]:
                with urllib.request.urlopen(f"http://{m['metrics']}/metrics",
                                            timeout=5) as res:
                    if b"# TYPE sy_" not in res.read():
                        raise Mismatch(f"{m['id']} shows no metrics")
        for text in ("1001 called 1002 on node-", "through router-",
                     "(opus)", "(PCMU)", "heard 1002's tone", "right", "ms",
                     told["adminToken"], "logs"):
            if text not in out:
                raise Mismatch(f"{text!r} is not in what up printed:\n{out}")
        if "WRONG" in out:
            raise Mismatch(out)
        pids = [m["pid"] for k in ("routers", "nodes", "gateways")
                for m in told[k]] + [told["redis"]["pid"]]
        run([UP, "--detach", *where], 1)  # runs already
        run([DOWN, *where])
        left = [p for p in pids if start_time(p) is not None]
        if left or os.path.exists(told["redis"]["socket"]):
            raise Mismatch(f"down left {left}")
        _, err = run([DOWN, *where], 1)
        one_line(err, "no cluster was started from")


def test_stays_until_ctrl_c():
    """In the foreground it stays, tells of a process that dies, and stops
    all on Ctrl-C."""
    with tempfile.TemporaryDirectory(prefix="sy-") as folder:
        up = subprocess.Popen(
            [UP, "--dir", folder, "--port-base", str(free_base()),
             "--no-demo-call"], stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for line in up.stdout:
            if "Ctrl-C stops all" in line:
                break
        with open(os.path.join(folder, "pids.json"), encoding="utf-8") as f:
            procs = {p["name"]: p["pid"] for p in json.load(f)}
        os.kill(procs["node-2"], signal.SIGKILL)
        told = up.stderr.readline()
        up.send_signal(signal.SIGINT)
        up.communicate(timeout=20)
        if "node-2 has ended" not in told:
            raise Mismatch(f"the death of node-2 was told so: {told!r}")
        left = [n for n, p in procs.items() if start_time(p) is not None]
        if left or up.returncode:
            raise Mismatch(f"exit {up.returncode}, left: {left}")


def test_port_in_use():
    base = free_base()
    with tempfile.TemporaryDirectory(prefix="sy-") as folder, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 5060 + base))
        _, err = run([UP, "--detach", "--port-base", str(base), "--dir",
                      folder], 1)
        one_line(err, f"127.0.0.1:{5060 + base}", "SIP", "in use")
        if os.path.exists(os.path.join(folder, "pids.json")):
            raise Mismatch("something was started all the same")


def test_wrong_options():
    for argv, words in (
            (["--nodes", "0"], ("--nodes", "from 1 to 32")),
            (["--nodes", "x"], ("--nodes", "from 1 to 32")),
            (["--port-base", "99999"], ("--port-base",)),
            (["--config", "/nowhere"], ("--config", "no such file")),
            (["--frobnicate"], ("--frobnicate",))):
        _, err = run([UP, *argv], 2)
        one_line(err, *words)


def test_redis_will_not_start():
    """One line that says why, and nothing is left running."""
    with tempfile.TemporaryDirectory(prefix="sy-") as folder:
        stub = os.path.join(folder, "redis-server")
        with open(stub, "w", encoding="ascii") as f:
            f.write("#!/bin/sh\necho 'Fatal: no memory today'\nexit 1\n")
        os.chmod(stub, 0o755)
        env = dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}")
        _, err = run([UP, "--detach", "--dir", os.path.join(folder, "run"),
                      "--port-base", str(free_base())], 1, env)
        one_line(err, "Redis did not start", "no memory today", "redis.log")
    with tempfile.TemporaryDirectory(prefix="sy-") as folder:
        os.mkdir(os.path.join(folder, "redis.sock"))
        _, err = run([UP, "--detach", "--dir", folder, "--port-base",
                      str(free_base())], 1)
        one_line(err, "redis.sock", "Redis")


def test_missing_right():
    """Somebody else's folder: the cause in one line."""
    if os.getuid() != 0:
        raise Skip("only root can become somebody else")
    with tempfile.TemporaryDirectory(prefix="sy-") as folder:
        as_nobody = ["setpriv", "--reuid=65534", "--regid=65534",
                     "--clear-groups"]
        script = os.path.join(ROOT, "deploy", "cluster.py")
        if subprocess.run([*as_nobody, "test", "-r", script],
                          check=False).returncode:
            raise Skip("nobody may not read this checkout")
        python = next(p for p in ("/usr/bin/python3", sys.executable)
                      if os.path.exists(p))
        _, err = run([*as_nobody, python, "-B", script, "up", "--detach",
                      "--dir", os.path.join(folder, "run"), "--port-base",
                      str(free_base())], 1)
        one_line(err, "run folder", "Permission denied")


def test_run_folder_without_right():
    with tempfile.TemporaryDirectory(prefix="sy-") as folder:
        path = os.path.join(folder, "file")
        with open(path, "w", encoding="ascii"):
            pass
        _, err = run([UP, "--detach", "--dir", path, "--port-base",
                      str(free_base())], 1)
        one_line(err, path, "run folder")


def test_bad_configuration():
    with tempfile.TemporaryDirectory(prefix="sy-") as folder:
        path = os.path.join(folder, "conf.json")
        with open(path, "w", encoding="ascii") as f:
            f.write('{"settings": {"realm": "x"}, "devices": [{"idd": "1"}]}')
        _, err = run([UP, "--detach", "--dir", os.path.join(folder, "run"),
                      "--config", path, "--port-base", str(free_base())], 1)
        one_line(err, path, "idd")


def test_programs_name_what_is_wrong():
    folder = os.path.join(ROOT, "build", "release", "bin")
    for name in ("router", "node", "gateway"):
        prog = os.path.join(folder, f"switchyard-{name}")
        out, _ = run([prog, "--help"])
        if "SWITCHYARD_REDIS" not in out:
            raise Mismatch(f"{name} --help: {out}")
        run([prog, "--version"])
        _, err = run([prog, "--frobnicate"], 2)
        one_line(err, "--frobnicate")
        _, err = run([prog, "--redis", "http://nowhere"], 2)
        one_line(err, "redis", "unix://")
