"""Many callers of a server, over gRPC or REST, whose messages are bytes made beforehand.

The callers run in this process, in one thread, and do little: what is measured is the server.
"""

import asyncio
import itertools
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import grpc

from benchmarks.processes import NAME, RunningProcess
from lstm_sentiment.protocol.open_inference_pb2 import ModelInferRequest
from lstm_sentiment.protocol.prediction_pb2 import PredictRequest
from lstm_sentiment.protocol.tensor_pb2 import DataType

Transport = Literal["gRPC", "REST"]
Ask = Callable[[int], Awaitable[bytes]]
"""Sends the request of a number, and returns the answer's message or body.

Raises:
    grpc.aio.AioRpcError: If gRPC's status is not OK.
    OSError: If HTTP's status is not 200, or the connection is lost.
"""

PREDICT = "/tensorflow.serving.PredictionService/Predict"
MODEL_INFER = "/inference.GRPCInferenceService/ModelInfer"
_END_OF_HEAD = b"\r\n\r\n"
_WARM_UP_SHARE = 0.2


@dataclass(frozen=True)
class Load:
    """What some callers saw of a server, and what it cost the server.

    Attributes:
        per_second: Requests answered a second.
        p50: Median seconds a request.
        p99: 99th percentile of the seconds a request.
        cpu_seconds: Of the server's processes, a request; NaN if none was watched.
        mib: Resident memory of the server's processes at the end; NaN if none was watched.
    """

    per_second: float
    p50: float
    p99: float
    cpu_seconds: float
    mib: float


def grpc_predict(texts: Sequence[str]) -> bytes:
    """Returns the message that asks for the signature `text`."""
    request = PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = NAME, "text"
    tensor = request.inputs["text"]
    tensor.dtype = DataType.DT_STRING
    tensor.tensor_shape.dim.add().size = len(texts)
    tensor.string_val.extend(text.encode() for text in texts)
    serialized: bytes = request.SerializeToString()
    return serialized


def rest_predict(texts: Sequence[str]) -> bytes:
    """Returns the HTTP request that asks for the signature `text`."""
    document = {"signature_name": "text", "instances": list(texts)}
    return http_post(f"/v1/models/{NAME}:predict", document)


def grpc_infer(texts: Sequence[str]) -> bytes:
    """Returns the message that asks the same by the Open Inference Protocol, in raw bytes."""
    request = ModelInferRequest(model_name=NAME)
    request.inputs.add(name="text", datatype="BYTES", shape=[len(texts)])
    encoded = [text.encode() for text in texts]
    raw = b"".join(len(text).to_bytes(4, "little") + text for text in encoded)
    request.raw_input_contents.append(raw)
    serialized: bytes = request.SerializeToString()
    return serialized


def rest_infer(texts: Sequence[str]) -> bytes:
    """Returns the HTTP request that asks the same by the Open Inference Protocol."""
    tensor = {"name": "text", "shape": [len(texts)], "datatype": "BYTES", "data": list(texts)}
    return http_post(f"/v2/models/{NAME}/infer", {"inputs": [tensor]})


def http_post(path: str, document: Any, *, ascii_only: bool = True) -> bytes:
    """Returns an HTTP request with a JSON body, in which other letters are escaped or UTF-8."""
    body = json.dumps(document, ensure_ascii=ascii_only).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}"
    return head.encode() + _END_OF_HEAD + body


def asking(
    transport: Transport,
    address: str,
    requests: Sequence[bytes],
    callers: int,
    method: str = PREDICT,
) -> AbstractAsyncContextManager[Ask]:
    """Connects callers to a server.

    Args:
        transport: gRPC's callers share a connection; each of REST's has its own.
        address: Of the server, `host:port`.
        requests: Asked in turn: the request of number `n` is `requests[n % len(requests)]`.
        callers: Requests under way at any time.
        method: Path of gRPC's method.
    """
    if transport == "gRPC":
        return _asking_grpc(address, requests, method)
    return _asking_rest(address, requests, callers)


def load_of(
    connected: AbstractAsyncContextManager[Ask],
    callers: int,
    seconds: float,
    watched: RunningProcess | None = None,
) -> Load:
    """Lets callers ask, each as soon as it has the answer to its last.

    Args:
        connected: As `asking` returns it.
        callers: Requests under way at any time.
        seconds: Counted, after a fifth of that.
        watched: The server's process.
    """
    return asyncio.run(_load_of(connected, callers, seconds, watched))


async def _load_of(
    connected: AbstractAsyncContextManager[Ask],
    callers: int,
    seconds: float,
    watched: RunningProcess | None,
) -> Load:
    numbers = itertools.count()
    answered: list[tuple[float, float]] = []
    used = [float("nan")] * 2
    mib = float("nan")
    async with connected as ask:
        first = time.perf_counter() + _WARM_UP_SHARE * seconds
        last = first + seconds

        async def call() -> None:
            while (began := time.perf_counter()) < last:
                await ask(next(numbers))
                ended = time.perf_counter()
                answered.append((ended, ended - began))

        async def watch(process: RunningProcess) -> None:
            nonlocal mib
            for number, moment in enumerate((first, last)):
                await asyncio.sleep(moment - time.perf_counter())
                used[number] = process.cpu_seconds()
            mib = process.mib()

        watching = () if watched is None else (watch(watched),)
        await asyncio.gather(*watching, *(call() for _ in range(callers)))
    taken = sorted(duration for ended, duration in answered if first <= ended <= last)
    if not taken:
        sys.exit(f"error: no answer within {seconds} seconds: give more --seconds.")
    return Load(
        len(taken) / seconds,
        statistics.median(taken),
        taken[len(taken) * 99 // 100],
        (used[1] - used[0]) / len(taken),
        mib,
    )


@asynccontextmanager
async def _asking_grpc(address: str, requests: Sequence[bytes], method: str) -> AsyncIterator[Ask]:
    options = [("grpc.max_receive_message_length", -1)]
    async with grpc.aio.insecure_channel(address, options) as channel:
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
        yield lambda number: call(requests[number % len(requests)])


@asynccontextmanager
async def _asking_rest(address: str, requests: Sequence[bytes], callers: int) -> AsyncIterator[Ask]:
    host, _, port = address.rpartition(":")

    made: list[_Connection] = []

    async def connect() -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, host, int(port))
        made.append(connection)
        return connection

    free = [await connect() for _ in range(callers)]

    async def ask(number: int) -> bytes:
        connection = free.pop()
        try:
            if connection.is_lost:
                connection = await connect()
            return await connection.ask(requests[number % len(requests)])
        finally:
            free.append(connection)

    try:
        yield ask
    finally:
        for connection in made:
            connection.close()


class _Connection(asyncio.Protocol):
    """An HTTP connection that stays open, on which one request is under way at a time."""

    def __init__(self) -> None:
        self.is_lost = False
        self._received = b""
        self._answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def ask(self, request: bytes) -> Awaitable[bytes]:
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(_END_OF_HEAD)
        if not end or len(body) < _content_length(head):
            return
        self._received = b""
        if head.startswith(b"HTTP/1.1 200 "):
            self._answer.set_result(body)
        else:
            status = head.split(b"\r\n", 1)[0].decode()
            self._answer.set_exception(OSError(f"{status}: {body.decode(errors='replace')}"))

    def connection_lost(self, _: Exception | None) -> None:
        self.is_lost = True
        if not self._answer.done():
            self._answer.set_exception(ConnectionResetError("the connection was lost."))


def _content_length(head: bytes) -> int:
    return int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
