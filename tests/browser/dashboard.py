# SPDX-License-Identifier: MIT
"""A cluster with calls, and people who look at its dashboard."""

import contextlib

from harness import Skip, cluster, phones, wait_for
from lib.cluster import WEB
from pages import Page, PageBrowser
from talk import phone

ADMIN = "admin"
CALLS = (("1001", "1002"), ("1003", "601"), ("1004", "601"))


class Dashboard:
    """Started by the first test of a module that needs it."""

    def __init__(self):
        self.stack = contextlib.ExitStack()
        self.cluster = None
        self.browser = None
        self.page = None

    def start(self):
        """A cluster where people talk; an administrator, logged in."""
        if self.cluster:
            return self.page
        enter = self.stack.enter_context
        self.browser = enter(PageBrowser())  # skips, before all else
        c = enter(cluster(nodes=2, web=WEB))
        if not getattr(c, "admin_password", None):
            self.stack.close()
            raise Skip("nobody can log in: gateways have no accounts")
        self.box = enter(phones())
        for user in sorted({u for pair in CALLS for u in pair
                            if u != "601"}):
            phone(self.box, c, user, codecs=["opus", "PCMU"])
        for caller, callee in CALLS:
            self.box.do("call", phone=caller, to=callee)
            self.box.expect("answered", phone=caller)
        self.cluster = c
        self.page = self.person("a")
        self.login(self.page)
        return self.page

    def person(self, name, **how):
        return Page(self.browser, name,
                    f"https://{self.cluster.gateways[0].https}", **how)

    def login(self, page, user=None, password=None):
        page.goto(path="/")
        page.fill(label="User", value=user or ADMIN)
        page.fill(label="Password", exact=True,
                  value=password or self.cluster.admin_password)
        page.button("Log in")
        page.see(role="button", name=user or ADMIN)
        # That nobody was logged in before is no fault.
        page.no_faults(but=("/api/session", "/api/cdr"))

    def call_of(self, user):
        """The call of a phone, as the API shows it."""
        def found():
            return next((c for c in self.cluster.api(
                "GET", "/api/calls")["items"]
                if any(leg["user"] == user for leg in c["legs"])), None)
        return wait_for(f"the call of {user}", found)

    def leg(self, user):
        return next(leg for leg in self.call_of(user)["legs"]
                    if leg["user"] == user)

    def until(self, what, test):
        return wait_for(what, test, seconds=15, every=0.1)

    def finish(self):
        self.stack.close()
