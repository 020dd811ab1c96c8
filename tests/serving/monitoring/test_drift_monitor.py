"""Texts of answered requests, compared with those of training."""

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_sentiment import (
    Corpus,
    FitResult,
    InvalidInputError,
    ModelServer,
    PredictClient,
    ServerOptions,
)
from lstm_sentiment.drift.reference import CARD_KEY
from lstm_sentiment.models_config.config import single_model_config
from lstm_sentiment.serving.inference.classification import ScoredClass
from lstm_sentiment.serving.inference.results import Answer, ClassifyResult, PredictResult
from lstm_sentiment.serving.loading.options import LoadingOptions
from lstm_sentiment.serving.monitoring.drift_monitor import DriftMonitor
from lstm_sentiment.serving.servable import Array, ManagerState, ServableState
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.version_folder import load_card
from tests.exported import exported
from tests.serving.requests_answered import answered

ID = ServableId("sentiment", 3)
BOOK = "这本小说的作者写得精彩".encode()
SOON = 60.0  # for what must happen, on however busy a machine


@pytest.fixture(scope="module")
def base_path(fitted: FitResult) -> Path:
    return exported(fitted).parent


def no_counts(name: str, version: int, texts: list[bytes]) -> Mapping[str, Array] | None:
    return None


def half_unknown(name: str, version: int, texts: list[bytes]) -> Mapping[str, Array] | None:
    two, none, one = (np.full(len(texts), number, np.int32) for number in (2, 0, 1))
    return {"num_tokens": two, "num_truncated": none, "num_oov": one}


class Monitor(DriftMonitor):
    """A monitor whose thread is this one."""

    def __init__(self, base_path: Path | None, ask: Any = no_counts) -> None:
        super().__init__(0.01, now=lambda: 0.0)
        self._ask, self._base_path = ask, lambda name: base_path
        self.state_changed(ServableState(ID, ManagerState.AVAILABLE))

    def compared(self, texts: list[bytes], answer: Answer | None = None) -> dict[str, Any]:
        for begin in range(0, len(texts), 100):
            self(answered(texts=texts[begin : begin + 100], answer=answer))
            self.compare_waiting()
        report = self.report(ID)
        assert report is not None
        return report

    def texts(self, group: str) -> int:
        hours = self.counts().sums["sentiment", "3"]["drift"]
        return int(hours[0]["texts"].get(group, 0))


def test_other_texts_are_drift(base_path: Path, corpus: Corpus) -> None:
    like = [text.encode() for text in corpus.texts]
    assert not Monitor(base_path).compared(like)["is_drift"]
    report = Monitor(base_path).compared([BOOK] * 200)
    assert report["is_drift"]
    assert report["texts"] == 200
    assert report["log10_e_value"] > 2


@pytest.mark.parametrize("ask", [no_counts, half_unknown])
def test_oov_rates_are_counted_where_the_version_counts_tokens(base_path: Path, ask: Any) -> None:
    monitor = Monitor(base_path, ask)
    monitor.compared([BOOK] * 7)
    assert monitor.texts("words") == 7
    assert monitor.texts("oov_rate") == (7 if ask is half_unknown else 0)


def test_answers_are_counted_where_they_tell_probabilities(base_path: Path) -> None:
    rows = np.array([[0.1, 0.2, 0.7]] * 2, np.float32)
    classified = [[ScoredClass("a", 0.2), ScoredClass("b", 0.6), ScoredClass("c", 0.2)]] * 2
    monitor = Monitor(base_path)
    monitor.compared([BOOK] * 2, PredictResult(ID, "text", 2, {"probabilities": rows}))
    monitor.compared([BOOK] * 2, ClassifyResult(ID, "classify", 2, classified))
    monitor.compared([BOOK] * 2, PredictResult(ID, "text", 2, {"label": rows}))
    monitor.compared([BOOK] * 2, PredictResult(ID, "text", 3, {"probabilities": rows[:1]}))
    assert (monitor.texts("words"), monitor.texts("classes")) == (8, 4)
    counts = monitor.counts().sums["sentiment", "3"]["drift"][0]["counts"]
    assert counts["classes"] == (0, 2, 2)


