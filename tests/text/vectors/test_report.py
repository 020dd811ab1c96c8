from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_sentiment import (
    InvalidInputError,
    UnigramTokenizer,
    Vocabulary,
    WordVectors,
    describe_vectors,
    nearest_neighbours,
)
from lstm_sentiment.text.vectors import report as vector_report


def made(*tokens: str) -> WordVectors:
    """A vector of its own direction for each token."""
    return WordVectors(tokens, np.eye(len(tokens), dtype=np.float32))


def drawn(count: int, dim: int = 6) -> WordVectors:
    generator = np.random.default_rng(0)
    matrix = generator.normal(0, 1, (count, dim)).astype(np.float32)
    return WordVectors(tuple(f"w{i}" for i in range(count)), matrix)


ROOM = WordVectors(
    ("房间", "很", "干净", "脏"), np.array([[3, 4], [0, 0], [0, 2], [0, 0.5]], np.float32)
)


def test_lengths_and_zero_vectors() -> None:
    report = describe_vectors(ROOM)
    assert (report.count, report.dim, report.zero_vectors) == (4, 2, 1)
    assert (report.norm_min, report.norm_max) == (0, 5)
    assert report.norm_median == pytest.approx(1.25)
    assert report.norm_mean == pytest.approx(1.875)
    assert (report.tokens, report.token_coverage, report.missing) == (None, None, None)


def test_long_vectors_do_not_overflow() -> None:
    report = describe_vectors(WordVectors(("a",), np.full((1, 4), 1e30, np.float32)))
    assert report.norm_max == pytest.approx(2e30)


def test_coverage_of_words_between_spaces() -> None:
    vectors = made("room", "is", "bad", "never seen")
    texts = ["The room is", "the bad!"]
    report = describe_vectors(vectors, texts=texts, tokenizer="whitespace")
    assert (report.tokenizer, report.tokens, report.types) == ("whitespace", 6, 5)
    assert report.token_coverage == pytest.approx(3 / 6)
    assert report.type_coverage == pytest.approx(3 / 5)
    assert report.missing == (("the", 2), ("!", 1))


def test_coverage_of_characters() -> None:
    report = describe_vectors(made("很", "好"), texts=["很好 很差"], tokenizer="characters")
    assert (report.tokens, report.types, report.missing) == (4, 3, (("差", 1),))
    assert report.token_coverage == pytest.approx(3 / 4)


def test_texts_without_spaces_are_cut_by_the_vectors_own_words() -> None:
    report = describe_vectors(ROOM, texts=["房间很干净", "服务很差", "", "服务很干净"])
    assert report.tokenizer == "unigram"
    assert report.missing == (("服务", 2), ("差", 1))
    assert (report.tokens, report.types) == (9, 5)
    assert report.token_coverage == pytest.approx(6 / 9)
    assert report.type_coverage == pytest.approx(3 / 5)


def test_all_is_covered() -> None:
    report = describe_vectors(ROOM, texts=["房间很脏"])
    assert (report.token_coverage, report.type_coverage, report.missing) == (1, 1, ())


def test_a_spelling_counts_that_the_tokenizer_takes_for_the_same() -> None:
    report = describe_vectors(made("Room", "Good"), texts=["room GOOD"], tokenizer="whitespace")
    assert report.token_coverage == 1


def test_a_tokenizer_lends_its_rule_and_not_its_words() -> None:
    tokenizer = UnigramTokenizer(Vocabulary(["房间很", "干净"]))
    report = describe_vectors(ROOM, texts=["房间很干净"], tokenizer=tokenizer)
    assert (report.tokens, report.missing) == (3, ())


def test_the_row_of_rare_words_is_no_word() -> None:
    report = describe_vectors(made("[OOV]", "a"), texts=["[OOV] a"], tokenizer="unigram")
    assert report.missing == (("[OOV]", 1),)


def test_only_the_most_frequent_missing_tokens_are_listed() -> None:
    texts = [" ".join(["x"] + [f"w{i}"] * (i + 1)) for i in range(30)]
    report = describe_vectors(made("x"), texts=texts, tokenizer="whitespace")
    assert report.missing is not None
    assert list(report.missing) == [(f"w{i}", i + 1) for i in range(29, 9, -1)]
    assert report.type_coverage == pytest.approx(1 / 31)


@pytest.mark.parametrize("texts", [[], ["", " \n"]])
def test_texts_without_a_token(texts: list[str]) -> None:
    with pytest.raises(InvalidInputError, match=rf"one token. Received: {len(texts)} texts"):
        describe_vectors(ROOM, texts=texts)


def test_neighbours_by_cosine_the_nearest_first() -> None:
    vectors = drawn(50)
    unit = vectors.matrix / np.linalg.norm(vectors.matrix, axis=1, keepdims=True)
    cosines = unit @ unit[7]
    order = [i for i in np.argsort(-cosines) if i != 7]
    near = nearest_neighbours(vectors, "w7", 5)
    assert [token for token, _ in near] == [f"w{i}" for i in order[:5]]
    assert [cosine for _, cosine in near] == pytest.approx(cosines[order[:5]], abs=1e-6)
    assert len(nearest_neighbours(vectors, "w7", 100)) == 49


def test_length_does_not_make_a_neighbour_and_zero_vectors_are_none() -> None:
    near = nearest_neighbours(ROOM, "房间")
    assert [token for token, _ in near] == ["干净", "脏"]
    assert [cosine for _, cosine in near] == pytest.approx([0.8, 0.8])
    with pytest.raises(InvalidInputError, match="'很' has a vector of zeros"):
        nearest_neighbours(ROOM, "很")


def test_a_memory_mapped_matrix_is_read_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = drawn(50)
    np.save(tmp_path / "m.npy", whole.matrix)
    parts: list[int] = []

    class Recorded(np.memmap[Any, Any]):
        """A mapped matrix that records how many rows are read at once."""

        def __getitem__(self, index: Any) -> Any:
            rows = super().__getitem__(index)
            if isinstance(index, slice):
                parts.append(len(rows))
            return rows

    matrix = np.load(tmp_path / "m.npy", mmap_mode="r").view(Recorded)
    mapped = WordVectors(whole.tokens, matrix)
    expected = describe_vectors(whole), nearest_neighbours(whole, "w7", 49)
    monkeypatch.setattr(vector_report, "BYTES_AT_ONCE", 7 * 4 * whole.dim)
    assert describe_vectors(mapped) == expected[0]
    near = nearest_neighbours(mapped, "w7", 49)
    assert [token for token, _ in near] == [token for token, _ in expected[1]]
    assert parts == [7] * 7 + [1] + [7] * 7 + [1]


@pytest.mark.parametrize(
    ("token", "meant"),
    [
        ("HOTEL", "hotel"),
        ("wifi", "WIFI"),
        ("hotle", "hotel"),
        ("酒店们", "酒店"),
        ("大酒店", "酒店"),
    ],
)
def test_an_unknown_word_names_those_spelled_alike(token: str, meant: str) -> None:
    vectors = made("hotel", "WIFI", "酒店", "房间", *(f"{n}" for n in range(50)))
    with pytest.raises(InvalidInputError, match=rf"{token}.*Did you mean '{meant}'\?"):
        nearest_neighbours(vectors, token)


def test_an_unknown_word_that_resembles_none() -> None:
    with pytest.raises(InvalidInputError, match=r"Received: 'xyz', which has none\.$"):
        nearest_neighbours(ROOM, "xyz")


def test_no_neighbours_asked_for() -> None:
    with pytest.raises(InvalidInputError, match="count=0"):
        nearest_neighbours(ROOM, "脏", 0)
