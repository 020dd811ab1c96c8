import asyncio
import json
import logging
import shutil
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import tensorflow as tf
from tensorflow_serving.config import model_server_config_pb2 as their_config_pb2

from lstm_sentiment.client.async_client import AsyncPredictClient
from lstm_sentiment.client.predict_client import PredictClient
from lstm_sentiment.errors import (
    ConfigError,
    InvalidInputError,
    ServableNotFoundError,
    ServableUnavailableError,
)
from lstm_sentiment.models_config.config import single_model_config
from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
from lstm_sentiment.serving.access.authentication import BearerTokens
from lstm_sentiment.serving.access.cors import AllowedOrigins
from lstm_sentiment.serving.access.listening import listen
from lstm_sentiment.serving.loading.options import LoadingOptions
from lstm_sentiment.serving.saved_model.loader import SavedModelLoader
from lstm_sentiment.serving.servable import Servable
from lstm_sentiment.serving.server import ModelServer
from lstm_sentiment.serving.server_options import ServerOptions
from tests.preloaded import preloaded
from tests.serving.held_requests import hold_requests
from tests.serving.saved_models import copy_version, damage

TIMEOUT_SECONDS = 60
POLLED_BY_HAND = ServerOptions(file_system_poll_wait_seconds=0)


@pytest.fixture(autouse=True)
def nothing_is_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    if "server" in request.fixturenames:
        return  # The session's server goes on, and takes threads as it needs them.
    for thread in set(threading.enumerate()) - before:
        thread.join(TIMEOUT_SECONDS)
        assert not thread.is_alive(), thread.name


def config_of(base_path: Path, **policy: Any) -> Any:
    config = single_model_config("sentiment", base_path)
    model = config.model_config_list.config[0]
    if policy.get("all"):
        model.model_version_policy.all.SetInParent()
    for label, version in policy.get("labels", {}).items():
        model.version_labels[label] = version
    return config


def client_of(server: ModelServer, **choice: Any) -> PredictClient:
    return PredictClient(
        f"127.0.0.1:{server.port}", "sentiment", timeout_seconds=TIMEOUT_SECONDS, **choice
    )


def labels(server: ModelServer, **choice: Any) -> list[str]:
    with client_of(server, **choice) as client:
        return [prediction.label for prediction in client.predict(["a"])]


def status(server: ModelServer) -> bytes:
    url = f"http://127.0.0.1:{server.rest_api_port}/v1/models/sentiment"
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:
        return bytes(response.read())


def test_a_new_version_takes_over_and_a_removed_one_gives_back(
    base_path: Path, saved_versions: dict[int, Path]
) -> None:
    with ModelServer(config_of(base_path), POLLED_BY_HAND, port=0) as server:
        assert labels(server) == ["v2:a"]
        copy_version(saved_versions[3], base_path, 3)
        server.poll_now()
        assert server.wait_until_settled(TIMEOUT_SECONDS)
        assert labels(server) == ["v3:a"]
        with pytest.raises(ServableNotFoundError, match=r"Specific\(sentiment, 2\)"):
            labels(server, version=2)
        shutil.rmtree(base_path / "3")
        server.poll_now()
        assert server.wait_until_settled(TIMEOUT_SECONDS)
        assert labels(server) == ["v2:a"]


def test_the_base_path_is_watched_without_being_told(
    base_path: Path, saved_versions: dict[int, Path]
) -> None:
    config = config_of(base_path, all=True)
    with ModelServer(config, ServerOptions(file_system_poll_wait_seconds=0.01), port=0) as server:
        copy_version(saved_versions[3], base_path, 3)
        assert server.wait_until(lambda states: len(states) == 3, TIMEOUT_SECONDS)
        assert server.wait_until_settled(TIMEOUT_SECONDS)
        assert labels(server) == ["v3:a"]
        assert labels(server, version=1) == ["v1:a"]


