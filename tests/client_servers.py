"""A server that records what it is asked, and both clients behind one way of asking."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from lstm_sentiment.client.async_client import AsyncPredictClient
from lstm_sentiment.client.predict_client import PredictClient
from lstm_sentiment.client.retries import Timing


@dataclass(frozen=True)
class Refusal:
    code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE
    details: str = "not now"
    trailing: tuple[tuple[str, str], ...] = ()


@dataclass
class FakeServer(
    prediction_service_pb2_grpc.PredictionServiceServicer,
    model_service_pb2_grpc.ModelServiceServicer,
):
    """Answers each text with itself as label, and each row of ids with its sum.

    `refusals` come first, one a request. More rows than `max_rows` are refused; `told_limit` says
    what the refusal tells of it.
    """

    refusals: list[Refusal] = field(default_factory=list)
    max_rows: int | None = None
    told_limit: str | None = None
    on_request: Callable[[grpc.ServicerContext], None] = lambda context: None
    requests: list[Any] = field(default_factory=list)
    metadata: list[dict[str, Any]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    info: get_model_metadata_pb2.GetModelMetadataResponse = field(
        default_factory=get_model_metadata_pb2.GetModelMetadataResponse
    )
    status: get_model_status_pb2.GetModelStatusResponse = field(
        default_factory=get_model_status_pb2.GetModelStatusResponse
    )

    def Predict(
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        [tensor] = request.inputs.values()
        rows = tf.make_ndarray(tensor)
        self._receive(request, context, len(rows))
        response = predict_pb2.PredictResponse()
        response.model_spec.version.value = 7
        for name, value in _outputs(request.model_spec.signature_name, rows).items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
        return response

    def Classify(
        self, request: classification_pb2.ClassificationRequest, context: grpc.ServicerContext
    ) -> classification_pb2.ClassificationResponse:
        examples = request.input.example_list.examples
        self._receive(request, context, len(examples))
        response = classification_pb2.ClassificationResponse()
        for example in examples:
            [text] = example.features.feature["text"].bytes_list.value
            classes = response.result.classifications.add().classes
            classes.add(label=text.decode(), score=0.75)
            classes.add(label="other", score=0.25)
        return response

    def GetModelStatus(
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        self._receive(request, context, 1)
        return self.status

    def GetModelMetadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest, context: grpc.ServicerContext
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        self._receive(request, context, 1)
        return self.info

    def _receive(self, request: Any, context: grpc.ServicerContext, rows: int) -> None:
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        self.sizes.append(rows)
        self.on_request(context)
        if self.refusals:
            refusal = self.refusals.pop(0)
            context.set_trailing_metadata(refusal.trailing)
            context.abort(refusal.code, refusal.details)
        if self.max_rows is not None and rows > self.max_rows:
            if self.told_limit is not None:
                context.set_trailing_metadata((("max-batch-size", self.told_limit),))
            context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"`text` must have at most {self.max_rows} rows. Received: {rows} rows.",
            )


def _outputs(signature: str, rows: Any) -> dict[str, Any]:
    if signature == "serving_default":
        return {
            "predict_classification": rows.sum(axis=1),
            "predict_scores": rows.astype("float32"),
        }
    probabilities = [[0.25, 0.75]] * len(rows)
    if signature == "explain":
        return {
            "label": rows,
            "probabilities": probabilities,
            "tokens": [[text, b""] for text in rows],
            "attributions": [[0.5, 0.0]] * len(rows),
        }
    classifications = tf.range(len(rows), dtype=tf.int64)
    return {"label": rows, "classification": classifications, "probabilities": probabilities}


@contextmanager
def serving(
    servicer: Any,
    credentials: grpc.ServerCredentials | None = None,
    *,
    threads: int = 2,
    port: int = 0,
) -> Iterator[str]:
    """Serves on a port of 127.0.0.1, and gives its address."""
    server = grpc.server(
        futures.ThreadPoolExecutor(threads), options=[("grpc.max_receive_message_length", -1)]
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(servicer, server)
    if isinstance(servicer, model_service_pb2_grpc.ModelServiceServicer):
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(servicer, server)
    address = f"127.0.0.1:{port}"
    if credentials is None:
        port = server.add_insecure_port(address)
    else:
        port = server.add_secure_port(address, credentials)
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


class BlockingTwin:
    """An `AsyncPredictClient` that is asked as a `PredictClient` is."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._twin = AsyncPredictClient(*args, **options)
        self._runner = asyncio.Runner()

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return lambda *args, **options: self._runner.run(
            getattr(self._twin, method)(*args, **options)
        )

    def __enter__(self) -> "BlockingTwin":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._runner.run(self._twin.close())
        self._runner.close()


CLIENTS: list[Any] = [PredictClient, BlockingTwin]
"""Both clients, to be made with the same arguments and asked in the same way."""


class FakeTime:
    """A clock that only its sleeper moves, and a chance that always draws the longest."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    async def async_sleep(self, seconds: float) -> None:
        self.sleep(seconds)

    @property
    def timing(self) -> Timing:
        return Timing(lambda: self.now, self.sleep, self.async_sleep, lambda: 1.0)
