"""`evaluate`: what it prints and where, what it writes, and its exit code."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from lstm_sentiment.pipeline.run_folder import save_labelled_texts
from lstm_sentiment.text.corpus.held_out import with_test_file
from lstm_sentiment.text.corpus.near_duplicates import near_digests
from lstm_sentiment.text.corpus.reading import read_corpus
from lstm_sentiment.version_folder import CARD, LABEL_NAMES
from tests.cli.running import Run, is_one_error_line

ROWS = [
    ("房间很干净", "good"),
    ("早餐差", "bad"),
    ("非常差", "bad"),
    ("不差", "good"),
    ("房间很干净", "good"),
    ("  ", "good"),
]


class Contrarian(tf.Module):
    """Takes every text with 差 for a bad one; each character is a token."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def text(self, text: Any) -> dict[str, Any]:
        is_bad = tf.strings.regex_full_match(text, ".*差.*")
        bad = tf.where(is_bad, 0.75, 0.0625)
        return {
            "label": tf.where(is_bad, "bad", "good"),
            "classification": tf.where(is_bad, tf.constant(0, tf.int64), 1),
            "probabilities": tf.stack([bad, 1 - bad], axis=1),
        }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def explain(self, text: Any) -> dict[str, Any]:
        characters = tf.strings.unicode_split(text, "UTF-8").to_tensor("")
        answer = self.text(text)
        return {
            "tokens": characters,
            "attributions": tf.where(characters == "差", 1.0, -0.25),
            "label": answer["label"],
            "probabilities": answer["probabilities"],
        }


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "hotels"
    module = Contrarian()
    version_dir = folder / "7"
    signatures = {"text": module.text, "explain": module.explain}
    tf.saved_model.save(module, str(version_dir), signatures=signatures)
    (version_dir / "assets").mkdir(exist_ok=True)
    (version_dir / "assets" / "labels.txt").write_text("bad\ngood\n", "utf-8")
    (version_dir / "assets.extra").mkdir()
    np.save(version_dir / "assets.extra" / "texts_seen.npy", near_digests(["早餐差！"]))
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "test.csv"
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in ROWS), "utf-8")
    return path


def test_the_scores_are_printed_as_tables(run: Run, model: Path, data: Path) -> None:
    outcome = run("evaluate", "--model", model, "--data", data)
    assert outcome.code == 0, outcome.err
    lines = [" ".join(line.split()) for line in outcome.out.splitlines()]
    assert lines[:7] == [
        f"version {model / '7'}",
        "texts 5",
        "duplicates exact: 1, near copies: 0; all of them are counted",
        "seen in training 1",
        "accuracy 0.8000, 95% interval 0.3755 to 0.9638",
        "macro-F1 0.8000, 95% interval 0.2857 to 1.0000",
        "calibration error 0.0750",
    ]
    for row in (
        "class precision recall F1 texts",
        "bad 0.6667 1.0000 0.8000 2",
        "good 1.0000 0.6667 0.8000 3",
        "labelled predicted bad predicted good",
        "bad 2 0",
        "good 1 2",
    ):
        assert row in lines
    assert "Left out: 1 empty texts." in outcome.err
    assert "warning: 1 of these 5 texts were used to train this version" in outcome.err


def test_labels_are_printed_with_their_display_names(run: Run, model: Path, data: Path) -> None:
    names = model / "7" / LABEL_NAMES
    names.write_text('{"bad": {"en": "poor", "zh": "差评"}}', "utf-8")
    outcome = run("evaluate", "--model", model, "--data", data, "--language", "en")
    names.unlink()
    lines = [" ".join(line.split()) for line in outcome.out.splitlines()]
    assert "bad (poor) 0.6667 1.0000 0.8000 2" in lines
    assert "good 1.0000 0.6667 0.8000 3" in lines


def test_json_stands_alone_and_has_the_same_numbers(run: Run, model: Path, data: Path) -> None:
    outcome = run("evaluate", "--model", model / "7", "--data", data, "--json")
    assert outcome.code == 0, outcome.err
    result = json.loads(outcome.out)
    assert result["accuracy"] == 0.8
    assert result["macro_f1"] == pytest.approx(0.8)
    assert result["confusion_matrix"] == [[2, 0], [1, 2]]
    assert result["classes"][0] == {
        "label": "bad",
        "precision": pytest.approx(2 / 3),
        "recall": 1.0,
        "f1": pytest.approx(0.8),
        "support": 2,
    }
    told = {
        "version_dir": str(model / "7"),
        "model_name": "hotels",
        "version": 7,
        "texts": 5,
        "oov_rate": None,
        "empty_texts_dropped": 1,
        "exact_duplicates": 1,
        "texts_seen_in_training": 1,
        "report": None,
        "mistakes": None,
    }
    assert {name: result[name] for name in told} == told


