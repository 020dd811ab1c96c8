"""Training word vectors on texts, where no pretrained file is given."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lstm_sentiment.checks import positive, require_train
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.memory import MemoryPart, check_memory
from lstm_sentiment.progress import SILENT, Progress, in_parts
from lstm_sentiment.text.corpus.sample import sampled_texts
from lstm_sentiment.text.tokenizer_options import (
    DEFAULT_NORMALIZATION,
    DEFAULT_UNKNOWN,
    TokenizerKind,
    check_kind,
)
from lstm_sentiment.text.vectors.files import load_word_vectors, save_word_vectors
from lstm_sentiment.text.vectors.options import VectorTrainingConfig
from lstm_sentiment.text.vectors.word_vectors import WordVectors
from lstm_sentiment.text.vocabulary import OOV_TOKEN, PAD_TOKEN

if TYPE_CHECKING:
    from lstm_sentiment.text.tokenizer import Tokenizer

_TEXTS_AT_ONCE = 2_000
_SAMPLE = ("most_texts", "most_characters")
# Rows for hashed subwords; gensim's default of 2 million would take 1.6 GB at width 200.
_SUBWORD_ROWS = 200_000
_SHORT_WORDS = 4
# Replaces `[OOV]` for fasttext: a character that no text holds shares no subwords with a word.
_NONCHARACTER = "\uffff"


def train_vectors_on_texts(
    texts: Sequence[str],
    kind: TokenizerKind | Literal["auto"] = "auto",
    *,
    normalization: str = DEFAULT_NORMALIZATION,
    unknown: str = DEFAULT_UNKNOWN,
    word_counts: Mapping[str, float] | None = None,
    config: VectorTrainingConfig | None = None,
    min_count: int = 2,
    cache_dir: str | os.PathLike[str] | None = None,
    progress: Progress = SILENT,
) -> "tuple[Tokenizer, WordVectors]":
    """Builds a vocabulary of raw texts and trains a vector for each word.

    Args:
        texts: Valid Unicode. Training texts only: nothing may be learned from a test text. More
            than `config.most_texts` or `config.most_characters` are sampled.
        kind: The tokenizer; `auto` takes the choice of `choose_tokenizer`.
        normalization: As in `make_tokenizer`.
        unknown: As in `make_tokenizer`.
        word_counts: As in `make_tokenizer`.
        config: Settings of the training; `None` takes the defaults.
        min_count: Rarer words share the vector of `[OOV]`. Must be positive.
        cache_dir: As in `train_word_vectors`.
        progress: Reports each step and each choice.

    Returns:
        A tokenizer with the new vocabulary, and the vectors of its words.

    Raises:
        InvalidInputError: If `kind` or `min_count` breaks its rule, no word occurs `min_count`
            times, or the extra `vectors` is not installed.
        MissingExtraError: If TensorFlow is not installed.
    """
    require_train()
    # Imported here: training on tokenized texts needs no TensorFlow.
    from lstm_sentiment.text.scripts import tokenizer_kind
    from lstm_sentiment.text.tokenizer import make_tokenizer
    from lstm_sentiment.text.words import build_vocabulary

    positive(min_count=min_count)
    config = config or VectorTrainingConfig()
    texts = sampled_texts(
        texts,
        most_texts=config.most_texts,
        most_characters=config.most_characters,
        seed=config.seed,
        progress=progress,
    )
    kind = tokenizer_kind("auto" if kind == "auto" else check_kind(kind), texts, progress)
    vocabulary = build_vocabulary(
        texts,
        kind,
        min_count=min_count,
        normalization=normalization,
        word_counts=word_counts,
        progress=progress,
    )
    tokenizer = make_tokenizer(
        kind, vocabulary, normalization=normalization, unknown=unknown, word_counts=word_counts
    )
    sentences = tokenize_texts(tokenizer, texts, progress)
    tokens = sum(map(len, sentences))
    rare = sum(sentence.count(OOV_TOKEN) for sentence in sentences)
    progress.say(
        f"Vocabulary: {len(vocabulary.tokens):,} words that occur {_times(min_count)} or more; "
        f"{rare / tokens:.1%} of the training tokens are rarer"
    )
    return tokenizer, train_views(sentences, kind, config, cache_dir=cache_dir, progress=progress)


def train_views(
    sentences: Sequence[Sequence[str]],
    kind: TokenizerKind,
    config: VectorTrainingConfig | None = None,
    *,
    cache_dir: str | os.PathLike[str] | None = None,
    progress: Progress = SILENT,
) -> WordVectors:
    """Trains word vectors, and for `unigram` with `config.characters` also character vectors.

    The arguments are those of `train_word_vectors`; `kind` is the tokenizer of the sentences.

    Returns:
        A vector for every token that occurs: with characters, the word's vector followed by the
        mean of its characters' vectors.
    """
    config = config or VectorTrainingConfig()
    words = train_word_vectors(sentences, config, cache_dir=cache_dir, progress=progress)
    if not config.characters or kind != "unigram":
        return words
    parts = _spelled(words.tokens)
    spelled = [[part for token in sentence for part in parts[token]] for sentence in sentences]
    characters = train_word_vectors(
        spelled, config, name="character vectors", cache_dir=cache_dir, progress=progress
    )
    rows = {character: row for row, character in enumerate(characters.tokens)}
    means = [
        characters.matrix[[rows[part] for part in parts[token]]].mean(axis=0)
        for token in words.tokens
    ]
    return words.beside(WordVectors(words.tokens, np.stack(means)))


def _spelled(tokens: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Returns the characters of each token; `[OOV]` is one character.

    Each character is one object: Python makes a new one, of 76 bytes, whenever it takes a Chinese
    character from a string.
    """
    shared: dict[str, str] = {}
    return {
        token: tuple(
            shared.setdefault(part, part) for part in ([token] if token == OOV_TOKEN else token)
        )
        for token in tokens
    }


