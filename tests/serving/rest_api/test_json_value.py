import json
from typing import Any

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from lstm_sentiment.serving.rest_api.json_value import quoted, shortest_float32

json_documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_documents)
def test_a_value_is_quoted_as_json_and_cut_off_where_it_is_long(value: Any) -> None:
    whole = json.dumps(value, ensure_ascii=False, indent=4)
    assert quoted(value) == (whole if len(whole) <= 256 else whole[:256] + "...")


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def test_of_a_value_that_is_deeper_than_the_stack_the_beginning_is_quoted() -> None:
    assert quoted(_nested(100_000)).startswith("[\n    [\n        [")


@given(st.floats(width=32, allow_nan=False))
@example(float(np.finfo(np.float32).max))
@example(float(np.finfo(np.float32).smallest_subnormal))
@example(-0.0)
def test_a_float32_is_written_with_six_digits_where_they_suffice_and_else_nine(
    value: float,
) -> None:
    with np.errstate(over="ignore"):
        is_exact = np.float32(f"{value:.6g}") == np.float32(value)
    expected = float(f"{value:.6g}" if is_exact else f"{value:.9g}")
    assert repr(shortest_float32(value)) == repr(expected)
