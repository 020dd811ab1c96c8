"""Texts of request logs, as the table that people label and `fit` reads."""

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment import FitResult, InvalidInputError, read_prediction_log, read_texts
from lstm_sentiment.labels.logged_texts import LoggedTexts, save_logged_texts
from lstm_sentiment.text.corpus.corrections import text_digest
from lstm_sentiment.text.corpus.soft_labels import read_soft_labels
from tests.exported import exported
from tests.request_logs import LABELS, Log, logged, logged_examples, write_log

BAD, GOOD = (0.875, 0.125), (0.25, 0.75)


def saved(folder: Path, *logs: Log, **choice: Any) -> tuple[LoggedTexts, list[dict[str, str]]]:
    """Writes a log and its table; returns the result and the table's rows."""
    log = write_log(folder / "log", logs)
    result = save_logged_texts(read_prediction_log(log, **choice), folder / "texts.csv")
    with (folder / "texts.csv").open(encoding="utf-8-sig", newline="") as file:
        return result, list(csv.DictReader(file))


def test_each_text_stands_once_with_its_newest_answer(tmp_path: Path) -> None:
    result, rows = saved(
        tmp_path,
        logged(["很好", "太差"], [GOOD, BAD], seconds=20),
        logged([" 很好\n"], [BAD], version=2, seconds=10),
        logged_examples("classify", ["太差"], [GOOD]),
        logged(["太差", " "], None, version=4, seconds=30),
    )
    assert rows == [
        {
            "text": "很好",
            "predicted_label": "good",
            "probability_bad": "0.25",
            "probability_good": "0.75",
            "count": "2",
            "version": "3",
            "digest": text_digest("很好"),
        },
        {
            "text": "太差",
            "predicted_label": "bad",
            "probability_bad": "0.875",
            "probability_good": "0.125",
            "count": "3",
            "version": "3",
            "digest": text_digest("太差"),
        },
    ]
    assert (result.requests, result.sent, result.texts, result.empty) == (4, 6, 2, 1)
    assert result.labels == {"bad": 1, "good": 1}
    assert result.notes == ()


def test_without_times_the_last_answer_of_the_last_file_is_the_newest(tmp_path: Path) -> None:
    write_log(tmp_path / "log-2", [logged(["很好"], [GOOD])])
    write_log(tmp_path / "log-1", [logged(["很好"], [BAD]), logged(["很好", "很好"], [BAD, BAD])])
    save_logged_texts(read_prediction_log(tmp_path / "log"), tmp_path / "texts.csv")
    with (tmp_path / "texts.csv").open(encoding="utf-8-sig") as file:
        [row] = csv.DictReader(file)
    assert (row["predicted_label"], row["count"]) == ("good", "4")


def test_the_table_is_unlabelled_texts_and_soft_labels(tmp_path: Path) -> None:
    texts = ["=1+1", "＋1", "-", "房间\r很小", 'a "b", c', "\ufeffx"]
    saved(tmp_path, logged(texts, [GOOD] * 5 + [BAD]))
    table = tmp_path / "texts.csv"
    assert table.read_bytes().startswith(b"\xef\xbb\xbf")
    assert table.stat().st_mode & 0o777 == 0o600
    assert [text.strip() for text in read_texts(table)] == texts
    soft = read_soft_labels(table, LABELS)
    assert list(soft.texts) == texts
    assert soft.probabilities[0].tolist() == list(GOOD)
    with table.open(encoding="utf-8-sig", newline="") as file:
        assert [row["text"][0] for row in csv.DictReader(file)] == [
            " ",
            " ",
            " ",
            "房",
            "a",
            "\ufeff",
        ]


@given(st.lists(st.lists(st.sampled_from("abc "), min_size=1, max_size=3), max_size=6))
def test_counts_add_up_to_what_was_sent(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[str]]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    logs = [logged(batch, [GOOD] * len(batch)) for batch in batches]
    sent = [text for batch in batches for text in batch if text != " "]
    if not sent:
        with pytest.raises(InvalidInputError, match="at least one request with a text"):
            saved(folder, *logs)
        return
    result, rows = saved(folder, *logs)
    assert {row["text"]: int(row["count"]) for row in rows} == {
        text: sent.count(text) for text in sent
    }
    assert (result.sent, result.texts) == (len(sent) + result.empty, len(set(sent)))


def test_classes_that_never_answered_get_their_names_from_the_version(
    fitted: FitResult, tmp_path: Path
) -> None:
    names = fitted.label_names
    log = logged(["好"], [(0.25, 0.5, 0.25)], labels=names)
    result, [row] = saved(tmp_path, log)
    assert list(row)[2:5] == ["probability_0", f"probability_{names[1]}", "probability_2"]
    assert "0, 2" in result.notes[0]
    result, [row] = saved(tmp_path, log, model_dir=exported(fitted))
    assert list(row)[2:5] == [f"probability_{name}" for name in names]
    assert result.notes == ()


def test_classes_may_be_named_by_numbers(tmp_path: Path) -> None:
    result, [row, _] = saved(tmp_path, logged(["a", "b"], [BAD, GOOD], labels=("0", "1")))
    assert (row["probability_0"], row["probability_1"]) == ("0.875", "0.125")
    assert result.notes == ()


def test_versions_with_other_classes_share_the_table(tmp_path: Path) -> None:
    _, rows = saved(
        tmp_path,
        logged(["a", "b"], [GOOD, BAD]),
        logged(["c", "d"], [GOOD, BAD], version=4, labels=("bad", "mixed")),
    )
    assert [row["probability_good"] for row in rows] == ["0.75", "0.125", "", ""]
    assert [row["probability_mixed"] for row in rows] == ["", "", "0.75", "0.125"]


def test_a_log_that_cannot_be_read_leaves_the_table_as_it_was(tmp_path: Path) -> None:
    table = tmp_path / "texts.csv"
    table.write_text("kept")
    log = write_log(tmp_path / "log", [logged(["a"], [GOOD]), logged(["b"], None, model="books")])
    with pytest.raises(InvalidInputError, match=r"of one model.*'sentiment' \(1\), 'books' \(1\)"):
        save_logged_texts(read_prediction_log(log), table)
    with pytest.raises(InvalidInputError, match="cannot be written"):
        save_logged_texts(read_prediction_log(log, model_name="sentiment"), tmp_path / "no" / "x")
    log.write_bytes(log.read_bytes()[:-1] + b"x")
    with pytest.raises(InvalidInputError, match="corrupted"):
        save_logged_texts(read_prediction_log(log), table)
    assert table.read_text() == "kept"
