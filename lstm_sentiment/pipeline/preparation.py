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
    deal_out,
    read_excluded,
    read_teacher,
    read_unlabelled,
    texts_to_learn_words,
)
from lstm_sentiment.pipeline.settings_in_use import settings_without_effect
from lstm_sentiment.pipeline.teacher.e5 import check_e5, e5_soft_labels, is_e5
from lstm_sentiment.pipeline.words import load_given_vectors, make_words
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.corrections import (
    NO_CORRECTIONS,
    Corrections,
    read_corrections,
)
from lstm_sentiment.text.corpus.duplicates import distinct
from lstm_sentiment.text.corpus.sample import sampled_texts
from lstm_sentiment.text.corpus.soft_labels import SoftLabels
from lstm_sentiment.text.tokenizer import Tokenizer
from lstm_sentiment.text.tokenizer_options import check_kind
from lstm_sentiment.text.vectors.word_vectors import WordVectors
from lstm_sentiment.training.folds import number_of_folds
from lstm_sentiment.training.inputs.soft_targets import count_learned


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
        soft_labels: What the teacher says of texts that are not in the test set, if there is one.
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
    cache_dir: Path = Path("runs") / "cache",
    when_checked: Callable[[], None] = lambda: None,
) -> PreparedRun:
    """Reads and splits the texts, and makes the tokenizer and the word vectors.

    Args:
        config: Settings of the run.
        progress: Reports every long step, and what is dropped and chosen.
        cache_dir: Folder for trained word vectors, the teacher's embeddings and, where
            `config.cache` is `disk`, token ids.
        when_checked: Called when all files are read and valid, before anything long begins.

    Raises:
        InvalidInputError: If an input breaks a rule.
        MissingExtraError: If the package of the teacher e5 is asked for and not installed.
    """
    # Before the texts are read, so that what is missing is reported at once.
    if is_e5(config.teacher):
        check_e5(config)
    start = None if config.init_from is None else load_trained_version(config.init_from)
    display_names = _display_names(config, start)
    excluded = read_excluded(config, progress)
    corrections = read_corrections(config.corrections)
    labelled = train, dev, test = deal_out(config, excluded, corrections, progress)
    if config.label_names is not None:
        display_names.check_labels(train.label_names, config.label_names)
    if start is not None:
        _check_unseen(start, dev, test)
        if config.unlabelled and not is_e5(config.teacher):
            progress.say(
                "No word vectors are trained: `init_from` brings its own, so `unlabelled` changes "
                "nothing"
            )
    unlabelled = read_unlabelled(config, labelled, excluded, progress)
    soft_labels = None
    if not is_e5(config.teacher):
        soft_labels = read_teacher(config, labelled, excluded, progress)
    given = load_given_vectors(config, progress)
    when_checked()
    if is_e5(config.teacher):
        soft_labels = e5_soft_labels(
            train,
            unlabelled,
            cache_dir=cache_dir,
            seed=config.training.seed,
            progress=progress,
        )
    texts = sampled_texts(
        *texts_to_learn_words(
            labelled,
            unlabelled if start is None else UnlabelledTexts(),
            soft_labels,
            with_dev=number_of_folds(
                config.training.cross_validation,
                train_texts=len(train),
                dev_texts=len(dev),
                soft_texts=count_learned(train, dev, soft_labels) - len(train),
            )
            > 0,
        ),
        most_texts=config.vector_training.most_texts,
        seed=config.training.seed,
        progress=progress,
    )
    tokenizer, vectors = make_words(
        config, texts, given, start, cache_dir=cache_dir, progress=progress
    )
    unused = settings_without_effect(config, check_kind(tokenizer.kind))
    if unused:
        listed = "; ".join(f"{name} ({reason})" for name, reason in unused.items())
        progress.say(f"Settings that change nothing here: {listed}")
    model = config.model if start is None else start.sized(config.model)
    return PreparedRun(
        *labelled,
        unlabelled,
        tokenizer,
        vectors,
        model,
        start,
        cache_dir,
        soft_labels,
        corrections,
        display_names.only(train.label_names),
    )


def _display_names(config: PipelineConfig, start: TrainedVersion | None) -> DisplayNames:
    if config.label_names is not None:
        return read_display_names(config.label_names)
    return NO_NAMES if start is None else load_display_names(start.path)


def _check_unseen(start: TrainedVersion, dev: Corpus, test: Corpus) -> None:
    """Checks that the version to begin with has learned nothing from dev and test set."""
    seen = np.intersect1d(distinct(dev.near_digests, test.near_digests), start.texts_seen)
    if len(seen):
        raise InvalidInputError(
            "`init_from` must be a version that was made without the dev and test texts: train it "
            f"with `exclude_data`. Received: {start.path}, which knows {len(seen):,} of them."
        )
