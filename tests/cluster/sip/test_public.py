# SPDX-License-Identifier: MIT
"""Behind NATs: a cluster with private addresses that is told its public one
(--public, --media-public, --local-net), phones behind NATs that know nothing
of it, and both.  Real NATs, in network namespaces.

       cloud 10.79.1.2 -- edge 1:1 --+
                                     +-- bridge -- out (a phone on the open net)
    home 10.79.2.2 -- nat masquerade +          \\-- core (a cluster there)
"""

import re
import subprocess
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace

from harness import Mismatch, assert_clean, cluster, must, phones, wait_for
from carrier import Carrier
from hosts import MASQUERADE, ONE_TO_ONE, Hosts
from rawphone import SDP, Dialog, RawPhone
from talk import call, end, hears, phone, talk, tone
from tcpphone import TcpPhone
from wsphone import WsPhone

KINDS = ("router-1", "router-2", "node-1", "node-2", "gateway-1")
NAT_FORGETS_S = 4
WEB_OFFER = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
    "a=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
    "c=IN IP4 0.0.0.0\r\na=mid:0\r\na=rtcp-mux\r\na=setup:actpass\r\n"
    "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
    "a=fingerprint:sha-256 " + ":".join(["AB"] * 32) + "\r\n")
_stack = ExitStack()
_shared = {}


def hosts():
    if "hosts" not in _shared:
        h = _stack.enter_context(Hosts("edge", "out", "nat", "core"))
        h.behind("cloud", "edge", ONE_TO_ONE, 1)
        h.behind("home", "nat", MASQUERADE, 2)
        _shared["hosts"] = h
    return _shared["hosts"]


def start(key, at, **kw):
    """A cluster on one host, and its addresses as `told` outside."""
    if key not in _shared:
        with at.inside():
            _shared[key] = _stack.enter_context(cluster(
                nodes=1, routers=2, port_base=0,
                hosts=dict.fromkeys(KINDS, at), **kw))
    return _shared[key]


def cloud():
    """The cluster behind the 1:1 NAT; its routers as seen from outside."""
    h = hosts()
    public, local = h["edge"].address, "10.79.1.0/24"
    c = start("cloud", h["cloud"],
              router_args=["--public", public, "--local-net", local],
              node_args=["--media-public", public, "--local-net", local])
    return c, [outside(r, public) for r in c.routers]


def core():
    """The cluster on the open net."""
    c = start("core", hosts()["core"])
    return c, c.routers


def outside(router, public):
    return SimpleNamespace(**{k: f"{public}:{at.rpartition(':')[2]}"
                              for k, at in router.addresses.items()})


def finish():
    _stack.close()
    _shared.clear()


@contextmanager
def behind_edge(router_args=(), **more):
    """Another cluster in the cloud, for a test that breaks it; and how its
    routers are reached."""
    host, public = hosts()["cloud"], hosts()["edge"].address
    local = ["--local-net", "10.79.1.0/24"]
    with host.inside(), cluster(
            port_base=2000, hosts=dict.fromkeys(KINDS, host),
            router_args=["--public", public, *local, *router_args],
            node_args=["--media-public", public, *local], **more) as c:
        yield c, [outside(r, public) for r in c.routers]


def clean(c, key):
    with hosts()[key].inside():
        assert_clean(c)


def box_in(stack, host):
    with host.inside():
        return stack.enter_context(phones())


def no_private(got, what):
    """Nothing that a peer acts on names an address inside."""
    for name in ("contact", "record-route"):
        for value in got.all(name):
            if "10.79." in value:
                raise Mismatch(f"{what}: {name}: {value}")
    if got.method and "10.79." in got.all("via")[0]:
        raise Mismatch(f"{what}: Via: {got.all('via')[0]}")
    if re.search(r"^(c=|o=|a=candidate).*10\.79\.", got.body, re.M):
        raise Mismatch(f"{what}: {got.body}")


# ------------------------------------------------- the cluster is behind one

