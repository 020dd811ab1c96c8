import gzip
import os
import re
import subprocess
import sys
import tracemalloc
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lstm_sentiment import (
    InvalidInputError,
    Vocabulary,
    WordVectors,
    load_word_vectors,
    save_word_vectors,
)
from lstm_sentiment.progress import Advance, SilentProgress
from lstm_sentiment.text.vectors import binary as vector_binary
from lstm_sentiment.text.vectors import plain_text as vector_text
from tests import strategies

TOKENS = ("的", "房间", "12", "a")
MATRIX = np.array([[1, 2], [-0.5, 3e-3], [0, 1], [7, 8]], np.float32)


def text_rows(tokens: Sequence[str], matrix: NDArray[np.float32], end: str = "\n") -> bytes:
    @cache  # a large file is made of few different rows
    def spelled(row: bytes) -> str:
        return " ".join(map(repr, np.frombuffer(row, matrix.dtype).tolist()))

    rows = zip(tokens, matrix, strict=True)
    return "".join(f"{t} {spelled(row.tobytes())}{end}" for t, row in rows).encode()


def binary_rows(tokens: Sequence[str], matrix: NDArray[np.float32], end: bytes = b"") -> bytes:
    rows = zip(tokens, matrix.astype("<f4"), strict=True)
    return b"".join(t.encode() + b" " + row.tobytes() + end for t, row in rows)


def header(matrix: NDArray[np.float32]) -> bytes:
    return f"{matrix.shape[0]} {matrix.shape[1]}\n".encode()


FORMS: dict[str, Callable[[Sequence[str], NDArray[np.float32]], bytes]] = {
    "word2vec text": lambda t, m: header(m) + text_rows(t, m),
    "word2vec text, CR LF": lambda t, m: header(m)[:-1] + b"\r\n" + text_rows(t, m, "\r\n"),
    "word2vec text, byte order mark": lambda t, m: b"\xef\xbb\xbf" + header(m) + text_rows(t, m),
    "GloVe": text_rows,
    "GloVe, byte order mark": lambda t, m: b"\xef\xbb\xbf" + text_rows(t, m),
    "GloVe, no line feed at the end": lambda t, m: text_rows(t, m)[:-1],
    "fastText": lambda t, m: header(m) + text_rows(t, m, " \n"),
    "gensim binary": lambda t, m: header(m) + binary_rows(t, m),
    "C binary": lambda t, m: header(m) + binary_rows(t, m, b"\n"),
}
HEADERS = [name for name in FORMS if "GloVe" not in name]


class Watched(SilentProgress):
    def __init__(self) -> None:
        self.description, self.total, self.done = "", 0, 0
        self.said: list[str] = []

    def step(self, description: str, total: int) -> AbstractContextManager[Advance]:
        self.description, self.total = description, total
        return nullcontext(self.advance)

    def advance(self, steps: int = 1, *, status: str = "") -> None:
        assert steps >= 0
        self.done += steps

    def say(self, message: str) -> None:
        self.said.append(message)


