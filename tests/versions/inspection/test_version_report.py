"""What is told of a version, held against its files; what is told to be pasted is pasted."""

import ast
import json
import os
import shlex
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import tensorflow as tf
import tensorflow_text
from tensorflow.core.framework import op_def_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.client import pywrap_tf_session

from lstm_sentiment import (
    FitResult,
    InvalidInputError,
    ModelServer,
    ServableNotFoundError,
    ServableUnavailableError,
    ServerOptions,
    VersionReport,
    inspect_version,
)
from lstm_sentiment.version_folder import ExampleAnswer
from lstm_sentiment.versions.inspection.graph import (
    SignatureSummary,
    TensorSummary,
    library_of_op,
)
from lstm_sentiment.versions.inspection.snippets import request_snippets
from tests.exported import (
    MODEL_NAME,
    exported,
    read_card,
    tiny_version,
    without_digests,
    write_card,
)
from tests.serving.saved_models import damage

WHOLE_EXPORTS = True

CONTRACT = ("serving_default", "text", "tokens", "classify", "explain")
FOREIGN_NAME = "other"


class ForeignModel(tf.Module):
    """Signatures of somebody else: of an image, of a scalar, of any rank, of several inputs."""

    @tf.function(input_signature=[tf.TensorSpec([None, 24, 24, 3], tf.float32, "image")])
    def image(self, image: Any) -> dict[str, Any]:
        return {"mean": tf.reduce_mean(image, axis=[1, 2, 3])}

    @tf.function(
        input_signature=[
            tf.TensorSpec([], tf.bool, "flag"),
            tf.TensorSpec(None, tf.int32, "any"),
            tf.TensorSpec([None, 2], tf.string, "pair"),
        ]
    )
    def mixed(self, flag: Any, any: Any, pair: Any) -> dict[str, Any]:
        joined = tf.strings.reduce_join(pair, axis=1)
        return {"joined": tf.where(flag, joined, ""), "any": any}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "inputs")])
    def classes(self, inputs: Any) -> dict[str, Any]:
        feature = {"FEATURE": tf.io.FixedLenFeature([], tf.string)}
        label = tf.io.parse_example(inputs, feature)["FEATURE"]
        return {"classes": label[:, tf.newaxis]}


class RareModel(tf.Module):
    """Signatures without an input, with a default, and of a ragged output."""

    @tf.function(input_signature=[])
    def nothing(self) -> dict[str, Any]:
        return {"y": tf.constant(1.0)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32), tf.TensorSpec([], tf.float32)])
    def scaled(self, x: Any, times: Any = tf.constant(2.0)) -> dict[str, Any]:  # noqa: B008
        return {"y": x * times}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "x")])
    def ragged(self, x: Any) -> dict[str, Any]:
        return {"r": tf.strings.split(x)}


@pytest.fixture(scope="module")
def version_dir(fitted: FitResult) -> Path:
    return exported(fitted)


@pytest.fixture(scope="module")
def foreign_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SavedModel without a card."""
    model = ForeignModel()
    path = tmp_path_factory.mktemp("models") / FOREIGN_NAME / "1"
    signatures = {name: getattr(model, name) for name in ("image", "mixed", "classes")}
    tf.saved_model.save(model, str(path), signatures=signatures)
    pb = path / "saved_model.pb"
    saved_model = saved_model_pb2.SavedModel.FromString(pb.read_bytes())
    method = "tensorflow/serving/classify"
    saved_model.meta_graphs[0].signature_def["classes"].method_name = method
    pb.write_bytes(saved_model.SerializeToString())
    return path


@pytest.fixture(scope="module")
def tiny_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The signatures of the contract, which answer at once."""
    base_path = tmp_path_factory.mktemp("models") / MODEL_NAME
    base_path.mkdir()
    return tiny_version(base_path)


