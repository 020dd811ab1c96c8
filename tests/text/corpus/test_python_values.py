"""Texts and labels as Python code holds them."""

import enum
import io
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment import Corpus, InvalidInputError, read_corpus
from lstm_sentiment.text.corpus.python_values import labels_of, texts_of

TEXTS = ["好", "不好", "一般"]
KINDS: dict[str, Callable[[list[str]], Any]] = {
    "list": list,
    "tuple": tuple,
    "generator": iter,
    "NumPy": np.array,
    "NumPy objects": lambda values: np.array(values, dtype=object),
    "NumPy column": lambda values: np.array(values)[:, None],
    "pandas": pd.Series,
    "pandas strings": lambda values: pd.Series(values, dtype="string", index=[7, 8, 9]),
    "pandas categories": lambda values: pd.Series(values, dtype="category"),
    "pandas frame of one column": lambda values: pd.DataFrame({"t": values}),
    "Polars": pl.Series,
    "Arrow": pa.array,
    "Arrow chunks": lambda values: pa.chunked_array([values]),
    "bytes": lambda values: [value.encode() for value in values],
}
FRAMES: dict[str, Callable[[dict[str, list[Any]]], Any]] = {
    "pandas": pd.DataFrame,
    "Polars": lambda columns: pl.DataFrame(columns, strict=False),
    "Arrow": pa.table,
    "Arrow batch": lambda columns: pa.RecordBatch.from_pydict(columns),
    "mapping": dict,
}


class Stars(enum.Enum):
    ONE = 1

    def __str__(self) -> str:
        return "one star"


@pytest.mark.parametrize("kind", KINDS)
def test_texts_of_every_kind_of_column(kind: str) -> None:
    assert texts_of(KINDS[kind](TEXTS)) == TEXTS


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([1, 2], ["1", "2"]),
        (np.array([1, 2], np.int8), ["1", "2"]),
        ([np.int64(3), np.bool_(True)], ["3", "True"]),
        (pd.Series([True, False]), ["True", "False"]),
        ([Stars.ONE, (1, 2), date(2024, 1, 2)], ["one star", "(1, 2)", "2024-01-02"]),
        (np.array(["2024-01-02"], "datetime64[D]"), ["2024-01-02"]),
        ([" good ", b"bad"], ["good", "bad"]),
    ],
)
def test_labels_of_any_type_are_named_by_str(labels: Any, names: list[str]) -> None:
    assert labels_of(labels) == names


@pytest.mark.parametrize("missing", [None, float("nan"), np.nan, pd.NA, pd.NaT])
@pytest.mark.parametrize(("read", "kind"), [(texts_of, "text"), (labels_of, "label")])
def test_a_missing_value_is_refused_with_its_row(
    read: Callable[[Any], Any], kind: str, missing: Any
) -> None:
    with pytest.raises(InvalidInputError, match=rf"^A {kind} must not be missing.* in row 1, and"):
        read(["a", missing, "b", missing])


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("好", "`texts` must be a list or another column of values. Received: '好'."),
        (3, "`texts` must be a list or another column of values. Received: 3."),
        (np.zeros((2, 3)), "`texts` must have one dimension. Received: shape (2, 3)."),
        (
            pd.DataFrame({"review": ["a"], "stars": [1]}),
            "`texts` must be one column, such as `frame['review']`. "
            "Received: a table of 2 columns.",
        ),
        (["a", ["b"]], "Row 1, counted from 0: a text must be a string. Received: ['b']."),
    ],
)
def test_what_is_no_column_of_texts_is_refused(texts: Any, message: str) -> None:
    with pytest.raises(InvalidInputError) as error:
        texts_of(texts)
    assert str(error.value) == message


@pytest.mark.parametrize("kind", FRAMES)
def test_a_corpus_of_a_frame(kind: str) -> None:
    frame = FRAMES[kind]({"review": [" 好", "不好", ""], "stars": [5, 1, 5], "id": [0, 1, 2]})
    corpus = Corpus.from_frame(frame, text="review", label="stars")
    assert corpus == Corpus.from_rows([("好", "5"), ("不好", "1"), ("", "5")])


