import csv
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from lstm_sentiment import Corpus, InvalidInputError, open_corpus, read_corpus, read_texts

ROWS = [("好", "1"), ('他说 "不行", 真的', "0"), ("第一行\n第二行", "1"), ("x" * 200_000, "0")]
EXPECTED = Corpus.from_rows(ROWS)


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_csv_with_quotes_line_breaks_long_texts_and_byte_order_marks(
    tmp_path: Path, end: str, mark: str
) -> None:
    lines = ["label,review", *(f"{label},{quoted(text)}" for text, label in ROWS)]
    path = write(tmp_path / "a.csv", mark + end.join(lines) + end)
    limit = csv.field_size_limit()
    assert read_corpus([path], text_column="review") == EXPECTED
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
@pytest.mark.parametrize(
    "labels", [("+1", "-1"), ("0x1A", "0x1B"), ("007", "7"), ("1e5", "100000")]
)
def test_labels_that_look_like_numbers_stay_as_they_are_written(
    tmp_path: Path, suffix: str, labels: tuple[str, ...]
) -> None:
    between = "," if suffix == ".csv" else "\t"
    lines = [f"text{between}label", *(f"good {each}{between}{each}" for each in labels)]
    path = write(tmp_path / f"a{suffix}", "\n".join(lines))
    for corpus in (read_corpus([path]), open_corpus([path])):
        assert set(corpus.label_names) == set(labels)
        assert [corpus.label_names[each] for each in corpus.labels] == list(labels)


