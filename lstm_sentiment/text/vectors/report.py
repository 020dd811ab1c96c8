"""What is in a set of word vectors: their lengths, what they cover, what is near to what."""

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.checks import positive
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.progress import SILENT, Progress, in_parts
from lstm_sentiment.text.tokenizer_options import TokenizerKind
from lstm_sentiment.text.vectors.word_vectors import WordVectors
from lstm_sentiment.version_folder import OOV_ID

if TYPE_CHECKING:
    from lstm_sentiment.text.tokenizer import Tokenizer

_BYTES_AT_ONCE = 64 * 2**20
_TEXTS_AT_ONCE = 2_000
_MISSING_SHOWN = 20
_SPELLINGS_COMPARED = 20_000


@dataclass(frozen=True)
class VectorReport:
    """What a set of word vectors holds and, of a corpus, what it covers.

    Attributes:
        count: Number of vectors.
        dim: Width of the vectors.
        norm_min: Euclidean length of the shortest vector.
        norm_median: Median of the lengths.
        norm_mean: Mean of the lengths.
        norm_max: Length of the longest vector.
        zero_vectors: How many vectors are all zeros.
        tokenizer: Kind of the tokenizer that cut the texts; `None` where there are none, as in
            the attributes below.
        tokens: Tokens of the texts.
        types: Different tokens of the texts.
        token_coverage: Share of the tokens that have a vector, from 0 to 1.
        type_coverage: Share of the different tokens that have a vector, from 0 to 1.
        missing: Up to 20 tokens without a vector and how often each occurs, the most frequent
            first.
    """

    count: int
    dim: int
    norm_min: float
    norm_median: float
    norm_mean: float
    norm_max: float
    zero_vectors: int
    tokenizer: TokenizerKind | None = None
    tokens: int | None = None
    types: int | None = None
    token_coverage: float | None = None
    type_coverage: float | None = None
    missing: tuple[tuple[str, int], ...] | None = None


def describe_vectors(
    vectors: WordVectors,
    *,
    texts: Sequence[str] | None = None,
    tokenizer: "Tokenizer | TokenizerKind | None" = None,
    progress: Progress = SILENT,
) -> VectorReport:
    """Measures word vectors and, given texts, how much of them the vectors cover.

    A `unigram` tokenizer cuts texts into the words that it knows: what has no vector is then a
    run of characters that no word covers.

    Args:
        vectors: What to look at. A memory-mapped matrix is read in parts.
        texts: Valid Unicode. `None` measures the vectors alone.
        tokenizer: What cuts the texts, by its rule and with the vectors' tokens as vocabulary: a
            tokenizer or a kind. `None` takes the kind that `choose_tokenizer` names.
        progress: Told how far the counting is.

    Returns:
        The measures.

    Raises:
        InvalidInputError: If the texts hold no token, or the kind is unknown.
    """
    lengths = np.concatenate([_lengths(part) for _, part in _parts(vectors.matrix)])
    report = VectorReport(
        count=len(vectors.tokens),
        dim=vectors.dim,
        norm_min=float(lengths.min()),
        norm_median=float(np.median(lengths)),
        norm_mean=float(lengths.mean()),
        norm_max=float(lengths.max()),
        zero_vectors=int((lengths == 0).sum()),
    )
    if texts is None:
        return report
    tokenizer = _tokenizer(vectors, texts, tokenizer)
    counts = _count_tokens(tokenizer, texts, progress)
    if not counts:
        raise InvalidInputError(
            f"`texts` must hold at least one token. Received: {len(texts):,} texts without any."
        )
    missing = _without_id(tokenizer, counts)
    return replace(
        report,
        tokenizer=tokenizer.kind,
        tokens=counts.total(),
        types=len(counts),
        token_coverage=1 - missing.total() / counts.total(),
        type_coverage=1 - len(missing) / len(counts),
        missing=tuple(missing.most_common(_MISSING_SHOWN)),
    )


