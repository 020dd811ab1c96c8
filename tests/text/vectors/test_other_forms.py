"""Files of vectors as other people's programs write them, and what is told where they are wrong."""

import bz2
import codecs
import lzma
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.progress import SilentProgress
from lstm_sentiment.text.vectors.files import load_word_vectors
from lstm_sentiment.text.vectors.word_vectors import WordVectors

TOKENS = ("房间", "很", "New York")
MATRIX = np.array([[0.25, -1.5, 3.0], [4.0, 5.5, -6.0], [7.0, 8.0, 9.0]], np.float32)


class Watched(SilentProgress):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


def rows(after_token: str, between: str, end: str = "\n", *, header: bool = False) -> str:
    first = f"{len(TOKENS)} 3{end}" if header else ""
    return first + "".join(
        f"{token}{after_token}{between.join(map(str, row))}{end}"
        for token, row in zip(TOKENS, MATRIX.tolist(), strict=True)
    )


def load(path: Path, content: str | bytes, **options: object) -> WordVectors:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return load_word_vectors(path, **options)  # type: ignore[arg-type]


def refusal(path: Path, content: str | bytes, **options: object) -> str:
    with pytest.raises(InvalidInputError) as raised:
        load(path, content, **options)
    assert "\n" not in str(raised.value)
    return str(raised.value).removeprefix(str(path))


@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("end", ["\n", "\r\n", " \n", "\t\n", "  \r\n"])
@pytest.mark.parametrize("between", [" ", "\t", "  ", " \t"])
@pytest.mark.parametrize("after_token", [" ", "\t", "  ", "\t\t"])
def test_tabs_and_several_spaces_separate_as_one_space_does(
    tmp_path: Path, after_token: str, between: str, end: str, header: bool
) -> None:
    content = rows(after_token, between, end, header=header)
    vectors = load(tmp_path / "v.txt", content)
    assert vectors.tokens == TOKENS
    assert np.array_equal(vectors.matrix, MATRIX)
    assert load(tmp_path / "v.txt", content, only={"很"}).tokens == ("很",)


@pytest.mark.parametrize("row", ["d\t1 2 3", "d 1\t2 3", "d  1 2  3", "d 1 2\t3"])
def test_one_row_may_be_separated_otherwise(tmp_path: Path, row: str) -> None:
    vectors = load(tmp_path / "v.txt", rows(" ", " ") + row + "\n")
    assert vectors.tokens[-1].strip() == "d"
    assert vectors.matrix[-1].tolist() == [1, 2, 3]


@pytest.mark.parametrize("compress", [bz2.compress, lzma.compress])
def test_chinese_word_vectors_are_read_as_they_are_given_out(
    tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    content = codecs.BOM_UTF8 + rows(" ", " ", " \r\n", header=True).encode()
    vectors = load(
        tmp_path / "sgns.weibo.word.bz2", compress(content[:20]) + compress(content[20:])
    )
    assert vectors.tokens == TOKENS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("房间 3:0.5 17:1.25\n", ":1: vectors must be numbers.*Sparse vectors .* are not read"),
        ("2 9\n房间 3:0.5 17:1.25\n很 1:1\n", "Sparse vectors .* are not read"),
        ("房间 0,5 1,25\n", r":1: vectors must be numbers.*decimal point: `sed 's/,/\./g'"),
        ("房间,0.5,1.25\n", r":1: a row must hold a token .*`tr ',' ' '"),
        ("3 3\n" + rows(" ", " ").replace("\n", " 1\n"), ":1: the header must give the width of"),
        (
            "9 3\n" + rows(" ", " "),
            ":1: the header must give the number of rows, 3.*set to `skip`",
        ),
        ("3 9\n" + rows(" ", " "), r":1: the header must give the width of the rows, 3.*`skip`"),
        ("word 1 2 x\n", ":1: vectors must be numbers"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "v.txt"
    path.write_text(content)
    with pytest.raises(InvalidInputError, match=message):
        load_word_vectors(path)


@pytest.mark.parametrize("header", ["9 3", "3 9", "100000 300"])
def test_skip_takes_a_wrong_header(tmp_path: Path, header: str) -> None:
    watched = Watched()
    vectors = load(
        tmp_path / "v.txt", f"{header}\n{rows(' ', ' ')}", bad_rows="skip", progress=watched
    )
    assert vectors.tokens == TOKENS
    assert "The header gives" in watched.said[0]


@pytest.mark.parametrize("encoding", ["gb18030", "big5"])
@pytest.mark.parametrize("bad_rows", ["refuse", "skip"])
@pytest.mark.parametrize("only", [None, {"房間"}])
def test_vectors_in_another_encoding_are_told_how_to_convert(
    tmp_path: Path, encoding: str, bad_rows: str, only: object
) -> None:
    words = ["房間", "酒店", "服務", "早餐", "的", "我們", "不好", "乾淨", "hotel", "wifi"]
    content = "".join(f"{word} {n} 1\n" for n, word in enumerate(words)).encode(encoding)
    message = refusal(tmp_path / "v.txt", content, bad_rows=bad_rows, only=only)
    assert f"`iconv -f {encoding.upper()} -t UTF-8 " in message
    assert "skip`" not in message


def test_a_broken_token_among_others_is_not_taken_for_an_encoding(tmp_path: Path) -> None:
    content = "房间 1\n酒店 2\n早餐 3\n".encode() + b"\xb7\xbf\xbc\xe4 4\n"
    assert "iconv" not in refusal(tmp_path / "v.txt", content)
    assert len(load(tmp_path / "v.txt", content, bad_rows="skip").tokens) == 3


def test_skip_refuses_what_it_would_leave_out_for_the_most_part(tmp_path: Path) -> None:
    half = "a 1\nb x\nc 2\nd x\n"
    assert load(tmp_path / "v.txt", half, bad_rows="skip").tokens == ("a", "c")
    message = refusal(tmp_path / "v.txt", half + "e x\n", bad_rows="skip")
    assert message.startswith(
        ": most rows must be vectors. Received: 3 malformed ones of 5: line 2"
    )
    # Repeated tokens are no sign of another kind of file.
    repeated = "a 1\n" + "a 2\n" * 9
    assert load(tmp_path / "v.txt", repeated, bad_rows="skip").tokens == ("a",)


def test_a_matrix_without_words_is_told(tmp_path: Path) -> None:
    path = tmp_path / "word2vec.kv.vectors.npy"
    np.save(path, MATRIX)
    with pytest.raises(InvalidInputError, match=r"without words.*gensim keeps them in the file"):
        load_word_vectors(path)
