"""The light network gives the scores of the trained model."""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_sentiment.export.light import table_file
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.errors import DeadlineExceededError, RequestCancelledError
from lstm_sentiment.serving.light.network import LightNetwork
from lstm_sentiment.system import usable_cpus
from tests.export.test_inference_network import random_ids
from tests.serving.light.twins import POOLINGS, light_network, rows_of, trained_model


@pytest.mark.parametrize(
    ("pooling", "bidirectional", "lstm_layers"), list(product(POOLINGS, (True, False), (1, 2)))
)
def test_every_kind_of_model_scores_as_trained(
    pooling: str, bidirectional: bool, lstm_layers: int, tmp_path: Path
) -> None:
    model = trained_model(pooling=pooling, bidirectional=bidirectional, lstm_layers=lstm_layers)
    network = light_network(model, tmp_path)
    for ids in (random_ids(3), random_ids(9)):  # few, and a batch
        np.testing.assert_allclose(network.logits(rows_of(ids)), model(ids), atol=1e-5)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_an_ensemble_scores_as_trained(pooling: str, tmp_path: Path) -> None:
    model = trained_model(pooling=pooling, lstm_layers=2, members=3)
    network = light_network(model, tmp_path)
    for ids in (random_ids(1), random_ids(9)):
        np.testing.assert_allclose(network.logits(rows_of(ids)), model(ids), atol=1e-5)


@pytest.mark.parametrize("storage", ["float32", "float16"])
def test_every_storage_scores_as_trained(storage: Any, tmp_path: Path) -> None:
    model = trained_model(embedding_storage=storage)
    network = light_network(model, tmp_path)
    for ids in (random_ids(3), random_ids(9)):
        np.testing.assert_allclose(network.logits(rows_of(ids)), model(ids), atol=1e-5)


@pytest.mark.parametrize(
    ("pooling", "bidirectional", "lstm_units", "members"),
    [
        *product(("max", "mean", "max_mean"), (True, False), (1, 2), (1,)),
        *product(("max", "max_mean"), (True, False), (2,), (3,)),
    ],
)
def test_words_are_looked_up_in_a_table_where_their_vectors_are_wide(
    pooling: str, bidirectional: bool, lstm_units: int, members: int, tmp_path: Path
) -> None:
    model = trained_model(
        pooling=pooling, bidirectional=bidirectional, lstm_units=lstm_units, members=members
    )
    network = light_network(model, tmp_path)
    assert (tmp_path / "table.npy").is_file()
    # From one text to more than `LSTM` is given, and some that end with or within a turn of `Loop`.
    for ids in (random_ids(1), random_ids(3), random_ids(40), random_ids(200, 8)):
        np.testing.assert_allclose(network.logits(rows_of(ids)), model(ids), atol=1e-5)


def test_a_vocabulary_too_large_for_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = trained_model(lstm_units=2)
    monkeypatch.setattr(table_file, "FOLDED_BYTES", 1000)
    network = light_network(model, tmp_path)
    assert not (tmp_path / "table.npy").exists()
    ids = random_ids(30)
    np.testing.assert_allclose(network.logits(rows_of(ids)), model(ids), atol=1e-5)


@pytest.fixture(scope="module", params=[1, 2, 4])
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[SentimentModel, LightNetwork]:
    """A model and its network: with a table for any text, for batches, and without one."""
    model = trained_model(lstm_units=request.param)
    return model, light_network(model, tmp_path_factory.mktemp("twin"))


@pytest.mark.parametrize("texts", [1, 2, 4, 5, 32, 33, 300])
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


class LeavingCaller(Caller):
    """A caller who goes away when the second group of texts begins."""

    def __init__(self) -> None:
        super().__init__()
        self.groups_begun = 0

    def check_waits(self) -> None:
        super().check_waits()
        self.groups_begun += 1
        if self.groups_begun == 2:
            self.leave()


def test_a_caller_who_goes_away_stops_the_computation(
    pair: tuple[SentimentModel, LightNetwork],
) -> None:
    caller = LeavingCaller()
    with pytest.raises(RequestCancelledError):
        pair[1].logits(rows_of(random_ids(2000)), caller=caller)
    # Of 32 or 250 groups; each thread may have begun one at the same moment.
    assert caller.groups_begun <= 2 + usable_cpus()
