"""What a version's card says of its training."""

import importlib.metadata
import json
from dataclasses import replace
from datetime import UTC, datetime

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_text

import lstm_sentiment
from lstm_sentiment import FitResult
from lstm_sentiment.card_facts import read_card_facts
from lstm_sentiment.drift.reference import CARD_KEY, DriftReference
from lstm_sentiment.export.card import make_card
from lstm_sentiment.report.page.card_facts import learning_history
from lstm_sentiment.training.network import precision_scope


def test_the_card_holds_the_learning_curves(fitted: FitResult) -> None:
    card = json.loads(json.dumps(make_card(fitted, None)))
    curves = ("loss", "val_loss", "accuracy", "val_accuracy")
    assert learning_history(card) == {name: fitted.history[name] for name in curves}
    assert len(card["history"]["loss"]) == 4
    # They tell of the machine: two versions of the same run would differ in them.
    assert not {"seconds", "tokens_per_second"} & set(card["history"])


def test_examples_have_the_versions_precision_not_that_of_training(fitted: FitResult) -> None:
    with precision_scope("mixed_bfloat16"):
        model = fitted.model.without_cudnn()
    card, expected = make_card(replace(fitted, model=model), None), make_card(fitted, None)
    for example, exact in zip(card["examples"], expected["examples"], strict=True):
        np.testing.assert_allclose(example["probabilities"], exact["probabilities"], atol=1e-6)


def test_the_card_keeps_what_the_texts_of_training_look_like(fitted: FitResult) -> None:
    card = json.loads(json.dumps(make_card(fitted, None)))
    reference = DriftReference.from_card(card, "here")
    assert fitted.drift_reference is not None
    assert reference.to_dict() == fitted.drift_reference.to_dict()
    assert CARD_KEY not in make_card(replace(fitted, drift_reference=None), None)


def test_the_card_has_the_time_of_the_export_in_utc(fitted: FitResult) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    facts = read_card_facts(make_card(fitted, None))
    assert facts.trained_at is not None
    assert before <= facts.trained_at <= datetime.now(UTC)
    assert facts.labels == fitted.label_names


def test_versions_of_libraries_are_those_of_the_modules(
    fitted: FitResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The packages may have other names: tensorflow-cpu, keras-nightly."""

    def unknown(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", unknown)
    assert make_card(fitted, None)["libraries"] == {
        "lstm-sentiment": lstm_sentiment.__version__,
        "tensorflow": tf.__version__,
        "tensorflow-text": tensorflow_text.__version__,
        "keras": keras.__version__,
    }
