# SPDX-License-Identifier: MIT
"""What one party of a call is told of the other, and of what lies between."""

import base64
import json
import re
import socket

from harness import Mismatch, assert_clean, cluster
from lib.cluster import DEMO
from rawphone import Dialog, RawPhone

SDP = ("v=0\r\no=host-{user} 1 1 IN IP4 {host}\r\ns=song-{user}\r\n"
       "c=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
       "a=tool:tool-{user}\r\n")


class Nowhere:
    """A carrier has its address before the cluster has one."""
    udp = "127.0.0.1:1"


def secrets(phone, port, first, *tags):
    """Text that the other party shall not see: of the phone's own messages,
    and of the dialog that `first`, the INVITE at its end, has begun."""
    words = ("host", "song", "tool", "agent")
    return {phone.me, phone.me.partition(":")[0], str(port),
            first.get("call-id"), first.tag("from"), *tags,
            *(f"{w}-{phone.user}" for w in words)}


def sees_none(what, message, hidden):
    for s in hidden:
        if s.encode() in message.raw:
            raise Mismatch(f"'{s}' is in {what}: {message.raw}")


def test_the_other_party():
    """Neither address, Contact, Via, Call-ID, tags, names of programs nor the
    lines of its description reach the other end, in either direction."""
    with RawPhone(Nowhere, "loop", host="127.0.0.9") as far:
        with open(DEMO, encoding="utf-8") as f:
            conf = json.load(f)
        conf["trunks"] = [{"id": "loop", "enabled": True,
                           "sources": [far.me], "target": far.me,
                           "optionsS": 0}]
        with cluster(nodes=1, config=conf) as c, \
                RawPhone(c.routers[0], "1001", host="127.0.0.8") as a:
            texts = {p: SDP.format(user=p.user, host=p.me.partition(":")[0],
                                   port=port)
                     for p, port in ((a, 40008), (far, 40010))}
            inv = a.call("701", sdp=texts[a], User_Agent="agent-1001")
            got = far.await_("INVITE")
            far.answer(got, 180, "Ringing", tag="tag-far",
                       User_Agent="agent-loop")
            ring = a.await_(180, call_id=inv.get("call-id"))
            far.answer(got, 200, "OK", texts[far], "tag-far",
                       Server="agent-loop")
            ack = far.await_("ACK")
            ok = a.await_("final", call_id=inv.get("call-id"))
            d = Dialog(a, inv, ok)
            d.ack()
            a.send(d.text("BYE", User_Agent="agent-1001"))
            bye = far.await_("BYE")
            far.answer(bye, 200, "OK", Server="agent-loop")
            ended = a.await_("final", call_id=inv.get("call-id"),
                             cseq=f"{d.cseq} BYE")
            branch = inv.get("via").partition("branch=")[2].partition(";")[0]
            hidden = secrets(a, 40008, inv, branch)
            for what, m in (("INVITE", got), ("ACK", ack), ("BYE", bye)):
                sees_none(what, m, hidden)
            hidden = secrets(far, 40010, got, "tag-far")
            for what, m in (("180", ring), ("200", ok), ("BYE's 200", ended)):
                sees_none(what, m, hidden)
            assert_clean(c)


def decoded(value):
    """The bytes of what may be base64url in a header, wherever it begins."""
    for token in re.findall(r"[\w-]{16,}", value):
        for off in range(4):
            part = token[off:]
            yield base64.urlsafe_b64decode(part[:len(part) // 4 * 4])


def test_addresses_of_nodes():
    """Whom a node calls sees a router's Via alone; the node's address is in
    no header, nor in the bytes of a token.  It is in the description only."""
    with cluster(nodes=1) as c, RawPhone(c.routers[0], "1001") as a, \
            RawPhone(c.routers[0], "1002") as far:
        far.register()
        node = c.nodes[0].argv[c.nodes[0].argv.index("--sip") + 1]
        host = node.rpartition(":")[0]
        raw = socket.inet_aton(host)
        inv = a.call("1002")
        got = far.await_("INVITE")
        far.answer(got, 200, "OK", SDP.format(user="1002", host=host,
                                              port=40002))
        seen = [got, far.await_("ACK")]
        d = Dialog(a, inv, a.await_("final", call_id=inv.get("call-id")))
        d.ack()
        a.send(d.text("BYE"))
        seen.append(far.await_("BYE"))
        far.answer(seen[-1], 200, "OK")
        a.await_("final", call_id=inv.get("call-id"), cseq=f"{d.cseq} BYE")
        for m in seen:
            sees_none(m.start, m, {node})
            if len(m.all("via")) != 1:
                raise Mismatch(f"Vias: {m.all('via')}")
            for name, value in m.headers:
                if any(raw in b for b in decoded(value)):
                    raise Mismatch(f"{name} has the address: {value}")
        assert_clean(c)