ADVICE = " (Such rows are left out with `bad_rows` set to `skip`.)"


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refusal(path: Path, **options: Any) -> str:
    """The message without the path that it begins with and the advice that may end it."""
    with pytest.raises(InvalidInputError) as raised:
        load_word_vectors(path, **options)
    message = str(raised.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message.removeprefix(str(path)).removesuffix(ADVICE)


def outcome(path: Path, **options: Any) -> tuple[object, ...]:
    """All that a user can see of a load: the vectors, or the error."""
    watched = Watched()
    try:
        vectors = load_word_vectors(path, progress=watched, **options)
    except InvalidInputError as error:
        message = str(error)
        assert message.startswith(str(path))
        assert "\n" not in message
        return (message,)
    assert vectors.matrix.dtype == np.float32
    assert len(vectors.matrix) == len(Vocabulary(vectors.tokens).tokens)
    assert watched.done == watched.total == path.stat().st_size
    return vectors.tokens, vectors.matrix.tobytes(), *watched.said


def set_block_bytes(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(vector_text, "BLOCK_BYTES", count)
    monkeypatch.setattr(vector_binary, "BLOCK_BYTES", count)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vectors")


@pytest.fixture(scope="module", autouse=True)
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


# Reading


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzipped"])
def test_every_form_is_told_by_its_content(
    tmp_path: Path, form: str, compress: Callable[[bytes], bytes]
) -> None:
    path = write(tmp_path / "vectors", compress(FORMS[form](TOKENS, MATRIX)))
    vectors = load_word_vectors(path)
    assert vectors.tokens == TOKENS
    assert np.array_equal(vectors.matrix, MATRIX)
    assert vectors.matrix.dtype == np.float32


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("name", ["v", "v.gz"])
def test_what_gensim_writes(tmp_path: Path, name: str, binary: bool) -> None:
    matrix = np.random.default_rng(0).normal(size=(500, 30)).astype(np.float32)
    theirs = KeyedVectors(30)
    theirs.add_vectors([f"词{i}" for i in range(500)], matrix)
    theirs.save_word2vec_format(str(tmp_path / name), binary=binary)
    vectors = load_word_vectors(tmp_path / name)
    assert vectors.tokens == tuple(theirs.index_to_key)
    assert np.array_equal(vectors.matrix, theirs.vectors)


@pytest.mark.parametrize("form", ["word2vec text", "fastText"])
def test_tokens_in_text_may_hold_spaces_and_keep_those_of_other_scripts(
    tmp_path: Path, form: str
) -> None:
    tokens = ("New York", "a\u00a0b", "c\u3000d", ". . .", "\x85\u2028", "3 a", "nan", "-1.5")
    matrix = np.arange(16, dtype=np.float32).reshape(8, 2)
    vectors = load_word_vectors(write(tmp_path / "v", FORMS[form](tokens, matrix)))
    assert vectors.tokens == tokens
    assert np.array_equal(vectors.matrix, matrix)


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    assert load_word_vectors(write(tmp_path / "v", "2 1\n\na 1\n  \nb 2\n\n")).tokens == ("a", "b")
    assert load_word_vectors(write(tmp_path / "w", "\na 1 3\nb 2 4\n")).tokens == ("a", "b")


number_texts = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(width=32, allow_nan=False, allow_infinity=False).map("{:.9g}".format),
    st.floats(-10, 10).map("{:.6f}".format),
    st.floats(-10, 10).map("{:+.3E}".format),
    st.from_regex(
        r"[+-]?([0-9]{1,25}\.?|[0-9]{0,20}\.[0-9]{1,20})([eE][+-]?[0-9]{1,2})?", fullmatch=True
    ),
    st.sampled_from(["1_000", "\t1", "1\x0b", ".5", "5.", "00012", "-0", "1e-400", "1e39"]),
)


@given(st.lists(number_texts, min_size=1, max_size=30))
def test_numbers_are_what_python_reads_rounded_to_float32(folder: Path, texts: list[str]) -> None:
    path = write(folder / "numbers", "".join(f"t{i} {t} 0\n" for i, t in enumerate(texts)))
    with np.errstate(over="ignore"):
        expected = np.array([float(t) for t in texts]).astype(np.float32)
    if not np.isfinite(expected).all():
        line = int(np.isfinite(expected).argmin()) + 1
        assert refusal(path).startswith(f":{line}: vectors must be finite")
    else:
        assert load_word_vectors(path).matrix[:, 0].tobytes() == expected.tobytes()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("block_bytes", [1, 2, 3, 5, 8, 13, 64])
def test_rows_may_span_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, block_bytes: int
) -> None:
    set_block_bytes(monkeypatch, block_bytes)
    path = write(tmp_path / "v", FORMS[form](TOKENS, MATRIX))
    vectors = load_word_vectors(path)
    assert vectors.tokens == TOKENS
    assert np.array_equal(vectors.matrix, MATRIX)
    assert load_word_vectors(path, limit=3).tokens == TOKENS[:3]


def test_progress_counts_the_bytes_of_the_file(tmp_path: Path) -> None:
    content = b"".join(b"w%d %d 1\n" % (i, i) for i in range(40_000))
    for name, data in {"v.txt": content, "v.txt.gz": gzip.compress(content)}.items():
        path = write(tmp_path / name, data)
        for limit in (None, 10):
            watched = Watched()
            load_word_vectors(path, limit=limit, progress=watched)
            assert watched.description == f"Reading {name}"
            assert watched.done == watched.total == path.stat().st_size
            assert watched.said == []


def test_the_real_vectors(real_data: Path) -> None:
    vectors = load_word_vectors(real_data / "chinese_word_vectors_100d.txt.gz")
    assert vectors.matrix.shape == (100_000, 100)
    assert len(vectors.tokens) == 100_000


# Some of the rows


@pytest.mark.parametrize("form", FORMS)
def test_limit_takes_the_first_rows_and_looks_no_further(tmp_path: Path, form: str) -> None:
    content = FORMS[form](TOKENS, MATRIX) + b"\nbroken"
    path = write(tmp_path / "v", content)
    vectors = load_word_vectors(path, limit=2)
    assert vectors.tokens == TOKENS[:2]
    assert np.array_equal(vectors.matrix, MATRIX[:2])
    whole = write(tmp_path / "w", FORMS[form](TOKENS, MATRIX))
    assert load_word_vectors(whole, limit=100).tokens == TOKENS


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "only", [{"12", "房间", "?"}, ["12", "房间"], Vocabulary(["12", "房间"]), {"12": 0, "房间": 1}]
)
def test_only_keeps_the_wanted_rows_in_the_files_order(
    tmp_path: Path, form: str, only: Any
) -> None:
    path = write(tmp_path / "v", FORMS[form](TOKENS, MATRIX))
    vectors = load_word_vectors(path, only=only)
    assert vectors.tokens == ("房间", "12")
    assert np.array_equal(vectors.matrix, MATRIX[1:3])
    assert load_word_vectors(path, only=only, limit=1).tokens == ("房间",)


