"""Tables out: the columns of the input, the label, and the probability of each class."""

import csv
import datetime
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment import InvalidInputError, read_texts
from lstm_sentiment.predictions import Prediction
from lstm_sentiment.text.corpus.soft_labels import read_soft_labels
from lstm_sentiment.versions.scoring.columns import added_columns, class_names
from lstm_sentiment.versions.scoring.score import find_shards, score
from lstm_sentiment.versions.scoring.shard import ScoredShard, score_shard
from tests.exported import tiny_version
from tests.recorder import Recorder

NAMES = ("negative", "positive")
ADDED = ["predicted_label", "probability_negative", "probability_positive"]
LABELS = {"好": 1, "坏": 0}


class Stub:
    """Takes a text for positive if it has the character 好."""

    label_names = NAMES

    def predict(self, texts: Sequence[str], **options: Any) -> list[Prediction]:
        return [
            Prediction(NAMES[good], int(good), (0.125, 0.875) if good else (0.75, 0.25), 1)
            for good in ("好" in text for text in texts)
        ]


def scored(path: Path, table_format: Any, **options: Any) -> Path:
    output = path.with_name(f"out.{table_format}")
    stub: Any = Stub()
    score_shard(path, output, stub, table_format=table_format, **options)
    return output


def read_csv(path: Path) -> list[dict[str, str]]:
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, content: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(content.encode(encoding))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "a.csv", 'id,review,\r\n007,"很好,\n真的",x\r\n+8613,太坏,=1+1\r\n')


def test_csv_keeps_the_columns_and_is_read_by_spreadsheets(path: Path) -> None:
    assert read_csv(scored(path, "csv", text_column="review")) == [
        {
            "id": "007",
            "review": "很好,\n真的",
            "": "x",
            "predicted_label": "positive",
            "probability_negative": "0.125",
            "probability_positive": "0.875",
        },
        {
            "id": "+8613",
            "review": "太坏",
            "": " =1+1",
            "predicted_label": "negative",
            "probability_negative": "0.75",
            "probability_positive": "0.25",
        },
    ]


@pytest.mark.parametrize("cell", ["=1+1", "+1 很好", "-- 坏", "@SUM(A1)", "\t=1", "\r=1", "＝1"])
def test_a_cell_that_a_spreadsheet_would_compute_stays_text(tmp_path: Path, cell: str) -> None:
    path = write(tmp_path / "a.jsonl", json.dumps({"text": cell, cell: 1}))
    output = scored(path, "csv")
    (row,) = read_csv(output)
    assert list(row)[:2] == ["text", f" {cell}"]
    assert row["text"] == f" {cell}"
    assert read_texts(output)[0].strip() == cell.strip()
    sheet = openpyxl.load_workbook(scored(path, "xlsx")).worksheets[0]
    assert sheet.cell(2, 1).data_type == "s"
    for table_format in ("jsonl", "parquet", "xlsx"):
        assert read_texts(scored(path, table_format)) == [cell]


@pytest.mark.parametrize("cell", ["-1", "+8613", "-1e5", "-0.5"])
def test_numbers_stay_numbers(tmp_path: Path, cell: str) -> None:
    (row,) = read_csv(scored(write(tmp_path / "a.csv", f"text,n\n好,{cell}\n"), "csv"))
    assert row["n"] == cell


def test_json_lines_keep_the_types(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"text": "好", "n": 1, "list": [1, {"a": None}]},
        {"text": None, "other": True},
    ]
    path = write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows)))
    lines = scored(path, "jsonl").read_text("utf-8").splitlines()
    good = {
        "predicted_label": "positive",
        "probability_negative": 0.125,
        "probability_positive": 0.875,
    }
    assert json.loads(lines[0]) == rows[0] | good
    assert json.loads(lines[1])["other"] is True
    assert read_csv(scored(path, "csv"))[0]["list"] == '[1, {"a": null}]'
    assert list(read_csv(scored(path, "csv"))[1]) == ["text", "n", "list", "other", *ADDED]


def test_parquet_keeps_numbers_and_booleans(tmp_path: Path) -> None:
    table = pyarrow.table(
        {
            "text": ["好", None],
            "n": [1, None],
            "x": [0.5, 2.0],
            "is": [True, False],
            "list": [[1], [2]],
        }
    )
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(table, path)
    found = pyarrow.parquet.read_table(scored(path, "parquet"))
    assert found.schema.names == [*table.schema.names, *ADDED]
    assert [str(kind) for kind in found.schema.types] == [
        "string",
        "int64",
        "double",
        "bool",
        "string",
        "string",
        "float",
        "float",
    ]
    assert found.select(["text", "n", "x", "is"]) == table.select(["text", "n", "x", "is"])


def test_mixed_columns_of_json_are_text_in_parquet(tmp_path: Path) -> None:
    rows = [{"text": "好", "n": 1}, {"text": "坏", "n": "x"}, {"text": "坏", "n": 2**70}]
    path = write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows)))
    found = pyarrow.parquet.read_table(scored(path, "parquet"))
    assert found["n"].to_pylist() == ["1", "x", str(2**70)]


def test_a_workbook_becomes_a_table_and_the_reverse(tmp_path: Path, path: Path) -> None:
    output = scored(path, "xlsx", text_column="review")
    rows = list(openpyxl.load_workbook(output).worksheets[0].values)
    assert rows[1] == ("007", "很好,\n真的", "x", "positive", 0.125, 0.875)
    again = read_csv(scored(output.rename(tmp_path / "b.xlsx"), "csv", text_column="review"))
    assert again[0]["predicted_label_2"] == "positive"


