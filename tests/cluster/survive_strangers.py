# SPDX-License-Identifier: MIT
"""Phones that are not ours, and one on TCP, in calls whose node dies or is
drained: baresip, once with SRTP, and sipp from trunk to trunk with re-INVITEs
awaited."""

import json
import os
import signal
import socket
import tempfile

from harness import Mismatch, assert_clean, cluster, phones, wait_for
from sipp import Sipp
from strangers import Baresip, free_port
from talk import call, hears, phone, tone
from test_strangers import trunks

SIPP_CALLS = 5

SDP = """Content-Type: application/sdp
      Content-Length: [len]

      v=0
      o=sipp 1 %d IN IP4 [local_ip]
      s=-
      c=IN IP4 [media_ip]
      t=0 0
      m=audio [auto_media_port] RTP/AVP 0
      a=rtpmap:0 PCMU/8000
"""

# What both ends do with a re-INVITE: answer it, and expect its ACK.
REINVITE = """
  <recv request="INVITE" timeout="60000"/>
  <send><![CDATA[
      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:]
      [last_Call-ID:]
      [last_CSeq:]
      [last_Record-Route:]
      Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>
      """ + SDP % 2 + """  ]]></send>
  <recv request="ACK"/>
"""

CALLER = """<?xml version="1.0" encoding="UTF-8"?>
<scenario name="a caller who is moved">
  <send retrans="500"><![CDATA[
      INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: <sip:sipp@[local_ip]:[local_port]>;tag=[pid]-[call_number]
      To: <sip:[service]@[remote_ip]:[remote_port]>
      Call-ID: [call_id]
      CSeq: 1 INVITE
      Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>
      Max-Forwards: 70
      """ + SDP % 1 + """  ]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="183" optional="true"/>
  <recv response="200" rrs="true"/>
  <send><![CDATA[
      ACK [next_url] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      [routes]
      From: <sip:sipp@[local_ip]:[local_port]>;tag=[pid]-[call_number]
      [last_To:]
      Call-ID: [call_id]
      CSeq: 1 ACK
      Max-Forwards: 70
      Content-Length: 0

  ]]></send>""" + REINVITE + """
  <pause milliseconds="2000"/>
  <send retrans="500"><![CDATA[
      BYE [next_url] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      [routes]
      From: <sip:sipp@[local_ip]:[local_port]>;tag=[pid]-[call_number]
      To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
      Call-ID: [call_id]
      CSeq: 2 BYE
      Max-Forwards: 70
      Content-Length: 0

  ]]></send>
  <recv response="200"/>
</scenario>
"""

CALLEE = """<?xml version="1.0" encoding="UTF-8"?>
<scenario name="a callee who is moved">
  <recv request="INVITE"/>
  <send><![CDATA[
      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:];tag=[pid]-[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      [last_Record-Route:]
      Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>
      """ + SDP % 1 + """  ]]></send>
  <recv request="INVITE" optional="true"/>
  <recv request="ACK"/>
  <recv request="ACK" optional="true"/>""" + REINVITE + """
  <recv request="ACK" optional="true"/>
  <recv request="BYE"/>
  <send><![CDATA[
      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:]
      [last_Call-ID:]
      [last_CSeq:]
      Content-Length: 0

  ]]></send>
</scenario>
"""


def scenario(folder, name, text):
    """The file of a scenario; sipp wants a message's lines unindented."""
    path = os.path.join(folder, name)
    with open(path, "w", encoding="ascii") as f:
        f.write("\n".join(line.strip() for line in text.splitlines()))
    return path


class Trunk:
    """Calls of sipp from trunk to trunk."""

    def __init__(self, c, folder, source, target):
        self.uas = Sipp(scenario(folder, "callee.xml", CALLEE), target)
        self.uac = Sipp(scenario(folder, "caller.xml", CALLER), source,
                        c.routers[0].udp, SIPP_CALLS, 10, "701")
        wait_for("the calls of sipp are up", lambda: sum(
            x["state"] == "CALL_ANSWERED" and len(x["legs"]) == 2
            for x in c.api("GET", "/api/calls")["items"]) >= SIPP_CALLS)

    def end(self):
        """They hang up by themselves; each of them must have ended well."""
        good, bad = self.uac.end(60)
        if (good, bad) != (SIPP_CALLS, 0):
            raise Mismatch(f"sipp: {good} good, {bad} failed: "
                           f"{self.uac.errors()} {self.uas.errors()}")

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.uac.__exit__(*what)
        self.uas.__exit__(*what)


def strangers(how):
    """All of them in calls on the first node, which is killed or drained."""
    source, target = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)
    with tempfile.TemporaryDirectory(prefix="sy-") as folder:
        path = os.path.join(folder, "trunks.json")
        trunks(path, source, target)
        with open(path, encoding="utf-8") as f:
            conf = json.load(f)
        conf["routes"].append({"id": "phones", "order": 3, "pattern": "1XXX",
                               "target": {"device": "$0"}})
        with cluster(nodes=2, config=conf, later=["node-2"]) as c, \
                phones() as box, \
                Baresip("1001", c.routers[0].udp, "opus", 440,
                        srtp="srtp-mand") as a, \
                Baresip("1002", c.routers[0].udp, "pcmu", 620) as b, \
                Trunk(c, folder, source, target) as trunk:
            up(c, box, a, b)
            c.join("node-2")
            heard = a.recorded(), b.recorded()
            go(c, how)
            a.hears_on(620, heard[0])
            b.hears_on(440, heard[1])
            for me, you in (("1003", "1004"), ("1004", "1003")):
                box.expect("reinvited", phone=me, seconds=15)
                hears(box, me, tone(you))
            a.command("hangup")
            b.expect("CALL_CLOSED")
            box.do("hangup", phone="1004")
            box.expect("closed", phone="1003", by="remote")
            trunk.end()
            assert_clean(c, 20)


def up(c, box, a, b):
    a.registered()
    b.registered()
    a.command("dial", "1002")
    b.expect("CALL_INCOMING")
    b.command("accept")
    a.expect("CALL_ESTABLISHED")
    b.expect("CALL_ESTABLISHED")
    a.hears(620)
    b.hears(440)
    for user in ("1003", "1004"):
        phone(box, c, user, transport="tcp", proxy=c.routers[0].tcp)
    call(box, "1003", "1004")
    hears(box, "1004", tone("1003"))
    hears(box, "1003", tone("1004"))


def go(c, how):
    """The first node goes, this way or that."""
    victim = c.nodes[0]
    c.left(victim)
    if how == "kill":
        victim.process.kill()
    else:
        victim.process.signal(signal.SIGTERM)
