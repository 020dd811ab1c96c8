import gzip
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import pytest

from lstm_sentiment import InvalidInputError, Vocabulary, WordVectors, load_word_vectors
from lstm_sentiment.progress import Advance, SilentProgress

TOKENS = ("的", "房间", "New York", "a")
MATRIX = np.array([[1, 2], [-0.5, 3e-3], [0, 1], [7, 8]], np.float32)
BODY = "".join(f"{t} {v[0]} {v[1]}\n" for t, v in zip(TOKENS, MATRIX, strict=True))


def write(path: Path, content: str | bytes) -> Path:
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("name", ["v.txt", "v.vec", "v.txt.gz"])
@pytest.mark.parametrize("header", ["", "4 2\n"])
def test_word2vec_and_glove_text_plain_and_gzipped(tmp_path: Path, name: str, header: str) -> None:
    vectors = load_word_vectors(write(tmp_path / name, header + BODY))
    assert vectors.tokens == TOKENS
    assert np.array_equal(vectors.matrix, MATRIX)
    assert vectors.matrix.dtype == np.float32


@pytest.mark.parametrize("name", ["v.txt", "v.txt.gz"])
def test_progress_counts_the_bytes_of_the_file(tmp_path: Path, name: str) -> None:
    class Bytes(SilentProgress):
        total = done = 0

        def step(self, description: str, total: int) -> AbstractContextManager[Advance]:
            self.total = total
            return nullcontext(self.advance)

        def advance(self, steps: int = 1, *, status: str = "") -> None:
            self.done += steps

    path = write(tmp_path / name, "".join(f"w{i} {i} 1\n" for i in range(2_500)))
    counted = Bytes()
    load_word_vectors(path, progress=counted)
    assert counted.done == counted.total == path.stat().st_size


def test_of_a_repeated_token_the_first_is_kept(tmp_path: Path) -> None:
    vectors = load_word_vectors(write(tmp_path / "v.txt", "a 1 2\nb 3 4\na 5 6\n"))
    assert vectors.tokens == ("a", "b")
    assert vectors.matrix.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("3 2\na 1 2\nb 1\n", r":3: a row must hold a token and 2 numbers\. Received: 1"),
        ("a 1 2\nb 1 2 3\n", r":2: a row must hold a token and 2 numbers\. Received: 3"),
        ("a 1 2\nb 1 x\n", r":2: vectors must be numbers"),
        ("a 1 2\nb 1 nan\n", r":2: vectors must be finite"),
        ("a 1 2\n 1 2\n", r":2: a row must begin with a token"),
        ("3 2\n", r"must hold at least one vector"),
        ("", r"must hold at least one vector"),
        (b"1 2\na \x9f\x00\x01\x80\n", r":2: must be UTF-8 text"),
    ],
)
def test_a_malformed_row_is_told_by_its_line(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    path = write(tmp_path / "v.txt", content)
    with pytest.raises(InvalidInputError, match=message) as raised:
        load_word_vectors(path)
    assert str(raised.value).startswith(str(path))


def test_a_truncated_gzip_and_a_missing_file(tmp_path: Path) -> None:
    path = write(tmp_path / "v.txt.gz", BODY * 500)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InvalidInputError, match=r"v\.txt\.gz: cannot be read"):
        load_word_vectors(path)
    with pytest.raises(InvalidInputError, match=r"none: cannot be read: No such file"):
        load_word_vectors(tmp_path / "none")


def test_rows_of_the_embedding_matrix_follow_the_vocabulary() -> None:
    vocabulary = Vocabulary(["a", "unseen", "的"])
    matrix = WordVectors(TOKENS, MATRIX).embedding_matrix(vocabulary)
    assert matrix.shape == (5, 2)
    assert matrix[0].tolist() == [0, 0]
    assert matrix[2].tolist() == [7, 8]
    assert matrix[4].tolist() == [1, 2]
    assert matrix[1].any()
    assert matrix[3].any()


def test_a_vector_for_oov_fills_its_row() -> None:
    vectors = WordVectors(("[OOV]", "a"), np.array([[1, 2], [3, 4]], np.float32))
    assert vectors.embedding_matrix(Vocabulary(["a"])).tolist() == [[0, 0], [1, 2], [3, 4]]


def test_the_real_vectors(real_data: Path) -> None:
    vectors = load_word_vectors(real_data / "chinese_word_vectors_100d.txt.gz")
    assert vectors.matrix.shape == (100_000, 100)
    assert len(vectors.tokens) == 100_000
