"""What goes wrong around a server: it is killed, versions are damaged or vanish, a disk is full."""

import json
import os
import shutil
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import grpc
import pytest
from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

from lstm_sentiment.client.predict_client import PredictClient
from lstm_sentiment.models_config.config import parse_models_config
from lstm_sentiment.serving.loading.options import LoadingOptions
from lstm_sentiment.serving.monitoring.access_log import AccessLog
from lstm_sentiment.serving.servable import ManagerState, ServableState
from lstm_sentiment.serving.server import ModelServer
from lstm_sentiment.serving.server_options import ServerOptions
from tests.preloaded import preloaded
from tests.serving.saved_models import copy_version, damage, save_version

TIMEOUT_SECONDS = 60
MODEL = "sentiment"
UNKNOWN = 2
GRAPH, SHARD = "saved_model.pb", "variables/variables.data-00000-of-00001"
CLI = "from lstm_sentiment.cli.app import main; main()"
FULL_DISK = Path("/dev/full")

needs_full_disk = pytest.mark.skipif(
    not FULL_DISK.is_char_device(), reason=f"needs {FULL_DISK}, on which nothing can be written"
)


@pytest.fixture(scope="module")
def good_version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version's folder, never to be changed."""
    return save_version(tmp_path_factory.mktemp("good"), 1)


@pytest.fixture
def base_path(good_version: Path, tmp_path: Path) -> Path:
    path = tmp_path / "kept-to-ourselves" / MODEL
    path.mkdir(parents=True)
    copy_version(good_version, path, 1)
    return path


def start(
    base_path: Path, port: int = 0, rest_api_port: int = 0, access_log: AccessLog | None = None
) -> ModelServer:
    config = parse_models_config(
        f'model_config_list {{ config {{ name: "{MODEL}" base_path: "{base_path}" '
        'model_platform: "tensorflow" model_version_policy { all {} } } }'
    )
    return ModelServer(
        config,
        ServerOptions(
            file_system_poll_wait_seconds=0,
            loading=LoadingOptions(max_num_load_retries=0),
            access_log=access_log,
        ),
        port=port,
        rest_api_port=rest_api_port,
    )


@pytest.fixture
def server(base_path: Path) -> Iterator[ModelServer]:
    with start(base_path) as server:
        yield server


def ask(server: ModelServer) -> list[str]:
    with PredictClient(f"127.0.0.1:{server.port}", MODEL, max_retries=0) as client:
        return [prediction.label for prediction in client.predict(["a"])]


def poll(server: ModelServer) -> None:
    server.poll_now()
    assert server.wait_until_settled(TIMEOUT_SECONDS)


def version_2_is_loading(states: Sequence[ServableState]) -> bool:
    return any(s.id.version == 2 and s.state is ManagerState.LOADING for s in states)


def statuses(server: ModelServer) -> dict[int, tuple[str, str]]:
    """State and error of each version, of which both transports say the same."""
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = MODEL
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)
        response = stub.GetModelStatus(request, timeout=TIMEOUT_SECONDS)
    state_name = get_model_status_pb2.ModelVersionStatus.State.Name
    by_grpc = {
        status.version: (state_name(status.state), status.status.error_message)
        for status in response.model_version_status
    }
    url = f"http://127.0.0.1:{server.rest_api_port}/v1/models/{MODEL}"
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:
        body = json.load(answer)
    assert by_grpc == {
        int(status["version"]): (status["state"], status["status"]["error_message"])
        for status in body["model_version_status"]
    }
    return by_grpc


def without(*names: str) -> Callable[[Path], None]:
    def remove(version_dir: Path) -> None:
        for name in names:
            (version_dir / name).unlink()

    return remove


def cut_off(version_dir: Path) -> None:
    path = version_dir / SHARD
    path.write_bytes(path.read_bytes()[:10])


def half(version_dir: Path) -> None:
    path = version_dir / GRAPH
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(version_dir: Path) -> None:
    (version_dir / GRAPH).write_bytes(b"")


def without_anything(version_dir: Path) -> None:
    shutil.rmtree(version_dir)
    version_dir.mkdir()


DAMAGES: list[Callable[[Path], None]] = [
    damage,
    half,
    empty,
    without(GRAPH),
    without(SHARD),
    without("variables/variables.index"),
    cut_off,
    without_anything,
]


