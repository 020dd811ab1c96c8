"""The counts of live texts by the hour, of one process or of several together."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from lstm_sentiment.drift.evidence import DriftTest, MovedFeature, Window
from lstm_sentiment.drift.features import Tally

_MOST_HOURS = 48
_MOVED_OF_A_GROUP = 3
_SECONDS = 3600

PlainHours = Mapping[int, Mapping[str, Any]]
"""Texts and counts by group, by the hour since 1970, as plain values."""


class HourlyTally:
    """Counts of texts since the beginning of each of the latest 47 hours, and since the first."""

    def __init__(self) -> None:
        """Begins without texts."""
        self._hours: dict[int, Tally] = {}

    def add(self, tally: Tally, seconds: float) -> None:
        """Adds the counts of texts that came at a time, in seconds since 1970."""
        hour = int(seconds // _SECONDS)
        self._hours[hour] = self._hours.get(hour, Tally({}, {})) + tally
        while len(self._hours) > _MOST_HOURS:
            first, second, *_ = sorted(self._hours)
            self._hours[first] += self._hours.pop(second)

    def counts(self) -> dict[int, dict[str, Any]]:
        """Returns the counts as plain values, which can be added up; see `PlainHours`."""
        return {
            hour: {
                "texts": dict(tally.texts),
                "counts": {group: tuple(found.tolist()) for group, found in tally.counts.items()},
            }
            for hour, tally in self._hours.items()
        }


def drift_report(test: DriftTest, hours: Iterable[PlainHours]) -> dict[str, Any]:
    """Returns the verdict on live texts, ready for JSON.

    Args:
        test: The test.
        hours: The counts of each process.

    Returns:
        `is_drift`, `log10_e_value`, `texts`, `since` (ISO 8601, UTC: from when on there is most
        evidence) and `moved`: three features of each group, those with the most evidence first.
        Without texts `since` is `None`.
    """
    by_hour: dict[int, Tally] = {}
    for process in hours:
        for hour, found in process.items():
            tally = Tally(found["texts"], found["counts"])
            by_hour[hour] = by_hour.get(hour, Tally({}, {})) + tally
    if not by_hour:
        return _report(False, 0.0, 0, None, [])
    windows, since = [], Tally({}, {})
    first = min(by_hour)
    for hour in sorted(by_hour, reverse=True):
        since = since + by_hour[hour]
        windows.append(Window(hour - first, since))
    evidence = test.evidence(windows)
    is_drift = evidence.log_e_value >= test.log_threshold
    start = datetime.fromtimestamp((first + evidence.window) * _SECONDS, UTC)
    return _report(
        is_drift,
        round(evidence.log_e_value / math.log(10), 3),
        max(since.texts.values()),
        start.isoformat(timespec="minutes").replace("+00:00", "Z"),
        _told(evidence.moved) if is_drift else [],
    )


def _told(moved: Sequence[MovedFeature]) -> list[dict[str, Any]]:
    told: Counter[str] = Counter()
    chosen = []
    for feature in moved:
        told[feature.group] += 1
        if told[feature.group] <= _MOVED_OF_A_GROUP:
            chosen.append(asdict(feature))
    return chosen


def _report(
    is_drift: bool, log10_e_value: float, texts: int, since: str | None, moved: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "is_drift": is_drift,
        "log10_e_value": log10_e_value,
        "texts": texts,
        "since": since,
        "moved": moved,
    }