def test_columns_and_several_files_are_taken(run: Run, model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("review,stars\n很好,good\n", "utf-8")
    (tmp_path / "b.tsv").write_text("stars\treview\ngood\t太差\n", "utf-8")
    columns = ("--text-column", "review", "--label-column", "stars")
    outcome = run(
        "evaluate", "--model", model, "--data", "a.csv", "--data", "b.tsv", *columns, "--json"
    )
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["confusion_matrix"] == [[0, 0], [1, 1]]


def test_without_data_the_test_set_of_the_run_is_taken(
    run: Run, model: Path, data: Path, tmp_path: Path
) -> None:
    corpus = read_corpus([data]).drop_empty()
    shutil.copytree(model, tmp_path / "models")
    (tmp_path / "run").mkdir()
    save_labelled_texts(corpus, tmp_path / "run" / "test.csv")
    facts = with_test_file(
        {"test": corpus.fingerprint()}, tmp_path / "run" / "test.csv", tmp_path / "models"
    )
    card = {"labels": ["bad", "good"], "data": facts}
    (tmp_path / "models" / "7" / CARD).write_text(json.dumps(card), "utf-8")
    outcome = run("evaluate", "--model", "models", "--json")
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["confusion_matrix"] == [[2, 0], [1, 2]]
    assert "Texts: the test set of the run that made the version, run/test.csv" in outcome.err
    given = run("evaluate", data, "--model", "models", "--json")
    assert json.loads(given.out)["confusion_matrix"] == [[2, 0], [1, 2]]
    shutil.rmtree(tmp_path / "run")
    gone = run("evaluate", "--model", "models")
    assert is_one_error_line(gone)
    assert "run/test.csv: the test set of models/7 must be there." in gone.err


def test_versions_in_the_place_of_texts_are_named(run: Run, model: Path) -> None:
    outcome = run("evaluate", model)
    assert is_one_error_line(outcome)
    assert f"which holds versions; give it as `--model {model}`" in outcome.err


def test_a_report_is_written_and_named(run: Run, model: Path, data: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra `report`")
    flags = ("--report", "out", "--json", "--language", "en")
    outcome = run("evaluate", "--model", model, "--data", data, *flags)
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["report"] == "out/report.html"
    assert json.loads(outcome.out)["mistakes"] == "out/mistakes.csv"
    assert "房间很干净" not in (tmp_path / "out" / "mistakes.csv").read_text("utf-8-sig")
    text = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "4 of 5 texts classified correctly." in text
    assert text.count('class="token for strong"') == 1
    assert (tmp_path / "out" / "confusion_matrix.png").is_file()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "its card does not name the file of its test set; give texts with `--data FILE`."),
        (("none.csv",), "none.csv"),
        (("--data", "none.csv"), "none.csv"),
        (("--data", "bad.csv"), "bad.csv:1: the column 'text' must exist"),
        (("--data", "test.csv", "--model", "none"), "none: must be a version's folder"),
        (("--data", "test.csv", "--report", "test.csv"), "test.csv: must be a folder"),
    ],
)
def test_bad_input_is_told_in_one_line_before_tensorflow_is_imported(
    is_refused_at_once: Callable[..., None],
    model: Path,
    data: Path,
    args: tuple[str, ...],
    message: str,
) -> None:
    (data.parent / "bad.csv").write_text("review\n好\n", "utf-8")
    if "--model" not in args:
        args = (*args, "--model", str(model))
    is_refused_at_once(message, "evaluate", *args)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,label\n好,neutral\n", "Labels must be among those of the version: bad, good."),
        ("text,label\n ,good\n", "There must be at least one labelled text."),
    ],
)
def test_texts_that_cannot_be_scored_are_told_in_one_line(
    run: Run, model: Path, tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "test.csv").write_text(content, "utf-8")
    outcome = run("evaluate", "--model", model, "--data", "test.csv")
    assert (outcome.code, outcome.out) == (2, "")
    assert f"error: {message}" in outcome.err.splitlines()[-1]


def test_the_missing_extra_is_named(
    run: Run, model: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    outcome = run("evaluate", "--model", model, "--data", data, "--report", "out")
    assert is_one_error_line(outcome), outcome
    assert "pip install 'lstm-sentiment[report]'" in outcome.err
    # Without a page there is no need of it.
    assert run("evaluate", "--model", model, "--data", data).code == 0
