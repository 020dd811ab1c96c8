"""SavedModels that other programs write: as text, without signatures, with tensors of any kind."""

from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import saved_model_pb2

from lstm_sentiment import ServableUnavailableError, VersionReport, inspect_version
from lstm_sentiment.errors import LstmSentimentError
from lstm_sentiment.protocol.dtypes import dtype_of
from lstm_sentiment.protocol.tensor_pb2 import TensorProto
from lstm_sentiment.protocol.tensors import read_tensor
from lstm_sentiment.serving.errors import NotImplementedInServingError
from lstm_sentiment.serving.rest_api.json_value import json_values, value_reader
from lstm_sentiment.versions.inspection.graph import SignatureSummary, TensorSummary
from lstm_sentiment.versions.inspection.snippets import (
    FALLBACK,
    JSON_INPUTS,
    JSON_OUTPUTS,
    request_snippets,
)
from tests.serving.saved_model.test_every_dtype import VALUES
from tests.serving.saved_models import save_version

tf1 = tf.compat.v1

FLOATS = tf.TensorSpec([None, 3], tf.float32, "x")


def saved(folder: Path, **functions: Any) -> VersionReport:
    module = tf.Module()
    module.functions = list(functions.values())
    tf.saved_model.save(module, str(folder / "1"), signatures=functions or None)
    return inspect_version(folder / "1")


def as_text(version: Path) -> Path:
    """The version, with its graph in text format alone."""
    graph = version / "saved_model.pb"
    message = saved_model_pb2.SavedModel.FromString(graph.read_bytes())
    (version / "saved_model.pbtxt").write_text(text_format.MessageToString(message), "utf-8")
    graph.unlink()
    return version


def test_a_graph_as_text_is_read_as_the_other_form(tmp_path: Path) -> None:
    version = save_version(tmp_path / "m", 1)
    before = inspect_version(version)
    report = inspect_version(as_text(version))
    assert report.signatures == before.signatures
    assert report.graph == before.graph
    assert report.snippets == before.snippets
    assert report.sizes.graph == (version / "saved_model.pbtxt").stat().st_size
    assert (report.sizes.parts, report.sizes.other) == (before.sizes.parts, before.sizes.other)
    assert inspect_version(tmp_path / "m").version_dir == version


def test_the_other_form_comes_first_as_in_tensorflow(tmp_path: Path) -> None:
    version = save_version(tmp_path / "m", 1)
    (version / "saved_model.pbtxt").write_text("nonsense {")
    assert "text" in inspect_version(version).signatures


@pytest.mark.parametrize("content", [b"nonsense {", b"meta_graphs {", b"\xff\xfe", b"meta_graphs"])
def test_a_damaged_text_is_told_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pbtxt").write_bytes(content)
    with pytest.raises(ServableUnavailableError, match=r"pbtxt: must be a SavedModel") as raised:
        inspect_version(tmp_path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("dtype", "make"),
    [
        ("composite", lambda x: tf.RaggedTensor.from_tensor(x)),
        ("sparse", tf.sparse.from_dense),
        ("variant", lambda x: tf.raw_ops.TensorListFromTensor(tensor=x, element_shape=[3])),
        (
            "resource",
            lambda x: tf.raw_ops.MutableHashTableV2(
                key_dtype=tf.string, value_dtype=tf.int64, shared_name="kept"
            ),
        ),
    ],
)
def test_what_no_message_holds_is_not_offered(tmp_path: Path, dtype: str, make: Any) -> None:
    report = saved(tmp_path, odd=tf.function(lambda x: {"y": make(x)}, input_signature=[FLOATS]))
    signature = report.signatures["odd"]
    assert (signature.outputs["y"].dtype, signature.is_served) == (dtype, False)
    assert "odd" not in report.snippets


