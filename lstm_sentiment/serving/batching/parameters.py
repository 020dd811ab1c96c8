"""Parameters of batching: `--batching_parameters_file`."""

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.model_server_config_pb2 import (
    BatchingParameters as BatchingParametersMessage,
)
from lstm_sentiment.ranges import TIMEOUT_SECONDS, check_fields, from_zero, positive_integers
from lstm_sentiment.serving.parameter_files import load_parameter_file
from lstm_sentiment.system import usable_cpus

# As in the protocol. `ServerOptions` bounds the threads that are started.
_COUNT, _MICROS = positive_integers(2**63 - 1), from_zero(2**63 - 1, is_integer=True)


@dataclass(frozen=True)
class BatchingParameters:
    """Parameters of batching; defaults as in TensorFlow Serving.

    Attributes:
        max_batch_size: Most rows in a batch; with `enable_large_batch_splitting`, in a request.
        batch_timeout_micros: Longest wait of a batch that is not full, in microseconds.
        max_enqueued_batches: Most batches that wait for a thread; requests beyond are refused.
        num_batch_threads: Batches run at the same time; by default one a CPU.
        thread_pool_name: Name of the threads.
        allowed_batch_sizes: A batch is padded with rows to the next of these sizes; empty for any
            size.
        pad_variable_length_inputs: Read, but without effect: rows of different lengths are never
            batched together.
        enable_large_batch_splitting: Spreads a large request over several batches.
        max_execution_batch_size: Most rows in a batch where requests are split; `None` for
            `max_batch_size`.
        latency_objective_seconds: The time that 99 of 100 batches shall take at most, by which
            their size is found, up to the largest of the parameters above; `None` for batches as
            large as may be. Not in TensorFlow Serving's file.

    Raises:
        InvalidInputError: If a value is out of its range, or values contradict each other.
    """

    max_batch_size: Annotated[int, _COUNT] = 1000
    batch_timeout_micros: Annotated[int, _MICROS] = 0
    max_enqueued_batches: Annotated[int, _COUNT] = 10
    num_batch_threads: Annotated[int, _COUNT] = field(default_factory=usable_cpus)
    thread_pool_name: str = "batch_threads"
    allowed_batch_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False
    enable_large_batch_splitting: bool = False
    max_execution_batch_size: Annotated[int | None, _COUNT] = None
    latency_objective_seconds: Annotated[float | None, TIMEOUT_SECONDS] = None

    def __post_init__(self) -> None:
        """Checks the values, each alone and against each other."""
        check_fields(self)
        self._check_max_execution_batch_size()
        self._check_allowed_batch_sizes()

    @property
    def largest_batch(self) -> int:
        """Most rows that are run in one batch."""
        if self.enable_large_batch_splitting and self.max_execution_batch_size is not None:
            return self.max_execution_batch_size
        return self.max_batch_size

    def _check_max_execution_batch_size(self) -> None:
        size = self.max_execution_batch_size
        if size is None:
            return
        if not self.enable_large_batch_splitting:
            raise InvalidInputError(
                "`max_execution_batch_size` must only be given with enable_large_batch_splitting. "
                f"Received: max_execution_batch_size={size}."
            )
        if size > self.max_batch_size:
            raise InvalidInputError(
                "`max_execution_batch_size` must be at most max_batch_size. Received: "
                f"max_execution_batch_size={size}, max_batch_size={self.max_batch_size}."
            )

    def _check_allowed_batch_sizes(self) -> None:
        sizes = self.allowed_batch_sizes
        if not sizes:
            return
        if sizes[0] < 1 or any(a >= b for a, b in itertools.pairwise(sizes)):
            raise InvalidInputError(
                "`allowed_batch_sizes` must be positive and in increasing order. "
                f"Received: allowed_batch_sizes={list(sizes)}."
            )
        if sizes[-1] != self.largest_batch:
            raise InvalidInputError(
                "the last of `allowed_batch_sizes` must be the largest batch, "
                f"{self.largest_batch}. Received: allowed_batch_sizes={list(sizes)}."
            )


def load_batching_parameters(path: str | Path) -> BatchingParameters:
    """Loads a batching parameter file; fields left out have their defaults.

    Args:
        path: A `BatchingParameters` in protobuf text format, UTF-8.

    Raises:
        ConfigError: One line that starts with the path, and the line number of a syntax error, if
            the file cannot be read or breaks a rule.
    """

    def parameters(message: BatchingParametersMessage) -> BatchingParameters:
        # A wrapper that is absent means the default, not 0.
        given = {descriptor.name: value for descriptor, value in message.ListFields()}
        sizes = tuple(given.pop("allowed_batch_sizes", ()))
        values = {name: getattr(value, "value", value) for name, value in given.items()}
        return BatchingParameters(**values, allowed_batch_sizes=sizes)

    return load_parameter_file(path, BatchingParametersMessage, parameters)
