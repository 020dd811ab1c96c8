"""Labels of any type, and their names."""

import enum
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment import InvalidInputError
from lstm_sentiment.estimator.classes import Classes


class Mood(enum.Enum):
    GOOD = 1
    BAD = 2


@given(
    st.one_of(
        st.lists(st.integers(-(2**40), 2**40), min_size=1),
        st.lists(st.booleans(), min_size=1),
        st.lists(st.integers(-99, 99).map(float), min_size=1),
        st.lists(st.sampled_from(["10", "9", "正面", "b a"]), min_size=1),
    )
)
def test_classes_are_those_of_numpy_and_survive_json(labels: list[Any]) -> None:
    classes, names = Classes.of(labels)
    assert np.array_equal(classes.labels, np.unique(labels))
    assert classes.labels.dtype == np.unique(labels).dtype
    by_name = dict(zip(classes.names, classes.labels.tolist(), strict=True))
    assert [by_name[name] for name in names] == labels
    again = Classes.from_json(json.loads(json.dumps(classes.to_json())))
    assert np.array_equal(again.labels, classes.labels)
    assert again.labels.dtype == classes.labels.dtype
    assert again.names == classes.names


def test_labels_of_other_types_are_kept_and_have_names_in_json() -> None:
    classes, names = Classes.of([Mood.GOOD, Mood.BAD, Mood.GOOD])
    assert classes.labels.tolist() == [Mood.BAD, Mood.GOOD]
    assert names == ["Mood.GOOD", "Mood.BAD", "Mood.GOOD"]
    again = Classes.from_json(json.loads(json.dumps(classes.to_json())))
    assert again.labels.tolist() == ["Mood.BAD", "Mood.GOOD"]


def test_whole_numbers_lose_their_point_in_names_alone() -> None:
    classes, names = Classes.of(pd.Series([1.0, 0.0]))
    assert names == ["1", "0"]
    assert classes.labels.tolist() == [0.0, 1.0]


def test_classes_of_a_version_are_strings_in_the_order_of_numpy() -> None:
    classes = Classes.of_version(("9", "10"))
    assert classes.labels.tolist() == ["10", "9"] == list(classes.names)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1, "1"], "Labels must differ as text, too. Received: 1 and '1'."),
        ([0.5, 1.0], "Unknown label type: continuous. Received: 0.5."),
        ([1, None], "A label must not be missing: fill such rows or leave them out. "
         "Received: None in row 1 (rows count from 0)."),
        ([[1], [2]], "Row 0, counted from 0: a label must be one value. Received: [1]."),
        (["a\nb"], "a label must be a number, or one line of text"),
        (np.ones((2, 2)), "`labels` must have one dimension. Received: shape (2, 2)."),
    ],
)  # fmt: skip
def test_labels_that_break_a_rule_are_refused(labels: Any, message: str) -> None:
    with pytest.raises(InvalidInputError) as error:
        Classes.of(labels)
    assert message in str(error.value)
