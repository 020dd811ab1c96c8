"""Which words of a text support a label rather than another one, by how often they occur there.

A word's n-grams are weighed by the logarithm of how much more often they occur in texts of the one
label than in texts of the other (Wang and Manning, 2012), so no classifier needs to be trained.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lstm_sentiment.progress import SILENT, Progress, in_parts
from lstm_sentiment.text.corpus.corpus import Corpus

Span = tuple[int, int, float]
"""First character, the one after the last, and shade from -1 to 1 of a part of a text."""

_LONGEST_NGRAM = 3
_MOST_TEXTS = 8_000
_TEXTS_AT_ONCE = 500
# Occurrences that count as much as what is believed of an n-gram that was never seen.
_PRIOR = 8.0
_STEPS = 10
# Weaker parts would colour the whole text.
_LEAST_SHADE = 0.3
# Characters of scripts without spaces stand alone.
_UNSPACED = (
    r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0eff\u3040-\u30ff\U00020000-\U0003134f"
)
_UNIT = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\W_])+(?:'[^\W_]+)?")

_Ngram = tuple[str, ...]


@dataclass(frozen=True)
class _Unit:
    """A word, or a character of a script without spaces, and its place in the text."""

    word: str
    start: int
    end: int


def word_spans(
    corpus: Corpus,
    texts: Sequence[tuple[str, str, str]],
    *,
    seed: int = 0,
    progress: Progress = SILENT,
) -> list[tuple[Span, ...]]:
    """Returns the parts of texts that support a label or another one.

    Args:
        corpus: Labelled texts to count in; of more than 8,000 a random sample is taken.
        texts: Of each text: the text, the label that positive shades support, and the other.
        seed: Draws the sample.
        progress: Receives the step.

    Returns:
        The spans of each text, ascending. The strongest one has a shade of 1 or -1; parts with
        less than 0.3 are left out.
    """
    cut = [list(_units(text)) for text, _, _ in texts]
    wanted = {ngram for units in cut for ngram in _ngrams([unit.word for unit in units])}
    counts, sizes = _counts(corpus, wanted, seed, progress)
    return [
        _spans(units, _weights(units, counts, sizes, label, other))
        for units, (_, label, other) in zip(cut, texts, strict=True)
    ]


def _units(text: str) -> Iterator[_Unit]:
    """Yields the units of a text; each character is normalized alone, so that places are known."""
    plain, places = "", []
    for place, character in enumerate(text):
        folded = unicodedata.normalize("NFKC", character).casefold()
        plain += folded
        places += [place] * len(folded)
    end = 0
    for found in _UNIT.finditer(plain):
        start = places[found.start()]
        if start >= end:  # a character such as ¼ is several units, of which the first counts
            end = places[found.end() - 1] + 1
            yield _Unit(found[0], start, end)


def _ngrams(words: Sequence[str]) -> Iterator[_Ngram]:
    for length in range(1, _LONGEST_NGRAM + 1):
        yield from zip(*(words[start:] for start in range(length)), strict=False)


def _counts(
    corpus: Corpus, wanted: set[_Ngram], seed: int, progress: Progress
) -> tuple[dict[str, Counter[_Ngram]], Counter[str]]:
    """Counts the texts of each label in which an n-gram occurs, and the texts of each label."""
    positions = range(len(corpus))
    if len(corpus) > _MOST_TEXTS:
        drawn = np.random.default_rng(seed).choice(len(corpus), _MOST_TEXTS, replace=False)
        corpus = corpus.select(np.sort(drawn))
        positions = range(_MOST_TEXTS)
    counts: dict[str, Counter[_Ngram]] = {name: Counter() for name in corpus.label_names}
    sizes: Counter[str] = Counter()
    names = [corpus.label_names[label] for label in corpus.labels]
    for part in in_parts(positions, _TEXTS_AT_ONCE, "Weighing words", progress):
        for position in part:
            plain = unicodedata.normalize("NFKC", corpus.texts[position]).casefold()
            counts[names[position]].update(wanted.intersection(_ngrams(_UNIT.findall(plain))))
            sizes[names[position]] += 1
    return counts, sizes


def _weights(
    units: Sequence[_Unit],
    counts: dict[str, Counter[_Ngram]],
    sizes: Counter[str],
    label: str,
    other: str,
) -> list[float]:
    """Returns the weight of each unit: its share in those of the n-grams that it is part of."""
    weights = [0.0] * len(units)
    words = [unit.word for unit in units]
    for length in range(1, _LONGEST_NGRAM + 1):
        for start in range(len(words) - length + 1):
            ngram = tuple(words[start : start + length])
            # The text itself is among those of the other label, which is the doubted one.
            both = counts[label][ngram], max(0, counts[other][ngram] - 1)
            weight = _log_ratio(*both, max(1, sizes[label]), max(1, sizes[other] - 1))
            for place in range(start, start + length):
                weights[place] += weight / length
    return weights


def _log_ratio(inside: int, outside: int, texts: int, other_texts: int) -> float:
    share = texts / (texts + other_texts)
    expected = (inside + _PRIOR * share) / texts, (outside + _PRIOR * (1 - share)) / other_texts
    return math.log(expected[0] / expected[1])


def _spans(units: Sequence[_Unit], weights: Sequence[float]) -> tuple[Span, ...]:
    """Returns the shaded units; neighbours of the same shade are one span."""
    largest = max(map(abs, weights), default=0.0)
    spans: list[Span] = []
    for unit, weight in zip(units, weights, strict=True):
        shade = round(_STEPS * weight / largest) / _STEPS if largest > 0 else 0.0
        if abs(shade) < _LEAST_SHADE:
            continue
        if spans and spans[-1][1:] == (unit.start, shade):
            spans[-1] = (spans[-1][0], unit.end, shade)
        else:
            spans.append((unit.start, unit.end, shade))
    return tuple(spans)
