"""Tools that know nothing of the server but what its reflection tells them.

The server runs in a process of its own, and so does whoever fills the descriptor pool of a process.
"""

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from yagrc.reflector import GrpcReflectionClient

from lstm_sentiment import FitResult
from tests.exported import add_version

REPOSITORY = Path(__file__).parents[2]
SERVICES = {
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    "inference.GRPCInferenceService",
    "tensorflow.serving.ModelService",
    "tensorflow.serving.PredictionService",
}
TEXT = "房间很干净"
PREDICT = {
    "model_spec": {"name": "sentiment", "signature_name": "text"},
    "inputs": {
        "text": {
            "dtype": "DT_STRING",
            "tensor_shape": {"dim": [{"size": 1}]},
            "string_val": [base64.b64encode(TEXT.encode()).decode()],
        }
    },
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, fitted: FitResult) -> Iterator[str]:
    """The address of a server in a process of its own, which has imported no other protocol."""
    base_path = tmp_path_factory.mktemp("tools") / "sentiment"
    base_path.mkdir()
    add_version(base_path, 1, fitted)
    flags = ("--port", "auto", "--rest-api-port", "0", "--engine", "light")
    switches = ("--enable-grpc-reflection", "--enable-grpc-healthcheck-service")
    command = [sys.executable, "cli.py", "serve", "--model-base-path", str(base_path)]
    server = subprocess.Popen(
        [*command, *flags, *switches], cwd=REPOSITORY, stderr=subprocess.PIPE, text=True
    )
    assert server.stderr is not None
    for line in server.stderr:
        if found := re.search(r"Serving gRPC on (127\.0\.0\.1:\d+)", line):
            break
    else:
        pytest.fail("the server did not start")
    yield found[1]
    server.terminate()
    server.communicate()


def grpcurl(*arguments: str) -> str:
    done = subprocess.run(["grpcurl", "-plaintext", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_grpcurl_lists_describes_and_calls(address: str) -> None:
    assert set(grpcurl(address, "list").split()) == SERVICES
    for service in SERVICES:
        assert f"{service} is a service" in grpcurl(address, "describe", service)
    assert "map<string, .tensorflow.TensorProto> inputs" in grpcurl(
        address, "describe", "tensorflow.serving.PredictRequest"
    )
    status = json.loads(
        grpcurl(
            *("-d", json.dumps({"model_spec": {"name": "sentiment"}}), address),
            "tensorflow.serving.ModelService/GetModelStatus",
        )
    )
    assert status["model_version_status"][0]["state"] == "AVAILABLE"
    answer = json.loads(
        grpcurl("-d", json.dumps(PREDICT), address, "tensorflow.serving.PredictionService/Predict")
    )
    assert answer["model_spec"]["version"] == "1"
    assert len(answer["outputs"]["label"]["string_val"]) == 1


def test_grpcurl_asks_for_health(address: str) -> None:
    listed = json.loads(grpcurl(address, "grpc.health.v1.Health/List"))
    assert {status["status"] for status in listed["statuses"].values()} == {"SERVING"}
    for service in listed["statuses"]:
        question = json.dumps({"service": service})
        told = grpcurl("-d", question, address, "grpc.health.v1.Health/Check")
        assert json.loads(told) == {"status": "SERVING"}


ASK_BY_GRPC_REQUESTS = """
import json, sys
import grpc_requests

client = grpc_requests.Client.get_by_endpoint(sys.argv[1])
answer = client.request("tensorflow.serving.PredictionService", "Predict", json.loads(sys.argv[2]))
print(json.dumps([answer["outputs"]["label"]["dtype"], sorted(client.service_names)]))
"""


def test_grpc_requests_asks_by_reflection(address: str) -> None:
    command = [sys.executable, "-c", ASK_BY_GRPC_REQUESTS, address, json.dumps(PREDICT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["DT_STRING", sorted(SERVICES)]


def test_yagrc_makes_stubs_by_reflection(address: str) -> None:
    reflector = GrpcReflectionClient()
    with grpc.insecure_channel(address) as channel:
        reflector.load_protocols(channel, symbols=["tensorflow.serving.ModelService"])
        stub: Any = reflector.service_stub_class("tensorflow.serving.ModelService")(channel)
        request_class = reflector.message_class("tensorflow.serving.GetModelStatusRequest")
        request = request_class()
        request.model_spec.name = "sentiment"
        [status] = stub.GetModelStatus(request).model_version_status
    assert status.version == 1
