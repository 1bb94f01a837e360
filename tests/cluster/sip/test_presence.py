# SPDX-License-Identifier: MIT
"""Lamps of other phones, presence, waiting messages: SUBSCRIBE and NOTIFY."""

import os
import signal
import time
import xml.etree.ElementTree as ET
from contextlib import ExitStack

from harness import (Mismatch, Shared, assert_clean, cluster, must, phones,
                     wait_for)
from rawphone import Message, RawPhone
from talk import phone

INFO = "{urn:ietf:params:xml:ns:dialog-info}"
PIDF = "{urn:ietf:params:xml:ns:pidf}"

shared = Shared(nodes=2, routers=2)
finish = shared.finish


class Watcher:
    """A phone that subscribes, and answers what it is notified of."""

    def __init__(self, stack, router, event, resource, user="1019", **f):
        self.phone = stack.enter_context(RawPhone(router, user))
        self.event, self.resource = event, resource
        self.uri = f"sip:{resource}@switchyard"
        self.cseqs = []
        self.cseq = 0
        self.ok = self.subscribe(**f)

    def subscribe(self, expires=600, again=None):
        """SUBSCRIBE, or again within the dialog of an answer to one."""
        self.cseq += 10
        f = {"Event": self.event, "Expires": str(expires),
             "CSeq": f"{self.cseq} SUBSCRIBE"}
        if again:
            f.update({"Call-ID": again.get("call-id"),
                      "From": again.get("from"), "To": again.get("to")})
        text = self.phone.challenged("SUBSCRIBE", self.uri, **f)
        self.phone.send(text)
        sent = Message(text.encode())
        return self.phone.await_("final", call_id=sent.get("call-id"),
                                 cseq=sent.get("cseq"))

    def notify(self, seconds=5.0, code=200):
        """The next NOTIFY, answered."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            msg = self.phone.receive(max(0.05, end - time.monotonic()))
            if msg is None or msg.method != "NOTIFY":
                continue
            self.phone.answer(msg, code)
            number = int(msg.get("cseq").split()[0])
            if self.cseqs and number <= self.cseqs[-1]:
                if number == self.cseqs[-1]:
                    continue  # a copy
                raise Mismatch(f"CSeq {number} after {self.cseqs}")
            self.cseqs.append(number)
            return msg
        raise Mismatch(f"no NOTIFY within {seconds} s")

    def until(self, test, what, seconds=8.0):
        end = time.monotonic() + seconds
        seen = []
        while time.monotonic() < end:
            try:
                msg = self.notify(end - time.monotonic())
            except Mismatch:
                break
            seen.append(msg.body)
            if test(msg):
                return msg
        raise Mismatch(f"not told {what}: {seen}")


def dialogs(msg):
    root = ET.fromstring(msg.body)
    return [(d.get("direction"), d.find(INFO + "state").text)
            for d in root.findall(INFO + "dialog")]


def is_in(*wanted):
    return lambda msg: dialogs(msg) == list(wanted)


def test_lamp():
    """A lamp follows a call that another router and any node serve."""
    c = shared()
    with ExitStack() as stack, phones() as box:
        w = Watcher(stack, c.routers[1], "dialog", "1002")
        must(w.ok.code, 200, "SUBSCRIBE")
        first = w.notify()
        must(dialogs(first), [], "dialogs at first")
        must(first.get("event"), "dialog", "Event")
        if not first.get("subscription-state").startswith("active;expires="):
            raise Mismatch(first.get("subscription-state"))
        phone(box, c, "1001")
        phone(box, c, "1002", answer="manual")
        box.do("call", phone="1001", to="1002")
        msg = w.until(is_in(("recipient", "early")), "that it rings")
        if "sip:1001@switchyard" not in msg.body:
            raise Mismatch(f"who calls is not told: {msg.body}")
        box.do("answer", phone="1002")
        w.until(is_in(("recipient", "confirmed")), "that it talks")
        late = Watcher(stack, c.routers[0], "dialog", "1001", user="1018")
        late.until(is_in(("initiator", "confirmed")), "that it talks already")
        box.do("hangup", phone="1001")
        msg = w.until(is_in(), "that it is free")
        versions = int(ET.fromstring(msg.body).get("version"))
        if versions < 3:
            raise Mismatch(f"version {versions}")
        late.until(is_in(), "that the caller is free")
    assert_clean(c)


def test_conference_and_parking_place():
    c = shared()
    with ExitStack() as stack, phones() as box:
        room = Watcher(stack, c.routers[0], "dialog", "lobby")
        must(room.ok.code, 404, "a name that the dial plan has not")
        place = Watcher(stack, c.routers[0], "dialog", "694")
        must(dialogs(place.notify()), [], "an empty place")
        phone(box, c, "1001")
        box.do("call", phone="1001", to="694")
        box.expect("established", phone="1001")
        place.until(lambda m: [d[1] for d in dialogs(m)] == ["confirmed"],
                    "that somebody waits")
        box.do("hangup", phone="1001")
        place.until(is_in(), "that it is empty")
    assert_clean(c)


def test_presence():
    """Registered or not, on the phone or not."""
    c = shared()

    def note(text, basic):
        def look(msg):
            root = ET.fromstring(msg.body)
            return (root.find(PIDF + "note").text == text and
                    root.find(f".//{PIDF}basic").text == basic)
        return look

    with ExitStack() as stack, phones() as box:
        w = Watcher(stack, c.routers[0], "presence", "1003")
        w.until(note("Offline", "closed"), "that it is not there")
        phone(box, c, "1003")
        w.until(note("Online", "open"), "that it is there")
        box.do("call", phone="1003", to="600")
        w.until(note("On the phone", "open"), "that it talks")
        box.do("hangup", phone="1003")
        w.until(note("Online", "open"), "that it is free")
        box.do("unregister", phone="1003")
        w.until(note("Offline", "closed"), "that it left")
    assert_clean(c)


def test_waiting_messages():
    c = shared()
    with ExitStack() as stack:
        w = Watcher(stack, c.routers[0], "message-summary", "1019")
        msg = w.notify()
        must(msg.get("content-type"), "application/simple-message-summary",
             "Content-Type")
        if "Messages-Waiting: no" not in msg.body:
            raise Mismatch(msg.body)


def test_refresh_and_end():
    """Within its dialog; Expires 0 ends it, with a last NOTIFY."""
    c = shared()
    with ExitStack() as stack:
        w = Watcher(stack, c.routers[0], "dialog", "1004")
        w.notify()
        res = w.subscribe(expires=900, again=w.ok)
        must((res.code, res.get("expires")), (200, "900"), "refresh")
        w.notify()
        res = w.subscribe(expires=0, again=w.ok)
        must(res.code, 200, "unsubscribe")
        state = w.notify().get("subscription-state")
        must(state, "terminated;reason=timeout", "the last state")
        res = w.subscribe(again=w.ok)
        must(res.code, 481, "a subscription that has ended")


def test_refused():
    c = shared()
    with ExitStack() as stack:
        w = Watcher(stack, c.routers[0], "dialog", "4711")
        must(w.ok.code, 404, "a number that is nobody's")
        p = w.phone
        for event, expires, code, name, value in (
                ("conference", "600", 489, "allow-events",
                 "dialog, presence, message-summary"),
                ("dialog", "5", 423, "min-expires", "60")):
            res = p.ask(p.request("SUBSCRIBE", "sip:1001@switchyard",
                                  Event=event, Expires=expires))
            must((res.code, res.get(name)), (code, value), event)


def test_shown_by_the_api():
    """Who watches what, page by page."""
    c = shared()
    with ExitStack() as stack:
        ws = [Watcher(stack, c.routers[i % 2], "dialog", f"10{10 + i}",
                      user="1016") for i in range(5)]
        for w in ws:
            w.notify()
        got, cursor = [], ""
        while True:
            page = c.api("GET", f"/api/subscriptions?limit=2{cursor}")
            got += [x for x in page["items"] if x["device"] == "1016"]
            if not page["nextCursor"]:
                break
            cursor = f"&cursor={page['nextCursor']}"
        must(sorted((x["resource"], x["event"], x["router"]) for x in got),
             [(f"10{10 + i}", "dialog", c.routers[i % 2].id)
              for i in range(5)], "subscriptions")
        if not all(x["since"] < x["expiresAt"] for x in got):
            raise Mismatch(f"times: {got}")
        for w in ws:
            w.subscribe(expires=0, again=w.ok)
            w.notify()
        must([x for x in c.api("GET", "/api/subscriptions")["items"]
              if x["device"] == "1016"], [], "those that ended")


def test_phone_that_forgot_it():
    """481 to a NOTIFY ends the subscription."""
    c = shared()
    with ExitStack() as stack:
        w = Watcher(stack, c.routers[0], "dialog", "1005", user="1017")
        w.notify(code=481)
        wait_for("the subscription is gone", lambda: not c.redis_command(
            "HGET", "sy:{subs}:of", "1017"))


def test_router_dies():
    """Its subscriptions go on from another router: CSeq and version rise."""
    with ExitStack() as stack, cluster(nodes=1, routers=2) as c, \
            phones() as box:
        w = Watcher(stack, c.routers[1], "dialog", "1002")
        w.notify()
        os.kill(c.routers[1].pid, signal.SIGKILL)
        phone(box, c, "1001")
        phone(box, c, "1002")
        box.do("call", phone="1001", to="1002")
        box.expect("established", phone="1001")
        w.until(is_in(("recipient", "confirmed")), "of the call", 10)
        box.do("hangup", phone="1001")
        w.until(is_in(), "of its end")
