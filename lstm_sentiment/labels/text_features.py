"""Features of texts for a linear classifier that is trained within seconds, without TensorFlow."""

import re
import unicodedata
from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lstm_sentiment.progress import SILENT, Progress, in_parts
from lstm_sentiment.training.ngram_regression import frequent_ngrams, unit_rows

LONGEST_NGRAM = 3
MOST_NGRAMS = 500_000
"""Most n-grams that become features: the most frequent ones are kept."""

_TEXTS_AT_ONCE = 2_000
# Scripts without spaces between words: each of their characters is a unit.
_UNSPACED = (
    r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
    r"\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff"
)
_UNIT = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\W_])+|[^\w\s]|_")


class TextFeatures:
    """N-grams of the units of texts: words, characters of scripts without spaces, punctuation.

    Units are case-folded and in Unicode's form NFKC. N-grams have up to three units; those that
    occur in one text alone are left out.

    Attributes:
        rows: Which n-grams each text has, float64 `(texts, ngrams)`, each row scaled to length 1;
            of a text without a known n-gram, empty.
    """

    def __init__(self, texts: Sequence[str], progress: Progress = SILENT) -> None:
        """Finds the n-grams of the texts."""
        self._units: dict[str, int] = {}
        self._spellings: dict[str, int] = {}
        numbers, lengths = array("i"), array("q")
        for part in in_parts(texts, _TEXTS_AT_ONCE, "Cutting texts", progress):
            for text in part:
                found = [self._number(unit) for unit in _UNIT.findall(text)]
                numbers.extend(found)
                lengths.append(len(found))
        self._base = len(self._units) + 1
        self._keys, self.rows = self._count(
            np.array(numbers, np.int32), np.array(lengths, np.int64), progress
        )

    def _number(self, spelling: str) -> int:
        """Returns the number of a unit, from 1, new or known."""
        number = self._spellings.get(spelling)
        if number is None:
            unit = unicodedata.normalize("NFKC", spelling).casefold()
            number = self._units.setdefault(unit, len(self._units) + 1)
            self._spellings[spelling] = number
        return number

    def _count(
        self, numbers: NDArray[np.int32], lengths: NDArray[np.int64], progress: Progress
    ) -> tuple[NDArray[np.int64], csr_matrix]:
        """Returns the keys of the n-grams to keep, ascending, and `rows`."""
        parts = range(0, len(lengths), _TEXTS_AT_ONCE)
        bounds = np.append(0, np.cumsum(lengths))
        found: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        with progress.step("Counting n-grams", 2 * len(parts)) as advance:
            for first in parts:
                last = min(first + _TEXTS_AT_ONCE, len(lengths))
                part = numbers[bounds[first] : bounds[last]]
                rows, keys = _distinct(*_ngrams(part, lengths[first:last], self._base))
                found.append((rows + first, keys))
                advance()
            known, counts = np.unique(
                np.concatenate([keys for _, keys in found]), return_counts=True
            )
            known = known[frequent_ngrams(counts, MOST_NGRAMS)]
            places = []
            for rows, keys in found:
                inside, columns = _look_up(known, keys)
                places.append((rows[inside], columns[inside]))
                advance()
        rows, columns = (np.concatenate(part) for part in zip(*places, strict=True))
        return known, unit_rows(rows, columns, (len(lengths), len(known)))

    def rows_of(self, texts: Sequence[str]) -> csr_matrix:
        """Returns which known n-grams other texts have, as in `rows`."""
        numbers = [self._numbers(text) for text in texts]
        lengths = np.array([len(found) for found in numbers], np.int64)
        joined = np.array([number for found in numbers for number in found], np.int32)
        rows, keys = _distinct(*_ngrams(joined, lengths, self._base))
        inside, columns = _look_up(self._keys, keys)
        return unit_rows(rows[inside], columns[inside], (len(texts), len(self._keys)))

    def _numbers(self, text: str) -> list[int]:
        """Returns the numbers of a text's units; 0 for unknown ones."""
        return [self._spellings.get(unit, 0) for unit in _UNIT.findall(text)]


def _ngrams(
    numbers: NDArray[np.int32], lengths: NDArray[np.int64], base: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns all n-grams: position of the text and key.

    A key is the n-gram's units as the digits of a number. With millions of different units, keys
    of long n-grams wrap around, and a few n-grams share one.
    """
    texts = np.repeat(np.arange(len(lengths)), lengths)
    to_end = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(numbers))
    key = np.zeros(len(numbers), np.int64)
    rows, keys = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for place in range(min(LONGEST_NGRAM, len(numbers))):
        key = key[: len(numbers) - place] * base + numbers[place:]
        inside = to_end[: len(key)] > place
        rows.append(texts[: len(key)][inside])
        keys.append(key[inside])
    return np.concatenate(rows), np.concatenate(keys)


def _distinct(
    rows: NDArray[np.int64], keys: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns each text's n-grams once."""
    order = np.lexsort((keys, rows))
    rows, keys = rows[order], keys[order]
    new = np.ones(len(rows), np.bool_)
    new[1:] = (rows[1:] != rows[:-1]) | (keys[1:] != keys[:-1])
    return rows[new], keys[new]


def _look_up(
    known: NDArray[np.int64], keys: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Returns which keys are known, and their places in `known`, ascending."""
    if not len(known):
        return np.zeros(len(keys), np.bool_), np.zeros(len(keys), np.int64)
    places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return known[places] == keys, places