def test_damaged_new_versions_end_with_an_error_and_the_old_one_serves_on(
    server: ModelServer, base_path: Path, good_version: Path
) -> None:
    for version, damage_it in enumerate(DAMAGES, 2):
        copy = copy_version(good_version, base_path.parent, version)
        damage_it(copy)
        copy.rename(base_path / str(version))
    poll(server)
    assert ask(server) == ["v1:a"]
    found = statuses(server)
    assert found.pop(1) == ("AVAILABLE", "")
    assert len(found) == len(DAMAGES)
    for version, (state, error) in found.items():
        assert state == "END"
        assert error.startswith(f"version {version} of model {MODEL} could not be loaded: ")
        assert str(base_path.parent) not in error
        assert "\n" not in error


def with_pipe(version_dir: Path) -> Path:
    """Makes a version that loads for as long as it is let."""
    graph = version_dir / GRAPH
    graph.unlink()
    os.mkfifo(graph)
    return graph


def test_a_folder_deleted_while_it_loads_ends_with_an_error(
    server: ModelServer, base_path: Path, good_version: Path
) -> None:
    copy = copy_version(good_version, base_path.parent, 2)
    with_pipe(copy)
    copy.rename(base_path / "2")
    os.link(base_path / "2" / GRAPH, base_path.parent / "pipe")
    server.poll_now()
    try:
        assert server.wait_until(version_2_is_loading, TIMEOUT_SECONDS)
        shutil.rmtree(base_path / "2")
        assert ask(server) == ["v1:a"]
    finally:
        # To be written and read: who has begun to read finds it empty, and who has not finds none.
        os.close(os.open(base_path.parent / "pipe", os.O_RDWR))
    assert server.wait_until_settled(TIMEOUT_SECONDS)
    state, error = statuses(server)[2]
    assert state == "END"
    assert "could not be loaded" in error and str(base_path.parent) not in error
    assert ask(server) == ["v1:a"]


def test_a_base_path_deleted_while_serving_is_served_on_and_taken_up_again(
    server: ModelServer, base_path: Path, good_version: Path
) -> None:
    shutil.rmtree(base_path)
    poll(server)
    assert ask(server) == ["v1:a"]
    assert statuses(server) == {1: ("AVAILABLE", "")}
    base_path.mkdir()
    copy_version(good_version, base_path, 1)
    copy_version(good_version, base_path, 2)
    poll(server)
    assert ask(server) == ["v1:a"]
    assert statuses(server) == {2: ("AVAILABLE", ""), 1: ("AVAILABLE", "")}


def free_ports() -> tuple[int, int]:
    with socket.socket() as first, socket.socket() as second:
        for each in (first, second):
            each.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]


@pytest.mark.timeout(90)
def test_a_server_killed_while_it_loads_leaves_nothing_in_the_way_of_the_next(
    base_path: Path, good_version: Path
) -> None:
    graph = with_pipe(base_path / "1")
    port, rest_api_port = free_ports()
    arguments = ["--model-name", MODEL, "--model-base-path", str(base_path)]
    ports = ["--port", str(port), "--rest-api-port", str(rest_api_port)]
    process = subprocess.Popen(preloaded(CLI, "serve", *arguments, *ports), stderr=subprocess.PIPE)
    try:
        # Opens once somebody begins to read it, who will not come to read.
        os.close(os.open(graph, os.O_WRONLY))
    finally:
        process.kill()
        _, error = process.communicate(timeout=TIMEOUT_SECONDS)  # until all that wrote to it ended
    assert process.returncode == -signal.SIGKILL, error
    graph.unlink()
    shutil.copy(good_version / GRAPH, graph)
    with start(base_path, port, rest_api_port) as server:
        assert (server.port, server.rest_api_port) == (port, rest_api_port)
        assert ask(server) == ["v1:a"]
        assert statuses(server) == {1: ("AVAILABLE", "")}


@needs_full_disk
def test_requests_are_answered_though_the_access_log_is_on_a_full_disk(
    base_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with FULL_DISK.open("w", buffering=1) as stream:
        try:
            with start(base_path, access_log=AccessLog(stream, as_json=True)) as server:
                assert ask(server) == ["v1:a"]
                assert statuses(server) == {1: ("AVAILABLE", "")}
        finally:
            # What could not be written would be tried once more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    assert len(capfd.readouterr().err) < 20_000
