"""How long the first request to a version takes, beside the hundredth.

    python -m benchmarks.first_request --model models/sentiment

The model server is started, in a process of its own, on the version as it is and on a copy without
its warmup requests. A client that is already connected, by the status of the model, sends one text
a hundred times by each way in: `first` is the first of them. Each line is one JSON object; `ratio`
is how many times the first takes what the hundredth does: the median of the last twenty.
"""

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from lstm_sentiment.version_folder import find_version

REQUESTS, LAST = 100, 20
_NAME, _TEXT = "sentiment", "房间很干净，服务也好，就是早餐差了点"


def main() -> None:
    """Reads the flags and prints a line for each way in, with and without warmup."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="a version, or a base path")
    parser.add_argument("--flag", action="append", default=[], help="for `serve`, as --flag=--x")
    arguments = parser.parse_args()
    version_dir = find_version(arguments.model)
    with tempfile.TemporaryDirectory() as folder:
        for name in ("with warmup", "without warmup"):
            base = Path(folder) / name.split()[0]
            shutil.copytree(version_dir, base / "1")
            if name == "without warmup":
                (base / "1" / "assets.extra" / "tf_serving_warmup_requests").unlink()
            # A server for each way in: the first request of one would be the second of the other.
            for way in ("grpc", "rest"):
                with served(base, arguments.flag) as (port, rest_api_port):
                    ask = by_grpc(port) if way == "grpc" else by_rest(rest_api_port)
                    print(json.dumps(measured(f"{way}, {name}", ask)), flush=True)


def measured(name: str, ask: Callable[[], object]) -> dict[str, str | float]:
    """Sends the requests one after the other and compares the first with the last."""
    seconds = []
    for _ in range(REQUESTS):
        started = time.perf_counter()
        ask()
        seconds.append(time.perf_counter() - started)
    hundredth = statistics.median(seconds[-LAST:])
    return {
        "benchmark": "first_request",
        "name": name,
        "seconds": round(seconds[0], 6),
        "against": "the hundredth request",
        "against_seconds": round(hundredth, 6),
        "ratio": round(seconds[0] / hundredth, 2),
    }


@contextmanager
def served(base_path: Path, flags: list[str]) -> Iterator[tuple[int, int]]:
    """A server's two ports, while it runs."""
    command = [sys.executable, "-c", "from lstm_sentiment.cli.app import main; main()", "serve"]
    command += ["--model-name", _NAME, "--model-base-path", str(base_path), "--port", "auto"]
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen([*command, "--rest-api-port", "auto", *flags], stderr=log)
        try:
            while True:
                log.seek(0)
                ports = re.search(r"gRPC on \S+:(\d+), REST on \S+:(\d+)", log.read())
                if ports:
                    break
                if server.poll() is not None:
                    sys.exit(f"the server ended with {server.returncode}")
                time.sleep(0.1)
            yield int(ports[1]), int(ports[2])
        finally:
            server.terminate()
            server.wait()


def by_grpc(port: int) -> Callable[[], object]:
    """A connected gRPC client that asks for one text."""
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    status = get_model_status_pb2.GetModelStatusRequest()
    status.model_spec.name = _NAME
    model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(status)
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = _NAME, "text"
    request.inputs["text"].CopyFrom(tf.make_tensor_proto([_TEXT]))
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    return lambda: stub.Predict(request)


def by_rest(port: int) -> Callable[[], object]:
    """An HTTP client that asks for one text, with a connection for each request."""
    url = f"http://127.0.0.1:{port}/v1/models/{_NAME}"
    urllib.request.urlopen(url).read()
    body = json.dumps({"signature_name": "text", "instances": [_TEXT]}).encode()
    return lambda: urllib.request.urlopen(f"{url}:predict", body).read()


if __name__ == "__main__":
    main()
