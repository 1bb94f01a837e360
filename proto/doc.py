#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""doc.py switchyard.proto OUT.c: what the schema's comments say, as a table
of C (doc.h).

A comment above a message, enum, field or value belongs to it; one behind it
too, with the lines that go on below in the same column."""

import re
import sys

OPEN = re.compile(r"^\s*(message|enum|oneof)\s+(\w+)\s*\{")
MEMBER = re.compile(r"^\s*(?:repeated\s+)?(?:[\w.]+\s+)?(\w+)\s*=\s*\d+\s*;")
COMMENT = re.compile(r"//\s?(.*)$")
RULE = re.compile(r"^-{8,}")


class Reader:
    def __init__(self):
        self.docs = {}      # "Call" or "Call.started_at" -> lines
        self.scopes = []    # (kind, name), the outermost first
        self.above = []     # comment lines that belong to what comes next
        self.column = None  # of the comment behind a member
        self.member = None

    def owner(self):
        return next((n for k, n in reversed(self.scopes) if k != "oneof"),
                    None)

    def say(self, name, text):
        if text:
            self.docs.setdefault(name, []).append(text)

    def comment(self, column, text):
        """A line that is a comment and nothing else."""
        if self.member and column == self.column:
            self.say(self.member, text)
        else:
            self.member = None
            self.above = [] if RULE.match(text) else self.above + [text]

    def code(self, line):
        found = COMMENT.search(line)
        bare = line[:found.start()] if found else line
        self.member = None
        for opened in OPEN.finditer(bare):
            self.scopes.append(opened.groups())
            if opened.group(1) != "oneof":
                for text in self.above:
                    self.say(self.owner(), text)
                self.above = []
        inner = re.sub(r"^.*\{", "", bare)
        named = MEMBER.match(inner)
        if named and self.owner():
            self.member = f"{self.owner()}.{named.group(1)}"
            self.column = found.start() if found else None
            for text in self.above:
                self.say(self.member, text)
            if found:
                self.say(self.member, found.group(1))
            self.above = []
        for _ in range(bare.count("}")):
            if self.scopes:
                self.scopes.pop()

    def read(self, lines):
        for line in lines:
            line = line.rstrip().expandtabs()
            if not line.strip():
                self.above, self.member = [], None
            elif line.lstrip().startswith("//"):
                found = COMMENT.search(line)
                self.comment(found.start(), found.group(1))
            else:
                self.code(line)


def literal(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def main(source, target):
    reader = Reader()
    with open(source, encoding="utf-8") as f:
        reader.read(f)
    rows = [f"\t{{{literal(name)},\n\t {literal(' '.join(lines))}}},\n"
            for name, lines in sorted(reader.docs.items())]
    with open(target, "w", encoding="utf-8") as f:
        f.write('#include "proto/doc.h"\n\n'
                "const struct doc_text doc_texts[] = {\n"
                + "".join(rows) +
                "};\nconst size_t doc_textc = "
                "sizeof(doc_texts) / sizeof(doc_texts[0]);\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
