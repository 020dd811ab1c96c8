"""Compressed files of texts are read as they are, and folders without what programs leave there."""

import bz2
import gzip
import json
import lzma
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pyarrow.parquet as parquet
import pytest

from lstm_sentiment import InvalidInputError, read_corpus, read_texts
from lstm_sentiment.labels.labelled_files import read_labelled_files
from lstm_sentiment.progress import SilentProgress
from lstm_sentiment.text.corpus.corrections import read_corrections, text_digest
from lstm_sentiment.text.corpus.record_files import read_records
from lstm_sentiment.text.corpus.soft_labels import read_soft_labels
from lstm_sentiment.text.corpus.streaming import open_corpus, open_texts

ROWS = [(f"第{n}间房\n很好" if n % 3 else f"第{n}间房很吵", str(n % 2)) for n in range(300)]
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


class Watched(SilentProgress):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


def in_two_members(compress: Callable[[bytes], bytes], content: bytes) -> bytes:
    return compress(content[:1_000]) + compress(content[1_000:])


def content_of(suffix: str) -> bytes:
    if suffix == ".csv":
        return ("text,label\n" + "".join(f'"{text}",{label}\n' for text, label in ROWS)).encode()
    if suffix == ".jsonl":
        lines = [json.dumps({"text": text, "label": label}) for text, label in ROWS]
        return "\n".join(lines).encode()
    flat = [(text.replace("\n", " "), label) for text, label in ROWS]
    if suffix == ".tsv":
        return ("text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in flat)).encode()
    return "".join(f"{text}\n" for text, _ in flat).encode()


@pytest.mark.parametrize("compression", COMPRESS)
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".txt"])
def test_a_compressed_file_is_the_file_that_it_holds(
    tmp_path: Path, suffix: str, compression: str
) -> None:
    plain = tmp_path / f"hotel{suffix}"
    plain.write_bytes(content_of(suffix))
    expected = read_corpus([plain])
    compressed = tmp_path / f"hotel{suffix}{compression}"
    compressed.write_bytes(in_two_members(COMPRESS[compression], content_of(suffix)))
    assert read_corpus([compressed]) == expected
    assert read_texts(compressed) == read_texts(plain)
    streamed = open_corpus([compressed])
    assert streamed == expected
    # Any text at once, in any order, and in another process.
    assert [streamed.texts[n] for n in (299, 0, 150)] == [expected.texts[n] for n in (299, 0, 150)]
    assert pickle.loads(pickle.dumps(open_texts([compressed])))[7] == expected.texts[7]
    # By its first bytes, where a proxy or a browser has left the ending out.
    plain.write_bytes(compressed.read_bytes())
    assert read_corpus([plain]) == expected
    assert open_corpus([plain]) == expected


def test_a_compressed_file_of_streaming_must_not_change(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"a\nb\n"))
    texts = open_texts([path])
    path.write_bytes(gzip.compress(b"c\nb\nd\n"))
    with pytest.raises(InvalidInputError, match="must stay the file"):
        list(texts)


@pytest.mark.parametrize("read", [read_corpus, open_corpus])
def test_half_a_download_of_texts_is_refused_whole(
    tmp_path: Path, read: Callable[[list[Path]], object]
) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(content_of(".csv"))[:-30])
    with pytest.raises(InvalidInputError, match=r"the gzip file ends early, as half a download"):
        read([path])


def test_a_line_number_is_that_of_the_content(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.bz2"
    path.write_bytes(bz2.compress("text,label\n好,1\n坏,1,2\n".encode()))
    with pytest.raises(InvalidInputError, match=r"a\.csv\.bz2:3: a row must have 2 fields"):
        read_corpus([path])


def test_other_tables_may_be_compressed_too(tmp_path: Path) -> None:
    soft = tmp_path / "soft.csv.xz"
    soft.write_bytes(lzma.compress("text,0,1\n好,0.1,0.9\n".encode()))
    assert read_soft_labels(soft, ["0", "1"]).texts == ("好",)
    corrections = tmp_path / "corrections.csv.gz"
    row = f"{text_digest('好')},change,0,好\n"
    corrections.write_bytes(gzip.compress(f"digest,action,label,text\n{row}".encode()))
    assert len(read_corrections([corrections])) == 1
    labelled = tmp_path / "hotel.csv.gz"
    labelled.write_bytes(gzip.compress(b"id,text,label\n7,good,1\n8,bad,0\n"))
    files = read_labelled_files([labelled])
    assert files.original_rows([2])[2]["id"] == "8"


def test_parquet_is_known_by_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.table({"text": ["好", "坏"], "label": [1, 0]}), path)
    whole = path.read_bytes()
    compressed = tmp_path / "a.parquet.gz"
    compressed.write_bytes(gzip.compress(whole))
    assert read_corpus([compressed]) == read_corpus([path])
    path.write_bytes(whole[:-8])
    with pytest.raises(InvalidInputError, match="begins as one, as half a download does"):
        read_corpus([path])
    path.write_bytes(b"PK\x03\x04" + bytes(60))
    with pytest.raises(InvalidInputError, match=r"is not a Parquet file.*It is a ZIP archive"):
        read_corpus([path])
    named_csv = tmp_path / "a.csv"
    named_csv.write_bytes(whole)
    with pytest.raises(InvalidInputError, match=r"a Parquet file; a name that ends in \.parquet"):
        read_corpus([named_csv])


