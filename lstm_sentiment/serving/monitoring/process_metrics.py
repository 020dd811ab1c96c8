"""Memory, CPU time and open files of a process, or of several that serve as one."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Metric, ProcessCollector, generate_latest

from lstm_sentiment.serving.counts import Counts

_CPU_SECONDS = "process_cpu_seconds_total"
# The others are the parent's: when it started, and the limit that a process has.
_ADDED_UP = (
    _CPU_SECONDS,
    "process_virtual_memory_bytes",
    "process_resident_memory_bytes",
    "process_open_fds",
)


class ProcessMetrics:
    """The metrics of the operating system, as prometheus_client names them."""

    def __init__(self) -> None:
        """Reads nothing yet."""
        self._registry = CollectorRegistry()
        self._own = ProcessCollector(registry=self._registry)

    def page(self) -> bytes:
        """Returns the lines of this process."""
        return generate_latest(self._registry)

    def values(self) -> tuple[dict[str, float], dict[str, float]]:
        """Returns what outlives the process, and what ends with it, by metric's name."""
        values = _values(self._own.collect())
        lasting = {name: values.pop(name) for name in (_CPU_SECONDS,) if name in values}
        return lasting, values

    def merged_page(self, counts: Sequence[Counts], parent: int) -> bytes:
        """Returns the lines of several processes and their parent, added up.

        Args:
            counts: What each has counted, with its `values` as `process`.
            parent: The parent's process id.
        """
        registry = CollectorRegistry()
        collector = ProcessCollector(registry=None, pid=lambda: parent)
        found = [each.sums.get((), {}).get("process", {}) for each in counts]
        found += [each.now.get("process", {}) for each in counts]
        registry.register(_AddedUp(list(collector.collect()), found))
        return generate_latest(registry)


class _AddedUp:
    """Collects metrics with the values of others added."""

    def __init__(self, metrics: Sequence[Metric], others: Sequence[dict[str, float]]) -> None:
        self._metrics, self._others = metrics, others

    def collect(self) -> Iterator[Metric]:
        for metric in self._metrics:
            metric.samples = [self._with_others(sample) for sample in metric.samples]
            yield metric

    def _with_others(self, sample: Any) -> Any:
        if sample.name not in _ADDED_UP:
            return sample
        added = sum(values.get(sample.name, 0.0) for values in self._others)
        return sample._replace(value=sample.value + added)


def _values(metrics: Iterable[Metric]) -> dict[str, float]:
    return {sample.name: sample.value for metric in metrics for sample in metric.samples}
