"""Counters, gauges and histograms by their labels, written in Prometheus' text format.

Lighter than those of prometheus_client, whose counters must have names that end in `_total`, which
TensorFlow Serving's do not. Format:
https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from lstm_sentiment.serving.counts import Group
from lstm_sentiment.serving.servable import Array

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Media type of the format."""

Labels = tuple[str, ...]

_HELP_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n"})
_LABEL_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


def exponential_bounds(scale: float, growth: float, count: int) -> tuple[float, ...]:
    """Returns upper bounds of buckets, as `tensorflow::monitoring::Buckets::Exponential` does.

    Args:
        scale: The first bound.
        growth: Factor from each bound to the next.
        count: Number of bounds.
    """
    bounds = [scale]
    while len(bounds) < count:
        bounds.append(bounds[-1] * growth)
    return tuple(bounds)


# Compared by identity: the values of a metric are looked up for each request.
@dataclass(frozen=True, eq=False)
class Scalar:
    """A metric with one number for each combination of label values.

    Attributes:
        kind: Type of the metric for Prometheus.
        name: The whole name.
        text: Help text.
        labels: Names of the labels.
    """

    kind: Literal["counter", "gauge"]
    name: str
    text: str
    labels: Labels = ()


@dataclass(frozen=True, eq=False)
class Histogram:
    """A metric with a distribution of values for each combination of label values.

    Attributes:
        name: The name, without `_bucket`, `_sum` and `_count`.
        text: Help text, with the unit.
        labels: Names of the labels.
        bounds: Highest value of each bucket, ascending; one more bucket holds larger values.
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
    """The numbers of some metrics. Not safe to share among threads: the owner must lock."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        """Begins without any series.

        Args:
            metrics: The metrics, in the order of the page.
        """
        self._metrics = metrics
        self._numbers: dict[Scalar, dict[Labels, float]] = {
            metric: {} for metric in metrics if isinstance(metric, Scalar)
        }
        self._distributions: dict[Histogram, dict[Labels, _Distribution]] = {
            metric: {} for metric in metrics if isinstance(metric, Histogram)
        }

    def add(self, metric: Scalar, labels: Labels = (), amount: float = 1) -> None:
        """Adds an amount to the number of a metric with these label values."""
        numbers = self._numbers[metric]
        numbers[labels] = numbers.get(labels, 0) + amount

    def set(self, metric: Scalar, labels: Labels, value: float) -> None:
        """Sets the number of a metric with these label values."""
        self._numbers[metric][labels] = value

    def begin(self, metric: Histogram, labels: Labels) -> None:
        """Begins a distribution without values, so that it is on the page before the first."""
        self._distributions[metric].get(labels) or self._begin(metric, labels)

    def observe(self, metric: Histogram, labels: Labels, value: float) -> None:
        """Adds a value to the distribution of a metric with these label values."""
        distribution = self._distributions[metric].get(labels) or self._begin(metric, labels)
        distribution.counts[bisect_left(metric.bounds, value)] += 1
        distribution.total += value

    def observe_all(self, metric: Histogram, labels: Labels, values: Array) -> None:
        """Adds values, `(count,)`, to the distribution of a metric with these label values."""
        distribution = self._distributions[metric].get(labels) or self._begin(metric, labels)
        places, counts = np.unique(np.searchsorted(metric.bounds, values), return_counts=True)
        for place, count in zip(places.tolist(), counts.tolist(), strict=True):
            distribution.counts[place] += count
        distribution.total += float(values.sum())

    def drop(self, values: Mapping[str, str]) -> None:
        """Removes the series that have all of these labels with these values.

        Args:
            values: Label values by name. Metrics that lack one of the labels keep their series.
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
        """Copies all numbers, so that they can be written without the owner's lock."""
        twin = MetricSeries(self._metrics)
        twin._numbers = {metric: dict(numbers) for metric, numbers in self._numbers.items()}
        twin._distributions = {
            metric: {labels: _Distribution(d.counts.copy(), d.total) for labels, d in found.items()}
            for metric, found in self._distributions.items()
        }
        return twin

    def counts(self, version_labels: Sequence[str]) -> dict[Group, dict[str, Any]]:
        """Returns the counters and histograms as plain values, by the versions they belong to.

        Args:
            version_labels: The labels that tell a model and its versions, the model's first.

        Returns:
            By group, by metric's name and by label values: a number, or the number of values in
            each bucket and their sum. Gauges are left out: they do not add up.
        """
        groups: dict[Group, dict[str, Any]] = {}
        for metric in self._metrics:
            if metric.kind == "gauge":
                continue
            places = [metric.labels.index(name) for name in version_labels if name in metric.labels]
            for labels, value in self._plain(metric):
                group = tuple(labels[place] for place in places) if len(places) > 1 else ()
                groups.setdefault(group, {}).setdefault(metric.name, {})[labels] = value
        return groups

    def add_counts(self, counts: Iterable[Mapping[str, Any]]) -> None:
        """Adds the counters and histograms of another process.

        Args:
            counts: The groups' values, as `counts` returns them. Metrics that are not known here
                are left out.
        """
        by_name = {metric.name: metric for metric in self._metrics}
        for values in counts:
            for name in values.keys() & by_name.keys():
                metric = by_name[name]
                for labels, value in values[name].items():
                    if isinstance(metric, Scalar):
                        self.add(metric, labels, value)
                    else:
                        self._add_distribution(metric, labels, *value)

    def _plain(self, metric: Metric) -> Iterator[tuple[Labels, Any]]:
        if isinstance(metric, Scalar):
            yield from self._numbers[metric].items()
        else:
            for labels, found in self._distributions[metric].items():
                yield labels, (tuple(found.counts), found.total)

    def _add_distribution(
        self, metric: Histogram, labels: Labels, counts: Sequence[int], total: float
    ) -> None:
        distribution = self._distributions[metric].get(labels) or self._begin(metric, labels)
        for place, count in enumerate(counts):
            distribution.counts[place] += count
        distribution.total += total

    def lines(self) -> Iterator[str]:
        """Yields the lines of the metrics that have a series."""
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
    # Bounds as `absl::StrCat` writes them: dashboards may select a bucket by its bound.
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
