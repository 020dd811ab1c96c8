"""The whole way in one call: labelled texts in, an exported version out."""

import csv
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.export.servable import export_servable
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.corpus import Corpus
from lstm_sentiment.text.corpus_files import read_corpus
from lstm_sentiment.text.demo import load_demo_corpus
from lstm_sentiment.text.tokenizer import Tokenizer, make_tokenizer
from lstm_sentiment.text.tokenizer_options import (
    DEFAULT_NORMALIZATION,
    DEFAULT_UNKNOWN,
    Normalization,
    TokenizerKind,
    Unknown,
    check_kind,
)
from lstm_sentiment.text.vector_files import load_word_vectors
from lstm_sentiment.text.vector_rows import BadRows
from lstm_sentiment.text.vector_training import VectorTrainingConfig, train_vectors_on_texts
from lstm_sentiment.text.vocabulary import Vocabulary
from lstm_sentiment.text.word_counts import load_word_counts
from lstm_sentiment.text.word_vectors import WordVectors
from lstm_sentiment.text.words import frequent_unknown_tokens, tokenizer_kind
from lstm_sentiment.training.config import TrainingConfig
from lstm_sentiment.training.evaluation import Evaluation
from lstm_sentiment.training.fit import FitResult, fit

PathLike = str | os.PathLike[str]
Splits = tuple[Corpus, Corpus, Corpus]


@dataclass(frozen=True)
class PipelineConfig:
    """Everything that one run is told.

    Attributes:
        data: Files or folders of labelled texts, see `read_corpus`. Empty takes the demo corpus.
        dev_data: Texts that decide when to stop, taken as they are; `None` deals a tenth of `data`.
        test_data: Texts to be scored on, taken as they are; `None` deals a tenth of `data`.
        text_column: Column of the texts.
        label_column: Column of the labels.
        vectors: File of word vectors. `None` trains word2vec on the training texts.
        vectors_limit: Read the first so many vectors only; `None` reads all.
        bad_rows: `refuse` or `skip` malformed rows of `vectors`: see `load_word_vectors`.
        tokenizer: `auto`, or a tokenizer's kind.
        normalization: Which spellings count as one: see `normalize_texts`.
        unknown: For `unigram`: what an unknown run of characters becomes, see `UnigramTokenizer`.
        dictionary: For `unigram`: words and counts to cut by, see `load_word_counts`. `None` cuts
            by the words of the vocabulary.
        model_dir: The servable's base path: the version appears in it.
        run_dir: A new or empty folder for what the run leaves: config, history, scores, model.
        model: Sizes and switches of the model.
        training: How to train.
        vector_training: How word vectors are trained where none are given.
        cache: Whether token ids are kept in `memory` for this run, or on `disk`, beside the run's
            folder, for the next run on the same texts too.
    """

    data: Sequence[PathLike] = ()
    dev_data: PathLike | None = None
    test_data: PathLike | None = None
    text_column: str = "text"
    label_column: str = "label"
    vectors: PathLike | None = None
    vectors_limit: int | None = None
    bad_rows: BadRows = "refuse"
    tokenizer: str = "auto"
    normalization: str = DEFAULT_NORMALIZATION
    unknown: str = DEFAULT_UNKNOWN
    dictionary: PathLike | None = None
    model_dir: PathLike = Path("models") / "sentiment"
    run_dir: PathLike | None = None
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    vector_training: VectorTrainingConfig = field(default_factory=VectorTrainingConfig)
    cache: str = "memory"

    def __post_init__(self) -> None:
        """Checks the choices; the other parts check themselves.

        Raises:
            InvalidInputError: If one is unknown.
        """
        for name, choices in (
            ("tokenizer", ("auto", *get_args(TokenizerKind))),
            ("normalization", get_args(Normalization)),
            ("unknown", get_args(Unknown)),
            ("bad_rows", get_args(BadRows)),
            ("cache", ("memory", "disk")),
        ):
            if getattr(self, name) not in choices:
                raise InvalidInputError(
                    f"`{name}` must be one of: {', '.join(choices)}. "
                    f"Received: {getattr(self, name)!r}."
                )


@dataclass(frozen=True)
class PipelineResult:
    """What one run gave.

    Attributes:
        version_dir: The exported version.
        run_dir: What else the run left.
        test: Scores on the held-out test texts.
        dev: Scores on the dev texts.
        seconds: Wall-clock time of the run.
        fit: The trained classifier.
    """

    version_dir: Path
    run_dir: Path
    test: Evaluation
    dev: Evaluation
    seconds: float
    fit: FitResult

    def to_dict(self) -> dict[str, Any]:
        """The result as `fit --json` prints it."""
        return {
            "version_dir": str(self.version_dir),
            "run_dir": str(self.run_dir),
            "test": self.test.summary(),
            "dev": self.dev.summary(),
            "labels": list(self.fit.label_names),
            "tokenizer": self.fit.tokenizer.kind,
            "padding_share": self.fit.padding_share,
            "epochs": len(self.fit.history["loss"]),
            "seconds": round(self.seconds, 1),
        }


