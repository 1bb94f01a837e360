# SPDX-License-Identifier: MIT
"""The table of capabilities names scenarios that there are."""

from capabilities import MISSING, faults, rows, scenarios, state
from harness import Mismatch, must


def test_names():
    """Each row has scenarios that exist, or says that they are to come."""
    said = faults(rows(), scenarios())
    if said:
        raise Mismatch("\n".join(said))
    if len(rows()) < 100:
        raise Mismatch(f"only {len(rows())} rows were read")


def test_faults_are_told():
    """A scenario that was renamed, a row without any, a row twice."""
    table = rows("## A\n| capability | shown by |\n|---|---|\n"
                 "| one | `unit/x_test`, `cluster/sip/a/b` |\n"
                 f"| two | {MISSING} |\n| three | |\n"
                 "| one | `unit/x_test` |\n")
    must([r[1] for r in table], ["one", "two", "three", "one"], "rows")
    said = faults(table, {"unit/x_test"})
    must(len(said), 3, said)
    for text, part in zip(said, ("cluster/sip/a/b", "no scenario;",
                                 "twice")):
        must(part in text, True, text)


def test_states():
    """The worst of a row's scenarios that ran is the row's; a module that could not be
    loaded has failed with all of its scenarios."""
    told = {"unit/debug/x_test": "pass", "unit/tsan/x_test": "FAIL",
            "unit/debug/y_test": "pass", "cluster/sip/a/b": "pass",
            "cluster/sip/c": "FAIL", "cluster/sip/d/e": "skip"}
    for shown, wanted in (
            ([], "missing"), (["unit/x_test"], "FAIL"),
            (["unit/y_test/test_a", "cluster/sip/a/b"], "pass"),
            (["cluster/sip/a/b", "cluster/sip/c/d"], "FAIL"),
            (["cluster/sip/a/b", "cluster/sip/d/e"], "skip"),
            (["cluster/sip/a/b", "browser/a/b"], "pass"),
            (["browser/a/b"], "not run")):
        must(state(told, shown), wanted, shown)
