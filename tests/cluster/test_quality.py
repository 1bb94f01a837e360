# SPDX-License-Identifier: MIT
"""How calls sound: RTCP with the test phone and with baresip, the figures in
the API over time, and in the nodes' metrics."""

import time

from harness import (Mismatch, assert_clean, cluster, metrics, phones,
                     request, wait_for)
from strangers import Baresip
from talk import call, end, only_call, phone
from test_api import demo

LOSS = 12  # percent of what 1001 sends


def get(c, path, status=200):
    got = request("GET", f"http://{c.gateways[0].http}{path}", "token-all")
    if got[0] != status:
        raise Mismatch(f"{path}: {got[0]} {got[2]}")
    return got[2]


def between(what, value, low, high):
    if not low <= value <= high:
        raise Mismatch(f"{what} is {value}, expected {low} to {high}")


def legs_of(stats):
    return {leg["user"]: leg for leg in stats["legs"]}


def check_leg(figures, lossy):
    """Figures of one leg; a tenth and more of its packets may be lost."""
    low, high = (LOSS / 2.5, LOSS * 2) if lossy else (0, 1)
    between("lossPercent", figures["lossPercent"], low, high)
    between("roundTripMs", figures["roundTripMs"], 0.001, 100)
    between("jitterMs", figures["jitterMs"], 0, 50)
    between("jitterBufferMs", figures["jitterBufferMs"], 1, 300)
    between("mos", figures["mos"], *((1.5, 4.1) if lossy else (4.0, 4.42)))
    between("mosListening", figures["mosListening"], figures["mos"], 4.42)
    between("rFactor", figures["rFactor"], *((40, 85) if lossy
                                             else (80, 93.3)))


def histogram(c, name):
    """How many values all nodes have counted."""
    return sum(float(metrics(n).get(f"{name}_count", 0)) for n in c.nodes)


def test_a_lossy_call_over_time():
    """One direction loses packets: the leg that they come from shows it, the
    other one does not, and RTCP tells both peers the same; one of them under
    SRTP, its reports too."""
    with cluster(nodes=2, config=demo()) as c, phones() as box:
        phone(box, c, "1001", loss_percent=LOSS, srtp="required",
              suites=["AEAD_AES_128_GCM"])
        phone(box, c, "1002")
        call(box, "1001", "1002")
        began = time.monotonic()
        path = f"/api/calls/{only_call(c)['id']}"

        def samples():
            legs = legs_of(get(c, f"{path}/stats"))
            return len(legs) == 2 and all(
                len(leg["samples"]) >= 2 for leg in legs.values()) and legs

        legs = wait_for("two samples of each leg", samples, 40, 0.5)
        for user, lossy in (("1001", True), ("1002", False)):
            check_leg(legs[user]["now"], lossy)
            check_leg(legs[user]["samples"][-1], lossy)
            if legs[user]["codec"] != "PCMU":
                raise Mismatch(legs[user])
        times = [s["at"] for s in legs["1001"]["samples"]]
        if times != sorted(times):
            raise Mismatch(f"oldest first: {times}")

        # The list shows the latest sample, one call its present.
        for got in (only_call(c), get(c, path)):
            for leg in got["legs"]:
                check_leg(leg, leg["user"] == "1001")

        # Histograms: a value a leg and sample.
        counted = histogram(c, "sy_node_leg_mos")
        between("MOS counted", counted, 4, 40)
        between("round trips counted",
                histogram(c, "sy_node_leg_round_trip_ms"), 1, counted)

        # What the node reported to the phones, and what they measured.
        lasted = time.monotonic() - began
        box.do("hangup", phone="1001")
        one = box.expect("closed", phone="1001")["rtp"]
        two = box.expect("closed", phone="1002")["rtp"]
        between("reports", one["rtcp_rx"], 2, lasted + 2)
        between("answers", one["rtcp_tx"], 1, one["rtcp_rx"])
        between("loss told to 1001", one["told_lost"],
                one["tx"] * LOSS / 250, one["tx"] * LOSS / 50)
        between("loss told to 1002", two["told_lost"], 0, 5)
        between("round trip by 1001", one["rtt_ms"], -1, 100)
        assert_clean(c)

        # After its end: the series, the whole, and no present.
        legs = legs_of(get(c, f"{path}/stats"))
        check_leg(legs["1001"]["total"], True)
        check_leg(legs["1002"]["total"], False)
        if legs["1001"].get("now") or len(legs["1001"]["samples"]) < 2:
            raise Mismatch(legs["1001"])
        get(c, "/api/calls/01ARZ3NDEKTSV4RRFFQ69G5FAV/stats", 404)


def test_baresip_answers_rtcp():
    """A stranger without mux: reports go to the port above, and back."""
    with cluster(nodes=1, config=demo()) as c, phones() as box:
        phone(box, c, "1001")
        with Baresip("1002", c.routers[0].udp, "opus", 620) as b:
            b.registered()
            box.do("call", phone="1001", to="1002")
            b.expect("CALL_INCOMING")
            b.command("accept")
            box.expect("established", phone="1001")
            path = f"/api/calls/{only_call(c)['id']}/stats"

            def known():
                legs = legs_of(get(c, path))
                now = legs.get("1002", {}).get("now", {})
                return now.get("roundTripMs", 0) > 0 and now

            now = wait_for("baresip's round trip", known, 25, 0.25)
            between("roundTripMs", now["roundTripMs"], 0.001, 200)
            between("peerLossPercent", now["peerLossPercent"], 0, 5)
            between("mos", now["mos"], 3.5, 4.5)
            between("rFactor", now["rFactor"], 93, 129)
            box.do("hangup", phone="1001")
            box.expect("closed", phone="1001")
            b.expect("CALL_CLOSED")
        assert_clean(c)


def test_a_short_call_leaves_its_whole():
    with cluster(nodes=1, config=demo()) as c, phones() as box:
        phone(box, c, "1001")
        phone(box, c, "1002")
        call(box, "1001", "1002")
        path = f"/api/calls/{only_call(c)['id']}/stats"
        time.sleep(1)  # of RTP: what it is about
        end(box, "1001", "1002")
        assert_clean(c)
        for leg in legs_of(get(c, path)).values():
            between("mos", leg["total"]["mos"], 3.9, 4.42)