def phone_calls(box, c, at, host, user, transport, key):
    """Echo, hold and back, then the end from either side."""
    phone(box, SimpleNamespace(routers=at), user, transport=transport,
          laddr=host.address)
    for ends in ("phone", "cluster"):
        box.do("call", phone=user, to="600")
        box.expect("established", phone=user)
        hears(box, user, tone(user))
        box.do("hold", phone=user)
        box.expect("held", phone=user, by="local")
        box.do("resume", phone=user)
        box.expect("resumed", phone=user, by="local")
        hears(box, user, tone(user))
        if ends == "phone":
            box.do("hangup", phone=user)
        else:
            with hosts()[key].inside():
                for one in c.api("GET", "/api/calls")["items"]:
                    c.api("DELETE", f"/api/calls/{one['id']}")
        ev = box.expect("closed", phone=user)
        must(ev["by"], "local" if ends == "phone" else "remote", "who ended")
        clean(c, key)


def test_cloud_udp():
    """From outside by UDP: media both ways, re-INVITEs, BYE of both."""
    c, at = cloud()
    with ExitStack() as stack:
        box = box_in(stack, hosts()["out"])
        phone_calls(box, c, at, hosts()["out"], "1001", "udp", "cloud")


def test_cloud_tcp():
    """The same by TCP."""
    c, at = cloud()
    with ExitStack() as stack:
        box = box_in(stack, hosts()["out"])
        phone_calls(box, c, at, hosts()["out"], "1001", "tcp", "cloud")


def test_cloud_phones_call():
    """Two phones outside call each other, one by each router."""
    c, at = cloud()
    out = hosts()["out"]
    with ExitStack() as stack:
        box = box_in(stack, out)
        phone(box, SimpleNamespace(routers=at), "1001", laddr=out.address)
        phone(box, SimpleNamespace(routers=at[::-1]), "1002",
              laddr=out.address, transport="tcp")
        for a, b in (("1001", "1002"), ("1002", "1001")):
            call(box, a, b)
            talk(box, a, b)
            end(box, a, b)
            clean(c, "cloud")


def test_what_is_told():
    """Outside the public address stands in all that a peer goes by, in calls
    both ways; inside the other one does."""
    c, at = cloud()
    h = hosts()
    public = h["edge"].address
    with h["out"].inside(), RawPhone(at[0], "1003", h["out"].address) as a, \
            TcpPhone(at[1].tcp, "1004") as b:
        a_sdp = SDP.replace("127.0.0.1", h["out"].address)
        for p in (a, b):
            must(p.register().code, 200, "registered")
        inv = a.call("1004", sdp=a_sdp.format(port=40000))
        got = b.await_("INVITE")
        no_private(got, "INVITE to a phone")
        must(f"@{at[1].tcp};transport=tcp" in got.get("contact"), True,
             f"Contact {got.get('contact')}")
        must(f"SIP/2.0/TCP {at[1].tcp}" in got.all("via")[0], True,
             f"Via {got.all('via')[0]}")
        must(f"c=IN IP4 {public}" in got.body, True, got.body)
        b.answer(got, 200, "OK", a_sdp.format(port=40002), tag="far")
        b.await_("ACK")
        ok = a.await_("final", call_id=inv.get("call-id"))
        must(ok.code, 200, "answer")
        no_private(ok, "200 to a phone")
        must(f"@{at[0].udp}" in ok.get("record-route"), True,
             f"Record-Route {ok.get('record-route')}")
        must(f"@{at[0].udp}" in ok.get("contact"), True,
             f"Contact {ok.get('contact')}")
        must(f"c=IN IP4 {public}" in ok.body, True, ok.body)
        bye_by(a, inv, ok, at[1])
        bye = b.await_("BYE")
        no_private(bye, "BYE to a phone")
        b.answer(bye, 200, "OK", tag="far")
    clean(c, "cloud")
    with h["cloud"].inside(), \
            RawPhone(c.routers[0], "1005", h["cloud"].address) as p:
        d = p.established("600", sdp=SDP.replace(
            "127.0.0.1", p.sock.getsockname()[0]).format(port=40004))
        inside = h["cloud"].address
        for value in (d.ok.get("record-route"), d.ok.get("contact"),
                      d.ok.body):
            must(inside in value and public not in value, True, value)
        d.bye()
    clean(c, "cloud")


