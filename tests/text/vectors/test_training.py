import io
import os
import re
import subprocess
import sys
import tracemalloc
from contextlib import AbstractContextManager, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_sentiment import (
    InvalidInputError,
    VectorTrainingConfig,
    WordVectors,
    train_vectors_on_texts,
    train_word_vectors,
)
from lstm_sentiment.progress import Advance, SilentProgress
from lstm_sentiment.text.vectors.training import train_views
from tests.corpora import hotel_like
from tests.recorder import Recorder

SENTENCES = [["房间", "很", "好"], ["服务", "很", "差"], ["房间", "很", "差"]] * 20
CONFIG = VectorTrainingConfig(dim=8, epochs=2)


def same(a: WordVectors, b: WordVectors) -> bool:
    return a.tokens == b.tokens and np.array_equal(a.matrix, b.matrix)


def test_every_token_gets_a_vector_and_the_seed_decides_it() -> None:
    vectors = train_word_vectors(SENTENCES, CONFIG)
    assert set(vectors.tokens) == {"房间", "服务", "很", "好", "差"}
    assert vectors.tokens[0] == "很"
    assert vectors.matrix.shape == (5, 8)
    assert same(vectors, train_word_vectors(SENTENCES, CONFIG))
    assert not same(
        vectors, train_word_vectors(SENTENCES, VectorTrainingConfig(dim=8, epochs=2, seed=1))
    )


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
    whole, middle = cached.read_bytes(), cached.stat().st_size // 2
    # Numbers and tokens that could have been trained, but were not.
    other_numbers = whole[:middle] + bytes(16) + whole[middle + 16 :]
    *tokens, last = whole.rpartition(b"\n")[0].rpartition(b"\n")
    other_token = b"".join(tokens) + "另".encode() + last + b"\n"
    for damaged in (whole[:100], other_numbers, other_token):
        cached.write_bytes(damaged)
        recorder = Recorder()
        again = train_word_vectors(SENTENCES, CONFIG, cache_dir=tmp_path, progress=recorder)
        assert same(again, first)
        (told,) = [said for said in recorder.said if "damaged" in said]
        assert told.startswith(f"Word vectors: {cached} is damaged")
        assert list(tmp_path.iterdir()) == [cached] and cached.read_bytes() == whole


def test_a_cache_without_a_digest_is_that_of_an_earlier_release(tmp_path: Path) -> None:
    first = train_word_vectors(SENTENCES, CONFIG, cache_dir=tmp_path)
    (cached,) = tmp_path.iterdir()
    old = cached.rename(tmp_path / f"{cached.stem.rpartition('-')[0]}.npy")
    assert same(train_word_vectors(SENTENCES, CONFIG, cache_dir=tmp_path), first)
    assert list(tmp_path.iterdir()) == [cached] and not old.exists()


@pytest.mark.parametrize(("copies", "epochs"), [(1, 100), (1_000, 28), (20_000, 3)])
def test_a_small_corpus_is_read_more_often(copies: int, epochs: int) -> None:
    class TrainingBegins(Exception):
        pass

    class Stopped(SilentProgress):
        def step(self, description: str, total: int) -> AbstractContextManager[Advance]:
            raise TrainingBegins(total)

    with pytest.raises(TrainingBegins) as begun:
        train_word_vectors(SENTENCES * copies, progress=Stopped())
    assert begun.value.args == (epochs,)


def test_character_vectors_need_no_string_for_each_character() -> None:
    sentences = SENTENCES * 250
    characters = sum(len(token) for sentence in sentences for token in sentence)
    config = VectorTrainingConfig(dim=2, epochs=1)
    train_views(SENTENCES, "unigram", config)  # imports
    tracemalloc.start()
    try:
        vectors = train_views(sentences, "unigram", config)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert vectors.matrix.shape == (5, 4)
    # Lists of four pointers each, with what a list itself takes.
    assert peak < 40 * characters


def test_no_tokens() -> None:
    with pytest.raises(InvalidInputError, match="at least one token"):
        train_word_vectors([[], []])


def test_without_gensim_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gensim.models", None)
    with pytest.raises(InvalidInputError, match=r"pip install 'lstm-sentiment\[vectors\]'"):
        train_word_vectors(SENTENCES)


def cosine(vectors: WordVectors, a: str, b: str) -> float:
    x, y = (vectors.matrix[vectors.tokens.index(token)] for token in (a, b))
    return float(x @ y / np.linalg.norm(x) / np.linalg.norm(y))


@pytest.mark.parametrize(("a", "b"), [("酒店", "饭店"), ("cleaning", "cleaned")])
def test_fasttext_gives_words_written_alike_vectors_alike(a: str, b: str) -> None:
    if a.isascii():
        words = [f"filler{n}" for n in range(20)]
    else:
        words = [chr(0x4E00 + 2 * n) + chr(0x4E01 + 2 * n) for n in range(20)]
    sentences = [[a, *words[:10]], [b, *words[10:]]] * 10
    config = VectorTrainingConfig(algorithm="fasttext", dim=128, epochs=2)
    by_subword = train_word_vectors(sentences, config)
    by_word = train_word_vectors(sentences, VectorTrainingConfig(dim=128, epochs=2))
    assert set(by_subword.tokens) == set(by_word.tokens)
    assert by_subword.matrix.shape == (22, 128)
    assert cosine(by_subword, a, b) > 0.15 > cosine(by_word, a, b)


