import math

import numpy as np
import pytest

from lstm_sentiment.training.config import Schedule
from lstm_sentiment.training.schedule import LearningRate


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [1, 1, 1]),
        ("linear", [1, 0.5, 0]),
        ("cosine", [1, 0.5, 0]),
    ],
)
def test_it_falls_as_its_name_says(schedule: Schedule, expected: list[float]) -> None:
    rate = LearningRate(1.0, 8, schedule)
    found = [float(rate(step)) for step in (0, 4, 8)]
    assert found == pytest.approx(expected, abs=1e-6)
    if schedule == "cosine":
        assert float(rate(2)) == pytest.approx((1 + math.cos(math.pi / 4)) / 2)


def test_it_rises_first() -> None:
    rate = LearningRate(0.2, 100, "constant", warmup_steps=4)
    found = [float(rate(step)) for step in range(6)]
    np.testing.assert_allclose(found, [0.05, 0.1, 0.15, 0.2, 0.2, 0.2], rtol=1e-6)
    falling = LearningRate(0.2, 100, "linear", warmup_steps=50)
    assert float(falling(75)) == pytest.approx(0.1)
    assert float(falling(1_000)) == 0
