"""Tensors that claim more elements than they hold."""

from benchmarks.callers import PREDICT
from benchmarks.processes import NAME
from benchmarks.siege.asking import grpc_statuses
from benchmarks.siege.attack import Attack, Target
from lstm_sentiment.protocol.prediction_pb2 import PredictRequest
from lstm_sentiment.protocol.tensor_pb2 import DataType

_INPUTS = 200
_CLAIMED = 1 << 20
_REQUESTS = 2
_PATIENCE_SECONDS = 15.0


def _run(target: Target) -> str:
    request = PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = NAME, "text"
    for number in range(_INPUTS):
        tensor = request.inputs[f"x{number}"]
        tensor.dtype = DataType.DT_STRING
        tensor.tensor_shape.dim.add(size=_CLAIMED)
    message = request.SerializeToString()
    answers = grpc_statuses(target, PREDICT, [message] * _REQUESTS, _PATIENCE_SECONDS)
    return f"{len(message):,} bytes a request; answers {dict(answers)}"


ATTACK = Attack(
    name="implied-elements",
    stands_for="A1",
    what=f"Two Predicts of {_INPUTS} inputs that each claim 2^20 strings and hold none.",
    run=_run,
    seconds=_REQUESTS * _PATIENCE_SECONDS + 5,
)
