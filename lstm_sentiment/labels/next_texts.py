"""`choose_next`: which texts of a pool to label next."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lstm_sentiment.checks import MAX_SEED, in_range, positive, share
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.labels.experimental_design import design
from lstm_sentiment.labels.pool import Pool, PoolCounts, unlabelled_pool
from lstm_sentiment.labels.text_directions import TextDirections, require_decomposition
from lstm_sentiment.progress import SILENT, Progress, in_parts
from lstm_sentiment.serving.loading.options import Engine
from lstm_sentiment.text.corpus.corrections import text_digest
from lstm_sentiment.text.corpus.file_texts import taken
from lstm_sentiment.versions.predictor import SavedModelPredictor
from lstm_sentiment.versions.texts_seen import load_texts_seen

Reason = Literal["uncertain", "diverse", "random"]
REASONS: tuple[Reason, ...] = ("uncertain", "diverse", "random")

_TEXTS_AT_ONCE = 1_024


@dataclass(frozen=True)
class NextText:
    """A text to label.

    Attributes:
        text: The text without surrounding whitespace.
        position: Its position in the pool, from 0.
        reason: `uncertain`: its label would tell most about texts that the version is in doubt
            about; `diverse`: there is no version, and its label would tell most about the pool;
            `random`: drawn at random from all texts that could be chosen.
        score: How much the version is in doubt, from 0 to 1: the entropy of its probabilities, in
            units of the largest possible. `None` without a version.
        digest: `text_digest` of the text.
    """

    text: str
    position: int
    reason: Reason
    score: float | None
    digest: str


@dataclass(frozen=True)
class NextTexts:
    """The texts of a pool to label next.

    Attributes:
        texts: The chosen texts, those first whose labels would tell most. The random ones are
            spread evenly among them, so that any first part of the list has its share of them.
        pool: Numbers of texts in the pool.
        version_dir: The version whose doubts counted; `None` without one.
    """

    texts: tuple[NextText, ...]
    pool: PoolCounts
    version_dir: Path | None = None

    def counts(self) -> dict[Reason, int]:
        """Counts the chosen texts of each reason."""
        return {name: sum(text.reason == name for text in self.texts) for name in REASONS}

    def to_dict(self) -> dict[str, Any]:
        """Returns what `labels next --json` prints, but for the name of the output."""
        return {
            "pool": asdict(self.pool),
            "chosen": self.counts(),
            "version_dir": None if self.version_dir is None else str(self.version_dir),
            "texts": [asdict(text) for text in self.texts],
        }


def choose_next(
    pool: Sequence[str],
    number: int = 100,
    *,
    model: SavedModelPredictor | str | os.PathLike[str] | None = None,
    probabilities: ArrayLike | None = None,
    labelled: Sequence[str] = (),
    random_share: float = 0.1,
    seed: int = 0,
    engine: Engine = "auto",
    progress: Progress = SILENT,
) -> NextTexts:
    """Chooses the texts of a pool whose labels would help a classifier most.

    Texts are chosen one after the other by `experimental_design.design`, on their n-grams of
    characters: they differ from one another, and their labels tell most about all others. With a
    version, those others count by the square of its doubt about them, which is the entropy of its
    calibrated probabilities.

    A share is drawn at random from all texts that can be chosen. The others are no fair sample: a
    version's accuracy on them differs from that on the pool. On the random ones it is an unbiased
    estimate, as long as they are not trained on.

    Empty texts, near duplicates of other texts, and texts that have a label are left out.

    Args:
        pool: Texts without labels: a list or tuple, or `FileTexts`, which stay in their files.
        number: How many to choose; of a smaller pool, all.
        model: A version, its folder, or a base path, whose highest version is used. The
            texts that it was trained on are left out. `None` chooses before there is a version.
        probabilities: Those of another classifier in the place of `model`: of each text of the
            pool, float `(texts, classes)`.
        labelled: Texts that have a label. They are left out of the pool, and what they tell is not
            asked again.
        random_share: Share of the chosen texts that are drawn at random, from 0 to 1.
        seed: The same seed chooses the same texts.
        engine: Loads the version, see `SavedModelPredictor`.
        progress: Receives each step, and why texts are left out.

    Raises:
        InvalidInputError: If an argument is out of range, or no text of the pool can be chosen.
        ServableNotFoundError: If there is no version.
        ServableUnavailableError: If the version cannot be loaded.
        MissingExtraError: If SciPy or scikit-learn is not installed.
    """
    require_decomposition("choosing texts")
    positive(number=number)
    share(random_share=random_share)
    in_range(0, MAX_SEED, seed=seed)
    given = None if probabilities is None else _checked(probabilities, len(pool), model)
    if isinstance(model, str | os.PathLike):
        model = SavedModelPredictor(model, engine)
    seen = None if model is None else load_texts_seen(model.version_dir)
    candidates = unlabelled_pool(pool, labelled, seen)
    if not candidates.counts.left:
        raise InvalidInputError(
            "The pool must hold a text that has no label and is not empty. "
            f"Received: {candidates.counts.told()}."
        )
    progress.say(f"Pool: {candidates.counts.told()}")
    number = min(number, candidates.counts.left)
    doubts = None if given is None else entropies(given[candidates.positions])
    if model is not None:
        doubts = version_doubts(model, candidates.texts, progress)
    generator = np.random.default_rng(seed)
    drawn = generator.choice(candidates.counts.left, round(number * random_share), replace=False)
    best = _best(candidates.texts, number - len(drawn), drawn, labelled, doubts, seed, progress)
    return NextTexts(
        tuple(_chosen(candidates, best, drawn, doubts)),
        candidates.counts,
        None if model is None else model.version_dir,
    )


def _checked(probabilities: ArrayLike, texts: int, model: object | None) -> NDArray[np.float64]:
    if model is not None:
        raise InvalidInputError(
            "`probabilities` take the place of `model`. Received: both of them."
        )
    rows = np.asarray(probabilities, np.float64)
    if rows.ndim != 2 or len(rows) != texts or not ((rows >= 0) & (rows <= 1)).all():
        raise InvalidInputError(
            f"`probabilities` must hold a row of numbers from 0 to 1 for each of the {texts:,} "
            f"texts. Received: an array of the shape {rows.shape}."
        )
    return rows


def version_doubts(
    model: SavedModelPredictor, texts: Sequence[str], progress: Progress = SILENT
) -> NDArray[np.float64]:
    """Computes how much a version is in doubt about texts.

    Returns:
        The entropy of the version's probabilities of each text, from 0 to 1, where all classes are
        equally likely: `(texts,)`.
    """
    return np.concatenate(
        [
            entropies([answer.probabilities for answer in model.predict(list(part))])
            for part in in_parts(texts, _TEXTS_AT_ONCE, "Predicting", progress)
        ]
    )


def entropies(probabilities: ArrayLike) -> NDArray[np.float64]:
    """Computes the entropy of the probabilities of texts, in units of the largest possible.

    Args:
        probabilities: Float `(texts, classes)`; rows sum to 1.

    Returns:
        From 0, for one certain class, to 1, where all are equally likely: float64 `(texts,)`.
    """
    values = np.asarray(probabilities, np.float64).clip(min=0)
    terms = values * np.log(np.where(values > 0, values, 1))
    return np.asarray((-terms.sum(axis=1) / np.log(max(2, values.shape[1]))).clip(0, 1))


def _best(
    texts: Sequence[str],
    number: int,
    drawn: NDArray[np.int64],
    labelled: Sequence[str],
    doubts: NDArray[np.float64] | None,
    seed: int,
    progress: Progress,
) -> NDArray[np.int64]:
    """Returns the positions of the texts to choose besides the random ones."""
    others = np.setdiff1d(np.arange(len(texts)), drawn)
    if number == len(others):
        return others if doubts is None else others[np.argsort(-doubts[others], kind="stable")]
    if not number:
        return np.zeros(0, np.int64)
    directions = TextDirections.learn(texts, seed=seed, progress=progress)
    features = directions.features(texts, progress=progress)
    known = np.concatenate([features[drawn], directions.features(labelled)])
    weights = None if doubts is None else doubts[others] ** 2
    places = design(features[others], number, labelled=known, weights=weights, progress=progress)
    return others[places]


def _chosen(
    candidates: Pool,
    best: NDArray[np.int64],
    drawn: NDArray[np.int64],
    doubts: NDArray[np.float64] | None,
) -> Iterator[NextText]:
    places, is_random = _spread(best, drawn)
    reason: Reason = "diverse" if doubts is None else "uncertain"
    texts = taken(candidates.texts, places)
    for text, place, at_random in zip(texts, places, is_random, strict=True):
        yield NextText(
            text,
            int(candidates.positions[place]),
            "random" if at_random else reason,
            None if doubts is None else float(doubts[place]),
            text_digest(text),
        )


def _spread(best: NDArray[np.int64], drawn: NDArray[np.int64]) -> tuple[list[int], Sequence[bool]]:
    """Spreads the random texts evenly among the others, which keep their order.

    Returns:
        All positions, and whether each was drawn at random.
    """
    shares = [(np.arange(len(part)) + 0.5) / max(1, len(part)) for part in (best, drawn)]
    order = np.argsort(np.concatenate(shares), kind="stable")
    is_random = np.repeat([False, True], [len(best), len(drawn)])
    return np.concatenate([best, drawn])[order].tolist(), is_random[order].tolist()
