import bz2
import gzip
import lzma
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import lstm_sentiment.compressed as compressed
from lstm_sentiment.compressed import content_name, content_suffix, open_plain
from lstm_sentiment.errors import InvalidInputError

CONTENT = b"".join(b"%d,%d\n" % (row, row * row) for row in range(30_000))
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}
forms = pytest.mark.parametrize("form", COMPRESS)


def read(path: Path) -> bytes:
    with open_plain(path) as file:
        return file.read()


@forms
def test_files_are_decompressed_whatever_their_names(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(COMPRESS[form](CONTENT))
    assert read(path) == CONTENT
    with open_plain(path) as file:
        assert list(file)[:2] == [b"0,0\n", b"1,1\n"]


@forms
def test_members_one_after_another_are_read_to_the_end(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(COMPRESS[form](CONTENT) + COMPRESS[form](b"") + COMPRESS[form](b"end\n"))
    assert read(path) == CONTENT + b"end\n"


@forms
@pytest.mark.parametrize("content", [CONTENT, b"x", b""])
def test_half_a_download_is_told(tmp_path: Path, form: str, content: bytes) -> None:
    whole = COMPRESS[form](content)
    path = tmp_path / "a.csv"
    for length in (len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[: max(length, 12)])
        with pytest.raises(InvalidInputError, match=rf"the {form} file ends early.*download"):
            read(path)


@forms
def test_a_damaged_file_is_told(tmp_path: Path, form: str) -> None:
    content = bytearray(COMPRESS[form](CONTENT))
    content[len(content) // 2] ^= 0xFF
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=rf"a\.csv: cannot be read: the {form} file is"):
        read(path)


@pytest.mark.parametrize("content", [b"", b"a", b"BZh9 is a word", b"text,label\n", b"\x1e\x8b"])
def test_plain_files_stay_as_they_are(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(content)
    assert read(path) == content


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        open_plain(tmp_path)
    with pytest.raises(FileNotFoundError):
        open_plain(tmp_path / "none")


def test_a_named_pipe_is_read_while_somebody_writes_into_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=[gzip.compress(CONTENT)])
    writer.start()
    assert read(pipe) == CONTENT
    writer.join()


def test_a_named_pipe_without_a_writer_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compressed, "_SECONDS_FOR_A_WRITER", 0)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(InvalidInputError, match="a named pipe must have a program that writes"):
        open_plain(pipe)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("A.CSV.GZ", "A.CSV"),
        ("a.tsv.bz2", "a.tsv"),
        ("a.xz", "a"),
        ("a.csv", "a.csv"),
        ("gz", "gz"),
    ],
)
def test_the_name_of_the_content(name: str, content: str) -> None:
    assert content_name(Path(name)) == Path(content)
    assert content_suffix(Path(name)) == Path(content).suffix.lower()
