# SPDX-License-Identifier: MIT
"""One gRPC call after another by Debian's python3-grpcio, over TLS.

Standard input is JSON: {"target", "ca", "calls": [{"method", "message" (hex),
"metadata", "gzip"}]}; output a list of {"code", "details", "reply" (hex)}.
It is a program of its own because it needs Debian's Python."""

import json
import sys

import grpc


def one(channel, ask):
    method = channel.unary_unary(ask["method"])
    zipped = grpc.Compression.Gzip if ask.get("gzip") else None
    try:
        reply = method(bytes.fromhex(ask.get("message", "")), timeout=20,
                       metadata=list(ask.get("metadata", {}).items()),
                       compression=zipped)
        return {"code": "OK", "details": "", "reply": reply.hex()}
    except grpc.RpcError as e:
        return {"code": e.code().name, "details": e.details(), "reply": ""}


def main():
    asked = json.load(sys.stdin)
    with grpc.secure_channel(
            asked["target"],
            grpc.ssl_channel_credentials(asked["ca"].encode()),
            (("grpc.ssl_target_name_override", "localhost"),)) as channel:
        json.dump([one(channel, ask) for ask in asked["calls"]], sys.stdout)


main()
