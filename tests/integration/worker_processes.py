"""`serve --workers` in a process of its own, as its users see it."""

import json
import os
import re
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from lstm_sentiment.protocol.model_management_pb2 import ReloadConfigRequest, ReloadConfigResponse
from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
from lstm_sentiment.protocol.prediction_pb2 import PredictRequest, PredictResponse
from lstm_sentiment.protocol.tensor_pb2 import DataType
from tests.conftest import REPOSITORY

TIMEOUT_SECONDS = 120
_PREDICT = "/tensorflow.serving.PredictionService/Predict"
_RELOAD = "/tensorflow.serving.ModelService/HandleReloadConfigRequest"


class Lines:
    """The lines that a process writes."""

    def __init__(self, stream: Any) -> None:
        self.all: list[str] = []
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, args=(stream,))
        self._thread.start()

    def wait_for(self, pattern: str, times: int = 1) -> re.Match[str]:
        """Waits for lines that hold a pattern, and returns the last match."""
        found: list[re.Match[str]] = []

        def is_there() -> bool:
            found[:] = [match for line in self.all if (match := re.search(pattern, line))]
            return len(found) >= times

        with self._changed:
            assert self._changed.wait_for(is_there, TIMEOUT_SECONDS), "".join(self.all)
        return found[-1]

    def join(self) -> None:
        self._thread.join(TIMEOUT_SECONDS)

    def is_open(self) -> bool:
        return self._thread.is_alive()

    def _read(self, stream: Any) -> None:
        for line in stream:
            with self._changed:
                self.all.append(line)
                self._changed.notify_all()


@dataclass
class Served:
    """A server of several workers that is ready."""

    process: "subprocess.Popen[str]"
    lines: Lines
    port: int
    rest_port: int

    def channel(self) -> grpc.Channel:
        """A channel with a connection of its own: any worker may have it."""
        options = [("grpc.use_local_subchannel_pool", 1)]
        return grpc.insecure_channel(f"127.0.0.1:{self.port}", options=options)

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.rest_port}{path}") as answer:
            return str(answer.read().decode())

    def state(self) -> Any:
        return json.loads(self.get("/state"))

    def pids(self) -> list[int]:
        return [worker["pid"] for worker in self.state()["workers"]["processes"]]

    def is_ready_again(self, worker: int, times: int) -> None:
        """Waits until a worker has begun to listen so many times."""
        self.lines.wait_for(rf"worker {worker}: serving gRPC", times)


@contextmanager
def serving(config: Path, *flags: str) -> Iterator[Served]:
    """Serves with two workers until the block ends."""
    command = [sys.executable, str(REPOSITORY / "cli.py"), "serve", "--workers", "2"]
    command += ["--model-config-file", str(config), "--port", "auto", "--rest-api-port", "auto"]
    command += ["--file-system-poll-wait-seconds", "0", *flags]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        lines = Lines(process.stderr)
        try:
            found = lines.wait_for(r"^Serving gRPC on [^ ]+:(\d+), REST on http://[^ ]+:(\d+)\.")
            yield Served(process, lines, int(found[1]), int(found[2]))
        finally:
            process.terminate()
            process.wait(TIMEOUT_SECONDS)
            lines.join()


def config_of(base_path: Path, version: int) -> ModelServerConfig:
    """One model of which one version is served, with the label `stable`."""
    config = ModelServerConfig()
    model = config.model_config_list.config.add()
    model.name, model.base_path, model.model_platform = "sentiment", str(base_path), "tensorflow"
    model.model_version_policy.specific.versions.append(version)
    model.version_labels["stable"] = version
    return config


def reload(channel: grpc.Channel, config: ModelServerConfig) -> None:
    """Makes the server take a config; returns when it is in force."""
    ask = channel.unary_unary(
        _RELOAD,
        request_serializer=ReloadConfigRequest.SerializeToString,
        response_deserializer=ReloadConfigResponse.FromString,
    )
    ask(ReloadConfigRequest(config=config), timeout=TIMEOUT_SECONDS)


def ask(channel: grpc.Channel, text: str, label: str = "") -> PredictResponse:
    """Asks for one text's answer, once."""
    request = PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = "sentiment", "text"
    if label:
        request.model_spec.version_label = label
    tensor = request.inputs["text"]
    tensor.dtype = DataType.DT_STRING
    tensor.tensor_shape.dim.add().size = 1
    tensor.string_val.append(text.encode())
    predict = channel.unary_unary(
        _PREDICT,
        request_serializer=PredictRequest.SerializeToString,
        response_deserializer=PredictResponse.FromString,
    )
    response: PredictResponse = predict(request, timeout=TIMEOUT_SECONDS)
    return response


class Callers:
    """Threads with a connection each that ask without a pause, and keep all answers."""

    def __init__(self, served: Served, texts: Sequence[str], number: int) -> None:
        self.answers: list[tuple[str, PredictResponse]] = []
        self.errors: list[tuple[int, grpc.RpcError]] = []
        self._served, self._texts = served, texts
        self._ending = threading.Event()
        self._changed = threading.Condition()
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(number)]

    def __enter__(self) -> "Callers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(TIMEOUT_SECONDS)

    def wait_until(self, is_enough: Callable[[], bool]) -> bool:
        with self._changed:
            return self._changed.wait_for(is_enough, TIMEOUT_SECONDS)

    def have_more_answers(self, more: int) -> bool:
        enough = len(self.answers) + more
        return self.wait_until(lambda: len(self.answers) >= enough)

    def _ask(self, number: int) -> None:
        with self._served.channel() as channel:
            for text in self._forever():
                try:
                    answer = ask(channel, text, label=("", "stable")[number % 2])
                except grpc.RpcError as error:
                    self.errors.append((number, error))
                else:
                    with self._changed:
                        self.answers.append((text, answer))
                        self._changed.notify_all()

    def _forever(self) -> Iterator[str]:
        while True:
            for text in self._texts:
                if self._ending.is_set():
                    return
                yield text


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