def test_failed_requests_and_unknown_versions_are_not_counted(base_path: Path) -> None:
    monitor = Monitor(base_path)
    for change in ({"status": "INTERNAL"}, {"version": None}, {"version": 9}, {"texts": ()}):
        monitor(answered(**change))
    monitor.compare_waiting()
    assert monitor.counts().sums == {}


def test_a_version_that_is_unloaded_is_forgotten(base_path: Path) -> None:
    monitor = Monitor(base_path)
    monitor.compared([BOOK])
    monitor.state_changed(ServableState(ID, ManagerState.END))
    monitor(answered(texts=[BOOK]))
    monitor.compare_waiting()
    assert monitor.counts().sums == {}
    assert monitor.report(ID) is None
    assert monitor.reports() == {}


@pytest.mark.parametrize("is_served", [True, False])
def test_a_version_that_keeps_nothing_of_training_is_left_out(
    tmp_path: Path, is_served: bool, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "3").mkdir()
    monitor = Monitor(tmp_path if is_served else None)
    monitor(answered(texts=[BOOK]))
    monitor(answered(texts=[BOOK]))
    monitor.compare_waiting()
    assert monitor.reports() == {}
    assert len(caplog.records) == is_served


def test_a_model_that_a_reload_adds_is_compared_once_its_config_is_in_force(
    base_path: Path,
) -> None:
    """A page of metrics may be asked for while the models of the new config are loaded."""
    monitor = Monitor(None)
    in_force: list[Path] = []
    monitor.start(no_counts, lambda name: in_force[0] if in_force else None)
    monitor.stop()
    assert monitor.reports() == {}
    in_force.append(base_path)
    assert monitor.reports().keys() == {ID}


def test_other_processes_add_up(base_path: Path) -> None:
    monitors = [Monitor(base_path), Monitor(base_path)]
    for monitor in monitors:
        monitor.compared([BOOK] * 50)
    together = monitors[0].reports([monitors[1].counts()])[ID]
    assert together["texts"] == 100
    assert together["log10_e_value"] > monitors[0].reports()[ID]["log10_e_value"]


@pytest.mark.parametrize("engine", ["light", "tensorflow"])
def test_a_server_tells_drift_in_its_state_and_its_metrics(base_path: Path, engine: Any) -> None:
    options = ServerOptions(drift_alpha=0.01, loading=LoadingOptions(engine=engine))
    with (
        ModelServer(single_model_config("sentiment", base_path), options, port=0) as server,
        PredictClient(f"localhost:{server.port}", model="sentiment") as client,
    ):
        assert drift_of(server)["texts"] == 0
        client.predict([BOOK.decode()] * 120)
        pause, end = threading.Event(), time.monotonic() + SOON
        while drift_of(server)["texts"] < 120 and time.monotonic() < end:
            pause.wait(0.05)
        found = drift_of(server)
        page = client_page(server)
    assert found["is_drift"]
    groups = {feature["group"] for feature in found["moved"]}
    assert groups >= {"words", "oov_rate", "confidence"}
    labels = '{model_name="sentiment",version="3"}'
    assert f"lstm_sentiment_drift{labels} 1\n" in page
    assert f"lstm_sentiment_drift_texts{labels} 120\n" in page
    assert f"lstm_sentiment_drift_log10_e_value{labels} {found['log10_e_value']}\n" in page


def test_by_default_nobody_looks_for_drift(base_path: Path) -> None:
    with ModelServer(single_model_config("sentiment", base_path), port=0) as server:
        [model] = server.state()["models"]
        assert "drift" not in model["versions"][0]
        assert "lstm_sentiment_drift" not in client_page(server)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1])
def test_alpha_must_be_a_probability(alpha: float) -> None:
    with pytest.raises(InvalidInputError, match=r"`drift_alpha` must be between 0 and 1\."):
        ServerOptions(drift_alpha=alpha)


def test_the_card_of_the_version_has_a_reference(base_path: Path) -> None:
    assert CARD_KEY in (load_card(base_path / "3") or {})


def drift_of(server: ModelServer) -> dict[str, Any]:
    [model] = server.state()["models"]
    found: dict[str, Any] = model["versions"][0]["drift"]
    return found


def client_page(server: ModelServer) -> str:
    from urllib.request import urlopen

    address = f"http://localhost:{server.rest_api_port}/monitoring/prometheus/metrics"
    with urlopen(address) as response:
        page: str = response.read().decode()
    return page
