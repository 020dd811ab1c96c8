"""Features of texts without a model: n-grams of characters, reduced to a few dimensions.

Texts about the same things in similar words lie close together (latent semantic analysis:
Deerwester et al., 1990). Nothing is learned from labels, so that texts can be compared before there
is a classifier.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.checks import train_imports
from lstm_sentiment.progress import SILENT, Progress, in_parts
from lstm_sentiment.text.corpus.sample import sampled_texts

Features = NDArray[np.float32]

DIMENSIONS = 50
_DIRECTIONS = 100  # in which texts have the length 1
_BUCKETS = 2**17
_LONGEST = 3
_LEARNED_FROM = 10_000  # more texts take time and move the directions little
_ROUNDS = 3  # of the subspace iteration
_TEXTS_AT_ONCE = 2_000
_SEPARATOR = ord("\n")
# Odd 64-bit numbers: a step of FNV-1a, and the golden ratio, which spreads keys over the buckets.
_STEP = np.uint64(0x100000001B3)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(64 - 17)


def require_decomposition(work: str) -> None:
    """Checks that SciPy and scikit-learn are installed, which need no TensorFlow here.

    Args:
        work: Names in the message what needs them.

    Raises:
        MissingExtraError: If one is missing.
    """
    with train_imports(work):
        import scipy.sparse  # noqa: F401
        import sklearn.utils.extmath  # noqa: F401


@dataclass(frozen=True)
class TextDirections:
    """Directions of the n-grams of one to three characters, learned from texts.

    The n-grams are hashed, and weighted by tf-idf.

    Attributes:
        idf: Inverse document frequency of each hashed n-gram, float32 `(buckets,)`.
        known: The buckets whose n-grams occur in two texts, `(known,)`.
        directions: Float32 `(known, dimensions)`, with orthogonal columns.
    """

    idf: NDArray[np.float32]
    known: NDArray[np.int64]
    directions: NDArray[np.float32]

    @classmethod
    @train_imports("comparing texts")
    def learn(
        cls, texts: Sequence[str], *, seed: int = 0, progress: Progress = SILENT
    ) -> "TextDirections":
        """Learns up to 100 directions by a singular value decomposition.

        Args:
            texts: At least one. Of more than 10,000, as many are drawn.
            seed: Draws the texts, and begins the decomposition.
            progress: Receives one step.

        Raises:
            MissingExtraError: If SciPy or scikit-learn is not installed.
        """
        from sklearn.utils.extmath import randomized_svd

        sample = sampled_texts(texts, most_texts=_LEARNED_FROM, seed=seed)
        with progress.step("Comparing texts", 2) as advance:
            counts = _counts(sample)
            idf = _inverse_frequencies(counts)
            advance()
            known = np.flatnonzero(idf)
            rows = _weighted(counts, idf)[:, known]
            dimensions = min(_DIRECTIONS, *rows.shape)
            right = np.zeros((0, len(known)))
            if dimensions:
                right = randomized_svd(rows, dimensions, n_iter=_ROUNDS, random_state=seed)[2]
            advance()
        return cls(idf, known, np.ascontiguousarray(right.T, np.float32))

    def features(self, texts: Sequence[str], *, progress: Progress = SILENT) -> Features:
        """Computes the features of texts: of their unit vectors, the 50 strongest directions.

        What is left out is rarer: a text that mostly consists of it has short features, as it says
        little of other texts.

        Args:
            texts: Any Unicode; `FileTexts` are read in parts, and not kept.
            progress: Receives one step.

        Returns:
            Float32 `(texts, dimensions)`, at most 50; rows have a length from 0 to 1.
        """
        rows = [
            self._placed(list(part))
            for part in in_parts(texts, _TEXTS_AT_ONCE, "Placing texts", progress)
        ]
        dimensions = min(DIMENSIONS, self.directions.shape[1])
        return np.concatenate([np.zeros((0, dimensions), np.float32), *rows])

    def _placed(self, texts: Sequence[str]) -> Features:
        rows = _weighted(_counts(texts), self.idf)[:, self.known]
        return _unit_rows(rows @ self.directions)[:, :DIMENSIONS]


def _counts(texts: Sequence[str]) -> Any:
    """Counts the hashed n-grams of texts, as a sparse matrix `(texts, buckets)`."""
    from scipy.sparse import csr_matrix, vstack

    parts = []
    for start in range(0, len(texts), _TEXTS_AT_ONCE):
        part = texts[start : start + _TEXTS_AT_ONCE]
        keys, counts = np.unique(_keys(part), return_counts=True)
        rows, buckets = np.divmod(keys, _BUCKETS)
        shape = (len(part), _BUCKETS)
        parts.append(csr_matrix((counts.astype(np.float32), (rows, buckets)), shape=shape))
    return vstack(parts, format="csr")


def _keys(texts: Sequence[str]) -> NDArray[np.int64]:
    """Returns a number for each n-gram of each text: the text's position and a hash of both."""
    joined = "\n".join(" ".join(_folded(text).split()) for text in texts)
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    ends = codes == _SEPARATOR
    rows = np.cumsum(ends)
    hashed, inside, keys = np.zeros(len(codes), np.uint64), ~ends, []
    for length in range(_LONGEST):
        hashed = hashed[: len(codes) - length] * _STEP + codes[length:] + np.uint64(1)
        inside = inside[: len(codes) - length] & ~ends[length:]
        bucket = ((hashed * _SPREAD) >> _SHIFT).astype(np.int64)
        keys.append((rows[: len(inside)] * _BUCKETS + bucket)[inside])
    return np.concatenate(keys)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _inverse_frequencies(counts: Any) -> NDArray[np.float32]:
    """Returns the inverse document frequency of each bucket; 0 where a single text has it."""
    texts = counts.getnnz(axis=0)
    idf = np.log((1 + counts.shape[0]) / (1 + texts)) + 1
    return np.where(texts > 1, idf, 0).astype(np.float32)


def _weighted(counts: Any, idf: NDArray[np.float32]) -> Any:
    """Returns rows of tf-idf with logarithmic counts, each of length 1."""
    weighted = counts.copy()
    weighted.data = (1 + np.log(weighted.data)) * idf[weighted.indices]
    lengths = np.sqrt(weighted.multiply(weighted).sum(axis=1)).A1
    weighted.data /= np.repeat(np.where(lengths > 0, lengths, 1), np.diff(weighted.indptr))
    return weighted


def _unit_rows(rows: NDArray[np.float32]) -> Features:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), np.float32)
