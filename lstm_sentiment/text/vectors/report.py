"""Statistics of word vectors: lengths, coverage of texts, nearest neighbours."""

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.checks import positive, require_train
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.progress import SILENT, Progress, in_parts
from lstm_sentiment.text.tokenizer_options import TokenizerKind
from lstm_sentiment.text.vectors.word_vectors import WordVectors
from lstm_sentiment.version_folder import OOV_ID

if TYPE_CHECKING:
    from lstm_sentiment.text.tokenizer import Tokenizer

BYTES_AT_ONCE = 64 * 2**20
_TEXTS_AT_ONCE = 2_000
_MISSING_SHOWN = 20
_SPELLINGS_COMPARED = 20_000


@dataclass(frozen=True)
class VectorReport:
    """Statistics of word vectors and of their coverage of texts.

    Attributes:
        count: Number of vectors.
        dim: Width of the vectors.
        norm_min: Smallest Euclidean length.
        norm_median: Median length.
        norm_mean: Mean length.
        norm_max: Largest length.
        zero_vectors: Number of vectors that are all zeros.
        tokenizer: Kind of the tokenizer; `None` without texts, as are the attributes below.
        tokens: Number of tokens in the texts.
        types: Number of different tokens in the texts.
        token_coverage: Share of the tokens that have a vector, from 0 to 1.
        type_coverage: Share of the different tokens that have a vector, from 0 to 1.
        missing: Up to 20 tokens without a vector and their counts, the most frequent first.
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
    """Computes statistics of word vectors and, given texts, their coverage.

    A `unigram` tokenizer splits texts into known words, so a missing token is a run of characters
    that no word covers.

    Args:
        vectors: A memory-mapped matrix is read in parts.
        texts: Valid Unicode. `None` leaves out the coverage.
        tokenizer: A tokenizer or a kind; its vocabulary becomes the vectors' tokens. `None` takes
            the kind that `choose_tokenizer` returns.
        progress: Counts the texts.

    Raises:
        InvalidInputError: If the texts contain no token, or the kind is unknown.
        MissingExtraError: If there are texts and TensorFlow, which cuts them, is not installed.
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
    require_train("cutting texts into tokens")
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
    """Returns the tokens with the highest cosine similarity to a token.

    Args:
        vectors: A memory-mapped matrix is read in parts.
        token: A token that has a vector.
        count: Number of neighbours. Must be positive.

    Returns:
        Up to `count` other tokens and their cosine similarity, from -1 to 1, the nearest first,
        without tokens whose vector is all zeros.

    Raises:
        InvalidInputError: If `token` has no vector (the message suggests similar spellings) or a
            vector of zeros, or `count` is not positive.
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
    """Yields consecutive rows of up to 64 MiB, with the position of the first row."""
    rows = max(1, BYTES_AT_ONCE // (4 * matrix.shape[1]))
    for start in range(0, len(matrix), rows):
        yield start, np.asarray(matrix[start : start + rows], np.float32)


def _lengths(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Computes Euclidean lengths: `(n, dim)` to float64 `(n,)`."""
    lengths: NDArray[np.float64] = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    return lengths


def _tokenizer(
    vectors: WordVectors, texts: Sequence[str], given: "Tokenizer | TokenizerKind | None"
) -> "Tokenizer":
    # Imported here: vectors alone need no TensorFlow.
    from lstm_sentiment.text.scripts import choose_tokenizer
    from lstm_sentiment.text.tokenizer import Tokenizer, make_tokenizer

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
    """Returns the tokens that are not in the vocabulary, in any equivalent spelling."""
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
    """Returns up to three tokens with a similar spelling, ignoring case.

    A comparison takes microseconds, so only 20,000 tokens are compared: the first (usually the most
    frequent) tokens of about the same length with the same first or last character.
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
