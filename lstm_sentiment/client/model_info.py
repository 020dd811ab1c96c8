"""A model's versions and signatures, read from a server's messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.dtypes import dtype_of
from lstm_sentiment.protocol.model_management_pb2 import GetModelStatusResponse, ModelVersionStatus
from lstm_sentiment.protocol.prediction_pb2 import GetModelMetadataResponse, SignatureDefMap
from lstm_sentiment.protocol.tensors import shape_of

SIGNATURES_FIELD = "signature_def"
"""The only field of a model's metadata that servers know."""


@dataclass(frozen=True)
class VersionStatus:
    """The state of one version of a model.

    Attributes:
        version: The version number.
        state: `START`, `LOADING`, `AVAILABLE`, `UNLOADING` or `END`.
        error_message: The error of a version that could not be loaded; else empty.
    """

    version: int
    state: str
    error_message: str = ""


@dataclass(frozen=True)
class TensorInfo:
    """Type and shape of one input or output of a signature.

    Attributes:
        dtype: TensorFlow's name, such as `string` or `float32`.
        shape: The size of each dimension, `None` for any size; `None` instead of the tuple for
            any number of dimensions.
    """

    dtype: str
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True)
class SignatureInfo:
    """Inputs and outputs of one signature, by name."""

    inputs: Mapping[str, TensorInfo]
    outputs: Mapping[str, TensorInfo]


def read_version_statuses(
    response: GetModelStatusResponse,
) -> list[VersionStatus]:
    """Reads the state of each version, in the server's order."""
    states = {number: name for name, number in ModelVersionStatus.State.items()}
    return [
        VersionStatus(
            status.version, states.get(status.state, "UNKNOWN"), status.status.error_message
        )
        for status in response.model_version_status
    ]


def read_signatures(response: GetModelMetadataResponse, address: str) -> dict[str, SignatureInfo]:
    """Reads a model's signatures, in the order of their keys.

    Raises:
        InvalidInputError: If the response has no signatures; its message starts with `address`.
    """
    signatures = SignatureDefMap()
    try:
        is_there = response.metadata[SIGNATURES_FIELD].Unpack(signatures)
    except DecodeError:
        is_there = False
    if not is_there:
        raise InvalidInputError(
            f"{address}: the metadata of a model must hold its signatures as "
            f"`{SIGNATURES_FIELD}`. Received: {', '.join(sorted(response.metadata))}."
        )
    return {
        key: SignatureInfo(_tensors(signature.inputs), _tensors(signature.outputs))
        for key, signature in sorted(signatures.signature_def.items())
    }


def _tensors(infos: Mapping[str, Any]) -> dict[str, TensorInfo]:
    return {
        name: TensorInfo(str(dtype_of(info.dtype) or "unknown"), shape_of(info.tensor_shape))
        for name, info in sorted(infos.items())
    }
