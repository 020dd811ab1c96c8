"""Features of texts for a linear classifier that is trained within seconds, without TensorFlow."""

import re
import unicodedata
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class TextUnits:
    """Texts as numbers of units: words, characters of scripts without spaces, and punctuation.

    Attributes:
        numbers: The units of all texts, from 1, int32 `(units,)`.
        lengths: Number of units of each text, int64 `(texts,)`.
        different: Number of different units.
    """

    numbers: NDArray[np.int32]
    lengths: NDArray[np.int64]
    different: int


def text_units(texts: Sequence[str], progress: Progress = SILENT) -> TextUnits:
    """Cuts texts into units, in Unicode's form NFKC and case-folded."""
    known: dict[str, int] = {}
    numbers = array("i")
    lengths = array("q")
    for part in in_parts(texts, _TEXTS_AT_ONCE, "Cutting texts", progress):
        for text in part:
            found = _UNIT.findall(unicodedata.normalize("NFKC", text).casefold())
            numbers.extend([known.setdefault(unit, len(known) + 1) for unit in found])
            lengths.append(len(found))
    return TextUnits(np.frombuffer(numbers, np.int32), np.frombuffer(lengths, np.int64), len(known))


def text_features(units: TextUnits, progress: Progress = SILENT) -> csr_matrix:
    """Returns which n-grams of units each text has, float64 `(texts, ngrams)`, rows of length 1.

    N-grams that occur in one text alone are left out. A text without an n-gram has an empty row.
    """
    texts = len(units.lengths)
    parts = range(0, texts, _TEXTS_AT_ONCE)
    bounds = np.append(0, np.cumsum(units.lengths))
    found: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    with progress.step("Counting n-grams", 2 * len(parts)) as advance:
        for first in parts:
            last = min(first + _TEXTS_AT_ONCE, texts)
            numbers = units.numbers[bounds[first] : bounds[last]]
            rows, keys = _ngrams(numbers, units.lengths[first:last], units.different + 1)
            found.append((rows + first, keys))
            advance()
        known, counts = np.unique(np.concatenate([keys for _, keys in found]), return_counts=True)
        known = known[frequent_ngrams(counts, MOST_NGRAMS)]
        rows_kept, columns = [], []
        for rows, keys in found:
            places = np.minimum(np.searchsorted(known, keys), max(0, len(known) - 1))
            inside = known[places] == keys if len(known) else np.zeros(len(keys), np.bool_)
            rows_kept.append(rows[inside])
            columns.append(places[inside])
            advance()
    shape = (texts, len(known))
    return unit_rows(np.concatenate(rows_kept), np.concatenate(columns), shape)


def _ngrams(
    numbers: NDArray[np.int32], lengths: NDArray[np.int64], base: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns each text's distinct n-grams: positions of texts and keys of n-grams.

    A key is the n-gram's units as the digits of a number. With millions of different units, keys
    of long n-grams wrap around, and a few n-grams share one.
    """
    texts = np.repeat(np.arange(len(lengths)), lengths)
    to_end = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(numbers))
    key = np.zeros(len(numbers), np.int64)
    rows, keys = [], []
    for place in range(min(LONGEST_NGRAM, len(numbers))):
        key = key[: len(numbers) - place] * base + numbers[place:]
        inside = to_end[: len(key)] > place
        rows.append(texts[: len(key)][inside])
        keys.append(key[inside])
    if not rows:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    row, ngram = np.concatenate(rows), np.concatenate(keys)
    order = np.lexsort((ngram, row))
    row, ngram = row[order], ngram[order]
    new = np.ones(len(row), np.bool_)
    new[1:] = (row[1:] != row[:-1]) | (ngram[1:] != ngram[:-1])
    return row[new], ngram[new]
