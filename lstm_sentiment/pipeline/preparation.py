"""From files to what training takes: texts dealt out, a tokenizer, word vectors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.export.trained_version import TrainedVersion, load_trained_version
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.pipeline.config import PathLike, PipelineConfig
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.demo import load_demo_corpus
from lstm_sentiment.text.corpus.duplicates import are_in, distinct, exact_digests, first_of_each
from lstm_sentiment.text.corpus.file_texts import taken
from lstm_sentiment.text.corpus.near_duplicates import near_digests, positions_without
from lstm_sentiment.text.corpus.reading import read_corpus, read_texts
from lstm_sentiment.text.corpus.sample import sampled_texts
from lstm_sentiment.text.corpus.streaming import open_corpus, open_texts
from lstm_sentiment.text.tokenizer import Tokenizer, make_tokenizer
from lstm_sentiment.text.tokenizer_options import TokenizerKind, check_kind
from lstm_sentiment.text.vectors.files import load_word_vectors
from lstm_sentiment.text.vectors.training import tokenize_texts, train_vectors_on_texts, train_views
from lstm_sentiment.text.vectors.word_vectors import WordVectors
from lstm_sentiment.text.vocabulary import Vocabulary
from lstm_sentiment.text.word_counts import load_word_counts
from lstm_sentiment.text.words import frequent_unknown_tokens, tokenizer_kind
from lstm_sentiment.version_folder import OOV_ID

Splits = tuple[Corpus, Corpus, Corpus]

_MOST_CLASSES = 1_000


@dataclass(frozen=True)
class PreparedRun:
    """What training takes.

    Attributes:
        train: Texts to learn from.
        dev: Texts that decide when to stop.
        test: Texts to be scored on.
        unlabelled: More texts that word vectors were trained on, none of dev or test among them.
        tokenizer: Turns texts into ids.
        vectors: The words' vectors.
        model: Sizes and switches of the model.
        start: The version to begin with, if any.
        cache_dir: Folder for what the next run can use again.
    """

    train: Corpus
    dev: Corpus
    test: Corpus
    unlabelled: Sequence[str]
    tokenizer: Tokenizer
    vectors: WordVectors
    model: ModelConfig
    start: TrainedVersion | None
    cache_dir: Path

    def texts_seen(self) -> NDArray[np.uint64]:
        """Digests of all texts that have a part in what is trained: see `near_digests`.

        Those of dev are among them, which decide when to stop, and those of the version to begin
        with; those of test are not.
        """
        before = () if self.start is None else (self.start.texts_seen,)
        return distinct(
            self.train.near_digests, self.dev.near_digests, near_digests(self.unlabelled), *before
        )


def _nothing() -> None:
    pass


def prepare_run(
    config: PipelineConfig,
    progress: Progress = SILENT,
    *,
    cache_dir: Path = Path("runs") / "cache",
    when_checked: Callable[[], None] = _nothing,
) -> PreparedRun:
    """Reads, deals out and finds or makes what training takes.

    Args:
        config: What the run is told.
        progress: Told of every long step, and of what is dropped and chosen.
        cache_dir: Folder for trained word vectors and, where `config.cache` is `disk`, token ids.
        when_checked: Called when all files are read and right, before anything long begins.

    Returns:
        The parts.

    Raises:
        InvalidInputError: If an input breaks a rule.
    """
    # Before the texts are read: a missing version should not be told after that.
    start = None if config.init_from is None else load_trained_version(config.init_from)
    train, dev, test = prepare_corpora(config, progress)
    if start is not None:
        _check_unseen(start, dev, test)
        if config.unlabelled or config.own_vectors:
            progress.say(
                "No word vectors are trained: `init_from` brings its own, so `unlabelled` and "
                "`own_vectors` change nothing"
            )
    unlabelled = _read_unlabelled(config, (train, dev, test), progress)
    given = None if config.vectors is None else _load_vectors(config, config.vectors, progress)
    when_checked()
    texts = sampled_texts(
        *((train.texts, unlabelled) if start is None else (train.texts,)),
        most_texts=config.vector_training.most_texts,
        seed=config.training.seed,
        progress=progress,
    )
    if start is not None:
        tokenizer, vectors = _grown_from(start, given, config, texts, progress)
    elif given is not None:
        tokenizer, vectors = _from_file(given, config, texts, cache_dir, progress)
    else:
        tokenizer, vectors = _trained_on(config, texts, cache_dir, progress)
    model = config.model if start is None else start.sized(config.model)
    return PreparedRun(train, dev, test, unlabelled, tokenizer, vectors, model, start, cache_dir)


def prepare_corpora(config: PipelineConfig, progress: Progress = SILENT) -> Splits:
    """Reads the texts and deals them out so that no dev or test text is trained on.

    Args:
        config: Which files, and the seed of the split.
        progress: Told what is dropped.

    Returns:
        Train, dev and test corpus.

    Raises:
        InvalidInputError: As `read_corpus` and `Corpus.split`, or if there are no texts, or more
            than 1,000 classes.
    """
    corpus = _read_labelled(config, config.data) if config.data else load_demo_corpus()
    _check_corpus(corpus, config)
    corpus = _without_excluded(_clean(corpus, progress), config, progress)
    given = [
        _read_labelled(config, [path], corpus.label_names) if path is not None else None
        for path in (config.dev_data, config.test_data)
    ]
    kept = corpus
    for part in given:
        kept = kept if part is None else kept.drop_texts(part.texts)
    if len(kept) < len(corpus):
        progress.say(
            f"Dropped {len(corpus) - len(kept):,} training texts that are also dev or test texts"
        )
    train, dealt_dev, dealt_test = kept.split(
        seed=config.training.seed if config.split_seed is None else config.split_seed,
        dev_fraction=0.1 if given[0] is None else 0.0,
        test_fraction=0.1 if given[1] is None else 0.0,
    )
    dev, test = given[0] or dealt_dev, given[1] or dealt_test
    if given[0] is None:
        dev = _without_copies(dev, "dev", (test,), progress)
    train = _without_copies(train, "training", (dev, test), progress)
    classes = ", ".join(f"{name} {count:,}" for name, count in train.class_counts().items())
    progress.say(
        f"Texts: {len(train):,} to train on ({classes}), {len(dev):,} dev, {len(test):,} test"
    )
    return train, dev, test


def _read_labelled(
    config: PipelineConfig, paths: Sequence[PathLike], label_names: Sequence[str] | None = None
) -> Corpus:
    return (open_corpus if config.streaming else read_corpus)(
        paths,
        text_column=config.text_column,
        label_column=config.label_column,
        label_names=label_names,
    )


def _check_corpus(corpus: Corpus, config: PipelineConfig) -> None:
    """Tells of a wrong column before anything is computed."""
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


def _clean(corpus: Corpus, progress: Progress) -> Corpus:
    """Without empty, contradictory and repeated texts, each kind counted out loud."""
    filled = corpus.drop_empty()
    consistent = filled.drop_contradictions()
    distinct = consistent.drop_duplicates()
    progress.say(
        f"Read {len(corpus):,} texts. Dropped {len(corpus) - len(filled):,} empty, "
        f"{len(consistent) - len(distinct):,} repeated, and {len(filled) - len(consistent):,} that "
        f"occur under several labels: {len(distinct):,} left"
    )
    return distinct


def _without_copies(
    corpus: Corpus, part: str, held_out: Sequence[Corpus], progress: Progress
) -> Corpus:
    """Without texts that are held out too but for spaces, punctuation, letter case or width."""
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


def _read_all(config: PipelineConfig, paths: Sequence[PathLike]) -> Sequence[str]:
    if config.streaming:
        return open_texts(paths, text_column=config.text_column)
    parts = (read_texts(path, text_column=config.text_column) for path in paths)
    return [text.strip() for part in parts for text in part]


def _without_excluded(corpus: Corpus, config: PipelineConfig, progress: Progress) -> Corpus:
    """Without the excluded texts: those dealt to dev decide when to stop, so not there either."""
    if not config.exclude_data:
        return corpus
    excluded = near_digests(_read_all(config, config.exclude_data))
    kept = positions_without(corpus.near_digests, excluded)
    if len(kept) < len(corpus):
        progress.say(f"Dropped {len(corpus) - len(kept):,} texts that are excluded")
    return corpus.select(kept)


def _read_unlabelled(config: PipelineConfig, labelled: Splits, progress: Progress) -> Sequence[str]:
    """The unlabelled texts, each once, without those trained on and those held out."""
    if not config.unlabelled:
        return ()
    texts = _read_all(config, config.unlabelled)
    digests = exact_digests(texts)
    first = first_of_each(digests)
    filled = taken(texts, first[~are_in(digests[first], exact_digests([""]))])
    held_out = near_digests(_read_all(config, config.exclude_data))
    excluded = (held_out, *(part.near_digests for part in labelled))
    kept = taken(filled, positions_without(near_digests(filled), *excluded))
    if len(texts):
        progress.say(
            f"Unlabelled: {len(kept):,} of {len(texts):,} texts; the others are empty, repeated, "
            "excluded, or among the labelled ones"
        )
    return kept


def _check_unseen(start: TrainedVersion, dev: Corpus, test: Corpus) -> None:
    """Checks that the version to begin with has learned nothing from dev and test texts."""
    seen = np.intersect1d(distinct(dev.near_digests, test.near_digests), start.texts_seen)
    if len(seen):
        raise InvalidInputError(
            "`init_from` must be a version that was made without the dev and test texts: train it "
            f"with `--exclude-data`. Received: {start.path}, which knows {len(seen):,} of them."
        )


def _trained_on(
    config: PipelineConfig, texts: Sequence[str], cache_dir: Path, progress: Progress
) -> tuple[Tokenizer, WordVectors]:
    """Words found in texts, and vectors trained on them."""
    return train_vectors_on_texts(
        texts,
        _kind(config, texts, progress),
        normalization=config.normalization,
        unknown=config.unknown,
        word_counts=None if config.dictionary is None else load_word_counts(config.dictionary),
        config=replace(config.vector_training, seed=config.training.seed),
        cache_dir=cache_dir,
        progress=progress,
    )


def _from_file(
    vectors: WordVectors,
    config: PipelineConfig,
    texts: Sequence[str],
    cache_dir: Path,
    progress: Progress,
) -> tuple[Tokenizer, WordVectors]:
    """The words and vectors of a file, and the frequent words that it lacks."""
    kind = _kind(config, texts, progress)
    tokenizer = make_tokenizer(
        kind,
        vectors.vocabulary(),
        normalization=config.normalization,
        unknown=config.unknown,
        word_counts=None if config.dictionary is None else load_word_counts(config.dictionary),
    )
    tokenizer = _with_new_words(tokenizer, vectors, texts, progress)
    if not config.own_vectors:
        return tokenizer, vectors
    own = train_views(
        tokenize_texts(tokenizer, texts, progress),
        kind,
        replace(config.vector_training, seed=config.training.seed),
        cache_dir=cache_dir,
        progress=progress,
    )
    return tokenizer, _respelled(vectors, tokenizer).beside(own)


def _respelled(vectors: WordVectors, tokenizer: Tokenizer) -> WordVectors:
    """The vectors of the tokenizer's words, spelled as it spells them."""
    vocabulary = tokenizer.vocabulary
    spell = tokenizer.spellings
    matrix = vectors.embedding_matrix(vocabulary, spell=spell)
    missing = set(vectors.ids_without_vector(vocabulary, spell=spell))
    known = [i for i in range(OOV_ID, len(vocabulary)) if i not in missing]
    return WordVectors(tuple(vocabulary.id_to_token(i) for i in known), matrix[known])


