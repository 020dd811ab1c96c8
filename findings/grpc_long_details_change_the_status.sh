#!/usr/bin/env bash
# One would guess: a gRPC call that fails has the status code that the server set, however long the server's
# description of the error is. A description that is too long is cut.
#
# What happens: the description is sent as metadata, and a client accepts 8 KiB of metadata, at most 16 KiB.
# Above 16 KiB every call ends with RESOURCE_EXHAUSTED instead of the server's code, and the description is
# lost. Between the two limits the client decides at random, call by call: of equal calls to one server,
# some end with INVALID_ARGUMENT and the description, and others with RESOURCE_EXHAUSTED. The server does
# not notice it.
#
# Versions: grpcio 1.85.3.
#
# Why it matters: an error of a model server often holds what it received, such as a tensor's values, a
# text or the names of a graph's nodes. A client that retries RESOURCE_EXHAUSTED, which stands for an
# overloaded server, repeats a request that can never succeed, and only for some inputs and some calls.
# A server has to shorten its descriptions itself.
#
# Seen on Linux x86-64, Python 3.11, 200 calls of each kind:
#   description of 4000 characters: INVALID_ARGUMENT
#   description of 13000 characters: INVALID_ARGUMENT or RESOURCE_EXHAUSTED
#   description of 20000 characters: RESOURCE_EXHAUSTED
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check grpcio==1.85.3

cat >"$folder/details.py" <<'PYTHON'
"""Calls a server that refuses every request with a description of the length in the request."""
from concurrent import futures

import grpc


def refuse(request, context):
    context.abort(grpc.StatusCode.INVALID_ARGUMENT, "x" * int(request))


handlers = {"Refuse": grpc.unary_unary_rpc_method_handler(refuse)}
server = grpc.server(futures.ThreadPoolExecutor(2))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Test", handlers),))
port = server.add_insecure_port("127.0.0.1:0")
server.start()


def codes(length):
    """Returns the names of all status codes that 200 equal calls end with."""
    found = set()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary("/test.Test/Refuse")
        for _ in range(200):
            try:
                call(str(length).encode(), timeout=30)
            except grpc.RpcError as error:
                found.add(error.code().name)
    return sorted(found)


for length, expected in (
    (4_000, ["INVALID_ARGUMENT"]),
    (13_000, ["INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"]),
    (20_000, ["RESOURCE_EXHAUSTED"]),
):
    found = codes(length)
    print(f"description of {length} characters:", " or ".join(found))
    assert found == expected
server.stop(None).wait()
PYTHON
timeout 120 "$folder/env/bin/python" "$folder/details.py"
