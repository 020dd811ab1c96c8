"""Words that are frequent in live texts and were rare in training."""

import re
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lstm_sentiment.drift.reference import DriftReference
from lstm_sentiment.drift.word_set import words_of
from lstm_sentiment.unicode import UNSPACED_SCRIPTS

_PAIR = re.compile(f"[{UNSPACED_SCRIPTS}]{{2}}")
_TIMES_AS_FREQUENT = 4
_LEAST_TEXTS = 5
_SHOWN = 20
_MOST_WORDS = 500_000


@dataclass(frozen=True)
class NewWord:
    """A word that live texts have often and that was rare in training.

    Attributes:
        word: The word; in scripts without spaces, two neighbouring characters.
        seen: Share of the live texts that have it.
    """

    word: str
    seen: float


class WordCounter:
    """Counts texts by their words, from the first text on and from later starts on."""

    def __init__(self, window_texts: int, windows: int) -> None:
        """Begins without texts.

        Args:
            window_texts: Number of texts from one start to the next.
            windows: Number of latest starts that are kept beside the first.
        """
        self._window_texts = window_texts
        self._texts = 0
        self._total: Counter[str] = Counter()
        self._windows: deque[tuple[int, Counter[str]]] = deque(maxlen=windows)

    def add(self, texts: Iterable[str]) -> None:
        """Counts more texts."""
        for text in texts:
            number = self._texts // self._window_texts
            if not self._windows or self._windows[-1][0] != number:
                self._forget_rare()
                self._windows.append((number, Counter()))
            words = words_of(text)
            self._total.update(words)
            self._windows[-1][1].update(words)
            self._texts += 1

    def new_words(self, reference: DriftReference, window: int) -> tuple[NewWord, ...]:
        """Returns the new words since a start, the most frequent first.

        A word is new if it was rare in training and is four times as frequent here as rare words
        can be, in five texts at least. Of pairs of characters that overlap, one is returned.

        Args:
            reference: Knows which words were rare.
            window: Number of the start; 0 is the first text.
        """
        counts, texts = self._since(window)
        least = max(_LEAST_TEXTS, _TIMES_AS_FREQUENT * reference.rare_share * texts)
        found: list[NewWord] = []
        for word, count in counts.most_common():
            if count < least or len(found) == _SHOWN:
                break
            if word not in reference.common_words and not _overlaps(word, found):
                found.append(NewWord(word, count / texts))
        return tuple(found)

    def _since(self, window: int) -> tuple[Counter[str], int]:
        kept = [(number, counts) for number, counts in self._windows if number >= window]
        if window == 0 or not kept or kept[0][0] != window:
            return self._total, self._texts
        counts = sum((counts for _, counts in kept), Counter[str]())
        return counts, self._texts - window * self._window_texts

    def _forget_rare(self) -> None:
        if len(self._total) > _MOST_WORDS:
            self._total = Counter(dict(self._total.most_common(_MOST_WORDS // 2)))


def _overlaps(word: str, found: Sequence[NewWord]) -> bool:
    if not _PAIR.fullmatch(word):
        return False
    return any(
        _PAIR.fullmatch(other.word) and (word[0] == other.word[1] or word[1] == other.word[0])
        for other in found
    )
