"""`fit --check` and `--print-config`, and bad input of `fit`: all without TensorFlow."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

from lstm_sentiment import PipelineConfig, load_config
from lstm_sentiment.pipeline.overrides import with_overrides
from tests.cli.running import Outcome, Run, is_one_error_line

RUNS_ALL = """
import json, sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from lstm_sentiment.cli.app import main
outcomes = []
for line in json.loads(sys.argv[1]):
    sys.argv = ["cli.py", *line]
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        try: main()
        except SystemExit as exited: code = exited.code or 0
    heavy = {"tensorflow", "keras", "sklearn", "scipy"} & set(sys.modules)
    outcomes.append([code, out.getvalue(), err.getvalue(), sorted(heavy)])
print(json.dumps(outcomes))
"""

REFUSED = [
    (("none.csv",), "none.csv: cannot be read: No such file or directory"),
    (("a.csv", "--text-column", "body"), "a.csv:1: the column 'body' must exist"),
    (("a.csv", "--label-column", "stars"), "the column 'stars' must exist"),
    (("latin.csv",), "latin.csv:2: must be"),
    (("one.csv",), "at least two classes. Received: only '1'"),
    (("a.csv", "--vectors", "none.vec"), "none.vec"),
    (("a.csv", "--test-data", "none.csv"), "none.csv: cannot be read"),
    (("a.csv", "--unlabelled", "none.txt"), "none.txt"),
    (("a.csv", "--corrections", "none.csv"), "none.csv"),
    (("a.csv", "--init-from", "none"), "none: must be a version's folder"),
    (("a.csv", "--run-dir", "full"), "`run_dir` must be a new or empty folder"),
    (("a.csv", "--model-dir", "a.csv"), "a.csv: must be a folder that can be written"),
    (("a.csv", "--check", "--run-dir", "full"), "`run_dir` must be a new or empty folder"),
    (("a.csv", "--check", "--model-dir", "a.csv"), "a.csv: must be a folder that can be written"),
    (("--resume", "full"), "full: must be the folder of a run"),
]
WORKING = [
    ("a.csv", "--check"),
    ("a.csv", "--check", "--json", "--quiet"),
    ("a.csv", "--print-config", "--set", "model.dropout=0.5"),
    ("a.csv", "--print-config", "--preset", "accurate"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fit")
    # 40 texts of a class; in front of them empty, repeated and contradictory ones, and a near copy.
    rows = ["text,label", " ,good", "twice here,good", "twice here,good", "Twice here!,good"]
    rows += ["both,good", "both,bad", f"{'long ' * 300},good"]
    rows += [
        f"text number {n} is {'fine' if n % 2 else 'poor'},{(n % 2 and 'good') or 'bad'}"
        for n in range(80)
    ]
    (folder / "a.csv").write_text("\n".join(rows) + "\n", "utf-8")
    (folder / "latin.csv").write_bytes(b"text,label\ncaf\xe9 au lait,1\nx,0\n")
    (folder / "one.csv").write_text("text,label\na,1\nb,1\n", "utf-8")
    (folder / "full").mkdir()
    (folder / "full" / "file").touch()
    return folder


@pytest.fixture(scope="module")
def outcomes(folder: Path) -> dict[Sequence[str], tuple[Outcome, list[str]]]:
    """What one process printed for each command line, and the slow libraries it had imported."""
    lines = [*WORKING, *(line for line, _ in REFUSED)]
    typed = [["fit", *line] for line in lines]
    done = subprocess.run(
        [sys.executable, "-c", RUNS_ALL, json.dumps(typed)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    results = json.loads(done.stdout)
    return {
        line: (Outcome(*printed), heavy)
        for line, (*printed, heavy) in zip(lines, results, strict=True)
    }


@pytest.mark.parametrize(("line", "message"), REFUSED)
def test_bad_input_is_refused_in_one_line_without_tensorflow(
    outcomes: dict[Sequence[str], tuple[Outcome, list[str]]],
    folder: Path,
    line: Sequence[str],
    message: str,
) -> None:
    outcome, heavy = outcomes[line]
    last = outcome.err.splitlines()[-1]
    assert (outcome.code, outcome.out, heavy) == (2, "", [])
    assert last.startswith("error: ")
    assert message in last
    assert not (folder / "runs").exists()


@pytest.mark.parametrize("line", WORKING)
def test_check_and_print_config_need_no_tensorflow_and_write_nothing(
    outcomes: dict[Sequence[str], tuple[Outcome, list[str]]], folder: Path, line: Sequence[str]
) -> None:
    outcome, heavy = outcomes[line]
    assert (outcome.code, heavy) == (0, []), outcome.err
    assert not {"runs", "models"} & {path.name for path in folder.iterdir()}


def test_check_prints_what_a_run_would_do(
    outcomes: dict[Sequence[str], tuple[Outcome, list[str]]],
) -> None:
    outcome, _ = outcomes[WORKING[0]]
    rows = dict(line.split(None, 1) for line in outcome.out.splitlines())
    assert rows["encoding"] == "UTF-8"
    assert rows["texts"] == "87 read, 83 used"
    assert rows["empty"] == "1"
    assert rows["repeated"].startswith("1 repeat")
    assert rows["contradictory"] == "2 occur with several labels, such as: both"
    assert rows["classes"] == "bad: 40 (48.2%), good: 43 (51.8%)"
    assert rows["tokenizer"] == "whitespace"
    assert rows["max_length"] == "200 tokens: cuts about 1.5% of the texts"
    assert rows["next"] == "python cli.py fit a.csv"
    assert "test texts give an uncertain accuracy" in outcome.err


def test_check_gives_the_numbers_of_the_run_as_json(
    outcomes: dict[Sequence[str], tuple[Outcome, list[str]]],
) -> None:
    outcome, _ = outcomes[WORKING[1]]
    checked = json.loads(outcome.out)
    assert outcome.err == ""
    assert checked["files"] == {"a.csv": "UTF-8"}
    split = checked["split"]
    assert sum(split.values()) == checked["used"] == 83
    assert (checked["empty"], checked["repeated"], checked["contradictory"]) == (1, 1, 2)
    trained_on = split["train"] + split["dev"]  # after the folds, both
    assert checked["steps_an_epoch"] == -(-trained_on // checked["batch_size"])
    assert checked["steps"] == checked["epochs"] * checked["steps_an_epoch"]
    assert checked["folds"] == 5
    assert checked["tokens"]["longest"] == 300
    assert checked["memory_bytes"] > 0


def test_a_printed_config_gives_the_same_run(
    outcomes: dict[Sequence[str], tuple[Outcome, list[str]]], tmp_path: Path
) -> None:
    outcome, _ = outcomes[WORKING[2]]
    (tmp_path / "a.toml").write_text(outcome.out, "utf-8")
    config = with_overrides(PipelineConfig(), {"data": (Path("a.csv"),), "model": {"dropout": 0.5}})
    assert load_config(tmp_path / "a.toml") == config
    accurate = tomllib.loads(outcomes[WORKING[3]][0].out)
    assert accurate["model"]["members"] == 3


@pytest.mark.parametrize("flag", ["--check", "--print-config"])
def test_a_run_that_goes_on_is_not_checked(run: Run, flag: str) -> None:
    outcome = run("fit", "--resume", "runs/a", flag)
    assert is_one_error_line(outcome)
    assert f"Received: `{flag}`" in outcome.err
