"""What Prometheus reads, as its own parser understands it."""

import re
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from lstm_sentiment.serving.batching.batch_queue import BatchRun
from lstm_sentiment.serving.errors import ServableLoadError
from lstm_sentiment.serving.monitoring.metric_definitions import BATCH_SIZE, METRICS
from lstm_sentiment.serving.monitoring.metric_series import MetricSeries
from lstm_sentiment.serving.monitoring.metrics import ServerMetrics
from lstm_sentiment.serving.monitoring.text_statistics import TextMeasures
from lstm_sentiment.serving.servable import ManagerState, ServableState
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.serving.shadow.tally import Disagreement, Pair, ShadowOutcome
from lstm_sentiment.version_folder import TokenCounts
from tests.conftest import REPOSITORY
from tests.serving.requests_answered import answered

SERVING = ":tensorflow:serving"
LOADED = "lstm_sentiment_servable_state"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def metrics() -> ServerMetrics:
    """Of a server with versions 3 and 4 of one model."""
    metrics = ServerMetrics()
    for version in (3, 4):
        tell(metrics, ManagerState.AVAILABLE, version=version)
    return metrics


def tell(
    metrics: ServerMetrics,
    state: ManagerState,
    *,
    name: str = "sentiment",
    version: int = 3,
    error: str | None = None,
) -> None:
    failure = None if error is None else ServableLoadError(error)
    metrics.state_changed(ServableState(ServableId(name, version), state, failure))


def samples(metrics: ServerMetrics) -> Iterator[Any]:
    page = metrics.page().decode()
    for family in text_string_to_metric_families(page):
        # The parser gives the samples of a counter an ending that they need not have.
        has_ending = family.type == "counter" and f"# TYPE {family.name} counter\n" in page
        for sample in family.samples:
            yield sample._replace(name=family.name) if has_ending else sample


def value(metrics: ServerMetrics, name: str, **labels: str) -> float:
    """The one sample with a name and exactly these labels."""
    (found,) = (s.value for s in samples(metrics) if s.name == name and s.labels == labels)
    return float(found)


def series(metrics: ServerMetrics, name: str) -> list[dict[str, str]]:
    return [sample.labels for sample in samples(metrics) if sample.name == name]


def measures(version: int = 3, **changes: Any) -> TextMeasures:
    counts = TokenCounts(
        tokens=np.array([10, 4], np.int32),
        truncated=np.array([2, 0], np.int32),
        oov=np.array([2, 0], np.int32),
    )
    return TextMeasures(
        "sentiment", version, **{"characters": np.array([20, 7]), "counts": counts, **changes}
    )


def test_requests_are_counted_under_the_names_of_tensorflow_serving(
    metrics: ServerMetrics,
) -> None:
    metrics(answered())
    metrics(answered(entrypoint="REST", seconds=0.5))
    metrics(answered(status="INVALID_ARGUMENT", message="no"))
    page = metrics.page().decode()
    assert f"# TYPE {SERVING}:request_count counter\n" in page
    assert f'{SERVING}:request_count{{model_name="sentiment",status="OK"}} 2\n' in page
    assert value(
        metrics, f"{SERVING}:request_count", model_name="sentiment", status="INVALID_ARGUMENT"
    )
    grpc = {"model_name": "sentiment", "API": "Predict", "entrypoint": "GRPC"}
    assert value(metrics, f"{SERVING}:request_latency_sum", **grpc) == pytest.approx(2000)
    # An error says nothing of how long an answer takes.
    assert value(metrics, f"{SERVING}:request_latency_count", **grpc) == 1
    rest = {"model_name": "sentiment", "API": "predict", "entrypoint": "REST"}
    assert value(metrics, f"{SERVING}:request_latency_sum", **rest) == pytest.approx(500_000)


def test_latencies_have_the_buckets_of_tensorflow_serving(metrics: ServerMetrics) -> None:
    metrics(answered(seconds=0.000018))
    buckets = {
        sample.labels["le"]: sample.value
        for sample in samples(metrics)
        if sample.name == f"{SERVING}:request_latency_bucket"
    }
    assert list(buckets)[:6] == ["10", "18", "32.4", "58.32", "104.976", "188.957"]
    assert len(buckets) == 34 and list(buckets)[-1] == "+Inf"
    assert [*buckets.values()] == [0, *[1] * 33]


