"""`inspect`: what it prints, and how wide."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from lstm_sentiment import inspect_version
from lstm_sentiment.version_folder import LABEL_NAMES
from tests.cli.running import Run, is_one_error_line
from tests.exported import tiny_version

WHOLE_EXPORTS = True


@pytest.fixture(scope="module")
def version_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_version(tmp_path_factory.mktemp("tiny"))


def test_the_first_screen_says_what_the_version_is_and_how_to_use_it(
    run: Run, version_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")  # of no terminal: standard output is a pipe
    outcome = run("inspect", version_dir)
    assert outcome.code == 0, outcome.err
    assert "\x1b" not in outcome.out
    for shown in (
        "labels             version, length",
        "trained            on unknown texts (date not recorded)",
        "TensorFlow only",
        "not checked",
        "input_sentence int64 (batch, ?)",
        "classification, label, probabilities",
        " predict ",
        f"serve --model-name {version_dir.parent.name} --model-base-path {version_dir.parent}",
        inspect_version(version_dir).snippets["text"].curl.splitlines()[0],
    ):
        assert shown in outcome.out, shown
    # It fits a screen: what few people need has a flag.
    assert len(outcome.out.splitlines()) <= 36
    assert "Const" not in outcome.out and "import grpc" not in outcome.out


def test_the_training_and_its_scores_come_from_the_card(
    run: Run, version_dir: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "models" / "1"
    shutil.copytree(version_dir, copy)
    path = copy / "assets.extra" / "sentiment.json"
    card = json.loads(path.read_text("utf-8"))
    card["trained_at"] = "2026-11-30T11:20:05+00:00"
    card["metrics"]["test"] = {"accuracy": 0.9, "macro_f1": 0.875, "calibration_error": 0.02}
    card["data"] = {"train": {"texts": 1800, "files": ["a.csv", "b.csv"]}, "test": {"texts": 100}}
    card["drift_reference"] = {"words": {"common_words": "QUJD" * 500}}
    path.write_text(json.dumps(card), "utf-8")
    names = {"version": {"en": "number", "zh": "版本"}, "length": {"en": "length", "zh": "长度"}}
    (copy / LABEL_NAMES).write_text(json.dumps(names), "utf-8")
    outcome = run("inspect", copy)
    assert "labels             version (number, 版本), length (长度)" in outcome.out
    assert "on 1,800 texts of a.csv, b.csv (2026-11-30 11:20 UTC)" in outcome.out
    assert "test accuracy      0.900, 95% interval 0.826 to 0.945, on 100 texts" in outcome.out
    assert "test macro-F1      0.875" in outcome.out
    settings = run("inspect", copy, "--settings").out
    assert "for `models drift`" in settings and "QUJD" not in settings


def test_flags_show_settings_graph_and_requests(run: Run, version_dir: Path) -> None:
    report = inspect_version(version_dir)
    outcome = run("inspect", version_dir, "--settings", "--graph")
    assert outcome.code == 0, outcome.err
    assert max(map(len, outcome.out.splitlines())) <= 100
    for shown in (
        "version, length",
        "metrics dev         accuracy 0.5",
        "2 texts with their answers",
        "none: plain TensorFlow runs the graph",
        f"{report.sizes.total:,}",
    ):
        assert shown in outcome.out, shown
    # Lines break after a comma; the break itself is no part of a name.
    assert "\\n" not in outcome.out
    requests = run("inspect", version_dir, "--requests").out
    assert "# It returns predict_classification int64 (batch,), predict_scores float32" in requests
    for snippets in report.snippets.values():
        assert f"\n\n{snippets.curl}\n\n{snippets.python}\n\n" in requests


def test_requests_of_another_program_name_what_to_fill_in(run: Run, tmp_path: Path) -> None:
    module = tf.Module()
    module.scaled = tf.function(
        lambda x: {"y": 2 * x}, input_signature=[tf.TensorSpec([None, 3], tf.float32, "x")]
    )
    tf.saved_model.save(module, str(tmp_path / "scaled" / "1"), {"scaled": module.scaled})
    told = "The version does not describe the values that this signature reads. Fill them in:"
    line = "- x: 0.0 stands for each value of dtype float32."
    requests = run("inspect", tmp_path / "scaled", "--requests").out
    assert f"# {told}\n# {line}\n\ncurl -d " in requests
    assert f"{told}\n{line}\n" in run("inspect", tmp_path / "scaled").out
    [signature] = json.loads(run("inspect", tmp_path / "scaled", "--json").out)["signatures"]
    assert signature["fill_in"] == [line.removeprefix("- ")]


def test_json_is_the_report_alone(run: Run, version_dir: Path) -> None:
    outcome = run("inspect", version_dir.parent, "--json")
    assert outcome.code == 0, outcome.err
    assert outcome.err == ""
    result = json.loads(outcome.out)
    expected = inspect_version(version_dir.parent).to_dict()
    assert result == json.loads(json.dumps(expected))
    assert result["light_twin"] is False
    signatures = {signature["key"]: signature for signature in result["signatures"]}
    text = signatures["text"]
    assert text["method"] == "predict"
    assert text["inputs"] == {"text": {"dtype": "string", "shape": [None]}}
    assert text["curl"].startswith("curl -d ") and "PredictClient" in text["python"]
    assert result["sizes"]["total"] > result["sizes"]["graph"] > 0


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "Missing argument"),
        (("none",), "none: must be a version's folder"),
    ],
)
def test_bad_input_is_told_in_one_line_before_tensorflow_is_imported(
    is_refused_at_once: Callable[..., None], args: tuple[str, ...], message: str
) -> None:
    is_refused_at_once(message, "inspect", *args)


def test_a_damaged_version_is_told_in_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"not a SavedModel")
    outcome = run("inspect", tmp_path)
    assert is_one_error_line(outcome), outcome
    assert "saved_model.pb: must be a SavedModel" in outcome.err


def test_a_version_without_signatures_says_so(run: Run, tmp_path: Path) -> None:
    tf.saved_model.save(tf.Module(), str(tmp_path / "1"))
    outcome = run("inspect", tmp_path)
    assert outcome.code == 0
    assert (
        "The version has no signature, so a server that loads it answers no request." in outcome.out
    )


def test_a_signature_that_no_server_can_answer_is_marked(run: Run, tmp_path: Path) -> None:
    texts = tf.TensorSpec([None], tf.string, "x")
    model = tf.Module()
    model.split = tf.function(lambda x: {"r": tf.strings.split(x)}, input_signature=[texts])
    model.same = tf.function(lambda x: {"y": x}, input_signature=[texts])
    signatures = {"split": model.split, "same": model.same}
    tf.saved_model.save(model, str(tmp_path / "1"), signatures=signatures)
    lines = run("inspect", tmp_path).out.splitlines()
    [marked] = [line for line in lines if "(no server can answer)" in line]
    assert marked.split()[0] == "split"


@pytest.mark.parametrize("flags", [(), ("--requests",)])
def test_a_graph_for_training_is_shown_and_not_offered(
    run: Run, version_dir: Path, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    copy = tmp_path / "models" / "1"
    shutil.copytree(version_dir, copy)
    path = copy / "saved_model.pb"
    saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    saved_model.meta_graphs[0].meta_info_def.tags[:] = ["train"]
    path.write_bytes(saved_model.SerializeToString())
    outcome = run("inspect", copy, *flags)
    assert outcome.code == 0, outcome.err
    assert "No server loads this version as it is: servers load the graph" in outcome.out
    assert "--saved_model_tags=train" in outcome.out
    assert "curl" not in outcome.out and " serve " not in outcome.out
