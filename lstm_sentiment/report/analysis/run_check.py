"""Checks the texts and settings of a run in seconds, without TensorFlow and without training."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.memory import available_memory
from lstm_sentiment.model.memory import network_memory
from lstm_sentiment.pipeline.config import PipelineConfig
from lstm_sentiment.pipeline.run_texts import RunTexts, read_run_texts
from lstm_sentiment.pipeline.settings_in_use import settings_without_effect
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.report.analysis.corpus_facts import CorpusFacts, Lengths, corpus_facts
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.reading import files_of
from lstm_sentiment.text.corpus.record_files import encoding_of_table, has_lines
from lstm_sentiment.text.scripts import choose_tokenizer, spread
from lstm_sentiment.text.tokenizer_options import TokenizerKind
from lstm_sentiment.training.budget import Budget, budget_for

_WORD_OR_MARK = re.compile(r"\w+|[^\w\s]")
_CHARACTER = re.compile(r"\S")
_EXAMPLES = 3


@dataclass(frozen=True)
class RunCheck:
    """Facts of a run before it begins.

    Attributes:
        files: Encoding of each file of labelled texts; empty for the demo corpus.
        read: Number of labelled texts in the files.
        empty: Number of empty texts, which are left out.
        contradictory: Number of texts that occur with several labels, which are left out.
        contradictions: Up to three of them.
        facts: Counts of the other texts, before repeated ones are left out.
        classes: Number of texts of each class in training, dev and test set together.
        split: Number of texts of `train`, `dev` and `test`.
        test_classes: Number of test texts of each class.
        learned: Number of texts to learn, those with a teacher's soft labels alone included.
        unlabelled: Number of texts without a label that words are learned from.
        tokenizer: Kind of the tokenizer.
        tokens: Tokens per text, estimated on up to some thousands of texts; `None` without rjieba.
        cut_share: Share of the texts with more tokens than `max_length`; `None` as `tokens`.
        max_length: Tokens kept of each text.
        budget: Epochs, batch size and patience.
        folds: Number of folds of the cross-validation; 0 for none.
        memory: Bytes that training needs at the least.
        available: Bytes that are free; `None` if that is unknown.
        unused: The reason of each setting that changes nothing, by its dotted name.
    """

    files: dict[str, str]
    read: int
    empty: int
    contradictory: int
    contradictions: tuple[str, ...]
    facts: CorpusFacts
    classes: dict[str, int]
    split: dict[str, int]
    test_classes: dict[str, int]
    learned: int
    unlabelled: int
    tokenizer: TokenizerKind
    tokens: Lengths | None
    cut_share: float | None
    max_length: int
    budget: Budget
    folds: int
    memory: int
    available: int | None
    unused: dict[str, str]

    @property
    def used(self) -> int:
        """Number of texts in training, dev and test set together."""
        return sum(self.split.values())

    @property
    def steps_an_epoch(self) -> int:
        """Number of steps of an epoch of the last training."""
        return self.steps // self.budget.epochs

    @cached_property
    def steps(self) -> int:
        """Largest number of steps of the last training, on the dev texts too if there are folds."""
        return self.budget.steps(self.learned + (self.split["dev"] if self.folds else 0))

    def to_dict(self) -> dict[str, Any]:
        """Returns the facts as `fit --check --json` prints them."""
        return {
            "files": self.files,
            "texts": self.read,
            "empty": self.empty,
            "repeated": self.facts.exact_duplicates,
            "near_copies": self.facts.near_duplicates,
            "contradictory": self.contradictory,
            "contradictory_examples": list(self.contradictions),
            "used": self.used,
            "classes": self.classes,
            "split": self.split,
            "test_classes": self.test_classes,
            "unlabelled": self.unlabelled,
            "characters": asdict(self.facts.characters),
            "tokenizer": self.tokenizer,
            "tokens": None if self.tokens is None else asdict(self.tokens),
            "max_length": self.max_length,
            "cut_share": self.cut_share,
            **asdict(self.budget),
            "steps_an_epoch": self.steps_an_epoch,
            "steps": self.steps,
            "folds": self.folds,
            "memory_bytes": self.memory,
            "available_bytes": self.available,
            "settings_without_effect": self.unused,
        }


def check_run(config: PipelineConfig, progress: Progress = SILENT) -> RunCheck:
    """Reads the texts of a run and finds out what the run would do; nothing is written.

    Args:
        config: Settings of the run.
        progress: Reports what is read, dropped and chosen.

    Raises:
        InvalidInputError: If an input breaks a rule, as in `run_pipeline`.
        MissingExtraError: As `read_run_texts`.
    """
    found: list[dict[str, Any]] = []
    read = read_run_texts(
        config, progress, when_read=lambda corpus: found.append(_looked_at(corpus))
    )
    texts = spread(read.train.texts)
    kind = cast(
        TokenizerKind, choose_tokenizer(texts) if config.tokenizer == "auto" else config.tokenizer
    )
    lengths, words = _token_counts(texts, kind)
    most, learned = config.model.max_length, read.learned(read.soft_labels)
    budget = budget_for(config.training, learned)
    return RunCheck(
        **found[0],
        files=_encodings(config),
        classes=dict(sum((Counter(part.class_counts()) for part in read.labelled), Counter())),
        split={"train": len(read.train), "dev": len(read.dev), "test": len(read.test)},
        test_classes=read.test.class_counts(),
        learned=learned,
        unlabelled=len(read.unlabelled.texts),
        tokenizer=kind,
        tokens=None if lengths is None else Lengths.of(lengths),
        cut_share=None if lengths is None else float((lengths > most).mean()),
        max_length=most,
        budget=budget,
        folds=read.folds(config, read.soft_labels),
        memory=_memory(config, read, kind, budget, lengths, words),
        available=available_memory(),
        unused=settings_without_effect(config, kind),
    )


def _encodings(config: PipelineConfig) -> dict[str, str]:
    """Returns the encoding of each file of labelled texts that has one."""
    files = files_of(config.data) if config.data else []
    return {
        str(file): encoding_of_table(file, config.encoding, SILENT).codec.upper()
        for file in files
        if has_lines(file)
    }


def _looked_at(corpus: Corpus) -> dict[str, Any]:
    """Returns the fields of `RunCheck` that are of the texts as they are in their files."""
    filled = corpus.drop_empty()
    clear = filled.drop_contradictions()
    return {
        "read": len(corpus),
        "empty": len(corpus) - len(filled),
        "contradictory": len(filled) - len(clear),
        "contradictions": _contradictions(filled, clear),
        "facts": corpus_facts(clear if len(clear) else filled),
    }


def _contradictions(corpus: Corpus, clear: Corpus) -> tuple[str, ...]:
    """Returns some texts that are in `corpus` and not in `clear`, each once."""
    if len(clear) == len(corpus):
        return ()
    kept = set(clear.exact_digests.tolist())
    others = (
        text
        for text, digest in zip(corpus.texts, corpus.exact_digests.tolist(), strict=True)
        if digest not in kept
    )
    examples: dict[str, None] = {}
    for text in others:
        examples[text] = None
        if len(examples) == _EXAMPLES:
            break
    return tuple(examples)


def _token_counts(
    texts: Sequence[str], kind: TokenizerKind
) -> tuple[NDArray[np.int64] | None, int]:
    """Counts the tokens of each text, about as the tokenizer will, and the words that repeat."""
    cut = _cutter(kind)
    if cut is None:
        return None, 0
    counts: Counter[str] = Counter()
    lengths = []
    for text in texts:
        tokens = [*cut(text)]
        counts.update(tokens)
        lengths.append(len(tokens))
    return np.array(lengths, np.int64), sum(count > 1 for count in counts.values())


def _cutter(kind: TokenizerKind) -> Callable[[str], Iterator[str]] | None:
    if kind != "unigram":
        pattern = _CHARACTER if kind == "characters" else _WORD_OR_MARK
        return lambda text: (match[0] for match in pattern.finditer(text))
    try:
        import rjieba
    except ImportError:
        return None
    return lambda text: (word for word in rjieba.cut(text, False) if word.strip())


def _memory(
    config: PipelineConfig,
    read: RunTexts,
    kind: TokenizerKind,
    budget: Budget,
    lengths: NDArray[np.int64] | None,
    words: int,
) -> int:
    """Returns the bytes that the network takes at the least while it is trained."""
    own = config.vector_training
    trained = own.dim * (2 if own.characters and kind == "unigram" else 1)
    if read.vectors is None:
        width = trained
    else:
        width = read.vectors.dim + (trained if config.own_vectors else 0)
        words = max(words, len(read.vectors.tokens))
    longest = config.model.max_length
    tokens = longest if lengths is None else float(np.minimum(lengths, longest).mean())
    parts = network_memory(
        config.model,
        embedding_dim=width,
        vocabulary_size=words,
        batch_tokens=int(tokens * budget.batch_size),
        replicas=config.training.logical_devices or 1,
    )
    return sum(part.size for part in parts)
