"""What a server tells of a model."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from lstm_sentiment.client.model_info import SignatureInfo, TensorInfo, VersionStatus
from lstm_sentiment.errors import InvalidInputError
from tests.client_servers import CLIENTS, FakeServer, serving


def tensor(dtype: int, *sizes: int, unknown_rank: bool = False) -> dict[str, Any]:
    shape = {"dim": [{"size": size} for size in sizes], "unknown_rank": unknown_rank}
    return {"dtype": dtype, "tensor_shape": shape}


def model_info() -> dict[str, Any]:
    signatures = get_model_metadata_pb2.SignatureDefMap(
        signature_def={
            "text": {
                "inputs": {"text": tensor(7, -1)},
                "outputs": {"label": tensor(7, -1), "probabilities": tensor(1, -1, 3)},
            },
            "odd": {
                "inputs": {"any": tensor(9, unknown_rank=True), "one": tensor(3)},
                "outputs": {"new": tensor(9999, 0)},
            },
        }
    )
    info = get_model_metadata_pb2.GetModelMetadataResponse()
    info.metadata["signature_def"].Pack(signatures)
    status = get_model_status_pb2.GetModelStatusResponse(
        model_version_status=[
            {"version": 3, "state": 30, "status": {}},
            {"version": 2, "state": 50, "status": {"error_code": 2, "error_message": "no graph"}},
            {"version": 1, "state": 77},
        ]
    )
    return {"info": info, "status": status}


MODEL_INFO = model_info()


@pytest.fixture
def server() -> FakeServer:
    return FakeServer(**MODEL_INFO)


@pytest.fixture
def address(server: FakeServer) -> Iterator[str]:
    with serving(server) as address:
        yield address


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest, address: str) -> Iterator[Any]:
    with request.param(address, "sentiment", version_label="stable") as client:
        yield client


def test_the_versions_and_where_they_stand(client: Any, server: FakeServer) -> None:
    assert client.model_status() == [
        VersionStatus(3, "AVAILABLE"),
        VersionStatus(2, "END", "no graph"),
        VersionStatus(1, "UNKNOWN"),
    ]
    [request] = server.requests
    assert request.model_spec.name == "sentiment"
    assert request.model_spec.version_label == "stable"


def test_the_signatures_with_types_and_shapes(client: Any, server: FakeServer) -> None:
    signatures = client.metadata()
    assert list(signatures) == ["odd", "text"]
    assert signatures["text"] == SignatureInfo(
        inputs={"text": TensorInfo("string", (None,))},
        outputs={
            "label": TensorInfo("string", (None,)),
            "probabilities": TensorInfo("float32", (None, 3)),
        },
    )
    assert signatures["odd"] == SignatureInfo(
        inputs={"any": TensorInfo("int64", None), "one": TensorInfo("int32", ())},
        outputs={"new": TensorInfo("unknown", (0,))},
    )
    [request] = server.requests
    assert request.model_spec.name == "sentiment"
    assert request.model_spec.version_label == "stable"
    assert list(request.metadata_field) == ["signature_def"]


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"other": AnyMessage()},
        {"signature_def": AnyMessage(type_url="type.googleapis.com/tensorflow.SignatureDef")},
        {
            "signature_def": AnyMessage(
                type_url="type.googleapis.com/tensorflow.serving.SignatureDefMap", value=b"\xff"
            )
        },
    ],
)
def test_metadata_without_signatures_is_refused(
    client: Any, server: FakeServer, address: str, metadata: dict[str, AnyMessage]
) -> None:
    server.info = get_model_metadata_pb2.GetModelMetadataResponse(metadata=metadata)
    with pytest.raises(InvalidInputError, match=f"^{address}: the metadata of a model must hold"):
        client.metadata()
