"""What several processes have counted, told as one server would tell it."""

import os
import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
from lstm_sentiment.serving.counts import Counts
from lstm_sentiment.serving.monitoring.answered_request import AnsweredRequest
from lstm_sentiment.serving.monitoring.drift_monitor import DriftMonitor
from lstm_sentiment.serving.monitoring.merged_pages import MergedPages
from lstm_sentiment.serving.monitoring.metrics import ServerMetrics
from lstm_sentiment.serving.monitoring.server_state import ServerState
from lstm_sentiment.serving.monitoring.text_statistics import TextMeasures
from lstm_sentiment.serving.monitoring.training_times import TrainingTimes
from lstm_sentiment.serving.peers import Gathered
from lstm_sentiment.serving.request_log.options import RequestLogOptions
from lstm_sentiment.serving.request_log.request_log import RequestLog
from lstm_sentiment.serving.servable import ManagerState, ServableState
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.serving.shadow.tally import Disagreement, Pair, ShadowOutcome, ShadowTally
from tests.serving.requests_answered import answered

STATES = [
    ServableState(ServableId("sentiment", version), ManagerState.AVAILABLE) for version in (4, 3)
]
REQUESTS = [
    answered(),
    answered(version=4, status="OK", batch_size=5, seconds=0.25),
    answered(version=4, status="INTERNAL"),
    answered(version=None, status="NOT_FOUND"),
    answered(entrypoint="REST", api="Classify"),
]


class KnownDrift(DriftMonitor):
    """Its texts have drifted, as far as it and the counts that it is given can tell."""

    def __init__(self) -> None:
        super().__init__(0.01)
        self.counted = 0

    def counts(self) -> Counts:
        return Counts({("sentiment", "3"): {"drift": {7: {"texts": {"words": self.counted}}}}})

    def reports(self, others: Sequence[Counts] = ()) -> dict[ServableId, dict[str, Any]]:
        hours = [
            each.sums.get(("sentiment", "3"), {}).get("drift", {})
            for each in (self.counts(), *others)
        ]
        texts = sum(found[7]["texts"]["words"] for found in hours if found)
        report = {"is_drift": texts > 5, "log10_e_value": texts / 2, "texts": texts}
        return {ServableId("sentiment", 3): report}


class KnownTrainingTimes(TrainingTimes):
    """Version 3 was trained 1.5e9 seconds after the beginning of 1970."""

    def by_version(self) -> dict[ServableId, float]:
        return {ServableId("sentiment", 3): 1.5e9}


class Process:
    """The observers of one process, and the counts of others."""

    def __init__(self) -> None:
        self.metrics, self.state = ServerMetrics(), ServerState()
        self.others: Sequence[Counts] = ()
        self.ended = Counts()
        self.log = RequestLog(RequestLogOptions())
        self.drift = KnownDrift()
        self.training_times = KnownTrainingTimes()
        self.pages = MergedPages(
            self,
            self.state,
            self.metrics,
            None,
            self.log,
            self.drift,
            self.training_times,
            lambda: STATES,
        )
        for state in STATES:
            self.metrics.state_changed(state)
            self.state.state_changed(state)
            self.drift.state_changed(state)

    def answers(self, request: AnsweredRequest) -> None:
        self.metrics(request)
        self.state(request)
        if request.status == "OK":
            characters = np.array([len(text) for text in request.texts])
            self.metrics.texts_measured(
                TextMeasures("sentiment", request.version or 0, characters, None)
            )

    def counts(self) -> Counts:
        """As they come to another process."""
        counts: Counts = pickle.loads(pickle.dumps(self.pages.counts()))
        return counts

    def gather(self, own: Counts) -> Gathered:
        workers = {"count": 2, "restarts": 0, "processes": []}
        return Gathered(self.others, self.ended, 0.0, os.getpid(), workers)

    def lines(self) -> list[str]:
        page = self.pages.metrics_page().decode()
        return sorted(line for line in page.splitlines() if "process_" not in line)

    # The rest of `Peers`.
    def join(self, server: Any) -> None: ...
    def opening_ports(self) -> Any: ...
    def changed(self) -> None: ...
    def merged(self, states: Sequence[ServableState]) -> list[ServableState]:
        return list(states)

    def reload(self, config: ModelServerConfig, timeout_seconds: float | None) -> None: ...


