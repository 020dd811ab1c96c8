"""The light network gives the scores of the trained model."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.errors import DeadlineExceededError, RequestCancelledError
from lstm_sentiment.serving.light.network import LightNetwork
from tests.export.test_inference_network import random_ids
from tests.serving.light.twins import POOLINGS, light_network, rows_of, trained_model


@pytest.mark.parametrize(
    ("pooling", "bidirectional", "lstm_layers"), list(product(POOLINGS, (True, False), (1, 2)))
)
def test_every_kind_of_model_scores_as_trained(
    pooling: str, bidirectional: bool, lstm_layers: int
) -> None:
    model = trained_model(pooling=pooling, bidirectional=bidirectional, lstm_layers=lstm_layers)
    ids = random_ids(5)
    logits = light_network(model).logits(rows_of(ids))
    np.testing.assert_allclose(logits, model(ids), atol=1e-5)


@pytest.mark.parametrize("storage", ["float32", "float16"])
def test_every_storage_scores_as_trained(storage: Any) -> None:
    model = trained_model(embedding_storage=storage)
    ids = random_ids(3)
    logits = light_network(model).logits(rows_of(ids))
    np.testing.assert_allclose(logits, model(ids), atol=1e-5)


@pytest.fixture(scope="module")
def pair() -> tuple[SentimentModel, LightNetwork]:
    model = trained_model()
    return model, light_network(model)


@pytest.mark.parametrize("texts", [1, 2, 8, 9, 64, 300])
def test_any_number_of_texts_is_scored_in_order(
    pair: tuple[SentimentModel, LightNetwork], texts: int
) -> None:
    model, network = pair
    ids = random_ids(texts)
    np.testing.assert_allclose(network.logits(rows_of(ids)), model(ids), atol=1e-5)


def test_a_texts_scores_are_its_own(pair: tuple[SentimentModel, LightNetwork]) -> None:
    rows = rows_of(random_ids(20))
    alone = np.concatenate([pair[1].logits([row]) for row in rows])
    np.testing.assert_allclose(pair[1].logits(rows), alone, atol=1e-6)


def test_no_text_has_no_scores(pair: tuple[SentimentModel, LightNetwork]) -> None:
    assert pair[1].logits([]).shape == (0, 3)


def test_a_caller_who_no_longer_waits_is_not_answered(
    pair: tuple[SentimentModel, LightNetwork],
) -> None:
    rows = rows_of(random_ids(3))
    with pytest.raises(DeadlineExceededError):
        pair[1].logits(rows, caller=Caller(deadline=0.0))
    gone = Caller()
    gone.leave()
    with pytest.raises(RequestCancelledError):
        pair[1].logits(rows, caller=gone)
