"""`score`: what it prints and where, what it writes, and its exit code."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lstm_sentiment.versions.scoring.score import ScoreResult
from lstm_sentiment.versions.scoring.shard import FailedShard, ScoredShard, ShardJob
from tests.cli.running import Run, is_one_error_line
from tests.exported import tiny_version

TEXTS = ("房间很干净", "早餐真的差", "")


@pytest.fixture(scope="module")
def base_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "sentiment"
    path.mkdir()
    tiny_version(path)
    return path


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """Two shards of three texts each, in `shards`."""
    folder = tmp_path / "shards"
    folder.mkdir()
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text("".join(f"{text}\n" for text in TEXTS), "utf-8")
        os.utime(folder / name, (1e9, 1e9))
    return folder


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What `score` asked the library for, which answers at once."""
    calls: list[dict[str, Any]] = []

    def answer(shards: list[Path], model: Path, **options: Any) -> ScoreResult:
        del options["progress"]
        calls.append({"shards": shards, "model": model, **options})
        scored = tuple(ScoredShard(shard, shard, 3_000) for shard in shards)
        skipped = (ShardJob(Path("c.txt"), Path("c")),) * 1_200
        return ScoreResult(Path("m/3"), "shards/*.scored.jsonl", scored, skipped, (), 4.04)

    monkeypatch.setattr("lstm_sentiment.versions.scoring.score.score", answer)
    return calls


def test_each_file_has_an_output_of_the_lines_of_predict_json(
    run: Run, shards: Path, base_path: Path
) -> None:
    outcome = run("score", "shards", "--model", base_path)
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith(
        "files          2 scored, 0 skipped, 0 failed\ntexts          6\n"
    )
    outputs = sorted(shards.glob("*.sentiment-1-*.scored.jsonl"))
    assert [output.name.partition(".sentiment")[0] for output in outputs] == ["a.txt", "b.txt"]
    predicted = run("predict", "--input", "shards/a.txt", "--model", base_path, "--json")
    for written, printed in zip(
        outputs[0].read_text("utf-8").splitlines(), predicted.out.splitlines(), strict=True
    ):
        mine, theirs = json.loads(written), json.loads(printed)
        assert mine.pop("probabilities") == pytest.approx(theirs.pop("probabilities"), abs=1e-5)
        assert mine == theirs


def test_the_same_command_goes_on_and_force_begins_anew(
    run: Run, shards: Path, base_path: Path
) -> None:
    command = ("score", "shards", "--model", base_path, "--output", "scores", "--json")
    first, second, third = run(*command), run(*command), run(*command, "--force")
    results = [json.loads(outcome.out) for outcome in (first, second, third)]
    assert [(result["scored"], result["skipped"]) for result in results] == [(2, 0), (0, 2), (2, 0)]
    assert results[0]["outputs"].startswith("scores/*.sentiment-1-")
    assert "Skipped 2 of 2 files" in second.err
    assert "Skipped" not in first.err + third.err
    # One file has one output, which is named.
    alone = run("score", "shards/a.txt", "--model", base_path, "--json")
    assert json.loads(alone.out)["outputs"].startswith("shards/a.txt.sentiment-1-")


def test_a_bad_file_is_told_in_the_end_with_exit_code_2(
    run: Run, shards: Path, base_path: Path
) -> None:
    (shards / "a.csv").write_text("review\n好\n", "utf-8")
    outcome = run("score", "shards", "--model", base_path, "--json")
    assert outcome.code == 2
    result = json.loads(outcome.out)
    assert (result["scored"], len(result["failed"]), result["texts"]) == (2, 1, 6)
    *_, failed, error = outcome.err.splitlines()
    assert failed == (
        "failed: shards/a.csv:1: the column 'text' must exist (choose another with "
        "`--text-column`, in Python `text_column`). Received columns: review."
    )
    assert error == (
        "error: Each file must be scored. Received: 1 of 3 that failed, for the reasons "
        "above; run the same command again to retry them."
    )
    mended = run("score", "shards", "--model", base_path, "--text-column", "review")
    assert mended.code == 0, mended.err


def test_flags_reach_the_library_and_the_result_the_terminal(
    run: Run, shards: Path, calls: list[dict[str, Any]]
) -> None:
    pytest.importorskip("ray", reason="needs the extra `ray`")
    flags = ("--engine", "ray", "--workers", 3, "--address", "host:6379", "--model", "m", "--force")
    others = ("--text-column", "t", "--output", "o", "--bad-rows", "skip")
    outcome = run("score", "shards/a.txt", *flags, *others)
    assert outcome.code == 0, outcome.err
    assert calls == [
        {
            "shards": [Path("shards/a.txt")],
            "model": Path("m"),
            "output_dir": Path("o"),
            "text_column": "t",
            "engine": "ray",
            "workers": 3,
            "address": "host:6379",
            "force": True,
            "bad_rows": "skip",
            "encoding": "auto",
            "table_format": None,
        }
    ]
    assert outcome.out == (
        "files          1 scored, 1,200 skipped, 0 failed\n"
        "texts          3,000\n"
        "speed          743 texts a second\n"
        "time           4.0 s\n"
        "version        m/3\n"
        "outputs        shards/*.scored.jsonl\n"
    )


def test_each_failure_is_one_line(run: Run, shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = (FailedShard(Path("a"), "a: [bold]" + "x" * 200), FailedShard(Path("b"), "b: bad"))
    result = ScoreResult(Path("m"), "*", (), (), failed, 1.0)
    monkeypatch.setattr("lstm_sentiment.versions.scoring.score.score", lambda *_, **__: result)
    outcome = run("score", "shards")
    assert outcome.code == 2
    assert outcome.err.splitlines()[:2] == [f"failed: {shard.reason}" for shard in failed]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "Missing argument 'INPUT'"),
        (("none",), "none: must be a folder or a file"),
        (("empty",), "empty: holds no .csv"),
        (("shards", "--engine", "spark"), "one of: auto, light, tensorflow, local, ray"),
        (("shards", "--workers", "2"), "`workers` and `address` need the engine `ray`"),
        (("shards", "--engine", "ray", "--workers", "0"), "`workers` must be a positive integer"),
    ],
)
def test_bad_input_is_told_in_one_line_before_tensorflow_is_imported(
    is_refused_at_once: Callable[..., None], shards: Path, args: tuple[str, ...], message: str
) -> None:
    (shards.parent / "empty").mkdir()
    is_refused_at_once(message, "score", *args)


def test_a_missing_model_is_told_in_one_line(run: Run, shards: Path) -> None:
    outcome = run("score", "shards")
    assert is_one_error_line(outcome), outcome
    assert "models/sentiment: must be a version's folder" in outcome.err


def test_the_missing_extra_is_named(
    run: Run, shards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    outcome = run("score", "shards", "--engine", "ray")
    assert is_one_error_line(outcome), outcome
    assert "pip install 'lstm-sentiment[ray]'" in outcome.err
