"""All who watch a server: its metrics, its access log, and who measures its texts."""

from collections.abc import Callable
from typing import NamedTuple

from lstm_sentiment.serving.access_log import AccessLog
from lstm_sentiment.serving.manager import Manager
from lstm_sentiment.serving.metrics import ServerMetrics
from lstm_sentiment.serving.observation import AnsweredRequest
from lstm_sentiment.serving.parameter_files import MonitoringConfig
from lstm_sentiment.serving.text_statistics import TextStatistics, asking


class MetricsPage(NamedTuple):
    """Where the metrics are read, and what gives them."""

    path: str
    content: Callable[[], bytes]


class Observability:
    """Watches one server; an `Observer` of its requests."""

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
        self._monitoring = monitoring
        self._access_log = access_log
        self.metrics = ServerMetrics(thread_pool_name=thread_pool_name)
        self._text_sample_share = text_sample_share
        self._texts: TextStatistics | None = None

    @property
    def page(self) -> MetricsPage | None:
        """The page of the metrics, unless it is switched off."""
        if not self._monitoring.enable:
            return None
        return MetricsPage(self._monitoring.path, self.metrics.page)

    def start(self, manager: Manager) -> None:
        """Begins to measure texts.

        Args:
            manager: Whose versions count tokens.
        """
        if self._monitoring.enable and self._text_sample_share > 0:
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

    def __call__(self, request: AnsweredRequest) -> None:
        """Tells all of a request.

        Args:
            request: Any.
        """
        if self._monitoring.enable:
            self.metrics(request)
        if self._texts is not None:
            self._texts(request)
        if self._access_log is not None:
            self._access_log(request)
