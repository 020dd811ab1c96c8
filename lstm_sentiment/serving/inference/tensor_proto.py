"""Reads the tensors of a request."""

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.tensor_pb2 import TensorProto
from lstm_sentiment.protocol.tensors import read_tensor
from lstm_sentiment.serving.servable import Array


def tensor_from_proto(proto: TensorProto, name: str) -> Array:
    """Reads a tensor that a client sent, see `read_tensor`.

    Args:
        proto: The tensor.
        name: The input's name, for the error message.

    Raises:
        InvalidInputError: If the proto contradicts itself or has an unknown dtype.
    """
    try:
        return read_tensor(proto)
    except InvalidInputError as error:
        raise InvalidInputError(f"tensor parsing error: {name}: {error}.") from error
