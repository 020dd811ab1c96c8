"""Counters, gauges and histograms, kept by their labels and written in Prometheus' text format.

Lighter than those of prometheus_client, and free to be named as TensorFlow Serving names its own:
prometheus_client lets no counter's name end in anything but `_total`. Format:
https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lstm_sentiment.serving.servable import Array

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""What the format is called in HTTP."""

Labels = tuple[str, ...]

_HELP_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n"})
_LABEL_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


def exponential_bounds(scale: float, growth: float, count: int) -> tuple[float, ...]:
    """Upper bounds of buckets, as `tensorflow::monitoring::Buckets::Exponential` has them.

    Args:
        scale: The first bound.
        growth: What each is multiplied by to give the next.
        count: How many.
    """
    bounds = [scale]
    while len(bounds) < count:
        bounds.append(bounds[-1] * growth)
    return tuple(bounds)


# Compared by identity: the values of a metric are looked up for each request.
@dataclass(frozen=True, eq=False)
class Scalar:
    """A metric that is one number for each combination of label values.

    Attributes:
        kind: What Prometheus takes it for.
        name: Its whole name.
        text: What it counts or tells.
        labels: The names of its labels.
    """

    kind: Literal["counter", "gauge"]
    name: str
    text: str
    labels: Labels = ()


@dataclass(frozen=True, eq=False)
class Histogram:
    """A metric that tells how values are distributed, for each combination of label values.

    Attributes:
        name: Its name, without `_bucket`, `_sum` and `_count`.
        text: What is distributed, and its unit.
        labels: The names of its labels.
        bounds: The highest value of each bucket, ascending; one bucket more takes the rest.
    """

    name: str
    text: str
    labels: Labels
    bounds: Sequence[float]
    kind: Literal["histogram"] = "histogram"


Metric = Scalar | Histogram


class _Distribution:
    __slots__ = ("counts", "total")

    def __init__(self, counts: list[int], total: float = 0.0) -> None:
        self.counts, self.total = counts, total


class MetricSeries:
    """The numbers of some metrics. Not safe to share among threads: its owner has a lock for it."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        """Begins without any series.

        Args:
            metrics: Those that will be counted here, in the order in which they are written.
        """
        self._metrics = metrics
        self._numbers: dict[Scalar, dict[Labels, float]] = {
            metric: {} for metric in metrics if isinstance(metric, Scalar)
        }
        self._distributions: dict[Histogram, dict[Labels, _Distribution]] = {
            metric: {} for metric in metrics if isinstance(metric, Histogram)
        }

    def add(self, metric: Scalar, labels: Labels = (), amount: float = 1) -> None:
        """Adds to one number.

        Args:
            metric: Which.
            labels: A value for each of its labels.
            amount: How much.
        """
        numbers = self._numbers[metric]
        numbers[labels] = numbers.get(labels, 0) + amount

    def set(self, metric: Scalar, labels: Labels, value: float) -> None:
        """Sets one number.

        Args:
            metric: Which.
            labels: A value for each of its labels.
            value: What it is now.
        """
        self._numbers[metric][labels] = value

    def observe(self, metric: Histogram, labels: Labels, value: float) -> None:
        """Counts one value.

        Args:
            metric: Which.
            labels: A value for each of its labels.
            value: What was measured.
        """
        distribution = self._distributions[metric].get(labels) or self._begin(metric, labels)
        distribution.counts[bisect_left(metric.bounds, value)] += 1
        distribution.total += value

    def observe_all(self, metric: Histogram, labels: Labels, values: Array) -> None:
        """Counts many values at once.

        Args:
            metric: Which.
            labels: A value for each of its labels.
            values: What was measured, `(count,)`.
        """
        distribution = self._distributions[metric].get(labels) or self._begin(metric, labels)
        places, counts = np.unique(np.searchsorted(metric.bounds, values), return_counts=True)
        for place, count in zip(places.tolist(), counts.tolist(), strict=True):
            distribution.counts[place] += count
        distribution.total += float(values.sum())

    def drop(self, values: Mapping[str, str]) -> None:
        """Removes the series that have all of these labels with these values.

        Args:
            values: By the labels' names. Metrics that lack one of them keep their series.
        """
        for metric in self._metrics:
            if not values.keys() <= set(metric.labels):
                continue
            wanted = [(metric.labels.index(name), value) for name, value in values.items()]
            series: dict[Labels, float] | dict[Labels, _Distribution] = (
                self._numbers[metric] if isinstance(metric, Scalar) else self._distributions[metric]
            )
            for labels in [s for s in series if all(s[at] == value for at, value in wanted)]:
                del series[labels]

    def copy(self) -> "MetricSeries":
        """Copies all numbers, to be written where nobody waits for it."""
        twin = MetricSeries(self._metrics)
        twin._numbers = {metric: dict(numbers) for metric, numbers in self._numbers.items()}
        twin._distributions = {
            metric: {labels: _Distribution(d.counts.copy(), d.total) for labels, d in found.items()}
            for metric, found in self._distributions.items()
        }
        return twin

    def lines(self) -> Iterator[str]:
        """Writes the metrics that have a series."""
        for metric in self._metrics:
            lines = (
                _scalar_lines(metric, self._numbers[metric])
                if isinstance(metric, Scalar)
                else _histogram_lines(metric, self._distributions[metric])
            )
            if lines:
                yield f"# HELP {metric.name} {metric.text.translate(_HELP_ESCAPES)}"
                yield f"# TYPE {metric.name} {metric.kind}"
                yield from lines

    def _begin(self, metric: Histogram, labels: Labels) -> _Distribution:
        distribution = _Distribution([0] * (len(metric.bounds) + 1))
        self._distributions[metric][labels] = distribution
        return distribution


def _scalar_lines(metric: Scalar, numbers: dict[Labels, float]) -> list[str]:
    return [
        f"{metric.name}{_braces(_pairs(metric, labels))} {value}"
        for labels, value in numbers.items()
    ]


def _histogram_lines(metric: Histogram, found: dict[Labels, _Distribution]) -> list[str]:
    # As `absl::StrCat` writes them: dashboards may ask for a bucket by its bound.
    bounds = [*(f"{bound:g}" for bound in metric.bounds), "+Inf"]
    lines = []
    for labels, distribution in found.items():
        pairs, below = _pairs(metric, labels), 0
        for bound, count in zip(bounds, distribution.counts, strict=True):
            below += count
            in_bucket = _braces([*pairs, f'le="{bound}"'])
            lines.append(f"{metric.name}_bucket{in_bucket} {below}")
        lines.append(f"{metric.name}_sum{_braces(pairs)} {distribution.total}")
        lines.append(f"{metric.name}_count{_braces(pairs)} {below}")
    return lines


def _pairs(metric: Metric, labels: Labels) -> list[str]:
    return [
        f'{name}="{value.translate(_LABEL_ESCAPES)}"'
        for name, value in zip(metric.labels, labels, strict=True)
    ]


def _braces(pairs: Sequence[str]) -> str:
    return f"{{{','.join(pairs)}}}" if pairs else ""