def test_tsv_takes_quotes_as_they_stand(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", 'text\tlabel\n"好\t1\n不"行\t0\n')
    assert read_corpus([path]).texts == ('"好', '不"行')


def test_json_lines_with_numbers_as_labels(tmp_path: Path) -> None:
    lines = [json.dumps({"text": text, "label": int(label)}) for text, label in ROWS]
    path = write(tmp_path / "a.jsonl", "\n".join([*lines, "", '{"text": "\\ud800", "label": 1.0}']))
    assert read_corpus([path]) == Corpus.from_rows([*ROWS, ("\ufffd", "1")])


def test_parquet(tmp_path: Path) -> None:
    table = pyarrow.table({"text": [t for t, _ in ROWS], "label": [int(n) for _, n in ROWS]})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    assert read_corpus([tmp_path / "a.parquet"]) == EXPECTED


def test_a_folder_of_one_file_a_class(tmp_path: Path) -> None:
    for name, content in (("choose", "a\nb\n"), ("buy", "c"), ("no", "\nd\u2028e\n\n")):
        write(tmp_path / f"{name}.txt", content)
    write(tmp_path / "notes.md", "not data")
    corpus = read_corpus([tmp_path])
    assert corpus.label_names == ("buy", "choose", "no")
    assert corpus.class_counts() == {"buy": 1, "choose": 2, "no": 1}
    assert read_corpus(sorted(tmp_path.glob("*.txt"))) == corpus


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", r"a\.csv: must hold at least one text"),
        ("a.csv", "text,label\n", r"a\.csv: must hold at least one text"),
        ("a.csv", "review,label\nx,1\n", r"a\.csv:1: the column 'text' must exist.*review, label"),
        ("a.csv", "text,label\nx,1\nx,y,1\n", r"a\.csv:3: a row must have 2 fields.*Received: 3"),
        ("a.csv", "text,label\nx\n", r"a\.csv:2: a row must have 2 fields.*Received: 1"),
        ("a.csv", 'text,label\n"x"y,1\n', r"a\.csv:2: is not valid CSV"),
        ("a.csv", "text,label\nx,\n", r"a\.csv:2: a label must be.*Received: ''"),
        ("a.csv", 'text,label\nx,"a\nb"\n', r"a\.csv:\d: a label must be.*Received: 'a\\nb'"),
        ("a.csv", "text,label\nx,a\x1b[31m\n", r"a\.csv:2: a label must be.*Received: 'a\\x1b"),
        ("a.jsonl", '{"text": "x", "label": "a\\u202eb"}', r"a\.jsonl:1: a label.*control"),
        (
            "a.csv",
            b"text,label\nx,1\ncaf\xe9,1\n",
            r"a\.csv:3: must be UTF-8.*windows-1252",
        ),
        ("a.txt", b"\n\n", r"a\.txt: must hold at least one text"),
        ("a.jsonl", '{"text": "x", "label": 1}\n{"text": ', r"a\.jsonl:2: is not valid JSON"),
        ("a.jsonl", "[1]", r"a\.jsonl:1: must be a JSON object"),
        (
            "a.jsonl",
            '{"text": [3], "label": 1}',
            r"a\.jsonl:1: a text must be a string.*Received: \[3",
        ),
        ("a.jsonl", '{"text": "x", "label": null}', r"a\.jsonl:1: a label must be"),
        ("a.jsonl", '{"label": 1}', r"a\.jsonl:1: the column 'text' must exist"),
        ("a.parquet", b"PAR0", r"a\.parquet: is not a Parquet file"),
        ("a.doc", b"", r"a\.doc: must be a \.csv, \.tsv, \.jsonl, \.parquet, \.xlsx or \.txt file"),
    ],
)
def test_a_bad_file_is_one_line_that_says_where(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    path = write(tmp_path / name, content)
    with pytest.raises(InvalidInputError, match=message) as raised:
        read_corpus([path])
    assert str(raised.value).startswith(str(path))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("read", [read_corpus, open_corpus])
@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
def test_a_file_that_is_labelled_in_part_is_refused_with_all_rows_that_lack_a_label(
    tmp_path: Path, suffix: str, read: Callable[[list[Path]], Corpus]
) -> None:
    labels = ["1", "", "0", " ", *[""] * 5]
    if suffix == "jsonl":
        lines = [json.dumps({"text": f"t{row}", "label": row or None}) for row in labels]
        first = 2
    else:
        separator = "," if suffix == "csv" else "\t"
        lines = [f"text{separator}label", *(f"t{separator}{label}" for label in labels)]
        first = 3
    path = write(tmp_path / f"next.{suffix}", "\n".join(lines))
    with pytest.raises(InvalidInputError) as raised:
        read([path])
    message = str(raised.value)
    assert message.startswith(f"{path}:{first}: a label must be")
    shown = ", ".join(str(first + place) for place in (0, 2, 3, 4, 5))
    assert f"in 7 of 9 rows (lines {shown} and others): fill in the labels, or delete" in message
    assert "\n" not in message


@pytest.mark.parametrize("read", [read_corpus, open_corpus])
def test_a_table_of_labels_next_is_read_beside_tables_with_other_columns(
    tmp_path: Path, read: Callable[..., Corpus]
) -> None:
    mine = write(tmp_path / "mine.csv", "id,review,stars\n1,好,5\n2,坏,1\n")
    following = write(tmp_path / "next.csv", "text,label,digest\n很好,5,0a\n很坏,1,0b\n")
    columns = {"text_column": "review", "label_column": "stars"}
    corpus = read([mine, following], **columns)
    assert list(corpus.texts) == ["好", "坏", "很好", "很坏"]
    assert corpus.class_counts() == {"1": 2, "5": 2}
    # Any other table must have the columns that were named.
    with pytest.raises(InvalidInputError, match="the column 'review' must exist"):
        read([write(tmp_path / "other.csv", "text,label\n好,5\n")], **columns)


@pytest.mark.parametrize("name", ["none.csv", "none.parquet"])
def test_a_missing_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInputError, match=rf"{name}: cannot be read: No such file"):
        read_corpus([tmp_path / name])


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"holds no \.csv"):
        read_corpus([tmp_path])


def test_texts_without_labels_keep_their_lines(tmp_path: Path) -> None:
    assert read_texts(write(tmp_path / "a.txt", "好\n\nx\u2028y\n")) == ["好", "", "x\u2028y"]
    assert read_texts(write(tmp_path / "a.log", "b")) == ["b"]
    assert read_texts(write(tmp_path / "a.csv", "id,t\n1,好\n"), text_column="t") == ["好"]


def test_the_real_corpora_are_read_whole(real_data: Path) -> None:
    hotel = read_corpus([real_data / "hotel_reviews.csv"], text_column="review")
    assert len(hotel) == 7_766
    assert hotel.drop_empty().class_counts() == {"0": 2_443, "1": 5_322}
    assert len(read_corpus([real_data / "books_three_classes"])) == 21_091
    tsv = read_corpus([real_data / "chnsenticorp" / "train.tsv"], text_column="text_a")
    assert len(tsv) == 9_600