def test_rows_that_are_not_wanted_are_not_looked_at(tmp_path: Path) -> None:
    rows = b"a 1 2\nb x y\nc 1\na\xff 1 2\nd 1 2 3\nb 1 2\nNew York 3 4\ne nan 1\n"
    path = write(tmp_path / "v", rows)
    vectors = load_word_vectors(path, only={"a", "New York"})
    assert vectors.tokens == ("a", "New York")
    assert refusal(path, only={"a", "d"}).startswith(":5: a row must hold a token and 2 numbers")
    assert refusal(path, only={"a", "b"}).startswith(":2: vectors must be numbers")
    assert load_word_vectors(path, only={"a", "New"}).tokens == ("a",)
    binary = b"4 1\n" + binary_rows(["a", "b", "b", "c"], np.array([[1], [np.nan], [2], [3]]))
    vectors = load_word_vectors(write(tmp_path / "b", binary), only={"a", "c"})
    assert vectors.matrix.tolist() == [[1], [3]]


def test_only_of_which_nothing_occurs(tmp_path: Path) -> None:
    for form in ("GloVe", "gensim binary"):
        path = write(tmp_path / "v", FORMS[form](TOKENS, MATRIX))
        assert "must hold at least one of the tokens in `only`" in refusal(path, only={"x"})
    save_word_vectors(WordVectors(TOKENS, MATRIX), tmp_path / "v.npy")
    assert "at least one of the tokens in `only`" in refusal(tmp_path / "v.npy", only={"x"})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": 0}, r"`limit` must be a positive integer\. Received: limit=0\."),
        ({"limit": -1}, r"`limit` must be"),
        ({"limit": 1.5}, r"`limit` must be"),
        ({"bad_rows": "ignore"}, r"`bad_rows` must be 'refuse' or 'skip'\. Received: bad_rows='ig"),
        ({"only": "的房间"}, r"`only` must be a collection of tokens"),
    ],
)
def test_arguments_that_break_a_rule(tmp_path: Path, options: Any, message: str) -> None:
    path = write(tmp_path / "v", text_rows(TOKENS, MATRIX))
    with pytest.raises(InvalidInputError, match=message):
        load_word_vectors(path, **options)


# Files that are wrong

ROWS = b"a 1 2\nb 3 4\n"
BINARY = b"3 2\n" + binary_rows("abc", np.ones((3, 2), np.float32))


