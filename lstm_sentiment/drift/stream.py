"""The test on a stream of live texts, which is looked at again and again."""

import math

from lstm_sentiment.drift.evidence import DriftTest, Evidence, Window
from lstm_sentiment.drift.features import MeasuredTexts, Tally

WINDOW_TEXTS = 500
"""Texts from one start to the next."""

LATEST_STARTS = 15
"""Number of the latest starts that are kept beside the first."""

_LOOK_EVERY_SHARE = 0.01


class DriftStream:
    """Live texts in the order of their requests.

    The evidence is looked at after each of the first 200 texts, and then whenever there are 1 %
    more. Texts are counted since the first one, and since the last 15 multiples of 500.

    Attributes:
        texts: Number of texts so far.
        found_after: Number of texts when drift was first found; `None` if it was not.
        highest_log_e_value: Logarithm of the highest e-value so far.
    """

    def __init__(self, test: DriftTest) -> None:
        """Begins without texts.

        Args:
            test: The test.
        """
        self._test = test
        self.texts = 0
        self.found_after: int | None = None
        self.highest_log_e_value = -math.inf
        self._found: Evidence | None = None
        self._next_look = 1
        self._total = Tally({}, {})
        self._starts: list[tuple[int, Tally]] = [(0, self._total)]

    def add(self, measured: MeasuredTexts) -> None:
        """Adds texts, and looks at the evidence as often as is due.

        Args:
            measured: The texts that came next.
        """
        flags = self._test.reference.features.flags(measured)
        done, count = 0, len(measured.texts)
        while done < count:
            until_start = WINDOW_TEXTS - self.texts % WINDOW_TEXTS
            step = min(count - done, until_start, self._next_look - self.texts)
            part = {group: found[done : done + step] for group, found in flags.items()}
            self._total = self._total + Tally.of_flags(part)
            self.texts, done = self.texts + step, done + step
            if self.texts == self._next_look:
                self._look()
            if self.texts % WINDOW_TEXTS == 0:
                self._starts.append((self.texts // WINDOW_TEXTS, self._total))
                del self._starts[1:-LATEST_STARTS]

    def evidence(self) -> Evidence:
        """Returns the evidence of all texts, or that which found drift if it is weaker by now."""
        latest = self._look()
        if self._found is None or latest.log_e_value >= self._test.log_threshold:
            return latest
        return self._found

    def _look(self) -> Evidence:
        self._next_look = self.texts + max(1, int(_LOOK_EVERY_SHARE * self.texts))
        evidence = self._test.evidence(
            [
                Window(number, self._total - before)
                for number, before in self._starts
                if number * WINDOW_TEXTS < self.texts or not number
            ]
        )
        self.highest_log_e_value = max(self.highest_log_e_value, evidence.log_e_value)
        if self.found_after is None and evidence.log_e_value >= self._test.log_threshold:
            self.found_after, self._found = self.texts, evidence
        return evidence
