"""Requests that a browser sends for a page of somebody else's, and for a name that leads here."""

import json
from collections import Counter

from benchmarks.processes import NAME
from benchmarks.siege.asking import rest_status
from benchmarks.siege.attack import Attack, Target

_REQUESTS = 200
_PATIENCE_SECONDS = 5.0
_BODY = json.dumps({"signature_name": "text", "instances": ["房间很干净"]}).encode()
_FOREIGN = b"Host: localhost:%d\r\nOrigin: https://somebody.example\r\n"
_REBOUND = b"Host: somebody.example:%d\r\nOrigin: http://somebody.example:%d\r\n"


def _run(target: Target) -> str:
    port = target.rest_api_port
    kinds = {
        "a page of another origin": _FOREIGN % port,
        "a name that leads here": _REBOUND % (port, port),
    }
    told = []
    for kind, head in kinds.items():
        # What a page can send without asking the server first.
        request = b"POST /v1/models/%b:predict HTTP/1.1\r\n%b" % (NAME.encode(), head)
        request += b"Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(_BODY) + _BODY
        answers = Counter(rest_status(target, request, _PATIENCE_SECONDS) for _ in range(_REQUESTS))
        told.append(f"{kind}: {dict(answers)}")
    return "; ".join(told)


ATTACK = Attack(
    name="foreign-pages",
    stands_for="A9",
    what=f"{_REQUESTS} simple requests (text/plain) for each of two pages of somebody else's.",
    run=_run,
)
