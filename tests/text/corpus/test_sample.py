import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment import InvalidInputError, VectorTrainingConfig, train_vectors_on_texts
from lstm_sentiment.text.corpus.sample import sampled_texts
from lstm_sentiment.text.corpus.streaming import open_texts
from tests.recorder import Recorder

FIRST, SECOND = tuple(f"甲{n}" for n in range(30)), tuple(f"乙{n}" for n in range(12))


def test_as_many_as_are_allowed_are_all_taken_as_they_are() -> None:
    said = Recorder()
    assert sampled_texts(FIRST, SECOND, most_texts=42, seed=0, progress=said) == (*FIRST, *SECOND)
    assert sampled_texts((), most_texts=1, seed=0) == ()
    assert not said.said


def test_of_more_the_seed_draws_a_sample_in_order() -> None:
    said = Recorder()
    drawn = sampled_texts(FIRST, SECOND, most_texts=20, seed=1, progress=said)
    everything = (*FIRST, *SECOND)
    assert len(set(drawn)) == 20
    assert list(drawn) == sorted(drawn, key=everything.index)
    assert set(drawn) & set(FIRST) and set(drawn) & set(SECOND)
    assert drawn == sampled_texts(everything, most_texts=20, seed=1)
    assert drawn != sampled_texts(FIRST, SECOND, most_texts=20, seed=2)
    assert said.said == ["Words and their vectors are found on 20 of 42 texts"]


@pytest.mark.parametrize("most_texts", [20, 100])
def test_it_is_the_same_wherever_the_texts_are(tmp_path: Path, most_texts: int) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in FIRST), "utf-8")
    streamed, parts = open_texts([path])[::-1], (FIRST[::-1], SECOND)
    assert sampled_texts(streamed, SECOND, most_texts=most_texts, seed=3) == sampled_texts(
        *parts, most_texts=most_texts, seed=3
    )


@given(
    st.lists(st.text("ab", max_size=9), max_size=30),
    st.integers(1, 60),
    st.integers(1, 40),
    st.integers(0, 9),
)
def test_a_sample_has_no_more_characters(
    texts: list[str], most_characters: int, most_texts: int, seed: int
) -> None:
    numbered = [f"{number:02}{text}" for number, text in enumerate(texts)]
    half = len(numbered) // 2
    drawn, whole = (
        sampled_texts(
            numbered[:half],
            numbered[half:],
            most_texts=most_texts,
            most_characters=most,
            seed=seed,
        )
        for most in (most_characters, 10**6)
    )
    assert sum(map(len, drawn)) <= most_characters or len(drawn) == 1
    assert list(drawn) == [text for text in whole if text in drawn]
    if len(drawn) < len(whole):
        # No further text of the same length would fit.
        assert sum(map(len, drawn)) + 11 > most_characters
    assert bool(drawn) == bool(numbered)


def test_long_texts_in_files_are_not_all_in_memory(tmp_path: Path) -> None:
    path, length, texts = tmp_path / "long.txt", 10_000, 400
    path.write_text("".join(f"{n:04}{'x' * length}\n" for n in range(texts)), "utf-8")
    parts, most = open_texts([path]), 20 * length
    shuffled = parts.select(np.random.default_rng(0).permutation(texts))
    tracemalloc.start()
    try:
        drawn = sampled_texts(shuffled, most_texts=texts, most_characters=most, seed=0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 15 * length < sum(map(len, drawn)) <= most
    assert peak < texts * length
    assert drawn == sampled_texts(
        shuffled.in_memory(), most_texts=texts, most_characters=most, seed=0
    )


def test_words_and_vectors_are_found_on_no_more_texts() -> None:
    config = VectorTrainingConfig(dim=2, epochs=1, most_texts=20)
    texts = [f"word{n} same same" for n in range(60)]
    tokenizer, vectors = train_vectors_on_texts(texts, "whitespace", config=config, min_count=1)
    assert len(tokenizer.vocabulary.tokens) == len(vectors.tokens) == 21
    with pytest.raises(InvalidInputError, match=r"`most_texts` must be a positive integer"):
        VectorTrainingConfig(most_texts=0)


def test_words_are_found_on_no_more_characters() -> None:
    config = VectorTrainingConfig(dim=2, epochs=1, most_characters=200)
    texts = [f"word{n} same same" for n in range(10, 60)]
    tokenizer, _ = train_vectors_on_texts(texts, "whitespace", config=config, min_count=1)
    assert len(tokenizer.vocabulary.tokens) == 1 + 200 // len(texts[0])
    with pytest.raises(InvalidInputError, match=r"`most_characters` must be a positive integer"):
        VectorTrainingConfig(most_characters=0)
