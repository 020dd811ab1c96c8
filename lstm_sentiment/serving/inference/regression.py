"""TensorFlow Serving's Regress API: serialized examples in, a number for each out.

The rules for the signature and its output, and the messages where one is broken, are those of
`tensorflow_serving/servables/tensorflow/regressor.cc`. A signature's method name is not checked,
which is the default there too.
"""

from collections.abc import Mapping, Sequence

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.inference.examples import (
    INPUTS,
    bracketed,
    described,
    dtype_name,
    inputs_of_examples,
)
from lstm_sentiment.serving.servable import Array, Servable, Signature

OUTPUTS = "outputs"

Regressions = Sequence[float]
"""The number for each example, in order: a float32 as a Python float."""


def regression_inputs(
    servable: Servable, signature_key: str, serialized_examples: Sequence[bytes]
) -> dict[str, Array]:
    """Makes the inputs of a signature that computes a number for each example.

    Args:
        servable: The version that answers.
        signature_key: One of its signatures. Its only input is `inputs`, string `(batch,)`; its
            only output is `outputs`, float32 `(batch,)` or `(batch, 1)`.
        serialized_examples: A serialized `tf.Example` each.

    Raises:
        InvalidInputError: If there is no such signature or no example, or the signature is not of
            that form.
    """
    return inputs_of_examples(
        servable, signature_key, serialized_examples, check_regression_signature
    )


def check_regression_signature(signature: Signature) -> None:
    """Raises `InvalidInputError` for a signature that `regress` cannot run."""
    if len(signature.inputs) != 1:
        raise InvalidInputError("Expected one input Tensor.")
    if len(signature.outputs) != 1:
        raise InvalidInputError("Expected one output Tensor.")
    if INPUTS not in signature.inputs:
        raise InvalidInputError(
            f"No regression inputs found in SignatureDef: {described(signature)}"
        )
    if OUTPUTS not in signature.outputs:
        raise InvalidInputError(
            f"No regression outputs found in SignatureDef: {described(signature)}"
        )


def read_regressions(outputs: Mapping[str, Array], batch_size: int) -> Regressions:
    """Reads the number for each example from the outputs of a signature.

    Raises:
        InvalidInputError: If the output is not of the form that `regression_inputs` describes.
    """
    array = outputs[OUTPUTS]
    if array.ndim != 1 and array.shape[1:] != (1,):
        raise InvalidInputError(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
            f"{bracketed(array.shape)}"
        )
    if len(array) != batch_size:
        raise InvalidInputError(
            f"Input batch size did not match output batch size: {batch_size} vs. {len(array)}"
        )
    found = dtype_name(array)
    if found != "DT_FLOAT":
        # Two spaces, as in `regressor.cc`.
        raise InvalidInputError(f"Expected output Tensor of DT_FLOAT.  Got: {found}")
    values: list[float] = array.ravel().tolist()
    return values
