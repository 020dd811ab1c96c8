"""Counts how often two versions agreed."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any, NamedTuple

MAX_PAIRS = 20
"""Limit of version pairs in a report, the most recently compared: labels move."""

MAX_DISAGREEMENTS = 20
"""Limit of disagreements in a report, the most recent ones."""

_LONGEST_TEXT = 1000


class Pair(NamedTuple):
    """Two versions that are compared.

    Attributes:
        version: The version that answered the caller.
        shadow_version: The shadow version; `None` where its label points to no version.
    """

    version: int
    shadow_version: int | None


@dataclass(frozen=True)
class Disagreement:
    """A text that two versions labelled differently.

    Attributes:
        label: Label in the caller's answer.
        shadow_label: Label by the shadow version.
        difference: Largest difference of a class's probability; `None` without probabilities.
        text: The text, where texts may be kept; `None` for a request without raw text.
    """

    label: str
    shadow_label: str
    difference: float | None = None
    text: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ShadowOutcome:
    """The outcome of drawn texts.

    Attributes:
        pair: The versions.
        agreed: Number of texts that got the same label from both.
        disagreements: The texts that got different labels.
        differences: Largest difference of a class's probability, for each text that has one.
        failed: Number of texts that the shadow version did not answer.
        dropped: Number of texts that did not fit into the queue.
    """

    pair: Pair
    agreed: int = 0
    disagreements: Sequence[Disagreement] = ()
    differences: Sequence[float] = ()
    failed: int = 0
    dropped: int = 0

    def counts(self) -> dict[str, int]:
        """Returns the number of texts by outcome: `agreed`, `disagreed`, `failed`, `dropped`."""
        return {
            "agreed": self.agreed,
            "disagreed": len(self.disagreements),
            "failed": self.failed,
            "dropped": self.dropped,
        }


class TallyCounts(NamedTuple):
    """The counts of another process, as plain values.

    Attributes:
        pairs: By pair, the number of texts that were drawn, and by outcome: agreed, disagreed,
            failed, dropped.
        largest: By pair, the largest difference of a probability, where there is one.
        recent: Seconds since each of the latest disagreements, its pair, and itself as a tuple.
    """

    pairs: Mapping[tuple[int, int | None], tuple[int, ...]]
    largest: Mapping[tuple[int, int | None], float]
    recent: Sequence[tuple[float, tuple[int, int | None], tuple[Any, ...]]] = ()


class _Counts:
    __slots__ = ("agreed", "disagreed", "dropped", "failed", "largest", "sampled")

    def __init__(self) -> None:
        self.sampled = self.agreed = self.disagreed = self.failed = self.dropped = 0
        self.largest: float | None = None

    def add(self, numbers: Sequence[int], largest: float | None) -> None:
        sampled, agreed, disagreed, failed, dropped = numbers
        self.sampled += sampled
        self.agreed += agreed
        self.disagreed += disagreed
        self.failed += failed
        self.dropped += dropped
        known = [each for each in (self.largest, largest) if each is not None]
        self.largest = max(known, default=None)

    def plain(self) -> tuple[int, ...]:
        return self.sampled, self.agreed, self.disagreed, self.failed, self.dropped


class ShadowTally:
    """Counts outcomes. Safe to share among threads; its memory is bounded."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begins at zero.

        Args:
            clock: Returns seconds since any fixed moment.
        """
        self._clock = clock
        self._lock = threading.Lock()
        self._pairs: OrderedDict[Pair, _Counts] = OrderedDict()
        self._recent: deque[tuple[float, Pair, Disagreement]] = deque(maxlen=MAX_DISAGREEMENTS)

    def sampled(self, pair: Pair, texts: int) -> None:
        """Counts drawn texts, before their outcome is known.

        Args:
            pair: The versions.
            texts: Number of texts.
        """
        with self._lock:
            self._counts(pair).sampled += texts

    def record(self, outcome: ShadowOutcome) -> None:
        """Counts texts by their outcome."""
        with self._lock:
            counts = self._counts(outcome.pair)
            counts.agreed += outcome.agreed
            counts.disagreed += len(outcome.disagreements)
            counts.failed += outcome.failed
            counts.dropped += outcome.dropped
            known = () if counts.largest is None else (counts.largest,)
            counts.largest = max((*outcome.differences, *known), default=None)
            now = self._clock()
            for disagreement in outcome.disagreements:
                self._recent.append((now, outcome.pair, disagreement))

    def counts(self) -> TallyCounts:
        """Returns the counts as plain values, for another process."""
        with self._lock:
            now = self._clock()
            return TallyCounts(
                {(*pair,): found.plain() for pair, found in self._pairs.items()},
                {(*p,): c.largest for p, c in self._pairs.items() if c.largest is not None},
                [(now - since, (*pair,), astuple(each)) for since, pair, each in self._recent],
            )

    def report(self, others: Sequence[TallyCounts] = ()) -> dict[str, Any]:
        """Returns the counts, for JSON.

        Args:
            others: The counts of other processes, to be added.

        Returns:
            `sampled`, `compared`, `agreed`, `agreement` (`None` before the first comparison),
            `failed`, `dropped` and `largest_difference` (`None` where no probability was compared)
            of all pairs together; the same for each of `pairs`, with `version` and
            `shadow_version`, the most recently compared first; and `recent_disagreements`, the
            newest first.
        """
        with self._lock:
            counted = {pair: _copy(counts) for pair, counts in self._pairs.items()}
            now = self._clock()
            recent = [(now - since, pair, each) for since, pair, each in self._recent]
        for other in others:
            for plain, numbers in other.pairs.items():
                found = counted.setdefault(Pair(*plain), _Counts())
                found.add(numbers, other.largest.get(plain))
            recent += [(ago, Pair(*pair), Disagreement(*each)) for ago, pair, each in other.recent]
        # The oldest first.
        recent = sorted(recent, key=lambda entry: -entry[0])[-MAX_DISAGREEMENTS:]
        total = _totals(list(counted.values()))
        pairs = [{**pair._asdict(), **_totals([counts])} for pair, counts in counted.items()]
        return {
            **total,
            "pairs": pairs[-MAX_PAIRS:][::-1],
            "recent_disagreements": [_disagreement_dict(*entry) for entry in recent[::-1]],
        }

    def _counts(self, pair: Pair) -> _Counts:
        if pair not in self._pairs:
            self._pairs[pair] = _Counts()
            if len(self._pairs) > MAX_PAIRS:
                self._pairs.popitem(last=False)
        self._pairs.move_to_end(pair)
        return self._pairs[pair]


def _copy(counts: _Counts) -> _Counts:
    twin = _Counts()
    twin.add(counts.plain(), counts.largest)
    return twin


def _totals(counts: Sequence[_Counts]) -> dict[str, Any]:
    agreed = sum(c.agreed for c in counts)
    compared = agreed + sum(c.disagreed for c in counts)
    return {
        "sampled": sum(c.sampled for c in counts),
        "compared": compared,
        "agreed": agreed,
        "agreement": agreed / compared if compared else None,
        "failed": sum(c.failed for c in counts),
        "dropped": sum(c.dropped for c in counts),
        "largest_difference": max(
            (c.largest for c in counts if c.largest is not None), default=None
        ),
    }


def _disagreement_dict(
    seconds_ago: float, pair: Pair, disagreement: Disagreement
) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "seconds_ago": round(seconds_ago, 3),
        **pair._asdict(),
        "label": disagreement.label,
        "shadow_label": disagreement.shadow_label,
        "difference": disagreement.difference,
    }
    if disagreement.text is not None:
        entry["text"] = disagreement.text[:_LONGEST_TEXT]
    return entry
