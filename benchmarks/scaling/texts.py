"""Made-up texts, as long as hotel reviews are."""

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.training.inputs.token_rows import TokenRows
from lstm_sentiment.version_folder import OOV_ID

WORDS, DIM, CLASSES, TRAINED_ROWS = 10_000, 400, 2, 200
VOCABULARY_SIZE = WORDS + 2
MAX_LENGTH = 200
_MEDIAN_LENGTH, _SPREAD = 60, 0.7


def made_up(texts: int) -> tuple[TokenRows, NDArray[np.int64]]:
    """Token ids and labels, the same in each process.

    The lengths are the quantiles of one log-normal distribution, so that few texts are on average
    as long as many.
    """
    random = np.random.default_rng(0)
    shares = (np.arange(texts) + 0.5) / texts
    normal = np.array([NormalDist().inv_cdf(share) for share in shares.tolist()])
    lengths = np.clip(_MEDIAN_LENGTH * np.exp(_SPREAD * normal), 1, MAX_LENGTH).astype(np.int64)
    random.shuffle(lengths)
    # Words by rank: some are frequent, most are not.
    ids = OOV_ID + (VOCABULARY_SIZE - OOV_ID) * random.random(lengths.sum()) ** 3
    labels = random.integers(0, CLASSES, texts)
    return TokenRows.from_lengths(ids.astype(np.int32), lengths), labels


def vectors() -> NDArray[np.float32]:
    """Random word vectors, float32 `(VOCABULARY_SIZE, DIM)`."""
    shape = (VOCABULARY_SIZE, DIM)
    return np.random.default_rng(1).normal(scale=0.1, size=shape).astype(np.float32)