@pytest.mark.parametrize("end", [b"\nc 5 6\n", b""], ids=["", "last"])
@pytest.mark.parametrize("first", [b"3 2\n", b""], ids=["header", "no header"])
@pytest.mark.parametrize(
    ("row", "message"),
    [
        (b"x 1", "a row must hold a token and 2 numbers. Received: 1 numbers."),
        (b"x", "a row must hold a token and 2 numbers. Received: 0 numbers."),
        (b"x 1 2 3", "a row must hold a token and 2 numbers. Received: 3 numbers."),
        (b"x 1 y", "vectors must be numbers. Received: 'y'."),
        (b"x 1\xc2\xa0 2", r"vectors must be numbers. Received: '1\xa0'."),
        (b"x 1\xa0 2", r"vectors must be numbers. Received: '1\\xa0'."),
        (b"x 1\x1c 2", r"vectors must be numbers. Received: '1\x1c'."),
        (b"\t", "a row must hold a token and 2 numbers. Received: 0 numbers."),
        (b"x 1-2 3", "vectors must be numbers. Received: '1-2'."),
        (b"x  1", "a row must hold a token and 2 numbers. Received: 1 numbers."),
        (b"x 0x1p3 1", "vectors must be numbers. Received: '0x1p3'."),
        (b"x 1 nan", "vectors must be finite. Received: the vector of 'x'."),
        (b"x -inf 1", "vectors must be finite. Received: the vector of 'x'."),
        (b"x 1 1e39", "vectors must be finite. Received: the vector of 'x'."),
        (b"x 1 1e999", "vectors must be finite. Received: the vector of 'x'."),
        (b" 1 2", "tokens must not be empty. Received: ''."),
        (b"x\xff 1 2", r"tokens must be UTF-8. Received: 'x\\xff'."),
        (b"x\ry 1 2", r"tokens must be on one line. Received: 'x\ry'."),
        (b"b 1 2", "tokens must be distinct (line LINE has this one). Received: 'b'."),
    ],
)
def test_a_malformed_row_is_told_by_its_line_or_skipped(
    tmp_path: Path, first: bytes, row: bytes, end: bytes, message: str
) -> None:
    lines = first.count(b"\n")
    first = first and b"%d 2\n" % (4 if end else 3)
    path = write(tmp_path / "v", first + ROWS + row + end)
    message = message.replace("LINE", str(lines + 2))
    assert refusal(path) == f":{lines + 3}: {message}"
    watched = Watched()
    vectors = load_word_vectors(path, bad_rows="skip", progress=watched)
    assert vectors.tokens == (("a", "b", "c") if end else ("a", "b"))
    assert vectors.matrix[-1].tolist() == ([5, 6] if end else [3, 4])
    assert watched.said == [f"v: 1 malformed row was left out: line {lines + 3}: {message}"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", ": must hold at least one vector. Received: none."),
        (b"\n\n", ": must hold at least one vector. Received: none."),
        (b"3 2\n", ": must hold at least one vector. Received: none."),
        (b"3 2", ": must hold at least one vector. Received: none."),
        (b"3 2\n" + ROWS, ":1: the header must give the number of rows, 2. Received: 3."),
        (b"1 2\n" + ROWS, ":1: the header must give the number of rows, 2. Received: 1."),
        (b"2 0\na\nb\n", ":1: the header must give a width from 1 to 1,000,000. Received: 0."),
        (b"2 1000000000000\n" + ROWS, ":1: the header must give a width from 1 to 1,000,000."),
        (b"2 3\n" + ROWS, ":1: the header must give the width of the rows, 2. Received: 3."),
        (b"1 3\na 1 2\n", ":2: a row must hold a token and 3 numbers. Received: 2 numbers."),
        (b"word\n", ":1: a row must hold a token and from 1 to 1,000,000 numbers. Received: 0"),
        (b"some,text\nin lines\n", ":1: a row must hold a token and"),
        (b"The first line\nis text\n", ":1: vectors must be numbers. Received: 'first'."),
        (b"x " + b"y" * 99 + b"\n", f":1: vectors must be numbers. Received: '{'y' * 40}...'."),
        (
            BINARY[:-1],
            ": row 3: a row must hold a token, a space and 8 bytes. Received: the file's",
        ),
        (
            BINARY[:-9],
            ": row 3: a row must hold a token, a space and 8 bytes. Received: the file's",
        ),
        (BINARY[:-10], ":1: the header must give the number of rows, 2. Received: 3."),
        (BINARY + b"\n", None),
        (BINARY + b"d", ":1: the header must give the number of rows, 4. Received: 3."),
        (BINARY + b"d " + bytes(8), ":1: the header must give the number of rows, 4. Received: 3."),
        (BINARY.replace(b"b ", b"a "), ": row 2: tokens must be distinct (row 1 has this one)."),
        (BINARY.replace(b"b ", b"\xe7 "), r": row 2: tokens must be UTF-8. Received: '\\xe7'."),
        (BINARY.replace(b"b ", b" "), ": row 2: tokens must not be empty. Received: ''."),
        (BINARY.replace(b"b ", b"b\rc "), ": row 2: tokens must be on one line."),
        (BINARY.replace(b"b ", b"b\nc "), ": row 2: tokens must be on one line."),
        (BINARY[:-4] + b"\0\0\x80\x7f", ": row 3: vectors must be finite. Received: the vector of"),
        (b"2 2\n" + b"\0" * 99_999, ": row 1: a token must be at most 65,536 bytes long."),
        (b"\xba\x16\x4f\x2f\x0c" + bytes(99), ": must be word vectors. Received: a fastText model"),
    ],
)
@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzipped"])
def test_a_file_that_is_wrong_is_told_in_one_line(
    tmp_path: Path, content: bytes, message: str | None, compress: Callable[[bytes], bytes]
) -> None:
    path = write(tmp_path / "v", compress(content))
    if message is None:
        load_word_vectors(path)
    else:
        assert refusal(path).startswith(message)


def test_skipped_rows_are_told_once_with_the_first_three_places(tmp_path: Path) -> None:
    path = write(tmp_path / "v.txt", "9 1\na 1\nb x\na 2\nc\nd nan\ne 5\n")
    watched = Watched()
    vectors = load_word_vectors(path, bad_rows="skip", progress=watched)
    assert vectors.tokens == ("a", "e")
    assert vectors.matrix.tolist() == [[1], [5]]
    assert watched.said == [
        "v.txt: The header gives 9 rows, there are 6. 4 malformed rows were left out: "
        "line 3: vectors must be numbers. Received: 'x'. "
        "line 4: tokens must be distinct (line 2 has this one). Received: 'a'. "
        "line 5: a row must hold a token and 1 numbers. Received: 0 numbers. ..."
    ]
    assert load_word_vectors(path, bad_rows="skip", limit=2).tokens == ("a", "e")
    assert load_word_vectors(path, bad_rows="skip", limit=1).tokens == ("a",)
    watched = Watched()
    load_word_vectors(write(tmp_path / "w", "a 1\nb 2\n"), bad_rows="skip", progress=watched)
    assert watched.said == []


def test_skipping_takes_what_there_is_of_a_truncated_file(tmp_path: Path) -> None:
    watched = Watched()
    path = write(tmp_path / "v", BINARY[:-1])
    vectors = load_word_vectors(path, bad_rows="skip", progress=watched)
    assert vectors.tokens == ("a", "b")
    assert "1 malformed row was left out: row 3: a row must hold" in watched.said[0]
    path = write(tmp_path / "v", BINARY[:-10])
    vectors = load_word_vectors(path, bad_rows="skip", progress=watched)
    assert watched.said[1] == "v: The header gives 3 rows, there are 2."
    longer = write(tmp_path / "v", BINARY + b"d " + bytes(8))
    assert load_word_vectors(longer, bad_rows="skip").tokens == ("a", "b", "c", "d")


