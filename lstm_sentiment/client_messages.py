"""What `PredictClient` sends: texts and token ids as the messages of TensorFlow Serving."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow_serving.apis import input_pb2

from lstm_sentiment.errors import InvalidInputError

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def string_tensor(texts: Sequence[str]) -> tensor_pb2.TensorProto:
    """Writes texts as one tensor.

    Args:
        texts: At least one.

    Returns:
        A string tensor of shape `(batch,)`, in UTF-8. A lone surrogate becomes U+FFFD.

    Raises:
        InvalidInputError: If `texts` is not a list of texts, or empty.
    """
    values = _utf8_values(texts)
    proto = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=values)
    proto.tensor_shape.dim.add(size=len(values))
    return proto


def text_examples(texts: Sequence[str]) -> input_pb2.Input:
    """Writes each text as a `tf.Example` with one bytes feature, `text`.

    Args:
        texts: At least one.

    Returns:
        The examples, in order; the text in UTF-8. A lone surrogate becomes U+FFFD.

    Raises:
        InvalidInputError: If `texts` is not a list of texts, or empty.
    """
    proto = input_pb2.Input()
    for value in _utf8_values(texts):
        example = proto.example_list.examples.add()
        example.features.feature["text"].bytes_list.value.append(value)
    return proto


def ids_tensor(ids: NDArray[np.integer[Any]]) -> tensor_pb2.TensorProto:
    """Writes rows of token ids as one tensor.

    Args:
        ids: Integers of shape `(batch, time)`, neither of them 0.

    Returns:
        An int64 tensor of that shape.

    Raises:
        InvalidInputError: If `ids` has another shape or dtype.
    """
    array = np.asarray(ids)
    if array.ndim != 2 or not array.size or array.dtype.kind not in "iu":
        raise InvalidInputError(
            "`ids` must be integers of shape (batch, time), neither of them 0. "
            f"Received: dtype {array.dtype}, shape {array.shape}."
        )
    proto = tensor_pb2.TensorProto(dtype=types_pb2.DT_INT64)
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    proto.tensor_content = array.astype("<i8").tobytes()
    return proto


def _utf8_values(texts: Sequence[str]) -> list[bytes]:
    if isinstance(texts, str | bytes):
        raise InvalidInputError(
            f"`texts` must be a list of texts. Received: one {type(texts).__name__}."
        )
    values = [_utf8(text) for text in texts]
    if not values:
        raise InvalidInputError("`texts` must not be empty. Received: no text.")
    return values


def _utf8(text: str) -> bytes:
    if not isinstance(text, str):
        raise InvalidInputError(
            f"each of `texts` must be a string. Received: {type(text).__name__}."
        )
    return _LONE_SURROGATE.sub("\ufffd", text).encode("utf-8")