@pytest.mark.parametrize("kind", FRAMES)
def test_rows_without_a_text_or_a_label_are_refused_or_left_out(kind: str) -> None:
    frame = FRAMES[kind]({"text": ["好", None, "坏"], "label": ["p", "n", None]})
    with pytest.raises(InvalidInputError, match=r"^A text must not be missing.* in row 1 \(rows"):
        Corpus.from_frame(frame)
    assert Corpus.from_frame(frame, bad_rows="skip") == Corpus.from_rows([("好", "p")])


@given(
    st.lists(
        st.tuples(st.text("好坏abc,\"' ", min_size=1).filter(str.strip), st.integers(-2, 12)),
        min_size=1,
    )
)
def test_a_frame_is_read_as_its_file(rows: list[tuple[str, int]]) -> None:
    frame = pl.DataFrame(rows, schema=["text", "label"], orient="row")
    assert Corpus.from_frame(frame) == Corpus.from_frame(frame.to_arrow())
    assert Corpus.from_frame(frame) == Corpus.from_frame(pd.DataFrame(rows, columns=frame.columns))
    assert Corpus.from_frame(frame) == Corpus.from_rows([(t, str(label)) for t, label in rows])


def test_rows_may_have_labels_of_any_type_and_come_from_a_generator() -> None:
    rows = [("好", 1), ("坏", np.int64(0)), (5, True)]
    assert Corpus.from_rows(iter(rows[:2])) == Corpus.from_rows([("好", "1"), ("坏", "0")])
    assert Corpus.from_rows(rows[2:]) == Corpus.from_rows([("5", "True")])
    for bad in (("坏", None), (None, 0)):
        with pytest.raises(InvalidInputError, match=r"must not be missing.* in row 1 \(rows"):
            Corpus.from_rows([("好", 1), bad])


def test_a_frame_that_pandas_reads_is_the_corpus_that_is_read_here(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\n好,1\n坏,0\n还行,1\n", "utf-8")
    assert Corpus.from_frame(pd.read_csv(path)) == read_corpus([path])
    assert Corpus.from_frame(pl.read_csv(io.BytesIO(path.read_bytes()))) == read_corpus([path])


class HuggingFace:
    """As a `datasets.Dataset` behaves, which is no dependency of the tests."""

    def __init__(self, columns: dict[str, list[Any]], names: list[str]) -> None:
        self._columns = columns
        self.features = {"text": object(), "label": type("ClassLabel", (), {"names": names})}
        self.column_names = list(columns)

    def __getitem__(self, name: str) -> Iterator[Any]:
        return iter(self._columns[name])


def test_class_labels_of_hugging_face_have_their_names() -> None:
    data = HuggingFace({"text": ["好", "坏", "?"], "label": [1, 0, -1]}, ["neg", "pos"])
    with pytest.raises(InvalidInputError, match=r"A label must not be missing.* in row 2"):
        Corpus.from_frame(data)
    expected = Corpus.from_rows([("好", "pos"), ("坏", "neg")])
    assert Corpus.from_frame(data, bad_rows="skip") == expected


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"txt": ["a"], "label": [1]}), "Received: 'text'. Did you mean 'txt'?"),
        (pl.LazyFrame({"text": ["a"]}), "Received: LazyFrame."),
        (["a"], "Received: list."),
        ({"train": HuggingFace({"text": []}, [])}, "`frame['train']`. Received: dict of 1 tables."),
        (
            pd.DataFrame([["a", "b", 1]], columns=["text", "text", "label"]),
            "Received: 2 columns 'text'.",
        ),
    ],
)
def test_what_is_no_frame_or_lacks_a_column_is_refused(frame: Any, message: str) -> None:
    with pytest.raises(InvalidInputError) as error:
        Corpus.from_frame(frame)
    assert str(error.value).endswith(message)
    assert "\n" not in str(error.value)
