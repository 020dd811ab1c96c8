"""A hash table of n-grams, asked for many at a time."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.int64]

_BUCKETS_PER_KEY = 4
_NO_KEY = -(2**63)
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)  # 2**64 by the golden ratio (Knuth, 6.4)


class NgramIndex:
    """Finds the rows of n-grams by their keys. Safe to share among threads.

    Rows are in the order of their hashes, so that the rows of a bucket follow each other.

    Attributes:
        order: The place of each row in the keys that the index was made of, int64 `(ngrams,)`.
    """

    def __init__(self, keys: Keys) -> None:
        """Sorts the keys into buckets.

        Args:
            keys: Different numbers of at least 0, int64 `(ngrams,)`.
        """
        bits = max(1, (_BUCKETS_PER_KEY * len(keys) - 1).bit_length())
        self._shift = np.uint64(64 - bits)
        buckets = self._bucket(keys)
        self.order: NDArray[np.intp] = np.argsort(buckets, kind="stable")
        # The start of an empty bucket at the end is a row, too.
        self._keys = np.append(keys[self.order], _NO_KEY)
        ends = np.bincount(buckets, minlength=1 << bits).cumsum()
        self._starts = np.append(0, ends).astype(np.int32)

    def find(self, keys: Keys) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
        """Finds n-grams.

        Args:
            keys: int64 `(any,)`.

        Returns:
            Which keys are known, and their rows; that of an unknown key is any number up to the
            number of rows, itself included.
        """
        buckets = self._bucket(keys)
        rows = self._starts.take(buckets)
        known: NDArray[np.bool_] = self._keys.take(rows) == keys
        others = (~known).nonzero()[0]
        candidates, ends = rows[others] + 1, self._starts.take(buckets[others] + 1)
        # Few buckets hold more than one key, and fewer more than two.
        while (in_bucket := candidates < ends).any():
            others, candidates, ends = others[in_bucket], candidates[in_bucket], ends[in_bucket]
            is_found = self._keys.take(candidates) == keys[others]
            found = others[is_found]
            known[found] = True
            rows[found] = candidates[is_found]
            candidates = candidates + 1
        return known, rows

    def _bucket(self, keys: Keys) -> NDArray[np.int64]:
        hashes = keys.view(np.uint64) * _MULTIPLIER  # modulo 2**64
        return (hashes >> self._shift).view(np.int64)
