"""The Open Inference Protocol by `tritonclient`, as it comes from PyPI, on both engines."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.grpc.aio
import tritonclient.http
import tritonclient.http.aio
from tritonclient.utils import InferenceServerException

from lstm_sentiment import FitResult
from lstm_sentiment.models_config.config import load_models_config
from lstm_sentiment.protocol.prediction_pb2 import PredictRequest
from lstm_sentiment.protocol.services import PREDICTION_SERVICE, calls
from lstm_sentiment.protocol.tensors import read_tensor, write_tensor
from lstm_sentiment.serving.loading.options import LoadingOptions
from lstm_sentiment.serving.server import ModelServer
from lstm_sentiment.serving.server_options import ServerOptions
from tests.exported import add_version

MODEL = "sentiment"
TEXTS = np.array(["房间很干净", "差", "", "wifi 不好"], object)
IDS = np.array([[2, 3, 4], [1, 0, 5]], np.int64)
Client = Any


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, fitted: FitResult) -> Any:
    folder = tmp_path_factory.mktemp("v2")
    base_path = folder / MODEL
    base_path.mkdir()
    for version in (3, 4):
        add_version(base_path, version, fitted)
    path = folder / "models.config"
    path.write_text(
        f"""model_config_list {{ config {{
          name: "{MODEL}" base_path: "{base_path}" model_platform: "tensorflow"
          model_version_policy {{ all {{}} }}
          version_labels {{ key: "stable" value: 3 }}
        }} }}"""
    )
    return load_models_config(path)


@pytest.fixture(scope="module", params=["light", "tensorflow"])
def server(config: Any, request: pytest.FixtureRequest) -> Iterator[ModelServer]:
    options = ServerOptions(
        file_system_poll_wait_seconds=0, loading=LoadingOptions(engine=request.param)
    )
    with ModelServer(config, options, port=0) as server:
        yield server


@pytest.fixture
def http(server: ModelServer) -> Iterator[Client]:
    client = tritonclient.http.InferenceServerClient(f"127.0.0.1:{server.rest_api_port}")
    yield client
    client.close()


@pytest.fixture
def over_grpc(server: ModelServer) -> Iterator[Client]:
    with tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{server.port}") as client:
        yield client


@pytest.fixture(params=["http", "grpc"])
def client(http: Client, over_grpc: Client, request: pytest.FixtureRequest) -> Client:
    return http if request.param == "http" else over_grpc


def is_http(client: Client) -> bool:
    return "http" in type(client).__module__


def input_of(client: Client, name: str, array: Any, datatype: str) -> Any:
    """An input for a client of either transport; over REST without binary data."""
    if is_http(client):
        found = tritonclient.http.InferInput(name, list(array.shape), datatype)
        return found.set_data_from_numpy(array, binary_data=False)
    return tritonclient.grpc.InferInput(name, list(array.shape), datatype).set_data_from_numpy(
        array
    )


def text_of(client: Client) -> Any:
    return input_of(client, "text", TEXTS, "BYTES")


def ids_of(client: Client) -> Any:
    return input_of(client, "input_sentence", IDS, "INT64")


def predicted(server: ModelServer, signature: str, name: str, array: Any) -> dict[str, Any]:
    """What Predict answers over gRPC."""
    request = PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = MODEL, signature
    write_tensor(array, request.inputs[name])
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        response = calls(channel, PREDICTION_SERVICE)["Predict"](request)
    return {name: read_tensor(proto) for name, proto in response.outputs.items()}


def predicted_in_columns(server: ModelServer, signature: str, inputs: Any) -> Any:
    """What `:predict` answers over REST."""
    document = {"signature_name": signature, "inputs": inputs}
    url = f"http://127.0.0.1:{server.rest_api_port}/v1/models/{MODEL}:predict"
    request = urllib.request.Request(url, json.dumps(document).encode())
    with urllib.request.urlopen(request) as response:
        return json.load(response)["outputs"]


def encoded(texts: Any) -> Any:
    return np.array([text.encode() for text in texts], object)


def as_bytes(array: Any) -> Any:
    """The elements to the bit; texts that came over REST as those over gRPC."""
    if array.dtype != object:
        return array.tobytes()
    return [value.encode() if isinstance(value, str) else value for value in array.ravel()]


def test_health(client: Client) -> None:
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready(MODEL)
    for version in ("3", "4", "stable"):
        assert client.is_model_ready(MODEL, version)


def test_metadata(client: Client) -> None:
    options = {} if is_http(client) else {"as_json": True}
    assert client.get_server_metadata(**options)["name"] == "lstm_sentiment"
    found = client.get_model_metadata(MODEL, **options)
    assert (found["name"], found["versions"]) == (MODEL, ["3", "4"])
    assert found["platform"] == "tensorflow_savedmodel"
    [text] = found["inputs"]
    assert (text["name"], text["datatype"]) == ("text", "BYTES")
    outputs = [
        (each["name"], each["datatype"], list(map(int, each["shape"]))) for each in found["outputs"]
    ]
    assert outputs == [
        ("classification", "INT64", [-1]),
        ("label", "BYTES", [-1]),
        ("probabilities", "FP32", [-1, 3]),
    ]
    assert client.get_model_metadata(MODEL, "stable", **options)["versions"] == ["3", "4"]


def test_metadata_of_another_signature(http: Client) -> None:
    asked = {"signature_name": "serving_default"}
    found = http.get_model_metadata(MODEL, query_params=asked)
    assert found["inputs"] == [{"name": "input_sentence", "datatype": "INT64", "shape": [-1, -1]}]
    assert found["properties"]["signature_name"] == "serving_default"
    assert {"text", "serving_default"} <= {*found["properties"]["signatures"].split(",")}
    with pytest.raises(InferenceServerException, match='Serving signature key "x" not found'):
        http.get_model_metadata(MODEL, query_params={"signature_name": "x"})


def test_a_text_and_ids_are_answered_as_by_predict_to_the_bit(
    server: ModelServer, client: Client
) -> None:
    expected = predicted(server, "text", "text", encoded(TEXTS))
    answer = client.infer(MODEL, [text_of(client)])
    assert {name: as_bytes(answer.as_numpy(name)) for name in expected} == {
        name: as_bytes(array) for name, array in expected.items()
    }
    assert answer.as_numpy("probabilities").shape == (4, 3)
    expected = predicted(server, "serving_default", "input_sentence", IDS)
    answer = client.infer(MODEL, [ids_of(client)])
    assert {name: as_bytes(answer.as_numpy(name)) for name in expected} == {
        name: as_bytes(array) for name, array in expected.items()
    }


def test_numbers_are_written_as_over_rest(server: ModelServer, http: Client) -> None:
    for signature, sent, inputs in (
        ("text", text_of(http), TEXTS.tolist()),
        ("serving_default", ids_of(http), IDS.tolist()),
    ):
        expected = predicted_in_columns(server, signature, inputs)
        outputs = http.infer(MODEL, [sent]).get_response()["outputs"]
        assert {each["name"] for each in outputs} == {*expected}
        for each in outputs:
            assert each["data"] == np.array(expected[each["name"]]).ravel().tolist()


def test_the_id_the_version_and_the_outputs_asked_for(client: Client) -> None:
    module = tritonclient.http if is_http(client) else tritonclient.grpc
    outputs = [module.InferRequestedOutput(name) for name in ("probabilities", "label")]
    for version, answered in (("", "4"), ("3", "3"), ("stable", "3")):
        answer = client.infer(
            MODEL, [text_of(client)], version, outputs=outputs, request_id="42", priority=1
        )
        response = answer.get_response()
        if isinstance(response, dict):
            assert [each["name"] for each in response["outputs"]] == ["probabilities", "label"]
            assert (response["id"], response["model_name"]) == ("42", MODEL)
            assert response["model_version"] == answered
        else:
            assert [each.name for each in response.outputs] == ["probabilities", "label"]
            assert (response.id, response.model_name) == ("42", MODEL)
            assert response.model_version == answered


def test_a_signature_by_its_name(client: Client) -> None:
    parameters = {"signature_name": "explain"}
    answer = client.infer(MODEL, [text_of(client)], parameters=parameters)
    assert answer.as_numpy("attributions").shape == answer.as_numpy("tokens").shape


def status_of(error: InferenceServerException) -> str:
    return str(error.status())


@pytest.mark.parametrize(("model", "version"), [("x", ""), (MODEL, "9"), (MODEL, "x")])
def test_what_is_not_there_is_not_found(client: Client, model: str, version: str) -> None:
    with pytest.raises(InferenceServerException) as caught:
        client.infer(model, [text_of(client)], version)
    assert status_of(caught.value) in ("404", "StatusCode.NOT_FOUND")
    with pytest.raises(InferenceServerException) as caught:
        client.get_model_metadata(model, version)
    assert status_of(caught.value) in ("404", "StatusCode.NOT_FOUND")


@pytest.mark.parametrize(
    ("name", "array", "datatype", "parameters", "message"),
    [
        ("text", IDS, "INT64", {}, "the inputs must be those of `serving_default` or `text`"),
        ("x", TEXTS, "BYTES", {}, "the parameter `signature_name` must name another signature"),
        ("text", TEXTS, "BYTES", {"signature_name": "x"}, 'signature key "x" not found'),
        ("text", TEXTS, "BYTES", {"signature_name": 5}, "`signature_name` must be a string"),
    ],
)
def test_refused_inputs(
    client: Client, name: str, array: Any, datatype: str, parameters: Any, message: str
) -> None:
    with pytest.raises(InferenceServerException, match=message) as caught:
        client.infer(MODEL, [input_of(client, name, array, datatype)], parameters=parameters)
    refused = ("400", "StatusCode.INVALID_ARGUMENT", "StatusCode.FAILED_PRECONDITION")
    assert status_of(caught.value) in refused


def test_an_output_that_is_not_there(client: Client) -> None:
    module = tritonclient.http if is_http(client) else tritonclient.grpc
    outputs = [module.InferRequestedOutput("nope")]
    with pytest.raises(InferenceServerException, match="output tensor alias not found"):
        client.infer(MODEL, [text_of(client)], outputs=outputs)


def test_extensions_that_would_not_be_answered_as_asked_are_refused(client: Client) -> None:
    module = tritonclient.http if is_http(client) else tritonclient.grpc
    classes = module.InferRequestedOutput("probabilities", class_count=2)
    shared = module.InferRequestedOutput("probabilities")
    shared.set_shared_memory("region", 4)
    for output, name in ((classes, "classification"), (shared, "shared_memory_region")):
        with pytest.raises(InferenceServerException, match=f"the parameter `{name}` of"):
            client.infer(MODEL, [text_of(client)], outputs=[output])
    text = module.InferInput("text", [1], "BYTES")
    text.set_shared_memory("region", 4)
    with pytest.raises(InferenceServerException, match="`shared_memory_region` of `text`"):
        client.infer(MODEL, [text])


def test_binary_data_over_rest_are_refused_with_what_to_do(http: Client) -> None:
    text = tritonclient.http.InferInput("text", list(TEXTS.shape), "BYTES")
    text.set_data_from_numpy(TEXTS)
    with pytest.raises(InferenceServerException, match="set `binary_data=False`") as caught:
        http.infer(MODEL, [text])
    assert status_of(caught.value) == "400"


def test_readiness_of_what_is_not_there(http: Client, over_grpc: Client) -> None:
    assert not http.is_model_ready("x")
    assert not http.is_model_ready(MODEL, "9")
    with pytest.raises(InferenceServerException) as caught:
        over_grpc.is_model_ready("x")
    assert status_of(caught.value) == "StatusCode.NOT_FOUND"


def test_the_clients_of_asyncio(server: ModelServer) -> None:
    expected = as_bytes(predicted(server, "text", "text", encoded(TEXTS))["probabilities"])

    async def ask() -> list[Any]:
        found = []
        address = f"127.0.0.1:{server.rest_api_port}"
        async with tritonclient.http.aio.InferenceServerClient(address) as client:
            assert await client.is_server_live() and await client.is_model_ready(MODEL)
            assert (await client.get_model_metadata(MODEL))["name"] == MODEL
            found.append(await client.infer(MODEL, [text_of(client)]))
        async with tritonclient.grpc.aio.InferenceServerClient(
            f"127.0.0.1:{server.port}"
        ) as client:
            assert await client.is_server_ready() and await client.is_model_ready(MODEL, "stable")
            assert (await client.get_model_metadata(MODEL)).name == MODEL
            found.append(await client.infer(MODEL, [text_of(client)]))
        return [as_bytes(answer.as_numpy("probabilities")) for answer in found]

    assert asyncio.run(ask()) == [expected] * 2


def test_compressed_requests(http: Client, over_grpc: Client) -> None:
    answer = http.infer(MODEL, [text_of(http)], request_compression_algorithm="gzip")
    other = over_grpc.infer(MODEL, [text_of(over_grpc)], compression_algorithm="gzip")
    assert answer.as_numpy("label").tolist() == [each.decode() for each in other.as_numpy("label")]
