"""`--bad-rows`: every command that reads tables refuses malformed rows together, or skips them."""

import json
from pathlib import Path

import pytest
import tensorflow as tf

from tests.cli.running import Outcome, Run, is_one_error_line
from tests.cli.test_evaluate_command import Contrarian

LINES = "lines 5, 9"


TEXTS = tuple(f"文本 {number}" for number in range(60))


@pytest.fixture(scope="module")
def base_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "hotels"
    module = Contrarian()
    signatures = {"text": module.text, "explain": module.explain}
    tf.saved_model.save(module, str(folder / "1"), signatures=signatures)
    (folder / "1" / "assets").mkdir(exist_ok=True)
    (folder / "1" / "assets" / "labels.txt").write_text("bad\ngood\n", "utf-8")
    return folder


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Sixty labelled texts and two malformed rows."""
    lines = ["text,label", *(f"{text},{'bad' if text < TEXTS[30] else 'good'}" for text in TEXTS)]
    lines[4:4] = ["还行,贵,bad"]
    lines[8:8] = ['"很吵"很,bad']
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def both(run: Run, *command: object) -> tuple[Outcome, Outcome]:
    return run(*command), run(*command, "--bad-rows", "skip")


def check(refused: Outcome, skipped: Outcome) -> None:
    assert is_one_error_line(refused), refused.err
    assert f"2 of 62 rows are malformed ({LINES})" in refused.err
    assert "--bad-rows skip" in refused.err
    assert skipped.code == 0, skipped.err
    assert f"a.csv: left out 2 of 62 rows ({LINES}) that are malformed, the first" in skipped.err


@pytest.mark.parametrize(
    "command",
    [
        ("evaluate", "--data"),
        ("explain", "--input"),
        ("predict", "--input"),
    ],
)
def test_what_is_asked_of_a_version(
    run: Run, table: Path, base_path: Path, command: tuple[str, str]
) -> None:
    refused, skipped = both(run, *command, "a.csv", "--model", base_path, "--json")
    check(refused, skipped)
    if command[0] == "predict":
        answers = [json.loads(line) for line in skipped.out.splitlines()]
        assert [answer["text"] for answer in answers] == list(TEXTS)


def test_score(run: Run, table: Path, base_path: Path, tmp_path: Path) -> None:
    refused, skipped = both(run, "score", "a.csv", "--model", base_path, "--output", "scores")
    assert refused.code == 2
    assert f"2 of 62 rows are malformed ({LINES})" in refused.err
    assert skipped.code == 0, skipped.err
    assert f"left out 2 of 62 rows ({LINES}) that are malformed" in skipped.err
    (output,) = (tmp_path / "scores").glob("*.jsonl")
    assert len(output.read_text("utf-8").splitlines()) == 60


def test_texts_to_label(run: Run, table: Path) -> None:
    check(*both(run, "labels", "next", "--pool", "a.csv", "--number", 3, "--output", "n.csv"))
    check(*both(run, "labels", "check", "--quick", "--data", "a.csv", "--output", "s.csv"))


def test_words(run: Run, table: Path) -> None:
    flags = ("--data", "a.csv", "--output", "v.txt", "--dim", 4, "--epochs", 1)
    check(*both(run, "vectors", "train", *flags))
    check(*both(run, "vectors", "info", "v.txt", "--data", "a.csv"))


def test_lines_still_match_where_texts_are_missing(
    run: Run, base_path: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "好"}\n{"text": null}\n{"text": "差"}\n', "utf-8")
    outcome = run("predict", "--input", "a.jsonl", "--model", base_path, "--json")
    assert outcome.code == 0, outcome.err
    assert [json.loads(line)["text"] for line in outcome.out.splitlines()] == ["好", "", "差"]
