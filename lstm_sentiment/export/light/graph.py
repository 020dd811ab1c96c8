"""The network of a light twin: an ONNX graph of token ids to logits."""

import keras
import numpy as np

from lstm_sentiment.export.light.graph_builder import FLOAT, INT32, GraphBuilder
from lstm_sentiment.export.light.network_layers import add_members
from lstm_sentiment.light_twin.description import LENGTHS, LOGITS, TOKEN_IDS, VECTORS
from lstm_sentiment.model.embedding_storage import store_matrix
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.version_folder import PAD_ID

MAX_BYTES = 2**31 - 2**20
"""Size of the largest network: a protocol buffer holds less than 2 GiB."""

_OPSET = 9  # the oldest with `Where`, so that old runtimes can read it
_BY_TIME = "by_time"


def network_bytes(model: SentimentModel) -> int:
    """Returns the size of a model's weights in its network, in bytes."""
    bytes_a_row = {
        "int8": model.embedding_dim + 4,
        "float16": 2 * model.embedding_dim,
        "float32": 4 * model.embedding_dim,
    }[model.config.embedding_storage]
    others = [layer for member in model.members for layer in member.layers()]
    return model.vocabulary_size * bytes_a_row + 4 * sum(map(keras.Layer.count_params, others))


def serialized_network(model: SentimentModel) -> bytes:
    """Returns a trained model, but for its n-grams, as a serialized ONNX `ModelProto`.

    Inputs:
        `token_ids` int32 `(batch, time)`, padded on the right, with a real token in each row and
        in the last column; `lengths` int32 `(batch,)`, the number of real tokens of each row.

    Outputs:
        `logits` float32 `(batch, classes)`; `vectors` float32 `(time, batch, embedding_dim)`, the
        word vectors of `token_ids`; and the weights, float32, by the names in `light_twin`, in
        ONNX's layout: gates in the order i, o, f, c. These are there for explanations: a runtime
        holds each weight once, and returns it when asked.
    """
    inputs = {TOKEN_IDS: (INT32, ("batch", "time")), LENGTHS: (INT32, ("batch",))}
    builder = GraphBuilder(inputs)
    by_time = builder.add("Transpose", TOKEN_IDS, perm=[1, 0], output=_BY_TIME)
    padding = builder.constant("padding_id", np.array(PAD_ID, np.int32))
    is_padding = builder.add("Unsqueeze", builder.add("Equal", by_time, padding), axes=[2])
    _add_embedding(builder, model)
    add_members(builder, model, VECTORS, is_padding)
    return builder.serialized(
        {
            LOGITS: ("batch", model.num_classes),
            VECTORS: ("time", "batch", model.embedding_dim),
            **builder.weights,
        },
        opset=_OPSET,
    )


def _add_embedding(builder: GraphBuilder, model: SentimentModel) -> None:
    """Looks up word vectors `(time, batch, embedding_dim)`."""
    stored = store_matrix(model.embedding.merged_matrix(), model.config.embedding_storage)
    values = builder.constant("embedding_values", stored.values)
    if stored.values.dtype == np.float32:
        builder.add("Gather", values, _BY_TIME, output=VECTORS)
        return
    rows = builder.add("Gather", values, _BY_TIME)
    if stored.scales is None:
        builder.add("Cast", rows, to=FLOAT, output=VECTORS)
        return
    scales = builder.add("Gather", builder.constant("embedding_scales", stored.scales), _BY_TIME)
    builder.add("Mul", builder.add("Cast", rows, to=FLOAT), scales, output=VECTORS)
