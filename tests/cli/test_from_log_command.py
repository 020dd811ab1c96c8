"""`labels from-log`: the table, what is told, and bad input in one line."""

import csv
import json
from pathlib import Path

import pytest

from tests.cli.running import Run, is_one_error_line
from tests.request_logs import logged, logged_ids, write_log

BAD, GOOD = (0.875, 0.125), (0.25, 0.75)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Three requests under the prefix `logs/hotel`, the last of them torn."""
    (tmp_path / "logs").mkdir()
    logs = [
        logged(["很好", "太差", " "], [GOOD, BAD, BAD]),
        logged(["很好"], [GOOD], version=4),
        logged_ids([[2, 3]], [[0.0, 1.0]]),
        logged(["不全"], [GOOD]),
    ]
    file = write_log(tmp_path / "logs" / "hotel-20261130T010000-7-0", logs)
    file.write_bytes(file.read_bytes()[:-1])
    return file


def test_the_table_and_what_was_left_out(run: Run, tmp_path: Path, log: Path) -> None:
    outcome = run("labels", "from-log", "logs/hotel")
    assert outcome.code == 0, outcome.err
    with (tmp_path / "texts.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["text"], row["count"], row["version"]) for row in rows] == [
        ("太差", "1", "3"),
        ("很好", "2", "4"),
    ]
    assert outcome.out.splitlines() == [
        "requests       2 with 4 texts, 1 of them empty",
        "texts          2 different ones",
        "answers        1 bad, 1 good",
        "output         texts.csv",
    ]
    assert "logs/hotel-20261130T010000-7-0: the last record is not whole" in outcome.err
    assert "Requests of token ids, which" in outcome.err


def test_json_and_the_choice_of_requests(run: Run, log: Path) -> None:
    outcome = run("labels", "from-log", log, "--version", 4, "--output", "t.csv", "--json")
    told = json.loads(outcome.out)
    assert (told["output"], told["texts"], told["labels"]) == ("t.csv", 1, {"good": 1})
    assert told["notes"]


def test_bad_input_is_one_line(run: Run, tmp_path: Path, log: Path) -> None:
    table = tmp_path / "texts.csv"
    table.write_text("kept")
    other = write_log(tmp_path / "other", [logged(["a"], [GOOD], model="books")])
    (tmp_path / "foreign").write_text("text,label\n" * 9)
    for message, *arguments in (
        ("must be a file of a request log", "logs/hotels"),
        ("must hold requests of model 'hotel'", other, "--model-name", "hotel"),
        ("must be of one model", other, log),
        ("must be a version's folder", other, "--model", "nowhere"),
        ("corrupted record at 0", "foreign"),
        ("must be a file in a folder that can be written", other, "--output", "no/texts.csv"),
    ):
        outcome = run("labels", "from-log", *arguments, "--quiet")
        assert is_one_error_line(outcome), outcome
        assert message in outcome.err
    assert table.read_text() == "kept"
