"""Measures a server over a time, by `/proc` and by two honest callers."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc

from benchmarks.callers import Transport, asking, grpc_predict, rest_predict
from benchmarks.processes import Server

_TEXT = "房间很干净，服务也好"
_PAUSE_SECONDS = 0.02
_PATIENCE_SECONDS = 5.0
_SAMPLE_SECONDS = 0.05


@dataclass
class Cost:
    """The cost of a server over a time.

    Attributes:
        cpu_seconds: Of all its threads.
        mib: The most resident memory.
        kept_mib: Resident memory at the end.
        threads: The most threads.
        descriptors: The most open file descriptors.
        log_bytes: Bytes written to its standard error.
        latencies: Seconds until each answer that a caller of a text had, by transport.
        failures: Requests of such callers without an answer, within 5 seconds or at all.
    """

    cpu_seconds: float = 0.0
    mib: float = 0.0
    kept_mib: float = 0.0
    threads: int = 0
    descriptors: int = 0
    log_bytes: int = 0
    latencies: dict[Transport, list[float]] = field(
        default_factory=lambda: {"gRPC": [], "REST": []}
    )
    failures: int = 0


@contextmanager
def costs(server: Server) -> Iterator[Cost]:
    """Measures what a server costs while the context lasts; the figures stand at its end.

    Two honest callers ask for one text all the while, one by each transport, with a pause of 20 ms
    after each answer. They wait for 5 seconds at most.
    """
    cost = Cost()
    is_over = threading.Event()
    callers = threading.Thread(target=lambda: asyncio.run(_ask_both(server, cost, is_over)))
    sampler = threading.Thread(target=_sample, args=(server, cost, is_over))
    cpu, log = server.cpu_seconds(), server.log.stat().st_size
    for thread in (callers, sampler):
        thread.start()
    try:
        yield cost
    finally:
        is_over.set()
        for thread in (callers, sampler):
            thread.join()
        cost.cpu_seconds = server.cpu_seconds() - cpu
        cost.log_bytes = server.log.stat().st_size - log
        cost.kept_mib = server.process.mib()


def _sample(server: Server, cost: Cost, is_over: threading.Event) -> None:
    while True:
        cost.mib = max(cost.mib, server.process.mib())
        cost.threads = max(cost.threads, server.process.threads())
        cost.descriptors = max(cost.descriptors, server.process.descriptors())
        if is_over.wait(_SAMPLE_SECONDS):
            return


async def _ask_both(server: Server, cost: Cost, is_over: threading.Event) -> None:
    await asyncio.gather(
        _ask("gRPC", server.port, grpc_predict([_TEXT]), cost, is_over),
        _ask("REST", server.rest_api_port, rest_predict([_TEXT]), cost, is_over),
    )


async def _ask(
    transport: Transport, port: int, request: bytes, cost: Cost, is_over: threading.Event
) -> None:
    while not is_over.is_set():
        # A caller whose connection failed makes a new one.
        try:
            async with asking(transport, f"127.0.0.1:{port}", [request], 1) as ask:
                while not is_over.is_set():
                    began = time.perf_counter()
                    async with asyncio.timeout(_PATIENCE_SECONDS):
                        await ask(0)
                    cost.latencies[transport].append(time.perf_counter() - began)
                    await asyncio.sleep(_PAUSE_SECONDS)
        except (grpc.aio.AioRpcError, OSError):
            cost.failures += 1
            await asyncio.sleep(_PAUSE_SECONDS)
