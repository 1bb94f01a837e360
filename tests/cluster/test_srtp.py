# SPDX-License-Identifier: MIT
"""SRTP by SDES through a cluster: each suite, to itself and to plain; keys
that change in a call; required and off; baresip as the stranger.  The test
phone and baresip do their SRTP by libraries of their own."""

import json
import os
import tempfile
from contextlib import ExitStack

from harness import Mismatch, assert_clean, cluster, must, phones
from lib.cluster import DEMO
from strangers import Baresip
from talk import end, hears, late_ms, only_call, phone, talk, tone

SUITES = ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32",
          "AEAD_AES_128_GCM", "AEAD_AES_256_GCM")
OWN = {"1003": "required", "1004": "off"}

_stack = ExitStack()
_cluster = None


def shared():
    """One cluster for all tests of this file: the demo's devices, of which
    1003 must have SRTP and 1004 has none."""
    global _cluster
    if _cluster is None:
        folder = _stack.enter_context(tempfile.TemporaryDirectory())
        with open(DEMO, encoding="utf-8") as f:
            conf = json.load(f)
        for device in conf["devices"]:
            if device["id"] in OWN:
                device["srtp"] = OWN[device["id"]]
        path = os.path.join(folder, "srtp.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(conf, f)
        _cluster = _stack.enter_context(cluster(nodes=1, config=path))
    return _cluster


def finish():
    _stack.close()


def legs(c):
    """The suite of each leg of the only call, by user."""
    shown = c.api("GET", f"/api/calls/{only_call(c)['id']}")
    return {leg["user"]: leg.get("srtp", "") for leg in shown["legs"]}


def secured(box, c, a, b, suite_a, suite_b):
    """a calls b: which suites they have, that they hear each other, and that
    no packet was refused."""
    box.do("call", phone=a, to=b)
    for who, suite in ((a, suite_a), (b, suite_b)):
        ev = box.expect("established", phone=who)
        must(ev["srtp"], suite, f"the suite of {who}")
    talk(box, a, b)
    must(legs(c), {a: suite_a or "", b: suite_b or ""}, "suites shown")
    box.do("hangup", phone=a)
    for who in (a, b):
        must(box.expect("closed", phone=who)["rtp"]["forged"], 0,
             f"packets refused by {who}")


def test_suites():
    """Each suite, offered by the phone in SAVP, SAVPF and AVP, and by us."""
    c = shared()
    with phones() as box:
        phone(box, c, "1001")
        phone(box, c, "1002", codecs=["G722"])
        for mode, suite in zip(("required", "savpf", "optional", "required"),
                               SUITES):
            for user in ("1001", "1002"):
                box.do("set", phone=user, srtp=mode if user == "1001" else
                       "optional", suites=[suite])
            secured(box, c, "1001", "1002", suite, suite)
        assert_clean(c)


def test_mixed():
    """SRTP on one side only, and a suite on each."""
    c = shared()
    with phones() as box:
        phone(box, c, "1001", srtp="required", suites=[SUITES[2]])
        phone(box, c, "1002")
        secured(box, c, "1001", "1002", SUITES[2], None)
        secured(box, c, "1002", "1001", None, SUITES[2])
        box.do("set", phone="1002", srtp="optional", suites=[SUITES[0]])
        secured(box, c, "1001", "1002", SUITES[2], SUITES[0])
        # Our order decides what a phone that has all of them answers.
        box.do("set", phone="1002", suites=list(SUITES))
        secured(box, c, "1001", "1002", SUITES[2], SUITES[2])
        assert_clean(c)


def unbroken(box, who, hz):
    """Since the last time: the tone is there, and no gap of 200 ms was that
    the phones did not make themselves."""
    box.do("listen", phone=who, ms=300, freqs=[hz])
    heard = box.expect("heard", phone=who)
    if heard["tones"][str(hz)] < -30 or \
            heard["gap_ms_max"] > 200 + late_ms(box):
        raise Mismatch(f"{who} heard {heard}")
    return heard


def test_rekey():
    """New keys in the call, by either phone, several times; the tone goes on,
    and nobody refuses a packet.  Hold and resume keep the keys."""
    c = shared()
    with phones() as box:
        for user in ("1001", "1002"):
            phone(box, c, user, srtp="required", suites=[SUITES[0]])
        box.do("call", phone="1001", to="1002")
        box.expect("established", phone="1001")
        box.expect("established", phone="1002")
        talk(box, "1001", "1002")
        unbroken(box, "1001", tone("1002"))
        unbroken(box, "1002", tone("1001"))
        for turn in range(6):
            who = ("1001", "1002")[turn % 2]
            box.do("reinvite", phone=who, rekey=True)
            must(box.expect("reinvited", phone=who)["srtp"], SUITES[0],
                 "the suite")
            unbroken(box, "1001", tone("1002"))
            unbroken(box, "1002", tone("1001"))
        box.do("hold", phone="1001")
        box.expect("held", phone="1001")
        hears(box, "1002", tone("1001"), present=False)
        box.do("resume", phone="1001")
        box.expect("resumed", phone="1001")
        talk(box, "1001", "1002")
        box.do("hangup", phone="1001")
        for user in ("1001", "1002"):
            rtp = box.expect("closed", phone=user)["rtp"]
            if rtp["forged"] > 4 or rtp["lost"]:
                raise Mismatch(f"{user}: {rtp}")
        assert_clean(c)


def test_required():
    """1003 must have SRTP: what is plain is refused, in words."""
    c = shared()
    with phones() as box:
        phone(box, c, "1001")
        phone(box, c, "1003")
        box.do("call", phone="1003", to="1001")
        ev = box.expect("closed", phone="1003")
        must((ev["code"], ev["reason"]), (488, "SRTP Required"), "1003 calls")
        # We offer SAVP, and a phone without it says 488 itself.
        box.do("call", phone="1001", to="1003")
        must(box.expect("closed", phone="1001")["code"], 488, "1003 is called")
        box.do("set", phone="1003", srtp="optional")
        secured(box, c, "1003", "1001", "AES_CM_128_HMAC_SHA1_80", None)
        box.do("set", phone="1003", srtp="required")
        secured(box, c, "1001", "1003", None, "AEAD_AES_128_GCM")
        # In the call: the offer is refused, the call goes on as it was.
        box.do("call", phone="1003", to="1001")
        box.expect("established", phone="1003")
        box.do("set", phone="1003", srtp="off")
        box.do("reinvite", phone="1003")
        must(box.expect("reinvite_failed", phone="1003")["code"], 488,
             "a plain offer")
        must(legs(c)["1003"], "AES_CM_128_HMAC_SHA1_80", "the leg of 1003")
        box.do("hangup", phone="1003")
        box.expect("closed", phone="1003")
        assert_clean(c)


def test_off():
    """1004 has none: SAVP is refused, a=crypto in AVP is not answered."""
    c = shared()
    with phones() as box:
        phone(box, c, "1001", srtp="optional")
        phone(box, c, "1004", srtp="required")
        box.do("call", phone="1004", to="1001")
        must(box.expect("closed", phone="1004")["code"], 488, "1004 calls")
        box.do("set", phone="1004", srtp="optional")
        secured(box, c, "1004", "1001", None, "AEAD_AES_128_GCM")
        secured(box, c, "1001", "1004", "AES_CM_128_HMAC_SHA1_80", None)
        assert_clean(c)


def test_early_media():
    """Under the keys of the 183, and the same after the answer."""
    c = shared()
    with phones() as box:
        phone(box, c, "1001", srtp="required")
        phone(box, c, "1002", srtp="optional", answer="manual", early=True)
        box.do("call", phone="1001", to="1002")
        box.expect("media", phone="1001")
        talk(box, "1001", "1002")
        box.do("answer", phone="1002")
        box.expect("established", phone="1001")
        talk(box, "1001", "1002")
        end(box, "1001", "1002")
        assert_clean(c)


def test_rtcp():
    """SRTCP both ways, muxed: the phone reads our reports, and we its."""
    c = shared()
    pairs = (("1001", "1002"), ("1005", "1006"))
    with phones() as box:
        for suite, user in zip(SUITES, sum(pairs, ())):
            phone(box, c, user, srtp="optional", suites=[suite])
        for a, b in pairs:
            box.do("call", phone=a, to=b)
            box.expect("established", phone=a)
            box.expect("established", phone=b)
            box.do("listen", phone=a, ms=7000, freqs=[tone(b)])
        for a, _ in pairs:
            box.expect("heard", phone=a, seconds=10)
            box.do("hangup", phone=a)
        for suite, user in zip(SUITES, sum(pairs, ())):
            rtp = box.expect("closed", phone=user)["rtp"]
            if not (rtp["rtcp_rx"] and rtp["rtcp_tx"]) or rtp["forged"]:
                raise Mismatch(f"{suite}, {user}: {rtp}")
        assert_clean(c)


def test_late_offer():
    """No offer in the INVITE: ours in the 200 has keys."""
    c = shared()
    with phones() as box:
        phone(box, c, "1001", srtp="optional", sdp_in_invite=False)
        phone(box, c, "1002")
        secured(box, c, "1001", "1002", "AEAD_AES_128_GCM", None)
        assert_clean(c)


def test_baresip():
    """Best effort and mandatory, calling and called.  With srtp-mand it takes
    offers in RTP/SAVP only: ours are, as 1003 must have SRTP."""
    c = shared()
    for srtp, user in (("srtp", "1002"), ("srtp-mand", "1003")):
        with phones() as box, \
                Baresip(user, c.routers[0].udp, "pcmu", 620, srtp=srtp) as b:
            phone(box, c, "1001")
            b.registered()
            for called in (True, False):
                if called:
                    box.do("call", phone="1001", to=user)
                    b.expect("CALL_INCOMING")
                    b.command("accept")
                else:
                    b.command("dial", "1001")
                box.expect("established", phone="1001")
                b.expect("CALL_ESTABLISHED")
                hears(box, "1001", 620)
                b.hears(tone("1001"))
                suite = legs(c)[user]
                print(f"        {srtp}, {'called' if called else 'calling'}: "
                      f"{suite}", flush=True)
                if not suite:
                    raise Mismatch(f"{srtp}: plain")
                box.do("hangup", phone="1001")
                box.expect("closed", phone="1001")
                b.expect("CALL_CLOSED")
                assert_clean(c)
