"""Mistyped commands, flags and values: one line that says what was probably meant."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus

from tests.cli.running import Run, is_one_error_line
from tests.client_servers import FakeServer, Refusal, serving

AVAILABLE, LOADING = ModelVersionStatus.AVAILABLE, ModelVersionStatus.LOADING


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("predcit", "No such command 'predcit'. Did you mean 'predict'?"),
        ("train reviews.csv", "No such command 'train'. Did you mean 'fit'?"),
        ("eval --model m", "No such command 'eval'. Did you mean 'evaluate'?"),
        ("models list", "No such command 'list'. There are: status, label, "),
        ("models statsu", "No such command 'statsu'. Did you mean 'status'?"),
        ("models xyz", "No such command 'xyz'. There are: status, label, "),
        ("predict x --text-colum y", "--text-colum. Did you mean '--text-column'?"),
        ("fit --zzz", "No such option: --zzz."),
        (
            "fit --preset fst",
            "`--preset` must be one of: fast, accurate. Received: 'fst'. Did you mean 'fast'?",
        ),
        ("serve --max-batch-size x", "`--max-batch-size` must be an integer. Received: 'x'."),
        ("serve --drain-seconds -1", "`--drain-seconds` must be at least 0"),
        ("serve --text-sample-share 2", "`--text-sample-share` must be at most 1"),
        ("verify --tolerance x", "`--tolerance` must be a number. Received: 'x'."),
        ("fit --tokenizer unigrm", "Received: 'unigrm'. Did you mean 'unigram'?"),
        ("fit --strategy mirrord", "Received: 'mirrord'. Did you mean 'mirrored'?"),
        ("vectors info vectors.vcc", "Did you mean 'vectors.vec'?"),
        ("inspect modls", "Received: no folder. Did you mean 'models'?"),
        ("fit reviews.csv --label-column stars", "Received columns: star, text. Did you me"),
        ("fit --data reviews.csv --label-column stars", "Received columns: star, text. Did you me"),
        ("fit --config mine.toml", "mine.toml: settings of [training] must be among"),
        ("fit --config mine.toml", "Did you mean training.epochs?"),
        ("models unlabel stabel --model-config-file models.config", "Did you mean 'stable'?"),
    ],
)
def test_one_line_says_what_was_meant(run: Run, tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "vectors.vec").touch()
    (tmp_path / "models").mkdir()
    (tmp_path / "reviews.csv").write_text("star,text\n1,good\n2,bad\n", "utf-8")
    (tmp_path / "mine.toml").write_text("[training]\nepochz = 3\n", "utf-8")
    (tmp_path / "models.config").write_text(
        'model_config_list { config { name: "hotel" base_path: "/m" model_platform: "tensorflow" '
        'version_labels { key: "stable" value: 1 } } }',
        "utf-8",
    )
    outcome = run(*line.split())
    assert is_one_error_line(outcome), outcome
    assert message in outcome.err


@pytest.fixture
def server() -> Iterator[str]:
    """Has version 7 of any model, and one that is loading; refuses the first request."""
    fake = FakeServer(refusals=[Refusal(grpc.StatusCode.NOT_FOUND, "Servable not found.")])
    fake.status.model_version_status.add(version=7, state=AVAILABLE)
    fake.status.model_version_status.add(version=8, state=LOADING)
    with serving(fake) as address:
        yield address


@pytest.mark.parametrize("command", ["predict", "explain"])
def test_where_a_server_has_no_such_version_those_that_answer_are_told(
    run: Run, server: str, command: str
) -> None:
    outcome = run(command, "x", "--server", server, "--version", 9)
    assert is_one_error_line(outcome), outcome
    assert outcome.err == f"error: {server}: Servable not found. Versions that answer: 7.\n"


def test_where_a_server_has_no_such_model_the_flag_is_told(run: Run) -> None:
    refusal = Refusal(grpc.StatusCode.NOT_FOUND, "Servable not found")
    with serving(FakeServer(refusals=[refusal, refusal])) as address:
        outcome = run("predict", "x", "--server", address, "--model-name", "other")
    assert is_one_error_line(outcome), outcome
    assert "`--model-name` must be the name of a model on this server." in outcome.err