def bye_by(phone_, inv, ok, router):
    """ACK and BYE by the other router, which knows the first one's name."""
    host, _, port = router.udp.rpartition(":")
    head = {"From": inv.get("from"), "To": ok.get("to"),
            "Call-ID": inv.get("call-id"),
            "Route": ok.all("record-route")[::-1]}
    n = int(inv.get("cseq").split()[0])
    for cseq, method in ((n, "ACK"), (n + 1, "BYE")):
        phone_.send(phone_.request(method, ok.contact(),
                                   CSeq=f"{cseq} {method}", **head),
                    (host, int(port)))


def test_names_of_ours():
    """A phone that names us by the public address, of this router or of the
    other one, as domain and as outbound proxy, is one of ours."""
    c, at = cloud()
    h = hosts()
    with h["out"].inside(), RawPhone(at[0], "1006", h["out"].address) as p:
        for name in (at[0].udp, at[1].udp, at[0].udp.partition(":")[0]):
            to = f"sip:1006@{name}"
            text = p.challenged("REGISTER", f"sip:{name}", **{
                "To": f"<{to}>", "From": f"<{to}>;tag=r", "Expires": "60",
                "Route": f"<sip:{at[1].udp};lr>"})
            p.send(text)
            must(p.await_("final").code, 200, f"REGISTER at {name}")
        far = p.ask(p.request("REGISTER", "sip:192.0.2.7",
                              To="<sip:1006@192.0.2.7>"))
        must(far.code, 404, "a stranger's address")
    clean(c, "cloud")


def test_names_of_others():
    """A phone that was told the name of one router may use it at another one,
    on another machine: inside, and as it is public; until that one is gone."""
    h = hosts()
    where = {**dict.fromkeys(KINDS, h["core"]), "router-2": h["out"]}
    named = ["--public", "sip.example"]
    with h["core"].inside(), cluster(
            nodes=1, routers=2, port_base=2000, hosts=where,
            router_args=named) as c, \
            RawPhone(c.routers[0], "1001", h["core"].address) as p:
        def registers(name):
            got = p.ask(p.request("REGISTER", f"sip:{name}",
                                  To=f"<sip:1001@{name}>"))
            return got.code
        for name in (h["out"].address, "sip.example", "SIP.Example"):
            must(registers(name), 401, name)
        must(registers("sip.example.org"), 404, "a stranger's name")
        c.routers[1].process.kill()
        c.left(c.routers[1])
        wait_for("its address is nobody's",
                 lambda: registers(h["out"].address) == 404)
        must(registers("sip.example"), 401, "its name is the others' too")


def test_candidate():
    """A browser outside is told a candidate that it can reach, and no other
    one, as it is said who is inside."""
    c, at = cloud()
    h = hosts()
    with h["out"].inside():
        p = WsPhone(at[0].ws, "1007")
        with p:
            d = p.established("600", sdp=WEB_OFFER)
            got = re.findall(r"^a=candidate:(.*)$", d.ok.body, re.M)
            must([x.split()[4] for x in got], [h["edge"].address],
                 "candidates")
            no_private(d.ok, "200 to a browser")
            d.bye()
    clean(c, "cloud")


def test_adopted():
    """Their node dies: who is outside is told the public address of the one
    that goes on, who is inside the other one."""
    h = hosts()
    with behind_edge(nodes=2, later=["node-2"]) as (c, at):
        with ExitStack() as stack:
            out, near = box_in(stack, h["out"]), box_in(stack, h["cloud"])
            phone(out, SimpleNamespace(routers=at), "1001",
                  laddr=h["out"].address)
            phone(near, c, "1002", laddr=h["cloud"].address)
            out.do("call", phone="1001", to="1002")
            for box, user in ((out, "1001"), (near, "1002")):
                box.expect("established", phone=user)
            c.join("node-2")
            c.nodes[0].process.kill()
            c.left(c.nodes[0])
            for box, user, host in ((out, "1001", "edge"),
                                    (near, "1002", "cloud")):
                ev = box.expect("reinvited", phone=user, by="remote")
                must(ev["rtp_remote"].partition(":")[0], h[host].address,
                     f"{user} sends to")
            hears(out, "1001", tone("1002"))
            hears(near, "1002", tone("1001"))
            near.do("hangup", phone="1002")
            out.expect("closed", phone="1001")
        assert_clean(c)


