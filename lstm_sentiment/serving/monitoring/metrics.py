"""Metrics of one server, for Prometheus."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lstm_sentiment.serving.access.crowding import CrowdingEvent, Entrypoint
from lstm_sentiment.serving.batching.batch_queue import BatchRun
from lstm_sentiment.serving.counts import Counts
from lstm_sentiment.serving.monitoring import metric_definitions as metrics
from lstm_sentiment.serving.monitoring.answered_request import AnsweredRequest
from lstm_sentiment.serving.monitoring.metric_series import Labels, MetricSeries
from lstm_sentiment.serving.monitoring.process_metrics import ProcessMetrics
from lstm_sentiment.serving.monitoring.text_statistics import TextMeasures
from lstm_sentiment.serving.monitoring.version_gauges import NO_GAUGES, VersionGauges
from lstm_sentiment.serving.request_log.tally import LogOutcome
from lstm_sentiment.serving.servable import ManagerState, ServableState
from lstm_sentiment.serving.shadow.tally import ShadowOutcome
from lstm_sentiment.version_folder import TokenCounts

UNKNOWN_MODEL = ""
"""Label value of requests for unknown models, and of requests that name none."""

# The APIs that TensorFlow Serving counts, by the entrypoint, and its names of them. Over REST it
# counts questions for states and signatures too, but names no API; over gRPC it does not.
_SERVING_APIS = {
    "GRPC": {"Predict": "Predict", "Classify": "Classify", "Regress": "Regress"},
    "REST": {
        "Predict": "predict",
        "Classify": "classify",
        "Regress": "regress",
        "GetModelStatus": "",
        "GetModelMetadata": "",
    },
}
# TensorFlow Serving counts the examples of this API, those of no other, and nothing else of it.
_MULTI_INFERENCE = "MultiInference"
# The Open Inference Protocol's requests are counted under this name, and not in the metric of
# TensorFlow Serving, which does not have them, that tells no API.
_OPEN_INFERENCE = "ModelInfer"
# TensorFlow Serving does not name its threads here, whatever `thread_pool_name` says.
_POOL = ("",)
_MICROSECONDS = 1e6
_MOST_UNCOUNTED = 64


class ServerMetrics:
    """Counts and measures requests, batches and loads. Safe to share among threads.

    An `Observer` of the server's requests. Clients cannot create series: a model has series under
    its name once `state_changed` was called for one of its versions, and a version has series
    until it is unloaded.
    """

    def __init__(
        self,
        *,
        has_batching: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begins at zero.

        Args:
            has_batching: Whether requests are put into batches.
            clock: Returns seconds since any fixed moment.
        """
        self._clock = clock
        self._has_batching = has_batching
        self._process = ProcessMetrics()
        # Guards all attributes below.
        self._lock = threading.Lock()
        self._series = MetricSeries(metrics.METRICS)
        self._models: set[str] = set()
        self._versions: dict[tuple[str, int | None], Labels] = {}
        self._loading_since: dict[tuple[str, int], float] = {}
        # Measurements that are not counted yet: many together cost little more than one. Any thread
        # may append to it without the lock.
        self._measures: deque[TextMeasures] = deque()

    def __call__(self, request: AnsweredRequest) -> None:
        """Counts a request."""
        api, entrypoint, status = request.api, request.entrypoint, request.status
        series = self._series
        with self._lock:
            name = request.model_name if request.model_name in self._models else UNKNOWN_MODEL
            of_version = self._versions.get((name, request.version), (name, ""))
            series.add(metrics.REQUESTS, (*of_version, api, entrypoint, status))
            shown = _SERVING_APIS[entrypoint].get(api)
            if shown is not None:
                series.add(metrics.REQUEST_COUNT, (name, status))
            if request.batch_size is not None:
                series.observe(metrics.BATCH_SIZE, (name,), request.batch_size)
            if status == "OK":
                self._count_answered(request, name, shown)

    def state_changed(self, state: ServableState) -> None:
        """Counts loads, and begins or drops the series of a version.

        Args:
            state: The new state; this must be called for every state of every version.
        """
        name, version = state.id.name, state.id.version
        labels = name, str(version)
        has_ended = state.state is ManagerState.END
        with self._lock:
            self._count_measures()
            self._models.add(name)
            self._count_load(state)
            if has_ended:
                self._versions.pop((name, version), None)
                for of_version in (metrics.OF_VERSION, ("model_name", metrics.SHADOW_VERSION)):
                    self._series.drop(dict(zip(of_version, labels, strict=True)))
            else:
                self._versions[name, version] = labels
            if self._has_batching and state.state is ManagerState.AVAILABLE:
                # An autoscaler must read 0 from a server without requests, and not nothing.
                self._series.begin(metrics.QUEUE_SECONDS, (name,))
            # A version that failed to load stays visible.
            if not has_ended or state.error is not None:
                self._series.set(metrics.SERVABLE_STATE, labels, int(state.state))

    def batch_run(self, run: BatchRun) -> None:
        """Counts a computed batch, and how long its requests waited."""
        series, of_model = self._series, (run.servable_id.name,)
        with self._lock:
            series.add(metrics.WRAPPED_RUN_COUNT)
            if run.largest_batch is not None:
                labels = (*of_model, run.signature_key)
                series.set(metrics.LARGEST_BATCH, labels, run.largest_batch)
            series.observe(metrics.EXECUTED_BATCH_SIZE, of_model, run.padded_rows)
            series.observe(metrics.RUN_SECONDS, of_model, run.seconds)
            for seconds in run.queue_seconds:
                series.observe(metrics.QUEUING_LATENCY, _POOL, seconds * _MICROSECONDS)
                series.observe(metrics.QUEUE_SECONDS, of_model, seconds)

    def runtime(self, model_name: str, api: str, seconds: float) -> None:
        """Counts how long a model took for a request.

        Args:
            model_name: A model of this server.
            api: The API, such as `Predict`.
            seconds: Duration, with the wait for the batch.
        """
        if api == _MULTI_INFERENCE:  # which TensorFlow Serving does not measure
            return
        labels = model_name, api, "TF1"
        with self._lock:
            self._series.observe(metrics.RUNTIME_LATENCY, labels, seconds * _MICROSECONDS)

    def texts_measured(self, measures: TextMeasures) -> None:
        """Counts the measurements of texts that one version answered, before a page is written."""
        self._measures.append(measures)
        if len(self._measures) >= _MOST_UNCOUNTED:
            with self._lock:
                self._count_measures()

    def texts_dropped(self, count: int) -> None:
        """Counts texts that did not fit into the queue of `TextStatistics`."""
        with self._lock:
            self._series.add(metrics.TEXTS_NOT_MEASURED, (), count)

    def shadow_known(self, model_name: str, outcome: ShadowOutcome) -> None:
        """Counts texts drawn for the shadow version of a model, by their outcome."""
        series, pair = self._series, outcome.pair
        with self._lock:
            labels = self._versions.get((model_name, pair.version))
            if labels is None:
                return
            # A shadow version that is not loaded has no series of its own.
            is_loaded = (model_name, pair.shadow_version) in self._versions
            of_pair = (*labels, str(pair.shadow_version) if is_loaded else "")
            for name, count in outcome.counts().items():
                if count:
                    series.add(metrics.SHADOW_TEXTS, (*of_pair, name), count)
            if outcome.differences:
                differences = np.array(outcome.differences)
                series.observe_all(metrics.SHADOW_DIFFERENCE, of_pair, differences)

    def requests_logged(self, model_name: str, outcome: LogOutcome) -> None:
        """Counts requests of a model that were sampled for the request log, by their outcome."""
        series, of_model = self._series, (model_name,)
        with self._lock:
            for status, count in outcome.statuses().items():
                if count:
                    series.add(metrics.REQUEST_LOG_COUNT, (*of_model, status), count)
            if outcome.bytes:
                series.add(metrics.REQUEST_LOG_BYTES, of_model, outcome.bytes)
            if outcome.stops:
                series.add(metrics.REQUEST_LOG_STOPS, of_model, outcome.stops)

    def access_read(self, file: str, is_taken: bool) -> None:
        """Counts a change of the file of certificate or tokens, and whether it was taken."""
        with self._lock:
            outcome = "taken" if is_taken else "refused"
            self._series.add(metrics.ACCESS_RELOADS, (file, outcome))
            self._series.set(metrics.ACCESS_REFUSED, (file,), int(not is_taken))

    def crowded(self, entrypoint: Entrypoint, event: CrowdingEvent, number: int) -> None:
        """Counts what happened to connections at their limit."""
        counted = metrics.IDLE_CLOSED if event == "closed" else metrics.ACCEPT_PAUSES
        with self._lock:
            self._series.add(counted, (entrypoint,), number)

    def too_much_in_flight(self) -> None:
        """Counts a request that was refused because too many bytes were in flight."""
        with self._lock:
            self._series.add(metrics.REFUSED_IN_FLIGHT)

    def page(self, gauges: VersionGauges = NO_GAUGES) -> bytes:
        """Returns the page: all metrics, and memory and CPU time of the process.

        Args:
            gauges: Values of the versions that are not counted here.
        """
        with self._lock:
            self._count_measures()
            series = self._series.copy()
        gauges.set_in(series)
        return _written(series) + self._process.page()

    def counts(self) -> Counts:
        """Returns what was counted, with the memory and CPU time of the process, to be merged."""
        with self._lock:
            self._count_measures()
            series = self._series.copy()
        groups = series.counts((*metrics.OF_VERSION, metrics.SHADOW_VERSION))
        sums: dict[tuple[str, ...], dict[str, Any]] = {(): {}}
        for group, values in groups.items():
            sums.setdefault(group, {})["metrics"] = values
        sums[()]["process"], process = self._process.values()
        return Counts(sums, now={"process": process})

    def merged_page(
        self,
        counts: Sequence[Counts],
        states: Sequence[ServableState],
        parent: int,
        gauges: VersionGauges,
    ) -> bytes:
        """Returns the page of several processes together.

        Args:
            counts: The `counts` of each, and of ended ones.
            states: The states of versions in all of them.
            parent: The process id of their parent.
            gauges: Values of the versions that are not counted here.
        """
        series = MetricSeries(metrics.METRICS)
        for each in counts:
            series.add_counts(group.get("metrics", {}) for group in each.sums.values())
        for state in states:
            if state.state is not ManagerState.END or state.error is not None:
                labels = state.id.name, str(state.id.version)
                series.set(metrics.SERVABLE_STATE, labels, int(state.state))
        gauges.set_in(series)
        return _written(series) + self._process.merged_page(counts, parent)

    def _count_answered(self, request: AnsweredRequest, name: str, shown: str | None) -> None:
        api, rows = request.api, request.batch_size
        if api == _OPEN_INFERENCE:
            shown = api
        if shown is not None:
            self._series.observe(
                metrics.REQUEST_LATENCY,
                (name, shown, request.entrypoint),
                request.seconds * _MICROSECONDS,
            )
        elif api == _MULTI_INFERENCE and rows is not None:
            self._series.observe(metrics.REQUEST_EXAMPLE_COUNTS, (name,), rows)
            self._series.add(metrics.REQUEST_EXAMPLE_COUNT_TOTAL, (name,), rows)

    def _count_measures(self) -> None:
        """Counts the measurements that came since the last time, those of a version together."""
        by_labels: dict[Labels, list[TextMeasures]] = {}
        for _ in range(len(self._measures)):
            measures = self._measures.popleft()
            labels = self._versions.get((measures.model_name, measures.version))
            if labels is not None:
                by_labels.setdefault(labels, []).append(measures)
        for labels, found in by_labels.items():
            characters = np.concatenate([measures.characters for measures in found])
            self._series.observe_all(metrics.TEXT_CHARACTERS, labels, characters)
            counts = [measures.counts for measures in found if measures.counts is not None]
            if counts:
                self._count_tokens(labels, counts)

    def _count_tokens(self, labels: Labels, counts: Sequence[TokenCounts]) -> None:
        tokens = np.concatenate([each.tokens for each in counts])
        truncated = np.concatenate([each.truncated for each in counts])
        oov = np.concatenate([each.oov for each in counts])
        series, read = self._series, tokens - truncated
        series.observe_all(metrics.TEXT_TOKENS, labels, tokens)
        series.observe_all(metrics.OOV_RATE, labels, oov / read.clip(min=1))
        series.add(metrics.TOKENS, labels, int(read.sum()))
        series.add(metrics.OOV_TOKENS, labels, int(oov.sum()))
        series.add(metrics.TRUNCATED_TOKENS, labels, int(truncated.sum()))

    def _count_load(self, state: ServableState) -> None:
        name, version = state.id.name, state.id.version
        if state.state is ManagerState.LOADING:
            self._loading_since.setdefault((name, version), self._clock())
            return
        began = self._loading_since.pop((name, version), None)
        if began is None:
            return
        # The name stands in the place of the server's path, which TensorFlow Serving shows.
        if state.state is ManagerState.AVAILABLE:
            microseconds = round((self._clock() - began) * _MICROSECONDS)
            self._series.add(metrics.LOAD_ATTEMPT_COUNT, (name, "success"))
            self._series.add(metrics.LOAD_LATENCY, (name,), microseconds)
        elif state.error is not None:
            self._series.add(metrics.LOAD_ATTEMPT_COUNT, (name, "fail"))


def _written(series: MetricSeries) -> bytes:
    return "".join(f"{line}\n" for line in series.lines()).encode("utf-8", "replace")