@pytest.fixture(scope="module")
def server(
    tiny_dir: Path, foreign_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ModelServer]:
    models = {MODEL_NAME: tiny_dir.parent, FOREIGN_NAME: foreign_dir.parent}
    config = tmp_path_factory.mktemp("config") / "models.config"
    entries = "".join(
        f'config {{ name: "{name}" base_path: "{path}" model_platform: "tensorflow" }}\n'
        for name, path in models.items()
    )
    config.write_text(f"model_config_list {{\n{entries}}}\n", "utf-8")
    with ModelServer(config, ServerOptions(file_system_poll_wait_seconds=0), port=0) as server:
        yield server


@pytest.fixture(scope="module")
def report(version_dir: Path) -> VersionReport:
    return inspect_version(version_dir)


def test_what_the_card_says_and_where_it_is(report: VersionReport, version_dir: Path) -> None:
    assert (report.model_name, report.version) == (MODEL_NAME, 3)
    assert report.card == read_card(version_dir)
    by_base_path = inspect_version(version_dir.parent)
    assert by_base_path.version_dir == version_dir
    assert "/versions/3:predict" in report.snippets["text"].curl
    assert "/versions/" not in by_base_path.snippets["text"].curl
    assert "version=3" in report.snippets["text"].python
    assert "version=" not in by_base_path.snippets["text"].python


def test_signatures_are_those_of_the_contract(report: VersionReport) -> None:
    text = TensorSummary("string", (None,))
    answers = {
        "label": text,
        "classification": TensorSummary("int64", (None,)),
        "probabilities": TensorSummary("float32", (None, 3)),
    }
    assert report.signatures["text"] == SignatureSummary("text", "predict", {"text": text}, answers)
    ids = report.signatures["serving_default"]
    assert ids.inputs == {"input_sentence": TensorSummary("int64", (None, None))}
    assert set(report.signatures) == {*CONTRACT, "text_statistics"}
    assert report.signatures["classify"].method == "classify"


def test_ops_are_counted_and_those_of_tensorflow_text_told(report: VersionReport) -> None:
    graph = report.graph
    assert sum(graph.op_types.values()) == graph.nodes
    assert list(graph.op_types.values()) == sorted(graph.op_types.values(), reverse=True)
    assert graph.functions > 0 and graph.tags == ("serve",)
    assert graph.op_types["MatMul"] > 0
    assert {"NormalizeUTF8", "SentencepieceOp", "SentencepieceTokenizeOp"} <= set(graph.foreign_ops)
    assert set(graph.foreign_ops.values()) == {"tensorflow-text"}
    assert "MatMul" not in graph.foreign_ops
    assert 0 < graph.sentencepiece_bytes < report.sizes.graph
    assert 0 < graph.constant_bytes < report.sizes.graph


def registered_ops() -> set[str]:
    """All ops of TensorFlow, and of the libraries that are loaded."""
    registry = pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList())
    return {op.name for op in op_def_pb2.OpList.FromString(registry).op}


def ops_of_tensorflow_text() -> set[str]:
    """The ops that its shared objects list when they are loaded."""
    names: set[str] = set()
    for library in Path(tensorflow_text.__file__).parent.rglob("_*.so"):
        handle = pywrap_tf_session.TF_LoadLibrary(str(library))
        ops = op_def_pb2.OpList.FromString(pywrap_tf_session.TF_GetOpList(handle))
        pywrap_tf_session.TF_DeleteLibraryHandle(handle)
        names.update(op.name for op in ops.op)
    return names


def test_the_ops_of_both_libraries_are_those_that_are_installed() -> None:
    text = ops_of_tensorflow_text()
    assert {"TFText>WhitespaceTokenizeWithOffsetsV2", "RougeL", "NormalizeUTF8"} <= text
    assert {library_of_op(name) for name in text} == {"tensorflow-text"}
    assert {library_of_op(name) for name in registered_ops() - text} == {None}


