"""Servables that answer what a test says, and a manager that holds one of them."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lstm_sentiment.errors import InvalidInputError, ServableNotFoundError
from lstm_sentiment.protocol.dtypes import FLOAT32, STRING
from lstm_sentiment.protocol.signature_pb2 import SignatureDef
from lstm_sentiment.serving.caller import ANYBODY, Caller
from lstm_sentiment.serving.inference.dataplane import DataPlane
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.inference.runner import Runner
from lstm_sentiment.serving.servable import (
    Array,
    ManagerState,
    ServableHandle,
    ServableState,
    Signature,
    TensorInfo,
)
from lstm_sentiment.serving.servable_id import ServableId

Answer = Callable[[Mapping[str, Array], Caller], dict[str, Array]]


def array_of(value: Any) -> Array:
    """The array that a session would give: strings are bytes in an array of objects."""
    objects = np.array(value, dtype=object)
    first = next(iter(objects.flat), None)
    if isinstance(first, str | bytes):
        texts = [v if isinstance(v, bytes) else v.encode() for v in objects.flat]
        return np.array(texts, dtype=object).reshape(objects.shape)
    return np.asarray(value)


class FakeServable:
    """A servable with any signatures."""

    def __init__(self) -> None:
        self.signatures: dict[str, Signature] = {}
        self.signature_defs: dict[str, SignatureDef] = {}
        self.received: list[tuple[str, Mapping[str, Array]]] = []
        self.callers: list[Caller] = []
        self.counts: dict[str, Array] = {}
        self._answers: dict[str, Answer] = {}

    def add(
        self,
        key: str,
        answer: Answer | dict[str, Any],
        inputs: tuple[str, ...] = ("inputs",),
    ) -> "FakeServable":
        """A signature whose inputs are strings; `answer` is its outputs, or makes them."""
        if callable(answer):
            outputs: dict[str, Any] = {"y": np.zeros(1, np.float32)}
            self._answers[key] = answer
        else:
            outputs = {name: array_of(value) for name, value in answer.items()}
            self._answers[key] = lambda inputs, caller: outputs
        self.signatures[key] = Signature(
            key,
            {name: TensorInfo(STRING, (None,)) for name in inputs},
            {name: TensorInfo(FLOAT32, None) for name in outputs},
        )
        definition = SignatureDef()
        for name in inputs:
            definition.inputs[name].name = "input:0"
        self.signature_defs[key] = definition
        return self

    def run(
        self,
        signature_key: str,
        inputs: Mapping[str, Array],
        *,
        caller: Caller = ANYBODY,
        with_counts: bool = False,
    ) -> dict[str, Array]:
        self.received.append((signature_key, inputs))
        self.callers.append(caller)
        outputs = self._answers[signature_key](inputs, caller)
        return outputs | self.counts if with_counts else outputs


class OneServable:
    """A manager of version 3 of model `m`, labelled `stable`."""

    def __init__(self, servable: Any) -> None:
        self._servable = servable
        self.events: list[str] = []

    def get_handle(
        self, name: str, version: int | None = None, label: str | None = None
    ) -> ServableHandle:
        if label is not None:
            version = self.version_of_label(name, label)
        if name != "m" or version not in (None, 3):
            raise ServableNotFoundError("nobody")
        self.events.append("taken")
        return ServableHandle(
            ServableId("m", 3), self._servable, lambda: self.events.append("released")
        )

    def version_of_label(self, name: str, label: str) -> int:
        if label != "stable":
            raise InvalidInputError("no such label")
        return 3

    def states(self, name: str) -> list[ServableState]:
        return [ServableState(ServableId(name, 3), ManagerState.AVAILABLE)] if name == "m" else []


def plane_of(
    servable: Any,
    limits: RequestLimits | None = None,
    *,
    max_threads: int | None = None,
    with_counts: bool = False,
) -> DataPlane:
    """A data plane that asks one servable."""
    manager: Any = OneServable(servable)
    runner = Runner(max_threads)
    return DataPlane(manager, limits=limits, runner=runner, with_counts=with_counts)
