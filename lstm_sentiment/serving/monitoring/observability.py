"""All observers of a server: metrics, state, request log, access log and text statistics."""

from collections.abc import Callable
from typing import NamedTuple

from lstm_sentiment.serving.manager.manager import Manager
from lstm_sentiment.serving.monitoring.access_log import AccessLog
from lstm_sentiment.serving.monitoring.answered_request import AnsweredRequest
from lstm_sentiment.serving.monitoring.config import MonitoringConfig
from lstm_sentiment.serving.monitoring.metrics import ServerMetrics
from lstm_sentiment.serving.monitoring.server_state import ServerState
from lstm_sentiment.serving.monitoring.text_statistics import TextStatistics, asking
from lstm_sentiment.serving.request_log.options import RequestLogOptions
from lstm_sentiment.serving.request_log.request_log import RequestLog
from lstm_sentiment.serving.servable import ServableState


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
    """

    def __init__(
        self,
        monitoring: MonitoringConfig,
        access_log: AccessLog | None,
        *,
        text_sample_share: float,
        thread_pool_name: str,
        request_log: RequestLogOptions,
    ) -> None:
        """Makes the observers.

        Args:
            monitoring: Whether there are metrics, and their path.
            access_log: The access log, if there is one.
            text_sample_share: Share of the texts to measure, from 0 to 1.
            thread_pool_name: Name of the threads that compute batches.
            request_log: Options of the request log.
        """
        self._path = monitoring.path
        self._access_log = access_log
        self.metrics = (
            ServerMetrics(thread_pool_name=thread_pool_name) if monitoring.enable else None
        )
        self.state = ServerState()
        self._text_sample_share = text_sample_share
        self._texts: TextStatistics | None = None
        self.request_log = (
            RequestLog(request_log)
            if self.metrics is None
            else RequestLog(request_log, when_known=self.metrics.requests_logged)
        )

    @property
    def page(self) -> MetricsPage | None:
        """The page of metrics; `None` where metrics are switched off."""
        return None if self.metrics is None else MetricsPage(self._path, self.metrics.page)

    @property
    def may_show_texts(self) -> bool:
        """True if the access log writes texts, so that other pages may show them too."""
        return self._access_log is not None and self._access_log.with_texts

    @property
    def measures_texts(self) -> bool:
        """True if texts are measured, for the metrics."""
        return self.metrics is not None and self._text_sample_share > 0

    def start(self, manager: Manager) -> None:
        """Starts to log requests, and to measure texts with the versions of a manager."""
        self.request_log.start()
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
        self.request_log.stop()

    def state_changed(self, state: ServableState) -> None:
        """Passes on the new state of a version; to be called for every state of every version."""
        if self.metrics is not None:
            self.metrics.state_changed(state)
        self.state.state_changed(state)

    def __call__(self, request: AnsweredRequest) -> None:
        """Passes a request on to all observers."""
        if self.metrics is not None:
            self.metrics(request)
        self.state(request)
        if self._texts is not None:
            self._texts(request)
        if request.messages is not None and request.version is not None:
            self.request_log.answered(
                request.model_name,
                request.api,
                request.version,
                request.signature_key,
                request.messages,
                request.request_bytes + request.response_bytes,
            )
        if self._access_log is not None:
            self._access_log(request)
