"""Chooses the signature that answers a request: the Open Inference Protocol has none.

A request may name its signature in the parameter `signature_name`. Else `serving_default` answers
if its inputs are those of the request, by names and datatypes; else `text` if its are, or `ids`,
which versions have whose `serving_default` takes texts. Inputs that have a default may be absent.
"""

from collections.abc import Callable, Mapping
from itertools import islice

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.dtypes import DType
from lstm_sentiment.serving.errors import SignatureNotFoundError
from lstm_sentiment.serving.open_inference.datatypes import datatype_of
from lstm_sentiment.serving.servable import Signature
from lstm_sentiment.version_folder import DEFAULT_SIGNATURE_KEY, IDS, TEXT

SIGNATURE_NAME = "signature_name"
"""The parameter of a request that names the signature."""

_CHOSEN = (DEFAULT_SIGNATURE_KEY, TEXT, IDS)
# An error message must not name the inputs of a model with very many of them.
_MOST_NAMED = 8


def choosing(
    signature_key: str, inputs: Mapping[str, DType]
) -> Callable[[Mapping[str, Signature]], str]:
    """Returns a function that chooses one of a version's signatures.

    Args:
        signature_key: The signature that the request names; empty for none.
        inputs: The dtypes of the request's inputs, by name.

    Returns:
        A function from the signatures by key to a key. It raises `InvalidInputError` where the
        request names no signature and none fits.
    """

    def choose(signatures: Mapping[str, Signature]) -> str:
        if signature_key:
            return signature_key
        for key in _CHOSEN:
            signature = signatures.get(key)
            if signature is not None and _fits(signature, inputs):
                return key
        known = [f"`{key}`" for key in _CHOSEN if key in signatures] or ["a signature"]
        raise InvalidInputError(
            f"the inputs must be those of {' or '.join(known)}, or the parameter "
            f"`{SIGNATURE_NAME}` must name another signature: {_described(signatures)}. "
            f"Received: {_sent(inputs)}."
        )

    return choose


def described_signature(signatures: Mapping[str, Signature], signature_key: str) -> Signature:
    """Returns the signature that a model's metadata describes.

    Args:
        signatures: The signatures of the version, by key.
        signature_key: The signature that is requested; empty for the one that a client without
            parameters should use: `text` if there is one, else `serving_default`.

    Raises:
        SignatureNotFoundError: If there is no such signature.
    """
    wanted = (signature_key,) if signature_key else (TEXT, DEFAULT_SIGNATURE_KEY)
    for key in wanted:
        if key in signatures:
            return signatures[key]
    raise SignatureNotFoundError(wanted[-1])


def _fits(signature: Signature, inputs: Mapping[str, DType]) -> bool:
    known = signature.inputs
    if not inputs.keys() <= known.keys() <= inputs.keys() | signature.defaults.keys():
        return False
    return all(dtype == known[name].dtype for name, dtype in inputs.items())


def _described(signatures: Mapping[str, Signature]) -> str:
    named = [
        f"{key}({', '.join(f'{name} {datatype_of(info)}' for name, info in found.inputs.items())})"
        for key, found in sorted(signatures.items())
        if len(found.inputs) <= _MOST_NAMED
    ]
    return ", ".join(named[:_MOST_NAMED])


def _sent(inputs: Mapping[str, DType]) -> str:
    named = [f"{name[:100]} {dtype}" for name, dtype in islice(inputs.items(), _MOST_NAMED)]
    return ", ".join(named) or "no input"