def train_word_vectors(
    sentences: Sequence[Sequence[str]],
    config: VectorTrainingConfig | None = None,
    *,
    name: str = "word vectors",
    cache_dir: str | os.PathLike[str] | None = None,
    progress: Progress = SILENT,
) -> WordVectors:
    """Trains word vectors on tokenized texts.

    Args:
        sentences: The tokens of each text, `[OOV]` for unknown tokens. Training texts only:
            nothing may be learned from a test text.
        config: Settings of the training; `None` takes the defaults.
        name: Of the vectors, for messages.
        cache_dir: Folder for results, named by a hash of texts and config, to be used again. `None`
            caches nothing.
        progress: Counts the epochs.

    Returns:
        A vector for every token that occurs, the most frequent first.

    Raises:
        InvalidInputError: If gensim is not installed, there is no token to train on, or
            `cache_dir` cannot be made or written.
    """
    config = _with_epochs(config or VectorTrainingConfig(), sentences, progress)
    if cache_dir is None:
        return _train(sentences, config, name, progress)
    folder, stem = Path(cache_dir), f"{config.algorithm}-{_fingerprint(sentences, config)}"
    found = _cached(folder, stem, name.capitalize(), progress)
    if found is not None:
        return found
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(f"{cache_dir}: cannot be made: {error.strerror}.") from error
    vectors = _train(sentences, config, name, progress)
    save_word_vectors(vectors, folder / f"{stem}-{_digest(vectors)}.npy")
    return vectors


def _cached(folder: Path, stem: str, name: str, progress: Progress) -> WordVectors | None:
    """Returns the vectors of an earlier run; those without their digest are deleted."""
    for path in sorted(folder.glob(f"{stem}*.npy")):
        with suppress(InvalidInputError):
            vectors = load_word_vectors(path)
            if path.stem == f"{stem}-{_digest(vectors)}":
                progress.say(f"{name}: taken from {path}")
                return vectors
        progress.say(f"{name}: {path} is damaged or of an earlier release, they are trained again")
        with suppress(OSError):
            path.unlink(missing_ok=True)
    return None


def _digest(vectors: WordVectors) -> str:
    """Returns 16 digits of the SHA-256 of tokens and numbers."""
    digest = hashlib.sha256("\n".join(vectors.tokens).encode())
    digest.update(np.ascontiguousarray(vectors.matrix, "<f4").data)
    return digest.hexdigest()[:16]


