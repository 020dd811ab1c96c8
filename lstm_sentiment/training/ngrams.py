"""Training of the n-grams' classifier, and the choice of its share in the logits."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.model.ngram_view import NO_NGRAM, NgramWeights, ngram_keys, require_ngram_room
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.corpus.duplicates import are_new
from lstm_sentiment.training.config import ClassWeights
from lstm_sentiment.training.evaluation.calibration import Labels, cross_entropy, fit_temperature
from lstm_sentiment.training.inputs.token_rows import TokenRows
from lstm_sentiment.training.ngram_regression import (
    Examples,
    fit_regression,
    frequent_ngrams,
    inverse_document_frequencies,
    unit_rows,
)

MOST_NGRAMS = 30_000_000
"""Most n-grams that a classifier is trained on: about 40 bytes of memory each."""

_LSTM_SHARE = 0.1  # expected before any text is looked at: with few labels, the LSTM knows little
_PULL = 20.0  # nats that it costs to be 1 away from the expected shares
_TEXTS_AT_ONCE = 2_000
_KEYS_AT_ONCE = 1_000_000
_TENTHS = 10


def fit_ngrams(
    token_ids: TokenRows,
    labels: Labels,
    *,
    num_classes: int,
    vocabulary_size: int,
    longest: int,
    class_weights: ClassWeights = "none",
    targets: NDArray[np.float32] | None = None,
    name: str = "n-grams",
    most: int = 500_000,
    progress: Progress = SILENT,
) -> NgramWeights | None:
    """Trains a linear classifier of the n-grams of texts.

    Of more than 30 million n-grams, a random sample of the texts with at most so many is used.

    Args:
        token_ids: Ids of the training texts.
        labels: Label ids, one a text.
        num_classes: Number of classes.
        vocabulary_size: Number of token ids.
        longest: Tokens of the longest n-grams.
        class_weights: `balanced`, or `none`, as in `TrainingConfig`.
        targets: Probability of each class to learn, `(texts, classes)`; `None` learns the labels.
        name: What `progress` calls the n-grams.
        most: Number of n-grams to keep, the most frequent ones.
        progress: Receives one step of two parts.

    Returns:
        The classifier; `None` if no n-gram occurs in two texts, or a class has no text.

    Raises:
        InvalidInputError: If the vocabulary is too large for `longest`.
    """
    require_ngram_room(vocabulary_size, longest)
    labels = np.asarray(labels)
    sample = sample_of(token_ids, MOST_NGRAMS // longest)
    if sample is not None:
        token_ids, labels = token_ids.select(sample), labels[sample]
        targets = None if targets is None else targets[sample]
    examples = Examples.of(labels, targets, class_weights)
    with progress.step(f"Training {name}", 2) as advance:
        rows, keys = _occurrences(token_ids, longest)
        known, counts = _counted(keys)
        kept = frequent_ngrams(counts, most)
        advance()
        if len(kept) == 0 or len(np.unique(examples.labels)) < num_classes:
            return None
        known, counts = known[kept], counts[kept]
        rows, columns = _columns(rows, keys, known)
        del keys
        idf = inverse_document_frequencies(counts, len(token_ids))
        features = unit_rows(rows, columns, idf, len(token_ids))
        del rows, columns
        kernel, bias = fit_regression(features, examples, class_weights)
        advance()
    return NgramWeights(
        known,
        idf.astype(np.float32),
        kernel.astype(np.float32),
        bias.astype(np.float32),
    )


def best_shares(
    logits: NDArray[np.float32],
    view_logits: Sequence[NDArray[np.float32]],
    labels: Labels,
) -> tuple[float, ...]:
    """Returns the shares of the linear views that these texts make the most probable.

    All shares are chosen together, with all logits at the same scale: the LSTM's are often several
    times as large as those of a linear view, and a tenth of them would outweigh it. Each choice is
    judged at its own best temperature, so that only right and wrong answers count, not how
    confident the mixture is.

    A hundred texts hardly tell one mixture from another, and a mixture of all is mostly better than
    any of its parts. So the likelihood of the labels is multiplied by a prior, a Gaussian around a
    tenth for the LSTM and equal shares for the views: with a hundred texts it decides nearly alone,
    with some thousands it decides nothing.

    Args:
        logits: The LSTM's, for texts not trained on, float `(texts, classes)`.
        view_logits: Those of each view, for the same texts.
        labels: True label ids.

    Returns:
        A share for each view, together from 0 to below 1; the LSTM has the rest. At the same scale,
        the shares are tenths, and the LSTM's is at least one.
    """
    if not view_logits:
        return ()
    scales = [_scale(each) for each in (logits, *view_logits)]
    scaled, *scaled_views = (
        each / scale for each, scale in zip((logits, *view_logits), scales, strict=True)
    )
    expected = (1 - _LSTM_SHARE) / len(view_logits)

    def loss(shares: tuple[float, ...]) -> float:
        mixed = mixed_logits(scaled, scaled_views, shares)
        of_labels = cross_entropy(mixed / fit_temperature(mixed, labels), labels)
        off = (1 - sum(shares) - _LSTM_SHARE) ** 2
        off += sum((share - expected) ** 2 for share in shares)
        return len(labels) * of_labels + _PULL * off

    best = min(_choices_of_shares(len(view_logits)), key=loss)
    parts = [share / scale for share, scale in zip((1 - sum(best), *best), scales, strict=True)]
    return tuple(part / sum(parts) for part in parts[1:])


def _scale(logits: NDArray[np.float32]) -> float:
    """Returns the standard deviation of logits around each text's mean; 1 if all are alike."""
    return float(np.std(logits - logits.mean(axis=1, keepdims=True))) or 1.0


