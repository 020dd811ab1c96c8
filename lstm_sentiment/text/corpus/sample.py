"""Sampling texts that do not all fit into memory."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.corpus.file_texts import FileTexts, taken

MOST_CHARACTERS = 100_000_000
"""Most characters of a sample by default: a million texts of 100 characters each."""

_SLACK = 1.1  # how far a sample may grow before it is cut to size


def sampled_texts(
    *parts: Sequence[str],
    most_texts: int,
    most_characters: int = MOST_CHARACTERS,
    seed: int,
    progress: Progress = SILENT,
) -> tuple[str, ...]:
    """Loads texts into memory, or a random sample where there are more than memory should hold.

    Files are read once, from front to back, and no more than the sample is held meanwhile.

    Args:
        parts: Texts, in memory or in files.
        most_texts: Largest size of the sample. Must be positive.
        most_characters: Largest number of characters of the sample, unless its first text has more.
            Must be positive.
        seed: The same seed draws the same texts, in memory or in files.
        progress: Reports that a sample was drawn.

    Returns:
        The texts, in the order of the parts.
    """
    total = sum(map(len, parts))
    generator = np.random.default_rng(seed)
    if total > most_texts:
        drawn = np.sort(generator.choice(total, most_texts, replace=False, shuffle=False))
        ends = np.cumsum([len(part) for part in parts])
        shares = np.split(drawn, np.searchsorted(drawn, ends[:-1]))
        parts = tuple(
            taken(part, share - (end - len(part)))
            for part, share, end in zip(parts, shares, ends, strict=True)
        )
    sample = _Sample(generator.permutation(sum(map(len, parts))), most_characters)
    for position, text in _in_reading_order(parts):
        sample.add(position, text)
    texts = sample.texts()
    if len(texts) < total:
        progress.say(f"Words and their vectors are found on {len(texts):,} of {total:,} texts")
    return texts


class _Sample:
    """The texts of the lowest ranks that have so many characters together.

    Which texts these are does not depend on the order in which they are added.
    """

    def __init__(self, ranks: NDArray[np.int64], most_characters: int) -> None:
        self._ranks, self._most = ranks, most_characters
        self._texts: list[str | None] = [None] * len(ranks)
        self._lengths = np.full(len(ranks), -1)
        self._characters, self._limit = 0, len(ranks)

    def add(self, position: int, text: str) -> None:
        """Adds the text at a position; its rank decides whether it stays."""
        if self._ranks[position] >= self._limit:
            return
        self._texts[position], self._lengths[position] = text, len(text)
        self._characters += len(text)
        if self._characters > _SLACK * self._most:
            self._trim()

    def texts(self) -> tuple[str, ...]:
        """Returns the texts in the order of their positions."""
        if self._characters > self._most:
            self._trim()
        return tuple(text for text in self._texts if text is not None)

    def _trim(self) -> None:
        held = np.flatnonzero(self._lengths >= 0)
        by_rank = held[np.argsort(self._ranks[held])]
        sums = np.cumsum(self._lengths[by_rank])
        fit = max(1, int(np.searchsorted(sums, self._most, "right")))
        self._characters = int(sums[fit - 1])
        dropped = by_rank[fit:]
        if len(dropped):
            self._limit = int(self._ranks[dropped[0]])
        self._lengths[dropped] = -1
        for position in dropped.tolist():
            self._texts[position] = None


def _in_reading_order(parts: Sequence[Sequence[str]]) -> Iterator[tuple[int, str]]:
    """Yields each text and its position in all parts; files are read from front to back."""
    start = 0
    for part in parts:
        if isinstance(part, FileTexts):
            order = part.reading_order()
            yield from zip((start + order).tolist(), part.select(order), strict=True)
        else:
            yield from enumerate(part, start)
        start += len(part)
