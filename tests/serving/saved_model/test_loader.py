import gc
import shutil
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.dtypes import BOOL, FLOAT32, INT64, STRING
from lstm_sentiment.serving.errors import (
    ServableLoadError,
    ServableRunError,
    SignatureNotFoundError,
)
from lstm_sentiment.serving.saved_model.loader import SavedModelLoader
from lstm_sentiment.serving.saved_model.saved_model import SavedModelServable, one_line
from lstm_sentiment.serving.saved_model.threads import TensorFlowThreads
from lstm_sentiment.serving.servable_id import ServableId
from tests.serving.saved_models import classify_log, damage, predict_log, write_warmup


def load(path: Path) -> SavedModelServable:
    servable = SavedModelLoader(ServableId("m", int(path.name)), path).load()
    assert isinstance(servable, SavedModelServable)
    return servable


@pytest.fixture(scope="module")
def servable(saved_versions: dict[int, Path]) -> SavedModelServable:
    return load(saved_versions[2])


def ids(*rows: list[int], dtype: Any = np.int64) -> dict[str, Any]:
    return {"input_sentence": np.array(rows, dtype)}


def test_the_threads_of_tensorflow_are_those_asked_for(
    saved_versions: dict[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    configs: list[Any] = []
    session = tf.compat.v1.Session

    def noted(*, graph: Any, config: Any) -> Any:
        configs.append(config)
        return session(graph=graph, config=config)

    monkeypatch.setattr(tf.compat.v1, "Session", noted)
    path, threads = saved_versions[2], TensorFlowThreads(intra_op=3, inter_op=2)
    loader = SavedModelLoader(ServableId("m", 2), path, threads=threads)
    loader.load()
    loader.unload()
    [config] = configs
    assert config.intra_op_parallelism_threads == 3
    assert config.inter_op_parallelism_threads == 2


def test_signatures_tell_names_types_and_shapes(servable: SavedModelServable) -> None:
    assert set(servable.signatures) == {
        "serving_default",
        "text",
        "tokens",
        "classify",
        "explain",
        "scale",
        "bytes",
        "regress",
    }
    scale = servable.signatures["scale"]
    assert scale.key == "scale"
    assert {name: (info.dtype, info.shape) for name, info in scale.inputs.items()} == {
        "negate": (BOOL, (None,)),
        "x": (FLOAT32, (None, 2)),
    }
    text = servable.signatures["text"]
    assert {name: info.dtype for name, info in text.outputs.items()} == {
        "label": STRING,
        "classification": INT64,
        "probabilities": FLOAT32,
    }


def test_arrays_of_any_kind_of_strings_are_answered(servable: SavedModelServable) -> None:
    outputs = servable.run("serving_default", ids([1, 2], [3, 4]))
    assert outputs["predict_scores"].tolist() == [[2, 3], [2, 7]]
    for texts in (np.array([b"a"], object), np.array([b"a"]), np.array(["a"])):
        assert servable.run("text", {"text": texts})["label"].tolist() == [b"v2:a"]


@pytest.mark.parametrize(
    ("signature", "inputs", "message"),
    [
        (
            "serving_default",
            {},
            "input size does not match signature: 0!=1 len({}) != len({input_sentence}). "
            "Sent extra: {}. Missing but required: {input_sentence}.",
        ),
        (
            "text",
            {"text": np.array([b"a"]), "a": np.array([1]), "b": np.array([1])},
            "input size does not match signature: 3!=1 len({a,b,text}) != len({text}). "
            "Sent extra: {a,b}. Missing but required: {}.",
        ),
        (
            "text",
            {"texts": np.array([b"a"])},
            "Signature input alias: text(feed name: text_text:0) not found in request and no "
            "default value provided. Inputs expected to be in the request {texts}, or default "
            "input alias set: ",
        ),
        (
            "serving_default",
            ids([1], dtype=np.int32),
            "`input_sentence` must have dtype int64. Received: dtype int32.",
        ),
        (
            "serving_default",
            {"input_sentence": np.array([[b"1"]])},
            "`input_sentence` must have dtype int64. Received: dtype string.",
        ),
        (
            "serving_default",
            {"input_sentence": np.array([1])},
            "Invalid reduction dimension (1 for input with 1 dimension(s)",
        ),
        ("serving_default", ids([99]), "indices[0,0] = 99 is not in [0, 10)"),
        ("text", {"text": np.array([1, None], object)}, "`text` must hold bytes. Received: int."),
    ],
)
def test_inputs_that_do_not_fit_are_refused_in_one_line(
    servable: SavedModelServable, signature: str, inputs: Mapping[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        servable.run(signature, inputs)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_an_unknown_signature_is_not_found(servable: SavedModelServable) -> None:
    with pytest.raises(SignatureNotFoundError) as caught:
        servable.run("x", {})
    assert str(caught.value) == 'Serving signature key "x" not found.'


class Reader(tf.Module):
    """Reads a file for each answer."""

    @tf.function(input_signature=[tf.TensorSpec([], tf.string, "name")])
    def serving_default(self, name: Any) -> dict[str, Any]:
        return {"contents": tf.io.read_file(name)}


def test_a_failure_of_the_model_is_not_blamed_on_the_input(tmp_path: Path) -> None:
    model = Reader()
    tf.saved_model.save(model, str(tmp_path / "1"), signatures=model.serving_default)
    with pytest.raises(ServableRunError, match="No such file"):
        load(tmp_path / "1").run("serving_default", {"name": np.array(b"missing", object)})


def copy(saved_versions: dict[int, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved_versions[1], tmp_path / "1"))


def corrupt_pb(path: Path) -> None:
    damage(path)


def empty_pb(path: Path) -> None:
    (path / "saved_model.pb").write_bytes(b"")


def no_pb(path: Path) -> None:
    (path / "saved_model.pb").unlink()


def no_shard(path: Path) -> None:
    (path / "variables" / "variables.data-00000-of-00001").unlink()


def truncated_shard(path: Path) -> None:
    (path / "variables" / "variables.data-00000-of-00001").write_bytes(b"")


def failing_warmup(path: Path) -> None:
    write_warmup(path, [predict_log("", {"input_sentence": tf.constant([[99]], tf.int64)})])


def warmup_of_an_absent_signature(path: Path) -> None:
    write_warmup(path, [predict_log("absent", {})])


def warmup_without_examples(path: Path) -> None:
    write_warmup(path, [classify_log("classify")])


def warmup_that_cannot_classify(path: Path) -> None:
    write_warmup(path, [classify_log("", "a")])


def damaged_warmup(path: Path) -> None:
    write_warmup(path, [])
    (path / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"not a TFRecord")


def too_many_warmups(path: Path) -> None:
    log = predict_log("", {"input_sentence": tf.constant([[1]], tf.int64)})
    write_warmup(path, [log] * 1001)


@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        (corrupt_pb, "Cannot parse file"),
        (empty_pb, "could not be found"),
        (no_pb, "SavedModel file does not exist"),
        (no_shard, "No such file or directory"),
        (truncated_shard, ""),
        (failing_warmup, "indices[0,0] = 99 is not in [0, 10)"),
        (warmup_of_an_absent_signature, 'Serving signature key "absent" not found'),
        (warmup_without_examples, "Input is empty."),
        (warmup_that_cannot_classify, "No classification inputs found in SignatureDef"),
        (damaged_warmup, "corrupted record"),
        (too_many_warmups, "at most 1000 requests"),
    ],
)
def test_a_damaged_version_is_a_load_error_of_one_line_without_paths(
    saved_versions: dict[int, Path], tmp_path: Path, break_it: Any, reason: str
) -> None:
    path = copy(saved_versions, tmp_path)
    break_it(path)
    with pytest.raises(ServableLoadError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith("version 1 of model m could not be loaded: ")
    assert reason in message
    assert "\n" not in message
    assert str(tmp_path) not in message


def test_warmup_requests_are_run_and_other_records_passed_over(
    saved_versions: dict[int, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = copy(saved_versions, tmp_path)
    other = predict_log("", {})
    other.regress_log.SetInParent()
    write_warmup(
        path,
        [
            other,
            predict_log("text", {"text": [b"a", b"b"]}),
            classify_log("classify", "a"),
            predict_log("", {"input_sentence": tf.constant([[1]], tf.int64)}),
        ],
    )
    ran = []
    run = SavedModelServable.run

    def spy(
        self: SavedModelServable, key: str, inputs: Mapping[str, Any], **others: Any
    ) -> dict[str, Any]:
        ran.append(key)
        return run(self, key, inputs, **others)

    monkeypatch.setattr(SavedModelServable, "run", spy)
    load(path)
    assert ran == ["text", "classify", "serving_default"]
    SavedModelLoader(ServableId("m", 1), path, warmup=False).load()
    assert len(ran) == 3


def graphs() -> list[tf.Graph]:
    return [each for each in gc.get_objects() if type(each) is tf.Graph]


def test_unloading_frees_the_graph_and_the_weights_it_holds_at_once(
    saved_versions: dict[int, Path],
) -> None:
    loader = SavedModelLoader(ServableId("m", 1), saved_versions[1])
    gc.disable()
    try:
        before = graphs()
        loader.load()
        loaded = [weakref.ref(graph) for graph in graphs() if graph not in before]
        assert loaded
        loader.unload()
        assert all(graph() is None for graph in loaded)
    finally:
        gc.enable()


def test_two_versions_live_side_by_side_and_one_survives_the_other(
    saved_versions: dict[int, Path],
) -> None:
    first = SavedModelLoader(ServableId("m", 1), saved_versions[1])
    first.load()
    second = load(saved_versions[2])
    first.unload()
    scores = second.run("serving_default", ids([1]))["predict_scores"]
    assert scores.tolist() == [[2, 1]]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("plain", "plain"),
        ("", "ValueError"),
        (
            "Graph execution error:\n\nDetected at node Gather defined at (most recent call "
            'last):\n  File "x.py", line 3, in f\n    y = g(x)\n\nindices[0] = 9 is not in '
            "[0, 5)\n\t [[{{node Gather}}]] [Op:__inference_f_12]",
            "indices[0] = 9 is not in [0, 5)",
        ),
        (
            "Graph execution error:\n\n2 root error(s) found.\n  (0) INVALID_ARGUMENT:  bad\n"
            "\t [[{{node A}}]]\n  (1) INVALID_ARGUMENT:  bad\n",
            "bad",
        ),
        ("{{function_node __wrapped__Foo_device_/CPU:0}} bad [Op:Foo] name: ", "bad"),
    ],
)
def test_one_line_finds_the_reason(message: str, expected: str) -> None:
    assert one_line(ValueError(message)) == expected


@pytest.mark.parametrize("shape", [(), (3,), (1, 3), (2, 2, 2)])
def test_shapes_are_left_to_the_graph(servable: SavedModelServable, shape: tuple[int, ...]) -> None:
    # The signature says (None, 2); the graph multiplies what can be broadcast.
    answer = servable.run(
        "scale", {"x": np.full(shape, 1.5, np.float32), "negate": np.array([True])}
    )
    assert answer["y"].tolist() == np.full(np.broadcast_shapes(shape, (1, 1)), -3.0).tolist()
