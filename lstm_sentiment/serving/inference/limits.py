"""Limits of a request, so that one caller cannot block the server for the others."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from google.protobuf.message import DecodeError

from lstm_sentiment.checks import positive
from lstm_sentiment.protocol import example_pb2
from lstm_sentiment.serving.errors import RequestTooLargeError
from lstm_sentiment.serving.servable import Array, Signature

_MAX_CONTEXT_BYTES = 100 << 20


@dataclass(frozen=True)
class RequestLimits:
    """Limits of one request; `None` for no limit.

    Attributes:
        max_request_bytes: Bytes of a request as transferred, without headers.
        max_batch_size: Rows of an input, or examples.
        max_text_bytes: Bytes of each string. It limits the integers of a row too: a text has no
            more tokens than bytes, and a model takes as long for ids as for texts.

    Raises:
        InvalidInputError: If a limit is not positive.
    """

    max_request_bytes: int | None = None
    max_batch_size: int | None = None
    max_text_bytes: int | None = None

    def __post_init__(self) -> None:
        """Checks each limit."""
        positive(**asdict(self))

    @property
    def limit_inputs(self) -> bool:
        """True if rows or texts are limited, not only bytes of a request."""
        return self.max_batch_size is not None or self.max_text_bytes is not None

    def check_request_bytes(self, request_bytes: int) -> None:
        """Checks the size of a request before it is parsed.

        Args:
            request_bytes: Bytes that have been received so far, as transferred.

        Raises:
            RequestTooLargeError: If there are more than `max_request_bytes`.
        """
        if self.max_request_bytes is not None and request_bytes > self.max_request_bytes:
            raise RequestTooLargeError(
                f"a request must have at most {self.max_request_bytes} bytes. "
                f"Received: {request_bytes} bytes."
            )

    def check(self, signature: Signature, inputs: Mapping[str, Array]) -> None:
        """Checks the size of inputs before a model is run.

        Args:
            signature: The signature to run. Inputs with an open first dimension have rows.
            inputs: An array for each input, by name; strings are bytes in an array of objects.

        Raises:
            RequestTooLargeError: If there are too many rows, or one is too long.
        """
        for name, array in inputs.items():
            if not array.ndim or not _has_rows(signature, name):
                continue
            is_integer = array.dtype.kind in "iu"
            self._check_sizes(name, array.shape, array.size, is_integer=is_integer)
            if self.max_text_bytes is not None and array.size and array.dtype.hasobject:
                self._check_strings(name, array, self.max_text_bytes)

    def check_shape(self, signature: Signature, name: str, shape: tuple[int, ...]) -> None:
        """Checks the shape that a request claims for an input, before the input is read.

        Args:
            signature: The signature to run.
            name: The input, one of the signature's.
            shape: The shape.

        Raises:
            RequestTooLargeError: If there are too many rows, or one is too long.
        """
        if shape and _has_rows(signature, name):
            is_integer = signature.inputs[name].dtype.numpy.kind in "iu"
            self._check_sizes(name, shape, math.prod(shape), is_integer=is_integer)

    def check_example_count(self, count: int) -> None:
        """Checks the number of examples; the error is that of `check_examples`."""
        self._check_rows("the request", "examples", count)

    def check_context(self, examples: int, context_bytes: int) -> None:
        """Checks what the context of examples comes to, which is put before each of them.

        Args:
            examples: The number of examples.
            context_bytes: Bytes of the context.

        Raises:
            RequestTooLargeError: If the contexts of all have more than `max_request_bytes`; than
                100 MiB, where that is not limited.
        """
        limit = self.max_request_bytes or _MAX_CONTEXT_BYTES
        if examples * context_bytes > limit:
            raise RequestTooLargeError(
                f"a context, which is put before each example, must have at most {limit} bytes "
                f"for all of them. Received: {context_bytes} bytes for each of {examples} examples."
            )

    def check_examples(self, serialized_examples: Sequence[bytes]) -> None:
        """Checks the number of examples and the size of their features.

        Args:
            serialized_examples: A serialized `tf.Example` each.

        Raises:
            RequestTooLargeError: If there are too many examples, or a feature is too long.
        """
        self.check_example_count(len(serialized_examples))
        limit = self.max_text_bytes
        if limit is None:
            return
        for row, serialized in enumerate(serialized_examples):
            # A feature is shorter than its example.
            if len(serialized) <= limit:
                continue
            length = _longest_value(serialized)
            if length > limit:
                raise RequestTooLargeError(
                    f"each feature of an example must have at most {limit} bytes or numbers. "
                    f"Received: {length} in example {row}."
                )

    def _check_sizes(
        self, name: str, shape: tuple[int, ...], size: int, *, is_integer: bool
    ) -> None:
        self._check_rows(f"`{name}`", "rows", shape[0])
        limit = self.max_text_bytes
        if limit is None or not is_integer or not size:
            return
        width = size // shape[0]
        if width > limit:
            raise RequestTooLargeError(
                f"each row of `{name}` must have at most {limit} integers. Received: {width}."
            )

    def _check_rows(self, what: str, unit: str, count: int) -> None:
        if self.max_batch_size is not None and count > self.max_batch_size:
            raise RequestTooLargeError(
                f"{what} must have at most {self.max_batch_size} {unit}. Received: {count} {unit}.",
                max_batch_size=self.max_batch_size,
            )

    def _check_strings(self, name: str, array: Array, limit: int) -> None:
        values = array.ravel().tolist()
        # Most requests pass: the row is searched only for the error message.
        if max(map(len, values)) > limit:
            at = next(i for i, value in enumerate(values) if len(value) > limit)
            raise RequestTooLargeError(
                f"each of `{name}` must have at most {limit} bytes. "
                f"Received: {len(values[at])} bytes in row {at * len(array) // len(values)}."
            )


def _has_rows(signature: Signature, name: str) -> bool:
    info = signature.inputs.get(name)
    if info is None:  # unknown names are refused elsewhere
        return True
    return info.shape is None or info.shape[:1] == (None,)


def _longest_value(serialized: bytes) -> int:
    # A broken example counts with its whole size.
    try:
        example = example_pb2.Example.FromString(serialized)
    except DecodeError:
        return len(serialized)
    return max((_length(feature) for feature in example.features.feature.values()), default=0)


def _length(feature: Any) -> int:
    match feature.WhichOneof("kind"):
        case "bytes_list":
            return max(map(len, feature.bytes_list.value), default=0)
        case "int64_list":
            return len(feature.int64_list.value)
        case "float_list":
            return len(feature.float_list.value)
        case _:
            return 0