def mixed_logits(
    logits: NDArray[np.float32],
    view_logits: Sequence[NDArray[np.float32]],
    shares: Sequence[float],
) -> NDArray[np.float32]:
    """Mixes the LSTM's logits with those of linear views, all `(texts, classes)`."""
    mixed = (1 - sum(shares)) * logits
    for share, of_view in zip(shares, view_logits, strict=True):
        mixed = mixed + share * of_view
    return np.asarray(mixed, np.float32)


def _choices_of_shares(views: int) -> list[tuple[float, ...]]:
    """Returns all shares in tenths that leave the LSTM at least a tenth."""
    tenths = product(range(_TENTHS), repeat=views)
    return [tuple(part / _TENTHS for part in parts) for parts in tenths if sum(parts) < _TENTHS]


def sample_of(token_ids: TokenRows, most_tokens: int) -> NDArray[np.int64] | None:
    """Returns the positions of a random sample of so many tokens; `None` if all texts fit."""
    if token_ids.lengths.sum() <= most_tokens:
        return None
    order = np.random.default_rng(0).permutation(len(token_ids))
    fit = int(np.searchsorted(np.cumsum(token_ids.lengths[order]), most_tokens, side="right"))
    return np.sort(order[: max(1, fit)])


def _counted(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns the different keys, ascending, and the number of each.

    `np.unique`, which also returns the places of the keys, takes six times the memory.
    """
    ascending = np.sort(keys)
    starts = np.flatnonzero(are_new(ascending))
    return ascending[starts], np.diff(starts, append=len(ascending))


def _columns(
    rows: NDArray[np.int32], keys: NDArray[np.int64], known: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Returns the rows and columns of the occurrences whose key is known."""
    kept_rows, columns = [], []
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        part = keys[start : start + _KEYS_AT_ONCE]
        places = np.searchsorted(known, part)
        places[places == len(known)] = 0
        inside = known[places] == part
        columns.append(places[inside].astype(np.int32))
        kept_rows.append(rows[start : start + _KEYS_AT_ONCE][inside])
    return np.concatenate(kept_rows), np.concatenate(columns)


def _occurrences(token_ids: TokenRows, longest: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Returns each text's distinct n-grams: positions of texts and keys of n-grams."""
    rows, keys = [], []
    for positions in token_ids.blocks(_TEXTS_AT_ONCE):
        found = np.sort(ngram_keys(token_ids.padded(positions), longest).numpy(), axis=1)
        new = found != NO_NGRAM
        new[:, 1:] &= found[:, 1:] != found[:, :-1]
        row, column = np.nonzero(new)
        rows.append((row + positions[0]).astype(np.int32))
        keys.append(found[row, column])
    return np.concatenate(rows), np.concatenate(keys)
