# SPDX-License-Identifier: MIT
"""The API's description, as others read it: a validator of OpenAPI, and ajv for
one answer of each operation that was asked for so far.

What npm brings (openapijs/package-lock.json) is installed once, under
build/openapi."""

import hashlib
import json
import os
import shutil
import subprocess

import openapi
from harness import Mismatch, ROOT, Skip, cluster, request

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "openapijs")
FOLDER = os.path.join(ROOT, "build", "openapi")


def install():
    if not shutil.which("npm"):
        raise Skip("no npm here")
    os.makedirs(FOLDER, exist_ok=True)
    for name in os.listdir(HERE):
        shutil.copy(os.path.join(HERE, name), FOLDER)
    with open(os.path.join(HERE, "package-lock.json"), "rb") as f:
        stamp = hashlib.sha256(f.read()).hexdigest()
    mark = os.path.join(FOLDER, "node_modules", f".{stamp}")
    if os.path.exists(mark):
        return
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=FOLDER, capture_output=True, text=True, timeout=300, check=False,
        stdin=subprocess.DEVNULL)
    if done.returncode:
        raise Skip(f"npm ci: {(done.stderr or done.stdout).strip()[-300:]}")
    with open(mark, "w", encoding="ascii"):
        pass


def validate(doc, answers):
    done = subprocess.run(
        ["node", os.path.join(FOLDER, "validate.mjs")], cwd=FOLDER,
        input=json.dumps({"doc": doc, "answers": answers}),
        capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise Mismatch(f"the validators fail: {done.stderr[-600:]}")
    return json.loads(done.stdout)


def test_strangers_validate():
    install()
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
    wrong = validate(doc, answers)
    if wrong:
        raise Mismatch(json.dumps(wrong)[:2000])
    # They can fail.
    broken = json.loads(json.dumps(doc))
    broken["paths"]["/api/status"]["get"]["responses"] = 7
    if not validate(broken, []):
        raise Mismatch("a broken description passes")
    if not validate(doc, [{"path": "/api/status", "method": "GET",
                           "status": 200, "type": "application/json",
                           "body": {"calls": "many"}}]):
        raise Mismatch("a wrong answer passes")
