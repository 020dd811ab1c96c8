"""What `/state` tells of a server."""

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.client.predict_client import PredictClient
from lstm_sentiment.errors import LstmSentimentError
from lstm_sentiment.serving.access.roles import Role
from lstm_sentiment.serving.errors import ServableLoadError
from lstm_sentiment.serving.monitoring.server_state import LATENCY_WINDOW, ServerState
from lstm_sentiment.serving.rest_api.routing.table import STATE
from lstm_sentiment.serving.servable import ManagerState, ServableState
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.serving.server import ModelServer
from tests.serving.requests_answered import answered

AVAILABLE, END, LOADING = ManagerState.AVAILABLE, ManagerState.END, ManagerState.LOADING


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def state_of(version: int, state: ManagerState, error: str | None = None) -> ServableState:
    failure = None if error is None else ServableLoadError(error)
    return ServableState(ServableId("sentiment", version), state, failure)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(clock: Clock) -> ServerState:
    """Of a server with versions 3 and 4."""
    state = ServerState(clock=clock, now=lambda: datetime(2026, 3, 1, 12, 0, tzinfo=UTC))
    for version in (3, 4):
        for stage in (ManagerState.START, LOADING, AVAILABLE):
            state.state_changed(state_of(version, stage))
    return state


def versions(state: ServerState, *states: ServableState) -> dict[int, dict[str, Any]]:
    states = states or (state_of(4, AVAILABLE), state_of(3, AVAILABLE))
    (model,) = state.page({"sentiment": {}}, states)["models"]
    return {version["version"]: version for version in model["versions"]}


def test_the_whole_page(state: ServerState, clock: Clock) -> None:
    clock.now += 12.5
    state(answered(version=3, seconds=0.002))
    state(answered(version=3, seconds=0.004))
    state(answered(version=3, status="INTERNAL"))
    state(answered(version=None, status="INVALID_ARGUMENT"))
    told = [replace(state_of(4, AVAILABLE), engine="light"), state_of(3, AVAILABLE)]
    page = state.page(
        {"sentiment": {"stable": 3}},
        told,
        [{"model": "sentiment"}],
        request_log=[{"model": "sentiment", "written": 2}],
    )
    assert page.pop("server").startswith("lstm-sentiment")
    assert json.loads(json.dumps(page)) == {
        "started": "2026-03-01T12:00:00Z",
        "uptime_seconds": 12.5,
        "models": [
            {
                "name": "sentiment",
                "labels": {"stable": 3},
                "versions": [
                    {
                        "version": 4,
                        "state": "AVAILABLE",
                        "engine": "light",
                        "error": "",
                        "state_seconds": 12.5,
                        "requests": 0,
                        "errors": 0,
                        "latency_ms": None,
                    },
                    {
                        "version": 3,
                        "state": "AVAILABLE",
                        "engine": None,
                        "error": "",
                        "state_seconds": 12.5,
                        "requests": 3,
                        "errors": 1,
                        "latency_ms": {"mean": 3.0, "p50": 3.0, "p99": 3.98},
                    },
                ],
                "errors_without_version": 1,
            }
        ],
        "shadow": [{"model": "sentiment"}],
        "request_log": [{"model": "sentiment", "written": 2}],
    }


@pytest.mark.parametrize("api", ["GetModelStatus", "GetModelMetadata", "HandleReloadConfigRequest"])
def test_only_those_who_want_an_answer_count(state: ServerState, api: str) -> None:
    state(answered(api=api))
    state(answered(api=api, version=None, status="NOT_FOUND"))
    assert versions(state)[3]["requests"] == 0
    assert state.page({"sentiment": {}}, [])["models"][0]["errors_without_version"] == 0


def test_latencies_are_those_of_the_last_answers(state: ServerState) -> None:
    for _ in range(10):
        state(answered(seconds=9.0))
    for _ in range(LATENCY_WINDOW):
        state(answered(seconds=0.001))
    found = versions(state)[3]
    assert found["requests"] == LATENCY_WINDOW + 10
    assert found["latency_ms"] == {"mean": 1.0, "p50": 1.0, "p99": 1.0}


def test_an_error_says_nothing_of_how_long_an_answer_takes(state: ServerState) -> None:
    state(answered(status="DEADLINE_EXCEEDED", seconds=30.0))
    found = versions(state)[3]
    assert (found["requests"], found["errors"], found["latency_ms"]) == (1, 1, None)


def test_a_version_that_is_unloaded_goes_and_begins_anew(state: ServerState, clock: Clock) -> None:
    clock.now += 5
    state(answered(version=3))
    state.state_changed(state_of(3, ManagerState.UNLOADING))
    state.state_changed(state_of(3, END))
    state(answered(version=3))  # its answer was on the way
    assert 3 not in versions(state, state_of(4, AVAILABLE), state_of(3, END))
    # Nothing is kept of it: neither its requests nor since when it is there.
    found = versions(state, state_of(3, AVAILABLE))[3]
    assert (found["requests"], found["state_seconds"]) == (0, 0)
    for stage in (ManagerState.START, LOADING, AVAILABLE):
        state.state_changed(state_of(3, stage))
    assert versions(state)[3]["requests"] == 0


