"""Serialized `tf.Example`s: how the Classify, Regress and MultiInference APIs send their inputs.

`tensorflow_serving/apis/input.proto`; read after
`tensorflow_serving/servables/tensorflow/util.cc`.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.dtypes import dtype_of_array
from lstm_sentiment.protocol.prediction_pb2 import Input
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.servable import Array, Servable, Signature

INPUTS = "inputs"
"""Name of the only input of a signature of examples: string `(batch,)`."""

TEXT_FEATURE = "text"
"""Name of the bytes feature that holds an example's text."""


def serialized_examples(proto: Input, limits: RequestLimits) -> list[bytes]:
    """Serializes each `tf.Example` of a request; returns none for an empty input.

    A context is put before each example: a parser then finds the features of both, and the
    example's where both have one.

    Args:
        proto: The input of the request.
        limits: How large the request may be.

    Raises:
        RequestTooLargeError: If there are too many examples, or their contexts are too long.
    """
    kind = proto.WhichOneof("kind")
    if kind is None:
        return []
    messages = getattr(proto, kind).examples
    limits.check_example_count(len(messages))
    if kind == "example_list":
        return [example.SerializeToString() for example in messages]
    context: bytes = proto.example_list_with_context.context.SerializeToString()
    limits.check_context(len(messages), len(context))
    return [context + example.SerializeToString() for example in messages]


def texts_of_examples(proto: Input) -> list[bytes]:
    """Returns all values of the bytes feature `text`, in order, without those of the context."""
    kind = proto.WhichOneof("kind")
    examples = getattr(proto, kind).examples if kind else ()
    return [
        text
        for example in examples
        if TEXT_FEATURE in example.features.feature
        for text in example.features.feature[TEXT_FEATURE].bytes_list.value
    ]


def inputs_of_examples(
    servable: Servable,
    signature_key: str,
    serialized_examples: Sequence[bytes],
    check_signature: Callable[[Signature], None],
) -> dict[str, Array]:
    """Makes the inputs of a signature of examples, which are run as one batch.

    Raises:
        InvalidInputError: If there is no such signature or no example, or `check_signature`
            raises this error.
    """
    signature = servable.signatures.get(signature_key)
    if signature is None:
        raise InvalidInputError(f"No signature was found with the name: {signature_key}")
    check_signature(signature)
    if not serialized_examples:
        raise InvalidInputError("Input is empty.")
    return {INPUTS: batch_of(serialized_examples)}


def batch_of(serialized_examples: Sequence[bytes]) -> Array:
    """Returns the examples as an array of objects, shape `(batch,)`."""
    return np.array(serialized_examples, dtype=object)


def described(signature: Signature) -> str:
    """Lists the inputs and outputs of a signature for an error message."""
    return f"inputs {_braced(signature.inputs)} outputs {_braced(signature.outputs)}"


def bracketed(shape: Iterable[int]) -> str:
    """Writes a shape for an error message, such as `[2,3]`."""
    return f"[{','.join(str(size) for size in shape)}]"


def dtype_name(array: Array) -> str:
    """Returns the protocol buffers' name of an array's dtype, such as `DT_STRING`."""
    dtype = dtype_of_array(array.dtype)
    return dtype.enum_name if dtype is not None else str(array.dtype)


def _braced(names: Iterable[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"
