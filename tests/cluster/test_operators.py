# SPDX-License-Identifier: MIT
"""What operators see, and can do, when calls change their node."""

import signal
import threading
import time
from datetime import datetime, timezone

from harness import (Mismatch, assert_clean, cluster, metrics, must, phones,
                     request, wait_for)
from talk import call, end, phone, talk
from test_gateways import events, read_events


def only_call(c):
    items = wait_for("there is a call",
                     lambda: c.api("GET", "/api/calls")["items"])
    must(len(items), 1, "calls")
    return items[0]


def post(c, path, body=None):
    return request("POST", f"http://{c.gateways[0].http}{path}", c.token,
                   body)


def node(c, name):
    return next(n for n in c.api("GET", "/api/nodes")["items"]
                if n["id"] == name)


def of_type(seen, kind):
    return [s[2] for s in seen if s[1] == kind]


def in_call(box, c):
    """Two who talk: their call, and the name of the node without it."""
    phone(box, c, "1001")
    phone(box, c, "1002")
    call(box, "1001", "1002")
    shown = only_call(c)
    return shown, next(n.id for n in c.nodes if n.id != shown["node"])


class Listener(threading.Thread):
    """Reads the events up to one of a type, meanwhile."""

    def __init__(self, c, query, wanted):
        super().__init__(daemon=True)
        self.stream = events(c.gateways[0].http, c.token, query)
        self.wanted = wanted
        self.seen = []
        self.start()

    def run(self):
        self.seen = read_events(self.stream, self.wanted)

    def result(self):
        self.join(15)
        self.stream.close()
        return self.seen


def test_move_by_the_api():
    with cluster(nodes=2) as c, phones() as box:
        shown, other = in_call(box, c)
        path = f"/api/calls/{shown['id']}/move"
        status, _, doc = post(c, path, {"node": "node-7"})
        must((status, doc["errors"][0]["allowed"]), (400, "node-1, node-2"),
             "to a node that is not there")
        status, _, doc = post(c, path, {"node": shown["node"]})
        must(status, 409, f"to where it is: {doc}")
        must(post(c, f"/api/calls/{shown['id'][:-2]}ZZ/move")[0], 404,
             "of no call")

        listener = Listener(c, f"?call={shown['id']}", "CALL_MOVED")
        resumed = Listener(c, f"?call={shown['id']}&type=LEG_RESUMED",
                           "LEG_RESUMED")
        status, head, moved = post(c, path)
        must((status, moved["node"], moved["epoch"], len(moved["legs"])),
             (202, other, shown["epoch"] + 1, 2), "the answer")
        must(moved["instance"], node(c, other)["instance"], "its process")
        must(head["Location"], f"/api/calls/{shown['id']}", "where it is")
        talk(box, "1001", "1002")
        event = of_type(listener.result(), "CALL_MOVED")[0]
        must((event["fromNode"], event["member"]), (shown["node"], other),
             "who told")
        leg = of_type(resumed.result(), "LEG_RESUMED")[0]
        must(leg["leg"]["id"] in [x["id"] for x in shown["legs"]], True,
             "whose leg")
        wait_for("its node shows that it gave one",
                 lambda: node(c, shown["node"])["moved"] == 1)
        end(box, "1001", "1002")
        assert_clean(c)


def test_drain_is_seen():
    with cluster(nodes=2) as c, phones() as box:
        shown, other = in_call(box, c)
        path = f"/api/nodes/{shown['node']}/drain"
        must(c.api("POST", path)["state"], "DRAINING", "the answer")
        wait_for("it is empty", lambda: node(c, shown["node"])["hubs"] == 0)
        got = wait_for("the move is counted", lambda: [
            n for n in [node(c, shown["node"])] if n["moved"] == 1])[0]
        must((got["state"], "drainStartedAt" in got), ("DRAINING", True),
             f"how it drains: {got}")
        status, _, doc = post(c, f"/api/calls/{shown['id']}/move",
                              {"node": shown["node"]})
        must(status, 409, f"back to a node that drains: {doc}")
        # The only other one: nobody else would take it.
        must(post(c, f"/api/calls/{shown['id']}/move")[0], 503,
             "to nobody")
        must(c.api("DELETE", path)["state"], "LIVE", "taken back")
        must(only_call(c)["node"], other, "where the call is")
        end(box, "1001", "1002")
        assert_clean(c)