def run_pipeline(config: PipelineConfig, progress: Progress = SILENT) -> PipelineResult:
    """Reads texts, trains on them, scores on held-out ones and exports the next version.

    Args:
        config: What to do.
        progress: Told of every long step, and of what is dropped and chosen.

    Returns:
        The scores, and where everything is.

    Raises:
        InvalidInputError: If an input breaks a rule; told before training begins.
        ExportError: If the version cannot be written.
    """
    started = time.monotonic()
    run_dir = _choose_run_dir(config.run_dir)
    _check_writable(Path(config.model_dir))
    train, dev, test = prepare_corpora(config, progress)
    cache_dir = run_dir.parent / "cache"
    tokenizer, vectors = _prepare_tokenizer(config, train, cache_dir, progress)
    result = fit(
        train,
        dev,
        tokenizer=tokenizer,
        vectors=vectors,
        model=config.model,
        training=config.training,
        cache_dir=cache_dir if config.cache == "disk" else None,
        progress=progress,
    )
    progress.say(f"Tokens of the dev texts that the vocabulary lacks: {result.dev.oov_rate:.1%}")
    scores = result.evaluate(test)
    with progress.step("Exporting", 1) as advance:
        version_dir = export_servable(result, config.model_dir, test=scores)
        advance()
    outcome = PipelineResult(
        version_dir, run_dir, scores, result.dev, time.monotonic() - started, result
    )
    _save_run(config, outcome)
    return outcome


def prepare_corpora(config: PipelineConfig, progress: Progress = SILENT) -> Splits:
    """Reads the texts and deals them out so that no dev or test text is trained on.

    Args:
        config: Which files, and the seed of the split.
        progress: Told what is dropped.

    Returns:
        Train, dev and test corpus.

    Raises:
        InvalidInputError: As `read_corpus` and `Corpus.split`.
    """
    columns = {"text_column": config.text_column, "label_column": config.label_column}
    corpus = read_corpus(config.data, **columns) if config.data else load_demo_corpus()
    corpus.require_classes()
    corpus = _clean(corpus, progress)
    given = [
        read_corpus([path], **columns, label_names=corpus.label_names) if path is not None else None
        for path in (config.dev_data, config.test_data)
    ]
    held_out = {text for part in given if part is not None for text in part.texts}
    kept = corpus.drop_texts(held_out)
    if len(kept) < len(corpus):
        progress.say(
            f"Dropped {len(corpus) - len(kept):,} training texts that are also dev or test texts"
        )
    train, dealt_dev, dealt_test = kept.split(
        seed=config.training.seed,
        dev_fraction=0.1 if given[0] is None else 0.0,
        test_fraction=0.1 if given[1] is None else 0.0,
    )
    dev, test = given[0] or dealt_dev, given[1] or dealt_test
    classes = ", ".join(f"{name} {count:,}" for name, count in train.class_counts().items())
    progress.say(
        f"Texts: {len(train):,} to train on ({classes}), {len(dev):,} dev, {len(test):,} test"
    )
    return train, dev, test


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


def _prepare_tokenizer(
    config: PipelineConfig, train: Corpus, cache_dir: Path, progress: Progress
) -> tuple[Tokenizer, WordVectors]:
    """The tokenizer and its word vectors: from a file, or found in the training texts."""
    name: TokenizerKind | Literal["auto"] = (
        "auto" if config.tokenizer == "auto" else check_kind(config.tokenizer)
    )
    kind = tokenizer_kind(name, train.texts, progress)
    word_counts = None if config.dictionary is None else load_word_counts(config.dictionary)
    if config.vectors is None:
        return train_vectors_on_texts(
            train.texts,
            kind,
            normalization=config.normalization,
            unknown=config.unknown,
            word_counts=word_counts,
            config=replace(config.vector_training, seed=config.training.seed),
            cache_dir=cache_dir,
            progress=progress,
        )
    vectors = load_word_vectors(
        config.vectors, limit=config.vectors_limit, bad_rows=config.bad_rows, progress=progress
    )
    tokenizer = make_tokenizer(
        kind,
        vectors.vocabulary(),
        normalization=config.normalization,
        unknown=config.unknown,
        word_counts=word_counts,
    )
    new_words = frequent_unknown_tokens(tokenizer, train.texts, progress=progress)
    progress.say(
        f"Word vectors: {len(vectors.tokens):,} of width {vectors.dim}; {len(new_words):,} more "
        "words are frequent in the training texts, and get rows that training moves"
    )
    if new_words:
        grown = Vocabulary([*tokenizer.vocabulary.tokens, *new_words])
        tokenizer = tokenizer.with_vocabulary(grown)
    return tokenizer, vectors


def _choose_run_dir(run_dir: PathLike | None) -> Path:
    # Two runs may begin in the same second.
    path = Path(run_dir or f"runs/{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}")
    _check_writable(path)
    if path.exists() and any(path.iterdir()):
        raise InvalidInputError(f"`run_dir` must be a new or empty folder. Received: {path}.")
    return path


def _check_writable(path: Path) -> None:
    """Tells before training what would be told after it."""
    nearest = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise InvalidInputError(f"{path}: must be a folder that can be written.")


def _save_run(config: PipelineConfig, outcome: PipelineResult) -> None:
    """Writes config, history, scores and the model to the run's folder."""
    run_dir = outcome.run_dir
    run_dir.mkdir(parents=True, exist_ok=True)
    outcome.fit.model.save(run_dir / "model.keras")
    outcome.fit.tokenizer.vocabulary.save(run_dir / "vocabulary.txt")
    for name, value in (
        ("config.json", asdict(config)),
        (
            "metrics.json",
            {**outcome.to_dict(), "test": asdict(outcome.test), "dev": asdict(outcome.dev)},
        ),
    ):
        text = json.dumps(value, ensure_ascii=False, indent=2, default=os.fspath)
        (run_dir / name).write_text(text + "\n", "utf-8")
    history = outcome.fit.history
    with (run_dir / "history.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", *history])
        writer.writerows(
            [epoch, *values]
            for epoch, values in enumerate(zip(*history.values(), strict=True), start=1)
        )