def test_trunk():
    """A carrier outside: the Contact that it is told, its OPTIONS and our
    calls; one inside by its address is told the other."""
    h = hosts()
    with h["out"].inside():
        far = Carrier(host=h["out"].address)
    with h["cloud"].inside():
        near = Carrier(host=h["cloud"].address)
    conf = {"settings": {"realm": "switchyard"}, "devices": [], "routes": [],
            "trunks": [{
                "id": name, "enabled": True, "target": one.at,
                "sources": [], "username": "bob", "password": "zanzibar",
                "registration": {"registrar": one.at, "expiresS": 600},
                "optionsS": 2} for name, one in (("far", far),
                                                 ("near", near))]}
    with far, near, behind_edge(nodes=1, config=conf) as (c, at):
        for one, router in ((far, at[0]), (near, c.routers[0])):
            got = one.registered()
            must(f"@{router.udp}" in got.get("contact"), True,
                 f"Contact {got.get('contact')}")
            must(router.udp in got.get("via"), True, f"Via {got.get('via')}")
            one.wait("OPTIONS", lambda one=one: one.asked)
            ask = one.asked[0]
            must(f"sip:{router.udp}" in ask.get("contact"), True,
                 f"Contact {ask.get('contact')}")
            must(f"sip:{router.udp}" in ask.get("from"), True,
                 f"From {ask.get('from')}")


def moved_to(phone_, d, sdp):
    """A re-INVITE in a dialog of another phone: its answer, and the ACK."""
    d.cseq += 1
    head = {"From": d.inv.get("from"), "To": d.ok.get("to"),
            "Call-ID": d.inv.get("call-id"),
            "Route": d.ok.all("record-route")[::-1]}
    phone_.send(phone_.request("INVITE", d.ok.contact(), sdp,
                               CSeq=f"{d.cseq} INVITE", **head))
    ok = phone_.await_("final", call_id=d.inv.get("call-id"),
                       cseq=f"{d.cseq} INVITE")
    must(ok.code, 200, "re-INVITE")
    phone_.send(phone_.request("ACK", d.ok.contact(),
                               CSeq=f"{d.cseq} ACK", **head))
    return ok


def test_moves():
    """A phone that comes into a local net during its call is told the address
    there, and the public one again when it has gone."""
    c, at = cloud()
    h = hosts()
    with h["cloud"].inside():
        near = RawPhone(c.routers[0], "1008", h["cloud"].address)
    with h["out"].inside():
        far = RawPhone(at[0], "1008", h["out"].address)
    with near, far:
        d = far.established("600")
        for where, host in ((near, "cloud"), (far, "edge"), (far, "edge"),
                            (near, "cloud")):
            ok = moved_to(where, d, SDP.format(port=40000))
            must(f"c=IN IP4 {h[host].address}\r\n" in ok.body, True, ok.body)
        must(d.ask("BYE").code, 200, "BYE")
    clean(c, "cloud")


FORWARDED = """insert rule ip nat pre iifname "eth0" {kind} dport {port} \
dnat to {inside}
"""


def test_other_ports():
    """The NAT forwards ports of other numbers: those are told."""
    h = hosts()
    inside, public = h["cloud"].address, h["edge"].address
    seen = {"udp": f"{public}:15060", "tcp": f"{public}:15061"}
    with behind_edge(nodes=1, router_args=[
            "--public", f"{public},udp:{seen['udp']},tcp:{seen['tcp']}"]) \
            as (c, at):
        h["edge"].run("nft", "-f", "-", text="".join(
            FORWARDED.format(kind=kind, port=seen[kind].split(":")[1],
                             inside=c.routers[0].udp) for kind in seen))
        del at, inside
        with h["out"].inside(), \
                RawPhone(seen["udp"], "1001", h["out"].address) as a, \
                TcpPhone(seen["tcp"], "1002") as b:
            for p in (a, b):
                must(p.register().code, 200, "registered")
            inv = a.call("1002")
            got = b.await_("INVITE")
            for value in (got.get("contact"), got.get("record-route"),
                          got.all("via")[0]):
                must(seen["tcp"] in value, True, value)
            b.answer(got, 200, "OK", SDP.format(port=40002), tag="far")
            b.await_("ACK")
            ok = a.await_("final", call_id=inv.get("call-id"))
            for value in (ok.get("contact"), ok.get("record-route")):
                must(seen["udp"] in value, True, value)
            d = Dialog(a, inv, ok)
            d.ack()
            d.bye()
            b.answer(b.await_("BYE"), 200, "OK", tag="far")
        assert_clean(c)


