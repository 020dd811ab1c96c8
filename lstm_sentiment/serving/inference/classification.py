"""TensorFlow Serving's Classify API: serialized examples in, labels with scores out.

What the signature must look like, what is made of its outputs and what is said where they break
the rules: after `tensorflow_serving/servables/tensorflow/classifier.cc` and `util.cc`. A
signature's method name is not checked, as it is not by default there.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import input_pb2

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.caller import ANYBODY, Caller
from lstm_sentiment.serving.servable import Array, Servable, Signature

INPUTS, CLASSES, SCORES = "inputs", "classes", "scores"
TEXT = "text"

_DTYPES = {CLASSES: "DT_STRING", SCORES: "DT_FLOAT"}


class ScoredClass(NamedTuple):
    """One class of one example, `tensorflow_serving/apis/classification.proto`.

    Attributes:
        label: Its name, invalid UTF-8 in it replaced; empty where the signature has no `classes`.
        score: A float32 as a Python float; 0 where the signature has no `scores`.
    """

    label: str
    score: float


Classifications = Sequence[Sequence[ScoredClass]]
"""The classes of each example, in the order the signature gives them."""


def serialized_examples(proto: input_pb2.Input) -> list[bytes]:
    """Serializes the examples of a request.

    A context is put before each example: parsed, the features of both are there, and where both
    have one the example's counts.

    Args:
        proto: A list of `tf.Example`, with or without a context.

    Returns:
        One serialized `tf.Example` for each; none if the input is empty.
    """
    kind = proto.WhichOneof("kind")
    if kind is None:
        return []
    examples = [example.SerializeToString() for example in getattr(proto, kind).examples]
    if kind == "example_list":
        return examples
    context: bytes = proto.example_list_with_context.context.SerializeToString()
    return [context + example for example in examples]


def texts_of_examples(proto: input_pb2.Input) -> list[bytes]:
    """Finds the texts in the examples of a request.

    Args:
        proto: A list of `tf.Example`, with or without a context.

    Returns:
        All values of the bytes feature `text`, in order; the context's left out.
    """
    kind = proto.WhichOneof("kind")
    examples = getattr(proto, kind).examples if kind else ()
    return [
        text
        for example in examples
        if TEXT in example.features.feature
        for text in example.features.feature[TEXT].bytes_list.value
    ]


def classify(
    servable: Servable,
    signature_key: str,
    serialized_examples: Sequence[bytes],
    *,
    caller: Caller = ANYBODY,
) -> Classifications:
    """Classifies examples by one signature of a servable.

    Args:
        servable: Who answers.
        signature_key: One of its signatures. Its only input is `inputs`, string `(batch,)`; its
            outputs are `classes`, string `(batch, classes)`, and `scores`, float32
            `(batch, classes)`, or one of the two.
        serialized_examples: A serialized `tf.Example` each.
        caller: Who waits for the answer.

    Returns:
        The classes of each example, in order.

    Raises:
        InvalidInputError: If there is no such signature or no example, the signature or what it
            answers is not of that form, or the model refuses the examples.
        LstmSentimentError: If the model does not answer, see `Servable.run`.
    """
    signature = servable.signatures.get(signature_key)
    if signature is None:
        raise InvalidInputError(f"No signature was found with the name: {signature_key}")
    check_classification_signature(signature)
    if not serialized_examples:
        raise InvalidInputError("Input is empty.")
    examples = np.array(serialized_examples, dtype=object)
    outputs = servable.run(signature_key, {INPUTS: examples}, caller=caller)
    return _read_outputs(outputs, len(serialized_examples))


def check_classification_signature(signature: Signature) -> None:
    """Checks that a signature has the form that `classify` needs.

    Raises:
        InvalidInputError: If it has not.
    """
    if len(signature.inputs) != 1:
        raise InvalidInputError("Expected one input Tensor.")
    if len(signature.outputs) not in (1, 2):
        raise InvalidInputError(
            f"Expected one or two output Tensors, found {len(signature.outputs)}"
        )
    if INPUTS not in signature.inputs:
        raise InvalidInputError(
            f"No classification inputs found in SignatureDef: {described(signature)}"
        )
    if CLASSES not in signature.outputs and SCORES not in signature.outputs:
        raise InvalidInputError(
            "Expected classification signature outputs to contain at least one of "
            f'"{CLASSES}" or "{SCORES}". Signature was: {described(signature)}'
        )


def _read_outputs(outputs: Mapping[str, Array], batch_size: int) -> Classifications:
    found = {name: outputs[name] for name in _DTYPES if name in outputs}
    for name, array in found.items():
        _check_output(name, array, batch_size)
    sizes = [array.shape[1] for array in found.values()]
    if len(set(sizes)) > 1:
        raise InvalidInputError(
            f"Tensors class and score should match in dim_size(1). Got {sizes[0]} vs. {sizes[1]}"
        )
    shape = (batch_size, sizes[0])
    labels = found[CLASSES] if CLASSES in found else np.full(shape, b"", dtype=object)
    scores = found[SCORES] if SCORES in found else np.zeros(shape, np.float32)
    return [
        [
            ScoredClass(label.decode("utf-8", "replace"), score)
            for label, score in zip(*rows, strict=True)
        ]
        for rows in zip(labels.tolist(), scores.tolist(), strict=True)
    ]


def _check_output(name: str, array: Array, batch_size: int) -> None:
    if array.ndim != 2:
        raise InvalidInputError(
            "Expected Tensor shape: [batch_size num_classes] but got "
            f"[{','.join(str(size) for size in array.shape)}]"
        )
    found, expected = dtype_name(array), _DTYPES[name]
    if found != expected:
        raise InvalidInputError(f"Expected {name} Tensor of {expected}. Got: {found}")
    if array.shape[0] != batch_size:
        raise InvalidInputError(
            f"Expected {name} output batch size of {batch_size}. Got: {array.shape[0]}"
        )


def dtype_name(array: Array) -> str:
    """Names the dtype of an array as protocol buffers do, such as `DT_STRING`."""
    if array.dtype.kind == "O":
        return "DT_STRING"
    return str(types_pb2.DataType.Name(tf.as_dtype(array.dtype).as_datatype_enum))


def described(signature: Signature) -> str:
    """Names the inputs and outputs of a signature for a message."""
    return f"inputs {_braced(signature.inputs)} outputs {_braced(signature.outputs)}"


def _braced(names: Iterable[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"
