"""The teacher e5 of a run: `fit --teacher e5 --unlabelled more.csv`."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.pipeline.config import PathLike, PipelineConfig
from lstm_sentiment.pipeline.corpora import UnlabelledTexts
from lstm_sentiment.pipeline.teacher.encoder import E5, E5Encoder, require_e5
from lstm_sentiment.progress import Progress
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.file_texts import taken
from lstm_sentiment.text.corpus.soft_labels import SoftLabels

MOST_TEXTS = 20_000
"""Most unlabelled texts that the teacher e5 labels: embedding them takes about a quarter hour."""


def is_e5(teacher: PathLike | None) -> bool:
    """Returns whether `PipelineConfig.teacher` is the name of the teacher e5, and not a path."""
    return teacher is not None and os.fspath(teacher) == E5


def check_e5(config: PipelineConfig) -> None:
    """Checks, before the texts are read, what the teacher e5 of a run needs.

    Raises:
        InvalidInputError: If there are no unlabelled texts.
        MissingExtraError: If its package is not installed.
    """
    if not config.unlabelled:
        raise InvalidInputError(
            "`teacher` e5 needs `unlabelled`: it labels texts that have no label. "
            "Received: no unlabelled texts."
        )
    require_e5()


def e5_soft_labels(
    train: Corpus,
    unlabelled: UnlabelledTexts,
    *,
    cache_dir: Path,
    seed: int = 0,
    progress: Progress,
) -> SoftLabels:
    """Gives the texts of a run the soft labels of the teacher e5.

    Args:
        train: The labelled texts that it learns from.
        unlabelled: The texts that it labels, of more than 20,000 a random sample; no dev or test
            text is among them.
        cache_dir: Folder that keeps the embeddings for later runs.
        seed: Decides the sample.
        progress: Receives the step of embedding, and what is worth knowing.

    Raises:
        InvalidInputError: If there are no texts to label, or the package cannot be loaded.
    """
    # scikit-learn takes a second to import.
    from lstm_sentiment.pipeline.teacher.regression import ENOUGH_LABELS, teach

    if len(unlabelled.texts) == 0:
        raise InvalidInputError(
            "`unlabelled` must hold texts that are not among the labelled ones, for the teacher "
            "e5. Received: none."
        )
    if len(train) >= ENOUGH_LABELS:
        progress.say(
            f"With {ENOUGH_LABELS:,} labelled texts or more, the teacher e5 is not expected to "
            f"make the classifier better. There are {len(train):,}: try without it too"
        )
    texts = _sample(unlabelled.texts, seed, progress)
    return teach(train, texts, E5Encoder(), cache_dir=cache_dir, progress=progress)


def _sample(texts: Sequence[str], seed: int, progress: Progress) -> Sequence[str]:
    if len(texts) <= MOST_TEXTS:
        return texts
    progress.say(
        f"The teacher e5 labels {MOST_TEXTS:,} of the {len(texts):,} unlabelled texts, drawn at "
        "random; of the others, only words are learned"
    )
    drawn = np.random.default_rng(seed).choice(len(texts), MOST_TEXTS, replace=False)
    return taken(texts, np.sort(drawn))