def test_a_damaged_version_is_told_and_the_others_serve_on(
    base_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damage(base_path / "2")
    config = config_of(base_path, all=True, labels={"stable": 1, "canary": 2})
    options = ServerOptions(
        file_system_poll_wait_seconds=0, loading=LoadingOptions(max_num_load_retries=0)
    )
    with ModelServer(config, options, port=0) as server:
        assert labels(server, label="stable") == ["v1:a"]
        with pytest.raises(ServableNotFoundError, match=r"Specific\(sentiment, 2\)"):
            labels(server, label="canary")
        assert b"version 2 of model sentiment could not be loaded: Cannot parse" in status(server)
        assert str(base_path).encode() not in status(server)
    messages = [record.message for record in caplog.records]
    assert any("version 2 of model sentiment could not be loaded" in m for m in messages)
    assert any("label canary of model sentiment points to version 2" in m for m in messages)


def test_a_model_without_a_base_path_does_not_keep_others_from_serving(base_path: Path) -> None:
    config = config_of(base_path)
    config.model_config_list.config.add(
        name="absent", base_path=str(base_path / "absent"), model_platform="tensorflow"
    )
    with ModelServer(config, POLLED_BY_HAND, port=0) as server:
        assert labels(server) == ["v2:a"]


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


def test_a_server_may_start_without_a_model_and_get_one_later(
    base_path: Path, tmp_path: Path
) -> None:
    path = tmp_path / "models.config"
    path.write_text("model_config_list {}")
    with ModelServer(path, POLLED_BY_HAND, port=0) as server:
        assert not server.is_ready()
        assert server.states() == []
        server.reload(config_of(base_path))
        assert server.is_ready()


@pytest.mark.parametrize("which", ["port", "rest_api_port"])
def test_a_port_in_use_is_one_clear_line(base_path: Path, taken_port: int, which: str) -> None:
    ports: dict[str, Any] = {"port": 0, which: taken_port}
    server = ModelServer(config_of(base_path), **ports)
    with pytest.raises(InvalidInputError) as caught:
        server.start()
    assert str(caught.value) == f"cannot listen on 127.0.0.1:{taken_port}: address already in use."


def test_two_servers_never_share_a_port(base_path: Path, server: ModelServer) -> None:
    with pytest.raises(InvalidInputError, match="address already in use"):
        ModelServer(config_of(base_path), port=server.port).start()
    assert server.rest_api_port is not None
    with pytest.raises(InvalidInputError, match="address already in use"):
        ModelServer(config_of(base_path), port=0, rest_api_port=server.rest_api_port).start()


def test_a_port_taken_while_the_models_load_is_not_shared_either(
    base_path: Path, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = ModelServer(config_of(base_path), port=server.port, rest_api_port=None)
    monkeypatch.setattr(
        "lstm_sentiment.serving.server.listen", lambda host, port: socket.create_server((host, 0))
    )
    with pytest.raises(InvalidInputError, match=r"cannot listen on .*: address is in use"):
        late.start()


@pytest.mark.parametrize(
    ("host", "reason"),
    [("192.0.2.1", "cannot assign requested address"), ("host.invalid", "")],
)
def test_a_host_that_cannot_be_bound_is_one_clear_line(
    base_path: Path, host: str, reason: str
) -> None:
    with pytest.raises(InvalidInputError, match=f"cannot listen on {host}:0: {reason}"):
        ModelServer(config_of(base_path), port=0, host=host).start()


def test_ports_are_free_again_after_stop_and_after_a_failed_start(
    base_path: Path, taken_port: int
) -> None:
    config = config_of(base_path)
    with ModelServer(config, POLLED_BY_HAND, port=0) as server:
        port, rest_api_port = server.port, server.rest_api_port
        status(server)
        labels(server)
    with pytest.raises(InvalidInputError):
        ModelServer(config, port=port, rest_api_port=taken_port).start()
    assert rest_api_port is not None
    with pytest.raises(InvalidInputError):
        ModelServer(config, port=taken_port, rest_api_port=rest_api_port).start()
    with ModelServer(config, port=port, rest_api_port=rest_api_port) as again:
        assert (again.port, again.rest_api_port) == (port, rest_api_port)
        assert labels(again) == ["v2:a"]


def test_rest_connections_are_without_nagle_s_delay() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_an_idle_rest_connection_is_closed_when_the_options_say_so(base_path: Path) -> None:
    options = ServerOptions(rest_api_keep_alive_seconds=0.05)
    with ModelServer(config_of(base_path), options, port=0) as server:
        address = ("127.0.0.1", server.rest_api_port)
        with socket.create_connection(address, timeout=TIMEOUT_SECONDS) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            received = b"".join(iter(lambda: connection.recv(4096), b""))
    assert received.startswith(b"HTTP/1.1 200")
    assert b"close" not in received.lower()


def test_rest_can_be_off(base_path: Path) -> None:
    with ModelServer(config_of(base_path), port=0, rest_api_port=None) as server:
        assert server.rest_api_port is None
        assert labels(server) == ["v2:a"]


def test_models_that_load_too_slowly_fail_the_start(
    base_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    load = SavedModelLoader.load

    def slow(self: SavedModelLoader) -> Servable:
        assert release.wait(TIMEOUT_SECONDS)
        return load(self)

    monkeypatch.setattr(SavedModelLoader, "load", slow)
    server = ModelServer(config_of(base_path), ServerOptions(load_timeout_seconds=0.01), port=0)
    stop = server.stop

    def stop_and_release(grace_seconds: float | None = None) -> None:
        release.set()
        stop(grace_seconds)

    monkeypatch.setattr(server, "stop", stop_and_release)
    with pytest.raises(ServableUnavailableError, match="version 2 of model sentiment"):
        server.start()


@contextmanager
def told_to_go(server: ModelServer) -> Iterator[threading.Event]:
    """An event that is set once the server tells an open channel to take its calls elsewhere."""
    connected, told = threading.Event(), threading.Event()

    def note(state: grpc.ChannelConnectivity) -> None:
        if state is grpc.ChannelConnectivity.READY:
            connected.set()
        elif connected.is_set():
            told.set()

    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        channel.subscribe(note, try_to_connect=True)
        assert connected.wait(TIMEOUT_SECONDS)
        yield told


def test_stop_lets_a_request_under_way_end_and_refuses_new_ones(
    base_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_held, release = hold_requests(monkeypatch)
    server = ModelServer(config_of(base_path), port=0, rest_api_port=None).start()
    assert not server.wait_for_termination(0)
    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.extend(labels(server)))
    asking.start()
    assert is_held.wait(TIMEOUT_SECONDS)
    with told_to_go(server) as refusing:
        stopping = threading.Thread(target=server.stop, args=(TIMEOUT_SECONDS,))
        stopping.start()
        assert refusing.wait(TIMEOUT_SECONDS)
    with pytest.raises(ServableUnavailableError):
        labels(server)
    release.set()
    asking.join()
    stopping.join()
    assert answers == ["v2:a"]
    assert server.wait_for_termination(0)
    server.stop()


def test_many_requests_at_once_are_answered_each_with_its_own(server: ModelServer) -> None:
    wrong: list[str] = []

    def ask(number: int) -> None:
        with client_of(server) as client:
            for index in range(20):
                text = f"{number}.{index}"
                [answer] = client.predict([text])
                if answer.label != f"v2:{text}":
                    wrong.append(answer.label)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_servers_and_async_clients_of_one_process_do_not_disturb_each_other(
    base_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def ask(server: ModelServer) -> list[str]:
        async with AsyncPredictClient(
            f"127.0.0.1:{server.port}", "sentiment", timeout_seconds=TIMEOUT_SECONDS
        ) as client:
            answers = await asyncio.gather(*(client.predict([f"{n}"]) for n in range(50)))
        return [prediction.label for [prediction] in answers]

    # Each loop is told of the events of all others by gRPC, which wakes them together.
    with (
        ModelServer(config_of(base_path), POLLED_BY_HAND, port=0) as one,
        ModelServer(config_of(base_path), POLLED_BY_HAND, port=0) as other,
        ThreadPoolExecutor(4) as threads,
    ):
        asked = [threads.submit(asyncio.run, ask(server)) for server in (one, other) * 2]
        for each in asked:
            assert each.result(TIMEOUT_SECONDS) == [f"v2:{n}" for n in range(50)]
    assert [record for record in caplog.records if record.name == "asyncio"] == []


def test_129_texts_in_one_request_by_every_transport_of_the_client(server: ModelServer) -> None:
    texts = [f"文本{number}" for number in range(129)]
    with client_of(server) as client:
        assert [p.label for p in client.predict(texts)] == [f"v2:{text}" for text in texts]
        assert [p.label for p in client.predict(texts, signature="tokens")] == [
            f"v2:{text}" for text in texts
        ]
        [answer] = client.predict_ids(tf.constant([[1, 2]]).numpy())
    assert answer.predict_scores == (2.0, 3.0)
    assert answer.model_version == 2


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"port": -1}, InvalidInputError),
        ({"port": 65536}, InvalidInputError),
        ({"rest_api_port": 65536}, InvalidInputError),
        ({"config": ModelServerConfig()}, ConfigError),
        ({"config": "absent.config"}, ConfigError),
    ],
)
def test_arguments_that_break_a_rule_are_refused_before_anything_starts(
    base_path: Path, arguments: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        ModelServer(**{"config": config_of(base_path), **arguments})
    with pytest.raises(InvalidInputError, match="file_system_poll_wait_seconds"):
        ServerOptions(file_system_poll_wait_seconds=-1)


def test_a_config_may_be_a_message_of_tensorflow_servings_own_package(base_path: Path) -> None:
    ours = config_of(base_path)
    theirs = their_config_pb2.ModelServerConfig.FromString(ours.SerializeToString())
    with ModelServer(theirs, POLLED_BY_HAND, port=0, rest_api_port=None) as server:
        assert labels(server) == ["v2:a"]
        theirs.model_config_list.config[0].version_labels["stable"] = 2
        server.reload(theirs)
        assert labels(server, version_label="stable") == ["v2:a"]
    with pytest.raises(InvalidInputError, match=r"ModelServerConfig\. Received: .*\.ModelConfig\."):
        ModelServer(their_config_pb2.ModelConfig())


def test_pages_of_a_listed_origin_may_ask_and_read_errors(base_path: Path) -> None:
    options = ServerOptions(
        file_system_poll_wait_seconds=0,
        auth_tokens=BearerTokens(["secret"]),
        cors_origins=AllowedOrigins(["https://example.org"]),
    )
    page = {"Origin": "https://example.org"}
    preflight = {**page, "Access-Control-Request-Method": "POST"}
    with ModelServer(config_of(base_path), options, port=0) as server:
        url = f"http://127.0.0.1:{server.rest_api_port}/v1/models/sentiment"
        told = httpx.options(f"{url}:predict", headers=preflight)
        assert told.status_code == 200
        assert "Authorization" in told.headers["access-control-allow-headers"]
        for headers, status in (({}, 401), ({"Authorization": "Bearer secret"}, 200)):
            answer = httpx.get(url, headers={**page, **headers})
            assert answer.status_code == status
            assert answer.headers["access-control-allow-origin"] == "https://example.org"


def answer_to(server: ModelServer, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.rest_api_port or 0)) as connection:
        connection.settimeout(TIMEOUT_SECONDS)
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    ("target", "version", "host", "status"),
    [
        (b"/v1/models", b"1.1", b"localhost", b"200"),
        (b"/v1/models", b"1.1", b"evil.example", b"403"),
        (b"/healthz", b"1.1", b"10.244.0.5:8501", b"200"),
        (b"/v1/models", b"1.0", None, b"200"),
        (b"/v1/models", b"1.0", b"evil.example", b"403"),
        (b"http://localhost:1/v1/models", b"1.1", b"127.0.0.1", b"200"),
        (b"http://evil.example/v1/models", b"1.1", b"localhost", b"403"),
        (b"HTTP://evil.example/v1/models", b"1.0", None, b"403"),
        (b"http://localhost/v1/models", b"1.1", b"evil.example", b"403"),
        (b"http://localhost@evil.example/v1/models", b"1.1", b"localhost", b"403"),
        *(
            (path, b"1.1", b"evil.example", b"403")
            for path in (
                *(b"/", b"/ui/app.js", b"/openapi.json", b"/state", b"/v2", b"/nowhere"),
                *(b"/healthz/", b"/v2/health", b"/monitoring/prometheus/metrics"),
            )
        ),
    ],
)
@pytest.mark.parametrize("offer", [b"", b"Upgrade: h2c\r\n"])
def test_rest_is_asked_by_a_host_of_its_own(
    server: ModelServer,
    target: bytes,
    version: bytes,
    host: bytes | None,
    status: bytes,
    offer: bytes,
) -> None:
    named = b"" if host is None else b"Host: %b\r\n" % host
    connection = b"close, Upgrade" if offer else b"close"
    lines = (target, version, named, offer, connection)
    head = b"GET %b HTTP/%b\r\n%b%bConnection: %b\r\n\r\n" % lines
    answer = answer_to(server, head)
    assert answer.split(b" ")[1] == status
    if status == b"403":
        assert b"one of its --allowed-hosts. Received: " in answer