def test_nodes_and_constants_are_those_of_tensorflows_message(
    report: VersionReport, version_dir: Path
) -> None:
    pb = (version_dir / "saved_model.pb").read_bytes()
    [meta_graph] = saved_model_pb2.SavedModel.FromString(pb).meta_graphs
    functions = meta_graph.graph_def.library.function
    nodes = [*meta_graph.graph_def.node, *(node for one in functions for node in one.node_def)]
    assert report.graph.functions == len(functions)
    assert report.graph.op_types == Counter(node.op for node in nodes)
    constants = [node.attr["value"].tensor for node in nodes if node.op == "Const"]
    assert report.graph.constant_bytes == sum(tensor.ByteSize() for tensor in constants)


def test_what_is_stored_more_than_once_is_counted(report: VersionReport, tmp_path: Path) -> None:
    """TensorFlow Text's own tokenizer is stored twice; a version holds what is large once."""
    assert report.graph.repeated_bytes < 0.02 * report.sizes.graph
    (model,) = _sentencepiece_models(report.version_dir)
    module = tf.Module()
    module.tokenizer = tensorflow_text.SentencepieceTokenizer(model)
    module.split = tf.function(
        lambda x: {"y": module.tokenizer.tokenize(x).flat_values},
        input_signature=[tf.TensorSpec([None], tf.string)],
    )
    tf.saved_model.save(module, str(tmp_path), signatures=module.split)
    assert inspect_version(tmp_path).graph.repeated_bytes >= len(model)


def _sentencepiece_models(version_dir: Path) -> list[bytes]:
    saved_model = saved_model_pb2.SavedModel.FromString(
        (version_dir / "saved_model.pb").read_bytes()
    )
    graph = saved_model.meta_graphs[0].graph_def
    nodes = (node for function in graph.library.function for node in function.node_def)
    return [node.attr["model"].s for node in (*graph.node, *nodes) if "model" in node.attr]


def test_an_op_that_nobody_has_is_told(foreign_dir: Path, tmp_path: Path) -> None:
    copy = tmp_path / "1"
    shutil.copytree(foreign_dir, copy)
    pb = copy / "saved_model.pb"
    saved_model = saved_model_pb2.SavedModel.FromString(pb.read_bytes())
    saved_model.meta_graphs[0].graph_def.library.function[0].node_def.add(op="MadeUp", name="x")
    pb.write_bytes(saved_model.SerializeToString())
    graph = inspect_version(copy).graph
    assert graph.foreign_ops == {"MadeUp": "not known here"}
    assert graph.op_types["MadeUp"] == 1


def test_sizes_add_up_to_the_files_and_to_the_values(
    report: VersionReport, version_dir: Path
) -> None:
    sizes = report.sizes
    files = [Path(folder, name) for folder, _, names in os.walk(version_dir) for name in names]
    assert sizes.total == sum(file.stat().st_size for file in files)
    assert sizes.graph == (version_dir / "saved_model.pb").stat().st_size
    labels = len("".join(f"{label}\n" for label in read_card(version_dir)["labels"]))
    assert sizes.assets["labels.txt"] == labels
    assert {"sentiment.json", "texts_seen.npy"} <= set(sizes.assets_extra)
    reader = tf.train.load_checkpoint(str(version_dir / "variables" / "variables"))
    values = {
        name.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE"): reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        if not name.startswith("_CHECKPOINTABLE")
    }
    assert sum(part.bytes for part in sizes.parts.values()) == sum(
        value.nbytes for value in values.values()
    )
    assert sum(part.count for part in sizes.parts.values()) == len(values)
    shown = {large.name: large for part in sizes.parts.values() for large in part.largest}
    assert set(shown) == {
        name for name, value in values.items() if value.nbytes > sizes.total / 100
    }
    for name, variable in shown.items():
        assert variable.bytes == values[name].nbytes
        assert (variable.shape, variable.dtype) == (values[name].shape, values[name].dtype.name)
    parts = list(sizes.parts)
    assert [sizes.parts[part].bytes for part in parts] == sorted(
        (part.bytes for part in sizes.parts.values()), reverse=True
    )
    assert "embedding" in parts and sum("lstm" in part for part in parts) == 1
    assert sum("ngrams" in part for part in parts) == sum("logits" in part for part in parts) == 1


