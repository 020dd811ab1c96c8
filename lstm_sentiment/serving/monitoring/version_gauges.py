"""Gauges of versions whose values are found when a page of metrics is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lstm_sentiment.serving.monitoring import metric_definitions as metrics
from lstm_sentiment.serving.monitoring.metric_series import Labels, MetricSeries
from lstm_sentiment.serving.servable_id import ServableId


@dataclass(frozen=True)
class VersionGauges:
    """Values of the gauges, by version.

    Attributes:
        drift: Whether the texts of a version have drifted; see `DriftMonitor.reports`.
        trained_at: Seconds since 1970 at which a version was trained.
    """

    drift: Mapping[ServableId, Mapping[str, Any]] = field(default_factory=dict)
    trained_at: Mapping[ServableId, float] = field(default_factory=dict)

    def set_in(self, series: MetricSeries) -> None:
        """Sets the gauges among the series of a page."""
        for servable_id, seconds in self.trained_at.items():
            series.set(metrics.TRAINED, _labels(servable_id), seconds)
        for servable_id, found in self.drift.items():
            labels = _labels(servable_id)
            series.set(metrics.DRIFT, labels, int(found["is_drift"]))
            series.set(metrics.DRIFT_EVIDENCE, labels, found["log10_e_value"])
            series.set(metrics.DRIFT_TEXTS, labels, found["texts"])


NO_GAUGES = VersionGauges()
"""No values."""


def _labels(servable_id: ServableId) -> Labels:
    return servable_id.name, str(servable_id.version)
