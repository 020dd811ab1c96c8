"""The model server beside the app that a user would write, and beside calls in process.

    python -m benchmarks.serving --model models/sentiment --data reviews.csv --text-column review

Real texts (without `--data`, those of the demo corpus), raw, one a request unless said otherwise;
each caller sends the next request when it has the answer to the last. Servers run in a process of
their own, one at a time, the callers in this one: all share the cores. The plain app is Starlette
with `model.predict` in each request (`benchmarks/plain_app.py`). Each line is one JSON object;
`ratio` above 1 means that we are faster than `against`.
"""

import argparse
import asyncio
import itertools
import json
import random
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from benchmarks.first_request import free_port, served
from lstm_sentiment.serving.saved_model.saved_model import load_saved_model
from lstm_sentiment.text.corpus.demo import load_demo_corpus
from lstm_sentiment.text.corpus.reading import read_texts
from lstm_sentiment.version_folder import find_version

_NAME = "sentiment"
_BATCHING = Path(__file__).parent.parent / "serving_configs" / "batching.config"
_LARGE, _GROUP = 128, 64
_FIRST_CALLS = 20

Ask = Callable[[int], Awaitable[object]]


@dataclass(frozen=True)
class Load:
    """What some callers saw of a server.

    Attributes:
        per_second: Requests answered a second.
        p50: Median seconds a request.
        p99: 99th percentile of the seconds a request.
    """

    per_second: float
    p50: float
    p99: float


def main() -> None:
    """Reads the flags, measures everything in turn and prints a line for each result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="a version, or a base path")
    parser.add_argument("--data", type=Path, help="texts to ask for; default: the demo corpus")
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 8, 64])
    arguments = parser.parse_args()
    version_dir = find_version(arguments.model)
    if arguments.data is None:
        texts = list(load_demo_corpus().drop_empty().texts)
    else:
        texts = read_texts(arguments.data, text_column=arguments.text_column)
    random.Random(0).shuffle(texts)
    seconds, most = arguments.seconds, max(arguments.concurrency)

    one, group = in_process(version_dir, texts, seconds)
    say("in process, one text a call", per_second=1 / one, p50=one)
    say(f"in process, {_GROUP} texts a call", texts_per_second=_GROUP / group, p50=group)
    loads: dict[tuple[str, int], Load] = {}
    with plain_app(version_dir) as port:
        ask = asker_of_plain_app(texts)
        for callers in arguments.concurrency:
            load = loads["plain", callers] = asyncio.run(rest(port, ask, callers, seconds))
            say(f"plain app, concurrency {callers}", **vars(load))
    for batching in (False, True):
        mode = "batching" if batching else "no batching"
        with our_server(version_dir, batching, most) as (port, rest_api_port):
            for callers in arguments.concurrency:
                load = asyncio.run(by_grpc(port, texts, callers, seconds))
                loads[mode, callers] = load
                say(
                    f"gRPC, {mode}, concurrency {callers}",
                    against="plain app",
                    ratio=load.per_second / loads["plain", callers].per_second,
                    against_p99_ms=1e3 * loads["plain", callers].p99,
                    **vars(load),
                )
            load = asyncio.run(rest(rest_api_port, asker_of_rest(texts), most, seconds))
            say(
                f"REST, {mode}, concurrency {most}",
                against="plain app",
                ratio=load.per_second / loads["plain", most].per_second,
                **vars(load),
            )
            if not batching:
                one_by_grpc, one_here = one_text(version_dir, port, texts)
                say(
                    "gRPC, one text",
                    p50=one_by_grpc,
                    against="in process, the same texts in turn",
                    against_p50_ms=1e3 * one_here,
                    ratio=one_here / one_by_grpc,
                    beyond_ms=1e3 * (one_by_grpc - one_here),
                )
                large, small = asyncio.run(large_and_small(port, texts))
                say(
                    f"{_LARGE} texts in one request",
                    seconds=large,
                    against=f"{_LARGE} requests",
                    against_seconds=small,
                    ratio=small / large,
                    share=large / small,
                )
    batched = loads["batching", most].per_second
    say(
        f"gRPC, batching, concurrency {most}",
        texts_per_second=batched,
        against=f"in process, {_GROUP} texts a call",
        ratio=batched / (_GROUP / group),
    )


def say(name: str, **figures: Any) -> None:
    """Prints one line; seconds of `p50` and `p99` become milliseconds."""
    line: dict[str, Any] = {"benchmark": "serving", "name": name}
    for key, value in figures.items():
        in_ms = key in ("p50", "p99")
        number = 1e3 * value if in_ms else value
        line[f"{key}_ms" if in_ms else key] = (
            round(number, 4) if isinstance(number, float) else number
        )
    print(json.dumps(line), flush=True)


def in_process(version_dir: Path, texts: Sequence[str], seconds: float) -> tuple[float, float]:
    """Median seconds of a call with one text and of one with 64."""
    servable = load_saved_model(version_dir)
    values = np.array([text.encode() for text in texts], dtype=object)

    def median(size: int) -> float:
        taken: list[float] = []
        began, start = time.perf_counter(), 0
        # The first calls take what others do not: the graph is made ready for them.
        while len(taken) < 2 * _FIRST_CALLS or time.perf_counter() - began < seconds:
            start = start + size if start + 2 * size <= len(values) else 0
            before = time.perf_counter()
            servable.run("text", {"text": values[start : start + size]})
            taken.append(time.perf_counter() - before)
        return statistics.median(taken[_FIRST_CALLS:])

    medians = median(1), median(_GROUP)
    servable.close()
    return medians


@contextmanager
def plain_app(version_dir: Path) -> Iterator[int]:
    """The port of the plain app, while it runs."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.plain_app", str(version_dir), str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as app:
        assert app.stdout is not None
        if not app.stdout.readline():
            sys.exit("the plain app could not start")
        try:
            while not is_listening(port):
                time.sleep(0.1)
            yield port
        finally:
            app.terminate()


