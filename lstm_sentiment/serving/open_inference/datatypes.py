"""The datatypes of the Open Inference Protocol, and the dtypes of tensors that they stand for."""

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol import tensor_pb2
from lstm_sentiment.protocol.dtypes import DType, dtype_of, dtype_of_array
from lstm_sentiment.serving.servable import Array, TensorInfo

BYTES = "BYTES"
"""The datatype of strings."""

_NUMBERS = {
    "BOOL": tensor_pb2.DT_BOOL,
    "INT8": tensor_pb2.DT_INT8,
    "INT16": tensor_pb2.DT_INT16,
    "INT32": tensor_pb2.DT_INT32,
    "INT64": tensor_pb2.DT_INT64,
    "UINT8": tensor_pb2.DT_UINT8,
    "UINT16": tensor_pb2.DT_UINT16,
    "UINT32": tensor_pb2.DT_UINT32,
    "UINT64": tensor_pb2.DT_UINT64,
    "FP16": tensor_pb2.DT_HALF,
    "BF16": tensor_pb2.DT_BFLOAT16,
    "FP32": tensor_pb2.DT_FLOAT,
    "FP64": tensor_pb2.DT_DOUBLE,
    BYTES: tensor_pb2.DT_STRING,
}
_DTYPES: dict[str, DType] = {
    name: dtype for name, number in _NUMBERS.items() if (dtype := dtype_of(number)) is not None
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


def dtype_named(datatype: object, tensor: str) -> DType:
    """Returns the dtype of a datatype.

    Args:
        datatype: The datatype, such as `FP32`.
        tensor: The tensor's name, for the error message.

    Raises:
        InvalidInputError: If there is no such datatype.
    """
    found = _DTYPES.get(datatype) if isinstance(datatype, str) else None
    if found is None:
        raise InvalidInputError(
            f"`datatype` of `{tensor}` must be one of {', '.join(_DTYPES)}. "
            f"Received: {str(datatype)[:100]!r}."
        )
    return found


def datatype_of_array(array: Array, tensor: str) -> str:
    """Returns the datatype of an output.

    Args:
        array: The output.
        tensor: Its name, for the error message.

    Raises:
        InvalidInputError: If the protocol has no datatype for it.
    """
    dtype = dtype_of_array(array.dtype)
    found = _NAMES.get(dtype) if dtype is not None else None
    if found is None:
        raise InvalidInputError(
            f"the Open Inference Protocol has no datatype for output `{tensor}` of dtype "
            f"{dtype or array.dtype}: name the other outputs in `outputs`, or ask by Predict."
        )
    return found


def datatype_of(info: TensorInfo) -> str:
    """Returns the datatype of an input or output; its name in TensorFlow where there is none."""
    return _NAMES.get(info.dtype) or info.dtype.enum_name
