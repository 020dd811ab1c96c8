"""Small models, and their networks as the light engine loads them."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from lstm_sentiment.export.light.graph import serialized_network
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.serving.light.network import LightNetwork
from tests.export.test_inference_network import make_model

POOLINGS = ("last", "max", "mean", "max_mean", "attention")


def trained_model(**config: Any) -> SentimentModel:
    """A model with weights about as large as training makes them."""
    model = make_model(**config)
    for variable in model.trainable_variables:
        variable.assign(variable * 0.5)
    return model


def light_network(model: SentimentModel) -> LightNetwork:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.onnx"
        path.write_bytes(serialized_network(model))
        return LightNetwork(path)


def rows_of(ids: np.ndarray) -> list[np.ndarray]:
    """The ids of each text, without padding."""
    return [row[row != 0] for row in ids]
