# SPDX-License-Identifier: MIT
"""The demo call: two test phones register, one calls the other, each tells
which tones it heard."""

from .phones import PhoneError, Phones

CALLER = {"user": "1001", "codecs": ["opus"], "tone_hz": 440}
CALLEE = {"user": "1002", "codecs": ["PCMU"], "tone_hz": 620}
HEARD_DB = -35.0   # a phone's tone is sent at -20 dBFS
UNHEARD_DB = -50.0


def demo_call(cluster, is_demo_config):
    """Place it and print what was heard; True if all was as it must be."""
    if not is_demo_config:
        print("\nno demo call: it needs the phones of deploy/demo.json")
        return True
    try:
        with Phones(cluster.bin) as box:
            return place(cluster, box)
    except PhoneError as e:
        print(f"\ndemo call: {e}")
        return False


def place(cluster, box):
    for spec in (CALLER, CALLEE):
        user = spec["user"]
        box.do("phone", id=user, password=f"demo-{user}",
               domain="switchyard", proxy=cluster.routers[0].udp,
               answer="auto", **spec)
        box.do("register", phone=user)
        ev = box.expect("registered", phone=user)
        if ev.get("code") != 200:
            raise PhoneError(f"{user} was not registered: {ev}")

    caller, callee = CALLER["user"], CALLEE["user"]
    box.do("call", phone=caller, to=callee)
    mine = box.expect("answered", phone=caller)
    theirs = box.expect("established", phone=callee)
    call = cluster.api("GET", "/api/calls")["items"][0]
    leg = next(x for x in call["legs"] if x["user"] == caller)

    print(f"\n{caller} called {callee} on {call['node']} through "
          f"{leg.get('router') or cluster.routers[0].id}, "
          f"answered after {mine['setup_ms']:.1f} ms")
    good = hear(box, caller, mine["codec"], CALLER, CALLEE)
    good &= hear(box, callee, theirs["codec"], CALLEE, CALLER)
    box.do("hangup", phone=caller)
    box.expect("closed", phone=callee)
    return good


def hear(box, user, codec, own, other):
    """Half a second of what a phone hears, once the other's tone is there."""
    box.do("expect", phone=user, hz=other["tone_hz"], present=True,
           within_ms=3000)
    box.expect("expected", phone=user)
    box.do("listen", phone=user, ms=500,
           freqs=[own["tone_hz"], other["tone_hz"]])
    tones = box.expect("heard", phone=user)["tones"]
    heard, echo = (tones[str(s["tone_hz"])] for s in (other, own))
    good = heard > HEARD_DB and echo < UNHEARD_DB
    print(f"  {user} ({codec}) heard {other['user']}'s tone of "
          f"{other['tone_hz']} Hz at {heard:.0f} dB, its own of "
          f"{own['tone_hz']} Hz at {echo:.0f} dB: "
          f"{'right' if good else 'WRONG'}")
    return good
