"""Answers requests of several callers together, a version's own way of being asked unchanged.

After `tensorflow_serving/batching/batching_session.h`. Unlike there, inputs of different widths are
never padded to one: ids would be read as others.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.batching.scheduler import Arrays, BatchScheduler
from lstm_sentiment.serving.caller import ANYBODY, Caller
from lstm_sentiment.serving.checked_inputs import checked_inputs
from lstm_sentiment.serving.errors import RequestTooLargeError
from lstm_sentiment.serving.servable import Array, Servable, Signature
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.version_folder import TEXT_STATISTICS


class BatchingServable:
    """A servable whose requests are answered together with others'.

    Attributes:
        signatures: The signatures of the servable, by key.
    """

    def __init__(
        self, servable: Servable, servable_id: ServableId, scheduler: BatchScheduler
    ) -> None:
        """Puts a scheduler before a servable.

        Args:
            servable: Who answers.
            servable_id: Which version it is.
            scheduler: Who gathers requests.
        """
        self._servable, self._id, self._scheduler = servable, servable_id, scheduler
        self.signatures = servable.signatures
        # The server asks for the statistics itself, and no caller is to wait behind that.
        self._batched = {
            key
            for key, signature in servable.signatures.items()
            if is_batchable(signature) and key != TEXT_STATISTICS
        }

    @property
    def signature_defs(self) -> Mapping[str, Any]:
        """Those of the servable."""
        return self._servable.signature_defs

    def run(
        self, signature_key: str, inputs: Arrays, *, caller: Caller = ANYBODY
    ) -> dict[str, Array]:
        """Answers one request, see `Servable.run`; together with others where that is possible.

        Args:
            signature_key: One of `signatures`.
            inputs: An array for each input of the signature, by name.
            caller: Who waits for the answer.

        Returns:
            An array for each output of the signature, by name.

        Raises:
            SignatureNotFoundError: If there is no such signature.
            InvalidInputError: If the inputs do not fit the signature, or have more rows than a
                batch may have.
            ServableRunError: If the servable itself failed.
            OverloadedError: If too many requests wait.
            DeadlineExceededError: If the caller's deadline passes first.
            RequestCancelledError: If the caller goes away first.
        """
        if signature_key not in self._batched:
            return self._servable.run(signature_key, inputs, caller=caller)
        checked = checked_inputs(self.signatures[signature_key], inputs)
        rows = _common_rows(checked)
        if not rows:
            return self._servable.run(signature_key, inputs, caller=caller)
        widths = tuple(array.shape[1:] for array in checked.values())

        def run(batch: Arrays) -> Arrays:
            return self._servable.run(signature_key, batch)

        key = ((self._id, signature_key), widths)
        answers = self._scheduler.answer(key, self._id, run, self._parts(checked, rows), caller)
        if len(answers) == 1:
            return dict(answers[0])
        return {name: np.concatenate([part[name] for part in answers]) for name in answers[0]}

    @property
    def unbatched(self) -> Servable:
        """The servable alone, whose answers wait for nobody else's."""
        return self._servable

    def _parts(self, inputs: Arrays, rows: int) -> list[tuple[Arrays, int]]:
        parameters = self._scheduler.parameters
        if rows > parameters.max_batch_size:
            raise RequestTooLargeError(
                f"Task size {rows} is larger than maximum input batch size "
                f"{parameters.max_batch_size}",
                max_batch_size=parameters.max_batch_size,
            )
        most = parameters.largest_batch
        if rows <= most:
            return [(inputs, rows)]
        return [
            ({name: array[at : at + most] for name, array in inputs.items()}, min(most, rows - at))
            for at in range(0, rows, most)
        ]


def unbatched(servable: Servable) -> Servable:
    """Takes away the line that requests wait in for a batch, if there is one.

    Args:
        servable: Any.

    Returns:
        One that answers at once, and holds up nobody in that line.
    """
    return servable.unbatched if isinstance(servable, BatchingServable) else servable


def is_batchable(signature: Signature) -> bool:
    """Whether requests to a signature can be answered together, and nobody will notice.

    Each input and output must have one row for each text, and no other dimension of an output may
    depend on the others' texts.

    Args:
        signature: Which one.
    """
    shapes = [info.shape for info in (*signature.inputs.values(), *signature.outputs.values())]
    if any(not shape.rank or shape[0] is not None for shape in shapes):
        return False
    return all(info.shape[1:].is_fully_defined() for info in signature.outputs.values())


def _common_rows(inputs: Arrays) -> int:
    rows = {len(array) for array in inputs.values()}
    if len(rows) > 1:
        raise InvalidInputError(
            "Batching session Run() input tensors must have equal 0th-dimension size"
        )
    return rows.pop() if rows else 0
