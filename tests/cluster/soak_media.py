# SPDX-License-Identifier: MIT
"""Legs for a long time: 500 of PCMU and 20 of Opus on one worker, everybody
talks.  No tick is late, nothing grows, no packet is lost that the kernel
delivered.  SY_SOAK_SECONDS changes how long."""

import json
import os
import subprocess

from harness import BIN, Mismatch

SECONDS = int(os.environ.get("SY_SOAK_SECONDS", "600"))
LATE = 0.001        # of all ticks
LEGS = 520
IN_FLIGHT = 3 * LEGS    # sent when the peers last looked
GROWTH_KB = 512     # of resident memory, after the first tenth


def test_legs_for_a_long_time():
    run = subprocess.run(
        [os.path.join(BIN, "media-soak"), "--seconds", str(SECONDS)],
        capture_output=True, text=True, check=False)
    if run.returncode:
        raise Mismatch(f"media-soak: exit {run.returncode}: {run.stderr}")
    got = json.loads(run.stdout)
    print(f"        {run.stdout.strip()}", flush=True)
    if got["ticks"] < 0.99 * SECONDS * 50:
        raise Mismatch(f"only {got['ticks']} ticks in {SECONDS} s")
    if got["lateTicks"] > LATE * got["ticks"]:
        raise Mismatch(f"{got['lateTicks']} of {got['ticks']} ticks late")
    if got["endKb"] > got["warmKb"] + GROWTH_KB:
        raise Mismatch(f"memory grew from {got['warmKb']} to "
                       f"{got['endKb']} KB")
    # The generator must have been up to it, or the rest proves nothing.
    if got["peerLateRounds"] > 0.01 * got["peerRounds"] or \
            got["sent"] < 0.98 * LEGS * 50 * SECONDS:
        raise Mismatch("the peers could not keep up: "
                       f"{got['peerLateRounds']} of {got['peerRounds']} "
                       f"rounds late, {got['sent']} packets sent")
    if got["taken"] + got["kernelDrops"] != got["sent"]:
        raise Mismatch(f"of {got['sent']} packets {got['taken']} were taken, "
                       f"{got['kernelDrops']} dropped by the kernel")
    if got["received"] + got["receivedDrops"] < \
            got["enginesPackets"] - IN_FLIGHT:
        raise Mismatch(f"of {got['enginesPackets']} packets to the peers "
                       f"{got['received']} came")
