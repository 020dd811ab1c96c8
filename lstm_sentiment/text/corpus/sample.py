"""Sampling texts that do not all fit into memory."""

from collections.abc import Sequence

import numpy as np

from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.corpus.file_texts import FileTexts, taken


def sampled_texts(
    *parts: Sequence[str], most_texts: int, seed: int, progress: Progress = SILENT
) -> tuple[str, ...]:
    """Loads texts into memory, or a random sample of `most_texts` where there are more.

    Args:
        parts: Texts, in memory or in files.
        most_texts: Size of the sample. Must be positive.
        seed: The same seed draws the same texts, in memory or in files.
        progress: Reports that a sample was drawn.

    Returns:
        The texts, in the order of the parts.
    """
    total = sum(map(len, parts))
    if total > most_texts:
        generator = np.random.default_rng(seed)
        drawn = np.sort(generator.choice(total, most_texts, replace=False, shuffle=False))
        ends = np.cumsum([len(part) for part in parts])
        shares = np.split(drawn, np.searchsorted(drawn, ends[:-1]))
        parts = tuple(
            taken(part, share - (end - len(part)))
            for part, share, end in zip(parts, shares, ends, strict=True)
        )
        progress.say(f"Words and their vectors are found on {most_texts:,} of {total:,} texts")
    return tuple(text for part in parts for text in _in_memory(part))


def _in_memory(texts: Sequence[str]) -> Sequence[str]:
    return texts.in_memory() if isinstance(texts, FileTexts) else texts