def nearest_neighbours(
    vectors: WordVectors, token: str, count: int = 10
) -> list[tuple[str, float]]:
    """The tokens whose vectors point most nearly the same way.

    Args:
        vectors: Where to look. A memory-mapped matrix is read in parts.
        token: One of the tokens.
        count: How many neighbours. Must be positive.

    Returns:
        Up to `count` other tokens and their cosine similarity, from -1 to 1, the nearest first.
        A vector of zeros is nobody's neighbour.

    Raises:
        InvalidInputError: If `token` has no vector (the message names tokens spelled alike) or
            one of zeros, or `count` is not positive.
    """
    positive(count=count)
    position = _position(vectors, token)
    own = np.asarray(vectors.matrix[position], np.float64)
    if not own.any():
        raise InvalidInputError(f"{token!r} has a vector of zeros, which has no neighbours.")
    direction = (own / np.linalg.norm(own)).astype(np.float32)
    similarities = np.empty(len(vectors.tokens))
    for start, part in _parts(vectors.matrix):
        lengths = _lengths(part)
        along = part @ direction
        similarities[start : start + len(part)] = np.divide(
            along, lengths, out=np.full(len(part), -np.inf), where=lengths > 0
        )
    similarities[position] = -np.inf
    nearest = np.argsort(-similarities, kind="stable")[:count]
    return [
        (vectors.tokens[i], float(np.clip(similarities[i], -1, 1)))
        for i in nearest
        if np.isfinite(similarities[i])
    ]


def _parts(matrix: NDArray[np.float32]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Consecutive rows of up to 64 MiB, and the position of the first."""
    rows = max(1, _BYTES_AT_ONCE // (4 * matrix.shape[1]))
    for start in range(0, len(matrix), rows):
        yield start, np.asarray(matrix[start : start + rows], np.float32)


def _lengths(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Euclidean lengths of `(n, dim)` rows: float64 `(n,)`."""
    lengths: NDArray[np.float64] = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    return lengths


def _tokenizer(
    vectors: WordVectors, texts: Sequence[str], given: "Tokenizer | TokenizerKind | None"
) -> "Tokenizer":
    """A tokenizer that knows the vectors' tokens."""
    # They import TensorFlow, which vectors alone do without.
    from lstm_sentiment.text.tokenizer import Tokenizer, make_tokenizer
    from lstm_sentiment.text.words import choose_tokenizer

    known = vectors.vocabulary()
    if isinstance(given, Tokenizer):
        return given if given.vocabulary == known else given.with_vocabulary(known)
    return make_tokenizer(given or choose_tokenizer(texts), known)


def _count_tokens(tokenizer: "Tokenizer", texts: Sequence[str], progress: Progress) -> Counter[str]:
    import tensorflow as tf

    counts: Counter[str] = Counter()
    for part in in_parts(texts, _TEXTS_AT_ONCE, "Counting tokens", progress):
        tokens = tokenizer.segment(tokenizer.normalize(tf.constant(part)))
        counts.update(token.decode() for token in tokens.flat_values.numpy())
    return counts


def _without_id(tokenizer: "Tokenizer", counts: Counter[str]) -> Counter[str]:
    """The tokens that the vocabulary lacks, by the tokenizer's rule of which spellings are one."""
    import tensorflow as tf

    ids = tokenizer.look_up(tf.constant(list(counts))).numpy()
    pairs = zip(counts.items(), ids, strict=True)
    return Counter({token: count for (token, count), i in pairs if i == OOV_ID})


def _position(vectors: WordVectors, token: str) -> int:
    try:
        return vectors.tokens.index(token)
    except ValueError:
        alike = _spelled_alike(vectors.tokens, token)
        hint = f" Did you mean {' or '.join(map(repr, alike))}?" if alike else ""
        raise InvalidInputError(
            f"`token` must have a vector. Received: {token!r}, which has none.{hint}"
        ) from None


def _spelled_alike(tokens: Sequence[str], token: str) -> list[str]:
    """Up to three tokens, without regard to case.

    Comparing takes microseconds a token. So only tokens of about the same length that begin or
    end alike are compared, and of those the first, which usually are the most frequent.
    """
    wanted = token.casefold()
    first, last, length = wanted[:1], wanted[-1:], len(wanted)
    candidates = (
        (spelling, known)
        for known in tokens
        if abs(len(known) - length) <= 2
        and ((spelling := known.casefold())[:1] == first or spelling[-1:] == last)
    )
    by_spelling: dict[str, str] = {}
    for spelling, known in islice(candidates, _SPELLINGS_COMPARED):
        by_spelling.setdefault(spelling, known)
    return [by_spelling[near] for near in difflib.get_close_matches(wanted, by_spelling)]