def test_only_the_examples_of_multi_inference_are_counted_and_nothing_else_of_it(
    metrics: ServerMetrics,
) -> None:
    for api in ("Predict", "Classify", "Regress"):
        metrics(answered(api=api))
    assert not series(metrics, f"{SERVING}:request_example_count_total")
    metrics(answered(api="MultiInference", batch_size=5))
    metrics.runtime("sentiment", "MultiInference", 0.004)
    of_model = {"model_name": "sentiment"}
    assert value(metrics, f"{SERVING}:request_count", **of_model, status="OK") == 3
    latencies = series(metrics, f"{SERVING}:request_latency_count")
    assert {labels["API"] for labels in latencies} == {"Predict", "Classify", "Regress"}
    assert not series(metrics, f"{SERVING}:runtime_latency_count")
    assert value(metrics, f"{SERVING}:request_example_count_total", model="sentiment") == 5
    assert value(metrics, f"{SERVING}:request_example_counts_sum", model="sentiment") == 5


@pytest.mark.parametrize("entrypoint", ["GRPC", "REST"])
def test_the_open_inference_protocol_is_told_apart(metrics: ServerMetrics, entrypoint: str) -> None:
    metrics(answered(api="ModelInfer", entrypoint=entrypoint))
    assert not series(metrics, f"{SERVING}:request_count")
    assert not series(metrics, f"{SERVING}:request_example_count_total")
    latency = {"model_name": "sentiment", "API": "ModelInfer", "entrypoint": entrypoint}
    assert value(metrics, f"{SERVING}:request_latency_sum", **latency) == pytest.approx(2000)
    labels = {"api": "ModelInfer", "entrypoint": entrypoint, "status": "OK"}
    of_version = {"model_name": "sentiment", "version": "3"}
    assert value(metrics, "lstm_sentiment_requests_total", **of_version, **labels) == 1
    assert value(metrics, "lstm_sentiment_batch_size_sum", model_name="sentiment") == 2


@pytest.mark.parametrize("api", ["GetModelStatus", "GetModelMetadata"])
def test_questions_for_states_and_signatures_are_counted_over_rest(
    metrics: ServerMetrics, api: str
) -> None:
    metrics(answered(api=api, entrypoint="REST", batch_size=None))
    metrics(answered(api=api, entrypoint="REST", model_name="x", version=None, status="NOT_FOUND"))
    count = f"{SERVING}:request_count"
    assert value(metrics, count, model_name="sentiment", status="OK") == 1
    assert value(metrics, count, model_name="", status="NOT_FOUND") == 1
    assert series(metrics, f"{SERVING}:request_latency_count") == [
        {"model_name": "sentiment", "API": "", "entrypoint": "REST"}
    ]


@pytest.mark.parametrize("api", ["ModelMetadata", "ModelReady"])
@pytest.mark.parametrize("entrypoint", ["GRPC", "REST"])
def test_questions_of_the_open_inference_protocol_are_in_no_metric_of_tensorflow_serving(
    metrics: ServerMetrics, api: str, entrypoint: str
) -> None:
    metrics(answered(api=api, entrypoint=entrypoint, batch_size=None))
    assert not [sample for sample in samples(metrics) if sample.name.startswith(SERVING)]


def test_who_asks_for_a_status_over_grpc_is_not_counted(metrics: ServerMetrics) -> None:
    metrics(answered(api="GetModelStatus", version=3, batch_size=None))
    assert not series(metrics, f"{SERVING}:request_count")
    assert not series(metrics, f"{SERVING}:request_latency_count")
    labels = {"api": "GetModelStatus", "entrypoint": "GRPC", "status": "OK"}
    of_version = {"model_name": "sentiment", "version": "3"}
    assert value(metrics, "lstm_sentiment_requests_total", **of_version, **labels) == 1


@given(names=st.lists(st.text().filter(lambda name: name != "sentiment"), min_size=1))
def test_strangers_make_no_series(names: list[str]) -> None:
    metrics = ServerMetrics()
    tell(metrics, ManagerState.AVAILABLE)
    for version, name in enumerate(names):
        metrics(answered(model_name=name, version=None, status="NOT_FOUND"))
        metrics(answered(version=100 + version, status="NOT_FOUND"))
    assert value(metrics, f"{SERVING}:request_count", model_name="", status="NOT_FOUND") == len(
        names
    )
    assert len(series(metrics, "lstm_sentiment_requests_total")) == 2