def test_the_vector_of_rare_words_has_no_subwords() -> None:
    sentences = [["[OOV]", *(f"filler{n}" for n in range(10))], ["[OO", *"abcdefgh"]] * 10
    config = VectorTrainingConfig(algorithm="fasttext", dim=128, epochs=2)
    vectors = train_word_vectors(sentences, config)
    assert "[OOV]" in vectors.tokens
    assert cosine(vectors, "[OOV]", "[OO") < 0.15


def test_another_process_gives_the_same_vectors() -> None:
    code = (
        "import hashlib\n"
        "from lstm_sentiment import VectorTrainingConfig, train_word_vectors\n"
        f"sentences = {SENTENCES}\n"
        "for algorithm in ('word2vec', 'fasttext'):\n"
        "    config = VectorTrainingConfig(algorithm=algorithm, dim=8, epochs=2)\n"
        "    vectors = train_word_vectors(sentences, config)\n"
        "    print(vectors.tokens, hashlib.sha256(vectors.matrix.tobytes()).hexdigest())\n"
    )
    here = io.StringIO()
    with redirect_stdout(here):
        exec(code, {})
    other_seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    there = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": other_seed},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert there == here.getvalue()
    assert len(set(there.splitlines())) == 2


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"algorithm": "glove"}, "one of: word2vec, fasttext. Received: 'glove'"),
        ({"dim": 0}, "`dim` must be a positive integer"),
        ({"epochs": 0}, "`epochs` must be a positive integer"),
        ({"window": -1}, "window=-1"),
        ({"negative": 1.5}, "negative=1.5"),
        ({"workers": True}, "workers=True"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": 2**32}, "`seed` must be an integer from 0 to"),
    ],
)
def test_every_setting_is_checked(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        VectorTrainingConfig(**setting)


class Told(SilentProgress):
    """Remembers what was said."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def say(self, message: str) -> None:
        self.messages.append(message)


def test_raw_texts_become_a_tokenizer_and_a_vector_for_each_of_its_words() -> None:
    texts = list(hotel_like(120).texts)
    told = Told()
    tokenizer, vectors = train_vectors_on_texts(texts, config=CONFIG, progress=told)
    assert tokenizer.kind == "unigram"
    assert {"房间", "干净", "很"} <= set(tokenizer.vocabulary.tokens)
    # A word may be in the vocabulary and yet be cut in another way wherever it occurs.
    assert set(vectors.tokens) <= {*tokenizer.vocabulary.tokens, "[OOV]"}
    assert told.messages[0].startswith("Tokenizer: unigram, as 100% of the letters")
    assert "words that occur twice or more" in told.messages[1]
    again = train_vectors_on_texts(texts, "unigram", config=CONFIG)
    assert again[0].vocabulary == tokenizer.vocabulary
    assert same(again[1], vectors)


def test_the_tokenizers_options_decide_which_words_there_are() -> None:
    texts = ["房间很好，服务很好"] * 3
    _, usual = train_vectors_on_texts(texts, "unigram", config=CONFIG)
    assert set(usual.tokens) == {"房间", "很", "好", ",", "服务"}
    _, as_written = train_vectors_on_texts(
        texts, "unigram", normalization="none", word_counts={"很好": 9, "房间": 5}, config=CONFIG
    )
    assert {"房间", "很好", "，"} <= set(as_written.tokens)


def test_rare_words_of_the_texts_share_a_vector() -> None:
    texts = ["good room", "good bed", "good good rare"]
    told = Told()
    tokenizer, vectors = train_vectors_on_texts(
        texts, "whitespace", config=CONFIG, min_count=4, progress=told
    )
    assert tokenizer.vocabulary.tokens == ("good",)
    assert set(vectors.tokens) == {"good", "[OOV]"}
    assert told.messages == [
        "Vocabulary: 1 words that occur 4 times or more; 42.9% of the training tokens are rarer"
    ]
    _, all_kept = train_vectors_on_texts(texts, "whitespace", config=CONFIG, min_count=1)
    assert set(all_kept.tokens) == {"good", "room", "bed", "rare"}


@pytest.mark.parametrize(
    ("texts", "kind", "min_count", "message"),
    [
        ([], "auto", 2, "Received: 0 texts"),
        (["a b"], "auto", 2, "At least one word must occur 2 times"),
        (["a a"], "bpe", 2, "`tokenizer` must be one of"),
        (["a a"], "auto", 0, "`min_count` must be a positive integer"),
    ],
)
def test_texts_that_cannot_be_trained_on(
    texts: list[str], kind: Any, min_count: int, message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        train_vectors_on_texts(texts, kind, min_count=min_count)
