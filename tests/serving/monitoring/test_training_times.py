"""The time at which a served version was trained, from its card to the page of metrics."""

import json
from datetime import datetime
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from lstm_sentiment import FitResult, ModelServer, ServerOptions
from lstm_sentiment.models_config.config import single_model_config
from lstm_sentiment.serving.monitoring.config import MonitoringConfig
from lstm_sentiment.serving.monitoring.training_times import TrainingTimes
from lstm_sentiment.serving.servable import ManagerState, ServableState
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.version_folder import CARD, load_card
from tests.exported import exported

ID = ServableId("sentiment", 3)
NAME = "lstm_sentiment_trained_timestamp_seconds"


def times_of(base_path: Path, *states: ManagerState) -> TrainingTimes:
    """Returns the times of a server whose version 3 has been in these states."""
    times = TrainingTimes()
    times.start(lambda name: base_path if name == "sentiment" else None)
    for state in states:
        times.state_changed(ServableState(ID, state))
    return times


def with_card(base_path: Path, card: str) -> Path:
    path = base_path / "3" / CARD
    path.parent.mkdir(parents=True)
    path.write_text(card, "utf-8")
    return base_path


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("2026-11-30T11:20:05+00:00", 1796037605),
        ("2026-11-30T11:20:05", 1796037605),
        ("2026-11-30T19:20:05+08:00", 1796037605),
        ("1970-01-01T00:00:00+00:00", 0),
    ],
)
def test_times_are_seconds_since_1970(tmp_path: Path, written: str, seconds: float) -> None:
    base_path = with_card(tmp_path, json.dumps({"trained_at": written}))
    assert times_of(base_path, ManagerState.AVAILABLE).by_version() == {ID: seconds}


@pytest.mark.parametrize("card", ["{}", '{"trained_at": 7}', '{"trained_at": "soon"}'])
def test_a_card_without_a_time_gives_none(
    tmp_path: Path, card: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert times_of(with_card(tmp_path, card), ManagerState.AVAILABLE).by_version() == {}
    assert not caplog.records


def test_a_version_without_a_card_gives_none(tmp_path: Path) -> None:
    (tmp_path / "3").mkdir()
    assert times_of(tmp_path, ManagerState.AVAILABLE).by_version() == {}


def test_a_damaged_card_is_reported_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    times = times_of(with_card(tmp_path, "{"), ManagerState.AVAILABLE)
    assert times.by_version() == times.by_version() == {}
    [record] = caplog.records
    assert str(tmp_path / "3" / CARD) in record.getMessage()


def test_only_loaded_versions_have_a_time(tmp_path: Path) -> None:
    base_path = with_card(tmp_path, '{"trained_at": "2026-11-30T11:20:05+00:00"}')
    times = times_of(base_path, ManagerState.START, ManagerState.LOADING)
    assert times.by_version() == {}
    times.state_changed(ServableState(ID, ManagerState.AVAILABLE))
    assert times.by_version().keys() == {ID}
    times.state_changed(ServableState(ID, ManagerState.UNLOADING))
    times.state_changed(ServableState(ID, ManagerState.END))
    assert times.by_version() == {}


def test_a_model_whose_config_is_still_being_loaded_has_its_time_afterwards(tmp_path: Path) -> None:
    base_path = with_card(tmp_path, '{"trained_at": "2026-11-30T11:20:05+00:00"}')
    in_force: dict[str, Path] = {}
    times = TrainingTimes()
    times.start(in_force.get)
    times.state_changed(ServableState(ID, ManagerState.AVAILABLE))
    assert times.by_version() == {}
    in_force["sentiment"] = base_path
    assert times.by_version().keys() == {ID}


def test_a_server_publishes_when_its_version_was_trained(fitted: FitResult) -> None:
    version_dir = exported(fitted)
    card = load_card(version_dir)
    assert card is not None
    config = single_model_config("sentiment", version_dir.parent)
    options = ServerOptions(monitoring=MonitoringConfig(enable=True))
    with ModelServer(config, options, port=0) as server:
        address = f"http://127.0.0.1:{server.rest_api_port}/monitoring/prometheus/metrics"
        with urlopen(address) as response:
            page = response.read().decode()
    families = {family.name: family for family in text_string_to_metric_families(page)}
    [sample] = families[NAME].samples
    assert families[NAME].type == "gauge"
    assert sample.labels == {"model_name": "sentiment", "version": version_dir.name}
    assert sample.value == datetime.fromisoformat(card["trained_at"]).timestamp()
