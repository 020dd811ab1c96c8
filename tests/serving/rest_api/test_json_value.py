import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from lstm_sentiment.serving.rest_api.json_value import shortest_float32


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
