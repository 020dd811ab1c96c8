"""A servable that batches the requests of several callers.

After `tensorflow_serving/batching/batching_session.h`. Unlike there, inputs of different widths are
never padded to one width: the padding would be read as token ids.
"""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.signature_pb2 import SignatureDef
from lstm_sentiment.serving.batching.batch_queue import BatchKey, BatchTarget
from lstm_sentiment.serving.batching.batch_request import Arrays
from lstm_sentiment.serving.batching.scheduler import BatchScheduler
from lstm_sentiment.serving.caller import ANYBODY, Caller
from lstm_sentiment.serving.checked_inputs import (
    CheckedInputs,
    checked_inputs,
    have_declared_shapes,
)
from lstm_sentiment.serving.errors import RequestTooLargeError
from lstm_sentiment.serving.servable import Array, Servable, Signature
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.version_folder import TEXT_STATISTICS


class _Question(NamedTuple):
    target: BatchTarget
    parts: list[tuple[Arrays, int]]


class BatchingServable:
    """Runs concurrent requests of a servable in batches.

    Attributes:
        signatures: The servable's signatures, by key.
    """

    def __init__(
        self, servable: Servable, servable_id: ServableId, scheduler: BatchScheduler
    ) -> None:
        """Wraps a servable; the scheduler queues requests and calls it with batches of them."""
        self._servable, self._id, self._scheduler = servable, servable_id, scheduler
        self.signatures = servable.signatures
        # The server itself asks for the statistics; no caller may have to wait for that.
        self._batched = {
            key
            for key, signature in servable.signatures.items()
            if is_batchable(signature) and key != TEXT_STATISTICS
        }

    @property
    def signature_defs(self) -> Mapping[str, SignatureDef]:
        """The servable's `SignatureDef` messages, by key."""
        return self._servable.signature_defs

    def run(
        self,
        signature_key: str,
        inputs: Arrays,
        *,
        caller: Caller = ANYBODY,
        with_counts: bool = False,
    ) -> dict[str, Array]:
        """Runs a signature, see `Servable.run`, in a batch with other requests where possible.

        Raises:
            RequestTooLargeError: If the inputs have more rows than a batch may have.
        """
        question = self._question(signature_key, inputs, with_counts)
        if question is None:
            return self._servable.run(signature_key, inputs, caller=caller, with_counts=with_counts)
        return _joined(self._scheduler.answer(question.target, question.parts, caller))

    async def run_async(
        self,
        signature_key: str,
        inputs: Arrays,
        *,
        caller: Caller = ANYBODY,
        with_counts: bool = False,
        on_loop: bool = False,
    ) -> dict[str, Array]:
        """Awaits the outputs of a signature: see `run`. No thread waits for a batch meanwhile.

        A request that cannot be batched runs in a thread of the event loop's executor.

        Args:
            signature_key: The signature.
            inputs: An array for each input, by name.
            caller: The caller.
            with_counts: Whether to add the counts of the texts.
            on_loop: Whether the event loop may run the batch itself, which takes some milliseconds,
                in the place of a thread.
        """
        question = self._question(signature_key, inputs, with_counts)
        if question is None:
            run = partial(
                self._servable.run,
                signature_key,
                inputs,
                caller=caller,
                with_counts=with_counts,
            )
            return await asyncio.get_running_loop().run_in_executor(None, run)
        answer = self._scheduler.answer_async(*question, caller, on_loop=on_loop)
        return _joined(await answer)

    def batches(self, signature_key: str) -> bool:
        """Returns whether requests of a signature are put into batches."""
        return signature_key in self._batched

    @property
    def unbatched(self) -> Servable:
        """The wrapped servable, which runs each request at once."""
        return self._servable

    def _question(
        self, signature_key: str, inputs: Arrays, with_counts: bool
    ) -> "_Question | None":
        """Checks the inputs of a request; returns `None` where it cannot be batched."""
        if signature_key not in self._batched:
            return None
        signature = self.signatures[signature_key]
        checked = checked_inputs(signature, inputs)
        if not have_declared_shapes(checked):
            # The model decides what it takes; nobody else's request depends on that.
            return None
        rows = _common_rows(checked)
        if not rows:
            return None

        def run(batch: Arrays, caller: Caller) -> Arrays:
            return self._servable.run(
                signature_key,
                CheckedInputs(signature, batch),
                caller=caller,
                with_counts=with_counts,
            )

        widths = tuple(array.shape[1:] for array in checked.values())
        key: BatchKey = (self._id, signature_key, widths, with_counts)
        return _Question(BatchTarget(key, run), self._parts(signature_key, checked, rows))

    def _parts(self, signature_key: str, inputs: Arrays, rows: int) -> list[tuple[Arrays, int]]:
        parameters = self._scheduler.parameters
        if rows > parameters.max_batch_size:
            raise RequestTooLargeError(
                f"Task size {rows} is larger than maximum input batch size "
                f"{parameters.max_batch_size}",
                max_batch_size=parameters.max_batch_size,
            )
        most = self._scheduler.largest_batch(self._id, signature_key)
        if rows <= most or not parameters.enable_large_batch_splitting:
            return [(inputs, rows)]
        return [
            ({name: array[at : at + most] for name, array in inputs.items()}, min(most, rows - at))
            for at in range(0, rows, most)
        ]


def unbatched(servable: Servable) -> Servable:
    """Returns the servable without batching, which runs each request at once."""
    return servable.unbatched if isinstance(servable, BatchingServable) else servable


def is_batchable(signature: Signature) -> bool:
    """Returns whether batching cannot change the answers of a signature.

    Each input and output must have one row for each text, and no other dimension of an output may
    depend on other texts of the batch.
    """
    shapes = [info.shape for info in (*signature.inputs.values(), *signature.outputs.values())]
    if any(shape is None or shape[:1] != (None,) for shape in shapes):
        return False
    return all(None not in (info.shape or ())[1:] for info in signature.outputs.values())


def _joined(answers: Sequence[Arrays]) -> dict[str, Array]:
    if len(answers) == 1:
        return dict(answers[0])
    return {name: np.concatenate([part[name] for part in answers]) for name in answers[0]}


def _common_rows(inputs: Arrays) -> int:
    rows = {len(array) for array in inputs.values()}
    if len(rows) > 1:
        raise InvalidInputError(
            "Batching session Run() input tensors must have equal 0th-dimension size"
        )
    return rows.pop() if rows else 0
