# SPDX-License-Identifier: MIT
"""What tests make phones do: register, call, and tell what they hear."""

from harness import Mismatch, wait_for


def tone(user):
    """Each user's own frequency [Hz], 40 apart."""
    return 400 + 40 * (int(user) - 1000)


def phone(box, c, user, name=None, **more):
    """A registered phone of the demo configuration."""
    name = name or user
    spec = {"codecs": ["PCMU"], "tone_hz": tone(user), "answer": "auto",
            "password": f"demo-{user}", "proxy": c.routers[0].udp, **more}
    box.do("phone", id=name, user=user, domain="switchyard", **spec)
    box.do("register", phone=name)
    ev = box.expect("registered", phone=name)
    if ev["code"] != 200:
        raise Mismatch(f"{name} was not registered: {ev}")


def hears(box, name, hz, present=True, seconds=4):
    box.do("expect", phone=name, hz=hz, present=present,
           within_ms=int(seconds * 1000))
    ev = box.expect("expected", phone=name, hz=hz, seconds=seconds + 2)
    if not ev["ok"]:
        raise Mismatch(f"{name} {'does not hear' if present else 'hears'} "
                       f"{hz} Hz: {ev}")


def talk(box, a, b):
    """Each hears the other, and not itself."""
    for me, you in ((a, b), (b, a)):
        hears(box, me, tone(you))
        hears(box, me, tone(me), present=False)


def call(box, a, b, **more):
    box.do("call", phone=a, to=b, **more)
    box.expect("established", phone=a)
    box.expect("established", phone=b)


def only_call(c):
    """The call that is listed, once the one before it is not any more."""
    def only():
        items = c.api("GET", "/api/calls")["items"]
        return items[0] if len(items) == 1 else None
    return wait_for("just one call is listed", only)


def end(box, a, b):
    """a hangs up, b is told."""
    box.do("hangup", phone=a)
    box.expect("closed", phone=a)
    box.expect("closed", phone=b)


def late_ms(box):
    """The longest that this process of phones was late [ms]."""
    box.do("stats")
    return box.expect("stats")["clock"]["late_ms_max"]
