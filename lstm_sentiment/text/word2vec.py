"""Word vectors trained on the texts themselves, where no pretrained file is given."""

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.word_vectors import WordVectors

_TOKENS_TO_READ = 5_000_000


@dataclass(frozen=True)
class Word2VecConfig:
    """How word2vec is trained (skip-gram with negative sampling, Mikolov et al. 2013).

    Attributes:
        dim: Width of the vectors.
        epochs: Passes over the texts. `None` makes as many as it takes to read 5 million tokens,
            from 3 to 100: a small corpus needs many.
        window: Neighbours looked at on each side, in tokens.
        negative: Negative samples a word.
        seed: The same seed, on one worker, gives the same vectors.
        workers: Threads. More than one is faster, and no longer repeatable bit for bit.
    """

    dim: int = 200
    epochs: int | None = None
    window: int = 5
    negative: int = 5
    seed: int = 0
    workers: int = 1


def train_word_vectors(
    sentences: Sequence[Sequence[str]],
    config: Word2VecConfig | None = None,
    *,
    cache_dir: str | os.PathLike[str] | None = None,
    progress: Progress = SILENT,
) -> WordVectors:
    """Trains word2vec on tokenized texts.

    Args:
        sentences: The tokens of each text. Training texts only: nothing may be learned from a
            test text.
        config: How to train.
        cache_dir: Folder that keeps the result by the hash of texts and config, so that the
            same texts are never trained on twice. `None` keeps nothing.
        progress: Told how many epochs are done.

    Returns:
        A vector for every token that occurs, the most frequent first.

    Raises:
        InvalidInputError: If gensim is not installed, or there is no token to train on.
    """
    config = _with_epochs(config or Word2VecConfig(), sentences)
    cached = None
    if cache_dir is not None:
        cached = Path(cache_dir) / f"word2vec-{_fingerprint(sentences, config)}.npz"
        if cached.is_file():
            with suppress(OSError, ValueError, KeyError, BadZipFile), np.load(cached) as stored:
                progress.say(f"Word vectors: taken from {cached}")
                tokens = tuple(stored["tokens"].tobytes().decode().split("\n"))
                return WordVectors(tokens, stored["matrix"])
    vectors = _train(sentences, config, progress)
    if cached is not None:
        cached.parent.mkdir(parents=True, exist_ok=True)
        beside = cached.with_name(f".{cached.name}")
        tokens_utf8 = np.frombuffer("\n".join(vectors.tokens).encode(), dtype=np.uint8)
        with beside.open("wb") as file:
            np.savez(file, tokens=tokens_utf8, matrix=vectors.matrix)
        os.replace(beside, cached)
    return vectors


def _with_epochs(config: Word2VecConfig, sentences: Sequence[Sequence[str]]) -> Word2VecConfig:
    if config.epochs is not None:
        return config
    tokens = max(1, sum(map(len, sentences)))
    return replace(config, epochs=min(100, max(3, round(_TOKENS_TO_READ / tokens))))


def _train(
    sentences: Sequence[Sequence[str]], config: Word2VecConfig, progress: Progress
) -> WordVectors:
    try:
        from gensim.models import Word2Vec
        from gensim.models.callbacks import CallbackAny2Vec
    except ImportError as error:
        raise InvalidInputError(
            "Training word vectors needs the `vectors` extra: "
            "pip install 'lstm-sentiment[vectors]' (or give pretrained ones with `--vectors`)."
        ) from error
    if not any(sentences):
        raise InvalidInputError("Word vectors need at least one token to train on. Received: none.")
    with progress.step("Training word vectors", config.epochs or 0) as advance:

        class Epochs(CallbackAny2Vec):
            def on_epoch_end(self, model: Word2Vec) -> None:
                advance()

        model = Word2Vec(
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
        )
    return WordVectors(tuple(model.wv.index_to_key), np.asarray(model.wv.vectors, np.float32))


def _fingerprint(sentences: Sequence[Sequence[str]], config: Word2VecConfig) -> str:
    digest = hashlib.sha256(json.dumps(asdict(config), sort_keys=True).encode())
    for sentence in sentences:
        digest.update("\0".join(sentence).encode())
        digest.update(b"\n")
    return digest.hexdigest()[:16]
