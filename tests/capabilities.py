# SPDX-License-Identifier: MIT
"""The table of capabilities: which scenarios show each, and how they went.

It is read from cluster/sip/capabilities.md, whose rows are
`| capability | scenarios |`.  A scenario is what the tally calls it, without
the preset of a unit test; `unit/NAME_test/FUNCTION` is one function of an
executable, which passes or fails as a whole."""

import glob
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
TABLE = os.path.join(HERE, "cluster", "sip", "capabilities.md")
# In place of scenarios: it is known that there are none as yet.
MISSING = "expected missing"
# The test of the table; where it runs, all rows are printed.
OWN = "cluster/sip/capabilities/"


def rows(text=None):
    """(area, capability, [scenario]) in the order of the table; what is
    expected to be missing has none, and an empty row has [""]."""
    if text is None:
        with open(TABLE, encoding="utf-8") as f:
            text = f.read()
    found, area = [], ""
    for line in text.splitlines():
        if line.startswith("## "):
            area = line.removeprefix("## ").strip()
        if not line.startswith("| ") or line.startswith("| capability"):
            continue
        name, shown = (c.strip() for c in line.strip().strip("|").split("|"))
        found.append((area, name, [] if shown == MISSING
                      else shown.replace("`", "").split(", ")))
    return found


def functions(path, pattern):
    with open(path, encoding="utf-8") as f:
        return re.findall(pattern, f.read(), re.M)


def scenarios():
    """All that there are, as a row may name them."""
    found = set()
    for folder in ("cluster", "cluster/sip", "browser"):
        for path in glob.glob(os.path.join(HERE, folder, "test_*.py")):
            stem = os.path.basename(path)[5:-3]
            found |= {f"{folder}/{stem}/{n}"
                      for n in functions(path, r"^def test_(\w+)\(")}
    for path in glob.glob(os.path.join(HERE, "unit", "*_test.c")):
        stem = os.path.basename(path)[:-2]
        found.add(f"unit/{stem}")
        found |= {f"unit/{stem}/{n}"
                  for n in functions(path, r"^static void (\w+)\(void \*\*")}
    return found


def faults(table, existing):
    """What is wrong with the rows, in words."""
    said, seen = [], set()
    for area, name, shown in table:
        row = f"{area}: {name}"
        if row in seen:
            said.append(f"{row}: it is there twice")
        seen.add(row)
        for s in shown:
            if not s:
                said.append(f"{row}: no scenario; what is still to come says "
                            f"'{MISSING}'")
            elif s not in existing:
                said.append(f"{row}: there is no scenario {s}")
    return said


def result(told, scenario):
    """What a run told of a scenario, or of the module that holds it."""
    if scenario.startswith("unit/"):
        exe = scenario.split("/")[1]
        got = {told.get(f"unit/{preset}/{exe}") for preset in
               ("debug", "tsan")}
    else:
        got = {told.get(scenario), told.get(scenario.rpartition("/")[0])}
    for word in ("FAIL", "skip", "pass"):
        if word in got:
            return word
    return "not run"


def state(told, shown):
    """Of a row: the worst of its scenarios that ran."""
    if not shown:
        return "missing"
    got = {result(told, s) for s in shown}
    return next(w for w in ("FAIL", "skip", "pass", "not run") if w in got)


def line_of(told, how, name, shown):
    """A row as it is printed: what did not pass is named."""
    bad = [f"{s} {result(told, s)}" for s in shown
           if result(told, s) != "pass"]
    return f"  {how:8}{name}" + (f" ({', '.join(bad)})" if bad else "")


def print_table(told):
    """At the end of a run: the rows of which something ran, and what is
    missing where the table's own test ran, too."""
    whole = any(n.startswith(OWN) for n in told)
    count, lines, last = {}, [], None
    for area, name, shown in rows():
        how = state(told, shown)
        count[how] = count.get(how, 0) + 1
        if how == "not run" or (how == "missing" and not whole):
            continue
        if area != last:
            lines.append(f" {area}")
            last = area
        lines.append(line_of(told, how, name, shown))
    if not lines:
        return
    print("Capabilities:", *lines, sep="\n")
    print("Capabilities: " + ", ".join(
        f"{count[w]} {w}" for w in ("pass", "FAIL", "missing", "skip",
                                    "not run") if w in count), flush=True)