def test_where_every_row_is_malformed_there_is_nothing_to_skip_to(tmp_path: Path) -> None:
    path = write(tmp_path / "v", "2 1\na x\nb nan\n")
    message = refusal(path, bad_rows="skip")
    assert message.startswith(": must hold at least one well-formed vector. Received: none.")
    assert "line 2: vectors must be numbers" in message


def test_a_headerless_file_gets_its_width_from_the_first_good_row(tmp_path: Path) -> None:
    path = write(tmp_path / "v", "some words first\na 1 2\nb 1 2 3\nc 3 4\n")
    vectors = load_word_vectors(path, bad_rows="skip")
    assert vectors.tokens == ("a", "c")


@pytest.mark.parametrize("bad_rows", ["refuse", "skip"])
def test_what_cannot_be_read_is_refused_either_way(tmp_path: Path, bad_rows: str) -> None:
    content = gzip.compress(b"".join(b"w%d %d\n" % (i, i * i) for i in range(9_999)))
    path = write(tmp_path / "v.gz", content[:-20])
    assert refusal(path, bad_rows=bad_rows).startswith(": cannot be read: ")
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 0xFF
    assert refusal(write(path, bytes(flipped)), bad_rows=bad_rows).startswith(": cannot be read: ")
    missing = refusal(tmp_path / "none", bad_rows=bad_rows)
    assert missing == ": cannot be read: No such file or directory."
    assert refusal(tmp_path, bad_rows=bad_rows) == ": cannot be read: Is a directory."


def test_lines_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_text, "LONGEST_LINE_BYTES", 1_000)
    path = write(tmp_path / "v", b"a 1 2\nb " + b"1" * 200_000)
    assert refusal(path) == ":2: a row must be at most 1,000 bytes long. Received: a longer one."
    monkeypatch.setattr(vector_text, "WIDEST_DIM", 5)
    path = write(tmp_path / "w", b"a" + b" 1" * 6 + b"\n")
    assert refusal(path).startswith(":1: a row must hold a token and from 1 to 5 numbers.")


@pytest.mark.parametrize(
    "content",
    [
        b"999999999999 100\na 1 2\n",
        b"999999999999999999 1000000\na 1\n",
        b"3 1000000\n" + bytes(1_000),
        b"999999999999999999 999999\na \x00\x01",
        b"\x93NUMPY\x01\x00\x76\x00"
        + b"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999999), }"
        + b" " * 35
        + b"\n",
    ],
)
@pytest.mark.parametrize("bad_rows", ["refuse", "skip"])
def test_a_lying_header_takes_no_memory(tmp_path: Path, content: bytes, bad_rows: str) -> None:
    path = write(tmp_path / "v", content)
    tracemalloc.start()
    try:
        refusal(path, bad_rows=bad_rows)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6_000_000


# Whatever the bytes are


def damaged(draw: st.DrawFn) -> bytes:
    """A valid file of any form with a few bytes changed, lost or added."""
    tokens = draw(st.lists(strategies.tokens, min_size=1, max_size=6, unique=True))
    dim = draw(st.integers(1, 4))
    numbers = st.floats(-10, 10, width=32)
    row = st.lists(numbers, min_size=dim, max_size=dim)
    rows = draw(st.lists(row, min_size=len(tokens), max_size=len(tokens)))
    matrix = np.array(rows, np.float32)
    form = draw(st.sampled_from([*FORMS, "compact"]))
    whole = compact(tokens, matrix) if form == "compact" else FORMS[form](tokens, matrix)
    order = draw(st.sampled_from(["plain", "compressed, then damaged", "damaged, then compressed"]))
    data = bytearray(gzip.compress(whole) if order.startswith("compressed") else whole)
    odd_bytes = st.one_of(st.sampled_from(b" \n\r\t\x000123456789.eE+-naif"), st.integers(0, 255))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["change", "insert", "cut", "drop"])):
            case "change" if place < len(data):
                data[place] = draw(odd_bytes)
            case "insert":
                data[place:place] = bytes(draw(st.lists(odd_bytes, min_size=1, max_size=4)))
            case "cut":
                del data[place:]
            case "drop":
                del data[place : place + draw(st.integers(1, 9))]
    return gzip.compress(bytes(data)) if order.endswith("compressed") else bytes(data)


def compact(tokens: Sequence[str], matrix: NDArray[np.float32]) -> bytes:
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {matrix.shape}, }}".ljust(117)
    end = "".join(f"{token}\n" for token in tokens).encode()
    return b"\x93NUMPY\x01\x00\x76\x00" + text.encode() + b"\n" + matrix.tobytes() + end


any_files = st.one_of(
    st.composite(damaged)(),
    st.binary(max_size=200),
    st.binary(max_size=60).map(lambda b: b"2 3\n" + b),
    st.text("a1 .e\n-", max_size=60).map(str.encode),
)
loads = st.fixed_dictionaries(
    {
        "bad_rows": st.sampled_from(["refuse", "skip"]),
        "limit": st.sampled_from([None, None, 1, 2]),
        "only": st.sampled_from([None, None, {"a", "1", "a a"}]),
    }
)