def test_a_model_whose_versions_all_failed_is_still_called_by_its_name() -> None:
    metrics = ServerMetrics()
    tell(metrics, ManagerState.END, name="broken", error="damaged")
    metrics(answered(model_name="broken", version=None, status="NOT_FOUND"))
    assert value(metrics, f"{SERVING}:request_count", model_name="broken", status="NOT_FOUND")


def test_an_unloaded_version_leaves_no_series(metrics: ServerMetrics) -> None:
    def versions() -> set[str]:
        return {s.labels["version"] for s in samples(metrics) if "version" in s.labels} - {""}

    for version in (3, 4):
        metrics(answered(version=version))
        metrics.texts_measured(measures(version))
    assert versions() == {"3", "4"}
    tell(metrics, ManagerState.END)
    assert versions() == {"4"}
    # What was under way at that moment.
    metrics(answered())
    metrics.texts_measured(measures())
    assert versions() == {"4"}
    # What is counted for the whole model goes on.
    count = f"{SERVING}:request_count"
    assert value(metrics, count, model_name="sentiment", status="OK") == 3


def test_states_are_told_and_a_failed_load_stays_in_sight(metrics: ServerMetrics) -> None:
    tell(metrics, ManagerState.LOADING, version=5)
    labels = {"model_name": "sentiment", "version": "5"}
    assert value(metrics, LOADED, **labels) == 20
    tell(metrics, ManagerState.END, version=5, error="damaged")
    assert value(metrics, LOADED, **labels) == 50
    tell(metrics, ManagerState.LOADING, version=5)
    tell(metrics, ManagerState.AVAILABLE, version=5)
    assert value(metrics, LOADED, **labels) == 30


def test_loads_are_counted_and_timed_without_a_path() -> None:
    clock = Clock()
    metrics = ServerMetrics(clock=clock)
    for version, seconds in ((1, 2.0), (2, 3.0)):
        tell(metrics, ManagerState.LOADING, version=version)
        clock.now += seconds
        tell(metrics, ManagerState.AVAILABLE, version=version)
    tell(metrics, ManagerState.END, version=1)
    clock.now += 60
    tell(metrics, ManagerState.LOADING, version=1)
    clock.now += 1
    tell(metrics, ManagerState.AVAILABLE, version=1)
    tell(metrics, ManagerState.LOADING, version=3)
    tell(metrics, ManagerState.END, version=3, error="damaged")
    # Not wanted any more before it was tried.
    tell(metrics, ManagerState.LOADING, version=4)
    tell(metrics, ManagerState.END, version=4)
    saved_model = ":tensorflow:cc:saved_model"
    assert value(metrics, f"{saved_model}:load_latency", model_path="sentiment") == 6e6
    attempts = f"{saved_model}:load_attempt_count"
    assert value(metrics, attempts, model_path="sentiment", status="success") == 3
    assert value(metrics, attempts, model_path="sentiment", status="fail") == 1


def test_batches_and_their_queue(metrics: ServerMetrics) -> None:
    run = BatchRun(
        ServableId("sentiment", 3), "text", 3, 4, queue_seconds=(0.001, 0.003), seconds=0.02
    )
    metrics.batch_run(run)
    batching = f"{SERVING}:batching_session"
    assert value(metrics, f"{batching}:wrapped_run_count") == 1
    queue = {"thread_pool_name": ""}
    assert value(metrics, f"{batching}:queuing_latency_sum", **queue) == pytest.approx(4000)
    model = {"model_name": "sentiment"}
    assert value(metrics, "lstm_sentiment_queue_seconds_sum", **model) == pytest.approx(0.004)
    assert value(metrics, "lstm_sentiment_queue_seconds_count", **model) == 2
    assert value(metrics, "lstm_sentiment_executed_batch_size_sum", **model) == 4
    assert value(metrics, "lstm_sentiment_run_seconds_sum", **model) == pytest.approx(0.02)


