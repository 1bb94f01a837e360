# SPDX-License-Identifier: MIT
"""A carrier in raw text: a trunk whose address is known before its cluster."""

import re

from harness import Mismatch
from rawphone import SDP, RawPhone


class RawTrunk(RawPhone):
    """See RawPhone; aim() it at the cluster once that runs."""

    def __init__(self, name):
        class Nowhere:
            udp = "127.0.0.1:1"
        super().__init__(Nowhere, name)

    def aim(self, router):
        address, _, port = router.udp.rpartition(":")
        self.to = (address, int(port))

    def trunk(self, **more):
        return {"id": self.user, "enabled": True, "sources": [self.me],
                "target": self.me, "optionsS": 0, **more}

    def comes(self, number, **f):
        """Call us: the INVITE, sent; its Call-ID."""
        text = self.invite(number, **f)
        self.send(text)
        return re.search(r"Call-ID: (\S+)", text).group(1)


def moved(phone, req, *contacts, code=302, **f):
    """Redirect a call; the ACK is taken."""
    phone.answer(req, code, "Moved", Contact=", ".join(contacts), **f)
    phone.await_("ACK")


def takes(phone, req, port=40200, tag="t1", **f):
    """Answer a call as the callee."""
    phone.answer(req, 200, "OK", SDP.format(port=port), tag=tag, **f)
    phone.await_("ACK")


def refused(phone, inv, code):
    """The caller's call has failed; ACKed."""
    got = phone.await_("final", call_id=inv.get("call-id"),
                       cseq=inv.get("cseq"))
    if got.code != code:
        raise Mismatch(f"the end: {got.start}, expected {code}")
    phone.send(phone.request("ACK", inv.uri, **{
        "Via": inv.get("via"), "From": inv.get("from"), "To": got.get("to"),
        "Call-ID": inv.get("call-id"),
        "CSeq": inv.get("cseq").split()[0] + " ACK"}))
    return got