def test_wrong_options():
    """A mistake is named, with what is allowed; and nothing is started."""
    c, _ = cloud()
    key = ["--cluster-key", "0123456789abcdef"]
    for program, args, want in (
            ("router", ["--public", "203.0.113.7:5060"], "--public"),
            ("router", ["--public", "203.0.113.7,,"], "--public"),
            ("router", ["--udp", "127.0.0.1:0", "--tcp", "", "--public",
                        "2001:db8::7"],
             "--public: 2001:db8::7 is for no port"),
            ("router", ["--local-net", "10.0.0.0/40"], "--local-net"),
            ("router", ["--advertise", "sip.example"], "--advertise"),
            ("node", ["--media-public", "sip.example"], "--media-public"),
            ("node", ["--media-public", "2001:db8::7"],
             "--media-public: 2001:db8::7 is one of a family that "
             "--media-addr has none of"),
            ("node", ["--local-net", "lan"], "--local-net")):
        run = subprocess.run(
            [c.program(f"switchyard-{program}"), *key, *args],
            capture_output=True, text=True, timeout=10, check=False)
        if run.returncode != 2 or want not in run.stderr or \
                run.stderr.count("\n") != 1:
            raise Mismatch(f"{args}: {run.returncode}, {run.stderr}")


# ---------------------------------------------------- phones are behind one

def behind(c, at, key):
    """Two phones behind one NAT: each by itself, called, and each other."""
    home, out = hosts()["home"], hosts()["out"]
    with ExitStack() as stack:
        inner, outer = box_in(stack, home), box_in(stack, out)
        where = SimpleNamespace(routers=at)
        phone(inner, where, "1011", laddr=home.address)
        phone(inner, where, "1012", laddr=home.address, transport="tcp")
        phone(outer, where, "1013", laddr=out.address)
        for a, b in (("1011", "1013"), ("1012", "1013")):
            for first in (True, False):
                boxes = {a: inner, b: outer}
                x, y = (a, b) if first else (b, a)
                boxes[x].do("call", phone=x, to=y)
                for one in (x, y):
                    boxes[one].expect("established", phone=one)
                hears(boxes[x], x, tone(y))
                hears(boxes[y], y, tone(x))
                boxes[y].do("hangup", phone=y)
                for one in (x, y):
                    boxes[one].expect("closed", phone=one)
                clean(c, key)
        for a, b in (("1011", "1012"), ("1012", "1011")):
            call(inner, a, b)
            talk(inner, a, b)
            end(inner, a, b)
            clean(c, key)


def test_home():
    """The cluster is on the open net."""
    behind(*core(), "core")


def test_both():
    """NATs on both sides."""
    behind(*cloud(), "cloud")


def ports_of(host, port):
    """What the NAT knows of a phone's port."""
    return [x for x in host.translations()
            if "udp" in x and f"sport={port} " in x]


def test_keepalive():
    """What a NAT forgets is kept by keep-alives: the phone is called through
    it when its neighbour's way has been forgotten."""
    c, at = cloud()
    h = hosts()
    for name in ("udp_timeout", "udp_timeout_stream"):
        h["nat"].set(f"net/netfilter/nf_conntrack_{name}", NAT_FORGETS_S)
    home = h["home"].address
    with h["out"].inside():
        a = RawPhone(at[1], "1014", h["out"].address)
    with h["home"].inside():
        kept, lost = (RawPhone(at[0], u, home) for u in ("1015", "1016"))
    with a, kept, lost:
        for p in (kept, lost):
            must(p.register().code, 200, "registered")
        port = lost.sock.getsockname()[1]

        def forgotten():
            kept.send("\r\n\r\n")
            return not ports_of(h["nat"], port)
        wait_for("the NAT forgets who is silent", forgotten, 20, 0.3)
        inv = a.call("1015")
        got = kept.await_("INVITE")
        kept.answer(got, 486, "Busy Here", tag="far")
        kept.await_("ACK")
        must(a.await_("final", call_id=inv.get("call-id")).code, 486, "kept")
    clean(c, "cloud")
