"""A `SentimentModel` trained by Keras' own `compile` and `fit` becomes a version."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from lstm_sentiment import (
    Corpus,
    FitResult,
    InvalidInputError,
    ModelConfig,
    SentimentModel,
    TextClassifier,
    UnigramTokenizer,
    build_vocabulary,
    evaluate_version,
    export_servable,
    inspect_version,
    load_trained_version,
    verify_version,
)
from lstm_sentiment.version_folder import probabilities_of
from lstm_sentiment.versions.predictor import SavedModelPredictor
from tests.corpora import hotel_like

CORPUS = hotel_like(60, seed=5)
NAMES = ("neg", "neu", "pos")


@pytest.fixture(scope="module")
def tokenizer() -> UnigramTokenizer:
    return UnigramTokenizer(build_vocabulary(CORPUS.texts, "unigram"))


@pytest.fixture(scope="module")
def model(tokenizer: UnigramTokenizer) -> SentimentModel:
    config = ModelConfig(lstm_units=4, max_length=20, trainable_embeddings=True)
    model = SentimentModel(len(tokenizer.vocabulary), 8, 3, config)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss=loss, metrics=["accuracy"])
    rows = tf.data.Dataset.from_tensor_slices((list(CORPUS.texts), list(CORPUS.labels)))
    model.fit(
        rows.batch(16).map(lambda texts, labels: (tokenizer(texts).to_tensor(), labels)),
        epochs=6,
        verbose=0,
    )
    return model


@pytest.fixture(scope="module")
def version(
    model: SentimentModel, tokenizer: UnigramTokenizer, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return export_servable(
        model,
        tmp_path_factory.mktemp("own"),
        tokenizer=tokenizer,
        label_names=NAMES,
        temperature=2.0,
        trained_on=CORPUS.texts,
    )


def test_its_answers_are_those_of_the_model(
    version: Path, model: SentimentModel, tokenizer: UnigramTokenizer
) -> None:
    texts = CORPUS.texts[:8]
    logits = model(tokenizer(tf.constant(texts)).to_tensor(), training=False)
    expected = probabilities_of(logits, temperature=2.0)
    for engine in ("light", "tensorflow"):
        answers = SavedModelPredictor(version, engine).predict(texts)
        # The version has its word vectors in 8 bits.
        assert np.allclose([a.probabilities for a in answers], expected, atol=0.02)
    assert verify_version(version).is_equal


def test_it_is_a_version_like_others(version: Path) -> None:
    named = CORPUS.with_labels(CORPUS.labels, NAMES)
    evaluated = evaluate_version(version, named)
    assert evaluated.texts_seen == len(CORPUS)
    report = inspect_version(version)
    assert report.card is not None
    assert "training" not in report.card
    assert len(report.card["examples"]) == 20
    trained = load_trained_version(version)
    assert trained.weights.label_names == NAMES
    assert TextClassifier.load(version).classes_.tolist() == list(NAMES)


def test_without_the_texts_it_has_examples_of_its_words(
    model: SentimentModel, tokenizer: UnigramTokenizer, tmp_path: Path
) -> None:
    folder = export_servable(model, tmp_path, tokenizer=tokenizer, label_names=[0, 1, 2])
    card = inspect_version(folder).card
    assert card is not None
    assert card["labels"] == ["0", "1", "2"]
    assert all(example["tokens"] for example in card["examples"])
    rows = [(text, str(label)) for text, label in zip(CORPUS.texts, CORPUS.labels, strict=True)]
    assert evaluate_version(folder, Corpus.from_rows(rows)).texts_seen is None
    with pytest.raises(InvalidInputError, match=r"must be a version that this release of `fit`"):
        load_trained_version(folder)


def sequential() -> Any:
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])


@pytest.mark.parametrize(
    ("make", "received"),
    [
        (sequential, "Received: Sequential."),
        (lambda: "model.keras", "Received: str."),
        (TextClassifier, "Received: TextClassifier. Call its method `save`."),
        (SimpleNamespace, "Received: SimpleNamespace."),
    ],
)
def test_what_cannot_be_exported_is_named(make: Any, received: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="It cannot take other Keras models") as error:
        export_servable(make(), tmp_path)
    assert str(error.value).endswith(received)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tokenizer": keras.layers.TextVectorization()}, "Received: TextVectorization."),
        ({"tokenizer": None}, "`tokenizer` must be the tokenizer of this package"),
        ({"label_names": None}, "`label_names` must name the model's classes"),
        ({"tokenizer": UnigramTokenizer(build_vocabulary(["好好"], "unigram"))}, "Received: "),
    ],
)
def test_what_a_model_lacks_is_named(
    changes: dict[str, Any],
    message: str,
    model: SentimentModel,
    tokenizer: UnigramTokenizer,
    tmp_path: Path,
) -> None:
    arguments = {"tokenizer": tokenizer, "label_names": NAMES, **changes}
    with pytest.raises(InvalidInputError, match=message):
        export_servable(model, tmp_path, **arguments)


@pytest.mark.parametrize("number", [np.nan, -np.inf])
def test_a_weight_that_is_not_finite_is_refused(
    number: float, model: SentimentModel, tokenizer: UnigramTokenizer, tmp_path: Path
) -> None:
    kept = model.get_weights()
    bias = max(place for place, weight in enumerate(kept) if weight.ndim == 1)
    diverged = [np.copy(weight) for weight in kept]
    diverged[bias][0] = number
    model.set_weights(diverged)
    try:
        with pytest.raises(InvalidInputError, match=r"weights must be finite.*Received: NaN or"):
            export_servable(model, tmp_path, tokenizer=tokenizer, label_names=NAMES)
    finally:
        model.set_weights(kept)
    assert not [*tmp_path.iterdir()]


def test_a_fit_result_has_its_own_tokenizer(
    fitted: FitResult, tokenizer: UnigramTokenizer, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInputError, match="a FitResult has its own"):
        export_servable(fitted, tmp_path, tokenizer=tokenizer)