def tokenize_texts(
    tokenizer: "Tokenizer", texts: Sequence[str], progress: Progress
) -> list[list[str]]:
    """Tokenizes texts, with `[OOV]` for tokens that are not in the vocabulary."""
    import tensorflow as tf

    tokens = (PAD_TOKEN, OOV_TOKEN, *tokenizer.vocabulary.tokens)
    sentences: list[list[str]] = []
    for part in in_parts(texts, _TEXTS_AT_ONCE, "Tokenizing for vectors", progress):
        for ids in tokenizer(tf.constant(part)).to_list():
            sentences.append([tokens[token_id] for token_id in ids])
    return sentences


def _with_epochs(
    config: VectorTrainingConfig, sentences: Sequence[Sequence[str]], progress: Progress
) -> VectorTrainingConfig:
    tokens = sum(map(len, sentences))
    epochs, asked = config.epochs_for(tokens), config.least_epochs
    if config.epochs is None and VectorTrainingConfig.least_epochs < asked < epochs:
        progress.say(
            f"vector_training.least_epochs of {asked} changes nothing here: {tokens:,} tokens are "
            f"read {epochs} times"
        )
    return replace(config, epochs=epochs)


def _train(
    sentences: Sequence[Sequence[str]],
    config: VectorTrainingConfig,
    name: str,
    progress: Progress,
) -> WordVectors:
    try:
        from gensim.models import FastText, Word2Vec
        from gensim.models.callbacks import CallbackAny2Vec
    except ImportError as error:
        raise InvalidInputError(
            "Training word vectors needs the `vectors` extra: "
            "pip install 'lstm-sentiment[vectors]' (or give pretrained ones with `--vectors`)."
        ) from error
    if not any(sentences):
        raise InvalidInputError("Word vectors need at least one token to train on. Received: none.")
    trainer, subwords = Word2Vec, {}
    if config.algorithm == "fasttext":
        sentences = [_replaced(sentence, OOV_TOKEN, _NONCHARACTER) for sentence in sentences]
        trainer, subwords = FastText, _subword_settings(sentences)
    rows = len(set(chain.from_iterable(sentences))) + subwords.get("bucket", 0)
    # What is kept for words, and for words as neighbours, float32 each.
    part = MemoryPart(name, 8 * rows * config.dim, ("vector_training.dim",))
    check_memory(f"The training of {name}", [part])
    with progress.step(f"Training {name}", config.epochs or 0) as advance:

        class Epochs(CallbackAny2Vec):
            def on_epoch_end(self, model: Any) -> None:
                advance()

        model = trainer(
            sentences,
            vector_size=config.dim,
            epochs=config.epochs,
            window=config.window,
            negative=config.negative,
            seed=config.seed,
            workers=config.workers,
            sg=1,
            min_count=1,
            callbacks=[Epochs()],
            **subwords,
        )
    tokens = _replaced(model.wv.index_to_key, _NONCHARACTER, OOV_TOKEN)
    return WordVectors(tuple(tokens), np.asarray(model.wv.vectors, np.float32))


def _replaced(tokens: Sequence[str], old: str, new: str) -> list[str]:
    return [new if token == old else token for token in tokens]


def _subword_settings(sentences: Sequence[Sequence[str]]) -> dict[str, int]:
    """Returns the lengths of subwords in characters, and the number of their hashed rows."""
    words = {token for sentence in sentences for token in sentence} - {_NONCHARACTER}
    short = sum(map(len, words)) < _SHORT_WORDS * len(words)
    min_n, max_n = (1, 3) if short else (3, 6)
    return {"min_n": min_n, "max_n": max_n, "bucket": _SUBWORD_ROWS}


def _fingerprint(sentences: Sequence[Sequence[str]], config: VectorTrainingConfig) -> str:
    settings = {name: value for name, value in asdict(config).items() if name not in _SAMPLE}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for sentence in sentences:
        digest.update("\0".join(sentence).encode())
        digest.update(b"\n")
    return digest.hexdigest()[:16]


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
