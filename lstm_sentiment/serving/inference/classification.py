"""TensorFlow Serving's Classify API: serialized examples in, labels with scores out.

The rules for the signature and its outputs, and the messages where one is broken, are those of
`tensorflow_serving/servables/tensorflow/classifier.cc`. A signature's method name is not checked,
which is the default there too.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.inference.examples import (
    INPUTS,
    bracketed,
    described,
    dtype_name,
    inputs_of_examples,
)
from lstm_sentiment.serving.servable import Array, Servable, Signature

CLASSES, SCORES = "classes", "scores"

_DTYPES = {CLASSES: "DT_STRING", SCORES: "DT_FLOAT"}


class ScoredClass(NamedTuple):
    """A class with its score for one example, `tensorflow_serving/apis/classification.proto`.

    Attributes:
        label: Name of the class, invalid UTF-8 in it replaced; empty where the signature has no
            `classes`.
        score: A float32 as a Python float; 0 where the signature has no `scores`.
    """

    label: str
    score: float


Classifications = Sequence[Sequence[ScoredClass]]
"""The classes of each example, in the order the signature gives them."""


def classify(
    servable: Servable, signature_key: str, serialized_examples: Sequence[bytes]
) -> Classifications:
    """Classifies examples by one signature of a servable.

    Args:
        servable: The version that answers.
        signature_key: One of its signatures. Its only input is `inputs`, string `(batch,)`; its
            outputs are `classes`, string `(batch, classes)`, and `scores`, float32
            `(batch, classes)`, or one of the two.
        serialized_examples: A serialized `tf.Example` each.

    Returns:
        The classes of each example, in order.

    Raises:
        InvalidInputError: If there is no such signature or no example, the signature or its
            outputs are not of that form, or the model refuses the examples.
        LstmSentimentError: If the model does not answer, see `Servable.run`.
    """
    inputs = classification_inputs(servable, signature_key, serialized_examples)
    return read_classifications(servable.run(signature_key, inputs), len(serialized_examples))


def classification_inputs(
    servable: Servable, signature_key: str, serialized_examples: Sequence[bytes]
) -> dict[str, Array]:
    """Makes the inputs of a signature that classifies; arguments and errors as of `classify`."""
    return inputs_of_examples(
        servable, signature_key, serialized_examples, check_classification_signature
    )


def check_classification_signature(signature: Signature) -> None:
    """Raises `InvalidInputError` for a signature that `classify` cannot run."""
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


def read_classifications(outputs: Mapping[str, Array], batch_size: int) -> Classifications:
    """Reads the classes of each example from the outputs of a signature that classifies.

    Raises:
        InvalidInputError: If the outputs are not of the form that `classify` describes.
    """
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
            f"Expected Tensor shape: [batch_size num_classes] but got {bracketed(array.shape)}"
        )
    found, expected = dtype_name(array), _DTYPES[name]
    if found != expected:
        raise InvalidInputError(f"Expected {name} Tensor of {expected}. Got: {found}")
    if array.shape[0] != batch_size:
        raise InvalidInputError(
            f"Expected {name} output batch size of {batch_size}. Got: {array.shape[0]}"
        )
