"""A servable that doubles numbers, for tests of batching."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.dtypes import INT64
from lstm_sentiment.serving.caller import ANYBODY, Caller
from lstm_sentiment.serving.errors import ServableRunError
from lstm_sentiment.serving.servable import Array, Signature, TensorInfo
from lstm_sentiment.serving.servable_id import ServableId

ID = ServableId("m", 1)
TIMEOUT_SECONDS = 30


def signature(key: str, inputs: dict[str, Any], outputs: dict[str, Any]) -> Signature:
    def infos(shapes: dict[str, Any]) -> dict[str, TensorInfo]:
        return {
            n: TensorInfo(INT64, None if shape is None else tuple(shape))
            for n, shape in shapes.items()
        }

    return Signature(key, infos(inputs), infos(outputs))


class Doubler:
    """Doubles numbers; notes what it was called with; refuses -1 and fails at -2."""

    def __init__(self) -> None:
        self.calls: list[list[Any]] = []
        self.inputs: list[Mapping[str, Array]] = []
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.is_asked = threading.Event()
        self.when_run: Callable[[], None] = lambda: None
        self.signatures = {
            "double": signature("double", {"x": [None]}, {"y": [None]}),
            "rows": signature("rows", {"x": [None, None]}, {"total": [None]}),
            "open": signature("open", {"x": [None]}, {"y": [None, None]}),
            "two": signature("two", {"a": [None], "b": [None]}, {"y": [None]}),
            "explain": signature("explain", {"x": [None]}, {"y": [None]}),
            "short": signature("short", {"x": [None]}, {"y": [None]}),
            "text_statistics": signature("text_statistics", {"x": [None]}, {"y": [None]}),
        }
        self.signature_defs: dict[str, Any] = {}

    def run(
        self,
        signature_key: str,
        inputs: Mapping[str, Array],
        *,
        caller: Caller = ANYBODY,
        with_counts: bool = False,
    ) -> dict[str, Array]:
        self.inputs.append(inputs)
        self.when_run()
        self.is_asked.set()
        assert self.may_answer.wait(TIMEOUT_SECONDS)
        if signature_key == "two":
            return {"y": inputs["a"] + inputs["b"]}
        x = inputs["x"]
        self.calls.append(x.tolist())
        if -1 in x:
            raise InvalidInputError("-1 is refused")
        if -2 in x:
            raise ServableRunError("-2 is too much")
        if signature_key == "rows":
            return {"total": x.sum(axis=1)}
        outputs = {"y": x[:-1] if signature_key == "short" else 2 * x}
        return outputs | {"num_tokens": 10 * x} if with_counts else outputs