def test_a_version_that_failed_stays_with_its_reason(state: ServerState, clock: Clock) -> None:
    state.state_changed(state_of(5, ManagerState.START))
    state.state_changed(state_of(5, LOADING))
    clock.now += 5
    assert versions(state, state_of(5, LOADING))[5]["state_seconds"] == 5
    state.state_changed(state_of(5, END, "no graph"))
    clock.now += 2
    found = versions(state, state_of(5, END, "no graph"))[5]
    assert (found["state"], found["error"], found["state_seconds"]) == ("END", "no graph", 2)


def test_a_model_that_is_gone_is_not_told_of(state: ServerState) -> None:
    state(answered(version=None, status="INVALID_ARGUMENT"))
    assert state.page({}, [])["models"] == []
    assert state.page({"hotel": {}}, [])["models"] == [
        {"name": "hotel", "labels": {}, "versions": [], "errors_without_version": 0}
    ]


def test_a_caller_who_left_is_no_failure() -> None:
    state = ServerState()
    state.state_changed(state_of(3, AVAILABLE))
    for status in ("CANCELLED", "NOT_FOUND", "CANCELLED"):
        state(answered(model_name="sentiment", version=None, status=status))
    [model] = state.page({"sentiment": {}}, [])["models"]
    assert model["errors_without_version"] == 1


@given(st.lists(st.tuples(st.sampled_from(["sentiment", "x", "", "y\n"]), st.integers(0, 9))))
def test_what_strangers_ask_for_is_kept_nowhere(asked: list[tuple[str, int]]) -> None:
    state = ServerState()
    state.state_changed(state_of(3, AVAILABLE))
    for name, version in asked:
        for status in ("OK", "NOT_FOUND"):
            state(answered(model_name=name, version=version, status=status))
    # Were strangers remembered, it would be seen once they are models of the server.
    names: dict[str, dict[str, int]] = {name: {} for name in ("sentiment", *(n for n, _ in asked))}
    states = [
        ServableState(ServableId(name, version), AVAILABLE)
        for name, version in {("sentiment", 3), *asked}
    ]
    models = {model["name"]: model for model in state.page(names, states)["models"]}
    model = models.pop("sentiment")
    others = [other for each in models.values() for other in each["versions"]]
    others += [other for other in model["versions"] if other["version"] != 3]
    assert not any(other["requests"] for other in others)
    assert not any(each["errors_without_version"] for each in models.values())
    of_model = [version for name, version in asked if name == "sentiment"]
    (asked_for,) = [version for version in model["versions"] if version["version"] == 3]
    assert asked_for["requests"] == 2 * of_model.count(3)
    assert model["errors_without_version"] == len(of_model) - of_model.count(3)


def test_failures_of_long_ago_are_forgotten(clock: Clock) -> None:
    state = ServerState(clock=clock)
    for version in range(1000):
        for stage in (ManagerState.START, LOADING):
            state.state_changed(state_of(version, stage))
        state.state_changed(state_of(version, END, "no graph"))
    clock.now += 5
    failed = [state_of(version, END, "no graph") for version in range(1000)]
    found = versions(state, *failed)
    remembered = [version for version in found if found[version]["state_seconds"] == 5]
    assert 0 < len(remembered) <= 200
    assert 999 in remembered


def test_threads_lose_no_request(state: ServerState) -> None:
    def ask() -> None:
        for _ in range(100):
            state(answered())
            state.page({"sentiment": {}}, [state_of(3, AVAILABLE)])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert versions(state)[3]["requests"] == 400


def test_the_page_of_a_server(server: ModelServer) -> None:
    def versions_told() -> dict[int, dict[str, Any]]:
        response = httpx.get(f"http://127.0.0.1:{server.rest_api_port}/state")
        assert response.status_code == 200
        assert response.headers["content-type"] == "application/json"
        assert response.headers["cache-control"] == "no-store"
        (model,) = response.json()["models"]
        assert model["labels"] == {"stable": 1, "canary": 2}
        return {version["version"]: version for version in model["versions"]}

    before = versions_told()
    assert list(before) == [2, 1]
    with PredictClient(f"127.0.0.1:{server.port}", "sentiment", version_label="stable") as client:
        client.predict(["a"])
        client.metadata()
    with (
        PredictClient(f"127.0.0.1:{server.port}", "other", max_retries=0) as stranger,
        pytest.raises(LstmSentimentError),
    ):
        stranger.predict(["a"])
    after = versions_told()
    assert after[1]["requests"] == before[1]["requests"] + 1
    assert after[1]["latency_ms"]["p99"] > 0
    assert after[2]["requests"] == before[2]["requests"]
    assert server.state()["models"][0]["name"] == "sentiment"


def test_the_page_is_for_those_who_are_let_in() -> None:
    assert STATE.roles == frozenset({Role.STATUS})
