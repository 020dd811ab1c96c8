"""Counts evaluation texts that a version was trained on, which would make its scores too high."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.corpus.duplicates import are_in
from lstm_sentiment.text.corpus.near_duplicates import near_digests
from lstm_sentiment.version_folder import TEXTS_SEEN


def load_texts_seen(version_dir: str | os.PathLike[str]) -> NDArray[np.uint64] | None:
    """Loads the digests of the texts that a version was trained on.

    Returns:
        `near_digests` of those texts, each once, ascending; `None` if the version has no such file,
        as in older releases and for versions of other programs.

    Raises:
        InvalidInputError: If the file cannot be read or holds anything else.
    """
    path = Path(version_dir) / TEXTS_SEEN
    try:
        digests = np.load(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError) as error:
        reason = str(error).rstrip(".")
        raise InvalidInputError(f"{path}: cannot be read: {reason}.") from error
    if not isinstance(digests, np.ndarray) or digests.dtype != np.uint64 or digests.ndim != 1:
        raise InvalidInputError(
            f"{path}: must hold one row of uint64 digests. Received: something else."
        )
    return digests


def count_texts_seen(version_dir: str | os.PathLike[str], texts: Sequence[str]) -> int | None:
    """Counts the texts that a version was trained on, near duplicates and repetitions included.

    Returns:
        The number of texts; `None` if the version has no digests.

    Raises:
        InvalidInputError: As `load_texts_seen`.
    """
    seen = load_texts_seen(version_dir)
    if seen is None:
        return None
    return int(are_in(near_digests(texts), seen).sum())
