"""Each kind of file that people take for text, made by what writes it where that is at hand."""

import bz2
import codecs
import gzip
import io
import lzma
import pickle
import sqlite3
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.first_bytes import (
    how_to_convert,
    is_left_by_programs,
    it_is,
    recognize,
    recognize_file,
    recognize_name,
)
from lstm_sentiment.text.corpus.reading import read_corpus, read_texts
from lstm_sentiment.text.vectors.files import load_word_vectors

TABLE = "text,label\n房间很干净,1\n早餐太差了,0\n"


def zipped(**entries: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        entry = tarfile.TarInfo("a.csv")
        entry.size = len(TABLE.encode())
        archive.addfile(entry, io.BytesIO(TABLE.encode()))
    return buffer.getvalue()


def npz() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, a=np.zeros(3))
    return buffer.getvalue()


def npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((2, 2)))
    return buffer.getvalue()


def sqlite() -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute("create table reviews (text, label)")
    return connection.serialize()


# As pickle's protocol 4 begins an object of this class; nothing here is ever unpickled.
GENSIM = (
    b"\x80\x04\x95\x32\x01\0\0\0\0\0\0\x8c\x1agensim.models.keyedvectors\x94\x8c\x0cKeyedVectors"
)
OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)

KINDS: dict[str, tuple[bytes, str, str]] = {
    # name: first bytes, words of the kind's name, words of what to do
    "zip": (zipped(**{"a.csv": TABLE.encode()}), "ZIP archive", "unzip"),
    "xlsx": (
        zipped(**{"[Content_Types].xml": b"", "xl/workbook.xml": b""}),
        "Excel",
        "ends in .xlsx",
    ),
    "npz": (npz(), "NumPy arrays", "numpy.load"),
    "keras": (zipped(**{"metadata.json": b"{}", "config.json": b"{}"}), "Keras model", "export("),
    "torch": (zipped(**{"archive/data.pkl": b""}), "PyTorch", "in Python"),
    "tar": (tarred(), "tar archive", "tar -xf"),
    "7z": (b"7z\xbc\xaf\x27\x1c\0\x04" + bytes(40), "7z archive", "7z x"),
    "rar": (b"Rar!\x1a\x07\x01\0" + bytes(40), "RAR archive", "unrar x"),
    "zst": (b"\x28\xb5\x2f\xfd\x04\x58" + bytes(40), "Zstandard", "zstd -dc"),
    "lz4": (b"\x04\x22\x4d\x18\x64\x40" + bytes(40), "LZ4", "lz4 -dc"),
    "kv": (GENSIM, "gensim", "save_word2vec_format"),
    "model": (GENSIM.replace(b"keyedvectors", b"word2vec"), "gensim", "Word2Vec.load("),
    "pickle": (pickle.dumps({"text": ["好"], "label": [1]}), "pickle of Python", "trust"),
    "pickle-2": (pickle.dumps(["好", "坏"], 2), "pickle of Python", "trust"),
    "h5": (b"\x89HDF\r\n\x1a\n" + bytes(90), "HDF5", "load_model("),
    "npy": (npy(), "NumPy array", "numpy.load"),
    "safetensors": (b'\x40\0\0\0\0\0\0\0{"a":{"dtype":"F32"', "safetensors", "load_file("),
    "onnx": (b"\x08\x08\x12\x07pytorch\x1a\x05" + bytes(9), "ONNX", "SavedModel"),
    "saved_model": (b"\x08\x01\x12\xfa\x02" + bytes(90), "saved_model.pb", "the folder"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "PDF", "pdftotext"),
    "xls": (OLE2, ".xls", "CSV UTF-8"),
    "parquet": (b"PAR1\x15\x04" + bytes(9), "Parquet", ".parquet"),
    "sqlite": (sqlite(), "SQLite", "sqlite3"),
    "lfs": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
        "Git LFS",
        "git lfs pull",
    ),
    "annex": (b"/annex/objects/SHA256E-s31--ab12.csv\n", "git-annex", "git annex get"),
    "html": (b"\n<!DOCTYPE html>\n<html><title>Sign in</title>", "web page", "download it again"),
    "s3": (
        b'<?xml version="1.0"?>\n<Error><Code>NoSuchKey</Code></Error>',
        "web page",
        "download it again",
    ),
    "404": (b"404: Not Found", "refusal", "download it again"),
    "merge": (b"<<<<<<< HEAD\ntext,label\n=======\n", "git could not merge", "git status"),
    "utf-16": (TABLE.encode("utf-16"), "UTF-16", "iconv -f UTF-16 -t UTF-8"),
    "utf-16-be": (codecs.BOM_UTF16_BE + TABLE.encode("utf-16-be"), "UTF-16", "iconv"),
    "utf-16-no-bom": (TABLE.encode("utf-16-le"), "UTF-16", "iconv -f UTF-16LE"),
    "utf-16-be-no-bom": (TABLE.encode("utf-16-be"), "UTF-16", "iconv -f UTF-16BE"),
    "utf-32": (TABLE.encode("utf-32"), "UTF-32", "iconv -f UTF-32"),
    "vim": (b"b0VIM 9.0\0\0\0\0" + bytes(90), "swap file", "delete it"),
    "ds_store": (b"\0\0\0\x01Bud1\0\0\x10\0", ".DS_Store", "delete it"),
    "appledouble": (b"\0\x05\x16\x07\0\x02\0\0Mac OS X        ", "macOS", "delete it"),
    "zeros": (bytes(4_096), "zero bytes", "a whole copy"),
}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.startswith("utf-")])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".txt"])
def test_texts_of_another_kind_are_named_with_what_to_do(
    tmp_path: Path, kind: str, suffix: str
) -> None:
    content, name, advice = KINDS[kind]
    path = tmp_path / f"a b{suffix}"
    path.write_bytes(content)
    for read in (read_corpus, lambda paths: read_texts(paths[0])):
        with pytest.raises(InvalidInputError) as raised:
            read([path])
        message = str(raised.value)
        assert message.startswith(f"{path}: must be text. Received: ")
        assert name in message.replace(str(path), "")
        assert advice in message
        assert "\n" not in message
    # The path in the command is one word to a shell.
    assert f" {path}" not in message.removeprefix(str(path))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "npy"])
