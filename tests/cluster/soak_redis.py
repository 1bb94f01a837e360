# SPDX-License-Identifier: MIT
"""Redis is stalled for long: 30 s; SY_STALL_SECONDS changes it."""

import os

import test_redis as outages

SECONDS = int(os.environ.get("SY_STALL_SECONDS", "30"))


def test_stalled_for_long():
    outages.stall(SECONDS)


def finish():
    outages.finish()
