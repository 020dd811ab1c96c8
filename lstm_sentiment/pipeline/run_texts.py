"""Reads all files of texts and word vectors of a run; imports no TensorFlow.

Importing TensorFlow takes seconds: a wrong path, column, label or encoding is reported before.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lstm_sentiment.display_names import NO_NAMES, read_display_names
from lstm_sentiment.errors import InvalidInputError, ServableNotFoundError
from lstm_sentiment.pipeline.config import PipelineConfig
from lstm_sentiment.pipeline.corpora import (
    Splits,
    UnlabelledTexts,
    deal_out,
    read_excluded,
    read_teacher,
    read_unlabelled,
)
from lstm_sentiment.pipeline.teacher.e5 import check_e5, is_e5
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.corrections import Corrections, read_corrections
from lstm_sentiment.text.corpus.known_digests import NONE_KNOWN, KnownDigests
from lstm_sentiment.text.corpus.soft_labels import SoftLabels
from lstm_sentiment.text.vectors.files import load_word_vectors
from lstm_sentiment.text.vectors.word_vectors import WordVectors
from lstm_sentiment.training.folds import number_of_folds
from lstm_sentiment.training.inputs.soft_targets import count_learned
from lstm_sentiment.version_folder import find_version


@dataclass(frozen=True)
class RunTexts:
    """The texts, vectors and corrections that a run reads from the user's files.

    Attributes:
        train: Training set.
        dev: Dev set, which decides when to stop.
        test: Test set.
        unlabelled: More texts to train word vectors on.
        soft_labels: The soft labels of a teacher's file, but for texts of the test set; `None`
            without such a file.
        corrections: The corrections that the labelled texts were read with.
        vectors: Word vectors of the user's file; `None` without one.
        seconds: Wall-clock time that reading took.
    """

    train: Corpus
    dev: Corpus
    test: Corpus
    unlabelled: UnlabelledTexts
    soft_labels: SoftLabels | None
    corrections: Corrections
    vectors: WordVectors | None
    seconds: float = 0.0

    @property
    def labelled(self) -> Splits:
        """Train, dev and test set."""
        return self.train, self.dev, self.test

    def digests(self) -> KnownDigests:
        """Returns the digests of labelled and unlabelled texts, for a run that is resumed."""
        parts = (*self.labelled, self.unlabelled)
        return KnownDigests.of((part.exact_digests, part.near_digests) for part in parts)

    def learned(self, soft_labels: SoftLabels | None) -> int:
        """Returns the number of texts that are learned, including those with only a soft label."""
        return count_learned(self.train, self.dev, soft_labels)

    def folds(self, config: PipelineConfig, soft_labels: SoftLabels | None) -> int:
        """Returns the number of folds of the cross-validation; 0 for none."""
        return number_of_folds(
            config.training.cross_validation,
            train_texts=len(self.train),
            dev_texts=len(self.dev),
            soft_texts=self.learned(soft_labels) - len(self.train),
        )


def read_run_texts(
    config: PipelineConfig,
    progress: Progress = SILENT,
    *,
    known: KnownDigests = NONE_KNOWN,
    when_read: Callable[[Corpus], None] = lambda _: None,
) -> RunTexts:
    """Reads and splits the texts of a run, and loads its word vectors.

    Args:
        config: Settings of the run.
        progress: Reports every long step, and what is dropped.
        known: Near digests of texts that need not be computed: see `RunTexts.digests`.
        when_read: Called with the labelled texts as they are in their files, empty and repeated
            ones among them.

    Raises:
        InvalidInputError: If an input breaks a rule.
        MissingExtraError: If the package of the teacher e5 is needed and not installed.
    """
    started = time.monotonic()
    # Before the texts are read, so that what is missing is reported at once.
    if is_e5(config.teacher):
        check_e5(config)
    if config.init_from is not None:
        _check_version(Path(config.init_from))
    names = NO_NAMES if config.label_names is None else read_display_names(config.label_names)
    excluded = read_excluded(config, progress)
    corrections = read_corrections(config.corrections)
    labelled = deal_out(config, excluded, corrections, progress, known=known, when_read=when_read)
    names.check_labels(labelled[0].label_names, config.label_names)
    unlabelled = read_unlabelled(config, labelled, excluded, progress, known=known)
    soft_labels = None
    if not is_e5(config.teacher):
        soft_labels = read_teacher(config, labelled, excluded, progress)
    vectors = load_given_vectors(config, progress)
    seconds = time.monotonic() - started
    return RunTexts(*labelled, unlabelled, soft_labels, corrections, vectors, seconds)


def _check_version(path: Path) -> None:
    try:
        find_version(path)
    except ServableNotFoundError as error:
        raise InvalidInputError(str(error)) from error


def load_given_vectors(config: PipelineConfig, progress: Progress = SILENT) -> WordVectors | None:
    """Loads the file `config.vectors`; `None` if there is none."""
    if config.vectors is None:
        return None
    return load_word_vectors(
        config.vectors, limit=config.vectors_limit, bad_rows=config.bad_rows, progress=progress
    )
