"""Files of soft labels: their forms, and the row that each message names."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.corpus.soft_labels import SUM_TOLERANCE, SoftLabels, read_soft_labels

NAMES = ("bad", "good")


def write(path: Path, content: str) -> Path:
    path.write_text(content, "utf-8")
    return path


def json_lines(path: Path, *records: Any) -> Path:
    return write(path, "".join(f"{json.dumps(record)}\n" for record in records))


def test_all_forms_of_a_file_give_the_same_soft_labels(tmp_path: Path) -> None:
    texts, rows = ["a, b", "c"], [[0.25, 0.75], [1.0, 0.0]]
    records = [dict(zip(NAMES, row, strict=True)) for row in rows]
    files = [
        write(tmp_path / "a.csv", 'good,text,bad\n0.75," a, b",0.25\n0,c,1\n'),
        write(
            tmp_path / "b.csv",
            'probability_good,x,text,probability_bad\n.75,1,"a, b",.25\n0,2,c,1\n',
        ),
        write(tmp_path / "c.tsv", "text\tgood\tbad\na, b\t0.75\t0.25\nc\t0\t1e0\n"),
        json_lines(
            tmp_path / "d.jsonl",
            *({"text": t, "probabilities": r} for t, r in zip(texts, records, strict=True)),
        ),
        json_lines(
            tmp_path / "e.jsonl",
            *({"text": t, **r} for t, r in zip(texts, records, strict=True)),
        ),
        json_lines(
            tmp_path / "f.jsonl",
            {"text": "a, b", "label": "good", "classification": 1, "probabilities": rows[0]},
            {"text": "c", "label": "bad", "classification": 0, "probabilities": rows[1]},
        ),
    ]
    for file in files:
        found = read_soft_labels(file, NAMES)
        assert found.texts == tuple(texts), file
        assert found.probabilities.dtype == np.float32
        assert found.probabilities.tolist() == rows, file
        assert found.fingerprint() == read_soft_labels(files[0], NAMES).fingerprint()


def test_the_columns_follow_the_classes_of_the_corpus(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "review,bad,good\nc,0.125,0.875\n")
    found = read_soft_labels(path, ("good", "bad"), text_column="review")
    assert found.label_names == ("good", "bad")
    assert found.probabilities.tolist() == [[0.875, 0.125]]


def test_outputs_of_score_have_their_own_column_of_texts_and_may_be_many(tmp_path: Path) -> None:
    for name, text in (("b", "y"), ("a", "x")):
        record = {"text": text, "label": "bad", "classification": 0, "probabilities": [0.75, 0.25]}
        json_lines(tmp_path / f"{name}.csv.sentiment-1-5e0c1a7f.scored.jsonl", record)
    write(tmp_path / "notes.md", "not soft labels")
    assert read_soft_labels(tmp_path, NAMES, text_column="review").texts == ("x", "y")


def test_a_class_may_be_named_as_the_column_of_the_texts(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,probability_text,other\nc,0.25,0.75\n")
    found = read_soft_labels(path, ("other", "text"))
    assert found.probabilities.tolist() == [[0.75, 0.25]]


def test_empty_and_repeated_rows_are_skipped(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,bad,good\n ,0.5,0.5\nc,0,1\n\nc ,0,1\nd,1,0\n")
    assert read_soft_labels(path, NAMES).texts == ("c", "d")


def test_rounded_probabilities_are_made_to_sum_to_one(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,a,b,c\nx,0.33,0.33,0.33\n")
    found = read_soft_labels(path, ("a", "b", "c"))
    np.testing.assert_allclose(found.probabilities, 1 / 3, rtol=1e-6)


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"bad": 0.5, "good": 0.5}, "2: the column 'text' must exist"),
        ({"text": [3], "bad": 0.5, "good": 0.5}, "2: a text must be a string. Received: [3]"),
        ({"text": "x", "bad": 1}, "2: each class must have a probability"),
        ({"text": "x", "probabilities": {"bad": 1, "goood": 0}}, "Received: 'goood'. Did you mean"),
        ({"text": "x", "probability_bad": 1, "probability_fine": 0}, "Received: 'fine'"),
        ({"text": "x", "bad": -0.1, "good": 1.1}, "of 'bad' must be a number from 0 to 1"),
        ({"text": "x", "bad": 0, "good": 1.1}, "of 'good' must be a number from 0 to 1"),
        ({"text": "x", "bad": float("nan"), "good": 1}, "2: the probability of 'bad'"),
        ({"text": "x", "bad": True, "good": 0}, "Received: True"),
        ({"text": "x", "bad": "half", "good": 0.5}, "Received: 'half'"),
        ({"text": "x", "bad": 0.5, "good": 0.4}, "must sum to 1. Received: [0.5, 0.4], which sum"),
        ({"text": "a", "bad": 0.5, "good": 0.5}, "Received: [0.5, 0.5], but [0.0, 1.0] at "),
        ({"text": "x", "probabilities": [1]}, "for each class: bad, good. Received: 1 numbers"),
        ({"text": "x", "probabilities": [1, 0]}, "2: `label` must be the class with the highest"),
        (
            {"text": "x", "probabilities": [0.9, 0.1], "label": "good"},
            "in the order bad, good. Received: 'good' for [0.9, 0.1]",
        ),
    ],
)
def test_a_row_that_breaks_a_rule_is_named(
    tmp_path: Path, record: dict[str, Any], told: str
) -> None:
    path = json_lines(tmp_path / "a.jsonl", {"text": "a", "bad": 0, "good": 1}, record)
    with pytest.raises(InvalidInputError) as error:
        read_soft_labels(path, NAMES)
    assert str(error.value).startswith(f"{path}:2: ")
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.txt", "x\n", ".csv, .tsv or .jsonl, or a folder of them. Received: .txt"),
        ("a.csv", "text,bad,good\n", "must hold at least one text"),
        ("a.csv", "", "must hold at least one text"),
        ("a.csv", "text,bad,bad\nx,0,1\n", ":1: each column must have another name"),
        ("a.csv", "text,bad,good\nx,0\n", ":2: a row must have 3 fields"),
        ("a.csv", "text,bad,good\n", "must hold at least one text. Received: none"),
    ],
)
def test_a_file_that_breaks_a_rule_is_named(
    tmp_path: Path, name: str, content: str, told: str
) -> None:
    path = write(tmp_path / name, content)
    with pytest.raises(InvalidInputError) as error:
        read_soft_labels(path, NAMES)
    assert str(error.value).startswith(str(path))
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("texts", "rows", "told"),
    [
        (("x",), [[0.5, 0.5, 0.0]], r"\(1, 2\). Received: \(1, 3\)"),
        (("x", "y"), [[0.5, 0.5], [0.5, 0.6]], r"Received: \[0.5, 0.6.*\] for text 2"),
        (("x",), [[np.nan, 1.0]], "sum to 1"),
        (("x",), [[-0.5, 1.5]], "from 0 to 1"),
        (("x", "x"), [[0.5, 0.5], [0.5, 0.5]], "different"),
        (("",), [[0.5, 0.5]], "not empty"),
    ],
)
def test_soft_labels_that_break_a_rule_are_refused(
    texts: tuple[str, ...], rows: list[list[float]], told: str
) -> None:
    with pytest.raises(InvalidInputError, match=told):
        SoftLabels(texts, np.array(rows, np.float32), NAMES)


@given(
    st.lists(st.lists(st.floats(0.01, 1), min_size=3, max_size=3), min_size=1, max_size=6),
    st.floats(1 - SUM_TOLERANCE / 2, 1 + SUM_TOLERANCE / 2),
)
def test_rows_sum_to_one_and_keep_their_bits_when_selected(
    drawn: list[list[float]], scale: float
) -> None:
    rows = np.array(drawn)
    rows *= scale / rows.sum(axis=1, keepdims=True)
    texts = tuple(map(str, range(len(rows))))
    labels = SoftLabels(texts, rows.astype(np.float32), ("a", "b", "c"))
    np.testing.assert_allclose(labels.probabilities.sum(axis=1), 1, atol=2e-6)
    again = labels.select(np.arange(len(rows)))
    assert again.probabilities.tobytes() == labels.probabilities.tobytes()
    assert again.fingerprint() == labels.fingerprint()
