import numpy as np
import pytest

from lstm_sentiment import (
    Corpus,
    FitResult,
    InvalidInputError,
    ModelConfig,
    StartWeights,
    TrainingConfig,
    fit,
)
from lstm_sentiment.training.network import class_weights_of

ROWS = [
    ("房间很好", "positive"),
    ("房间很差", "negative"),
    ("很好", "positive"),
    ("差", "negative"),
]
CORPUS = Corpus.from_rows(ROWS, label_names=["positive", "negative", "other"])


def train(fitted: FitResult, lstm_units: int = 8) -> FitResult:
    return fit(
        CORPUS,
        CORPUS,
        tokenizer=fitted.tokenizer,
        model=ModelConfig(lstm_units=lstm_units, ngrams=0),
        training=TrainingConfig(epochs=1, learning_rate=1e-9),
        start=StartWeights(fitted.model, fitted.label_names),
    )


def test_training_begins_with_the_weights_given_and_finds_classes_by_name(
    fitted: FitResult,
) -> None:
    result = train(fitted)
    ours, theirs = (model.lstm_layers[0].get_weights() for model in (fitted.model, result.model))
    for before, after in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(before, after, atol=1e-6)
    before, after = (m.logits.get_weights()[0] for m in (fitted.model, result.model))
    assert fitted.label_names == ("negative", "neutral", "positive")
    np.testing.assert_allclose(after[:, 0], before[:, 2], atol=1e-6)
    np.testing.assert_allclose(after[:, 1], before[:, 0], atol=1e-6)
    assert not np.allclose(after[:, 2], before[:, 1], atol=1e-3)


def test_other_sizes_are_refused(fitted: FitResult) -> None:
    with pytest.raises(InvalidInputError, match="must have the same model sizes"):
        train(fitted, lstm_units=4)


def test_balanced_class_weights_make_all_classes_weigh_alike() -> None:
    labels = [0] * 6 + [1] * 2
    weights = class_weights_of(labels, 3, "balanced")
    assert weights is not None
    assert weights[0] * 6 == pytest.approx(weights[1] * 2)
    assert sum(weights[label] for label in labels) == pytest.approx(len(labels))
    assert weights[2] == 1
    assert class_weights_of(labels, 3, "none") is None
