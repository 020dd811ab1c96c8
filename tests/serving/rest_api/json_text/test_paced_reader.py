"""JSON that is read in parts is what Python's parser reads."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.serving.rest_api.json_document import parse_document
from lstm_sentiment.serving.rest_api.json_text.json_object import json_object
from lstm_sentiment.serving.rest_api.json_text.paced_reader import PacedReader

READER = PacedReader(json.JSONDecoder(object_pairs_hook=json_object), json_object)

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    scalars | st.lists(st.integers() | st.floats(allow_nan=False), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=30,
)


@given(values, st.sampled_from([None, 1, "\t"]), st.text(max_size=5))
def test_whatever_is_json_is_read_as_by_python(value: Any, indent: Any, more: str) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    assert READER.read(text) == value
    if not isinstance(value, int | float):
        assert READER.read(text + more) == value


@given(values, st.data())
def test_whatever_is_no_json_is_refused_or_read_as_by_python(value: Any, data: Any) -> None:
    text = json.dumps([value, 1, 2])
    at = data.draw(st.integers(0, len(text)))
    broken = text[:at] + data.draw(st.sampled_from(list('[]{},:"1-e. x'))) + text[at + 1 :]
    try:
        expected = json.JSONDecoder(object_pairs_hook=json_object).raw_decode(broken)[0]
    except ValueError:
        with pytest.raises(ValueError):
            READER.read(broken)
    else:
        assert READER.read(broken) == expected


@pytest.mark.parametrize("of", [1, 0.5])
def test_very_many_numbers(of: float) -> None:
    rows = [[of + at for at in range(3)] * 40_000, [], ["a", of, None, [of]]]
    document = {"instances": rows, "signature_name": "a, b"}
    for indent in (None, 0):
        assert parse_document(json.dumps(document, indent=indent).encode()) == document
