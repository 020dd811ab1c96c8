"""The Open Inference Protocol's description of a server and its models."""

from collections.abc import Mapping
from dataclasses import dataclass

from lstm_sentiment.errors import ServableNotFoundError
from lstm_sentiment.serving.errors import UnknownLabelError
from lstm_sentiment.serving.inference.dataplane import DataPlane
from lstm_sentiment.serving.inference.metadata import SIGNATURE_DEF
from lstm_sentiment.serving.inference.results import ModelSpec
from lstm_sentiment.serving.open_inference.datatypes import datatype_of
from lstm_sentiment.serving.open_inference.signature_choice import (
    SIGNATURE_NAME,
    described_signature,
)
from lstm_sentiment.serving.servable import ManagerState, TensorInfo, read_signatures
from lstm_sentiment.serving.servable_id import ServableId

SERVER_NAME = "lstm_sentiment"
"""The name in a server's metadata."""

PLATFORM = "tensorflow_savedmodel"
"""The platform in a model's metadata."""


@dataclass(frozen=True)
class TensorMetadata:
    """An input or output of a model.

    Attributes:
        name: The name.
        datatype: The datatype, such as `FP32`.
        shape: The size of each dimension, -1 for any size.
    """

    name: str
    datatype: str
    shape: list[int]


@dataclass(frozen=True)
class OpenModelMetadata:
    """What a model takes and gives.

    Attributes:
        servable_id: The version that is described.
        versions: The versions that can answer, the lowest first.
        inputs: The inputs.
        outputs: The outputs.
        properties: The signature that is described, and the names of all.
    """

    servable_id: ServableId
    versions: list[str]
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]
    properties: dict[str, str]


def model_metadata(
    data_plane: DataPlane, model_spec: ModelSpec, signature_key: str = ""
) -> OpenModelMetadata:
    """Returns the inputs and outputs of a version; may have to wait for other processes.

    Args:
        data_plane: The data plane.
        model_spec: The model and version.
        signature_key: The signature to describe; empty for `text`, or else `serving_default`.

    Raises:
        SignatureNotFoundError: If there is no such signature.
        ServableNotFoundError: If no such version is available.
    """
    try:
        found = data_plane.model_metadata(model_spec, [SIGNATURE_DEF])
    except UnknownLabelError as error:
        raise ServableNotFoundError(str(error)) from error
    signatures = read_signatures(found.signature_defs)
    signature = described_signature(signatures, signature_key)
    states = data_plane.model_status(ModelSpec(model_spec.name))
    available = sorted(each.id.version for each in states if each.state is ManagerState.AVAILABLE)
    return OpenModelMetadata(
        found.servable_id,
        [str(version) for version in available],
        _tensors(signature.inputs),
        _tensors(signature.outputs),
        {SIGNATURE_NAME: signature.key, "signatures": ",".join(sorted(signatures))},
    )


def is_model_ready(data_plane: DataPlane, model_spec: ModelSpec) -> bool:
    """Returns whether a version, or any version of a model, can answer; may have to wait.

    Args:
        data_plane: The data plane.
        model_spec: The model and version.

    Raises:
        ServableNotFoundError: If there is no such model, version or label.
    """
    if model_spec.label is not None:
        try:
            data_plane.model_metadata(model_spec, [SIGNATURE_DEF])
        except UnknownLabelError as error:
            raise ServableNotFoundError(str(error)) from error
        return True
    states = data_plane.model_status(model_spec)
    return any(each.state is ManagerState.AVAILABLE for each in states)


def _tensors(infos: Mapping[str, TensorInfo]) -> list[TensorMetadata]:
    return [TensorMetadata(name, datatype_of(info), _shape(info)) for name, info in infos.items()]


def _shape(info: TensorInfo) -> list[int]:
    # The protocol has no word for any number of dimensions.
    return [-1] if info.shape is None else [-1 if size is None else size for size in info.shape]