@pytest.mark.parametrize("dtype", [tf.complex64, tf.float16, tf.bfloat16])
def test_no_curl_where_json_cannot_hold_the_input(tmp_path: Path, dtype: tf.DType) -> None:
    spec = tf.TensorSpec([None], dtype, "x")
    report = saved(tmp_path, odd=tf.function(lambda x: {"y": x}, input_signature=[spec]))
    assert report.snippets["odd"].curl == ""
    assert f"tf.{dtype.name}" in report.snippets["odd"].python


def test_no_curl_where_json_cannot_hold_the_output(tmp_path: Path) -> None:
    function = tf.function(lambda x: {"y": tf.complex(x, x)}, input_signature=[FLOATS])
    assert saved(tmp_path, odd=function).snippets["odd"].curl == ""


def test_a_signature_without_an_output_is_not_offered(tmp_path: Path) -> None:
    """A session refuses it: "Must specify at least one target to fetch or execute"."""
    report = saved(tmp_path, silent=tf.function(lambda x: {}, input_signature=[FLOATS]))
    assert not report.signatures["silent"].is_served
    assert report.snippets == {}


@pytest.mark.parametrize("name", sorted(VALUES))
def test_the_tensor_of_every_python_snippet_can_be_made(name: str) -> None:
    """TensorFlow has attributes and Python values for some of its dtypes alone."""
    tensor = TensorSummary(name, (None, 2))
    signature = SignatureSummary("odd", "predict", {"x": tensor}, {"y": tensor})
    written = request_snippets(signature, "m", None, FALLBACK).python
    before_the_call = written.partition("with grpc.")[0]
    names: dict[str, Any] = {}
    exec(before_the_call, names)
    sent = names["request"].inputs["x"].SerializeToString()
    dtype = tf.as_dtype(name)
    in_tensorflow = tf.io.parse_tensor(sent, dtype)
    assert (in_tensorflow.dtype, in_tensorflow.shape) == (dtype, (1, 2))
    assert read_tensor(TensorProto.FromString(sent)).shape == (1, 2)


@pytest.mark.parametrize(
    ("tag_sets", "shown"),
    [
        ([["train"]], ["train"]),
        ([["train"], ["eval"]], ["train"]),
        ([["train"], ["serve", "tpu"]], ["serve", "tpu"]),
        ([[]], []),
    ],
)
def test_a_graph_that_no_server_loads_is_shown_without_a_request(
    tmp_path: Path, tag_sets: list[list[str]], shown: list[str]
) -> None:
    with tf.Graph().as_default(), tf1.Session() as session:
        x = tf1.placeholder(tf.float32, [None], "x")
        signature = tf1.saved_model.predict_signature_def({"x": x}, {"y": x + 1})
        builder = tf1.saved_model.Builder(str(tmp_path / "1"))
        first, *others = tag_sets
        builder.add_meta_graph_and_variables(session, first, {"s": signature})
        for tags in others:
            builder.add_meta_graph(tags, {"s": signature})
        builder.save()
    report = inspect_version(tmp_path)
    assert sorted(report.graph.tags) == shown
    assert [sorted(tags) for tags in report.graph.all_tags] == tag_sets
    assert list(report.signatures) == ["s"]
    assert not report.graph.is_for_serving
    assert report.snippets == {}


def test_the_dtypes_of_curl_are_those_of_the_server() -> None:
    """The server itself says which values it reads and writes."""
    for number in types_pb2.DataType.values():
        dtype = dtype_of(number)
        if dtype is None or dtype.name.endswith("_ref"):
            continue
        value: Any = {"string": "a", "bool": True}.get(dtype.name, 0)
        try:
            value_reader(dtype)(value)
            is_read = True
        except NotImplementedInServingError:
            is_read = False
        assert is_read == (dtype.name in JSON_INPUTS), dtype.name
        try:
            json_values("y", tf.zeros([1], tf.as_dtype(number)).numpy())
            is_written = True
        except (LstmSentimentError, TypeError, ValueError, NotImplementedError):
            is_written = False
        except tf.errors.OpError:
            continue  # TensorFlow makes no such tensor here
        if dtype.name in JSON_OUTPUTS:
            assert is_written, dtype.name