LEASE_S = 3


def is_settled(c):
    """Nobody is declared dead by who has known Redis for less than a
    lease."""
    born = max(datetime.fromisoformat(n["startedAt"].replace("Z", "+00:00"))
               for n in c.api("GET", "/api/nodes")["items"])
    age = datetime.now(timezone.utc) - born
    return age.total_seconds() > LEASE_S + 0.5


def test_death_is_seen():
    """kill -9: commands wait for the new owner; what happened is told."""
    with cluster(nodes=2) as c, phones() as box:
        shown, other = in_call(box, c)
        wait_for("Redis is known for a lease", lambda: is_settled(c))
        ident = shown["id"]
        listener = Listener(c, "?type=CALL_ADOPTED,LEG_RESUMED,LEG_LOST",
                            "LEG_RESUMED")
        dead = next(n for n in c.nodes if n.id == shown["node"])
        dead.process.signal(signal.SIGKILL)
        began = time.monotonic()
        got = c.api("GET", f"/api/calls/{ident}")
        if got["node"] == dead.id and not got["adopting"]:
            raise Mismatch(f"as if it were served: {got}")
        leg = shown["legs"][0]["id"]
        status, _, doc = request(
            "PATCH", f"http://{c.gateways[0].http}/api/calls/{ident}/legs/"
            f"{leg}", c.token, {"muted": True})
        must((status, doc["muted"]), (200, True), f"a command: {doc}")
        print(f"        done {time.monotonic() - began:.2f} s after the "
              f"death; first look: adopting {got['adopting']}", flush=True)
        now = only_call(c)
        must((now["node"], now["adopting"]), (other, False), "afterwards")
        seen = listener.result()
        event = of_type(seen, "CALL_ADOPTED")[0]
        must((event["fromNode"], event["callId"]), (dead.id, ident),
             "adopted from")
        gap = of_type(seen, "LEG_RESUMED")[0]["gapMs"]
        if not 0 < gap < 3000:
            raise Mismatch(f"gap: {gap} ms")
        alive = next(n for n in c.nodes if n.id == other)
        wait_for("its node shows it",
                 lambda: node(c, other)["adopted"] == 1)
        must(metrics(alive)["sy_node_adopted_calls_total"], 1, "metrics")
        c.nodes.remove(dead)
        end(box, "1001", "1002")
        assert_clean(c)


def test_who_comes_and_goes():
    """Each member is told once as it comes and as it goes, with why: killed, a
    node is missed by its neighbours, a gateway when its lease is over."""
    def told(c, kind):
        _, _, doc = request(
            "GET", f"http://{c.gateways[0].http}/api/events?type={kind}",
            c.token, headers={"Accept": "application/json"})
        return sorted((e["member"], e.get("reason", "")) for e in doc["items"])

    with cluster(nodes=2, gateways=2) as c:
        came = [(m, "") for m in ("gateway-1", "gateway-2", "node-1",
                                  "node-2", "router-1")]
        wait_for("all were told as they came",
                 lambda: told(c, "MEMBER_JOINED") == came)
        left = []
        for member, how, why in (
                (c.gateways[1], signal.SIGKILL, "its lease is over"),
                (c.nodes[1], signal.SIGKILL, "nobody listens to its commands"),
                (c.nodes[0], signal.SIGTERM, "it ended in order"),
                (c.routers[0], signal.SIGTERM, "it ended in order")):
            member.process.signal(how)
            member.process.wait(20)
            left = sorted(left + [(member.id, why)])
            wait_for(f"{member.id} is told as it goes", lambda:
                     len(told(c, "MEMBER_LEFT")) == len(left))
            must(told(c, "MEMBER_LEFT"), left, "who went")
        must(told(c, "MEMBER_JOINED"), came, "who came")
