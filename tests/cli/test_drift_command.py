"""`models drift`: what it prints, and its exit code."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lstm_sentiment import Corpus, FitResult
from lstm_sentiment.version_folder import CARD, GRAPH
from tests.cli.running import Run, is_one_error_line
from tests.exported import MODEL_NAME, exported
from tests.request_logs import logged, write_log

BOOKS = ["这本小说的作者写得精彩", "小说情节拖沓，作者水平一般"]


@pytest.fixture(scope="module")
def version_dir(fitted: FitResult) -> Path:
    return exported(fitted)


@pytest.fixture
def books(tmp_path: Path) -> Path:
    return write_log(tmp_path / "log-1", [logged([t], None, model=MODEL_NAME) for t in BOOKS * 40])


def test_drift_is_told_with_what_moved_and_ends_with_one(
    run: Run, version_dir: Path, books: Path
) -> None:
    outcome = run("models", "drift", "--model", version_dir, "--requests", books.parent / "log")
    assert outcome.code == 1
    verdict, *rest = outcome.out.splitlines()
    assert verdict.startswith("Drift: texts look different from those of training, found after ")
    assert verdict.endswith(" of 80 texts.")
    assert any(line.startswith("new words") and "小说 100.0%" in line for line in rest)
    assert any("texts" in line and "expected" in line for line in rest)


def test_json_is_one_object_and_notes_of_the_log_go_to_standard_error(
    run: Run, version_dir: Path, books: Path
) -> None:
    books.write_bytes(books.read_bytes()[:-3])
    outcome = run(
        "models", "drift", "--model", version_dir.parent, "--requests", books, "--json", "--quiet"
    )
    assert outcome.code == 1
    told = json.loads(outcome.out)
    assert (told["is_drift"], told["texts"], told["version"]) == (True, 79, 3)
    assert "the last record is not whole" in outcome.err


def test_texts_of_training_end_with_zero(
    run: Run, version_dir: Path, corpus: Corpus, tmp_path: Path
) -> None:
    (tmp_path / "live.txt").write_text("\n".join(corpus.texts[:100]), "utf-8")
    outcome = run("models", "drift", "--model", version_dir, "--input", "live.txt")
    assert outcome.code == 0
    assert outcome.out.startswith("No drift: 100 texts look like those of training.\n")


def test_a_log_of_another_model_is_refused(run: Run, version_dir: Path, tmp_path: Path) -> None:
    log = write_log(tmp_path / "log", [logged(["好"], None, model="other")])
    outcome = run("models", "drift", "--model", version_dir, "--requests", log, "--quiet")
    assert is_one_error_line(outcome)
    assert "Received: requests of model 'other'" in outcome.err
    told = run(
        *("models", "drift", "--model", version_dir, "--requests", log),
        *("--model-name", "other", "--quiet"),
    )
    assert told.code == 0


def test_bad_input_is_refused_at_once(
    is_refused_at_once: Callable[..., None], tmp_path: Path
) -> None:
    old = tmp_path / "old" / "1"
    (old / CARD).parent.mkdir(parents=True)
    (old / GRAPH).touch()
    (old / CARD).write_text('{"labels": ["a", "b"]}')
    drift = ("models", "drift", "--model", old)
    is_refused_at_once("Either `--requests` or `--input` must be given.", *drift)
    is_refused_at_once("must be a version that keeps", *drift, "--input", "live.txt")
    is_refused_at_once(
        "must be a version's folder", "models", "drift", "--model", "no", "--input", "x"
    )