def _grown_from(
    start: TrainedVersion,
    given: WordVectors | None,
    config: PipelineConfig,
    texts: Sequence[str],
    progress: Progress,
) -> tuple[Tokenizer, WordVectors]:
    """The words and vectors of a version, those of a file, and the frequent words both lack."""
    vectors = start.vectors if given is None else start.vectors.joined(given)
    counts = None if config.dictionary is None else load_word_counts(config.dictionary)
    tokenizer = start.tokenizer(counts).with_vocabulary(vectors.vocabulary())
    return _with_new_words(tokenizer, vectors, texts, progress), vectors


def _load_vectors(config: PipelineConfig, path: PathLike, progress: Progress) -> WordVectors:
    return load_word_vectors(
        path, limit=config.vectors_limit, bad_rows=config.bad_rows, progress=progress
    )


def _kind(config: PipelineConfig, texts: Sequence[str], progress: Progress) -> TokenizerKind:
    name: TokenizerKind | Literal["auto"] = (
        "auto" if config.tokenizer == "auto" else check_kind(config.tokenizer)
    )
    return tokenizer_kind(name, texts, progress)


def _with_new_words(
    tokenizer: Tokenizer, vectors: WordVectors, texts: Sequence[str], progress: Progress
) -> Tokenizer:
    new_words = frequent_unknown_tokens(tokenizer, texts, progress=progress)
    progress.say(
        f"Word vectors: {len(vectors.tokens):,} of width {vectors.dim}; {len(new_words):,} more "
        "words are frequent in the training texts, and get rows that training moves"
    )
    if not new_words:
        return tokenizer
    return tokenizer.with_vocabulary(Vocabulary([*tokenizer.vocabulary.tokens, *new_words]))
