"""The linear classifier of n-grams in NumPy: see `lstm_sentiment.model.ngram_view`."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int32]

_KEY_BITS = 63
_NO_NGRAM = -1
_LEAST_LENGTH = 1e-6


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
            self._keys: NDArray[np.int64] = arrays["keys"]
            self._idf: NDArray[np.float32] = arrays["idf"]
            self._kernel: NDArray[np.float32] = arrays["kernel"]
            self._bias: NDArray[np.float32] = arrays["bias"]
            self.share = float(arrays["share"])
        self._longest = longest

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
        texts, places = self._known(rows)
        # An n-gram that a text repeats counts once.
        found = np.sort(texts * len(self._keys) + places)
        is_first = np.ones(len(found), bool)
        np.not_equal(found[1:], found[:-1], out=is_first[1:])
        found = found[is_first]
        texts = found // len(self._keys)
        places = found - texts * len(self._keys)
        values = self._idf[places].astype(np.float64)
        batch = len(rows)
        length = np.sqrt(np.bincount(texts, values * values, batch)).clip(min=_LEAST_LENGTH)
        weighted = values[:, np.newaxis] * self._kernel[places]
        sums = [np.bincount(texts, column, batch) for column in weighted.T]
        return np.stack(sums, axis=1) / length[:, np.newaxis] + self._bias

    def _known(self, rows: Sequence[Ids]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Returns the text and the row in the weights of each known n-gram of the texts."""
        lengths = np.fromiter(map(len, rows), np.intp, len(rows))
        keys = self._ngram_keys(np.concatenate(rows), lengths.cumsum())
        places = self._places(keys)
        sizes, starts = np.nonzero(self._keys[places] == keys)
        return np.arange(len(rows)).repeat(lengths)[starts], places[sizes, starts]

    def _ngram_keys(self, token_ids: Ids, ends: NDArray[np.intp]) -> NDArray[np.int64]:
        """Encodes the n-grams that begin at each token.

        Args:
            token_ids: int32 `(tokens,)` of one or more texts.
            ends: Where each text ends, `(texts,)`.

        Returns:
            int64 `(longest, tokens)`; negative where an n-gram would cross the end of its text.
        """
        bits = _KEY_BITS // max(2, self._longest)
        keys = np.full((self._longest, len(token_ids)), _NO_NGRAM, np.int64)
        keys[0] = token_ids
        for place in range(1, self._longest):
            # Appends the next token. What was negative stays so, and another start becomes so.
            keys[place, :-place] = (keys[place - 1, :-place] << bits) + token_ids[place:]
            keys[place, np.maximum(ends - place, 0)] = _NO_NGRAM
        return keys

    def _places(self, keys: NDArray[np.int64]) -> NDArray[np.intp]:
        return np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)

    def attributions(self, row: Ids, chosen: int) -> NDArray[np.float64]:
        """Divides the n-grams' logit of a class among the tokens of a text.

        An n-gram's part of the logit is divided evenly among its tokens, at each place.

        Args:
            row: int32 `(tokens,)`.
            chosen: The class.

        Returns:
            `(tokens,)`.
        """
        keys = self._ngram_keys(row, np.array([len(row)]))
        places = self._places(keys)
        known = self._keys[places] == keys
        _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
        occurrences = counts[inverse.reshape(keys.shape)]
        idf = np.where(known, self._idf[places], 0.0)
        length = max(float(np.sqrt((idf * idf / occurrences).sum())), _LEAST_LENGTH)
        parts = idf * self._kernel[places, chosen] / (occurrences * length)
        total = np.zeros(len(row))
        for tokens, each in enumerate(parts, start=1):
            for place in range(min(tokens, len(row))):
                total[place:] += each[: len(row) - place] / tokens
        return total
