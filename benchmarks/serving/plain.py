"""The model server beside the app that a user would write, and beside calls in process."""

import asyncio
import json
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from benchmarks.callers import (
    PREDICT,
    Load,
    Transport,
    asking,
    grpc_predict,
    http_post,
    load_of,
    rest_predict,
)
from benchmarks.processes import BATCHING, REPOSITORY, Checkout, Server, free_port
from lstm_sentiment.versions.loading import load_servable

_LARGE, _GROUP = 128, 64
_FIRST_CALLS = 20
_TEXTS = 4096


def measure(
    version_dir: Path, texts: Sequence[str], seconds: float, concurrency: Sequence[int]
) -> None:
    """Measures everything in turn and prints a line for each result.

    Args:
        version_dir: The version.
        texts: Asked for.
        seconds: Of each measurement.
        concurrency: Numbers of callers to measure with.
    """
    one, group = in_process(version_dir, texts, seconds)
    say("in process, one text a call", per_second=1 / one, p50=one)
    say(f"in process, {_GROUP} texts a call", texts_per_second=_GROUP / group, p50=group)
    plain = measure_plain_app(version_dir, texts, seconds, concurrency)
    for batching in (False, True):
        ours = measure_server(version_dir, texts, seconds, batching, plain)
    batched = ours[max(concurrency)].per_second
    say(
        f"gRPC, batching, concurrency {max(concurrency)}",
        texts_per_second=batched,
        against=f"in process, {_GROUP} texts a call",
        ratio=batched / (_GROUP / group),
    )


def measure_plain_app(
    version_dir: Path, texts: Sequence[str], seconds: float, concurrency: Sequence[int]
) -> dict[int, Load]:
    """Measures the plain app, by the number of callers."""
    loads = {}
    requests = [http_post("/predict", {"text": text}) for text in texts[:_TEXTS]]
    with plain_app(version_dir) as port:
        for callers in concurrency:
            load = loads[callers] = _load("REST", port, requests, callers, seconds)
            say(f"plain app, concurrency {callers}", **_seen(load))
    return loads


def measure_server(
    version_dir: Path,
    texts: Sequence[str],
    seconds: float,
    batching: bool,
    plain: dict[int, Load],
) -> dict[int, Load]:
    """Measures our server beside the plain app, and returns what gRPC's callers saw."""
    mode, most = "batching" if batching else "no batching", max(plain)
    loads = {}
    with our_server(version_dir, batching, most) as server:
        by_grpc = [grpc_predict([text]) for text in texts[:_TEXTS]]
        for callers, beside in plain.items():
            load = loads[callers] = _load("gRPC", server.port, by_grpc, callers, seconds)
            say(
                f"gRPC, {mode}, concurrency {callers}",
                against="plain app",
                ratio=load.per_second / beside.per_second,
                against_p99_ms=1e3 * beside.p99,
                **_seen(load),
            )
        by_rest = [rest_predict([text]) for text in texts[:_TEXTS]]
        load = _load("REST", server.rest_api_port, by_rest, most, seconds)
        say(
            f"REST, {mode}, concurrency {most}",
            against="plain app",
            ratio=load.per_second / plain[most].per_second,
            **_seen(load),
        )
        if not batching:
            say_one_text(version_dir, server.port, texts)
            say_large_request(server.port, texts)
    return loads


def say_one_text(version_dir: Path, port: int, texts: Sequence[str]) -> None:
    """Prints what one text takes over gRPC and in process."""
    there, here = one_text(version_dir, port, texts)
    say(
        "gRPC, one text",
        p50=there,
        against="in process, the same texts in turn",
        against_p50_ms=1e3 * here,
        ratio=here / there,
        beyond_ms=1e3 * (there - here),
    )


def say_large_request(port: int, texts: Sequence[str]) -> None:
    """Prints what many texts take in one request and in many."""
    large, small = asyncio.run(large_and_small(port, texts))
    say(
        f"{_LARGE} texts in one request",
        seconds=large,
        against=f"{_LARGE} requests",
        against_seconds=small,
        ratio=small / large,
        share=large / small,
    )


def _load(
    transport: Transport, port: int, requests: Sequence[bytes], callers: int, seconds: float
) -> Load:
    connected = asking(transport, f"127.0.0.1:{port}", requests, callers)
    return load_of(connected, callers, seconds)


def _seen(load: Load) -> dict[str, float]:
    return {"per_second": load.per_second, "p50": load.p50, "p99": load.p99}


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
    servable = load_servable(version_dir)
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
    return medians


@contextmanager
def plain_app(version_dir: Path) -> Iterator[int]:
    """Runs the plain app, and yields its port."""
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
    """Returns whether a process takes connections there."""
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


@contextmanager
def our_server(version_dir: Path, batching: bool, callers: int) -> Iterator[Server]:
    """Runs this checkout's server."""
    flags = [f"--grpc-max-threads={callers + 8}"]
    if batching:
        flags += ["--enable-batching", f"--batching-parameters-file={BATCHING}"]
    with Checkout(REPOSITORY).served(version_dir.parent, *flags) as server:
        yield server


def one_text(version_dir: Path, port: int, texts: Sequence[str]) -> tuple[float, float]:
    """Median seconds for one text over gRPC and in process, by turns."""
    servable = load_servable(version_dir)
    there, here = [], []
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        predict: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(PREDICT)
        for text in texts[:1000]:
            request, values = grpc_predict([text]), np.array([text.encode()], dtype=object)
            began = time.perf_counter()
            predict(request)
            between = time.perf_counter()
            servable.run("text", {"text": values})
            there.append(between - began)
            here.append(time.perf_counter() - between)
    return statistics.median(there[_FIRST_CALLS:]), statistics.median(here[_FIRST_CALLS:])


async def large_and_small(port: int, texts: Sequence[str]) -> tuple[float, float]:
    """Seconds for many texts in one request, and one after the other; medians of seven."""
    chosen = texts[:_LARGE]
    large, small = grpc_predict(chosen), [grpc_predict([text]) for text in chosen]
    taken: dict[int, list[float]] = {1: [], _LARGE: []}
    async with asking("gRPC", f"127.0.0.1:{port}", [large, *small], 1) as ask:
        for _ in range(7):
            for numbers in (range(1), range(1, _LARGE + 1)):
                before = time.perf_counter()
                for number in numbers:
                    await ask(number)
                taken[len(numbers)].append(time.perf_counter() - before)
    return statistics.median(taken[1]), statistics.median(taken[_LARGE])