def test_an_autoscaler_reads_zero_from_a_server_that_has_answered_nothing_yet() -> None:
    metrics = ServerMetrics(has_batching=True)
    tell(metrics, ManagerState.LOADING)
    assert series(metrics, "lstm_sentiment_queue_seconds_sum") == []
    tell(metrics, ManagerState.AVAILABLE)
    model = {"model_name": "sentiment"}
    assert value(metrics, "lstm_sentiment_queue_seconds_sum", **model) == 0
    assert value(metrics, "lstm_sentiment_queue_seconds_count", **model) == 0
    run = BatchRun(ServableId("sentiment", 3), "text", 3, 4, queue_seconds=(0.5,), seconds=0.02)
    metrics.batch_run(run)
    tell(metrics, ManagerState.AVAILABLE, version=4)
    assert value(metrics, "lstm_sentiment_queue_seconds_sum", **model) == 0.5


def test_the_largest_batch_is_told_where_an_objective_finds_it(metrics: ServerMetrics) -> None:
    for largest in (None, 7, 9):
        run = BatchRun(ServableId("sentiment", 3), "text", 3, 4, (0.001,), 0.02, largest)
        metrics.batch_run(run)
        labels = {"model_name": "sentiment", "signature": "text"}
        if largest is not None:
            assert value(metrics, "lstm_sentiment_largest_batch", **labels) == largest
        else:
            assert not series(metrics, "lstm_sentiment_largest_batch")


def test_rows_of_requests_and_the_runtime(metrics: ServerMetrics) -> None:
    metrics(answered(batch_size=7))
    metrics(answered(batch_size=None))
    assert value(metrics, "lstm_sentiment_batch_size_sum", model_name="sentiment") == 7
    metrics.runtime("sentiment", "Predict", 0.004)
    labels = {"model_name": "sentiment", "API": "Predict", "runtime": "TF1"}
    assert value(metrics, f"{SERVING}:runtime_latency_sum", **labels) == pytest.approx(4000)


def test_texts_tell_their_length_and_what_is_unknown_of_them(metrics: ServerMetrics) -> None:
    metrics.texts_measured(measures())
    metrics.texts_measured(measures(counts=None))
    metrics.texts_dropped(9)
    labels = {"model_name": "sentiment", "version": "3"}
    assert value(metrics, "lstm_sentiment_text_characters_count", **labels) == 4
    assert value(metrics, "lstm_sentiment_text_characters_sum", **labels) == 54
    characters = "lstm_sentiment_text_characters_bucket"
    assert value(metrics, characters, le="10", **labels) == 2
    assert value(metrics, characters, le="20", **labels) == 4
    assert value(metrics, "lstm_sentiment_text_tokens_sum", **labels) == 14
    # Of what the model reads: 2 of 8 tokens, and none of 4.
    assert value(metrics, "lstm_sentiment_oov_rate_sum", **labels) == pytest.approx(0.25)
    assert value(metrics, "lstm_sentiment_oov_rate_bucket", le="0", **labels) == 1
    assert value(metrics, "lstm_sentiment_tokens_total", **labels) == 12
    assert value(metrics, "lstm_sentiment_oov_tokens_total", **labels) == 2
    assert value(metrics, "lstm_sentiment_truncated_tokens_total", **labels) == 2
    assert value(metrics, "lstm_sentiment_texts_not_measured_total") == 9


@pytest.mark.parametrize("requests", [1, 63, 64, 65, 200])
def test_texts_of_any_number_of_requests_are_on_the_next_page(
    metrics: ServerMetrics, requests: int
) -> None:
    for _ in range(requests):
        metrics.texts_measured(measures())
        metrics.texts_measured(measures(4, counts=None))
    of_first = {"model_name": "sentiment", "version": "3"}
    of_second = {**of_first, "version": "4"}
    for labels in (of_first, of_second):
        characters = value(metrics, "lstm_sentiment_text_characters_count", **labels)
        assert characters == 2 * requests
    assert value(metrics, "lstm_sentiment_text_tokens_count", **of_first) == 2 * requests
    assert value(metrics, "lstm_sentiment_tokens_total", **of_first) == 12 * requests


def test_texts_measured_before_a_version_ends_do_not_outlive_it(metrics: ServerMetrics) -> None:
    metrics.texts_measured(measures())
    tell(metrics, ManagerState.END)
    tell(metrics, ManagerState.AVAILABLE)
    names = {sample.name for sample in samples(metrics)}
    assert "lstm_sentiment_text_characters_count" not in names


@given(name=st.text(st.characters(exclude_categories=())))
@example(name="\ud800")
@example(name='a"b\\n\n')
def test_any_name_of_a_model_survives_the_page(name: str) -> None:
    metrics = ServerMetrics()
    tell(metrics, ManagerState.AVAILABLE, name=name)
    (labels,) = series(metrics, LOADED)
    assert labels == {"model_name": name.encode("utf-8", "replace").decode(), "version": "3"}


