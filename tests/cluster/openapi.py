# SPDX-License-Identifier: MIT
"""Every answer of a gateway that a test gets is held against the API's own
description: the route, its status, its type, each field."""

import datetime
import hashlib
import json
import ssl
import threading
import urllib.request

import jsonschema

JSON = ("application/json", "application/problem+json")

_lock = threading.Lock()
_doc = None
_known = set()      # answers that were right
_samples = {}       # (method, path, status) -> one answer, for others to look at


class Undescribed(AssertionError):
    """An answer that the description does not have."""


class Document:
    def __init__(self, text):
        self.text = text
        self.doc = json.loads(text)
        self.paths = [(p.strip("/").split("/"), p) for p in self.doc["paths"]]
        self.validators = {}
        self.resolved = {}

    def resolve(self, thing):
        """With what its references name in their place."""
        if isinstance(thing, list):
            return [self.resolve(t) for t in thing]
        if not isinstance(thing, dict):
            return thing
        ref = thing.get("$ref")
        if isinstance(ref, str):
            found = self.doc
            for name in ref.removeprefix("#/").split("/"):
                found = found[name]
            return self.resolve(found)
        return {k: self.resolve(v) for k, v in thing.items()}

    def find(self, path):
        """The path of the description that a path is meant by; one with
        fewer parameters goes first."""
        segments = path.strip("/").split("/")
        hits = [p for pattern, p in self.paths
                if len(pattern) == len(segments) and all(
                    a == b or a.startswith("{") for a, b in
                    zip(pattern, segments))]
        return min(hits, key=lambda p: p.count("{")) if hits else None

    def responses(self, path, method):
        """Of an operation, by status; None: there is no such one."""
        key = (path, method)
        if key not in self.resolved:
            entry = self.doc["paths"][path].get(method.lower())
            self.resolved[key] = entry and self.resolve(entry["responses"])
        return self.resolved[key]

    def validator(self, key, schema):
        """Made once for each operation, status and type."""
        if key not in self.validators:
            self.validators[key] = jsonschema.Draft202012Validator(
                schema, format_checker=FORMATS)
        return self.validators[key]


FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks("date-time", ValueError)
def is_time(value):
    if not value.endswith("Z"):
        raise ValueError(value)
    datetime.datetime.fromisoformat(value[:19])
    return True


def document(base):
    """The description, as any gateway of this build gives it; None: this one
    is gone meanwhile."""
    global _doc
    with _lock:
        if _doc is None:
            try:
                with urllib.request.urlopen(
                        base + "/api/openapi.json", timeout=5,
                        context=ssl._create_unverified_context()) as res:
                    _doc = Document(res.read())
            except OSError:
                return None
        return _doc


def check(method, base, path, status, kind, raw):
    """An answer of the gateway at base.  kind: its Content-Type, or None."""
    path = path.partition("?")[0]
    if not path.startswith("/api/"):
        return
    mark = hashlib.sha1(f"{method} {path} {status} {kind} ".encode()
                        + (raw or b"")).digest()
    if mark in _known:
        return
    doc = document(base)
    if doc is not None:
        where = f"{method} {path}: {status}"
        try:
            check_answer(doc, method, path, status, kind, raw)
        except jsonschema.ValidationError as e:
            raise Undescribed(f"{where}: {e.json_path}: {e.message}: "
                              f"{raw[:400]!r}") from None
        except Undescribed as e:
            raise Undescribed(f"{where}: {e}: {(raw or b'')[:400]!r}") from None
        _known.add(mark)


def check_answer(doc, method, path, status, kind, raw):
    head = method == "HEAD"
    kind = (kind or "").partition(";")[0]
    found = doc.find(path)
    responses = found and doc.responses(found, "GET" if head else method)
    if not responses:
        # No such path or method: also that is told in one way.
        if status not in (404, 405, 204) or (
                status != 204 and kind != "application/problem+json"):
            raise Undescribed("no such operation")
        return
    if str(status) not in responses:
        raise Undescribed(f"only {sorted(responses)}")
    content = responses[str(status)].get("content", {})
    if head or (not content and not raw):
        return
    if kind not in content:
        raise Undescribed(f"type {kind!r}, only {sorted(content)}")
    if kind not in JSON:
        return
    key = (found, method, status, kind)
    body = json.loads(raw)
    doc.validator(key, content[kind]["schema"]).validate(body)
    _samples.setdefault(key, (path, body))


def samples():
    """One right answer of each kind, as they came:
    {(path, method, status, type): (path asked for, body)}."""
    return dict(_samples)