@settings(max_examples=200)
@given(any_files, loads)
def test_any_file_loads_or_is_refused(folder: Path, data: bytes, options: dict[str, Any]) -> None:
    assert outcome(write(folder / "any", data), **options)


@settings(max_examples=200)
@given(any_files, loads, st.integers(1, 9))
def test_neither_block_borders_nor_the_fast_way_change_what_a_file_holds(
    folder: Path, data: bytes, options: dict[str, Any], block_bytes: int
) -> None:
    path = write(folder / "any", data)
    usual = outcome(path, **options)
    with pytest.MonkeyPatch.context() as patch:
        set_block_bytes(patch, block_bytes)
        assert outcome(path, **options) == usual
    with pytest.MonkeyPatch.context() as patch:
        # NumPy refuses every block: each row is then parsed by itself.
        patch.setattr(np, "loadtxt", Mock(side_effect=ValueError))
        assert outcome(path, **options) == usual


# Memory


@pytest.fixture(scope="module")
def large() -> WordVectors:
    rows = np.random.default_rng(0).normal(0, 0.3, (100, 100)).round(6).astype(np.float32)
    tokens = tuple(chr(0x4E00 + i % 9_000) + chr(0x4E00 + i // 9_000) for i in range(30_000))
    return WordVectors(tokens, np.tile(rows, (300, 1)))


# Prints by how many bytes the resident memory grew while a file was loaded. tracemalloc counts an
# array twice while NumPy 2.5 resizes it, even if its bytes stay where they are.
PEAK = """
import re, sys
from pathlib import Path
from lstm_sentiment.text.vectors.files import load_word_vectors

def kibibytes(name):
    return int(re.search(name + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

before = kibibytes("VmRSS")
load_word_vectors(sys.argv[1])
print((kibibytes("VmHWM") - before) * 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.parametrize(
    ("form", "gzipped"),
    [("word2vec text", False), ("GloVe", True), ("gensim binary", False)],
)
def test_little_more_memory_than_the_matrix(
    tmp_path: Path, large: WordVectors, form: str, gzipped: bool
) -> None:
    data = FORMS[form](large.tokens, large.matrix)
    path = write(tmp_path / "v", gzip.compress(data, 1) if gzipped else data)
    ended = subprocess.run(
        [sys.executable, "-c", PEAK, path], capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) <= 1.5 * large.matrix.nbytes  # a copy would make it 2


# Writing

SUFFIXES = [".txt", ".vec", ".txt.gz", ".vec.gz", ".bin", ".bin.gz", ".npy", ".TXT"]
whole_tokens = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), min_size=1
)
spaced_tokens = st.lists(whole_tokens, min_size=1, max_size=3).map(" ".join)


@st.composite
def word_vectors(draw: st.DrawFn, tokens: st.SearchStrategy[str]) -> WordVectors:
    drawn = draw(st.lists(tokens, min_size=1, max_size=8, unique=True))
    dim = draw(st.integers(1, 5))
    numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)
    row = st.lists(numbers, min_size=dim, max_size=dim)
    rows = draw(st.lists(row, min_size=len(drawn), max_size=len(drawn)))
    return WordVectors(tuple(drawn), np.array(rows, np.float32))


def ends_in_number(token: str) -> bool:
    try:
        float(token.rpartition(" ")[2].encode())
    except ValueError:
        return False
    return " " in token


@pytest.mark.parametrize("suffix", [".bin", ".bin.gz"])
def test_numbers_whose_bytes_are_letters_are_numbers(tmp_path: Path, suffix: str) -> None:
    vectors = WordVectors(("0",), np.frombuffer(b"s4[Z", np.float32).reshape(1, 1))
    save_word_vectors(vectors, tmp_path / f"v{suffix}")
    loaded = load_word_vectors(tmp_path / f"v{suffix}")
    assert (loaded.tokens, loaded.matrix.tolist()) == (("0",), vectors.matrix.tolist())


@pytest.mark.parametrize(
    ("suffix", "tokens"),
    [
        (
            ".txt",
            st.one_of(strategies.tokens, spaced_tokens).filter(lambda t: not ends_in_number(t)),
        ),
        (".vec.gz", spaced_tokens.filter(lambda t: not ends_in_number(t))),
        (".bin", whole_tokens.filter(lambda t: " " not in t)),
        (".bin.gz", whole_tokens.filter(lambda t: " " not in t)),
        (".npy", spaced_tokens),
    ],
)
def test_what_is_saved_loads_bit_for_bit(
    folder: Path, suffix: str, tokens: st.SearchStrategy[str]
) -> None:
    @given(word_vectors(tokens))
    def check(vectors: WordVectors) -> None:
        try:
            save_word_vectors(vectors, folder / f"v{suffix}")
        except InvalidInputError as error:
            assert "must not end in a tab or space" in str(error)
            assert any(re.search(r"[\t ]$|\t|  ", token) for token in vectors.tokens)
            reject()
        loaded = load_word_vectors(folder / f"v{suffix}")
        assert loaded.tokens == vectors.tokens
        assert loaded.matrix.tobytes() == vectors.matrix.tobytes()
        del loaded

    check()


def test_text_holds_the_shortest_numbers(tmp_path: Path) -> None:
    matrix = np.array([[0.1, -0.0, 3.4028235e38], [1e-45, 16777216, 1 / 3]], np.float32)
    save_word_vectors(WordVectors(("New York", "的"), matrix), tmp_path / "v.txt")
    assert (tmp_path / "v.txt").read_text() == (
        "2 3\nNew York 0.1 -0.0 3.4028235e+38\n的 1e-45 1.6777216e+07 0.33333334\n"
    )


@pytest.mark.parametrize("name", ["v.txt", "v.vec.gz", "v.bin", "v.bin.gz"])
def test_gensim_reads_what_is_saved(tmp_path: Path, name: str) -> None:
    matrix = np.random.default_rng(0).normal(size=(3_000, 50)).astype(np.float32)
    tokens = tuple(f"词{i}" for i in range(3_000))
    save_word_vectors(WordVectors(tokens, matrix), tmp_path / name)
    theirs = KeyedVectors.load_word2vec_format(str(tmp_path / name), binary=".bin" in name)
    assert tuple(theirs.index_to_key) == tokens
    assert np.array_equal(theirs.vectors, matrix)


def test_equal_vectors_give_equal_files(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        save_word_vectors(WordVectors(TOKENS, MATRIX), tmp_path / f"a{suffix}")
        save_word_vectors(WordVectors(TOKENS, MATRIX), tmp_path / f"b{suffix}")
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_progress_counts_the_rows_written(tmp_path: Path, suffix: str) -> None:
    watched = Watched()
    vectors = WordVectors(tuple(map(str, range(40_000))), np.ones((40_000, 2), np.float32))
    save_word_vectors(vectors, tmp_path / f"v{suffix}", progress=watched)
    assert watched.description == f"Writing v{suffix}"
    assert watched.done == watched.total == 40_000


def test_the_compact_form_is_mapped_and_is_what_numpy_reads(tmp_path: Path) -> None:
    path = tmp_path / "v.npy"
    save_word_vectors(WordVectors(TOKENS, MATRIX), path)
    watched = Watched()
    vectors = load_word_vectors(path, progress=watched)
    assert isinstance(vectors.matrix, np.memmap)
    assert not vectors.matrix.flags.writeable
    assert vectors.tokens == TOKENS
    assert watched.done == watched.total == path.stat().st_size
    assert np.array_equal(np.load(path), MATRIX)
    assert np.array_equal(np.load(path, mmap_mode="r"), MATRIX)
    first = load_word_vectors(path, limit=2)
    assert isinstance(first.matrix, np.memmap)
    assert first.tokens == TOKENS[:2]
    assert np.array_equal(first.matrix, MATRIX[:2])
    some = load_word_vectors(path, only={"12", "的", "x"}, limit=2)
    assert not isinstance(some.matrix, np.memmap)
    assert some.tokens == ("的", "12")
    assert np.array_equal(some.matrix, MATRIX[[0, 2]])


def test_the_compact_form_may_be_replaced_while_it_is_mapped(tmp_path: Path) -> None:
    path = tmp_path / "v.npy"
    save_word_vectors(WordVectors(TOKENS, MATRIX), path)
    vectors = load_word_vectors(path)
    save_word_vectors(WordVectors(vectors.tokens, vectors.matrix * 2), path)
    assert np.array_equal(vectors.matrix, MATRIX)
    assert np.array_equal(load_word_vectors(path).matrix, MATRIX * 2)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            b"12\na\n",
            b"12\n",
            ": must hold 4 tokens after its matrix, a line feed after each. Rece",
        ),
        (b"12\na\n", b"12\na", "Received: 3 and a part of one."),
        (b"12\na\n", b"12\na\nb", "Received: 4 and a part of one."),
        (b"12\na\n", b"12\na\nb\n", "Received: 5."),
        (b"12\na\n", b"12\n\n", ": row 4: tokens must not be empty."),
        (b"12\na\n", b"12\na\r\n", ": row 4: tokens must be on one line."),
        (b"12\na\n", b"12\n\xff\n", ": row 4: tokens must be UTF-8. Received: byte 0xff."),
        (b"12\na\n", "12\n的\n".encode(), ": row 4: tokens must be distinct (row 1 has this one)."),
        (
            MATRIX.tobytes() + "的\n房间\n12\na\n".encode(),
            b"abc",
            ": must hold the whole matrix, 32",
        ),
        (b"<f4", b"<f8", ": must begin with a float32 (rows, dim) matrix in C order"),
        (b"False", b"True ", ": must begin with a float32 (rows, dim) matrix in C order"),
        (b"(4, 2)", b"(8,)  ", ": must begin with a float32 (rows, dim) matrix in C order"),
        (b"(4, 2)", b"(0, 2)", ": must hold at least one vector of one number. Received: 0 x 2."),
        (b"(4, 2)", b"(4, 0)", ": must hold at least one vector of one number. Received: 4 x 0."),
        (b"\x01\x00", b"\x02\x00", ": must begin with a float32 (rows, dim) matrix in C order"),
    ],
)
@pytest.mark.parametrize("bad_rows", ["refuse", "skip"])
def test_a_damaged_compact_file(
    tmp_path: Path, old: bytes, new: bytes, message: str, bad_rows: str
) -> None:
    path = tmp_path / "v.npy"
    save_word_vectors(WordVectors(TOKENS, MATRIX), path)
    data = path.read_bytes()
    assert data == compact(TOKENS, MATRIX)
    assert data.count(old) == 1
    found = refusal(write(path, data.replace(old, new)), bad_rows=bad_rows)
    assert message in found


def test_a_matrix_that_numpy_saved_and_a_gzipped_compact_file(tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", MATRIX)
    assert ": must hold 4 tokens after its matrix" in refusal(tmp_path / "m.npy")
    np.save(tmp_path / "m.npy", MATRIX.astype(np.float64))
    assert "must begin with a float32" in refusal(tmp_path / "m.npy")
    path = write(tmp_path / "v.npy", gzip.compress(compact(TOKENS, MATRIX)))
    assert ": the compact form must not be compressed" in refusal(path)


@pytest.mark.parametrize("name", ["v", "v.gz", "v.npy.gz", "v.npz", "v.csv", "vtxt", "bin"])
def test_another_suffix_is_refused_with_the_choices(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInputError, match=r"\.txt, \.vec or \.bin, .* or in \.npy") as raised:
        save_word_vectors(WordVectors(TOKENS, MATRIX), tmp_path / name)
    assert repr(name) in str(raised.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("tokens", "matrix", "name", "message"),
    [
        (["a", "a"], [[1.0], [2.0]], "v.txt", "Tokens must be distinct"),
        (["a", "b\n"], [[1.0], [2.0]], "v.npy", "Tokens must be on one line"),
        (["a", "\ud800"], [[1.0], [2.0]], "v.npy", "Tokens must be encodable"),
        ([], np.zeros((0, 2)), "v.txt", "at least one token"),
        (["a"], [[1.0], [2.0]], "v.txt", "a vector for each token. Received: 1 tokens, 2 vectors"),
        (["a"], [[np.nan]], "v.npy", "Vectors must be finite. Received: the vector of 'a'"),
        (["a", "b"], [[1.0], [-np.inf]], "v.bin", "Received: the vector of 'b'"),
        (["a"], [[]], "v.txt", r"must be float32 of shape \(rows, dim\). Received: float32 \(1, 0"),
        (["a"], [1.0], "v.txt", r"must be float32 of shape \(rows, dim\). Received: float32 \(1,"),
        (["New York"], [[1.0]], "v.bin", "must hold no space. Received: 'New York'"),
        (
            ["Room 12"],
            [[1.0]],
            "v.txt",
            "must not end in a space and a number. Received: 'Room 12'",
        ),
        (["0\t"], [[1.0]], "v.txt", r"must not end in a tab or space, .* Received: '0\\t' first"),
        (["很好 ", "a", "差 "], [[1.0]] * 3, "v.vec.gz", "must not end in a tab or space"),
        (["0\t0"], [[1.0]], "v.txt", "or hold a tab or two spaces before a digit"),
        (["a  5b"], [[1.0]], "v.txt", "or hold a tab or two spaces before a digit"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(
    tmp_path: Path, tokens: list[str], matrix: Any, name: str, message: str
) -> None:
    vectors = WordVectors(tuple(tokens), np.array(matrix, np.float32))
    with pytest.raises(InvalidInputError, match=message):
        save_word_vectors(vectors, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_float64_is_not_rounded_in_silence(tmp_path: Path) -> None:
    vectors: Any = WordVectors(("a",), np.array([[0.1]]))
    with pytest.raises(InvalidInputError, match=r"must be float32 .* Received: float64 \(1, 1\)"):
        save_word_vectors(vectors, tmp_path / "v.txt")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_nothing_half_written_stays_behind(
    tmp_path: Path, suffix: str, error: type[BaseException]
) -> None:
    class Stopped(SilentProgress):
        def step(self, description: str, total: int) -> AbstractContextManager[Advance]:
            return nullcontext(self.advance)

        def advance(self, steps: int = 1, *, status: str = "") -> None:
            (beside,) = tmp_path.glob(".*")
            assert beside.name.startswith(f".v{suffix}.{os.getpid()}.")
            assert beside.name.endswith(".writing")
            raise error

    path = write(tmp_path / f"v{suffix}", "before")
    with pytest.raises(InvalidInputError if error is OSError else error):
        save_word_vectors(WordVectors(TOKENS, MATRIX), path, progress=Stopped())
    assert [p.name for p in tmp_path.iterdir()] == [f"v{suffix}"]
    assert path.read_bytes() == b"before"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"v\.txt: cannot be written: No such file"):
        save_word_vectors(WordVectors(TOKENS, MATRIX), tmp_path / "none" / "v.txt")
    (tmp_path / "v.txt").mkdir()
    with pytest.raises(InvalidInputError, match=r"v\.txt: cannot be written: Is a directory"):
        save_word_vectors(WordVectors(TOKENS, MATRIX), tmp_path / "v.txt")
    assert [p.name for p in tmp_path.iterdir()] == ["v.txt"]