@pytest.mark.parametrize(
    "read",
    [
        read_corpus,
        open_corpus,
        open_texts,
        lambda paths, progress: read_texts(paths[0], progress=progress),
        read_labelled_files,
    ],
)
def test_what_programs_leave_in_folders_is_left_aside_and_counted(
    tmp_path: Path, read: Callable[..., object]
) -> None:
    (tmp_path / "a.csv").write_text("text,label\ngood,1\nbad,0\n")
    expected = read([tmp_path], progress=Watched())
    for name in ("._a.csv", ".b.csv", "~$c.csv", "~$d.xlsx", ".DS_Store", "Thumbs.db"):
        (tmp_path / name).write_bytes(b"\0\x05\x16\x07")
    (tmp_path / ".git").mkdir()
    watched = Watched()
    assert repr(read([tmp_path], progress=watched)) == repr(expected)
    assert watched.said == [
        f"{tmp_path}: left aside 5 files whose names begin with a dot or ~$ "
        "(.DS_Store, ._a.csv, .b.csv, ...)"
    ]


def test_outputs_of_score_beside_their_texts_are_left_aside_and_counted(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\ngood,1\nbad,0\n")
    output = tmp_path / "a.csv.m-1-5e0c1a7f.scored.jsonl"
    output.write_text('{"text": "good", "label": "0"}\n')
    for read in (read_corpus, open_corpus):
        watched = Watched()
        assert len(read([tmp_path], progress=watched)) == 2
        assert watched.said == [f"{tmp_path}: left aside 1 file that `score` wrote ({output.name})"]
    assert read_texts(tmp_path) == ["good", "bad"]
    assert len(read_corpus([output])) == 1
    assert len(read_corpus([tmp_path, output])) == 3


def test_a_folder_of_outputs_of_score_alone_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv.m-1-5e0c1a7f.scored.jsonl").write_text('{"text": "good", "label": "0"}\n')
    assert read_texts(tmp_path) == ["good"]


@pytest.mark.parametrize("name", ["a.json", "a.json.gz", "A.JSON", "a.ndjson", "a.tab"])
def test_the_syntax_of_other_tables_is_no_text(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text('[{"text": "good"}]\n')
    with pytest.raises(
        InvalidInputError, match=r"must be a file of texts, or a table.*(rename|jq)"
    ):
        read_texts(path)
    with pytest.raises(
        InvalidInputError, match=r"must be a file of texts, or a table.*(rename|jq)"
    ):
        read_corpus([path])
    with pytest.raises(
        InvalidInputError, match=r"must be a file of texts, or a table.*(rename|jq)"
    ):
        list(read_records(path, "text", None))


def test_a_file_that_is_named_is_read_whatever_its_name(tmp_path: Path) -> None:
    hidden = tmp_path / ".hidden.csv"
    hidden.write_text("text,label\ngood,1\nbad,0\n")
    assert len(read_corpus([hidden])) == 2
    with pytest.raises(InvalidInputError, match="holds no"):
        read_corpus([tmp_path])


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a.csv~", "back-up copy of an editor"),
        (".a.csv.swp", "back-up copy of an editor"),
        ("a.csv.crdownload", "a download that has not ended"),
        ("~$a.xlsx", "lock file of an open Office document"),
        (".DS_Store", "operating system"),
    ],
)
def test_a_back_up_is_not_taken_for_a_file_of_texts(tmp_path: Path, name: str, told: str) -> None:
    path = tmp_path / name
    path.write_text("text,label\ngood,1\nbad,0\n")
    for read in (read_corpus, lambda paths: read_texts(paths[0])):
        with pytest.raises(InvalidInputError, match=told):
            read([path])


def test_a_file_with_another_ending_is_told_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "data.zip"
    path.write_bytes(b"PK\x03\x04" + bytes(60))
    with pytest.raises(InvalidInputError, match=r"must be a \.csv.*It is a ZIP archive; `unzip"):
        read_corpus([path])


def test_texts_come_through_a_pipe(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, gzip.compress("好\n坏\n".encode()))
    os.close(writer)
    assert read_texts(f"/dev/fd/{reader}") == ["好", "坏"]
    os.close(reader)