def test_variables_of_no_part_stand_alone(tiny_dir: Path) -> None:
    parts = inspect_version(tiny_dir).sizes.parts
    assert {name: (part.count, part.bytes) for name, part in parts.items()} == {
        "embedding": (1, 40),
        "version": (1, 4),
    }


def test_a_saved_model_of_somebody_else_has_no_card(foreign_dir: Path) -> None:
    report = inspect_version(foreign_dir)
    assert report.card is None
    assert report.graph.foreign_ops == {}
    assert report.signatures["mixed"].inputs == {
        "flag": TensorSummary("bool", ()),
        "any": TensorSummary("int32", None),
        "pair": TensorSummary("string", (None, 2)),
    }
    assert report.signatures["classes"].method == "classify"
    assert report.sizes.parts == {}
    assert json.loads(json.dumps(report.to_dict()))["card"] is None


def test_rare_signatures_are_shown_with_the_requests_that_work(tmp_path: Path) -> None:
    model = RareModel()
    signatures = {name: getattr(model, name) for name in ("nothing", "scaled", "ragged")}
    tf.saved_model.save(model, str(tmp_path / "1"), signatures=signatures)
    report = inspect_version(tmp_path / "1")
    assert report.signatures["scaled"].inputs == {
        "times": TensorSummary("float32", ()),
        "x": TensorSummary("float32", (None,)),
    }
    assert report.signatures["scaled"].optional_inputs == ("times",)
    ragged = report.signatures["ragged"]
    assert (ragged.is_served, ragged.outputs["r"].dtype) == (False, "composite")
    assert set(report.snippets) == {"nothing", "scaled"}
    assert report.snippets["nothing"].curl == ""
    by_key = {signature["key"]: signature for signature in report.to_dict()["signatures"]}
    assert by_key["ragged"]["curl"] is by_key["ragged"]["python"] is None


@pytest.fixture(scope="module")
def asked(tiny_dir: Path, foreign_dir: Path) -> list[VersionReport]:
    reports = [inspect_version(tiny_dir.parent), inspect_version(tiny_dir)]
    assert set(CONTRACT) <= set(reports[0].signatures)
    return [*reports, inspect_version(foreign_dir)]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_every_curl_command_is_answered(server: ModelServer, asked: list[VersionReport]) -> None:
    for report in asked:
        for key, snippets in report.snippets.items():
            command = snippets.curl.replace(":8501", f":{server.rest_api_port}")
            done = subprocess.run(
                ["bash", "-c", command], capture_output=True, text=True, check=True, timeout=60
            )
            (kind,) = json.loads(done.stdout)
            assert kind in ("predictions", "results", "outputs"), (key, done.stdout)


def test_every_python_snippet_is_answered(
    server: ModelServer, asked: list[VersionReport], capsys: pytest.CaptureFixture[str]
) -> None:
    for report in asked:
        for key, snippets in report.snippets.items():
            exec(snippets.python.replace(":8500", f":{server.port}"), {})
            printed = capsys.readouterr().out
            assert printed.startswith(("[", "outputs", "result", "model_spec")), (key, printed)
            assert ("PredictClient" in snippets.python) == (key in CONTRACT)


def test_the_body_of_a_curl_command_asks_for_a_text_of_the_card(
    server: ModelServer, asked: list[VersionReport], tiny_dir: Path
) -> None:
    _, _, body, url = shlex.split(asked[0].snippets["text"].curl.replace("\\\n", ""))
    example = read_card(tiny_dir)["examples"][0]
    assert json.loads(body)["instances"] == [example["text"]]
    answer = httpx.post(url.replace(":8501", f":{server.rest_api_port}"), content=body)
    assert answer.json()["predictions"][0]["label"] == example["label"]


