"""All observers of a server: metrics, state, request log, access log and text statistics."""

from collections.abc import Callable
from typing import NamedTuple

from lstm_sentiment.serving.manager.manager import Manager
from lstm_sentiment.serving.monitoring.access_log import AccessLog
from lstm_sentiment.serving.monitoring.answered_request import AnsweredRequest
from lstm_sentiment.serving.monitoring.config import MonitoringConfig
from lstm_sentiment.serving.monitoring.drift_monitor import DriftMonitor
from lstm_sentiment.serving.monitoring.metrics import ServerMetrics
from lstm_sentiment.serving.monitoring.server_state import ServerState
from lstm_sentiment.serving.monitoring.text_statistics import TextStatistics, asking
from lstm_sentiment.serving.monitoring.training_times import TrainingTimes
from lstm_sentiment.serving.monitoring.version_gauges import VersionGauges
from lstm_sentiment.serving.monitoring.version_lookup import BasePath
from lstm_sentiment.serving.request_log.options import RequestLogOptions
from lstm_sentiment.serving.request_log.request_log import RequestLog
from lstm_sentiment.serving.servable import ServableState

# The log has no messages of the Open Inference Protocol.
_LOGGED_AS = {"ModelInfer": "Predict"}


class MetricsPage(NamedTuple):
    """The page of metrics: its path on the REST port, and its content."""

    path: str
    content: Callable[[], bytes]


class Observability:
    """Passes a server's requests and version states to all its observers.

    Attributes:
        metrics: The metrics; `None` where they are switched off.
        state: The state for the page `/state`.
        request_log: The request log, which logs nothing before a config wants it.
        drift: Compares texts with those of training; `None` where that is switched off.
        training_times: When the loaded versions were trained.
    """

    def __init__(
        self,
        monitoring: MonitoringConfig,
        access_log: AccessLog | None,
        *,
        text_sample_share: float,
        request_log: RequestLogOptions,
        drift_alpha: float | None = None,
        has_batching: bool = False,
    ) -> None:
        """Makes the observers.

        Args:
            monitoring: Whether there are metrics, and their path.
            access_log: The access log, if there is one.
            text_sample_share: Share of the texts to measure, from 0 to 1.
            request_log: Options of the request log.
            drift_alpha: Largest probability that a version ever raises a false alarm of drift;
                `None` looks for none.
            has_batching: Whether requests are put into batches.
        """
        self._path = monitoring.path
        self._access_log = access_log
        self.metrics = ServerMetrics(has_batching=has_batching) if monitoring.enable else None
        self.state = ServerState()
        self._text_sample_share = text_sample_share
        self.drift = None if drift_alpha is None else DriftMonitor(drift_alpha)
        self.training_times = TrainingTimes()
        self._texts: TextStatistics | None = None
        self.request_log = (
            RequestLog(request_log)
            if self.metrics is None
            else RequestLog(request_log, when_known=self.metrics.requests_logged)
        )

    @property
    def page(self) -> MetricsPage | None:
        """The page of metrics; `None` where metrics are switched off."""
        return None if self.metrics is None else MetricsPage(self._path, self._metrics_page)

    def _metrics_page(self) -> bytes:
        assert self.metrics is not None
        drift = {} if self.drift is None else self.drift.reports()
        return self.metrics.page(VersionGauges(drift, self.training_times.by_version()))

    @property
    def may_show_texts(self) -> bool:
        """True if the access log writes texts, so that other pages may show them too."""
        return self._access_log is not None and self._access_log.with_texts

    @property
    def measures_texts(self) -> bool:
        """True if texts are measured, for the metrics."""
        return self.metrics is not None and self._text_sample_share > 0

    @property
    def wants_counts(self) -> bool:
        """True if counts of texts are used that an engine makes with its answer."""
        return self.measures_texts or self.drift is not None

    def start(self, manager: Manager, base_path: BasePath) -> None:
        """Starts to log requests, and to measure texts with the versions of a manager.

        Args:
            manager: The manager.
            base_path: Finds the folder of a model.
        """
        self.request_log.start()
        self.training_times.start(base_path)
        if self.drift is not None:
            self.drift.start(asking(manager), base_path)
        if self.metrics is not None and self.measures_texts:
            self._texts = TextStatistics(
                asking(manager),
                self.metrics.texts_measured,
                when_dropped=self.metrics.texts_dropped,
                sample_share=self._text_sample_share,
            )
            self._texts.start()

    def stop(self) -> None:
        """Stops measuring, and writes what waits for the log; called before the manager stops."""
        if self._texts is not None:
            self._texts.stop()
        if self.drift is not None:
            self.drift.stop()
        self.request_log.stop()

    def state_changed(self, state: ServableState) -> None:
        """Passes on the new state of a version; to be called for every state of every version."""
        if self.metrics is not None:
            self.metrics.state_changed(state)
        self.state.state_changed(state)
        self.training_times.state_changed(state)
        if self.drift is not None:
            self.drift.state_changed(state)

    def __call__(self, request: AnsweredRequest) -> None:
        """Passes a request on to all observers."""
        if self.metrics is not None:
            self.metrics(request)
        self.state(request)
        if self._texts is not None:
            self._texts(request)
        if self.drift is not None:
            self.drift(request)
        if request.messages is not None and request.version is not None:
            self.request_log.answered(
                request.model_name,
                _LOGGED_AS.get(request.api, request.api),
                request.version,
                request.signature_key,
                request.messages,
                request.request_bytes + request.response_bytes,
            )
        if self._access_log is not None:
            self._access_log(request)
