"""`inf` and whatever no clock can count is no limit, everywhere a timeout is taken."""

import math
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from lstm_sentiment.cli.flag_rules import NUMBERS
from lstm_sentiment.cli.serve_signals import EndedBySignals
from lstm_sentiment.client.model_service import RunningServer
from lstm_sentiment.client.predict_client import PredictClient
from lstm_sentiment.client.rest_client import RestClient
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.models_config.config import single_model_config
from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
from lstm_sentiment.rollout.shadow_agreement import read_shadow_agreement
from lstm_sentiment.serving.batching.parameters import BatchingParameters
from lstm_sentiment.serving.request_log.options import RequestLogOptions
from lstm_sentiment.serving.server import ModelServer
from lstm_sentiment.serving.server_options import ServerOptions
from lstm_sentiment.timeouts import LONGEST_SECONDS, timeout_or_none
from lstm_sentiment.training.workers.launcher import launch
from tests.serving.saved_models import save_version

ENDLESS = [math.inf, 1e10, 1e18, 1e300]


@pytest.mark.parametrize("seconds", ENDLESS)
def test_what_cannot_be_counted_is_no_limit(seconds: float) -> None:
    assert timeout_or_none(seconds) is None


@pytest.mark.parametrize("seconds", [None, 0.0, 0.5, 30, LONGEST_SECONDS])
def test_any_other_timeout_is_itself(seconds: float | None) -> None:
    assert timeout_or_none(seconds) == seconds


@pytest.fixture
def own_signals() -> Iterator[None]:
    """Leaves the handlers of signals as they were."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


class Served(NamedTuple):
    server: ModelServer
    config: ModelServerConfig


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    base_path = tmp_path_factory.mktemp("models") / "m"
    save_version(base_path, 1)
    options = ServerOptions(load_timeout_seconds=math.inf, rest_api_timeout_seconds=1e300)
    config = single_model_config("m", base_path)
    with ModelServer(config, options, port=0) as server:
        yield Served(server, config)


@pytest.mark.parametrize("seconds", ENDLESS)
def test_nobody_fails_for_a_long_timeout(served: Served, seconds: float) -> None:
    server = served.server
    address, rest = f"127.0.0.1:{server.port}", f"127.0.0.1:{server.rest_api_port}"

    def status_by_client() -> object:
        with PredictClient(address, "m", timeout_seconds=seconds) as client:
            return client.model_status(timeout_seconds=seconds)

    def status_by_service() -> object:
        with RunningServer(address, timeout_seconds=seconds) as running:
            running.wait_until_available("m", 1)
            return running.statuses("m")

    calls: list[Callable[[], object]] = [
        status_by_client,
        status_by_service,
        lambda: RestClient(rest, "must answer", timeout_seconds=seconds).get("/v1/models/m"),
        lambda: server.wait_until_settled(seconds),
        lambda: server.wait_until(bool, seconds),
    ]
    for call in calls:
        assert call()
    server.reload(served.config, timeout_seconds=seconds)
    with pytest.raises(InvalidInputError, match="shadow"):
        read_shadow_agreement(rest, timeout_seconds=seconds)


@pytest.mark.parametrize("seconds", ENDLESS)
@pytest.mark.usefixtures("own_signals")
@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_whatever_ends_may_take_any_time(tmp_path: Path, seconds: float) -> None:
    save_version(tmp_path / "m", 1)
    options = ServerOptions(
        grace_seconds=seconds,
        batching=BatchingParameters(
            batch_timeout_micros=2**63 - 1, max_batch_size=1, latency_objective_seconds=seconds
        ),
        request_log=RequestLogOptions(max_age_seconds=seconds),
    )
    with ModelServer(single_model_config("m", tmp_path / "m"), options, port=0) as server:
        rest = RestClient(f"127.0.0.1:{server.rest_api_port}", "must answer")
        assert "batching" not in rest.get("/state")  # no objective, and strict JSON
    exits: list[bool] = []
    with pytest.raises(KeyboardInterrupt), EndedBySignals(seconds, lambda: exits.append(True)):
        signal.raise_signal(signal.SIGTERM)
    assert not exits
    assert launch([sys.executable, "-S", "-c", ""], workers=1, grace_seconds=seconds) == 0


@pytest.mark.parametrize("name", [name for name in NUMBERS if name.endswith("_seconds")])
def test_a_flag_takes_infinity_or_names_its_largest_number(name: str) -> None:
    broken = NUMBERS[name].broken_by(math.inf)
    assert broken is None or "at most" in broken
    is_limit = name.startswith(("timeout", "grace", "drain")) or name.endswith("age_seconds")
    assert is_limit == (broken is None)


def test_a_pause_is_no_longer_than_a_year() -> None:
    with pytest.raises(InvalidInputError, match="`pause_seconds` must be at most 31622400"):
        RequestLogOptions(pause_seconds=math.inf)


@pytest.mark.parametrize("seconds", [0, -1, math.nan])
def test_a_timeout_is_above_0(seconds: float) -> None:
    with pytest.raises(InvalidInputError, match=r"^`load_timeout_seconds` must be a positive"):
        ServerOptions(load_timeout_seconds=seconds)
    with pytest.raises(InvalidInputError, match=r"^`rest_api_timeout_seconds` must be a positive"):
        ServerOptions(rest_api_timeout_seconds=seconds)
