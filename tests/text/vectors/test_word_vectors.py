from collections.abc import Sequence

import numpy as np
import pytest

from lstm_sentiment import Vocabulary, WordVectors

TOKENS = ("的", "房间", "New York", "a")
MATRIX = np.array([[1, 2], [-0.5, 3e-3], [0, 1], [7, 8]], np.float32)


def test_rows_of_the_embedding_matrix_follow_the_vocabulary() -> None:
    vocabulary = Vocabulary(["a", "unseen", "的"])
    matrix = WordVectors(TOKENS, MATRIX).embedding_matrix(vocabulary)
    assert matrix.shape == (5, 2)
    assert matrix[0].tolist() == [0, 0]
    assert matrix[2].tolist() == [7, 8]
    assert matrix[4].tolist() == [1, 2]
    assert matrix[1].any()
    assert matrix[3].any()


def test_tokens_without_vector_take_that_of_one_spelled_the_same() -> None:
    vocabulary = Vocabulary(["NEW YORK", "a", "A", "x"])
    vectors = WordVectors(TOKENS, MATRIX)

    def spell(tokens: Sequence[str]) -> list[str]:
        return [token.lower() for token in tokens]

    matrix = vectors.embedding_matrix(vocabulary, spell=spell)
    assert matrix[2:5].tolist() == [[0, 1], [7, 8], [7, 8]]
    assert vectors.ids_without_vector(vocabulary, spell=spell) == [1, 5]
    assert vectors.ids_without_vector(vocabulary) == [1, 2, 4, 5]


def test_of_vectors_spelled_the_same_the_first_is_taken() -> None:
    vectors = WordVectors(("New", "NEW"), np.array([[1], [2]], np.float32))
    matrix = vectors.embedding_matrix(Vocabulary(["new"]), spell=lambda ts: [t.lower() for t in ts])
    assert matrix[2].tolist() == [1]


def test_drawn_rows_are_as_wide_as_the_vectors_and_the_seed_decides_them() -> None:
    vectors = WordVectors(TOKENS, MATRIX)
    vocabulary = Vocabulary(f"w{i}" for i in range(2_000))
    drawn = vectors.embedding_matrix(vocabulary)
    np.testing.assert_allclose(drawn[2:].std(), MATRIX.std(), rtol=0.05)
    assert np.array_equal(drawn, vectors.embedding_matrix(vocabulary))
    assert not np.array_equal(drawn, vectors.embedding_matrix(vocabulary, seed=1))


def test_the_vocabulary_of_vectors_holds_no_oov() -> None:
    matrix = np.zeros((3, 1), np.float32)
    assert WordVectors(("b", "[OOV]", "a"), matrix).vocabulary().tokens == ("b", "a")


@pytest.mark.parametrize("name", ["[OOV]", "<unk>", "[UNK]", "<UNK>"])
def test_the_vector_of_unknown_tokens_has_many_names(name: str) -> None:
    vectors = WordVectors(("a", name), np.array([[3, 4], [1, 2]], np.float32))
    assert vectors.embedding_matrix(Vocabulary(["a"])).tolist() == [[0, 0], [1, 2], [3, 4]]
    assert vectors.ids_without_vector(Vocabulary(["a"])) == []
