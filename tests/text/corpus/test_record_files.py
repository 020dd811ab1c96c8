import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from lstm_sentiment import InvalidInputError
from lstm_sentiment.text.corpus.record_files import Record, read_records, record_format
from lstm_sentiment.text.corpus.text_encoding import TextEncoding


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "records"),
    [
        (
            "a.csv",
            '\ufefflabel,text\r\n\r\n1,好\r\n0,"a\nb"\r\n1,c',
            ["1,好\r\n", '0,"a\nb"\r\n', "1,c"],
        ),
        ("a.csv", "text,label\ra,1\rb,0\r", ["a,1\r", "b,0\r"]),
        ("a.tsv", 'text\tlabel\n"好\t1\n\nb"\t0\n', ['"好\t1\n', 'b"\t0\n']),
        (
            "a.jsonl",
            '\ufeff\n{"text": "好", "label": 1}\r\n \n{"label": 1, "text": ""}',
            ['{"text": "好", "label": 1}\r\n', '{"label": 1, "text": ""}'],
        ),
        ("a.txt", "\ufeff好\n\n b\r\n", ["好\n", " b\r\n"]),
    ],
)
def test_each_record_is_told_with_its_bytes(
    tmp_path: Path, name: str, content: str, records: list[str]
) -> None:
    path = write(tmp_path / name, content)
    found = list(read_records(path, "text", "label"))
    data = path.read_bytes()
    parts = [data[start : start + length] for *_, start, length in found]
    assert [part.decode() for part in parts] == records
    texts = record_format(path, "text", TextEncoding()).texts(parts)
    assert texts == [text.strip() for text, *_ in found]


def test_a_carriage_return_alone_at_the_end_is_no_text(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "好\r\n\r\n\r")
    assert [text for text, *_ in read_records(path, "", None)] == ["好", ""]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_byte_that_is_not_utf_8_is_told_with_its_place(tmp_path: Path, mark: bytes) -> None:
    path = write(tmp_path / "a.txt", mark + b"a\nb\xb7\n")
    with pytest.raises(
        InvalidInputError, match=rf"a\.txt:2: .*byte 0xb7 at offset {3 + len(mark)}\."
    ):
        list(read_records(path, "text", None))


def test_the_first_thing_wrong_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", b"[]\n\xff")
    with pytest.raises(InvalidInputError, match=r"a\.jsonl:1: must be a JSON object"):
        list(read_records(path, "text", "label"))
    deep = write(tmp_path / "b.jsonl", "[" * 100_000)
    with pytest.raises(InvalidInputError, match=r"b\.jsonl:1: is not valid JSON"):
        list(read_records(deep, "text", "label"))


def test_the_limit_of_csv_is_lifted_while_any_reader_is_under_way(tmp_path: Path) -> None:
    long = "x" * 200_000
    path = write(tmp_path / "a.csv", f"text,label\na,1\n{long},0\n")
    limit = csv.field_size_limit()
    readers: list[Iterator[Record]] = [read_records(path, "text", "label") for _ in range(2)]
    for reader in readers:
        next(reader)
    assert len(list(readers[0])) == 1
    assert next(readers[1])[0] == long
    assert csv.field_size_limit() != limit
    assert list(readers[1]) == []
    assert csv.field_size_limit() == limit
