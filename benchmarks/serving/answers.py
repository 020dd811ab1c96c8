"""Compares every answer of a server under load with what is computed in process."""

import asyncio
import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np

from benchmarks.callers import Transport, asking, grpc_predict, rest_predict
from benchmarks.processes import BATCHING, REPOSITORY, Checkout, Server
from lstm_sentiment.client.answers import Prediction
from lstm_sentiment.protocol.prediction_pb2 import PredictResponse
from lstm_sentiment.protocol.tensors import read_tensor
from lstm_sentiment.versions.predictor import SavedModelPredictor

_TEXTS = 4096
_TOLERANCE = 1e-5
"""By how much a probability may differ: batches are added up in another order."""


@dataclass(frozen=True)
class _Asked:
    """What became of the requests: the answer to each, or what failed."""

    answers: dict[int, bytes]
    failures: Counter[str]
    seconds: float


def measure(
    version_dir: Path, texts: Sequence[str], count: int, callers: int, flags: Sequence[str]
) -> None:
    """Asks over gRPC and then over REST, with batching, and prints a line for each.

    Args:
        version_dir: The version.
        texts: Asked in turn, one a request.
        count: Of requests over each transport.
        callers: Requests under way at any time.
        flags: More flags for `serve`.

    Raises:
        SystemExit: If a request failed or an answer was wrong.
    """
    texts = texts[:_TEXTS]
    expected = SavedModelPredictor(version_dir).predict(list(texts))
    batching = ("--enable-batching", f"--batching-parameters-file={BATCHING}")
    threads = f"--grpc-max-threads={callers + 8}"
    base = version_dir.parent
    with Checkout(REPOSITORY).served(base, *batching, threads, *flags) as server:
        found = [_compared("gRPC", server, texts, expected, count, callers)]
        found += [_compared("REST", server, texts, expected, count, callers)]
    if any(found):
        sys.exit("error: requests failed or were answered wrongly.")


def _compared(
    transport: Transport,
    server: Server,
    texts: Sequence[str],
    expected: Sequence[Prediction],
    count: int,
    callers: int,
) -> int:
    """Returns how many requests failed or were answered wrongly."""
    port = server.port if transport == "gRPC" else server.rest_api_port
    request = grpc_predict if transport == "gRPC" else rest_predict
    requests = [request([text]) for text in texts]
    before = server.cpu_seconds()
    asked = asyncio.run(_asked(transport, f"127.0.0.1:{port}", requests, count, callers))
    used, mib = server.cpu_seconds() - before, server.process.mib()
    read = _from_grpc if transport == "gRPC" else _from_rest
    wrong = sum(
        not _is_right(*read(body), expected[number % len(texts)])
        for number, body in asked.answers.items()
    )
    failed = sum(asked.failures.values())
    line = {
        "benchmark": "serving",
        "name": f"{transport}, batching, every answer compared",
        "requests": count,
        "callers": callers,
        "failed": failed,
        "wrong": wrong,
        "goal": "none failed, none wrong",
        "met": not (failed or wrong),
        "per_second": round(count / asked.seconds, 1),
        "cpu_ms": round(1e3 * used / count, 4),
        "mib": round(mib, 1),
        "failures": dict(asked.failures.most_common(5)),
    }
    print(json.dumps(line), flush=True)
    return failed + wrong


async def _asked(
    transport: Transport, address: str, requests: Sequence[bytes], count: int, callers: int
) -> _Asked:
    numbers = itertools.count()
    answers: dict[int, bytes] = {}
    failures: Counter[str] = Counter()
    async with asking(transport, address, requests, callers) as ask:
        began = time.perf_counter()

        async def call() -> None:
            while (number := next(numbers)) < count:
                try:
                    answers[number] = await ask(number)
                except grpc.aio.AioRpcError as error:
                    failures[f"{error.code().name}: {error.details()}"] += 1
                except OSError as error:
                    failures[str(error)] += 1

        await asyncio.gather(*(call() for _ in range(callers)))
        return _Asked(answers, failures, time.perf_counter() - began)


def _from_grpc(message: bytes) -> tuple[str, Sequence[float]]:
    outputs = PredictResponse.FromString(message).outputs
    (label,), (probabilities,) = (read_tensor(outputs[name]) for name in ("label", "probabilities"))
    return label.decode(), probabilities.tolist()


def _from_rest(body: bytes) -> tuple[str, Sequence[float]]:
    (prediction,) = json.loads(body)["predictions"]
    return prediction["label"], prediction["probabilities"]


def _is_right(label: str, probabilities: Sequence[float], expected: Prediction) -> bool:
    differences = np.abs(np.subtract(probabilities, expected.probabilities))
    return label == expected.label and bool((differences <= _TOLERANCE).all())
