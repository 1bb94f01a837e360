# SPDX-License-Identifier: MIT
"""Attended transfer between three baresips, checked by what each hears."""

import os
import re

from harness import Mismatch, assert_clean, cluster, wait_for
from strangers import Baresip


def dialogs(phone):
    """Call-ID, our tag, its own tag of each call that a baresip with a trace
    has made, in order; the colours of the trace taken out."""
    with open(os.path.join(phone.dir, "log"), errors="replace",
              encoding="utf-8") as f:
        text = re.sub(r"\x1b\[[;0-9]*m", "", f.read())
    found = {}
    for answer in re.findall(r"SIP/2\.0 200 .*?\r?\n\r?\n", text, re.S):
        if not re.search(r"^CSeq: \d+ INVITE", answer, re.M):
            continue
        call_id = re.search(r"^Call-ID: (\S+)", answer, re.M).group(1)
        found[call_id] = [re.search(rf"^{name}:.*;tag=(\S+)", answer,
                                    re.M).group(1)
                          for name in ("To", "From")]
    return [(k, *v) for k, v in found.items()]


def test_attended():
    """a calls b, then c, and puts them through: in the second call it refers
    c to the first one. They talk, a is out."""
    with cluster(nodes=3) as c:
        proxy = c.routers[0].udp
        with Baresip("1001", proxy, tone_hz=440, trace=True) as a, \
                Baresip("1002", proxy, tone_hz=620, answer="auto") as b, \
                Baresip("1003", proxy, "opus", 800, answer="auto") as d:
            for phone in (a, b, d):
                phone.registered()
            for phone in (b, d):
                a.command("dial", phone.user)
                a.expect("CALL_ESTABLISHED")
                phone.expect("CALL_ESTABLISHED")
                phone.hears(440)
            first = wait_for("both calls in the trace", lambda: next(
                (x for x in [dialogs(a)] if len(x) == 2), None))[0]
            if first[0] == first[1]:
                raise Mismatch(f"no dialog: {first}")
            a.command("transfer", "<sip:1002@switchyard?Replaces="
                      f"{first[0]}%3Bto-tag%3D{first[1]}"
                      f"%3Bfrom-tag%3D{first[2]}>")
            a.expect("CALL_CLOSED")
            a.expect("CALL_CLOSED")
            b.hears(800)
            d.hears(620)
            b.command("hangup")
            d.expect("CALL_CLOSED")
            assert_clean(c)
