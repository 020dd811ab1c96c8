"""TensorFlow Serving's Classify API: serialized examples in, labels with scores out.

What the signature must look like, what is made of its outputs and what is said where they break
the rules: after `tensorflow_serving/servables/tensorflow/classifier.cc` and `util.cc`. A
signature's method name is not checked, as it is not by default there.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import input_pb2

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.servable import Servable, Signature

INPUTS, CLASSES, SCORES = "inputs", "classes", "scores"

_DTYPES = {CLASSES: tf.string, SCORES: tf.float32}


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


def classify(
    servable: Servable, signature_key: str, serialized_examples: Sequence[bytes]
) -> Classifications:
    """Classifies examples by one signature of a servable.

    Args:
        servable: Who answers.
        signature_key: One of its signatures. Its only input is `inputs`, string `(batch,)`; its
            outputs are `classes`, string `(batch, classes)`, and `scores`, float32
            `(batch, classes)`, or one of the two.
        serialized_examples: A serialized `tf.Example` each.

    Returns:
        The classes of each example, in order.

    Raises:
        InvalidInputError: If there is no such signature or no example, the signature or what it
            answers is not of that form, or the model refuses the examples.
        ServableRunError: If the model itself failed.
    """
    signature = servable.signatures.get(signature_key)
    if signature is None:
        raise InvalidInputError(f"No signature was found with the name: {signature_key}")
    _check_signature(signature)
    if not serialized_examples:
        raise InvalidInputError("Input is empty.")
    examples = tf.constant(list(serialized_examples), dtype=tf.string)
    outputs = servable.run(signature_key, {INPUTS: examples})
    return _read_outputs(outputs, len(serialized_examples))


def _check_signature(signature: Signature) -> None:
    if len(signature.inputs) != 1:
        raise InvalidInputError("Expected one input Tensor.")
    if len(signature.outputs) not in (1, 2):
        raise InvalidInputError(
            f"Expected one or two output Tensors, found {len(signature.outputs)}"
        )
    if INPUTS not in signature.inputs:
        raise InvalidInputError(
            f"No classification inputs found in SignatureDef: {_described(signature)}"
        )
    if CLASSES not in signature.outputs and SCORES not in signature.outputs:
        raise InvalidInputError(
            "Expected classification signature outputs to contain at least one of "
            f'"{CLASSES}" or "{SCORES}". Signature was: {_described(signature)}'
        )


def _read_outputs(outputs: Mapping[str, Any], batch_size: int) -> Classifications:
    found = {name: outputs[name] for name in _DTYPES if name in outputs}
    for name, tensor in found.items():
        _check_output(name, tensor, batch_size)
    sizes = [tensor.shape[1] for tensor in found.values()]
    if len(set(sizes)) > 1:
        raise InvalidInputError(
            f"Tensors class and score should match in dim_size(1). Got {sizes[0]} vs. {sizes[1]}"
        )
    shape = (batch_size, sizes[0])
    labels = found[CLASSES].numpy() if CLASSES in found else np.full(shape, b"", dtype=object)
    scores = found[SCORES].numpy() if SCORES in found else np.zeros(shape, np.float32)
    return [
        [
            ScoredClass(label.decode("utf-8", "replace"), score)
            for label, score in zip(*rows, strict=True)
        ]
        for rows in zip(labels.tolist(), scores.tolist(), strict=True)
    ]


def _check_output(name: str, tensor: Any, batch_size: int) -> None:
    if tensor.shape.rank != 2:
        raise InvalidInputError(
            "Expected Tensor shape: [batch_size num_classes] but got "
            f"[{','.join(str(size) for size in tensor.shape)}]"
        )
    if tensor.dtype != _DTYPES[name]:
        raise InvalidInputError(
            f"Expected {name} Tensor of {_dtype_name(_DTYPES[name])}. "
            f"Got: {_dtype_name(tensor.dtype)}"
        )
    if tensor.shape[0] != batch_size:
        raise InvalidInputError(
            f"Expected {name} output batch size of {batch_size}. Got: {tensor.shape[0]}"
        )


def _dtype_name(dtype: Any) -> str:
    return str(types_pb2.DataType.Name(dtype.as_datatype_enum))


def _described(signature: Signature) -> str:
    return f"inputs {_braced(signature.inputs)} outputs {_braced(signature.outputs)}"


def _braced(names: Iterable[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"
