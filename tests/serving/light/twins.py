"""Small models, and their networks as the light engine loads them."""

from pathlib import Path
from typing import Any

import numpy as np

from lstm_sentiment.export.light.graph import serialized_network
from lstm_sentiment.export.light.table_file import pays_with_table, save_table
from lstm_sentiment.export.light.table_graph import serialized_table_network
from lstm_sentiment.light_twin.description import LightTwin
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


def light_network(model: SentimentModel, folder: Path) -> LightNetwork:
    (folder / "graph.onnx").write_bytes(serialized_network(model))
    if pays_with_table(model):
        (folder / "table.onnx").write_bytes(serialized_table_network(model))
        save_table(model, folder / "table.npy")
    twin = LightTwin(
        tokenizer={},
        vocabulary_size=model.vocabulary_size,
        max_length=model.config.max_length,
        temperature=1.0,
        model=model.config.to_dict(),
        ngrams=None,
        character_ngrams=None,
        digests={},
    )
    return LightNetwork(folder, twin)


def rows_of(ids: np.ndarray) -> list[np.ndarray]:
    """The ids of each text, without padding."""
    return [row[row != 0] for row in ids]
