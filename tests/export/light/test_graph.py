"""Tests of the parts of the ONNX graph; `tests/serving/light/test_network.py` runs it."""

import numpy as np
import onnx
import pytest

from lstm_sentiment.export.light.graph import network_bytes, serialized_network
from lstm_sentiment.model.config import EmbeddingStorage
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


def test_old_runtimes_can_read_it() -> None:
    network = onnx.load_model_from_string(serialized_network(make_model()))
    assert [opset.version for opset in network.opset_import] == [9]
    assert network.ir_version == 4
    assert not [node.op_type for node in network.graph.node if node.domain]
    assert np.all([input.name for input in network.graph.input] == ["token_ids", "lengths"])
