"""The linear classifier of n-grams in NumPy gives the logits and attributions of the layer."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.export.explanation import of_ngrams
from lstm_sentiment.export.light.ngram_file import save_ngrams
from lstm_sentiment.model.ngram_view import NgramView, NgramWeights, ngram_keys
from lstm_sentiment.serving.light.ngrams import LightCharacterView, LightNgramView, mixed
from tests.export.test_inference_network import VOCABULARY_SIZE, make_model

CLASSES, LONGEST = 3, 3

Views = tuple[NgramView, LightNgramView]

batches = st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=12), min_size=1, max_size=9)


def padded(batch: list[list[int]]) -> np.ndarray:
    ids = np.zeros((len(batch), max(map(len, batch))), np.int32)
    for row, text in zip(ids, batch, strict=True):
        row[: len(text)] = text
    return ids


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> Views:
    """N-grams of 1 to 3 of the tokens 1 to 4, some of which are known."""
    rng = np.random.default_rng(0)
    keys = np.unique(ngram_keys(rng.integers(1, 5, (1, 30)), LONGEST).numpy())
    keys = keys[keys > 0][::2]
    view = NgramView(len(keys), CLASSES, LONGEST)
    view.build()
    idf = rng.uniform(1, 5, len(keys)).astype(np.float32)
    kernel = rng.normal(size=(len(keys), CLASSES)).astype(np.float32)
    view.load_ngrams(NgramWeights(keys, idf, kernel, np.ones(CLASSES, np.float32)))
    view.set_share(0.4)
    path = tmp_path_factory.mktemp("twin") / "ngrams.npz"
    save_ngrams(view, path)
    return view, LightNgramView(path, LONGEST)


@given(batch=batches)
def test_logits_are_mixed_as_in_the_layer(views: Views, batch: list[list[int]]) -> None:
    layer, light = views
    logits = np.random.default_rng(0).normal(size=(len(batch), CLASSES)).astype(np.float32)
    mixture = mixed([light], [np.array(text, np.int32) for text in batch], logits)
    np.testing.assert_allclose(mixture, layer(padded(batch), logits), atol=1e-5)
    assert mixture.dtype == np.float32


@pytest.fixture(scope="module", params=[1, 3, 5])
def character_views(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Views:
    view = make_model(character_ngrams=request.param).character_view
    assert view is not None
    path = tmp_path_factory.mktemp("twin") / "characters.npz"
    save_ngrams(view, path)
    return view, LightCharacterView(path, request.param)


ids_of_any_token = st.lists(st.integers(1, VOCABULARY_SIZE - 1), min_size=1, max_size=12)


@given(batch=st.lists(ids_of_any_token, min_size=1, max_size=9))
def test_characters_are_scored_as_in_the_layer(
    character_views: Views, batch: list[list[int]]
) -> None:
    layer, light = character_views
    logits = np.random.default_rng(0).normal(size=(len(batch), CLASSES)).astype(np.float32)
    mixture = mixed([light], [np.array(text, np.int32) for text in batch], logits)
    np.testing.assert_allclose(mixture, layer(padded(batch), logits), atol=1e-5)


@given(text=ids_of_any_token, chosen=st.integers(0, 2))
def test_attributions_of_characters_are_those_of_the_graph(
    character_views: Views, text: list[int], chosen: int
) -> None:
    layer, light = character_views
    ids = np.array(text, np.int32)
    expected = of_ngrams(layer, tf.constant(ids), chosen)
    attributions = light.attributions(ids, chosen)
    np.testing.assert_allclose(attributions, expected, atol=1e-5)
    own = light.logits([ids])[0, chosen] - float(np.array(layer.bias)[chosen])
    np.testing.assert_allclose(attributions.sum(), own, atol=1e-5)


@given(text=st.lists(st.integers(1, 5), min_size=1, max_size=12), chosen=st.integers(0, 2))
def test_attributions_are_those_of_the_graph(views: Views, text: list[int], chosen: int) -> None:
    layer, light = views
    ids = np.array(text, np.int32)
    expected = of_ngrams(layer, tf.constant(ids), chosen)
    np.testing.assert_allclose(light.attributions(ids, chosen), expected, atol=1e-5)


def test_no_text_has_no_logits(views: Views) -> None:
    assert mixed(views[1:], [], np.zeros((0, CLASSES), np.float32)).shape == (0, CLASSES)


def test_texts_do_not_share_ngrams(views: Views) -> None:
    """What ends one text and begins the next is no n-gram, nor is padding a part of one."""
    batch = [[1], [2], [1, 2], [3], [3], [3, 4, 1]]
    rows = [np.array(text, np.int32) for text in batch]
    logits = np.zeros((len(batch), CLASSES), np.float32)
    alone = [mixed(views[1:], [row], logits[:1])[0] for row in rows]
    np.testing.assert_allclose(mixed(views[1:], rows, logits), alone, atol=1e-6)


def test_unknown_ngrams_have_no_attribution(tmp_path: Path) -> None:
    """Wherever the index would have them: with one known n-gram, many come after its row."""
    kernel = np.array([[2.0, -3.0]], np.float32)
    arrays: dict[str, Any] = {
        "keys": np.array([1]),
        "idf": np.ones(1, np.float32),
        "kernel": kernel,
    }
    np.savez(tmp_path / "ngrams.npz", **arrays, bias=np.zeros(2, np.float32), share=np.array(0.5))
    light = LightNgramView(tmp_path / "ngrams.npz", LONGEST)
    for token_id in range(2, 30):
        attributions = light.attributions(np.array([1, token_id], np.int32), 1)
        np.testing.assert_allclose(attributions, [-3.0, 0.0])
