# SPDX-License-Identifier: MIT
"""Web pages, used as a person does: by roles, labels and texts."""

from browser import Browser
from harness import Mismatch


class PageBrowser(Browser):
    driver = "pages.mjs"


class Page:
    """One page, with cookies of its own."""

    def __init__(self, browser, name, url, **how):
        self.browser, self.name = browser, name
        self.colours, self.others = ("dark", "light") if how.get("dark") \
            else ("light", "dark")
        self.do("open", url=url, **how)

    def do(self, what, **how):
        return self.browser.do(self.name, what, seconds=40, **how)

    def __getattr__(self, what):
        """goto(path=), click(role=, name=), fill(label=, value=) ..."""
        return lambda **how: self.do(what, **how)

    def button(self, name, **how):
        self.click(role="button", name=name, **how)

    def must_see(self, text, **how):
        self.see(text=text, **how)

    def heading(self, name):
        self.see(role="heading", name=name)

    def no_faults(self, but=()):
        """The browser has nothing to complain of, except for what has one
        of these texts in it."""
        found = [f for f in self.do("faults")
                 if not any(text in f for text in but)]
        if found:
            raise Mismatch(f"{self.name}: {found}")

    def accessible(self, what, **how):
        found = self.do("axe", **how)
        over = self.do("overflow")
        if found or over > 0:
            raise Mismatch(f"{what}: {found}"
                           + (f", {over} px too wide" if over > 0 else ""))

    def accessible_in_both(self, what):
        """In these colours and in the others, which change nothing else."""
        self.accessible(what)
        self.scheme(scheme=self.others)
        self.accessible(f"{what}, {self.others}", rules=["color-contrast"])
        self.scheme(scheme=self.colours)