@pytest.mark.parametrize(
    "text", ["it's", '"a" $HOME `b` \\n !', "两\n行\t", "\x1b[31m红\u202e", "😀", "@file", "-x"]
)
def test_any_text_and_name_survives_quoting(text: str) -> None:
    signature = SignatureSummary("text", "predict", {"text": TensorSummary("string", (None,))}, {})
    example = ExampleAnswer(text, (text,), (1,), "", ())
    snippets = request_snippets(signature, text, 7, example)
    assert snippets.curl.replace(" \\\n  ", "").isprintable()
    _, _, body, url = shlex.split(snippets.curl.replace("\\\n", ""))
    assert json.loads(body) == {"signature_name": "text", "instances": [text]}
    path = httpx.URL(url).raw_path.decode()
    assert path.startswith("/v1/models/") and path.endswith("/versions/7:predict")
    nodes = ast.walk(ast.parse(snippets.python))
    literals = [node.value for node in nodes if isinstance(node, ast.Constant)]
    assert literals.count(text) == 2


def test_a_short_text_is_shown_and_an_empty_one_is_not(version_dir: Path, tmp_path: Path) -> None:
    card = read_card(version_dir)
    answer = {"label": "", "probabilities": []}
    long, empty, short = (
        {"text": text, "tokens": tokens, "token_ids": [1], **answer}
        for text, tokens in (("长" * 61, ["长"]), ("", []), ("短", ["短"]))
    )
    shutil.copy(version_dir / "saved_model.pb", tmp_path)
    for examples, shown in (([long, empty, short], "短"), ([long, empty], "长" * 61)):
        write_card(tmp_path, {**card, "examples": examples})
        assert f'"{shown}"' in inspect_version(tmp_path).snippets["text"].curl
    write_card(tmp_path, {**card, "examples": []})
    assert '"房间很干净"' in inspect_version(tmp_path).snippets["text"].curl


def test_what_is_damaged_is_told(version_dir: Path, tmp_path: Path) -> None:
    copy = tmp_path / "3"
    shutil.copytree(version_dir, copy)
    (copy / "variables" / "variables.index").write_bytes(b"not an index")
    with pytest.raises(InvalidInputError, match=r"variables\.index: must be as it was when"):
        inspect_version(copy)
    without_digests(copy)
    with pytest.raises(ServableUnavailableError, match=r"variables\.index: must be a checkpoint"):
        inspect_version(copy)
    write_card(copy, ["no", "object"])
    with pytest.raises(InvalidInputError, match=r"must be a JSON object. Received: list"):
        inspect_version(copy)
    (copy / "assets.extra" / "sentiment.json").write_text("{")
    with pytest.raises(InvalidInputError, match=r"must be a JSON object. Received: Expecting"):
        inspect_version(copy)
    write_card(copy, {})
    damage(copy)
    with pytest.raises(ServableUnavailableError, match=r"saved_model\.pb: must be a SavedModel"):
        inspect_version(copy)
    with pytest.raises(ServableNotFoundError):
        inspect_version(tmp_path / "none")


def test_the_graph_for_serving_is_read(foreign_dir: Path, tmp_path: Path) -> None:
    saved_model = saved_model_pb2.SavedModel.FromString(
        (foreign_dir / "saved_model.pb").read_bytes()
    )
    training = saved_model.meta_graphs.add()
    training.meta_info_def.tags.append("train")
    (tmp_path / "saved_model.pb").write_bytes(saved_model.SerializeToString())
    assert set(inspect_version(tmp_path).signatures) == {"image", "mixed", "classes"}
    saved_model.meta_graphs[0].meta_info_def.tags[:] = ["serve", "gpu"]
    (tmp_path / "saved_model.pb").write_bytes(saved_model.SerializeToString())
    report = inspect_version(tmp_path)
    assert report.graph.all_tags == (("serve", "gpu"), ("train",))
    assert set(report.signatures) == {"image", "mixed", "classes"}
    assert not report.graph.is_for_serving and report.snippets == {}
    (tmp_path / "saved_model.pb").write_bytes(b"")
    with pytest.raises(ServableUnavailableError, match=r"must hold a graph\. Received: no graph"):
        inspect_version(tmp_path)
