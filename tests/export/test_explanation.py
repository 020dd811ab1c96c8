"""Credit is given where it is due, and all of it."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from lstm_sentiment.export.explanation import make_attributions
from lstm_sentiment.model.sentiment_model import SentimentModel
from tests.export.test_inference_network import make_model, random_ids

Explained = tuple[SentimentModel, Any]


def explained(**config: Any) -> Explained:
    model = make_model(embedding_storage="float32", **config)
    attributions = make_attributions(model, model.embedding)
    signature = [tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int64)]
    return model, tf.function(attributions, autograph=False, input_signature=signature)


@pytest.fixture(scope="module")
def with_ngrams() -> Explained:
    return explained(ngrams=3)


def baseline(model: SentimentModel, length: int) -> np.ndarray:
    """The logits of a text of zero vectors that holds no known n-gram."""
    vectors = np.zeros((1, length, model.embedding_dim), np.float32)
    logits = model.lstm_logits(vectors, np.ones((1, length), bool)).numpy()[0]
    shares = [float(view.share.value) for view in model.views()]
    biases = [np.array(view.bias) for view in model.views()]
    of_views = [share * bias for share, bias in zip(shares, biases, strict=True)]
    return (1 - sum(shares)) * logits + np.sum(of_views, axis=0)


def assert_complete(model: SentimentModel, attribute: Any, ids: np.ndarray) -> None:
    """Each row's credit adds up to what the class's logit has more than at the baseline."""
    logits = model(ids).numpy()
    classes = logits.argmax(axis=1)
    credit = attribute(ids, classes).numpy()
    for row, text, logit, chosen in zip(credit, ids, logits, classes, strict=True):
        length = int(np.count_nonzero(text))
        assert not row[length:].any()
        difference = logit[chosen] - baseline(model, length)[chosen]
        assert row.sum() == pytest.approx(difference, rel=1e-3, abs=1e-4)


def test_credit_adds_up(with_ngrams: Explained) -> None:
    assert_complete(*with_ngrams, random_ids(6))


@pytest.mark.parametrize("ngrams", [0, 3])
def test_credit_of_character_ngrams_adds_up(ngrams: int) -> None:
    assert_complete(*explained(ngrams=ngrams, character_ngrams=5), random_ids(6))


def test_credit_adds_up_for_the_last_state_of_one_direction() -> None:
    assert_complete(*explained(bidirectional=False, pooling="last"), random_ids(4))


def test_credit_adds_up_for_an_ensemble() -> None:
    assert_complete(*explained(members=2), random_ids(4))


def test_credit_is_that_of_many_more_steps() -> None:
    model, attribute = explained(bidirectional=False)
    for variable in model.trainable_variables:
        variable.assign(variable * 0.5)  # about as large as training makes them
    finer = make_attributions(model, model.embedding, steps=400)
    ids, classes = tf.constant(random_ids(1)), tf.constant([1], tf.int64)
    expected = finer(ids, classes).numpy()
    np.testing.assert_allclose(
        attribute(ids, classes), expected, atol=0.03 * float(np.abs(expected).max())
    )


def test_credit_does_not_depend_on_padding_and_company(with_ngrams: Explained) -> None:
    _, attribute = with_ngrams
    ids = random_ids(5)
    together = attribute(np.pad(ids, ((0, 0), (0, 4))), [0, 1, 2, 0, 1]).numpy()
    for row, text, chosen in zip(together, ids, [0, 1, 2, 0, 1], strict=True):
        own = text[text > 0]
        alone = attribute(own[np.newaxis], [chosen]).numpy()[0]
        np.testing.assert_allclose(row[: len(own)], alone, atol=1e-5)


def test_ngrams_share_their_credit_among_their_tokens(with_ngrams: Explained) -> None:
    model, attribute = with_ngrams
    view = model.ngram_view
    assert view is not None
    known, unknown = 2, 29  # the single tokens 2 to 9 are the known n-grams
    before = float(view.share.value)
    view.set_share(1.0)  # the LSTM has no say
    try:
        credit = attribute(np.array([[known, unknown, known, 3]], np.int32), [1]).numpy()[0]
    finally:
        view.set_share(before)
    idf, kernel = np.array(view.idf), np.array(view.kernel)
    length = np.hypot(idf[0], idf[1])
    expected = [idf[0] * kernel[0, 1] / length / 2, 0, idf[0] * kernel[0, 1] / length / 2]
    np.testing.assert_allclose(credit, [*expected, idf[1] * kernel[1, 1] / length], atol=1e-6)


def test_characters_give_their_credit_to_their_token() -> None:
    """Of an LSTM without a say, a token whose characters alone are known gets all credit."""
    model, attribute = explained(character_ngrams=1)
    view = model.character_view
    assert view is not None
    view.set_share(1.0)
    spelled = view.units(np.arange(2, 30)[:, np.newaxis]).numpy()
    (known,) = np.intersect1d(np.array(view.keys), spelled)[:1]
    without = np.flatnonzero(~np.isin(spelled, np.array(view.keys)).any(axis=1)) + 2
    within = np.flatnonzero((spelled == known).any(axis=1)) + 2
    text = np.array([[without[0], within[0], without[0]]], np.int32)
    credit = attribute(text, [2]).numpy()[0]
    expected = model(text).numpy()[0, 2] - np.array(view.bias)[2]
    np.testing.assert_allclose(credit, [0, expected, 0], atol=1e-5)
