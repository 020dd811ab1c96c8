"""Texts of serialized `tf.Example`s, with the errors of `tf.io.parse_example`.

After `tensorflow/core/util/example_proto_fast_parsing.cc`.
"""

from collections.abc import Sequence

from google.protobuf.message import DecodeError

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.example_pb2 import Example
from lstm_sentiment.serving.inference.examples import TEXT_FEATURE

_KINDS = {"int64_list": "int64", "float_list": "float"}


def texts_from_examples(serialized: Sequence[bytes]) -> list[bytes]:
    """Returns the only value of the bytes feature `text` of each example.

    Raises:
        InvalidInputError: If an example cannot be parsed or has no such feature.
    """
    return [_text_of(example, place) for place, example in enumerate(serialized)]


def _text_of(serialized: bytes, place: int) -> bytes:
    try:
        features = Example.FromString(serialized).features.feature
    except DecodeError as error:
        value = serialized.decode("utf-8", "replace")
        message = f"Could not parse example input, value: '{value}'"
        raise InvalidInputError(message.splitlines()[0]) from error
    feature = features.get(TEXT_FEATURE)
    kind = None if feature is None else feature.WhichOneof("kind")
    if feature is None or kind is None:
        raise InvalidInputError(
            f"Name: <unknown>, Feature: {TEXT_FEATURE} (data type: string) is required but could "
            "not be found."
        )
    if kind != "bytes_list":
        raise _error(
            place,
            f"Data types don't match. Data type: {_KINDS[kind]} but expected type: string",
        )
    values = feature.bytes_list.value
    if not values:
        raise _error(
            place, "Number of bytes values != expected.  Values size: 0 but output shape: []"
        )
    if len(values) > 1:
        raise _error(place, "Can't parse serialized Example.")
    return values[0]


def _error(place: int, reason: str) -> InvalidInputError:
    return InvalidInputError(f"Name: <unknown>, Key: {TEXT_FEATURE}, Index: {place}.  {reason}")
