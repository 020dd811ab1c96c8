"""The graph that is served gives the scores of the model that was trained."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_sentiment.export import inference_network
from lstm_sentiment.export.inference_network import ROWS, InferenceNetwork
from lstm_sentiment.model.character_view import CharacterWeights, Spellings
from lstm_sentiment.model.config import ModelConfig
from lstm_sentiment.model.ngram_view import NO_NGRAM, NgramWeights, ngram_keys
from lstm_sentiment.model.sentiment_model import SentimentModel

VOCABULARY_SIZE, MAX_LENGTH = 30, 12


def make_model(**config: Any) -> SentimentModel:
    """A model with weights large enough for every gate to matter."""
    keras.utils.set_random_seed(0)
    settings = ModelConfig(**{"lstm_units": 4, "max_length": MAX_LENGTH, "ngrams": 0, **config})
    num_ngrams = 8 if settings.ngrams else 0
    characters = None if settings.character_ngrams in ("auto", 0) else some_characters(settings)
    model = SentimentModel(
        VOCABULARY_SIZE,
        6,
        3,
        settings,
        num_ngrams=num_ngrams,
        character_sizes=characters and characters.sizes,
        use_cudnn=False,
    )
    for variable in model.trainable_variables:
        variable.assign(2.0 * keras.random.normal(variable.shape, seed=1))
    vectors = np.random.default_rng(0).normal(size=(VOCABULARY_SIZE, 6))
    model.embedding.load_matrix(vectors.astype(np.float32))
    model.embedding.round_to(settings.embedding_storage)
    if model.ngram_view is not None:
        rng = np.random.default_rng(0)
        keys = np.arange(num_ngrams, dtype=np.int64) + 2
        kernel = rng.normal(size=(num_ngrams, 3)).astype(np.float32)
        idf = np.linspace(1, 2, num_ngrams, dtype=np.float32)
        model.ngram_view.load_ngrams(NgramWeights(keys, idf, kernel, np.ones(3, np.float32)))
        model.ngram_view.set_share(0.4)
    if model.character_view is not None and characters is not None:
        model.character_view.load_characters(characters)
        model.character_view.set_share(0.3)
    return model


def some_characters(settings: ModelConfig) -> CharacterWeights:
    """Every second n-gram of the spellings of 200 tokens is known; a spelling is 2 of 4 letters."""
    assert isinstance(settings.character_ngrams, int)
    rng = np.random.default_rng(0)
    letters = rng.integers(1, 5, (VOCABULARY_SIZE - 2, 2))
    spellings = Spellings(
        np.append(0, letters).astype(np.uint16),
        np.append([0, 0], np.arange(1, 2 * VOCABULARY_SIZE - 2, 2)).astype(np.int32),
    )
    text = letters[rng.integers(0, len(letters), 200)].reshape(1, -1)
    keys = np.unique(ngram_keys(text, settings.character_ngrams).numpy())
    keys = keys[keys != NO_NGRAM][::2]
    ngrams = NgramWeights(
        keys,
        rng.uniform(1, 5, len(keys)).astype(np.float32),
        rng.normal(size=(len(keys), 3)).astype(np.float32),
        np.arange(3, dtype=np.float32),
    )
    return CharacterWeights(spellings, ngrams, settings.character_ngrams)


def make_network(model: SentimentModel) -> InferenceNetwork:
    network = InferenceNetwork(model.without_cudnn())
    network.prepared.fill()
    return network


def random_ids(texts: int, longest: int = MAX_LENGTH, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    ids = rng.integers(1, VOCABULARY_SIZE, (texts, longest))
    lengths = rng.integers(1, longest + 1, texts)
    lengths[0] = longest
    return np.where(np.arange(longest) < lengths[:, np.newaxis], ids, 0).astype(np.int32)


@pytest.mark.parametrize(
    ("config", "folded"),
    [
        ({"pooling": "attention", "ngrams": 3}, True),
        ({"ngrams": 1, "character_ngrams": 5}, True),
        ({"character_ngrams": 3}, False),
        ({"pooling": "max", "embedding_storage": "float16"}, False),
        ({"bidirectional": False, "pooling": "last"}, True),
        ({"pooling": "last", "embedding_storage": "float32"}, False),
        ({"bidirectional": False, "pooling": "mean"}, False),
        ({"lstm_layers": 2}, True),
        ({"lstm_layers": 3, "bidirectional": False, "pooling": "last"}, False),
        ({"members": 3}, True),
        ({"members": 2, "bidirectional": False, "lstm_layers": 2, "pooling": "last"}, False),
        ({"members": 2, "lstm_layers": 2, "pooling": "attention"}, True),
    ],
    ids=str,
)
def test_every_kind_of_model_scores_as_trained(
    config: dict[str, Any], folded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not folded:
        monkeypatch.setattr(inference_network, "FOLDED_BYTES", 0)
    model = make_model(**config)
    network = make_network(model)
    for ids in (random_ids(3), random_ids(1, 2)):
        np.testing.assert_allclose(network(ids), model(ids), atol=1e-5)


@pytest.fixture(scope="module")
def pair() -> tuple[SentimentModel, InferenceNetwork]:
    model = make_model()
    return model, make_network(model)


@pytest.mark.parametrize("texts", [1, 2, 31, 32, 33, 64, 65, 128, 129, 300])
def test_any_number_of_texts_is_scored_in_order(
    pair: tuple[SentimentModel, InferenceNetwork], texts: int
) -> None:
    model, network = pair
    ids = random_ids(texts)
    np.testing.assert_allclose(network(ids), model(ids), atol=1e-5)


def test_no_text_has_no_scores(pair: tuple[SentimentModel, InferenceNetwork]) -> None:
    assert pair[1](np.zeros((0, 4), np.int32)).shape == (0, 3)


@given(
    batch=st.lists(
        st.lists(st.integers(1, VOCABULARY_SIZE - 1), min_size=1, max_size=MAX_LENGTH),
        min_size=1,
        max_size=70,
    )
)
@settings(max_examples=30)
def test_a_texts_scores_are_its_own(
    pair: tuple[SentimentModel, InferenceNetwork], batch: list[list[int]]
) -> None:
    ids = np.zeros((len(batch), MAX_LENGTH), np.int32)
    for row, text in zip(ids, batch, strict=True):
        row[: len(text)] = text
    together = pair[1](ids).numpy()
    alone = np.concatenate([pair[1](np.array([text], np.int32)) for text in batch[:8]])
    np.testing.assert_allclose(together[: len(alone)], alone, atol=1e-5)


@pytest.mark.parametrize(
    ("config", "folded"),
    [
        ({}, True),
        ({"pooling": "last"}, True),
        ({"lstm_layers": 2, "pooling": "attention"}, False),
        ({"members": 2}, True),
    ],
    ids=str,
)
def test_xla_compiles_it_to_the_same_scores(
    config: dict[str, Any], folded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not folded:
        monkeypatch.setattr(inference_network, "FOLDED_BYTES", 0)
    model = make_model(**config)
    network = make_network(model)
    logits = network.compilable_lstm_logits
    steps = logits.input_signature[0].shape[1]
    ids = np.pad(random_ids(4), ((0, 0), (0, steps - MAX_LENGTH)))
    compiled = tf.function(logits, jit_compile=True)
    np.testing.assert_allclose(compiled(ids), model(ids), atol=5e-5)  # its tanh is another


@pytest.fixture
def eager_functions() -> Iterator[None]:
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.usefixtures("eager_functions")
def test_few_shapes_are_computed(
    pair: tuple[SentimentModel, InferenceNetwork], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[int] = set()

    def note_rows(token_ids: tf.Tensor) -> tf.Tensor:
        seen.add(len(token_ids))
        return tf.zeros((len(token_ids), 3))

    monkeypatch.setattr(pair[1], "lstm_logits", note_rows)
    for texts in (1, 3, 9, 30, 40, 100, 150, 257):
        assert pair[1](tf.constant(random_ids(texts))).shape == (texts, 3)
    assert seen <= set(ROWS)
    assert len(seen) > 3
