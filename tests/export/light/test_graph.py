"""Tests of the parts of the ONNX graph; `tests/serving/light/test_network.py` runs it."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest

from lstm_sentiment.export.light.batch_graph import serialized_batch_network
from lstm_sentiment.export.light.graph import network_bytes, serialized_network
from lstm_sentiment.model.config import EmbeddingStorage
from lstm_sentiment.model.sentiment_model import SentimentModel
from tests.export.test_inference_network import VOCABULARY_SIZE, make_model


@pytest.mark.parametrize("storage", ["int8", "float16", "float32"])
def test_each_weight_is_stored_once_and_word_vectors_as_in_the_version(
    storage: EmbeddingStorage,
) -> None:
    model = make_model(embedding_storage=storage, pooling="attention", lstm_layers=2)
    serialized = serialized_network(model)
    graph = onnx.load_model_from_string(serialized).graph
    arrays = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    table = arrays.pop("embedding_values")
    assert (table.dtype.name, table.shape) == (storage, (VOCABULARY_SIZE, 6))
    assert ("embedding_scales" in arrays) == (storage == "int8")
    outputs = {output.name for output in graph.output}
    weights = {name for name in arrays if name in outputs}
    assert outputs == {"logits", "vectors", *weights}
    assert network_bytes(model) == pytest.approx(len(serialized), abs=4096)
    sizes = sum(arrays[name].size for name in weights)
    twice = sum(arrays[name].size // 2 for name in weights if name.startswith("bias"))
    trained = [layer.count_params() for layer in model.layers_with_weights()]
    assert sizes - twice == sum(trained)


def test_the_network_of_batches_holds_no_weight() -> None:
    model = make_model(pooling="attention", lstm_layers=2)
    graph = onnx.load_model_from_string(serialized_batch_network(model)).graph
    assert sum(np.prod(each.dims, dtype=int) for each in graph.initializer) < 10
    weights = {"recurrent", "table", "kernel_1", "recurrent_kernel_1", "bias_1", "query"}
    assert {*weights, "dense_kernel", "dense_bias"} <= {each.name for each in graph.input}


@pytest.mark.parametrize(
    ("serialize", "opset"), [(serialized_network, 9), (serialized_batch_network, 10)]
)
def test_old_runtimes_can_read_it(serialize: Callable[[SentimentModel], bytes], opset: int) -> None:
    network = onnx.load_model_from_string(serialize(make_model()))
    assert [each.version for each in network.opset_import] == [opset]
    assert network.ir_version == 4
    assert not [node.op_type for node in network.graph.node if node.domain]
