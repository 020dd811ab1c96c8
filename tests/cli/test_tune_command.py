"""`tune`: what it prints and writes, and a search for real, killed in the middle."""

import json
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lstm_sentiment import InvalidInputError, PipelineConfig, TuneResult, load_config
from lstm_sentiment.pipeline.overrides import preset_config, with_overrides
from lstm_sentiment.tuning.search import TrialResult
from lstm_sentiment.tuning.space import SEARCH_SPACE
from tests.cli import test_commands
from tests.cli.running import Run, is_one_error_line
from tests.cli.test_commands import COLUMNS, SMALL
from tests.preloaded import preloaded

csv_file = test_commands.csv_file


def result_of(config: PipelineConfig) -> TuneResult:
    """A search of seven trials, the sixth the best, one pruned and one failed."""

    def trial(number: int, loss: float, state: Any = "complete") -> TrialResult:
        settings = {"training.learning_rate": number / 1000, "model.pooling": "max"}
        failure = "the loss is no number." if state == "failed" else None
        return TrialResult(number, state, loss, 3, settings, failure)

    trials = (
        *(trial(n, 1 - n / 10) for n in range(1, 7)),
        trial(7, 0.01, "pruned"),
        trial(8, 0.01, "failed"),
    )
    best = with_overrides(config, {"training": {"learning_rate": 0.006}})
    return TuneResult(best, trials[5], trials, "hotels", Path("h.db"), 12.3)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What `tune` asked the library for, which answers at once."""
    calls: list[dict[str, Any]] = []

    def search(config: PipelineConfig, **options: Any) -> TuneResult:
        calls.append({"config": config, **options})
        return result_of(config)

    monkeypatch.setattr("lstm_sentiment.tuning.search.tune", search)
    return calls


def test_help_names_all_that_is_searched(run: Run) -> None:
    outcome = run("tune", "--help")
    assert outcome.code == 0
    assert "Example: lstm-sentiment tune" in outcome.out
    for name in SEARCH_SPACE:
        assert name.split(".")[1] in outcome.out


def test_flags_and_file_make_the_config_that_is_searched_around(
    run: Run, calls: list[dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "a.toml").write_text("[training]\nepochs = 2\nseed = 1\n")
    flags = ("--data", "a.csv", "--dev-data", "d", "--test-data", "t", "--vectors", "v")
    run(
        "tune",
        *flags,
        "--tokenizer",
        "whitespace",
        *COLUMNS,
        "--config",
        "a.toml",
        "--seed",
        5,
        "--set",
        "training.patience=2",
    )
    run("tune", "--preset", "accurate", "--trials", 3, "--timeout-seconds", 1.5)
    run("tune", "--storage", "s.db", "--study", "n")
    first, second, third = calls
    assert first["config"] == with_overrides(
        PipelineConfig(),
        {
            "data": (Path("a.csv"),),
            "dev_data": Path("d"),
            "test_data": Path("t"),
            "vectors": Path("v"),
            "tokenizer": "whitespace",
            "text_column": "review",
            "label_column": "stars",
            "training": {"epochs": 2, "seed": 5, "patience": 2},
        },
    )
    assert (first["trials"], first["timeout_seconds"]) == (20, None)
    assert (first["storage"], first["study"]) == (Path("runs/tune.db"), "tune")
    assert second["config"] == preset_config("accurate")
    assert (second["trials"], second["timeout_seconds"]) == (3, 1.5)
    assert (third["storage"], third["study"]) == (Path("s.db"), "n")


@pytest.mark.parametrize(
    ("url", "path"), [("sqlite:///tn/u.db", "tn/u.db"), ("sqlite:////tmp/u.db", "/tmp/u.db")]
)
def test_storage_may_be_the_url_of_an_sqlite_file(
    run: Run, calls: list[dict[str, Any]], url: str, path: str
) -> None:
    run("tune", "--storage", url)
    assert calls[0]["storage"] == Path(path)


def test_no_other_database_is_taken_for_a_file(
    run: Run, calls: list[dict[str, Any]], tmp_path: Path
) -> None:
    outcome = run("tune", "--storage", "mysql://u@h/db")
    assert is_one_error_line(outcome), outcome
    assert "must be the path of an SQLite file" in outcome.err
    assert (calls, list(tmp_path.iterdir())) == ([], [])


def test_it_ends_with_the_best_trials_and_the_next_command(
    run: Run, calls: list[dict[str, Any]], tmp_path: Path
) -> None:
    outcome = run("tune", "--output", "best one.toml")
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines() == [
        "trial  dev loss  epochs  learning_rate  pooling",
        "6      0.4000    3       0.006          max",
        "5      0.5000    3       0.005          max",
        "4      0.6000    3       0.004          max",
        "3      0.7000    3       0.003          max",
        "2      0.8000    3       0.002          max",
        "",
        "trials         6 complete, 1 pruned, 1 failed",
        "settings       best one.toml",
        "time           12 s",
        "next           lstm-sentiment fit --config 'best one.toml'",
    ]
    assert load_config(tmp_path / "best one.toml").training.learning_rate == 0.006


def test_it_prints_json_alone(run: Run, calls: list[dict[str, Any]]) -> None:
    result = json.loads(run("tune", "--json").out)
    assert result == {
        "study": "hotels",
        "storage": "h.db",
        "trials": 8,
        "complete": 6,
        "pruned": 1,
        "failed": 1,
        "best": {
            "number": 6,
            "state": "complete",
            "dev_loss": pytest.approx(0.4),
            "epochs": 3,
            "settings": {"training.learning_rate": 0.006, "model.pooling": "max"},
            "failure": None,
        },
        "seconds": 12.3,
        "output": "tuned.toml",
    }


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--trials", "0"), "`trials` must be a positive integer"),
        (("--trials", "few"), "--trials"),
        (("--timeout-seconds", "-1"), "`timeout_seconds` must be a positive number"),
        (("--output", "none/a.toml"), "none/a.toml: must be a file in a folder"),
        (("--output", "."), ".: must be a file in a folder"),
        (("--config", "none.toml"), "none.toml: cannot be read"),
        (("--tokenizer", "bpe"), "`tokenizer` must be one of"),
        (("--seed", "-1"), "`seed` must be an integer from 0"),
        (("--preset", "slow"), "--preset"),
        (("--epochs", "3"), "No such option: --epochs"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    run: Run, tmp_path: Path, no_tensorflow: None, args: tuple[str, ...], message: str
) -> None:
    outcome = run("tune", *args)
    assert is_one_error_line(outcome), outcome
    assert message in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_a_storage_that_cannot_be_used_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    outcome = run("tune", "--storage", "folder")
    assert is_one_error_line(outcome), outcome
    assert "folder: must be a file" in outcome.err


def test_without_optuna_the_extra_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch, no_tensorflow: None
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    outcome = run("tune")
    assert is_one_error_line(outcome)
    assert "pip install 'lstm-sentiment[tune]'" in outcome.err


def test_a_killed_search_goes_on_and_fit_takes_its_settings(
    run: Run, csv_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    args = ["tune", "--data", str(csv_file), *COLUMNS, "--config", "small.toml"]
    with subprocess.Popen(
        [*preloaded("from lstm_sentiment.cli.app import main; main()"), *args, "--trials", "50"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    ) as search:
        assert search.stderr is not None
        lines = iter(search.stderr.readline, "")
        assert any(line.startswith("Trial 1 of 50: complete") for line in lines)
        search.send_signal(signal.SIGKILL)
        search.stderr.read()  # ends with the last of it
    with sqlite3.connect(tmp_path / "runs" / "tune.db") as database:
        states = [row[0] for row in database.execute("SELECT state FROM trials")]
    assert not (tmp_path / "tuned.toml").exists()
    finished = states.count("COMPLETE")
    assert finished >= 1

    outcome = run(*args, "--trials", finished + 1, "--json")
    assert outcome.code == 0, outcome.err
    result = json.loads(outcome.out)
    assert (result["trials"], result["complete"]) == (finished + 1, finished + 1)
    assert f"Trial {finished + 1} of {finished + 1}: complete" in outcome.err
    assert f"Trial {finished} of" not in outcome.err
    tuned = load_config(tmp_path / "tuned.toml")
    assert tuned.training.learning_rate == result["best"]["settings"]["training.learning_rate"]

    asked: list[PipelineConfig] = []

    def run_pipeline(config: PipelineConfig, *_: object, **__: object) -> None:
        asked.append(config)
        raise InvalidInputError("Enough is seen.")

    monkeypatch.setattr("lstm_sentiment.pipeline.run.run_pipeline", run_pipeline)
    outcome = run("fit", "--config", "tuned.toml")
    assert outcome.err.endswith("\nerror: Enough is seen.\n")
    assert asked == [tuned]