def is_listening(port: int) -> bool:
    """Whether somebody takes connections there."""
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


@contextmanager
def our_server(version_dir: Path, batching: bool, callers: int) -> Iterator[tuple[int, int]]:
    """The ports of our server for gRPC and REST, while it runs."""
    flags = [f"--grpc-max-threads={callers + 8}"]
    if batching:
        flags += ["--enable-batching", f"--batching-parameters-file={_BATCHING}"]
    with served(version_dir.parent, flags) as ports:
        yield ports


async def load_of(ask: Ask, callers: int, seconds: float) -> Load:
    """Lets callers ask until there are answers of so many seconds, after a fifth of that."""
    numbers = itertools.count()
    answered: list[tuple[float, float]] = []
    first = time.perf_counter() + 0.2 * seconds
    last = first + seconds

    async def call() -> None:
        while (began := time.perf_counter()) < last:
            await ask(next(numbers))
            ended = time.perf_counter()
            answered.append((ended, ended - began))

    await asyncio.gather(*(call() for _ in range(callers)))
    taken = sorted(duration for ended, duration in answered if first <= ended <= last)
    if not taken:
        sys.exit(f"no answer within {seconds} seconds: give more --seconds")
    return Load(len(taken) / seconds, statistics.median(taken), taken[len(taken) * 99 // 100])


def predict_request(texts: Sequence[str]) -> predict_pb2.PredictRequest:
    """A request for the signature `text`."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = _NAME, "text"
    request.inputs["text"].CopyFrom(tf.make_tensor_proto(list(texts)))
    return request


async def by_grpc(port: int, texts: Sequence[str], callers: int, seconds: float) -> Load:
    """Load on our server over gRPC."""
    requests = [predict_request([text]) for text in texts[:4096]]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        predict = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict
        return await load_of(lambda n: predict(requests[n % len(requests)]), callers, seconds)


def one_text(version_dir: Path, port: int, texts: Sequence[str]) -> tuple[float, float]:
    """Median seconds for one text over gRPC and in process, by turns."""
    servable = load_saved_model(version_dir)
    there, here = [], []
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        predict = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict
        for text in texts[:1000]:
            request, values = predict_request([text]), np.array([text.encode()], dtype=object)
            began = time.perf_counter()
            predict(request)
            between = time.perf_counter()
            servable.run("text", {"text": values})
            there.append(between - began)
            here.append(time.perf_counter() - between)
    servable.close()
    return statistics.median(there[_FIRST_CALLS:]), statistics.median(here[_FIRST_CALLS:])


async def large_and_small(port: int, texts: Sequence[str]) -> tuple[float, float]:
    """Seconds for many texts in one request, and one after the other; medians of seven."""
    chosen = texts[:_LARGE]
    large, small = predict_request(chosen), [predict_request([text]) for text in chosen]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        predict = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict
        taken: dict[int, list[float]] = {1: [], _LARGE: []}
        for _ in range(7):
            for requests in ([large], small):
                before = time.perf_counter()
                for request in requests:
                    await predict(request)
                taken[len(requests)].append(time.perf_counter() - before)
    return statistics.median(taken[1]), statistics.median(taken[_LARGE])


def asker_of_plain_app(texts: Sequence[str]) -> list[bytes]:
    """HTTP requests to the plain app."""
    return [_post("/predict", {"text": text}) for text in texts[:4096]]


def asker_of_rest(texts: Sequence[str]) -> list[bytes]:
    """HTTP requests to our REST API."""
    path = f"/v1/models/{_NAME}:predict"
    return [_post(path, {"signature_name": "text", "instances": [text]}) for text in texts[:4096]]


def _post(path: str, document: Any) -> bytes:
    body = json.dumps(document).encode()
    return b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (
        path.encode(),
        len(body),
        body,
    )


async def rest(port: int, requests: Sequence[bytes], callers: int, seconds: float) -> Load:
    """Load over HTTP, a connection for each caller that stays open."""
    connections = [await asyncio.open_connection("127.0.0.1", port) for _ in range(callers)]
    free = list(connections)

    async def ask(number: int) -> None:
        reader, writer = connection = free.pop()
        writer.write(requests[number % len(requests)])
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200"):
            sys.exit(f"the server answered {head!r}")
        length = head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0]
        await reader.readexactly(int(length))
        free.append(connection)

    load = await load_of(ask, callers, seconds)
    for _, writer in connections:
        writer.close()
    return load


if __name__ == "__main__":
    main()
