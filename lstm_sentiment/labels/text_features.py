"""Features of texts for a linear classifier that is trained within seconds, without TensorFlow."""

import re
import unicodedata
from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from lstm_sentiment.progress import SILENT, Progress, in_parts
from lstm_sentiment.training.ngram_regression import frequent_ngrams

LONGEST_NGRAM = 3
MOST_NGRAMS = 500_000
"""Most n-grams that become features: the most frequent ones are kept."""

_TEXTS_AT_ONCE = 2_000
# N-grams of fewer texts are left out: from 2 where texts are few, by one more for each 2,000 texts.
_RARE, _TEXTS_A_STEP, _MOST_LEAST_TEXTS = 2, 2_000, 5
# Scripts without spaces between words: each of their characters is a unit.
_UNSPACED = (
    r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
    r"\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff"
)
_UNIT = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\W_])+|[^\w\s]|_")


class TextFeatures:
    """N-grams of the units of texts: words, characters of scripts without spaces, punctuation.

    Units are case-folded and in Unicode's form NFKC. N-grams have up to three units;
    rare ones are left out: of one text only, and in larger corpora those of fewer than 5.

    Attributes:
        rows: Which n-grams each text has, float64 `(texts, ngrams)`, each row scaled to length 1;
            of a text without a known n-gram, empty.
    """

    def __init__(self, texts: Sequence[str], progress: Progress = SILENT) -> None:
        """Finds the n-grams of the texts."""
        self._numbers = _UnitNumbers()
        numbers, lengths = array("i"), array("q")
        for part in in_parts(texts, _TEXTS_AT_ONCE, "Cutting texts", progress):
            for text in part:
                found = _UNIT.findall(text)
                numbers.extend(map(self._numbers.__getitem__, found))
                lengths.append(len(found))
        self._base = self._numbers.different + 1
        self._keys, self.rows = self._count(
            np.array(numbers, np.int32), np.array(lengths, np.int64), progress
        )

    def _count(
        self, numbers: NDArray[np.int32], lengths: NDArray[np.int64], progress: Progress
    ) -> tuple[NDArray[np.int64], csr_matrix]:
        """Returns the keys of the n-grams to keep, ascending, and `rows`."""
        parts = range(0, len(lengths), _TEXTS_AT_ONCE)
        bounds = np.append(0, np.cumsum(lengths))
        found: list[tuple[NDArray[np.int32], NDArray[np.int64]]] = []
        with progress.step("Counting n-grams", 2 * len(parts)) as advance:
            for first in parts:
                last = min(first + _TEXTS_AT_ONCE, len(lengths))
                part = numbers[bounds[first] : bounds[last]]
                found.append(_ngrams(part, lengths[first:last], self._base))
                advance()
            keys, counts = np.unique(
                np.concatenate([keys for _, keys in found]), return_counts=True
            )
            known = keys[counts > 1]
            blocks = []
            for first, (rows, keys) in zip(parts, found, strict=True):
                texts = min(_TEXTS_AT_ONCE, len(lengths) - first)
                blocks.append(_occurrences(rows, keys, known, texts))
                advance()
        occurrences = vstack(blocks, format="csr")
        counts = np.bincount(occurrences.indices, minlength=len(known))
        least = min(_MOST_LEAST_TEXTS, _RARE + len(lengths) // _TEXTS_A_STEP)
        kept = frequent_ngrams(counts, MOST_NGRAMS, least_texts=least)
        return known[kept], _unit_rows(occurrences[:, kept])

    def rows_of(self, texts: Sequence[str]) -> csr_matrix:
        """Returns which known n-grams other texts have, as in `rows`."""
        found = [[self._numbers.get(unit, 0) for unit in _UNIT.findall(text)] for text in texts]
        lengths = np.array([len(numbers) for numbers in found], np.int64)
        joined = np.array([number for numbers in found for number in numbers], np.int32)
        rows, keys = _ngrams(joined, lengths, self._base)
        return _unit_rows(_occurrences(rows, keys, self._keys, len(texts)))


class _UnitNumbers(dict[str, int]):
    """Numbers of units by spelling, from 1: spellings that NFKC and case make equal share one."""

    def __init__(self) -> None:
        super().__init__()
        self._units: dict[str, int] = {}

    @property
    def different(self) -> int:
        return len(self._units)

    def __missing__(self, spelling: str) -> int:
        unit = unicodedata.normalize("NFKC", spelling).casefold()
        number = self._units.setdefault(unit, len(self._units) + 1)
        self[spelling] = number
        return number


def _ngrams(
    numbers: NDArray[np.int32], lengths: NDArray[np.int64], base: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Returns all n-grams: position of the text and key.

    A key is the n-gram's units as the digits of a number. With millions of different units, keys
    of long n-grams wrap around, and a few n-grams share one.
    """
    texts = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    to_end = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(numbers))
    key = np.zeros(len(numbers), np.int64)
    rows, keys = [np.zeros(0, np.int32)], [np.zeros(0, np.int64)]
    for place in range(min(LONGEST_NGRAM, len(numbers))):
        key = key[: len(numbers) - place] * base + numbers[place:]
        inside = to_end[: len(key)] > place
        rows.append(texts[: len(key)][inside])
        keys.append(key[inside])
    return np.concatenate(rows), np.concatenate(keys)


def _occurrences(
    rows: NDArray[np.int32], keys: NDArray[np.int64], known: NDArray[np.int64], texts: int
) -> csr_matrix:
    """Returns a matrix `(texts, known n-grams)` of which n-grams the texts have."""
    shape = (texts, len(known))
    if not len(known):
        return csr_matrix(shape)
    places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    inside = known[places] == keys
    columns = places[inside].astype(np.int32)
    return csr_matrix((np.ones(len(columns), np.float32), (rows[inside], columns)), shape=shape)


def _unit_rows(occurrences: csr_matrix) -> csr_matrix:
    """Returns float64 rows of length 1 in which each n-gram counts once."""
    sizes = np.diff(occurrences.indptr)
    values = np.repeat(1 / np.sqrt(np.maximum(sizes, 1)), sizes)
    return csr_matrix((values, occurrences.indices, occurrences.indptr), occurrences.shape)