def test_what_is_counted_while_a_page_is_written_is_not_on_it() -> None:
    numbers = MetricSeries([BATCH_SIZE])
    numbers.observe(BATCH_SIZE, ("sentiment",), 2)
    copied = numbers.copy()
    before = list(copied.lines())
    numbers.observe(BATCH_SIZE, ("sentiment",), 2)
    assert list(copied.lines()) == before != list(numbers.lines())


def test_two_servers_in_one_process_do_not_mix(metrics: ServerMetrics) -> None:
    other = ServerMetrics()
    metrics(answered())
    assert not series(other, f"{SERVING}:request_count")
    for page in (metrics.page(), other.page()):
        assert page.count(b"# TYPE process_cpu_seconds_total counter") <= 1


def test_a_page_has_each_metric_once_with_what_it_means(metrics: ServerMetrics) -> None:
    metrics(answered())
    page = metrics.page().decode()
    types = [line.split()[2] for line in page.splitlines() if line.startswith("# TYPE ")]
    assert len(types) == len(set(types))
    assert page.count("# HELP ") == len(types)
    assert page.endswith("\n")


def test_threads_lose_no_count(metrics: ServerMetrics) -> None:
    def work() -> None:
        for _ in range(500):
            metrics(answered())
            metrics.texts_dropped(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert value(metrics, "lstm_sentiment_texts_not_measured_total") == 2000
    count = f"{SERVING}:request_count"
    assert value(metrics, count, model_name="sentiment", status="OK") == 2000


def test_the_documentation_names_every_metric_with_its_labels() -> None:
    text = (REPOSITORY / "docs" / "monitoring.md").read_text("utf-8")
    rows = {
        cells[1].strip("`"): cells
        for line in text.splitlines()
        if len(cells := [cell.strip() for cell in line.split("|")]) > 5
    }
    for metric in METRICS:
        cells = rows[metric.name]
        assert cells[2] == metric.kind
        assert cells[3].replace("`", "") == ", ".join(metric.labels)


def test_queries_and_alerts_of_the_documentation_use_metrics_that_exist() -> None:
    text = (REPOSITORY / "docs" / "monitoring.md").read_text("utf-8")
    blocks = re.findall(r"^```(?:promql|yaml)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    used = set(re.findall(r"\b(?:lstm_sentiment|:tensorflow:\w+)\w*(?::\w+)*", "\n".join(blocks)))
    used -= {"lstm_sentiment"}  # the group's name
    parts = {"histogram": ("_bucket", "_sum", "_count")}
    known = {metric.name + part for metric in METRICS for part in parts.get(metric.kind, ("",))}
    assert "lstm_sentiment_trained_timestamp_seconds" in used
    assert used <= known


def test_a_canary_is_counted_until_one_of_the_two_goes(metrics: ServerMetrics) -> None:
    labels = {"model_name": "sentiment", "version": "3"}
    disagreement = Disagreement("1", "0", 0.25)
    for pair in (Pair(3, 4), Pair(3, 9), Pair(3, None), Pair(9, 3)):
        outcome = ShadowOutcome(
            pair, agreed=2, disagreements=[disagreement], differences=[0.0, 0.25], failed=5
        )
        metrics.shadow_known("sentiment", outcome)
    name = "lstm_sentiment_shadow_texts_total"
    assert value(metrics, name, **labels, shadow_version="4", outcome="agreed") == 2
    assert value(metrics, name, **labels, shadow_version="4", outcome="disagreed") == 1
    # Versions that are not loaded make no series of their own.
    assert value(metrics, name, **labels, shadow_version="", outcome="failed") == 10
    assert {found["version"] for found in series(metrics, name)} == {"3"}
    difference = "lstm_sentiment_shadow_difference"
    assert value(metrics, f"{difference}_count", **labels, shadow_version="4") == 2
    assert value(metrics, f"{difference}_sum", **labels, shadow_version="4") == 0.25
    tell(metrics, ManagerState.END, version=4)
    assert {found["shadow_version"] for found in series(metrics, name)} == {""}
    assert {found["shadow_version"] for found in series(metrics, f"{difference}_sum")} == {""}
    tell(metrics, ManagerState.END, version=3)
    assert not series(metrics, name)
