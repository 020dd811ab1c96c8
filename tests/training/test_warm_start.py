from dataclasses import replace

import numpy as np
import pytest

from lstm_sentiment import (
    Corpus,
    FitResult,
    InvalidInputError,
    ModelConfig,
    SentimentModel,
    StartWeights,
    TrainingConfig,
    fit,
)

ROWS = [
    ("房间很好", "positive"),
    ("房间很差", "negative"),
    ("很好", "positive"),
    ("差", "negative"),
]
CORPUS = Corpus.from_rows(ROWS, label_names=["positive", "negative", "other"])


def train(fitted: FitResult, lstm_units: int = 8, members: int = 1) -> FitResult:
    return fit(
        CORPUS,
        CORPUS,
        tokenizer=fitted.tokenizer,
        model=ModelConfig(lstm_units=lstm_units, members=members, ngrams=0),
        training=TrainingConfig(cross_validation="off", epochs=1, learning_rate=1e-9),
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
    with pytest.raises(InvalidInputError, match=r"must have 2 members.*Received: 1"):
        train(fitted, members=2)


def test_every_member_of_an_ensemble_begins_with_its_own_weights(fitted: FitResult) -> None:
    ensemble = SentimentModel(
        len(fitted.tokenizer.vocabulary), 200, 3, ModelConfig(lstm_units=8, members=2, ngrams=0)
    )
    result = train(replace(fitted, model=ensemble), members=2)
    for before, after in zip(ensemble.members, result.model.members, strict=True):
        np.testing.assert_allclose(
            before.lstm_layers[0].get_weights()[0], after.lstm_layers[0].get_weights()[0], atol=1e-6
        )
        kernel, kept = before.logits.get_weights()[0], after.logits.get_weights()[0]
        np.testing.assert_allclose(kept[:, 0], kernel[:, 2], atol=1e-6)
