"""`predict --output` with tables, and the class names in `--json`."""

import csv
import io
import json
from pathlib import Path

import openpyxl
import pyarrow.parquet
import pytest

from lstm_sentiment import ModelServer
from lstm_sentiment.models_config.config import single_model_config
from tests.cli.running import Run, is_one_error_line
from tests.exported import tiny_version

TABLE = "id,review,note\n1,房间很干净,=1+1\n2,早餐真的差,\n3,,x\n"


@pytest.fixture(scope="module")
def base_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "sentiment"
    path.mkdir()
    version_dir = tiny_version(path)
    (version_dir / "assets" / "labels.txt").write_text("短\n长\n", "utf-8")
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "reviews.csv"
    path.write_bytes(TABLE.encode("gb18030"))
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_table_comes_out_with_its_columns(run: Run, base_path: Path, table: Path) -> None:
    flags = ("--model", base_path, "--text-column", "review")
    outcome = run("predict", "--input", table, *flags, "--output", "out.csv")
    assert outcome.code == 0, outcome.err
    assert outcome.out == ""
    assert "reviews.csv: read as GB18030, since line 2 is not UTF-8" in outcome.err
    assert "Predicting: done in" in outcome.err
    rows = rows_of(table.with_name("out.csv"))
    assert list(rows[0]) == [
        "id",
        "review",
        "note",
        "predicted_label",
        "probability_短",
        "probability_长",
    ]
    assert [row["note"] for row in rows] == [" =1+1", "", "x"]
    answers = run("predict", "--input", table, *flags, "--json").out.splitlines()
    for row, answer in zip(rows, map(json.loads, answers), strict=True):
        assert row["predicted_label"] == answer["label"]
        for name, probability in answer["probabilities"].items():
            assert float(row[f"probability_{name}"]) == pytest.approx(probability, rel=1e-5)
    for name in ("out.xlsx", "out.parquet"):
        assert run("predict", "--input", table, *flags, "--output", name).code == 0
    sheet = openpyxl.load_workbook(table.with_name("out.xlsx")).worksheets[0]
    assert [cell.value for cell in sheet[1]] == list(rows[0])
    assert pyarrow.parquet.read_table(table.with_name("out.parquet")).num_rows == 3


def test_texts_without_a_table_get_one_column(run: Run, base_path: Path, tmp_path: Path) -> None:
    outcome = run("predict", "好", "很差", "--model", base_path, "--output", "out.csv")
    assert outcome.code == 0, outcome.err
    assert [row["text"] for row in rows_of(tmp_path / "out.csv")] == ["好", "很差"]


def test_a_server_gives_the_same_table(run: Run, base_path: Path, table: Path) -> None:
    flags = ("--input", table, "--text-column", "review")
    assert run("predict", *flags, "--model", base_path, "--output", "a.csv").code == 0
    config = single_model_config("m", base_path)
    with ModelServer(config, port=0, rest_api_port=None) as server:
        at = ("--server", f"localhost:{server.port}", "--model-name", "m")
        outcome = run("predict", *flags, *at, "--output", "b.csv")
        assert outcome.code == 0, outcome.err
    mine, served = (rows_of(table.with_name(name)) for name in ("a.csv", "b.csv"))
    # This version calls its classes otherwise in its signature `classify`, which a server answers.
    assert list(served[0])[-2:] == ["probability_v1:", "probability_length"]
    assert [list(row.values()) for row in mine] == [list(row.values()) for row in served]


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--output", "out.csv", "--json"), "`--json` needs an `--output` that ends in .jsonl"),
        (("好", "--output", "out.xls"), "`--output` of a workbook must end in .xlsx"),
        (("好", "--output", "OUT.ODS"), "must end in .xlsx. Received: .ods"),
        (("--input", ".", "--output", "out.csv"), "`--input` must be one file"),
        (("--input", "reviews.csv", "--output", "out.csv"), "the column 'text' must exist"),
        (("--input", "reviews.csv", "--output", "reviews.csv"), "must be another file"),
        (("--input", "none.csv", "--output", "out.csv"), "none.csv: cannot be read"),
        (("--input", "reviews.xls", "--output", "out.csv"), "save it as one"),
        (("--input", "empty.csv", "--output", "out.csv"), "at least one text"),
        (
            ("--input", "reviews.csv", "--text-column", "id", "--output", "no/out.csv"),
            "no/out.csv: cannot be written",
        ),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    run: Run, base_path: Path, table: Path, flags: tuple[str, ...], told: str
) -> None:
    (table.parent / "reviews.xls").write_bytes(b"")
    (table.parent / "empty.csv").write_text("text,n\n", "utf-8")
    before = sorted(table.parent.iterdir())
    outcome = run("predict", "--model", base_path, *flags)
    assert is_one_error_line(outcome) or outcome.code == 2
    assert told in outcome.err.splitlines()[-1]
    assert sorted(table.parent.iterdir()) == before


@pytest.mark.parametrize(("encoding", "name"), [("gb18030", ""), ("big5", "big5")])
def test_standard_input_follows_the_rule_of_files(
    run: Run,
    base_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    encoding: str,
    name: str,
) -> None:
    text = "房間很好" if name else "房间很好"
    (tmp_path / "a.txt").write_bytes(f"{text}\n".encode(encoding))
    flags = ("--encoding", name) if name else ()
    with (tmp_path / "a.txt").open("rb") as file:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(file))
        outcome = run("predict", "--model", base_path, *flags, "--json")
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["text"] == text
    assert ("read as GB18030" in outcome.err) == (not name)
