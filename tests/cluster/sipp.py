# SPDX-License-Identifier: MIT
"""sipp, from Debian: a process with a scenario."""

import os
import shutil
import subprocess
import tempfile

from harness import Mismatch, wait_for


def is_bound(port):
    """Somebody of this network namespace has it."""
    for table in ("udp", "udp6", "tcp", "tcp6"):
        with open(f"/proc/thread-self/net/{table}", encoding="ascii") as f:
            # UDP, or TCP that listens: not one that is over (TIME_WAIT).
            if any(line.split()[1].endswith(f":{port:04X}") and
                   line.split()[3] in ("07", "0A")
                   for line in f.readlines()[1:]):
                return True
    return False


class Sipp:
    """One sipp process with a built-in scenario, or one in a file NAME.xml;
    its statistics at the end."""

    def __init__(self, scenario, port, target=None, calls=0, rate=50,
                 service="service", more=(), host="127.0.0.1"):
        self.dir = tempfile.mkdtemp(prefix="sy-sipp-")
        self.stat = os.path.join(self.dir, "stat.csv")
        argv = ["sipp", "-sf" if scenario.endswith(".xml") else "-sn",
                scenario, "-i", host, "-p", str(port),
                "-s", service, "-nostdin", "-trace_stat", "-stf", self.stat,
                "-fd", "1", "-trace_err", "-error_file",
                os.path.join(self.dir, "errors"), *more]
        if calls:
            argv += ["-m", str(calls), "-r", str(rate), "-l", "5000"]
        if target:
            argv.append(target)
        with open(os.path.join(self.dir, "log"), "wb") as log:
            self.proc = subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                                         stdout=log, stderr=log,
                                         cwd=self.dir)
        if not calls:
            wait_for("sipp listens", lambda: is_bound(port))

    def counts(self):
        """The last line of the statistics by column name."""
        with open(self.stat, encoding="ascii", errors="replace") as f:
            rows = [r.rstrip("\n").split(";") for r in f]
        return dict(zip(rows[0], rows[-1]))

    def failures(self):
        """How calls went that did not end, or not well."""
        return {k: v for k, v in self.counts().items() if v != "0" and (
            k.startswith("Failed") and k.endswith("(C)")
            or k == "CurrentCall")}

    def end(self, seconds):
        """Wait for the end of a caller, and give (successful, failed)."""
        try:
            self.proc.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Mismatch(f"sipp did not end in {seconds} s: "
                           f"{self.counts()}") from None
        got = self.counts()
        return int(got["SuccessfulCall(C)"]), int(got["FailedCall(C)"])

    def errors(self):
        try:
            with open(os.path.join(self.dir, "errors"), encoding="ascii",
                      errors="replace") as f:
                return f.read()[-1500:]
        except OSError:
            return ""

    def __enter__(self):
        return self

    def __exit__(self, kind, value, tb):
        if self.proc.poll() is None:
            self.proc.terminate()
            self.proc.wait()
        shutil.rmtree(self.dir, ignore_errors=True)
