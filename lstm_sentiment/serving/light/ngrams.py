"""The linear classifier of n-grams in NumPy: see `lstm_sentiment.model.ngram_view`."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.serving.light.ngram_index import Keys, NgramIndex
from lstm_sentiment.version_folder import PAD_ID

Ids = NDArray[np.int32]

_KEY_BITS = 63
_NO_NGRAM = -1
_LEAST_LENGTH = 1e-6
_BETWEEN_TEXTS = np.array([PAD_ID], np.int32)
_NOWHERE = np.array([], np.intp)


class LightNgramView:
    """Mixes the LSTM's logits with those of a linear classifier of n-grams.

    Attributes:
        share: Weight of the n-grams' logits, from 0 to 1.
    """

    def __init__(self, path: Path, longest: int) -> None:
        """Loads the weights.

        Args:
            path: The file `ngrams.npz` with the arrays of `NgramWeights` and `share`.
            longest: Length of the longest n-grams in tokens.

        Raises:
            Exception: One of NumPy's, if the file cannot be loaded.
        """
        with np.load(path, allow_pickle=False) as arrays:
            self._index = NgramIndex(arrays["keys"])
            idf: NDArray[np.float32] = arrays["idf"][self._index.order, np.newaxis]
            kernel: NDArray[np.float32] = arrays["kernel"][self._index.order]
            self._bias: NDArray[np.float32] = arrays["bias"]
            self.share = float(arrays["share"])
        self._longest = longest
        # What an n-gram adds to the squared length of its text, and to each class: side by side, so
        # that one look-up brings all.
        self._parts: NDArray[np.float32] = np.concatenate([idf * idf, idf * kernel], axis=1)

    def mixed(self, rows: Sequence[Ids], logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mixes the LSTM's and the n-grams' logits.

        Args:
            rows: The ids of each text, int32 `(tokens,)`, without padding.
            logits: The LSTM's, float32 `(batch, classes)`.
        """
        if not rows:
            return logits
        mixture = (1 - self.share) * logits + self.share * self._logits(rows)
        return mixture.astype(np.float32)

    def _logits(self, rows: Sequence[Ids]) -> NDArray[np.float64]:
        """Computes the n-grams' logits, `(batch, classes)`."""
        found, counts = self._found(rows)
        has_any = counts > 0
        starts = counts.cumsum() - counts
        sums = np.zeros((len(rows), self._parts.shape[1]))
        if len(found):
            parts = self._parts.take(found, axis=0)
            sums[has_any] = np.add.reduceat(parts, starts[has_any], axis=0, dtype=np.float64)
        length = np.sqrt(sums[:, :1]).clip(min=_LEAST_LENGTH)
        return sums[:, 1:] / length + self._bias

    def _found(self, rows: Sequence[Ids]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Finds the known n-grams of texts.

        Returns:
            The rows in the weights of the known n-grams of each text, one text after the other; and
            the number of each text's. An n-gram that a text repeats counts once.
        """
        # No known n-gram holds padding: none goes from one text to the next.
        parts = [part for row in rows for part in (row, _BETWEEN_TEXTS)]
        lengths = np.array([len(row) for row in rows])
        by_size = self._ngram_keys(np.concatenate(parts), (lengths + 1).cumsum() - 1)
        known, places = self._index.find(np.concatenate(by_size))
        ngrams = len(self._parts)
        firsts = np.arange(len(rows) + 1) * ngrams
        of_tokens = firsts[:-1].repeat(lengths + 1)
        of_ngrams = np.concatenate([of_tokens[: len(keys)] for keys in by_size])
        found = np.sort((of_ngrams + places)[known])
        is_first = np.ones(len(found), bool)
        np.not_equal(found[1:], found[:-1], out=is_first[1:])
        found = found[is_first]
        counts = np.diff(found.searchsorted(firsts))
        return found - firsts[:-1].repeat(counts), counts

    def _ngram_keys(self, token_ids: Ids, between: NDArray[np.intp] = _NOWHERE) -> list[Keys]:
        """Encodes the n-grams of each size, in the order of their first tokens.

        Args:
            token_ids: int32 `(tokens,)`.
            between: The places that hold padding.

        Returns:
            int64 `(tokens - size + 1,)` for each size; negative for n-grams that begin with
            padding, which would have the number of a shorter one.
        """
        bits = _KEY_BITS // max(2, self._longest)
        ids = token_ids.astype(np.int64)
        first = ids.copy()
        first[between] = _NO_NGRAM
        keys = [first]
        for size in range(2, min(self._longest, len(ids)) + 1):
            keys.append((keys[-1][:-1] << bits) + ids[size - 1 :])
        return keys

    def attributions(self, row: Ids, chosen: int) -> NDArray[np.float64]:
        """Divides the n-grams' logit of a class among the tokens of a text.

        An n-gram's part of the logit is divided evenly among its tokens, at each place.

        Args:
            row: int32 `(tokens,)`.
            chosen: The class.

        Returns:
            `(tokens,)`.
        """
        by_size = self._ngram_keys(row)
        keys = np.concatenate(by_size)
        known, places = self._index.find(keys)
        _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
        # Each occurrence of an n-gram takes its share.
        parts = self._parts[np.where(known, places, 0)] * (known / counts[inverse])[:, np.newaxis]
        length = max(float(np.sqrt(parts[:, 0].sum())), _LEAST_LENGTH)
        total = np.zeros(len(row))
        of_class = np.split(parts[:, 1 + chosen] / length, np.cumsum([*map(len, by_size)]))
        for size, each in enumerate(of_class[:-1], start=1):
            for place in range(size):
                total[place : place + len(each)] += each / size
        return total
