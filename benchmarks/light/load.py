"""Many callers of a server over gRPC, whose messages are bytes made beforehand."""

import asyncio
import itertools
import sys
import time
from collections.abc import Sequence

import grpc

from benchmarks.light.processes import NAME
from lstm_sentiment.protocol.prediction_pb2 import PredictRequest
from lstm_sentiment.protocol.tensor_pb2 import DataType

_PREDICT = "/tensorflow.serving.PredictionService/Predict"


def requests_answered(
    port: int, texts: Sequence[str], callers: int, seconds: float
) -> tuple[float, int]:
    """Lets callers ask for a text at a time, each as soon as it has the answer to its last.

    Args:
        port: The server's.
        texts: Asked in turn.
        callers: Requests under way at any time.
        seconds: Counted, after a fifth of that.

    Returns:
        Requests a second in that time, and the number of all.
    """
    return asyncio.run(_asked([_request(text) for text in texts], port, callers, seconds))


def _request(text: str) -> bytes:
    request = PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = NAME, "text"
    tensor = request.inputs["text"]
    tensor.dtype = DataType.DT_STRING
    tensor.tensor_shape.dim.add().size = 1
    tensor.string_val.append(text.encode())
    serialized: bytes = request.SerializeToString()
    return serialized


async def _asked(
    requests: Sequence[bytes], port: int, callers: int, seconds: float
) -> tuple[float, int]:
    numbers = itertools.count()
    ended: list[float] = []
    first = time.perf_counter() + 0.2 * seconds
    last = first + seconds
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        predict: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(_PREDICT)

        async def call() -> None:
            while time.perf_counter() < last:
                await predict(requests[next(numbers) % len(requests)])
                ended.append(time.perf_counter())

        await asyncio.gather(*(call() for _ in range(callers)))
    count = sum(first <= moment <= last for moment in ended)
    if not count:
        sys.exit(f"error: no answer within {seconds} seconds: give more --seconds.")
    return count / seconds, len(ended)
