"""Tests of the parts of the ONNX graph; `tests/serving/light/test_network.py` runs it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from lstm_sentiment.export.light.graph import network_bytes, serialized_network
from lstm_sentiment.export.light.table_file import save_table
from lstm_sentiment.export.light.table_graph import serialized_table_network
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


def test_the_network_with_a_table_holds_no_word_vectors() -> None:
    model = make_model(lstm_units=2)
    graph = onnx.load_model_from_string(serialized_table_network(model)).graph
    assert max(np.prod(each.dims, dtype=int) for each in graph.initializer) <= 4 * 2 * 2 * 2
    assert "table" in {each.name for each in graph.input}


@pytest.mark.parametrize("storage", ["int8", "float16", "float32"])
def test_the_table_holds_the_gates_of_stored_words(
    storage: EmbeddingStorage, tmp_path: Path
) -> None:
    model = make_model(lstm_units=2, embedding_storage=storage)
    save_table(model, tmp_path / "table.npy")
    forward, backward = np.split(np.load(tmp_path / "table.npy"), 2)
    vectors = model.embedding(np.arange(VOCABULARY_SIZE)).numpy()
    kernels = model.lstm_layers[0].get_weights()
    for table, (kernel, _, bias) in zip(
        (forward, backward), (kernels[:3], kernels[3:]), strict=True
    ):
        i, f, c, o = np.split(vectors @ kernel + bias, 4, axis=1)
        np.testing.assert_allclose(table[1:], np.concatenate([i, o, f, c], axis=1)[1:], atol=1e-5)


@pytest.mark.parametrize(
    ("serialize", "opset"), [(serialized_network, 9), (serialized_table_network, 11)]
)
def test_old_runtimes_can_read_it(serialize: Callable[[SentimentModel], bytes], opset: int) -> None:
    network = onnx.load_model_from_string(serialize(make_model()))
    assert [each.version for each in network.opset_import] == [opset]
    assert network.ir_version == 4
    assert not [node.op_type for node in network.graph.node if node.domain]
