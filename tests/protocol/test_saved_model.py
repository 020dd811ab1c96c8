from pathlib import Path

import pytest
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow.core.protobuf import saved_model_pb2 as their_saved_model

from lstm_sentiment.errors import ServableUnavailableError
from lstm_sentiment.protocol.saved_model import signature_defs


def save(folder: Path, *graphs: meta_graph_pb2.MetaGraphDef) -> Path:
    saved_model = their_saved_model.SavedModel(saved_model_schema_version=1, meta_graphs=graphs)
    (folder / "saved_model.pb").write_bytes(saved_model.SerializeToString())
    return folder


def graph_of(tags: list[str], *keys: str) -> meta_graph_pb2.MetaGraphDef:
    graph = meta_graph_pb2.MetaGraphDef()
    graph.meta_info_def.tags.extend(tags)
    graph.meta_info_def.tensorflow_version = "2.21.0"
    graph.graph_def.node.add(name="text", op="Placeholder").attr["dtype"].type = 7
    for key in keys:
        definition = graph.signature_def[key]
        definition.method_name = "tensorflow/serving/predict"
        definition.inputs["text"].name = f"{key}_text:0"
        definition.inputs["text"].dtype = 7
        definition.inputs["text"].tensor_shape.dim.add(size=-1)
    return graph


@pytest.mark.parametrize("tags", [["serve"], ["other"]])
def test_signatures_are_those_of_tensorflows_message(tmp_path: Path, tags: list[str]) -> None:
    graph = graph_of(tags, "text", "__saved_model_init_op")
    found = signature_defs(save(tmp_path, graph))
    assert list(found) == ["__saved_model_init_op", "text"]
    for key, definition in found.items():
        assert definition.SerializeToString() == graph.signature_def[key].SerializeToString()


def test_the_graph_for_serving_is_taken(tmp_path: Path) -> None:
    train, serve = graph_of(["train"], "a"), graph_of(["serve"], "b")
    assert list(signature_defs(save(tmp_path, train, serve, graph_of(["serve", "gpu"], "c")))) == [
        "b"
    ]


def test_several_graphs_without_one_for_serving_are_refused(tmp_path: Path) -> None:
    save(tmp_path, graph_of(["train"]), graph_of(["serve", "gpu"]))
    with pytest.raises(ServableUnavailableError, match=r"tag 'serve'. Received: train; serve,gpu"):
        signature_defs(tmp_path)


def test_a_missing_file_and_a_damaged_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ServableUnavailableError, match="cannot be read: No such file"):
        signature_defs(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"\xff\xff")
    with pytest.raises(ServableUnavailableError, match="must be a SavedModel"):
        signature_defs(tmp_path)
