"""Prepares a run: splits of the texts, a tokenizer and word vectors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.display_names import (
    NO_NAMES,
    DisplayNames,
    load_display_names,
    read_display_names,
)
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.export.trained_version import TrainedVersion, load_trained_version
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.pipeline.config import PipelineConfig
from lstm_sentiment.pipeline.corpora import (
    UnlabelledTexts,
    texts_to_learn_words,
)
from lstm_sentiment.pipeline.run_texts import RunTexts, read_run_texts
from lstm_sentiment.pipeline.settings_in_use import settings_without_effect
from lstm_sentiment.pipeline.teacher.e5 import e5_soft_labels, is_e5
from lstm_sentiment.pipeline.words import make_words
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.corrections import (
    NO_CORRECTIONS,
    Corrections,
)
from lstm_sentiment.text.corpus.demo import DEMO_NAMES
from lstm_sentiment.text.corpus.duplicates import distinct
from lstm_sentiment.text.corpus.sample import sampled_texts
from lstm_sentiment.text.corpus.soft_labels import SoftLabels
from lstm_sentiment.text.tokenizer import Tokenizer
from lstm_sentiment.text.tokenizer_options import check_kind
from lstm_sentiment.text.vectors.word_vectors import WordVectors


@dataclass(frozen=True)
class PreparedRun:
    """The inputs of training.

    Attributes:
        train: Training set.
        dev: Dev set, which decides when to stop.
        test: Test set.
        unlabelled: More texts that word vectors were trained on.
        tokenizer: Converts texts to token ids.
        vectors: Word vectors of the tokenizer's vocabulary.
        model: Sizes and switches of the model.
        start: The version to begin with, if any.
        cache_dir: Folder of files that a later run can use again.
        soft_labels: The teacher's probabilities of texts that are not in the test set, if any.
        corrections: The corrections that the labelled texts were read with.
        display_names: What people see in the place of the labels.
    """

    train: Corpus
    dev: Corpus
    test: Corpus
    unlabelled: UnlabelledTexts
    tokenizer: Tokenizer
    vectors: WordVectors
    model: ModelConfig
    start: TrainedVersion | None
    cache_dir: Path
    soft_labels: SoftLabels | None = None
    corrections: Corrections = NO_CORRECTIONS
    display_names: DisplayNames = NO_NAMES

    @cached_property
    def texts_seen(self) -> NDArray[np.uint64]:
        """Near digests of all texts that the classifier depends on, ascending.

        Included are the dev set and the texts of the version to begin with, but not the test set.
        """
        parts = (self.train, self.dev, self.unlabelled, self.soft_labels)
        before = () if self.start is None else (self.start.texts_seen,)
        return distinct(*(part.near_digests for part in parts if part is not None), *before)

    @cached_property
    def fingerprints(self) -> Mapping[str, Mapping[str, Any]]:
        """Fingerprints by name: `train`, `dev`, `test`; `teacher` and `corrections` if given."""
        parts: dict[str, Corpus | SoftLabels | Corrections] = {
            "train": self.train,
            "dev": self.dev,
            "test": self.test,
        }
        if self.soft_labels is not None:
            parts["teacher"] = self.soft_labels
        if len(self.corrections):
            parts["corrections"] = self.corrections
        return {name: part.fingerprint() for name, part in parts.items()}


def prepare_run(
    config: PipelineConfig,
    progress: Progress = SILENT,
    *,
    texts: RunTexts | None = None,
    cache_dir: Path = Path("runs") / "cache",
    when_checked: Callable[[RunTexts], None] = lambda _: None,
) -> PreparedRun:
    """Reads and splits the texts, and makes the tokenizer and the word vectors.

    Args:
        config: Settings of the run.
        progress: Reports every long step, and what is dropped and chosen.
        texts: What `read_run_texts` has read; `None` reads it.
        cache_dir: Folder for trained word vectors, the teacher's embeddings and, where
            `config.cache` is `disk`, token ids.
        when_checked: Called with the texts when all files are read and valid, before anything long
            begins.

    Raises:
        InvalidInputError: If an input breaks a rule.
        MissingExtraError: If the package of the teacher e5 is required and not installed.
    """
    read = read_run_texts(config, progress) if texts is None else texts
    start = None if config.init_from is None else load_trained_version(config.init_from)
    display_names = _display_names(config, start)
    if start is not None:
        _check_unseen(start, read.dev, read.test)
        if config.unlabelled and not is_e5(config.teacher):
            progress.say(
                "No word vectors are trained: `init_from` brings its own, so `unlabelled` changes "
                "nothing"
            )
    when_checked(read)
    soft_labels = read.soft_labels
    if is_e5(config.teacher):
        soft_labels = e5_soft_labels(
            read.train,
            read.unlabelled,
            cache_dir=cache_dir,
            seed=config.training.seed,
            progress=progress,
        )
    words = sampled_texts(
        *texts_to_learn_words(
            read.labelled,
            read.unlabelled if start is None else UnlabelledTexts(),
            soft_labels,
            with_dev=read.folds(config, soft_labels) > 0,
        ),
        most_texts=config.vector_training.most_texts,
        most_characters=config.vector_training.most_characters,
        seed=config.training.seed,
        progress=progress,
    )
    tokenizer, vectors = make_words(
        config, words, read.vectors, start, cache_dir=cache_dir, progress=progress
    )
    unused = settings_without_effect(config, check_kind(tokenizer.kind))
    if unused:
        listed = "; ".join(f"{name} ({reason})" for name, reason in unused.items())
        progress.say(f"Settings that change nothing here: {listed}")
    model = config.model if start is None else start.sized(config.model)
    return PreparedRun(
        *read.labelled,
        read.unlabelled,
        tokenizer,
        vectors,
        model,
        start,
        cache_dir,
        soft_labels,
        read.corrections,
        display_names.only(read.train.label_names),
    )


def _display_names(config: PipelineConfig, start: TrainedVersion | None) -> DisplayNames:
    if config.label_names is not None:
        return read_display_names(config.label_names)
    if start is not None:
        return load_display_names(start.path)
    return NO_NAMES if config.data else DEMO_NAMES


def _check_unseen(start: TrainedVersion, dev: Corpus, test: Corpus) -> None:
    """Checks that the version to begin with has learned nothing from dev and test set."""
    seen = np.intersect1d(distinct(dev.near_digests, test.near_digests), start.texts_seen)
    if len(seen):
        raise InvalidInputError(
            "`init_from` must be a version that was made without the dev and test texts: train it "
            f"with `exclude_data`. Received: {start.path}, which knows {len(seen):,} of them."
        )
