"""Counts of texts whose token ids are known: the outputs of the signature `text_statistics`."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.version_folder import OOV_ID

Ids = NDArray[np.int32]


def text_counts(texts: Sequence[bytes], rows: Sequence[Ids], max_length: int) -> dict[str, Ids]:
    """Counts the characters and tokens of texts.

    Args:
        texts: The texts; malformed bytes count as U+FFFD.
        rows: All token ids of each text, int32 `(tokens,)`, at least one.
        max_length: Number of tokens of a text that the model reads.

    Returns:
        `num_characters`, `num_tokens`, `num_truncated` and `num_oov`, int32 `(batch,)` each.
    """
    num_tokens = np.fromiter(map(len, rows), np.int32, len(rows))
    num_read = np.minimum(num_tokens, max_length)
    oov = np.zeros(len(rows), np.int32)
    if rows:
        is_oov = np.concatenate([row[:max_length] for row in rows]) == OOV_ID
        np.add.reduceat(is_oov, np.cumsum(num_read) - num_read, dtype=np.int32, out=oov)
    lengths = (len(text.decode("utf-8", "replace")) for text in texts)
    return {
        "num_characters": np.fromiter(lengths, np.int32, len(texts)),
        "num_tokens": num_tokens,
        "num_truncated": num_tokens - num_read,
        "num_oov": oov,
    }
