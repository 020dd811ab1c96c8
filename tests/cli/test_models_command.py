"""`models`: what it prints and where, its exit code, and what it leaves in the file."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lstm_sentiment.version_folder import CARD
from tests.cli.running import Run, is_one_error_line
from tests.model_service import StockModelService


@pytest.fixture
def config(tmp_path: Path) -> Path:
    for version in (1, 2, 3):
        (tmp_path / "models" / "m" / str(version)).mkdir(parents=True)
    path = tmp_path / "models.config"
    path.write_text(
        f"""\
model_config_list {{
  config {{
    name: "m"
    base_path: "{tmp_path}/models/m"
    model_platform: "tensorflow"
    model_version_policy {{ specific {{ versions: [1, 2] }} }}
    version_labels {{ key: "stable" value: 1 }}  # good
  }}
}}
"""
    )
    return path


@pytest.fixture
def service() -> StockModelService:
    return StockModelService(m={1, 2})


@pytest.fixture
def address(service: StockModelService) -> Iterator[str]:
    server, address = service.serve()
    yield address
    server.stop(0).wait()


def test_a_label_moves_and_can_be_moved_back_as_told(
    run: Run, config: Path, address: str, service: StockModelService
) -> None:
    before = config.read_text()
    flags = ("--model-config-file", "models.config", "--server", address)
    outcome = run("models", "label", "stable", 2, *flags)
    assert outcome.code == 0, outcome.err
    undo = f"models label stable 1 --model-config-file models.config --server {address}"
    assert outcome.out == (
        "label stable of model m points to version 2; it was version 1\n"
        f"undo: lstm-sentiment {undo}\n"
    )
    assert outcome.err == ""
    assert config.read_text() == before.replace("value: 1", "value: 2")
    assert service.labels == {"m": {"stable": 2}}
    assert run(*undo.split()).code == 0
    assert config.read_text() == before


def test_without_a_server_it_says_that_none_was_told(run: Run, config: Path) -> None:
    flags = ("--model_config_file", config, "--model_name", "m")
    outcome = run("models", "unlabel", "stable", *flags)
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("label stable of model m is gone; it was version 1\nundo: ")
    assert "--model-name m\n" in outcome.out
    assert outcome.err.startswith("note: no running server was notified")
    assert "version_labels" not in config.read_text()


def test_a_rollback_and_its_undoing(
    run: Run, config: Path, address: str, service: StockModelService
) -> None:
    flags = ("--model-config-file", config, "--server", address)
    outcome = run("models", "rollback", *flags)
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("version policy of model m is specific:1; it was specific:1,2\n")
    assert "models rollback --policy specific:1,2 --model-config-file" in outcome.out
    assert service.available("m") == {1}
    assert run("models", "rollback", "--policy", "specific:1,2", *flags).code == 0
    assert service.available("m") == {1, 2}
    for flag, version in (("--label", 2), ("--version-label", 1), ("--version_label", 2)):
        assert run("models", "rollback", flag, "stable", "--version", version, *flags).code == 0
        assert service.labels == {"m": {"stable": version}}


def test_the_status_for_people_and_for_machines(
    run: Run, config: Path, address: str, service: StockModelService
) -> None:
    outcome = run("models", "status", "--model-config-file", config, "--server", address)
    assert outcome.code == 0, outcome.err
    lines = [line.split() for line in outcome.out.splitlines()]
    assert ["policy", "specific:1,2"] in lines
    assert ["3", "yes", "not", "served"] in lines
    assert ["2", "yes", "AVAILABLE"] in lines
    assert ["1", "stable", "yes", "AVAILABLE"] in lines
    alone = run("models", "status", "--model-config-file", config)
    assert ["1", "stable", "yes"] in [line.split() for line in alone.out.splitlines()]
    as_json = run("models", "status", "--server", address, "--model-name", "m", "--json")
    [model] = json.loads(as_json.out)["models"]
    assert [version["state"] for version in model["versions"]] == ["AVAILABLE", "AVAILABLE"]


def test_the_status_is_whole_in_80_columns(
    run: Run, config: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    config.write_text(config.read_text().replace("stable", "candidate"))
    card = {
        "trained_at": "2026-01-02T03:04:05+00:00",
        "metrics": {"test": {"accuracy": 0.875}},
        "data": {"test": {"texts": 1000}},
    }
    path = config.parent / "models" / "m" / "1" / CARD
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(card))
    outcome = run("models", "status", "--model-config-file", config, "--server", address)
    assert outcome.code == 0, outcome.err
    expected = ["1", "candidate", "2026-01-02", "0.875", "[0.853,", "0.894]", "yes", "AVAILABLE"]
    assert expected in [line.split() for line in outcome.out.splitlines()]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("status",), "`--model-config-file` must be given"),
        (("status", "--server", "localhost:1"), "Received: `--server` alone."),
        (("status", "--model-name", "m"), "Received: `--model-name` alone."),
        (("label", "stable", "9", "--model-config-file", "models.config"), "Received: 9"),
        (("label", "stable", "x", "--model-config-file", "models.config"), "VERSION"),
        (("label", "stable", "1"), "--model-config-file"),
        (("unlabel", "canary", "--model-config-file", "models.config"), "label='canary'"),
        (("unlabel", "x", "--model-config-file", "absent"), "absent: cannot be read"),
        (
            ("unlabel", "x", "--model-config-file", "models.config", "--ssl-ca", "ca.pem"),
            "need `--server`",
        ),
        (
            ("rollback", "--policy", "all", "--version", "1", "--model-config-file", "x"),
            "cannot be combined with",
        ),
        (
            ("status", "--model-config-file", "models.config", "--model-name", "other"),
            "model 'other', and there are 'm'",
        ),
    ],
)
def test_bad_input_is_told_in_one_line_and_changes_nothing(
    run: Run, config: Path, args: tuple[str, ...], message: str
) -> None:
    before = config.read_text()
    outcome = run("models", *args)
    assert is_one_error_line(outcome), outcome
    assert message in outcome.err
    assert config.read_text() == before


def test_what_the_server_refuses_is_told_in_one_line_and_changes_nothing(
    run: Run, config: Path, address: str, service: StockModelService
) -> None:
    before = config.read_text()
    service.refusal = "not today"
    flags = ("--model-config-file", config, "--server", address)
    outcome = run("models", "label", "stable", 2, *flags)
    assert is_one_error_line(outcome), outcome
    assert f"{address}: not today. {config} is as it was." in outcome.err
    assert config.read_text() == before


def test_a_file_alone_is_changed_without_tensorflow(config: Path) -> None:
    code = (
        "import sys\n"
        "sys.argv = ['x', 'models', 'label', 'stable', '2', '--model-config-file', "
        f"{str(config)!r}]\n"
        "from lstm_sentiment.cli.app import main\n"
        "try: main()\n"
        "except SystemExit as exit: assert not exit.code\n"
        "assert not {'tensorflow', 'keras', 'grpc'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("label stable of model m points to version 2")


def test_a_token_goes_with_each_request_and_stands_in_the_undoing(
    run: Run, config: Path, address: str, service: StockModelService
) -> None:
    Path("token").write_text("secret\n")
    flags = ("--model-config-file", config, "--server", address, "--auth-token-file", "token")
    outcome = run("models", "unlabel", "stable", *flags)
    assert outcome.code == 0, outcome.err
    assert "--auth-token-file token" in outcome.out
    assert service.callers == ["Bearer secret"]