@pytest.mark.parametrize("suffix", [".txt", ".vec", ".bin"])
@pytest.mark.parametrize("bad_rows", ["refuse", "skip"])
def test_vectors_of_another_kind_are_named_with_what_to_do(
    tmp_path: Path, kind: str, suffix: str, bad_rows: str
) -> None:
    content, name, advice = KINDS[kind]
    path = tmp_path / f"v{suffix}"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError) as raised:
        load_word_vectors(path, bad_rows=bad_rows)  # type: ignore[arg-type]
    message = str(raised.value)
    assert message.startswith(f"{path}: must be word vectors. Received: ")
    assert name in message
    assert advice in message
    # Skipping rows helps in none of them.
    assert "bad_rows" not in message


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_archive_is_named_by_what_is_inside(tmp_path: Path, compress: object) -> None:
    path = tmp_path / "reviews.csv"
    path.write_bytes(compress(tarred()))  # type: ignore[operator]
    for read in (read_texts, load_word_vectors):
        with pytest.raises(InvalidInputError, match=r"a tar archive; `tar -xf "):
            read(path)


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"text,label\n",
        TABLE.encode(),
        codecs.BOM_UTF8 + TABLE.encode(),
        b"PK,label\n",
        b"FEA1,FEA2,label\n",
        b"PAR1,text,label\n",
        b"GGUF,label\n",
        b"LZIP,label\n",
        b"ARROW1,label\n",
        b"BZh is a word\n",
        b"7z,label\n",
        b"7zip,1\n",
        b"2 3\n\x00\x00\x80\x3f",
        b"version,label\n",
        b"not found in this hotel: a bed\n",
        b"<br />nice,1\n",
        b"%PDF,label\n",
        b"GIF,label\n",
        b"text\n<html> was all I saw\n",
        b"\x08",
        b'[1, 2]\n{"text": "x"}',
        b'{"text": "x"}',
        b"(dp,1\n",
        b"# comment\nepochs = 3\n",
        "房间很干净".encode("gb18030"),
        "房間很乾淨".encode("big5"),
    ],
)
def test_text_is_not_taken_for_another_kind(start: bytes) -> None:
    assert recognize(start) is None


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("reviews.csv~", "back-up copy"),
        (".reviews.csv.swp", "back-up copy"),
        ("reviews.csv.bak", "back-up copy"),
        ("#reviews.csv#", "back-up copy"),
        ("reviews.csv.crdownload", "has not ended"),
        ("reviews.csv.part", "has not ended"),
        ("~$reviews.xlsx", "lock file"),
        (".~lock.reviews.csv#", "lock file"),
        ("._reviews.csv", "macOS"),
        (".DS_Store", "operating system"),
        ("Thumbs.db", "operating system"),
        ("reviews.csv", None),
        ("part.csv", None),
        ("reviews~2.csv", None),
    ],
)
def test_what_programs_leave_is_known_by_its_name(name: str, told: str | None) -> None:
    kind = recognize_name(name)
    assert (kind is None) if told is None else (kind is not None and told in kind.name)


def test_what_folders_of_operating_systems_hold_beside_the_files() -> None:
    left = [".DS_Store", "._a.csv", "~$a.xlsx", ".a.csv.swp"]
    assert all(map(is_left_by_programs, left))
    assert not any(map(is_left_by_programs, ["a.csv", "a~.csv", "$a.csv"]))


def test_a_file_is_looked_at_only_if_it_can_be(tmp_path: Path) -> None:
    assert recognize_file(tmp_path) is None
    assert recognize_file(tmp_path / "none") is None
    path = tmp_path / "a.toml"
    path.write_text("epochs = 3\n")
    assert it_is(path) == ""
    path.write_bytes(b"PK\x03\x04" + bytes(40))
    assert it_is(path).startswith(" It is a ZIP archive; `unzip ")


@pytest.mark.parametrize(
    ("encoding", "text", "told"),
    [
        ("gb18030", "房间很干净，早餐太差了。", "iconv -f GB18030 "),
        ("gb18030", "房間", "iconv -f GB18030 "),
        ("big5", "房間很乾淨，早餐太差了。服務態度不好，我們不會再來。", "iconv -f BIG5 "),
        ("cp1252", "Das Frühstück war schön, très à la carte.", "iconv -f WINDOWS-1252 "),
    ],
)
def test_an_encoding_is_guessed_with_the_command_that_converts_it(
    encoding: str, text: str, told: str
) -> None:
    advice = how_to_convert(text.encode(encoding), "my reviews.csv")
    assert told in advice
    assert "'my reviews.csv'" in advice
