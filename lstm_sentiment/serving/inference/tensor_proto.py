"""Reads the tensors of a request."""

from collections.abc import Mapping

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.tensor_pb2 import TensorProto
from lstm_sentiment.protocol.tensors import (
    MAX_IMPLIED_ELEMENTS,
    Claim,
    claim_of,
    plain_texts,
    read_claimed,
    read_tensor,
)
from lstm_sentiment.serving.checked_inputs import check_dtype, check_names, check_shape
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.servable import Array, Signature


def tensors_from_protos(
    protos: Mapping[str, TensorProto], signature: Signature, limits: RequestLimits
) -> dict[str, Array]:
    """Reads the inputs of a request, what each claims to be being checked before it is filled.

    Inputs that the signature lacks are refused unread, and so are shapes beyond the limits.

    Args:
        protos: The inputs, by name.
        signature: The signature that they are for.
        limits: How large they may be.

    Returns:
        An array for each, by name; strings are bytes in an array of objects.

    Raises:
        InvalidInputError: If names, or a claim, do not fit the signature, or a proto contradicts
            itself.
        RequestTooLargeError: If a claim is beyond the limits.
    """
    check_names(signature, protos)
    arrays, implied = {}, 0
    for name, proto in protos.items():
        texts = plain_texts(proto)
        if texts is not None:
            arrays[name] = texts
            continue
        try:
            claim = claim_of(proto)
        except InvalidInputError as error:
            raise _parsing_error(name, error) from error
        implied += claim.implied
        _check_claim(signature, name, claim, implied, limits)
        try:
            arrays[name] = read_claimed(proto, claim)
        except InvalidInputError as error:
            raise _parsing_error(name, error) from error
    return arrays


def tensor_from_proto(proto: TensorProto, name: str) -> Array:
    """Reads a tensor of a file, which may claim to be of any size: see `read_tensor`.

    Args:
        proto: The tensor.
        name: The input's name, for the error message.

    Raises:
        InvalidInputError: If the proto contradicts itself or has an unknown dtype.
    """
    try:
        return read_tensor(proto)
    except InvalidInputError as error:
        raise _parsing_error(name, error) from error


def _check_claim(
    signature: Signature, name: str, claim: Claim, implied: int, limits: RequestLimits
) -> None:
    limits.check_shape(signature, name, claim.shape)
    if not claim.implied:
        return
    # Only a model knows which shapes it takes; but what it must make itself fits the signature.
    info = signature.inputs[name]
    check_dtype(name, claim.dtype, info)
    check_shape(name, claim.shape, info)
    if implied > MAX_IMPLIED_ELEMENTS:
        raise InvalidInputError(
            f"the shapes of a request must name at most {MAX_IMPLIED_ELEMENTS} elements without a "
            f"value. Received: {implied}."
        )


def _parsing_error(name: str, error: InvalidInputError) -> InvalidInputError:
    return InvalidInputError(f"tensor parsing error: {name}: {error}.")
