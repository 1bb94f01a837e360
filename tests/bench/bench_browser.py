# SPDX-License-Identifier: MIT
"""How many legs of browser pages a core can serve: Opus, everybody talks, with
ICE and DTLS done and SRTP (AES-GCM) both ways; see media_webrtc.c."""

from bench_media import rows

TICK_US = 20000


def browser(show):
    for row in rows(None, "leg.opus5+webrtc"):
        doubts = {k: row[k] for k in ("lateTicks", "generatorLate", "lost",
                                      "starved") if k in row}
        show("gateway", "browser.legs_per_core", TICK_US / row["value"],
             "legs", floor=TICK_US / row["floor"],
             us_per_frame=row["value"], **doubts)
