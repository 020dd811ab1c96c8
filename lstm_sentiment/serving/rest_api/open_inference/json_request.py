"""Reads the JSON body of an inference request.

The names are those of `specification/protocol/inference_rest.md` of the Open Inference Protocol.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.open_inference.datatypes import dtype_named
from lstm_sentiment.serving.open_inference.inference import (
    InferRequest,
    UnreadInput,
    check_parameters,
)
from lstm_sentiment.serving.open_inference.signature_choice import SIGNATURE_NAME
from lstm_sentiment.serving.open_inference.tensor_shape import checked_shape
from lstm_sentiment.serving.rest_api.json_document import parse_document
from lstm_sentiment.serving.rest_api.json_text.quotation import quoted
from lstm_sentiment.serving.rest_api.open_inference.json_data import read_data

BINARY_REFUSED = (
    "tensors must be sent as JSON, not as binary data after it: set `binary_data=False` in "
    "`set_data_from_numpy` of tritonclient.http, or ask over gRPC."
)
"""The message for the extension of binary tensors, which this server does not have."""

_BINARY_DATA_SIZE = "binary_data_size"


def read_infer_request(body: bytes) -> InferRequest:
    """Reads an inference request.

    Parameters of other names than `signature_name` are ignored.

    Args:
        body: JSON in UTF-8. NaN, Infinity and -Infinity are numbers.

    Returns:
        The request, the values of its tensors unread.

    Raises:
        InvalidInputError: If the body is not a request, or a shape or datatype is none.
    """
    document = parse_document(body)
    request_id = document.get("id", "")
    if not isinstance(request_id, str):
        raise _must_be("`id`", "a string", request_id)
    if SIGNATURE_NAME in document:
        raise InvalidInputError(
            f"`{SIGNATURE_NAME}` must stand in the `parameters` of the request. Received: it "
            "stands beside them."
        )
    parameters = _parameters(document, "the request")
    signature_key = parameters.get(SIGNATURE_NAME, "")
    if not isinstance(signature_key, str):
        raise _must_be(f"the parameter `{SIGNATURE_NAME}`", "a string", signature_key)
    return InferRequest(request_id, signature_key, _inputs(document), _outputs(document))


def _inputs(document: Mapping[str, Any]) -> dict[str, UnreadInput]:
    unread: dict[str, UnreadInput] = {}
    for tensor in _objects(document, "inputs"):
        name = _name_of(tensor, "input")
        if name in unread:
            raise InvalidInputError(
                f"each input must be sent once. Received: `{name[:100]}` twice."
            )
        unread[name] = _input(tensor, name)
    if not unread:
        raise InvalidInputError("`inputs` must hold at least one tensor. Received: none.")
    return unread


def _input(tensor: Mapping[str, Any], name: str) -> UnreadInput:
    if "parameters" in tensor:
        parameters = _parameters(tensor, f"input `{name}`")
        if _BINARY_DATA_SIZE in parameters:
            raise InvalidInputError(BINARY_REFUSED)
        check_parameters(parameters, name)
    dtype = dtype_named(tensor.get("datatype"), name)
    sizes = tensor.get("shape")
    if not isinstance(sizes, list):
        raise _must_be(f"`shape` of `{name}`", "an array of integers", sizes)
    data = tensor.get("data")
    if not isinstance(data, list):
        raise _must_be(f"`data` of `{name}`", "an array", data)
    shape = checked_shape(sizes, name)
    return UnreadInput(dtype, shape, partial(read_data, data, shape, dtype, name))


def _outputs(document: Mapping[str, Any]) -> list[str]:
    if "outputs" not in document:
        return []
    names = []
    for tensor in _objects(document, "outputs"):
        name = _name_of(tensor, "output")
        if "parameters" in tensor:
            check_parameters(_parameters(tensor, f"output `{name}`"), name)
        names.append(name)
    return names


def _objects(document: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    tensors = document.get(key)
    if not isinstance(tensors, list) or not all(isinstance(each, dict) for each in tensors):
        raise _must_be(f"`{key}`", "an array of objects", tensors)
    return tensors


def _name_of(tensor: Mapping[str, Any], kind: str) -> str:
    name = tensor.get("name")
    if not isinstance(name, str):
        raise _must_be(f"`name` of an {kind}", "a string", name)
    return name


def _parameters(of: Mapping[str, Any], owner: str) -> Mapping[str, Any]:
    parameters = of.get("parameters", {})
    if not isinstance(parameters, dict):
        raise _must_be(f"`parameters` of {owner}", "an object", parameters)
    return parameters


def _must_be(what: str, rule: str, value: Any) -> InvalidInputError:
    received = "nothing" if value is None else quoted(value)
    return InvalidInputError(f"{what} must be {rule}. Received: {received}.")
