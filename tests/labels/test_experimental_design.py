"""The choice of texts by the variance that their labels take away."""

import numpy as np
import pytest
from numpy.typing import NDArray

from lstm_sentiment.labels.experimental_design import PENALTY, design


def variance(
    features: NDArray[np.float32], known: NDArray[np.float32], weights: NDArray[np.float64]
) -> float:
    """The weighted sum of the variances of all answers, from its definition."""
    rows = known.astype(np.float64)
    covariance = np.linalg.inv(rows.T @ rows + PENALTY * np.eye(features.shape[1]))
    variances = [row @ covariance @ row for row in features.astype(np.float64)]
    return float(weights @ variances)


@pytest.mark.parametrize("seed", range(5))
def test_each_choice_lowers_the_variance_more_than_any_other_text(seed: int) -> None:
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(40, 6)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    known = features[:3]
    weights = generator.random(40) ** 2
    chosen = design(features, 25, labelled=known, weights=weights)
    assert len(set(chosen.tolist())) == 25
    for place, choice in enumerate(chosen.tolist()):
        before = [*known, *features[chosen[:place]]]
        others = np.setdiff1d(np.arange(40), chosen[:place])
        left = {
            other: variance(features, np.array([*before, features[other]]), weights)
            for other in others.tolist()
        }
        assert left[choice] == pytest.approx(min(left.values()), rel=1e-5)


def test_without_weights_all_texts_count_alike() -> None:
    features = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    none = features[:0]
    alike = design(features, 10, labelled=none, weights=np.full(30, 0.3))
    assert design(features, 10, labelled=none).tolist() == alike.tolist()


def test_texts_without_features_are_chosen_last() -> None:
    features = np.zeros((6, 3), np.float32)
    features[[1, 4]] = [[1, 0, 0], [0, 1, 0]]
    assert set(design(features, 6, labelled=features[:0])[:2].tolist()) == {1, 4}
