"""Messages and bodies that are small as they are sent, and large once they are unpacked."""

import gzip
from collections import Counter

import grpc

from benchmarks.callers import PREDICT
from benchmarks.processes import NAME
from benchmarks.siege.asking import rest_status, status_of
from benchmarks.siege.attack import Attack, Target

_UNPACKED_BYTES = 512 << 20
_OF_EACH = 4
_PATIENCE_SECONDS = 15.0


def _run(target: Target) -> str:
    answers: Counter[str] = Counter()
    unpacked = bytes(_UNPACKED_BYTES)
    packed = gzip.compress(unpacked, 9)
    path = f"/v1/models/{NAME}:predict"
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\n"
    request = f"{head}Content-Length: {len(packed)}\r\n\r\n".encode() + packed
    for _ in range(_OF_EACH):
        answers[rest_status(target, request, _PATIENCE_SECONDS)] += 1
    with grpc.insecure_channel(target.grpc_address) as channel:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(PREDICT)
        for _ in range(_OF_EACH):
            try:
                call(unpacked, timeout=_PATIENCE_SECONDS, compression=grpc.Compression.Gzip)
                answers["OK"] += 1
            except grpc.RpcError as error:
                answers[status_of(error)] += 1
    return f"{len(packed):,} bytes each; answers {dict(answers)}"


ATTACK = Attack(
    name="packed-messages",
    stands_for="memory",
    what=f"{_OF_EACH} gzip bodies and as many gzip messages of 512 MiB once unpacked.",
    run=_run,
    seconds=90,
)
