import sys
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from lstm_sentiment import InvalidInputError, Word2VecConfig, WordVectors, train_word_vectors
from lstm_sentiment.progress import Advance, SilentProgress

SENTENCES = [["房间", "很", "好"], ["服务", "很", "差"], ["房间", "很", "差"]] * 20
CONFIG = Word2VecConfig(dim=8, epochs=2)


def same(a: WordVectors, b: WordVectors) -> bool:
    return a.tokens == b.tokens and np.array_equal(a.matrix, b.matrix)


def test_every_token_gets_a_vector_and_the_seed_decides_it() -> None:
    vectors = train_word_vectors(SENTENCES, CONFIG)
    assert set(vectors.tokens) == {"房间", "服务", "很", "好", "差"}
    assert vectors.tokens[0] == "很"
    assert vectors.matrix.shape == (5, 8)
    assert same(vectors, train_word_vectors(SENTENCES, CONFIG))
    assert not same(vectors, train_word_vectors(SENTENCES, Word2VecConfig(dim=8, epochs=2, seed=1)))


def test_the_cache_answers_for_the_same_texts_only(tmp_path: Path) -> None:
    first = train_word_vectors(SENTENCES, CONFIG, cache_dir=tmp_path)
    (cached,) = tmp_path.iterdir()
    written = cached.stat().st_mtime_ns
    assert same(train_word_vectors(SENTENCES, CONFIG, cache_dir=tmp_path), first)
    assert cached.stat().st_mtime_ns == written
    train_word_vectors(SENTENCES[:-1], CONFIG, cache_dir=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_damaged_cache_is_trained_anew(tmp_path: Path) -> None:
    first = train_word_vectors(SENTENCES, CONFIG, cache_dir=tmp_path)
    (cached,) = tmp_path.iterdir()
    cached.write_bytes(cached.read_bytes()[:100])
    assert same(train_word_vectors(SENTENCES, CONFIG, cache_dir=tmp_path), first)


def test_a_small_corpus_is_read_more_often(tmp_path: Path) -> None:
    class Steps(SilentProgress):
        totals: list[int]

        def __init__(self) -> None:
            self.totals = []

        def step(self, description: str, total: int) -> AbstractContextManager[Advance]:
            self.totals.append(total)
            return super().step(description, total)

    steps = Steps()
    train_word_vectors(SENTENCES, Word2VecConfig(dim=2), progress=steps)
    train_word_vectors(SENTENCES * 1_000, Word2VecConfig(dim=2), progress=steps)
    assert steps.totals == [100, 28]


def test_no_tokens() -> None:
    with pytest.raises(InvalidInputError, match="at least one token"):
        train_word_vectors([[], []])


def test_without_gensim_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gensim.models", None)
    with pytest.raises(InvalidInputError, match=r"pip install 'lstm-sentiment\[vectors\]'"):
        train_word_vectors(SENTENCES)
