# SPDX-License-Identifier: MIT
"""The API's description, as others read it: a validator of OpenAPI, and ajv for
one answer of each operation that was asked for so far.

What npm brings (openapijs/package-lock.json) is installed once, under
build/openapi."""

import json
import os
import subprocess

import npm
import openapi
from harness import Mismatch, cluster, request

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "openapijs")


def validate(folder, doc, answers):
    done = subprocess.run(
        ["node", os.path.join(folder, "validate.mjs")], cwd=folder,
        input=json.dumps({"doc": doc, "answers": answers}),
        capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise Mismatch(f"the validators fail: {done.stderr[-600:]}")
    return json.loads(done.stdout)


def test_strangers_validate():
    folder = npm.install(HERE, "openapi")
    with cluster(nodes=1) as c:
        base = f"http://{c.gateways[0].http}"
        doc = c.api("GET", "/api/openapi.json")
        for path, entry in doc["paths"].items():
            if "get" in entry and path.startswith("/api/") and \
                    "proto" not in path:
                request("GET", base + path.replace("{id}", "1001")
                        .replace("{call}", "x"), c.token,
                        headers={"Accept": "application/json"})
    answers = [{"path": path, "method": method, "status": status,
                "type": kind, "body": body}
               for (path, method, status, kind), (_, body)
               in openapi.samples().items() if method != "HEAD"]
    if len(answers) < 20:
        raise Mismatch(f"{len(answers)} answers")
    wrong = validate(folder, doc, answers)
    if wrong:
        raise Mismatch(json.dumps(wrong)[:2000])
    # They can fail.
    broken = json.loads(json.dumps(doc))
    broken["paths"]["/api/status"]["get"]["responses"] = 7
    if not validate(folder, broken, []):
        raise Mismatch("a broken description passes")
    if not validate(folder, doc, [{
            "path": "/api/status", "method": "GET", "status": 200,
            "type": "application/json", "body": {"calls": "many"}}]):
        raise Mismatch("a wrong answer passes")
