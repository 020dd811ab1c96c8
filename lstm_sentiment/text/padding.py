"""Padding of token ids to rectangular batches."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.checks import positive
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.version_folder import OOV_ID, PAD_ID


def pad_token_ids(sequences: Sequence[Sequence[int]], length: int) -> NDArray[np.int32]:
    """Pads or truncates id sequences to one length.

    Padding is on the right with `PAD_ID`; a longer sequence keeps its first `length` ids. A row
    that would be all padding, such as that of an empty sequence, begins with `OOV_ID`.

    Args:
        sequences: Token ids, one inner sequence per text. Must not be empty.
        length: Time steps per row, in tokens. Must be positive.

    Returns:
        `int32` array of shape `(batch, length)`.

    Raises:
        InvalidInputError: If `sequences` is empty, `length` is not positive, or an id is
            negative or beyond `int32`.
    """
    positive(length=length)
    if len(sequences) == 0:
        raise InvalidInputError("`sequences` must hold at least one sequence. Received: none.")
    padded = np.full((len(sequences), length), PAD_ID, dtype=np.int64)
    for row, sequence in zip(padded, sequences, strict=True):
        kept = sequence[:length]
        row[: len(kept)] = kept
    if padded.min() < 0 or padded.max() > np.iinfo(np.int32).max:
        raise InvalidInputError(
            "Token ids must be non-negative `int32` values. "
            f"Received: ids from {padded.min()} to {padded.max()}."
        )
    padded[(padded == PAD_ID).all(axis=1), 0] = OOV_ID
    return padded.astype(np.int32)
