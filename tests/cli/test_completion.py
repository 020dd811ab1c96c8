"""What a shell is offered after Tab, asked as shells ask."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lstm_sentiment.cli.app import main
from tests.cli.running import Run

Offered = Callable[[str], list[str]]


@pytest.fixture
def offered(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Offered:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["lstm-sentiment"])

    def ask(line: str) -> list[str]:
        words = line.split(" ")
        monkeypatch.setenv("_LSTM_SENTIMENT_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        with pytest.raises(SystemExit) as exited:
            main()
        assert not exited.value.code
        return capsys.readouterr().out.split()

    return ask


@pytest.fixture
def models_config(tmp_path: Path) -> Path:
    for version in ("1", "2", "10", "notes", "9" * 20):
        (tmp_path / "hotel" / version).mkdir(parents=True)
    path = tmp_path / "models.config"
    path.write_text(
        f"""model_config_list {{ config {{
          name: 'hotel'  # not name: "other"
          base_path: "{tmp_path}/hotel" model_platform: "tensorflow"
          version_labels {{ key: "stable" value: 1 }} version_labels {{ key: "stage" value: 2 }}
        }} }}""",
        "utf-8",
    )
    return path


@pytest.mark.parametrize(
    ("line", "choices"),
    [
        ("lstm-sentiment pre", ["predict"]),
        ("lstm-sentiment models un", ["unlabel"]),
        ("lstm-sentiment fit --strategy ", ["auto", "default", "mirrored", "multi-worker"]),
        ("lstm-sentiment fit --tokenizer un", ["unigram"]),
        ("lstm-sentiment tune --tokenizer c", ["characters"]),
        ("lstm-sentiment fit --preset ", ["fast", "accurate"]),
        (
            "lstm-sentiment fit --set vector_training.w",
            ["vector_training.window=", "vector_training.workers="],
        ),
        ("lstm-sentiment fit --set normalization=w", ["normalization=width"]),
        ("lstm-sentiment fit --set lstm", ["lstm_units=", "lstm_layers="]),
        ("lstm-sentiment fit --set pooling=l", ["pooling=last"]),
        ("lstm-sentiment fit --epochs ", ["auto"]),
        ("lstm-sentiment fit --batch-size a", ["auto"]),
        ("lstm-sentiment fit --strategy m", ["mirrored", "multi-worker"]),
        (
            "lstm-sentiment tune --set model.pooling=m",
            [f"model.pooling={name}" for name in ("max_mean", "max", "mean")],
        ),
        ("lstm-sentiment fit --set tensorboard=", ["tensorboard=true", "tensorboard=false"]),
        ("lstm-sentiment fit --set run_dir=r", []),
        ("lstm-sentiment fit --pat", []),
        ("lstm-sentiment vectors train --algorithm f", ["fasttext"]),
        ("lstm-sentiment predict --qu", ["--quiet"]),
        ("lstm-sentiment explain --version ", []),
        ("lstm-sentiment predict --input ", []),
    ],
)
def test_names_are_offered(offered: Offered, line: str, choices: list[str]) -> None:
    assert offered(line) == choices


def test_versions_labels_and_models_are_offered_as_they_are_on_disk(
    offered: Offered, models_config: Path
) -> None:
    prefix = "lstm-sentiment models"
    config = f"--model-config-file {models_config}"
    assert offered(f"{prefix} label {config} ") == ["stable", "stage"]
    assert offered(f"{prefix} unlabel {config} stab") == ["stable"]
    assert offered(f"{prefix} label {config} stable ") == ["10", "2", "1"]
    assert offered(f"{prefix} status {config} --model-name ") == ["hotel"]
    assert offered("lstm-sentiment explain --model hotel --version 1") == ["10", "1"]


def test_a_config_that_cannot_be_read_offers_what_is_usual(offered: Offered) -> None:
    line = "lstm-sentiment models label --model-config-file absent s"
    assert offered(line) == ["stable"]


def test_completing_imports_neither_tensorflow_nor_numpy(tmp_path: Path) -> None:
    code = (
        "import atexit, sys; sys.argv = ['lstm-sentiment']\n"
        "from lstm_sentiment.cli.app import main\n"
        "try: main()\n"
        "finally:\n"
        "    heavy = {'tensorflow', 'keras', 'grpc', 'numpy', 'sklearn'}\n"
        "    print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "_LSTM_SENTIMENT_COMPLETE": "complete_zsh",
            "_TYPER_COMPLETE_ARGS": "lstm-sentiment explain --ver",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--version" in done.stdout and "--verbose" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_it_is_installed_for_the_name_of_the_installed_program(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("typer.completion._get_shell_name", lambda: "bash")
    monkeypatch.setattr("typer._completion_shared._get_shell_name", lambda: "bash")
    monkeypatch.setenv("HOME", str(tmp_path))
    outcome = run("--show-completion")
    assert outcome.code == 0, outcome.err
    assert "complete -o default -F _lstm_sentiment_completion lstm-sentiment" in outcome.out
    assert "_LSTM_SENTIMENT_COMPLETE=complete_bash" in outcome.out
    assert run("--install-completion").code == 0
    script = tmp_path / ".bash_completions" / "lstm-sentiment.sh"
    assert script.read_text().strip() == outcome.out.strip()
