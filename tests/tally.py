# SPDX-License-Identifier: MIT
"""What passed, failed and was skipped, told line by line."""

import threading


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.told = {}
        self.unsteady = []  # failed beside others, and passed alone
        self.lock = threading.Lock()

    def ok(self, name, count, seconds):
        tests = "" if count == 1 else f"{count} tests, "
        self.tell(f"ok      {name} ({tests}{seconds:.1f} s)", passed=count)
        self.told[name] = "pass"

    def bad(self, name, text, failed=1, passed=0):
        lines = [f"        {t}" for t in text.strip().splitlines()[-40:]]
        self.tell("\n".join([f"FAILED  {name}", *lines]), passed, failed)
        self.told[name] = "FAIL"

    def unsure(self, name, text):
        """It failed beside others; run again it will pass or fail."""
        lines = [f"        {t}" for t in text.strip().splitlines()[-40:]]
        self.tell("\n".join([f"again   {name}", *lines]))

    def skip(self, name, reason):
        self.tell(f"skipped {name}: {reason}", skipped=1)
        self.told[name] = "skip"

    def tell(self, text, passed=0, failed=0, skipped=0):
        with self.lock:
            self.passed += passed
            self.failed += failed
            self.skipped += skipped
            print(text, flush=True)

    def list_names(self, title, prefix):
        """Each of an area with pass and fail, if any was run."""
        found = sorted(n for n in self.told if n.startswith(prefix))
        if not found:
            return
        print(title)
        for name in found:
            print(f"  {self.told[name]}  {name.removeprefix(prefix)}")

    def list_unsteady(self):
        for name in self.unsteady:
            print(f"unsteady: {name} failed beside others, passed alone")

    def summary(self):
        return f"{self.passed} passed, {self.failed} failed, " \
               f"{self.skipped} skipped"
