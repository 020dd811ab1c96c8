"""Checks a request's inputs against a signature."""

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Any

import numpy as np

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.dtypes import STRING, dtype_of_array
from lstm_sentiment.serving.servable import Array, Signature, TensorInfo

_MOST_NAMED = 256


class CheckedInputs(dict[str, Array]):
    """The inputs of a signature, by name and in its order, that need no further check.

    Attributes:
        signature: The signature that the inputs fit.
    """

    __slots__ = ("signature",)

    def __init__(self, signature: Signature, inputs: Mapping[str, Array]) -> None:
        """Takes inputs that fit a signature: those of `checked_inputs`, or rows of such inputs."""
        super().__init__(inputs)
        self.signature = signature


def checked_inputs(signature: Signature, inputs: Mapping[str, Any]) -> CheckedInputs:
    """Checks the names and dtypes of a request's inputs, and adds the defaults of absent ones.

    Shapes are left to the model, as in TensorFlow Serving: see `check_shapes`. Inputs that were
    checked for this signature before are returned as they are.

    Args:
        signature: The signature.
        inputs: An array for each input, by name.

    Returns:
        The inputs in the signature's order; strings are an array of objects.

    Raises:
        InvalidInputError: If names or dtypes do not fit.
    """
    if isinstance(inputs, CheckedInputs) and inputs.signature is signature:
        return inputs
    if inputs.keys() != signature.inputs.keys():
        inputs = _with_defaults(signature, inputs)
    checked = {name: _checked(info, inputs[name], name) for name, info in signature.inputs.items()}
    return CheckedInputs(signature, checked)


def check_shapes(inputs: CheckedInputs) -> None:
    """Checks the shapes of inputs, for a model that cannot tell by itself which it takes.

    Args:
        inputs: The inputs of a signature.

    Raises:
        InvalidInputError: If a shape is not as the signature declares it.
    """
    for name, info in inputs.signature.inputs.items():
        shape = inputs[name].shape
        check_shape(name, shape, info)


def check_shape(name: str, shape: tuple[int, ...], info: TensorInfo) -> None:
    """Checks one shape, see `check_shapes`."""
    if not _fits(shape, info.shape):
        raise InvalidInputError(f"`{name}` must have shape {info.shape}. Received: shape {shape}.")


def check_dtype(name: str, dtype: object, info: TensorInfo) -> None:
    """Checks that a dtype is that of an input, as `checked_inputs` does."""
    if dtype != info.dtype:
        raise InvalidInputError(f"`{name}` must have dtype {info.dtype}. Received: dtype {dtype}.")


def check_names(signature: Signature, names: Collection[str]) -> None:
    """Checks the names of a request's inputs, before an input is read.

    Args:
        signature: The signature.
        names: The names, or a mapping by name.

    Raises:
        InvalidInputError: If a name is unknown, or one without a default is absent.
    """
    if len(names) > len(signature.inputs):
        # The names of a whole request would be too many for a message.
        raise _other_number(set(islice(names, _MOST_NAMED)), len(names), signature)
    if set(names) != signature.inputs.keys():
        _check_names(signature, set(names))


def have_declared_shapes(inputs: CheckedInputs) -> bool:
    """Returns whether each shape is as the signature of the inputs declares it."""
    declared = inputs.signature.inputs
    return all(_fits(array.shape, declared[name].shape) for name, array in inputs.items())


def _with_defaults(signature: Signature, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Adds the defaults of the inputs that a request leaves out."""
    _check_names(signature, inputs.keys())
    return {**signature.defaults, **inputs}


def _check_names(signature: Signature, sent: AbstractSet[str]) -> None:
    """Checks names that are not those of the signature.

    Rules and messages are those of `servables/tensorflow/predict_util.cc`, and of
    `tensorflow/cc/saved_model/util.cc`.
    """
    required = signature.inputs.keys()
    if len(sent) > len(required) or (len(sent) < len(required) and not signature.defaults):
        raise _other_number(sent, len(sent), signature)
    for name, info in signature.inputs.items():
        if name not in sent and name not in signature.defaults:
            raise InvalidInputError(
                f"Signature input alias: {name}(feed name: {info.tensor_name}) not found in "
                "request and no default value provided. Inputs expected to be in the request "
                f"{_braced(sent)}, or default input alias set: {_listed(signature.defaults)}"
            )
    if not sent <= required:
        raise InvalidInputError(
            f"Inputs contains invalid name. Used request inputs: {_listed(sent & required)}, "
            f"request input: {_listed(sent)}"
        )


def _other_number(sent: AbstractSet[str], count: int, signature: Signature) -> InvalidInputError:
    required = signature.inputs.keys()
    return InvalidInputError(
        f"input size does not match signature: {count}!={len(required)}"
        f" len({_braced(sent)}) != len({_braced(required)})."
        f" Sent extra: {_braced(sent - required)}."
        f" Missing but required: {_braced(required - sent)}."
    )


def _braced(names: Iterable[str]) -> str:
    return "{" + _listed(names) + "}"


def _listed(names: Iterable[str]) -> str:
    return ",".join(sorted(names))


def _checked(info: TensorInfo, value: Array, name: str) -> Array:
    dtype = dtype_of_array(value.dtype)
    if dtype != info.dtype:
        check_dtype(name, dtype or value.dtype, info)
    return _as_bytes(value, name) if dtype == STRING else value


def _fits(shape: tuple[int, ...], declared: tuple[int | None, ...] | None) -> bool:
    if declared is None:
        return True
    return len(shape) == len(declared) and all(
        expected in (None, size) for size, expected in zip(shape, declared, strict=True)
    )


def _as_bytes(value: Array, name: str) -> Array:
    if value.dtype.kind == "U":
        value = np.char.encode(value, "utf-8")
    values = value.astype(object, copy=False)
    for element in values.flat:
        if not isinstance(element, bytes):
            raise InvalidInputError(
                f"`{name}` must hold bytes. Received: {type(element).__name__}."
            )
    return values
