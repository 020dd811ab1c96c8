"""Rows that are malformed, without a label or empty: refused together, or left out and counted."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from lstm_sentiment import Corpus, InvalidInputError, open_corpus, read_corpus, read_texts
from lstm_sentiment.labels.labelled_files import read_labelled_files
from lstm_sentiment.progress import Advance, ignore
from lstm_sentiment.text.corpus.corpus import Row
from lstm_sentiment.text.corpus.record_files import read_records
from lstm_sentiment.text.corpus.streaming import open_texts
from tests.corpora import rows_of

Read = Callable[..., Corpus]
both_readers = pytest.mark.parametrize("read", [read_corpus, open_corpus])


class Notes(list[str]):
    """Keeps what is said."""

    def step(self, description: str, total: int) -> AbstractContextManager[Advance]:
        return nullcontext(ignore)

    def say(self, message: str) -> None:
        self.append(message)


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def skipped(read: Read, path: Path) -> tuple[list[Row], str]:
    notes = Notes()
    corpus = read([path], bad_rows="skip", progress=notes)
    (note,) = notes
    return rows_of(corpus), note


GOOD = [("好", "1"), ("差", "0"), ("还行", "1")]
MALFORMED: dict[str, tuple[str | bytes, str, list[int]]] = {
    "fields.csv": ("text,label\n好,1\n还行,贵,neg\n差,0\n还行,1\nx\n", "3: a row must", [3, 6]),
    "open.csv": ('text,label\n好,1\n"x,1\n差,0\n还行,1\n"y\n', "3: is not valid CSV", [3, 6]),
    "end.csv": ('text,label\n好,1\n"差\n",0\n"x,1\n还行,1\n', "5: a quote that opens", [5]),
    "bytes.csv": (
        b"text,label\n\xe5\xa5\xbd,1\n\xb7\xbf,1\n\xe5\xb7\xae,0\n\xe8\xbf\x98\xe8\xa1\x8c,1",
        "3: must be UTF-8",
        [3],
    ),
    "fields.tsv": ("text\tlabel\n好\t1\nx\t\t1\n差\t0\n还行\t1\n", "3: a row must", [3]),
    "lines.jsonl": (
        '{"text": "好", "label": 1}\n{"text": "x"\n{"text": "差", "label": 0}\n[]\n'
        '{"text": "还行", "label": 1}\n',
        "2: is not valid JSON",
        [2, 4],
    ),
    "values.jsonl": (
        '{"text": "好", "label": 1}\n{"text": "x", "label": [1]}\n{"text": "差", "label": 0}\n'
        '{"text": {}, "label": 1}\n{"text": "还行", "label": 1}\n',
        "2: a label must be",
        [2, 4],
    ),
}


@both_readers
@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_rows_are_told_at_once_or_left_out(tmp_path: Path, name: str, read: Read) -> None:
    content, message, lines = MALFORMED[name]
    path = write(tmp_path / name, content)
    with pytest.raises(InvalidInputError) as raised:
        read([path])
    told = str(raised.value)
    assert told.startswith(f"{path}:{message}")
    assert f"(line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))})" in told
    assert "--bad-rows skip" in told
    assert "\n" not in told
    rows, note = skipped(read, path)
    assert rows == GOOD
    assert note.startswith(f"{path}: left out {len(lines)} of ")
    assert f"the first, line {message}" in note


def test_no_good_row_is_lost_beside_an_open_quote(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'text,label\n好,1\n"x,1\n差,0\n"还\n行",1\n"x"y,1\nz,0\n')
    rows, _ = skipped(read_corpus, path)
    assert rows == [("好", "1"), ("差", "0"), ("还\n行", "1"), ("z", "0")]


def test_only_so_many_lines_are_shown(tmp_path: Path) -> None:
    lines = ["text,label", *(f"{n},x" if n % 3 else f"{n},x,y" for n in range(60))]
    path = write(tmp_path / "a.csv", "\n".join(lines))
    with pytest.raises(
        InvalidInputError, match=r"20 of 60 rows .*\(lines 2, 5, 8, 11, 14 and others"
    ):
        read_corpus([path])


@both_readers
@pytest.mark.parametrize("bad_rows", ["refuse", "skip"])
def test_a_file_of_malformed_rows_is_refused_either_way(
    tmp_path: Path, read: Read, bad_rows: str
) -> None:
    path = write(tmp_path / "a.csv", "text,label\nx,1\n" + "a,b,c\n" * 2_000)
    with pytest.raises(InvalidInputError) as raised:
        read([path], bad_rows=bad_rows)
    assert "--bad-rows" not in str(raised.value)


@both_readers
def test_rows_without_a_label_are_left_out_on_demand(tmp_path: Path, read: Read) -> None:
    path = write(tmp_path / "a.csv", "text,label\n好,1\nx,\ny, \nz,NaN\n差,0\n")
    with pytest.raises(InvalidInputError, match=r"3 of 5 rows \(lines 3, 4, 5\): fill in"):
        read([path])
    rows, note = skipped(read, path)
    assert rows == GOOD[:2]
    assert note == f"{path}: left out 3 of 5 rows (lines 3, 4, 5) without a label"


def empty_rows(folder: Path) -> Iterator[Path]:
    yield write(
        folder / "a.csv", '\ufefftext,label\r\n好,1\r\n,\r\n差,0\r\n" ",\r\n,,,\r\n"",""\r\n'
    )
    yield write(folder / "a.tsv", "text\tlabel\n好\t1\n\t\n差\t0\n \t \n\t\t\t\n\u3000\t\n")
    records: list[dict[str, Any]] = [{"text": "好", "label": 1}, {"text": "差", "label": 0}]
    records[1:1] = [{"text": None, "label": None}, {"text": "", "label": ""}]
    records += [{"text": " ", "label": None}, {"text": float("nan"), "label": float("nan")}]
    lines = (json.dumps(record, ensure_ascii=False) for record in records)
    yield write(folder / "a.jsonl", "\n".join(lines))
    columns = {"text": ["好", None, "差", " ", "", "\n"], "label": [1, None, 0, None, None, None]}
    pyarrow.parquet.write_table(pyarrow.table(columns), folder / "a.parquet")
    yield folder / "a.parquet"


@pytest.mark.parametrize("read", [read_corpus, open_corpus])
def test_rows_that_hold_nothing_are_left_out_and_counted(tmp_path: Path, read: Read) -> None:
    for path in empty_rows(tmp_path):
        if path.suffix == ".parquet" and read is open_corpus:
            continue
        notes = Notes()
        assert rows_of(read([path], progress=notes)) == GOOD[:2]
        assert notes == [f"{path}: left out 4 rows that hold neither a text nor a label"]
        texts = read_texts(path)
        assert len(texts) == 6, "lines must match where texts are scored"
        assert [text for text in texts if text.strip()] == ["好", "差"]


@both_readers
@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_files_that_were_concatenated_are_told(tmp_path: Path, read: Read, suffix: str) -> None:
    content = "text,label\n好,1\ntext,label\n差,0\ntext,label\n\x1a"
    path = write(tmp_path / f"a.{suffix}", content.replace(",", "," if suffix == "csv" else "\t"))
    notes = Notes()
    assert rows_of(read([path], progress=notes)) == GOOD[:2]
    assert notes == [
        f"{path}: left out 1 row that holds neither a text nor a label; 2 rows that repeat the "
        "names of the columns"
    ]
    alone = write(tmp_path / f"b.{suffix}", "text\n好\ntext\n")
    assert read_texts(alone) == ["好", "text"]


def missing_texts(folder: Path) -> Iterator[Path]:
    yield write(folder / "a.csv", "text,label\n好,1\n,1\n差,0\n")
    yield write(folder / "a.tsv", "text\tlabel\n好\t1\n\t1\n差\t0\n")
    for number, missing in enumerate((None, float("nan"))):
        lines = (json.dumps({"text": text, "label": 1}) for text in ("好", missing, "差"))
        yield write(
            folder / f"{number}.jsonl",
            "\n".join(lines).replace('差", "label": 1', '差", "label": 0'),
        )
    columns = {"text": ["好", None, "差"], "label": [1, 1, 0]}
    pyarrow.parquet.write_table(pyarrow.table(columns), folder / "a.parquet")
    yield folder / "a.parquet"


def test_a_missing_text_is_an_empty_text(tmp_path: Path) -> None:
    for path in missing_texts(tmp_path):
        corpus = read_corpus([path])
        assert list(corpus.texts) == ["好", "", "差"]
        assert len(corpus.drop_empty()) == 2
        assert read_texts(path) == ["好", "", "差"]
        if path.suffix != ".parquet":
            assert open_corpus([path]) == corpus
            assert list(open_texts([path]).in_memory()) == ["好", "", "差"]


def test_suspects_keep_the_numbers_and_columns_of_their_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "id,text,label\n1,好,1\n2,,\n3,x,y,1\n4,差,0\n5,,\n6,还行,1\n")
    files = read_labelled_files([path], bad_rows="skip")
    assert rows_of(files.corpus) == GOOD
    assert [files.place(row) for row in (1, 2, 3)] == [(path, 1), (path, 4), (path, 6)]
    found = files.original_rows([3, 2])
    assert {row: values["id"] for row, values in found.items()} == {2: "4", 3: "6"}
    write(path, "id,text,label\n1,好,1\n4,差,0\n6,还行,1\n")
    with pytest.raises(InvalidInputError, match="must stay as it is"):
        files.original_rows([2])


def test_a_key_that_is_left_out_is_a_missing_value(tmp_path: Path) -> None:
    lines = ['{"text": "好", "label": 1}', "{}", '{"label": 0}', '{"label": 0, "text": "差"}']
    path = write(tmp_path / "a.jsonl", "\n".join(lines))
    readers: list[Read] = [read_corpus, open_corpus]
    for read in readers:
        assert rows_of(read([path])) == [("好", "1"), ("", "0"), ("差", "0")]
    assert read_texts(path) == ["好", "", "", "差"]
    unlabelled = write(tmp_path / "b.jsonl", '{"text": "好", "label": 1}\n{"text": "差"}\n')
    with pytest.raises(
        InvalidInputError, match=r"b\.jsonl:2: .* in 1 of 2 rows \(line 2\): fill in"
    ):
        read_corpus([unlabelled])


@pytest.mark.parametrize("rows", [1, 3_000])
def test_a_key_that_all_objects_lack_is_told_before_much_is_read(tmp_path: Path, rows: int) -> None:
    path = write(tmp_path / "a.jsonl", '{"review": "好", "label": 1}\n' * rows)
    told = r"a\.jsonl:1: the column 'text' must exist .* Received columns: review, label\."
    with pytest.raises(InvalidInputError, match=told):
        read_texts(path)
    records = read_records(path, "text", "label")
    with pytest.raises(InvalidInputError, match=told):
        for number, _ in enumerate(records):
            assert number < 1_000