def test_dates_of_a_workbook_stay_dates(tmp_path: Path) -> None:
    day, hour = datetime.datetime(2024, 1, 2), datetime.datetime(2024, 1, 2, 3, 4, 5)
    book = openpyxl.Workbook()
    for row in [("text", "day", "hour"), ("好", day, hour), (hour, day, None)]:
        book.worksheets[0].append(row)
    book.save(path := tmp_path / "a.xlsx")
    rows = list(openpyxl.load_workbook(scored(path, "xlsx")).worksheets[0].values)
    assert [row[:3] for row in rows[1:]] == [("好", day, hour), (f"{hour}", day, None)]
    assert list(read_csv(scored(path, "csv"))[0].values())[1:3] == ["2024-01-02", f"{hour}"]
    line = json.loads(scored(path, "jsonl").read_text("utf-8").splitlines()[0])
    assert (line["day"], line["hour"]) == ("2024-01-02", f"{hour}")
    table = pyarrow.parquet.read_table(scored(path, "parquet"))
    assert table["hour"].to_pylist() == [f"{hour}", None]


def test_a_cell_that_is_too_long_for_a_workbook_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "好" * 40_000)
    with pytest.raises(InvalidInputError, match=r"at most 32,767 characters.*write \.csv"):
        scored(path, "xlsx")
    assert not (tmp_path / "out.xlsx").exists()


def test_texts_without_columns_have_one(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "很好\n\n坏\n")
    assert [row["text"] for row in read_csv(scored(path, "csv"))] == ["很好", "", "坏"]


def test_gb18030_and_skipped_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,n\n很好,1\n坏\n太坏,2\n", "gb18030")
    recorder = Recorder()
    rows = read_csv(scored(path, "csv", bad_rows="skip", progress=recorder))
    assert [(row["text"], row["n"]) for row in rows] == [("很好", "1"), ("太坏", "2")]
    assert len(recorder.said) == 2
    with pytest.raises(InvalidInputError, match="1 of 3 rows is malformed"):
        scored(path, "csv")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", "a,b\n1,2\n", r"a\.csv:1: the column 'text' must exist"),
        ("a.csv", "text|b\n1|2\n", "by bars"),
        ("a.csv", "text,a,a\n1,2,3\n", "each column must have another name"),
        ("a.jsonl", '{"a": 1}\n{"b": 2}\n', r"a\.jsonl:1: the column 'text' must exist"),
        ("a.jsonl", '{"text": [1]}\n', "a text must be a string"),
    ],
)
def test_a_bad_table_is_refused(tmp_path: Path, name: str, content: str, told: str) -> None:
    path = write(tmp_path / name, content)
    for table_format in ("csv", "jsonl", "parquet", "xlsx"):
        with pytest.raises(InvalidInputError, match=told):
            scored(path, table_format)
        assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("table_format", ["csv", "jsonl", "parquet", "xlsx"])
def test_a_table_without_rows(tmp_path: Path, table_format: str) -> None:
    output = scored(write(tmp_path / "a.csv", "text,n\n"), table_format)
    assert read_texts(output) == []


@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=5),
            min_size=2,
            max_size=2,
        ),
        min_size=1,
        max_size=5,
    )
)
def test_any_cells_come_back(rows: list[list[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["text", "n"], *rows])
        texts = [text.strip() for text, _ in rows]
        for table_format in ("csv", "jsonl", "parquet"):
            output = scored(path, table_format)
            assert [text.strip() for text in read_texts(output)] == texts
            assert [text.strip() for text in read_texts(output, text_column="n")] == [
                other.strip() for _, other in rows
            ]


def test_names_of_added_columns() -> None:
    assert added_columns(NAMES) == ADDED
    header = ["predicted_label", "probability_negative", "predicted_label_2"]
    assert added_columns(["negative", "negative_2"], header) == [
        "predicted_label_3",
        "probability_negative_2",
        "probability_negative_2_2",
    ]


def test_classes_without_names_are_numbered() -> None:
    stub: Any = Stub()
    answers = stub.predict(["好"])
    assert class_names(stub, answers) == NAMES
    stub.label_names = ("a",)
    assert class_names(stub, answers) == ("0", "1")


def test_a_table_of_scores_teaches(tmp_path: Path) -> None:
    output = scored(write(tmp_path / "a.csv", "text,label\n很好,1\n坏,0\n"), "csv")
    soft = read_soft_labels(output, NAMES)
    assert soft.probabilities.tolist() == [[0.125, 0.875], [0.75, 0.25]]


@pytest.fixture(scope="module")
def base_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "sentiment"
    path.mkdir()
    tiny_version(path)
    return path


def test_each_format_has_its_output_and_the_bar_counts_texts(
    tmp_path: Path, base_path: Path
) -> None:
    folder = tmp_path / "shards"
    folder.mkdir()
    write(folder / "a.csv", "text\n很好\n坏\n")
    write(folder / "b.txt", "好\n" * 5)
    write(folder / "bad.csv", "other\n1\n")
    recorder = Recorder()
    found: dict[str, ScoredShard] = {}
    for table_format in (None, "csv", "jsonl"):
        result = score(
            find_shards(folder),
            base_path,
            table_format=table_format,
            progress=recorder,
        )
        assert [shard.shard.name for shard in result.scored] == ["a.csv", "b.txt"]
        assert [shard.shard.name for shard in result.failed] == ["bad.csv"]
        found[str(table_format)] = result.scored[0]
    assert len({shard.output for shard in found.values()}) == 3
    assert found["csv"].output.name.endswith(".scored.csv")
    assert [row["text"] for row in read_csv(found["csv"].output)] == ["很好", "坏"]
    assert ("Scoring", 7) in recorder.steps
    # Outputs are no inputs of the next run.
    assert find_shards(folder) == [folder / name for name in ("a.csv", "b.txt", "bad.csv")]
