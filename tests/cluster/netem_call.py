# SPDX-License-Identifier: MIT
"""Speech from one phone to another over a bad line; test_netem.py starts
this inside the network namespace of the cluster.

    netem_call.py SETUP.json

It prints one JSON object a line for each case.
"""

import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "deploy"), HERE]

from lib import ports                       # noqa: E402
from harness import BIN, cluster            # noqa: E402
from lib.phones import Phones               # noqa: E402
from talk import call                       # noqa: E402

TAIL_MS = 1500      # recorded behind the speech


class PhonesIn(Phones):
    """Phones within a network namespace."""

    def __init__(self, space):
        wrapper = os.path.join(space["folder"], space["name"])
        os.makedirs(wrapper, exist_ok=True)
        path = os.path.join(wrapper, "switchyard-phone")
        with open(path, "w", encoding="ascii") as f:
            f.write(f"#!/bin/sh\nexec ip netns exec {space['name']} "
                    f"{BIN}/switchyard-phone\n")
        os.chmod(path, 0o755)
        super().__init__(wrapper)


class Line:
    """The line between the caller and the cluster, good or bad."""

    def __init__(self, setup, args):
        self.proc = subprocess.Popen(
            ["ip", "netns", "exec", setup["relay"],
             os.path.join(BIN, "link-relay"), *setup["line"], *args],
            stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        if not self.proc.stdout.readline():
            raise RuntimeError("link-relay did not start")
        return self

    def __exit__(self, *_):
        self.proc.terminate()
        self.counts = json.loads(self.proc.stdout.readline() or "{}")
        self.proc.wait(5)


def measure(clean, heard):
    run = subprocess.run(
        [os.path.join(BIN, "speech-measure"), "compare", clean, heard],
        capture_output=True, text=True, check=False)
    if run.returncode:
        return {"error": run.stderr.strip()}
    return json.loads(run.stdout)


def stream_figures(c, call_id):
    """What the API tells of the caller's leg."""
    items = c.api("GET", f"/api/calls/{call_id}")["legs"]
    leg = next(x for x in items if x["user"] == "1001")
    return {k: leg[k] for k in ("lossPercent", "jitterMs", "mos",
                                "concealedPercent", "bufferMs",
                                "discardedPercent", "roundTripMs")
            if k in leg}


def join(box, c, space, user, codec):
    box.do("phone", id=user, user=user, password=f"demo-{user}",
           domain="switchyard", proxy=c.routers[0].udp, codecs=[codec],
           tone_hz=0, laddr=space["address"])
    box.do("register", phone=user)
    box.expect("registered", phone=user, code=200)


def one_call(c, setup, case, speech, heard):
    """The caller speaks, the callee records; times are of one clock."""
    ms = int(setup["seconds"] * 1000)
    with Line(setup, case["line"]) as line, \
            PhonesIn(setup["caller"]) as a, PhonesIn(setup["callee"]) as b:
        join(a, c, setup["caller"], "1001", case["codec"])
        join(b, c, setup["callee"], "1002", case["codec"])
        a.do("call", phone="1001", to="1002")
        a.expect("established", phone="1001")
        b.expect("media", phone="1002")
        b.do("record", phone="1002", file=heard, ms=ms + TAIL_MS)
        a.do("play", phone="1001", file=speech)
        said = a.expect("played", phone="1001", seconds=setup["seconds"] + 5)
        calls = c.api("GET", "/api/calls")["items"]
        figures = stream_figures(c, calls[0]["id"])
        got = b.expect("recorded", phone="1002", seconds=10)
        a.do("hangup", phone="1001")
        a.expect("closed", phone="1001")
        b.expect("closed", phone="1002")
    return {"said": said, "recorded": got, "api": figures,
            "line": line.counts}


def run_case(c, setup, case):
    folder = setup["folder"]
    heard = os.path.join(folder, f"{case['name']}.wav")
    speech = os.path.join(folder, f"speech-{case['codec']}.wav")
    got = one_call(c, setup, case, speech, heard)
    skew = got["recorded"]["start_ms"] - got["said"]["start_ms"]
    whole = measure(speech, heard)
    row = {"bench": "netem", "name": case["name"], "codec": case["codec"],
           "line": case["line"], "counts": got["line"], **got["api"]}
    if "error" in whole:
        print(json.dumps({**row, "error": whole["error"]}), flush=True)
        return
    row["mouthToEarMs"] = round(whole["delay_ms"] + skew, 1)
    row["mouthToEarMinMs"] = round(whole["delay_min_ms"] + skew, 1)
    row["mouthToEarMaxMs"] = round(whole["delay_max_ms"] + skew, 1)
    row["recorded"] = got["recorded"]["packets"]
    reference = os.path.join(folder, f"{case['reference']}.wav")
    path = measure(speech if case["reference"] == "said" else reference,
                   heard)
    row["lsdDb"] = path.get("lsd_db")
    row["silentShare"] = path.get("silent")
    row["error"] = path.get("error")
    print(json.dumps({k: v for k, v in row.items() if v is not None}),
          flush=True)


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        setup = json.load(f)
    ports.HOST = setup["host"]
    for group in setup["groups"]:
        with cluster(nodes=1, port_base=0,
                     node_args=group["node_args"]) as c:
            for case in group["cases"]:
                run_case(c, setup, case)


if __name__ == "__main__":
    main()
