"""Requests of very many small parts, each of which becomes far more than its bytes."""

from collections import Counter
from collections.abc import Sequence

from benchmarks.callers import PREDICT
from benchmarks.processes import NAME
from benchmarks.siege.asking import grpc_statuses, rest_status
from benchmarks.siege.attack import Attack, Target

_BYTES = 15 << 20
_PATIENCE_SECONDS = 20.0
# Two bytes each: an empty model, entry of the inputs, output filter.
_FIELDS: Sequence[bytes] = (b"\x0a\x00", b"\x12\x00", b"\x1a\x00")
_VALUES: Sequence[bytes] = (b"[],", b"{},", b'{"a":1},', b"1,", b'"",')


def _run(target: Target) -> str:
    messages = [field * (_BYTES // len(field)) for field in _FIELDS]
    answers: Counter[str] = grpc_statuses(target, PREDICT, messages, _PATIENCE_SECONDS)
    for value in _VALUES:
        values = value * (_BYTES // len(value))
        body = b'{"signature_name":"text","instances":[' + values + b"1]}"
        head = f"POST /v1/models/{NAME}:predict HTTP/1.1\r\nHost: localhost\r\n"
        request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        answers[rest_status(target, request, _PATIENCE_SECONDS)] += 1
    return f"15 MiB each; answers {dict(answers)}"


ATTACK = Attack(
    name="many-parts",
    stands_for="memory",
    what="Messages of millions of empty fields, and bodies of millions of lists, objects, numbers.",
    run=_run,
    seconds=100,
)
