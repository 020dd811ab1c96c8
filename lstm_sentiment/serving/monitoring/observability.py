"""All who watch a server: its metrics, its state, its access log, and who measures its texts."""

from collections.abc import Callable
from typing import NamedTuple

from lstm_sentiment.serving.manager.manager import Manager
from lstm_sentiment.serving.monitoring.access_log import AccessLog
from lstm_sentiment.serving.monitoring.answered_request import AnsweredRequest
from lstm_sentiment.serving.monitoring.config import MonitoringConfig
from lstm_sentiment.serving.monitoring.metrics import ServerMetrics
from lstm_sentiment.serving.monitoring.server_state import ServerState
from lstm_sentiment.serving.monitoring.text_statistics import TextStatistics, asking
from lstm_sentiment.serving.servable import ServableState


class MetricsPage(NamedTuple):
    """Where the metrics are read, and what gives them."""

    path: str
    content: Callable[[], bytes]


class Observability:
    """Watches one server; an `Observer` of its requests.

    Attributes:
        metrics: What Prometheus reads; `None` where it is switched off.
        state: What people read.
    """

    def __init__(
        self,
        monitoring: MonitoringConfig,
        access_log: AccessLog | None,
        *,
        text_sample_share: float,
        thread_pool_name: str,
    ) -> None:
        """Watches nothing yet.

        Args:
            monitoring: Whether there are metrics, and where.
            access_log: Written to for each request, if there is one.
            text_sample_share: The share of texts whose tokens are counted, from 0 to 1.
            thread_pool_name: What the threads that compute batches are called.
        """
        self._path = monitoring.path
        self._access_log = access_log
        self.metrics = (
            ServerMetrics(thread_pool_name=thread_pool_name) if monitoring.enable else None
        )
        self.state = ServerState()
        self._text_sample_share = text_sample_share
        self._texts: TextStatistics | None = None

    @property
    def page(self) -> MetricsPage | None:
        """The page of the metrics, unless it is switched off."""
        return None if self.metrics is None else MetricsPage(self._path, self.metrics.page)

    @property
    def may_show_texts(self) -> bool:
        """Whether the texts of requests may be written down and shown."""
        return self._access_log is not None and self._access_log.with_texts

    def start(self, manager: Manager) -> None:
        """Begins to measure texts.

        Args:
            manager: Whose versions count tokens.
        """
        if self.metrics is not None and self._text_sample_share > 0:
            self._texts = TextStatistics(
                asking(manager),
                self.metrics.texts_measured,
                when_dropped=self.metrics.texts_dropped,
                sample_share=self._text_sample_share,
            )
            self._texts.start()

    def stop(self) -> None:
        """Ends measuring; before the manager stops."""
        if self._texts is not None:
            self._texts.stop()

    def state_changed(self, state: ServableState) -> None:
        """Tells all who keep count of versions; must be told of every state of every version.

        Args:
            state: The new one.
        """
        if self.metrics is not None:
            self.metrics.state_changed(state)
        self.state.state_changed(state)

    def __call__(self, request: AnsweredRequest) -> None:
        """Tells all of a request.

        Args:
            request: Any.
        """
        if self.metrics is not None:
            self.metrics(request)
        self.state(request)
        if self._texts is not None:
            self._texts(request)
        if self._access_log is not None:
            self._access_log(request)
