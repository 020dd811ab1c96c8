"""Signatures of every dtype answer in that dtype, in the field where TensorFlow Serving has it."""

from collections.abc import Iterator
from typing import Any

import pytest
import tensorflow as tf

from lstm_sentiment.protocol.tensor_pb2 import TensorProto
from lstm_sentiment.protocol.tensors import read_tensor, write_tensor
from lstm_sentiment.serving.saved_model.saved_model import SavedModelServable, load_saved_model

tf1 = tf.compat.v1

EIGHT_BITS = (*range(24, 29), 33)
FIELDS: dict[str, dict[str, Any]] = {
    "float32": {"float_val": [1, 2]},
    "float64": {"double_val": [1, 2]},
    "int64": {"int64_val": [1, -2]},
    "uint32": {"uint32_val": [1, 2**31]},
    "uint64": {"uint64_val": [1, 2**63]},
    "bool": {"bool_val": [True, False]},
    "string": {"string_val": [b"a", b"b\0"]},
    "complex64": {"scomplex_val": [1, 2, 3, 4]},
    "complex128": {"dcomplex_val": [1, 2, 3, 4]},
    "float16": {"half_val": [15360, 49152]},
    "bfloat16": {"half_val": [16256, 49152]},
    **{tf.as_dtype(number).name: {"float8_val": b"\1\2"} for number in EIGHT_BITS},
}
INTEGERS = ["int32", "int16", "int8", "uint16", "uint8", "int4", "uint4", "int2", "uint2"]
INTEGERS += ["qint32", "qint16", "qint8", "quint16", "quint8"]
VALUES = FIELDS | {name: {"int_val": [1, 0]} for name in INTEGERS}


@pytest.fixture(scope="module")
def servable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SavedModelServable]:
    """A signature of each dtype, which answers what it is given."""
    folder = tmp_path_factory.mktemp("dtypes") / "1"
    signatures = {}
    with tf.Graph().as_default() as graph, tf1.Session(graph=graph) as session:
        for name in VALUES:
            x = tf1.placeholder(tf.as_dtype(name), [None], name=f"x_{name}")
            signatures[name] = tf1.saved_model.build_signature_def(
                {"x": tf1.saved_model.build_tensor_info(x)},
                {"y": tf1.saved_model.build_tensor_info(tf.identity(x))},
            )
        builder = tf1.saved_model.Builder(str(folder))
        builder.add_meta_graph_and_variables(session, ["serve"], signature_def_map=signatures)
        builder.save()
    servable = load_saved_model(folder)
    yield servable
    servable.close()


@pytest.mark.parametrize("name", VALUES)
def test_a_tensor_comes_back_as_it_was_sent(servable: SavedModelServable, name: str) -> None:
    sent = TensorProto(dtype=tf.as_dtype(name).as_datatype_enum, **VALUES[name])
    sent.tensor_shape.dim.add(size=2)
    answer = TensorProto()
    write_tensor(servable.run(name, {"x": read_tensor(sent)})["y"], answer)
    assert answer == sent