def test_the_list_of_models_follows_a_reload(base_path: Path) -> None:
    def listed(server: ModelServer) -> list[tuple[str, dict[str, str]]]:
        url = f"http://127.0.0.1:{server.rest_api_port}/v1/models"
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:
            models = json.load(response)["models"]
        return [(model["name"], model["version_labels"]) for model in models]

    config = config_of(base_path, all=True, labels={"stable": 1})
    with ModelServer(config, POLLED_BY_HAND, port=0) as server:
        assert listed(server) == [("sentiment", {"stable": "1"})]
        config.model_config_list.config[0].version_labels["stable"] = 2
        config.model_config_list.config.append(config.model_config_list.config[0])
        config.model_config_list.config[1].name = "other"
        server.reload(config)
        assert listed(server) == [("sentiment", {"stable": "2"}), ("other", {"stable": "2"})]


def test_a_server_is_started_once_and_has_no_port_before(base_path: Path) -> None:
    server = ModelServer(config_of(base_path), POLLED_BY_HAND, port=0)
    with pytest.raises(ServableUnavailableError):
        _ = server.port
    with server, pytest.raises(InvalidInputError, match="only once"):
        server.start()
    with pytest.raises(InvalidInputError, match="only once"):
        server.start()


def test_importing_the_server_configures_no_logging() -> None:
    code = (
        "import logging, lstm_sentiment.serving.server, lstm_sentiment.client.predict_client;"
        "assert not logging.getLogger().handlers;"
        "assert not logging.getLogger('lstm_sentiment').handlers"
    )
    subprocess.run(preloaded(code), check=True, timeout=TIMEOUT_SECONDS)
    assert logging.getLogger("lstm_sentiment.serving.server").level == logging.NOTSET
