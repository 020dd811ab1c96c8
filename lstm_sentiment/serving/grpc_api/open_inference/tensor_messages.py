"""Reads and writes the tensors of the Open Inference Protocol's messages.

The values of all tensors of a message stand either in typed `contents` or as raw bytes, after the
comments in `specification/protocol/open_inference_grpc.proto`: little-endian elements, or strings
that each follow their length in four bytes.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.dtypes import BOOL, STRING, DType
from lstm_sentiment.protocol.open_inference_pb2 import (
    InferTensorContents,
    ModelInferRequest,
    ModelInferResponse,
)
from lstm_sentiment.serving.open_inference.datatypes import (
    BYTES,
    datatype_of_array,
    dtype_named,
)
from lstm_sentiment.serving.open_inference.inference import UnreadInput
from lstm_sentiment.serving.open_inference.tensor_shape import (
    check_count,
    checked_shape,
    shaped,
    texts,
)
from lstm_sentiment.serving.servable import Array

_LENGTH = struct.Struct("<I")

_FIELDS = {
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    BYTES: "bytes_contents",
}


def read_inputs(request: ModelInferRequest) -> dict[str, UnreadInput]:
    """Reads what the inputs of a request claim to be, and leaves their values unread.

    Returns:
        Each input, by name.

    Raises:
        InvalidInputError: If a claim contradicts itself.
    """
    inputs, raw = request.inputs, request.raw_input_contents
    if not inputs:
        raise InvalidInputError("`inputs` must hold at least one tensor. Received: none.")
    if raw and len(raw) != len(inputs):
        raise InvalidInputError(
            "`raw_input_contents` must be empty or hold the values of each input. "
            f"Received: {len(raw)} for {len(inputs)} inputs."
        )
    unread: dict[str, UnreadInput] = {}
    for index, tensor in enumerate(inputs):
        if tensor.name in unread:
            raise InvalidInputError(
                f"each input must be sent once. Received: `{tensor.name[:100]}` twice."
            )
        unread[tensor.name] = _input(tensor, raw[index] if raw else None)
    return unread


def write_outputs(
    outputs: Iterable[tuple[str, Array]], response: ModelInferResponse, *, raw: bool
) -> None:
    """Writes the outputs of an answer.

    Args:
        outputs: The name and the array of each.
        response: The message to fill.
        raw: Whether the values become raw bytes. Those of all outputs do, too, where one has a
            datatype without typed contents.

    Raises:
        InvalidInputError: If the protocol has no datatype for an output.
    """
    named = [(name, datatype_of_array(array, name), array) for name, array in outputs]
    raw = raw or any(datatype not in _FIELDS for _, datatype, _ in named)
    for name, datatype, array in named:
        tensor = response.outputs.add(name=name, datatype=datatype, shape=array.shape)
        if raw:
            response.raw_output_contents.append(_raw_bytes(array))
        else:
            getattr(tensor.contents, _FIELDS[datatype]).extend(array.ravel().tolist())


def _input(tensor: ModelInferRequest.InferInputTensor, raw: bytes | None) -> UnreadInput:
    name = tensor.name
    dtype = dtype_named(tensor.datatype, name)
    shape = checked_shape(tensor.shape, name)
    if raw is not None and tensor.HasField("contents"):
        raise InvalidInputError(
            f"the values of `{name}` must stand in `contents` or in `raw_input_contents`. "
            "Received: both."
        )

    def read() -> Array:
        if raw is None:
            values = _from_contents(tensor.contents, tensor.datatype, dtype, shape, name)
        else:
            values = _from_raw(raw, dtype, shape, name)
        return shaped(values, shape, name)

    return UnreadInput(dtype, shape, read)


def _from_contents(
    contents: InferTensorContents, datatype: str, dtype: DType, shape: tuple[int, ...], name: str
) -> Array:
    field = _FIELDS.get(datatype)
    if field is None:
        raise InvalidInputError(
            f"the values of `{name}` of datatype {datatype} must stand in `raw_input_contents`. "
            "Received: none there."
        )
    sent: Sequence[Any] = getattr(contents, field)
    check_count(len(sent), shape, name)
    if dtype == STRING:
        return texts(list(sent))
    try:
        return np.array(list(sent), dtype.numpy)
    except OverflowError:
        raise InvalidInputError(
            f"`{field}` of `{name}` must be in the range of {datatype}. "
            "Received: a number beyond it."
        ) from None


def _from_raw(raw: bytes, dtype: DType, shape: tuple[int, ...], name: str) -> Array:
    if dtype == STRING:
        strings = _strings(raw, name)
        check_count(len(strings), shape, name)
        return texts(strings)
    size = dtype.numpy.itemsize
    count, rest = divmod(len(raw), size)
    if rest:
        raise InvalidInputError(
            f"`raw_input_contents` of `{name}` must have {size} bytes for each element. "
            f"Received: {len(raw)} bytes."
        )
    check_count(count, shape, name)
    values = np.frombuffer(raw, dtype.numpy.newbyteorder("<"))
    if dtype == BOOL and (values.view(np.uint8) > 1).any():
        raise InvalidInputError(
            f"`raw_input_contents` of `{name}` must be 0 or 1 in each byte. Received: another."
        )
    return values


def _strings(raw: bytes, name: str) -> list[bytes]:
    strings, at = [], 0
    while at < len(raw):
        start = at + _LENGTH.size
        at = start + _LENGTH.unpack_from(raw, at)[0] if start <= len(raw) else len(raw) + 1
        if at > len(raw):
            raise InvalidInputError(
                f"`raw_input_contents` of `{name}` must be strings that each follow their length "
                f"in four bytes. Received: {len(raw)} bytes, which end within a string."
            )
        strings.append(raw[start:at])
    return strings


def _raw_bytes(array: Array) -> bytes:
    if array.dtype != object:
        return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    return b"".join(_LENGTH.pack(len(text)) + text for text in array.ravel().tolist())
