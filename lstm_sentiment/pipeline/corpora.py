"""Reads the texts of a run and splits them, so that no held-out text is trained on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.pipeline.compared_texts import compare_texts
from lstm_sentiment.pipeline.config import PathLike, PipelineConfig
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.corrected import apply_corrections
from lstm_sentiment.text.corpus.corrections import Corrections, read_corrections
from lstm_sentiment.text.corpus.demo import load_demo_corpus
from lstm_sentiment.text.corpus.duplicates import are_in, distinct, exact_digests, first_of_each
from lstm_sentiment.text.corpus.file_texts import taken
from lstm_sentiment.text.corpus.known_digests import NONE_KNOWN, KnownDigests
from lstm_sentiment.text.corpus.near_duplicates import near_digests, positions_without
from lstm_sentiment.text.corpus.reading import read_corpus, read_texts
from lstm_sentiment.text.corpus.soft_labels import SoftLabels, read_soft_labels
from lstm_sentiment.text.corpus.streaming import open_corpus, open_texts

Splits = tuple[Corpus, Corpus, Corpus]
"""Train, dev and test set."""

Digests = NDArray[np.uint64]

_MOST_CLASSES = 1_000


@dataclass(frozen=True)
class UnlabelledTexts:
    """More texts to train word vectors on, without duplicates of one another.

    Attributes:
        texts: A tuple or, of a run with `streaming`, `FileTexts`.
        exact_digests: `exact_digest` of each text, `(texts,)`.
        near_digests: A digest of each text that is the same for near duplicates, `(texts,)`.
    """

    texts: Sequence[str] = ()
    exact_digests: Digests = field(default_factory=lambda: np.zeros(0, np.uint64))
    near_digests: Digests = field(default_factory=lambda: np.zeros(0, np.uint64))


def prepare_corpora(config: PipelineConfig, progress: Progress = SILENT) -> Splits:
    """Reads the labelled texts and splits them into train, dev and test set.

    Args:
        config: The files, and the seed of the split.
        progress: Reports how many texts are dropped, and why.

    Raises:
        InvalidInputError: As `read_corpus` and `Corpus.split`, or if there are no texts, or more
            than 1,000 classes.
    """
    corrections = read_corrections(config.corrections)
    return deal_out(config, read_excluded(config, progress), corrections, progress)


def read_excluded(config: PipelineConfig, progress: Progress = SILENT) -> Digests:
    """Returns the near digests of the texts in `config.exclude_data`."""
    return near_digests(_read_all(config, config.exclude_data, progress))


def deal_out(
    config: PipelineConfig,
    excluded: Digests,
    corrections: Corrections,
    progress: Progress,
    *,
    known: KnownDigests = NONE_KNOWN,
    when_read: Callable[[Corpus], None] = lambda _: None,
) -> Splits:
    """Splits the labelled texts as `prepare_corpora`.

    Args:
        config: The files, and the seed of the split.
        excluded: Near digests of texts that must not be learned from.
        corrections: Corrected labels of the texts.
        progress: Reports how many texts are dropped, and why.
        known: Near digests that need not be computed.
        when_read: Called with the labelled texts as they were read.
    """
    corpus, given_dev, given_test = _read_corrected(config, corrections, progress)
    when_read(corpus)
    corpus = clean_corpus(corpus, progress)
    compare_texts([corpus, given_dev, given_test], known, progress)
    corpus = _without_excluded(corpus, excluded, progress)
    train, dev, test = _without_held_out(corpus, [given_dev, given_test], progress).split(
        seed=config.training.seed if config.split_seed is None else config.split_seed,
        dev_fraction=0.1 if given_dev is None else 0.0,
        test_fraction=0.1 if given_test is None else 0.0,
    )
    dev, test = given_dev or dev, given_test or test
    if given_dev is None:
        dev = without_near_duplicates(dev, "dev", (test,), progress)
    train = without_near_duplicates(train, "training", (dev, test), progress)
    classes = ", ".join(f"{name}: {count:,}" for name, count in train.class_counts().items())
    progress.say(
        f"Texts: {len(train):,} to train on ({classes}), {len(dev):,} dev, {len(test):,} test"
    )
    return train, dev, test


def read_teacher(
    config: PipelineConfig, labelled: Splits, excluded: Digests, progress: Progress
) -> SoftLabels | None:
    """Reads the teacher's soft labels, but for those of test and of excluded texts.

    Those of dev texts are kept to fit the teacher's temperature; `fit` does not train on them.

    Raises:
        InvalidInputError: As `read_soft_labels`, or if no text is left.
    """
    if config.teacher is None:
        return None
    train, dev, test = labelled
    found = read_soft_labels(config.teacher, train.label_names, text_column=config.text_column)
    unseen = (excluded, test.near_digests)
    soft = found.select(positions_without(found.near_digests, *unseen))
    learned = soft.select(positions_without(soft.near_digests, dev.near_digests))
    if len(learned) == 0:
        raise InvalidInputError(
            f"{config.teacher}: some texts must not be among the dev, test and excluded ones. "
            f"Received: {len(found):,} texts, all of them among those."
        )
    both = int(are_in(learned.exact_digests, distinct(train.exact_digests)).sum())
    progress.say(
        f"Teacher: soft labels of {both:,} of the training texts and of {len(learned) - both:,} "
        f"texts without a label; {len(found) - len(learned):,} are held out or excluded, and not "
        "trained on"
    )
    return soft


def texts_to_learn_words(
    labelled: Splits,
    unlabelled: UnlabelledTexts,
    soft_labels: SoftLabels | None,
    *,
    with_dev: bool,
) -> tuple[Sequence[str], ...]:
    """Returns, in parts, the texts that words and word vectors are learned from, each once.

    Dev texts are among them where a cross-validation ends with training on them.
    """
    train, dev, _ = labelled
    parts = (train.texts, dev.texts if with_dev else (), unlabelled.texts)
    if soft_labels is None:
        return parts
    before = (*(part.near_digests for part in labelled), unlabelled.near_digests)
    positions = positions_without(soft_labels.near_digests, *before)
    return *parts, tuple(soft_labels.texts[position] for position in positions)


def read_unlabelled(
    config: PipelineConfig,
    labelled: Splits,
    excluded: Digests,
    progress: Progress,
    *,
    known: KnownDigests = NONE_KNOWN,
) -> UnlabelledTexts:
    """Reads the unlabelled texts, without near duplicates of labelled and of excluded texts.

    Args:
        config: The files.
        labelled: Train, dev and test set.
        excluded: Near digests of texts that must not be learned from.
        progress: Reports how many texts are left.
        known: Near digests that need not be computed.
    """
    if not config.unlabelled:
        return UnlabelledTexts()
    texts = _read_all(config, config.unlabelled, progress)
    exact = exact_digests(texts)
    positions = first_of_each(exact)
    positions = positions[~are_in(exact[positions], exact_digests([""]))]
    near = known.near_digests(taken(texts, positions), exact[positions])
    kept = positions_without(near, excluded, *(part.near_digests for part in labelled))
    positions = positions[kept]
    if len(texts):
        progress.say(
            f"Unlabelled: {len(positions):,} of {len(texts):,} texts; the others are empty, "
            "repeated, excluded, or among the labelled ones"
        )
    return UnlabelledTexts(taken(texts, positions), exact[positions], near[kept])


def _read_corrected(
    config: PipelineConfig, corrections: Corrections, progress: Progress
) -> tuple[Corpus, Corpus | None, Corpus | None]:
    """Reads and corrects the labelled texts, and the dev and the test set if they are given."""
    corpus = _read_labelled(config, config.data, progress) if config.data else load_demo_corpus()
    _check_corpus(corpus, config)
    given = (config.dev_data, config.test_data)
    if not len(corrections):
        names = corpus.label_names
        dev, test = (
            None if path is None else _read_labelled(config, [path], progress, names)
            for path in given
        )
        return corpus, dev, test
    corpus, done = apply_corrections(corpus, corrections)
    held_out: list[Corpus | None] = [None, None]
    for number, path in enumerate(given):
        if path is not None:
            part = _read_labelled(config, [path], progress)
            held_out[number], also = apply_corrections(part, corrections, corpus.label_names)
            done += also
    if not done.matched.any():
        raise InvalidInputError(
            f"{', '.join(map(str, config.corrections))}: some corrections must be of texts in the "
            f"data. Received: {len(corrections):,}, all of other texts."
        )
    progress.say(done.summary())
    return corpus, held_out[0], held_out[1]


def _read_labelled(
    config: PipelineConfig,
    paths: Sequence[PathLike],
    progress: Progress,
    label_names: Sequence[str] | None = None,
) -> Corpus:
    return (open_corpus if config.streaming else read_corpus)(
        paths,
        text_column=config.text_column,
        label_column=config.label_column,
        label_names=label_names,
        bad_rows=config.bad_rows,
        encoding=config.encoding,
        progress=progress,
    )


def _read_all(
    config: PipelineConfig, paths: Sequence[PathLike], progress: Progress
) -> Sequence[str]:
    text_column, bad_rows, encoding = config.text_column, config.bad_rows, config.encoding
    if config.streaming:
        return open_texts(
            paths,
            text_column=text_column,
            bad_rows=bad_rows,
            encoding=encoding,
            progress=progress,
        )
    parts = (
        read_texts(
            path,
            text_column=text_column,
            bad_rows=bad_rows,
            encoding=encoding,
            progress=progress,
        )
        for path in paths
    )
    return [text.strip() for part in parts for text in part]


def _check_corpus(corpus: Corpus, config: PipelineConfig) -> None:
    """Checks that the columns are the right ones, before anything is computed."""
    if not any(corpus.texts):
        raise InvalidInputError(
            f"Some texts must not be empty: is {config.text_column!r} their column? "
            f"Received: {len(corpus):,} empty texts."
        )
    if len(corpus.label_names) > _MOST_CLASSES:
        shown = ", ".join(repr(name) for name in corpus.label_names[:3])
        raise InvalidInputError(
            f"There must be at most {_MOST_CLASSES:,} different labels: is "
            f"{config.label_column!r} their column? Received: {len(corpus.label_names):,} "
            f"different ones in {len(corpus):,} texts, such as {shown}."
        )
    corpus.require_classes()


def clean_corpus(corpus: Corpus, progress: Progress) -> Corpus:
    """Drops empty, contradictory and repeated texts, and reports the number of each."""
    filled = corpus.drop_empty()
    consistent = filled.drop_contradictions()
    if not len(consistent):
        raise InvalidInputError(
            "Some texts must occur with one label alone: are the columns of texts and labels "
            f"swapped (`--text-column`, `--label-column`)? Received: {len(filled):,} texts, all of "
            "them with several labels."
        )
    distinct_texts = consistent.drop_duplicates()
    progress.say(
        f"Read {len(corpus):,} texts. Dropped {len(corpus) - len(filled):,} empty, "
        f"{len(consistent) - len(distinct_texts):,} repeated, and "
        f"{len(filled) - len(consistent):,} that occur under several labels: "
        f"{len(distinct_texts):,} left"
    )
    return distinct_texts


def _without_excluded(corpus: Corpus, excluded: Digests, progress: Progress) -> Corpus:
    # Before the split: texts of the dev set decide when to stop, so they count as learned from.
    kept = positions_without(corpus.near_digests, excluded)
    if len(kept) == len(corpus):
        return corpus
    progress.say(f"Dropped {len(corpus) - len(kept):,} texts that are excluded")
    return corpus.select(kept)


def _without_held_out(
    corpus: Corpus, held_out: Sequence[Corpus | None], progress: Progress
) -> Corpus:
    """Drops the texts that are in a given dev or test set."""
    digests = distinct(*(part.exact_digests for part in held_out if part is not None))
    kept = np.flatnonzero(~are_in(corpus.exact_digests, digests))
    if len(kept) == len(corpus):
        return corpus
    progress.say(
        f"Dropped {len(corpus) - len(kept):,} training texts that are also dev or test texts"
    )
    return corpus.select(kept)


def without_near_duplicates(
    corpus: Corpus, part: str, held_out: Sequence[Corpus], progress: Progress
) -> Corpus:
    """Drops texts that differ from held-out ones in punctuation alone.

    Args:
        corpus: The texts.
        part: What the messages call them.
        held_out: The parts whose texts must not be learned.
        progress: Reports how many texts are dropped.

    Raises:
        InvalidInputError: If a class loses all its texts.
    """
    kept = positions_without(corpus.near_digests, *(other.near_digests for other in held_out))
    if len(kept) == len(corpus):
        return corpus
    progress.say(
        f"Dropped {len(corpus) - len(kept):,} {part} texts that differ from held-out ones in "
        "punctuation alone"
    )
    smaller = corpus.select(kept)
    lost = [name for name, count in smaller.class_counts().items() if not count]
    if any(corpus.class_counts()[name] for name in lost):
        raise InvalidInputError(
            "Each class needs texts that differ in more than punctuation, some for each part of "
            f"the split. Received: class {lost[0]!r} without a {part} text of its own."
        )
    return smaller
