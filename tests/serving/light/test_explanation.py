"""Attributions in NumPy are those of the graph, for every kind of model."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from lstm_sentiment.export.explanation import make_attributions
from lstm_sentiment.serving.light.explanation import LightAttributions
from tests.export.test_inference_network import random_ids
from tests.serving.light.twins import POOLINGS, light_network, rows_of, trained_model


@pytest.mark.parametrize(
    ("pooling", "bidirectional", "lstm_layers", "members"),
    [*product(POOLINGS, (True, False), (1, 2), (1,)), *product(POOLINGS, (True,), (2,), (3,))],
)
def test_attributions_are_those_of_the_graph(
    pooling: str, bidirectional: bool, lstm_layers: int, members: int, tmp_path: Path
) -> None:
    model = trained_model(
        pooling=pooling,
        bidirectional=bidirectional,
        lstm_layers=lstm_layers,
        members=members,
        embedding_storage="float32",
    )
    network = light_network(model, tmp_path)
    attribute = LightAttributions(model.config.to_dict(), network.weights())
    ids = random_ids(1)
    expected = make_attributions(model, model.embedding)(ids, tf.constant([2], tf.int64))
    (row,) = rows_of(ids)
    np.testing.assert_allclose(attribute(network.vectors(row), 2), expected[0], atol=1e-5)
