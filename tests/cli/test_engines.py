"""Commands that answer in this process: by the light engine, where TensorFlow is not installed."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lstm_sentiment import FitResult
from lstm_sentiment.version_folder import LIGHT
from tests.cli.running import Run, is_one_error_line
from tests.conftest import REPOSITORY
from tests.exported import add_version, read_card, write_card
from tests.without_train import command_without_train

TEXT = "房间很干净"
PROGRAM = [sys.executable, str(REPOSITORY / "cli.py")]


@pytest.fixture(scope="module")
def base_path(fitted: FitResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Versions 1 and 2 with their light twins."""
    base_path = tmp_path_factory.mktemp("models") / "sentiment"
    for version in (1, 2):
        add_version(base_path, version, fitted)
    return base_path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "test.csv"
    path.write_text("text,label\n房间很干净,positive\n早餐真的差,negative\n", "utf-8")
    return path


def answered(*arguments: object) -> list[dict[str, Any]]:
    """The JSON lines of a command where TensorFlow is not installed."""
    ended = command_without_train(*map(str, arguments), "--json", "--quiet")
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_predict_and_explain(base_path: Path, run: Run) -> None:
    (light,) = answered("predict", TEXT, "--model", base_path)
    outcome = run("predict", TEXT, "--model", base_path, "--engine", "tensorflow", "--json")
    by_tensorflow = json.loads(outcome.out)
    assert light["label"] == by_tensorflow["label"]
    assert light["probabilities"] == pytest.approx(by_tensorflow["probabilities"], abs=1e-5)
    (explained,) = answered("explain", TEXT, "--model", base_path, "--engine", "light")
    assert "".join(explained["tokens"]) == TEXT


def test_a_dash_is_standard_input_and_output(
    base_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = [*PROGRAM, "predict", "--model", str(base_path), "--input", "-", "--output", "-"]
    ended = subprocess.run(
        command, input=f"{TEXT}\n好\n".encode(), capture_output=True, check=True, timeout=120
    )
    assert [line.split("\t")[2] for line in ended.stdout.decode().splitlines()] == [TEXT, "好"]
    assert list(tmp_path.iterdir()) == []


def test_output_that_cannot_be_encoded_is_escaped(
    base_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    ended = command_without_train("predict", TEXT, "--model", str(base_path))
    assert ended.returncode == 0, ended.stderr
    assert TEXT.encode("ascii", "backslashreplace").decode() in ended.stdout
    (answer,) = answered("predict", TEXT, "--model", base_path)
    assert answer["text"] == TEXT


def test_verify_says_why_a_twin_is_refused(base_path: Path, tmp_path: Path) -> None:
    damaged = shutil.copytree(base_path / "1", tmp_path / "1")
    (damaged / LIGHT / "light.json").write_text("{}")
    ended = command_without_train("verify", "--model", str(damaged))
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert "light.json: must describe a light twin" in line
    assert line.endswith("pip install 'lstm-sentiment[train]'")


def test_evaluate_and_compare(base_path: Path, data: Path) -> None:
    (evaluated,) = answered("evaluate", "--model", base_path, "--data", data)
    assert evaluated["texts"] == 2
    versions = ("--model", base_path, "--versions", "1,2")
    (compared,) = answered("models", "compare", *versions, "--data", data)
    assert compared["disagreements"] == []


def test_promote(base_path: Path, data: Path, tmp_path: Path) -> None:
    config = tmp_path / "models.config"
    config.write_text(
        f'model_config_list {{ config {{ name: "sentiment" base_path: "{base_path}" '
        'model_platform: "tensorflow" model_version_policy { all {} } '
        'version_labels { key: "stable" value: 1 } } }'
    )
    flags = ("--version-label", "stable", "--version", 2, "--model-config-file", config)
    (promoted,) = answered("models", "promote", *flags, "--data", data, "--dry-run", "--force")
    assert promoted["comparison"]["disagreements"] == []


@pytest.mark.parametrize("engine", ["auto", "light", "local"])
def test_score(base_path: Path, data: Path, tmp_path: Path, engine: str) -> None:
    flags = ("--model", base_path, "--output", tmp_path, "--engine", engine)
    (scored,) = answered("score", data, *flags)
    assert (scored["texts"], scored["failed"]) == (2, [])


def test_verify_asks_each_engine_that_is_there(base_path: Path, run: Run) -> None:
    (light,) = answered("verify", "--model", base_path)
    assert {way["way"] for way in light["ways"]} == {"light twin"}
    both = json.loads(run("verify", "--model", base_path, "--json", "--quiet").out)
    assert {way["way"] for way in both["ways"]} == {"light twin", "saved model"}
    assert both["equal"] is True
    flags = ("--engine", "tensorflow", "--json", "--quiet")
    one = json.loads(run("verify", "--model", base_path, *flags).out)
    assert {way["way"] for way in one["ways"]} == {"saved model"}


@pytest.fixture
def without_twin(base_path: Path, tmp_path: Path) -> Iterator[Path]:
    folder = shutil.copytree(base_path / "1", tmp_path / "1")
    shutil.rmtree(folder / LIGHT)
    yield folder


@pytest.mark.parametrize(
    "command", [("predict", TEXT), ("explain", TEXT), ("verify",)], ids=lambda command: command[0]
)
def test_a_version_without_a_twin_is_refused_by_the_light_engine(
    run: Run, no_tensorflow: None, without_twin: Path, command: tuple[str, ...]
) -> None:
    outcome = run(*command, "--model", without_twin, "--engine", "light", "--quiet")
    assert is_one_error_line(outcome), outcome
    assert "it has no light twin" in outcome.err


def test_a_refused_twin_leaves_the_version_to_tensorflow_with_a_message(
    base_path: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(base_path / "1", tmp_path / "1")
    card = read_card(folder)
    card["examples"][0]["probabilities"] = card["examples"][0]["probabilities"][::-1]
    write_card(folder, card)
    works: list[str] = []
    monkeypatch.setattr("lstm_sentiment.cli.console.import_tensorflow", works.append)
    assert run("predict", TEXT, "--model", base_path / "1").code == 0
    assert works == []
    assert run("predict", TEXT, "--model", folder).code == 0
    assert works == ["loading a SavedModel"]


def test_where_tensorflow_is_not_installed_it_is_named(without_twin: Path) -> None:
    for engine in ("auto", "tensorflow"):
        ended = command_without_train(
            "predict", TEXT, "--model", str(without_twin), "--engine", engine
        )
        assert (ended.returncode, ended.stdout) == (2, "")
        install = "loading a SavedModel needs TensorFlow: pip install 'lstm-sentiment[train]'\n"
        assert ended.stderr.endswith(install) and ended.stderr.count("\n") == 1
    assert "no light twin" not in ended.stderr


def test_servers_have_engines_of_their_own(run: Run, no_tensorflow: None) -> None:
    outcome = run("predict", TEXT, "--server", "localhost:1", "--engine", "light")
    assert is_one_error_line(outcome), outcome
    assert "`--engine` needs `--model`" in outcome.err
    outcome = run("serve", "--engine", "light", "--xla-cpu-compilation-enabled")
    assert is_one_error_line(outcome), outcome
