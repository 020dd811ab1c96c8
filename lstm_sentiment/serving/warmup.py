"""Runs a version's own warmup requests; `servables/tensorflow/saved_model_warmup.cc`."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.prediction_log_pb2 import PredictionLog
from lstm_sentiment.protocol.prediction_pb2 import ClassificationRequest, PredictRequest
from lstm_sentiment.protocol.tfrecord import read_records
from lstm_sentiment.serving.inference.classification import classify
from lstm_sentiment.serving.inference.examples import serialized_examples
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.inference.tensor_proto import tensor_from_proto
from lstm_sentiment.serving.servable import Servable
from lstm_sentiment.serving.thread_priority import rest
from lstm_sentiment.version_folder import DEFAULT_SIGNATURE_KEY

MAX_WARMUP_REQUESTS = 1000


def run_warmup_requests(servable: Servable, path: Path, iterations: int = 1) -> int:
    """Runs the Predict and Classify requests of a warmup file; skips records of other kinds.

    Args:
        servable: The loaded version.
        path: TFRecord file of `PredictionLog`; need not exist.
        iterations: Times that each request is run.

    Returns:
        The number of requests.

    Raises:
        LstmSentimentError: If the file is damaged, a request fails or there are more than
            `MAX_WARMUP_REQUESTS`.
    """
    if not path.is_file():
        return 0
    count = 0
    for log in _prediction_logs(path):
        kind = log.WhichOneof("log_type")
        if kind not in _SENDERS:
            continue
        count += 1
        if count > MAX_WARMUP_REQUESTS:
            raise InvalidInputError(
                f"{path.name} must hold at most {MAX_WARMUP_REQUESTS} requests. Received: more."
            )
        for _ in range(iterations):
            _SENDERS[kind](servable, getattr(log, kind).request)
            rest()
    return count


def _prediction_logs(path: Path) -> Iterator[PredictionLog]:
    for record in read_records(path):
        try:
            yield PredictionLog.FromString(record)
        except DecodeError as error:
            raise InvalidInputError(
                f"{path.name} must hold `PredictionLog` messages. Received: {error}."
            ) from error


def _send_predict(servable: Servable, request: PredictRequest) -> None:
    inputs = {name: tensor_from_proto(proto, name) for name, proto in request.inputs.items()}
    servable.run(request.model_spec.signature_name or DEFAULT_SIGNATURE_KEY, inputs)


def _send_classify(servable: Servable, request: ClassificationRequest) -> None:
    key = request.model_spec.signature_name or DEFAULT_SIGNATURE_KEY
    classify(servable, key, serialized_examples(request.input, RequestLimits()))


_SENDERS: dict[str, Callable[[Servable, Any], None]] = {
    "predict_log": _send_predict,
    "classify_log": _send_classify,
}
