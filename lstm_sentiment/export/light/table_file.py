"""The file of the words' part of the first layer's gates."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.export.light.network_layers import onnx_weights
from lstm_sentiment.light_twin.description import FOLDED_BYTES, PADDING_GATE
from lstm_sentiment.model.embedding_storage import store_matrix
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.version_folder import PAD_ID

_POOLINGS = ("max", "mean", "max_mean")


def pays_with_table(model: SentimentModel) -> bool:
    """Returns whether a model's twin has a table.

    The table takes more memory than the word vectors, and what it saves grows with their width.
    """
    (layer, *others), config = model.lstm_layers, model.config
    readers = len(model.members) * (2 if layer.bidirectional else 1)
    return (
        not others
        and config.pooling in _POOLINGS
        and model.embedding_dim > 2 * layer.units
        and 4 * model.vocabulary_size * readers * 4 * layer.units <= FOLDED_BYTES
    )


def save_table(model: SentimentModel, path: Path) -> None:
    """Saves the table of `export.light.table_graph` as `.npy`.

    float32 `(readers * vocabulary_size, 4 * units)`: the rows of the second reader follow those of
    the first.
    """
    stored = store_matrix(model.embedding.merged_matrix(), model.config.embedding_storage)
    vectors = stored.expanded()
    units = model.config.lstm_units
    parts = []
    for member in model.members:
        kernels, _, biases = onnx_weights(member.lstm_layers[0])
        for kernel, bias in zip(kernels, biases, strict=True):
            parts.append(vectors @ kernel.T + bias[: 4 * units])
    table = np.concatenate(parts)
    table[PAD_ID] = _padding(units)
    np.save(path, table)


def _padding(units: int) -> NDArray[np.float32]:
    """Opens the gates i and o, closes f, and makes the candidate -1."""
    return np.repeat(np.array([1, 1, -1, -1], np.float32) * PADDING_GATE, units)
