"""Values that stand in an example request for those that a SavedModel does not describe.

A SavedModel has dtype and shape of each input, but not the meaning of its values.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from lstm_sentiment.version_folder import TEXT_STATISTICS
from lstm_sentiment.versions.inspection.graph import SignatureSummary, TensorSummary

FEATURE, FEATURE_VALUE = "FEATURE", "VALUE"
"""Name and value of the feature in an example request of Classify and Regress."""

_STRING = "text"
_TEXTS = TensorSummary("string", (None,))
_FEATURES = (
    f"{FEATURE} and {FEATURE_VALUE}: send names and values of the features that the model reads. "
    "A value may also be a number; over gRPC, it is then in float_list or int64_list."
)


def placeholder_value(dtype: str) -> Any:
    """Returns a value that most graphs accept: 0 is an index of every table."""
    if dtype in ("string", "bool"):
        return _STRING if dtype == "string" else True
    return 0.0 if "float" in dtype or dtype == "half" else 0


def placeholder_shape(shape: Sequence[int | None] | None) -> tuple[int, ...]:
    """Returns a shape with size 1 for each open size, and one axis for an open rank."""
    return (1,) if shape is None else tuple(1 if size is None else size for size in shape)


def what_to_fill_in(signature: SignatureSummary, *, takes_examples: bool) -> tuple[str, ...]:
    """Returns a line for each placeholder in a request, with what to send in its place.

    Args:
        signature: The signature that is asked.
        takes_examples: Whether the request is one of Classify or Regress.
    """
    if takes_examples:
        return (_FEATURES,)
    if signature.key == TEXT_STATISTICS and signature.inputs == {"text": _TEXTS}:
        return ()  # of this package: it reads any text
    inputs = signature.inputs.items()
    return tuple(line for name, tensor in inputs for line in _of_input(name, tensor))


def _of_input(name: str, tensor: TensorSummary) -> Iterator[str]:
    if tensor.dtype == "string":
        yield (
            f'{name}: "{_STRING}" stands for what the model reads, such as a text, or the bytes of '
            "an image or of a serialized tf.Example."
        )
    else:
        value = placeholder_value(tensor.dtype)
        yield f"{name}: {value} stands for each value of dtype {tensor.dtype}."
    if tensor.shape is None:
        yield f"{name}: the request has one axis of size 1; the model may need another shape."
    elif None in tensor.shape[1:]:
        yield f"{name}: open sizes are 1 in the request; the model may need other sizes."
