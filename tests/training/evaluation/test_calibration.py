import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment import expected_calibration_error, fit_temperature
from lstm_sentiment.training.evaluation.calibration import cross_entropy
from lstm_sentiment.version_folder import probabilities_of


def labelled(texts: int, too_sure_by: float, seed: int = 0) -> tuple[np.ndarray, list[int]]:
    """Logits that are right as often as they say, then made too sure of themselves."""
    generator = np.random.default_rng(seed)
    honest = generator.normal(0, 1.5, (texts, 3))
    labels = [int(generator.choice(3, p=row)) for row in probabilities_of(honest)]
    return honest * too_sure_by, labels


@pytest.mark.parametrize("too_sure_by", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_too_much_certainty(too_sure_by: float) -> None:
    logits, labels = labelled(4_000, too_sure_by)
    temperature = fit_temperature(logits, labels)
    assert temperature == pytest.approx(too_sure_by, rel=0.1)
    assert expected_calibration_error(probabilities_of(logits / temperature), labels) < 0.03
    if too_sure_by != 1:
        assert expected_calibration_error(probabilities_of(logits), labels) > 0.06


@given(st.integers(0, 99), st.floats(0.1, 5))
def test_no_other_temperature_is_more_likely(seed: int, other: float) -> None:
    logits, labels = labelled(500, 2.0, seed)
    best = cross_entropy(logits / fit_temperature(logits, labels), labels)
    assert best <= cross_entropy(logits / other, labels) + 0.002


def test_a_few_texts_that_are_all_right_do_not_make_it_certain() -> None:
    logits = np.array([[4.0, 0.0], [0.0, 4.0]] * 5)
    probabilities = probabilities_of(logits / fit_temperature(logits, [0, 1] * 5))
    assert 0.85 < probabilities.max() < 0.95


def test_the_error_of_a_worked_example() -> None:
    # Stated 0.9 four times, right three times; stated 0.6 twice, right both times.
    probabilities = np.array([[0.9, 0.1]] * 4 + [[0.4, 0.6]] * 2)
    error = expected_calibration_error(probabilities, [0, 0, 0, 1, 1, 1])
    assert error == pytest.approx((4 * 0.15 + 2 * 0.4) / 6)


def test_certain_and_right_is_perfect() -> None:
    assert expected_calibration_error(np.eye(3), [0, 1, 2]) == 0
