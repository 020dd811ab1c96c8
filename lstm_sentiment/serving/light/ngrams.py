"""The linear classifiers of n-grams in NumPy.

See `lstm_sentiment.model.ngram_view` and `lstm_sentiment.model.character_view`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.light_twin.description import CHARACTERS, NGRAMS, LightTwin
from lstm_sentiment.serving.light.ngram_index import Keys, NgramIndex
from lstm_sentiment.version_folder import PAD_ID

Ids = NDArray[np.int32]
Lengths = NDArray[np.intp]

_KEY_BITS = 63
_NO_NGRAM = -1
_LEAST_LENGTH = 1e-6
_BETWEEN_TEXTS = np.array([PAD_ID], np.int32)


def mixed(
    views: Sequence["LightNgramView"], rows: Sequence[Ids], logits: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Mixes the LSTM's logits with those of linear classifiers, each with its share.

    Args:
        views: The linear classifiers.
        rows: The ids of each text, int32 `(tokens,)`, without padding.
        logits: The LSTM's, float32 `(batch, classes)`.
    """
    if not rows or not views:
        return logits
    of_views = sum(view.share * view.logits(rows) for view in views)
    return ((1 - sum(view.share for view in views)) * logits + of_views).astype(np.float32)


class LightNgramView:
    """A linear classifier of n-grams of tokens.

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

    def logits(self, rows: Sequence[Ids]) -> NDArray[np.float64]:
        """Computes the logits of texts, `(batch, classes)`, from the ids of each, int32."""
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
        # No n-gram goes from one text to the next: padding ends it.
        ids = np.concatenate([part for row in rows for part in (row, _BETWEEN_TEXTS)])
        units, lengths = self._units(ids, np.array([len(row) + 1 for row in rows]))
        by_size = self._ngram_keys(units)
        known, places = self._index.find(np.concatenate(by_size))
        if len(rows) == 1:  # without the numbers of texts, in two thirds of the time
            found = _distinct(places[known])
            return found, np.array([len(found)])
        ngrams = len(self._parts)
        firsts = np.arange(len(rows) + 1) * ngrams
        of_units = firsts[:-1].repeat(lengths)
        of_ngrams = np.concatenate([of_units[: len(keys)] for keys in by_size])
        found = _distinct((of_ngrams + places)[known])
        counts = np.diff(found.searchsorted(firsts))
        return found - firsts[:-1].repeat(counts), counts

    def _units(self, ids: Ids, lengths: Lengths) -> tuple[Ids, Lengths]:
        """Returns what the n-grams of texts are made of, and how many units each text has."""
        return ids, lengths

    def _ngram_keys(self, units: Ids) -> list[Keys]:
        """Encodes the n-grams of each size, in the order of their first units.

        Args:
            units: int32 `(units,)`; padding ends an n-gram.

        Returns:
            int64 `(units - size + 1,)` for each size. The numbers of n-grams that hold padding are
            no known ones: negative where they begin with it, as they would have the number of a
            shorter n-gram.
        """
        bits = _KEY_BITS // max(2, self._longest)
        ids = units.astype(np.int64)
        keys = [np.where(ids == PAD_ID, _NO_NGRAM, ids)]
        for size in range(2, min(self._longest, len(ids)) + 1):
            keys.append((keys[-1][:-1] << bits) + ids[size - 1 :])
        return keys

    def attributions(self, row: Ids, chosen: int) -> NDArray[np.float64]:
        """Divides the n-grams' logit of a class among the tokens of a text.

        An n-gram's part of the logit is divided evenly among its units, at each place.

        Args:
            row: int32 `(tokens,)`.
            chosen: The class.

        Returns:
            `(tokens,)`.
        """
        units, lengths = self._units(row, np.ones(len(row), np.intp))
        by_size = self._ngram_keys(units)
        keys = np.concatenate(by_size)
        known, places = self._index.find(keys)
        _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
        # Each occurrence of an n-gram takes its share.
        parts = self._parts[np.where(known, places, 0)] * (known / counts[inverse])[:, np.newaxis]
        length = max(float(np.sqrt(parts[:, 0].sum())), _LEAST_LENGTH)
        total = np.zeros(len(units))
        of_class = np.split(parts[:, 1 + chosen] / length, np.cumsum([*map(len, by_size)]))
        for size, each in enumerate(of_class[:-1], start=1):
            for place in range(size):
                total[place : place + len(each)] += each / size
        owners = np.arange(len(row)).repeat(lengths)
        return np.bincount(owners, total, minlength=len(row)).astype(np.float64)


def _distinct(numbers: NDArray[Any]) -> NDArray[Any]:
    """Sorts numbers and drops repeated ones."""
    numbers = np.sort(numbers)
    is_first = np.ones(len(numbers), bool)
    np.not_equal(numbers[1:], numbers[:-1], out=is_first[1:])
    return numbers[is_first]


class LightCharacterView(LightNgramView):
    """A linear classifier of n-grams of the known tokens' characters."""

    def __init__(self, path: Path, longest: int) -> None:
        """Loads the weights and the spellings of the tokens.

        Args:
            path: The file `characters.npz`, which has the arrays of `Spellings` too.
            longest: Length of the longest n-grams in characters.

        Raises:
            Exception: One of NumPy's, if the file cannot be loaded.
        """
        super().__init__(path, longest)
        with np.load(path, allow_pickle=False) as arrays:
            # Padding, which stands between texts, is spelled as what ends n-grams.
            self._characters = np.append(_BETWEEN_TEXTS, arrays["characters"]).astype(np.int32)
            self._starts: Lengths = arrays["splits"].astype(np.intp) + 1
            self._starts[PAD_ID] = 0
            self._lengths: Lengths = np.diff(self._starts)

    def _units(self, ids: Ids, lengths: Lengths) -> tuple[Ids, Lengths]:
        of_tokens: Lengths = self._lengths.take(ids)
        ends: Lengths = of_tokens.cumsum()
        places = np.arange(ends[-1]) + (self._starts.take(ids) - (ends - of_tokens)).repeat(
            of_tokens
        )
        of_texts = np.add.reduceat(of_tokens, lengths.cumsum() - lengths)
        return self._characters.take(places), of_texts


def load_views(folder: Path, twin: LightTwin) -> list[LightNgramView]:
    """Loads the linear classifiers of a light twin.

    Raises:
        Exception: One of NumPy's, if a file cannot be loaded.
    """
    views: list[LightNgramView] = []
    if twin.ngrams is not None:
        views.append(LightNgramView(folder / NGRAMS, twin.ngrams))
    if twin.character_ngrams is not None:
        views.append(LightCharacterView(folder / CHARACTERS, twin.character_ngrams))
    return views