@given(st.lists(st.tuples(st.sampled_from(REQUESTS), st.sampled_from(["one", "other", "ended"]))))
def test_the_pages_are_those_of_one_process_that_answered_all(
    requests: list[tuple[AnsweredRequest, str]],
) -> None:
    alone, one, other, ended = Process(), Process(), Process(), Process()
    by_name = {"one": one, "other": other, "ended": ended}
    for request, name in requests:
        alone.answers(request)
        by_name[name].answers(request)
    one.others, one.ended = [other.counts()], Counts().ended(ended.counts())
    assert [_without_sums(line) for line in one.lines()] == [
        _without_sums(line) for line in alone.lines()
    ]
    merged, expected = one.pages.state({}), alone.pages.state({})
    for model in (*merged["models"], *expected["models"]):
        for version in model["versions"]:
            # Of living processes alone, and of moments.
            del version["latency_ms"], version["state_seconds"]
    assert merged["models"] == expected["models"]


def _without_sums(line: str) -> str:
    # Numbers are added in another order.
    name, _, value = line.rpartition(" ")
    return f"{name} {float(value):.6g}" if "_sum" in name else line


def test_memory_and_cpu_are_those_of_all_processes_and_their_parent() -> None:
    one, other = Process(), Process()
    counts = other.counts()
    counts.now["process"] = {"process_resident_memory_bytes": 1e15, "process_open_fds": 1000}
    counts.sums[()]["process"] = {"process_cpu_seconds_total": 5e6}
    one.others = [counts]
    lines = dict(
        line.split(" ")
        for line in one.pages.metrics_page().decode().splitlines()
        if line.startswith("process_")
    )
    assert float(lines["process_resident_memory_bytes"]) > 1e15
    assert float(lines["process_open_fds"]) > 1000
    assert float(lines["process_cpu_seconds_total"]) > 5e6
    assert float(lines["process_start_time_seconds"]) < 1e11


def test_latencies_are_of_all_living_processes() -> None:
    one, other = Process(), Process()
    one.answers(answered(seconds=0.010))
    other.answers(answered(seconds=0.030))
    one.others = [other.counts()]
    [model] = one.pages.state({})["models"]
    version = next(each for each in model["versions"] if each["version"] == 3)
    assert version["latency_ms"]["mean"] == pytest.approx(20)
    assert one.pages.state({})["workers"]["count"] == 2


def test_tallies_of_processes_add_up() -> None:
    pair, moved = Pair(1, 2), Pair(1, None)
    one, other = ShadowTally(clock=lambda: 10.0), ShadowTally(clock=lambda: 10.0)
    for tally, difference in ((one, 0.1), (other, 0.4)):
        tally.sampled(pair, 3)
        disagreement = Disagreement("good", "bad", difference, "text")
        tally.record(ShadowOutcome(pair, 2, [disagreement], [difference]))
    other.sampled(moved, 1)
    other.record(ShadowOutcome(moved, failed=1))
    report = one.report([pickle.loads(pickle.dumps(other.counts()))])
    assert (report["sampled"], report["agreed"], report["compared"]) == (7, 4, 6)
    assert (report["failed"], report["largest_difference"]) == (1, 0.4)
    assert [each["shadow_version"] for each in report["pairs"]] == [None, 2]
    assert [each["difference"] for each in report["recent_disagreements"]] == [0.4, 0.1]
    # What is added for a report is not kept.
    assert one.report()["sampled"] == 3


def test_training_times_are_not_added_up() -> None:
    own, other = Process(), Process()
    own.others = (other.counts(),)
    name = "lstm_sentiment_trained_timestamp_seconds"
    lines = [line for line in own.lines() if line.startswith(name)]
    assert lines == [f'{name}{{model_name="sentiment",version="3"}} 1500000000.0']


def test_drift_is_that_of_all_processes_together() -> None:
    own, other = Process(), Process()
    own.drift.counted, other.drift.counted = 4, 3
    own.others = (other.counts(),)
    labels = '{model_name="sentiment",version="3"}'
    assert f"lstm_sentiment_drift{labels} 1" in own.lines()
    assert f"lstm_sentiment_drift_log10_e_value{labels} 3.5" in own.lines()
    [model] = own.pages.state({"sentiment": {}})["models"]
    told = {version["version"]: version["drift"] for version in model["versions"]}
    assert told == {3: {"is_drift": True, "log10_e_value": 3.5, "texts": 7}, 4: None}
