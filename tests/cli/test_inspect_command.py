"""`inspect`: what it prints, and how wide."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf

from lstm_sentiment import inspect_version
from tests.cli.running import Run, is_one_error_line
from tests.exported import tiny_version

WHOLE_EXPORTS = True


@pytest.fixture(scope="module")
def version_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_version(tmp_path_factory.mktemp("tiny"))


def test_the_report_fits_and_its_snippets_stand_as_they_are(
    run: Run, version_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")  # of no terminal: standard output is a pipe
    outcome = run("inspect", version_dir)
    assert outcome.code == 0, outcome.err
    report = inspect_version(version_dir)
    table, _, rest = outcome.out.partition("# ")
    assert max(map(len, table.splitlines())) <= 100
    assert "\x1b" not in outcome.out
    for shown in (
        "version, length",
        "metrics dev         accuracy 0.5",
        "2 texts with their answers",
        "light twin          none",
        "files               not checked",
        "input_sentence int64 (batch, ?)",
        "probabilities float32 (batch, 2)",
        "no op: plain TensorFlow runs it",
        f"{report.sizes.total:,}",
    ):
        assert shown in table, shown
    for snippets in report.snippets.values():
        assert f"\n\n{snippets.curl}\n\n{snippets.python}\n\n" in rest


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
    assert "# no signature: a server that loads this version can answer nothing" in outcome.out
