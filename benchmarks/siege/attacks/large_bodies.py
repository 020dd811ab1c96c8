"""Large bodies that wait at the same time."""

import threading
import time
from collections import Counter

from benchmarks.callers import http_post
from benchmarks.processes import NAME
from benchmarks.siege.asking import rest_status
from benchmarks.siege.attack import Attack, Target

_BODIES = 60
_TEXT_BYTES = 90_000
_TEXTS = 170
_PATIENCE_SECONDS = 40.0


def _run(target: Target) -> str:
    texts = ["很" * (_TEXT_BYTES // 3)] * _TEXTS
    document = {"signature_name": "text", "instances": texts}
    request = http_post(f"/v1/models/{NAME}:predict", document, ascii_only=False)
    answers: Counter[str] = Counter()

    def ask() -> None:
        answers[rest_status(target, request, _PATIENCE_SECONDS)] += 1

    began = time.perf_counter()
    callers = [threading.Thread(target=ask) for _ in range(_BODIES)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    seconds = time.perf_counter() - began
    return f"{len(request):,} bytes a request; answers {dict(answers)} in {seconds:.1f} s"


ATTACK = Attack(
    name="large-bodies",
    stands_for="A8",
    what=f"{_BODIES} REST bodies of 15 MiB at the same time.",
    run=_run,
    seconds=60,
)
