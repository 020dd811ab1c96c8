"""How often two versions agreed, kept count of."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

MAX_PAIRS = 20
"""How many pairs of versions are told of, the last to be compared: labels move."""

MAX_DISAGREEMENTS = 20
"""How many of the last disagreements are told."""

_LONGEST_TEXT = 1000


class Pair(NamedTuple):
    """Two versions that are compared.

    Attributes:
        version: The one that answered the caller.
        shadow_version: The one that answered a second time; `None` where a label pointed to none.
    """

    version: int
    shadow_version: int | None


@dataclass(frozen=True)
class Disagreement:
    """A text to which two versions gave two labels.

    Attributes:
        label: What the caller was told.
        shadow_label: What the caller was not told.
        difference: The largest difference of a class's probability, where there are any.
        text: The text, where texts may be kept and it is one.
    """

    label: str
    shadow_label: str
    difference: float | None = None
    text: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ShadowOutcome:
    """What became of some texts that were drawn.

    Attributes:
        pair: The versions.
        agreed: How many texts got the same label from both.
        disagreements: The others that were compared.
        differences: The largest difference of a probability for each text that has one.
        failed: How many the second version did not answer.
        dropped: How many it was not asked about, because too many waited.
    """

    pair: Pair
    agreed: int = 0
    disagreements: Sequence[Disagreement] = ()
    differences: Sequence[float] = ()
    failed: int = 0
    dropped: int = 0

    def counts(self) -> dict[str, int]:
        """Counts the texts by what became of them: `agreed`, `disagreed`, `failed`, `dropped`."""
        return {
            "agreed": self.agreed,
            "disagreed": len(self.disagreements),
            "failed": self.failed,
            "dropped": self.dropped,
        }


class _Counts:
    __slots__ = ("agreed", "disagreed", "dropped", "failed", "largest", "sampled")

    def __init__(self) -> None:
        self.sampled = self.agreed = self.disagreed = self.failed = self.dropped = 0
        self.largest: float | None = None


class ShadowTally:
    """Counts outcomes. Safe to share among threads; its memory is bounded."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begins at zero.

        Args:
            clock: Seconds, from any point on.
        """
        self._clock = clock
        self._lock = threading.Lock()
        self._pairs: OrderedDict[Pair, _Counts] = OrderedDict()
        self._recent: deque[tuple[float, Pair, Disagreement]] = deque(maxlen=MAX_DISAGREEMENTS)

    def sampled(self, pair: Pair, texts: int) -> None:
        """Counts texts that were drawn, whatever becomes of them.

        Args:
            pair: The versions.
            texts: How many.
        """
        with self._lock:
            self._counts(pair).sampled += texts

    def record(self, outcome: ShadowOutcome) -> None:
        """Counts what became of some of them.

        Args:
            outcome: That.
        """
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

    def report(self) -> dict[str, Any]:
        """Tells all of it, as JSON has it.

        Returns:
            `sampled`, `compared`, `agreed`, `agreement` (`None` before the first comparison),
            `failed`, `dropped` and `largest_difference` (`None` where no probability was compared)
            of all pairs that are told of; the same of each under `pairs`, with `version` and
            `shadow_version`, the last to be compared first; and `recent_disagreements`, the last
            one first.
        """
        with self._lock:
            pairs = [{**pair._asdict(), **_told([counts])} for pair, counts in self._pairs.items()]
            total = _told(list(self._pairs.values()))
            now = self._clock()
            recent = [
                _told_disagreement(now - since, pair, disagreement)
                for since, pair, disagreement in self._recent
            ]
        return {**total, "pairs": pairs[::-1], "recent_disagreements": recent[::-1]}

    def _counts(self, pair: Pair) -> _Counts:
        if pair not in self._pairs:
            self._pairs[pair] = _Counts()
            if len(self._pairs) > MAX_PAIRS:
                self._pairs.popitem(last=False)
        self._pairs.move_to_end(pair)
        return self._pairs[pair]


def _told(counts: Sequence[_Counts]) -> dict[str, Any]:
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


def _told_disagreement(
    seconds_ago: float, pair: Pair, disagreement: Disagreement
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "seconds_ago": round(seconds_ago, 3),
        **pair._asdict(),
        "label": disagreement.label,
        "shadow_label": disagreement.shadow_label,
        "difference": disagreement.difference,
    }
    if disagreement.text is not None:
        told["text"] = disagreement.text[:_LONGEST_TEXT]
    return told
