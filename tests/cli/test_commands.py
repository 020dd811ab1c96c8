"""The command line in this process: what it prints, where, and its exit code."""

import json
import re
import signal
import socket
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from lstm_sentiment import FitResult, InvalidInputError, __version__
from lstm_sentiment.models_config.config import single_model_config
from lstm_sentiment.pipeline import publishing
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.loading.options import LoadingOptions
from lstm_sentiment.serving.server import ModelServer
from lstm_sentiment.serving.server_options import ServerOptions
from tests.cli.running import Run, is_one_error_line
from tests.conftest import REPOSITORY
from tests.corpora import hotel_like
from tests.exported import add_version
from tests.preloaded import preloaded

pytestmark = pytest.mark.usefixtures("versions_loaded_once")

# What is trained quickly, where the defaults do not matter.
SMALL = """\
[model]
lstm_units = 4
max_length = 8
bidirectional = false
ngrams = 0
[training]
cross_validation = "off"
epochs = 1
batch_size = 32
[vector_training]
dim = 8
epochs = 1
"""


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    corpus = hotel_like(120)
    rows = [
        f"{corpus.label_names[n]},{t}" for t, n in zip(corpus.texts, corpus.labels, strict=True)
    ]
    path = tmp_path / "reviews.csv"
    path.write_text("\n".join(["stars,review", *rows, *rows[:5]]) + "\n", "utf-8")
    return path


@pytest.fixture
def no_exports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training alone is looked at, and the version would take as long."""
    monkeypatch.setattr(publishing, "export_servable", lambda result, base, **_: base / "1")


@pytest.fixture(scope="module")
def base_path(fitted: FitResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "sentiment"
    add_version(path, 1, fitted)
    return path


COLUMNS = ("--text-column", "review", "--label-column", "stars")


def test_cli_py_is_the_same_command_line() -> None:
    done = subprocess.run(
        [sys.executable, REPOSITORY / "cli.py", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"lstm-sentiment {__version__}\n"


def test_fit_prints_json_alone_and_exports_the_next_version(
    run: Run, csv_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    args = (
        "fit",
        "--data",
        csv_file,
        *COLUMNS,
        "--config",
        "small.toml",
        "--run-dir",
        "run",
        "--json",
    )
    outcome = run(*args)
    assert outcome.code == 0, outcome.err
    result = json.loads(outcome.out)
    assert result["version_dir"] == "models/sentiment/1"
    assert result["run_dir"] == "run"
    assert set(result["test"]) == {
        "accuracy",
        "macro_f1",
        "oov_rate",
        "calibration_error",
        "calibration_error_before",
        "texts",
        "accuracy_interval",
    }
    low, high = result["test"]["accuracy_interval"]
    assert 0 <= low < result["test"]["accuracy"] < high <= 1
    assert 0 <= result["padding_share"] < 1
    assert result["labels"] == ["negative", "neutral", "positive"]
    assert "5 repeated" in outcome.err
    assert re.search(r"to train on \(negative: \d+, neutral: \d+, positive: \d+\)", outcome.err)
    assert "Run folder: run\n" in outcome.err
    # A step that is named twice would look like one that is done twice.
    done = [line.split(": done in ")[0] for line in outcome.err.splitlines() if ": done" in line]
    assert len(done) == len(set(done)) > 3
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "checkpoints",
        "config.toml",
        "data.json",
        "history.csv",
        "metrics.json",
        "model.keras",
        "test.csv",
        "vocabulary.txt",
    }
    assert (tmp_path / "models/sentiment/1/saved_model.pb").is_file()
    again = run(*args)
    assert is_one_error_line(again)
    assert "`run_dir` must be a new or empty folder" in again.err


def test_fit_takes_the_options_of_text(
    run: Run, csv_file: Path, tmp_path: Path, no_exports: None
) -> None:
    (tmp_path / "v.txt").write_text("房间 1 2\n很 1 2\n好 1\n干净 3 4\n服务 5 6\n", "utf-8")
    (tmp_path / "dict.txt").write_text("房间 9 n\n", "utf-8")
    options = {
        "vectors": "v.txt",
        "vectors_limit": 3,
        "bad_rows": "skip",
        "tokenizer": "unigram",
        "normalization": "width",
        "unknown": "character",
        "dictionary": "dict.txt",
        "cache": "disk",
    }
    flags = [part for name, value in options.items() for part in ("--set", f"{name}={value}")]
    (tmp_path / "small.toml").write_text(SMALL)
    flags += ["--config", "small.toml", "--run-dir", "runs/a"]
    outcome = run("fit", "--data", csv_file, *COLUMNS, *flags)
    assert outcome.code == 0, outcome.err
    config = tomllib.loads((tmp_path / "runs" / "a" / "config.toml").read_text("utf-8"))
    files = {name: str(tmp_path / str(options[name])) for name in ("vectors", "dictionary")}
    assert {name: config[name] for name in options} == {**options, **files}
    assert "v.txt: 1 malformed row was left out: line 3" in outcome.err
    assert "of their time steps are padding" in outcome.err
    assert "test OOV rate" in outcome.out


def test_fit_ends_with_the_next_command(
    run: Run, csv_file: Path, tmp_path: Path, no_exports: None
) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    args = ("fit", "--data", csv_file, *COLUMNS, "--config", "small.toml", "--model-dir", "m/hotel")
    outcome = run(*args, "--strategy", "mirrored")
    assert outcome.code == 0, outcome.err
    assert "Training 2 CPU replicas on CPU:0, CPU:1: " in outcome.err
    assert re.search(
        r"test accuracy  0\.\d{4}, 95% interval 0\.\d{4} to [01]\.\d{4}, \d+ texts\n", outcome.out
    )
    assert " test texts are few: label more" in outcome.err
    assert re.search(
        r"test macro-F1  0\.\d{4}, 95% interval 0\.\d{4} to [01]\.\d{4}\n", outcome.out
    )
    assert re.search(
        r"calibration    error 0\.\d{3} \(0\.\d{3} without the temperature\)\n", outcome.out
    )
    assert "m/hotel/1" in outcome.out
    assert "lstm-sentiment serve --model-name hotel --model-base-path m/hotel" in outcome.out


@pytest.mark.parametrize(
    ("content", "extra", "message"),
    [
        (None, (), "reviews.csv: cannot be read: No such file or directory"),
        (b"", (), "reviews.csv: must hold at least one text"),
        (b"a,b\n1,2\n", (), "reviews.csv:1: the column 'review' must exist"),
        (b"stars,review\n1,\xe9 \n", (), "reviews.csv:2: must be UTF-8. Received: byte 0xe9"),
        (b"stars,review\n1,a\n1,b\n", (), "at least two classes. Received: only '1'"),
        (b"stars,review\n", ("--epochs", "0"), "`epochs` must be a positive integer"),
        (b"stars,review\n", ("--epochs", "many"), "--epochs"),
        (b"stars,review\n", ("--tokenizer", "bpe"), "auto, unigram, whitespace, characters"),
        (b"stars,review\n", ("--normalization", "nfd"), "none, width, nfkc. Received: 'nfd'"),
        (b"stars,review\n", ("--unknown", "byte"), "run, character. Received: 'byte'"),
        (b"stars,review\n", ("--bad-rows", "keep"), "one of: refuse, skip"),
        (b"stars,review\n", ("--cache", "tape"), "one of: memory, disk"),
        (b"stars,review\n", ("--strategy", "tpu"), "auto, default, mirrored"),
        (b"stars,review\n", ("--no-such-flag",), "No such option"),
        (b"stars,review\n", ("--model-dir", "reviews.csv"), "must be a folder that can be written"),
    ],
)
def test_fit_tells_bad_input_in_one_line_and_leaves_nothing(
    run: Run, tmp_path: Path, content: bytes | None, extra: tuple[str, ...], message: str
) -> None:
    if content is not None:
        (tmp_path / "reviews.csv").write_bytes(content)
    before = sorted(tmp_path.iterdir())
    outcome = run("fit", "--data", "reviews.csv", *COLUMNS, *extra)
    assert is_one_error_line(outcome), outcome
    assert message in outcome.err
    assert sorted(tmp_path.iterdir()) == before


def test_fit_tells_a_class_that_cannot_be_split(run: Run, tmp_path: Path) -> None:
    (tmp_path / "reviews.csv").write_text("stars,review\n1,a\n1,a\n0,b\n0,c\n0,d\n")
    outcome = run("fit", "--data", "reviews.csv", *COLUMNS)
    assert outcome.code == 2
    assert outcome.err.splitlines() == [
        "Read 5 texts. Dropped 0 empty, 1 repeated, and 0 that occur under several labels: 4 left",
        "error: Each class needs at least 3 different texts, one for each part of the split. "
        "Received: class '1' with 1.",
    ]
    assert not (tmp_path / "models").exists()


def test_fit_names_the_line_of_a_malformed_vector(run: Run, csv_file: Path, tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("2 3\n房间 1 2 3\n很 1 2\n", "utf-8")
    outcome = run("fit", "--data", csv_file, *COLUMNS, "--vectors", "v.txt")
    assert outcome.code == 2
    assert outcome.err.splitlines()[-1] == (
        "error: v.txt:3: a row must hold a token and 3 numbers. Received: 2 numbers. "
        "(Such rows are left out with `bad_rows` set to `skip`.)"
    )
    assert not (tmp_path / "models").exists()


def test_predict_from_arguments_file_and_standard_input_agree(
    run: Run, base_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["房间很干净", "早餐\t真的差"]
    (tmp_path / "texts.txt").write_text("\n".join(texts) + "\n", "utf-8")
    by_argument = run("predict", *texts, "--model", base_path)
    assert by_argument.code == 0
    by_file = run("predict", "--input", "texts.txt", "--model", base_path / "1")
    with (tmp_path / "texts.txt").open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        by_stdin = run("predict", "--model", base_path)
    assert by_argument.out == by_file.out == by_stdin.out
    labels = [line.split("\t")[0] for line in by_argument.out.splitlines()]
    assert labels == ["positive", "negative"]
    written = run("predict", *texts, "--model", base_path, "--output", "answers.tsv")
    assert written.out == ""
    assert written.err.startswith("Predicting: done in")
    assert (tmp_path / "answers.tsv").read_text("utf-8") == by_argument.out
    run("predict", *texts, "--model", base_path, "--output", "answers.jsonl")
    lines = (tmp_path / "answers.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["text"] for line in lines] == texts


def test_predict_locally_and_over_grpc_gives_the_same_json(run: Run, base_path: Path) -> None:
    texts = ["房间很干净", "", "早餐真的差\ud800"]
    local = run("predict", *texts, "--model", base_path, "--json")
    config = single_model_config("hotel", base_path)
    with ModelServer(config, port=0, rest_api_port=None) as server:
        address = f"localhost:{server.port}"
        remote = run("predict", *texts, "--server", address, "--model-name", "hotel", "--json")
        missing = run("predict", "x", "--server", address, "--model-name", "other")
    assert local.code == remote.code == 0
    answers = [[json.loads(line) for line in o.out.splitlines()] for o in (local, remote)]
    for mine, served in zip(*answers, strict=True):
        assert mine["probabilities"] == pytest.approx(served["probabilities"], abs=1e-5)
        assert (mine["text"], mine["label"]) == (served["text"], served["label"])
    assert set(answers[0][0]) == {"text", "label", "classification", "probabilities"}
    assert is_one_error_line(missing)
    assert "Servable not found for request: Latest(other)" in missing.err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("x", "--model", "none"), "none: must be a version's folder"),
        (("x", "--model", "m", "--server", "s:1"), "Either `--model` or `--server`"),
        (("x", "--label", "stable"), "need `--server`"),
        (("x", "--input", "f"), "Either TEXT or `--input`"),
        (("--input", "none.txt"), "none.txt: cannot be read"),
        (("x", "--server", "localhost:1"), "localhost:1"),
    ],
)
def test_predict_tells_bad_input_in_one_line(run: Run, args: tuple[str, ...], message: str) -> None:
    outcome = run("predict", *args)
    assert is_one_error_line(outcome), outcome
    assert message in outcome.err


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, "models.config: cannot be read"),
        (
            "model_config_list {",
            "models.config:1: Error parsing text-format tensorflow.serving.ModelServerConfig: 1:",
        ),
        ("model_config_list {\n config {\n nam: 'a' } }", "models.config:3"),
        (
            'model_config_list { config { name: "a" base_path: "models/a" '
            'model_platform: "tensorflow" } }',
            "base_path must be absolute",
        ),
    ],
)
def test_serve_tells_a_bad_config_in_one_line(
    run: Run, tmp_path: Path, config: str | None, message: str
) -> None:
    if config is not None:
        (tmp_path / "models.config").write_text(config)
    outcome = run("serve", "--model_config_file", "models.config", "--port", "auto")
    assert is_one_error_line(outcome), outcome
    assert message in outcome.err


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("s3://store/m", "mount it (as a file system or a volume) or copy it. Received: s3://sto"),
        ("file:///models/m", "must be a path: write /models/m without"),
    ],
)
def test_serve_says_what_to_do_with_a_base_path_elsewhere(
    run: Run, folder: str, message: str
) -> None:
    outcome = run("serve", "--model-base-path", folder, "--port", "auto")
    assert is_one_error_line(outcome), outcome
    assert message in outcome.err


def test_serve_tells_a_port_in_use(run: Run, base_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        grpc = run("serve", "--model-base-path", base_path, "--port", port, "--rest-api-port", 0)
        rest = run(
            "serve", "--model-base-path", base_path, "--port", "auto", "--rest-api-port", port
        )
    for outcome in (grpc, rest):
        assert is_one_error_line(outcome), outcome
        assert f"127.0.0.1:{port}" in outcome.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_stops_cleanly_when_told_to(base_path: Path, number: signal.Signals) -> None:
    program = [sys.executable, str(REPOSITORY / "cli.py")]
    if number is signal.SIGINT:
        program = preloaded("from lstm_sentiment.cli.app import main; main()")
    command = [*program, "serve", "--model-base-path", str(base_path)]
    with subprocess.Popen(
        [*command, "--port", "auto", "--rest-api-port", "0"], stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith("Serving gRPC on 127.0.0.1:"):
            lines.append(server.stderr.readline())
            assert lines[-1], lines
        server.send_signal(number)
        assert server.wait(timeout=60) == 0
        assert "Traceback" not in server.stderr.read()
    assert sum(line.endswith(" sentiment version 1: AVAILABLE\n") for line in lines) == 1


def test_serve_without_a_model_says_what_it_needs(run: Run) -> None:
    outcome = run("serve")
    assert is_one_error_line(outcome)
    assert "models/sentiment: must be a folder of versions" in outcome.err


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What servers are made with, instead of servers."""
    asked: list[dict[str, Any]] = []

    def make_server(config: object, options: ServerOptions, **arguments: Any) -> None:
        asked.append({**vars(options), **arguments})
        raise InvalidInputError("That is enough.")

    monkeypatch.setattr("lstm_sentiment.serving.server.ModelServer", make_server)
    return asked


@pytest.mark.parametrize("dashes", [True, False])
def test_serve_takes_tensorflow_serving_s_flags_in_either_spelling(
    run: Run, tmp_path: Path, asked: list[dict[str, Any]], dashes: bool
) -> None:
    (tmp_path / "batching.config").write_text("max_batch_size { value: 7 }")
    (tmp_path / "monitoring.config").write_text("prometheus_config { enable: true path: '/m' }")
    (tmp_path / "tokens.txt").write_text("secret\n")
    (tmp_path / "tokens.txt").chmod(0o600)
    flags = {
        "--port": 1,
        "--grpc_socket_path": "grpc.sock",
        "--rest_api_port": 0,
        "--file_system_poll_wait_seconds": 2,
        "--model_config_file_poll_wait_seconds": 3,
        "--max_num_load_retries": 4,
        "--load_retry_interval_micros": 5_000_000,
        "--num_load_threads": 6,
        "--memory_limit_bytes": 7,
        "--aspired_version_policy": "resource-preserving",
        "--batching_parameters_file": "batching.config",
        "--grpc_max_threads": 8,
        "--rest_api_timeout_in_ms": 9_000,
        "--grpc_channel_arguments": "grpc.so_reuseaddr=1,a.b=c=1,,big=4294967296",
        "--num_request_iterations_for_warmup": 3,
        "--rest_api_keep_alive_seconds": 14.5,
        "--max_connections": 15,
        "--max_request_bytes": 10,
        "--max_batch_size": 0,
        "--max_text_bytes": 12,
        "--auth_token_file": "tokens.txt",
        "--cors_allowed_origins": "https://example.org, http://localhost:3000",
        "--allowed_hosts": "api.example.org, *.example.com",
        "--allowed_base_paths": "/models, ~/more",
        "--monitoring_config_file": "monitoring.config",
        "--text_sample_share": 0.5,
        "--drift_alpha": 0.05,
        "--access_log": "json",
        "--drain_seconds": 13,
    }
    switches = [
        "--xla_cpu_compilation_enabled",
        "--no_enable_model_warmup",
        "--allow_version_labels_for_unavailable_models",
        "--enable_batching",
        "--enable_grpc_healthcheck_service",
        "--enable_grpc_reflection",
        "--rest_api_enable_cors_support",
    ]
    spelled = [
        str(part).replace("_", "-") if dashes and str(part).startswith("--") else part
        for pair in [*flags.items(), *((switch,) for switch in switches)]
        for part in pair
    ]
    outcome = run("serve", "--model-base-path", tmp_path, *spelled)
    assert outcome.err.splitlines()[-1] == "error: That is enough."
    assert f"there is no folder '{Path.home() / 'more'}' yet" in outcome.err
    [made] = asked
    assert (made["port"], made["rest_api_port"], made["host"]) == (1, None, "127.0.0.1")
    assert made["grpc_socket_path"] == Path("grpc.sock")
    assert made["file_system_poll_wait_seconds"] == 2
    assert made["model_config_file_poll_wait_seconds"] == 3
    assert made["loading"] == LoadingOptions(
        aspired_version_policy="resource-preserving",
        max_num_load_retries=4,
        load_retry_interval_seconds=5.0,
        num_load_threads=6,
        memory_limit_bytes=7,
        enable_model_warmup=False,
        num_request_iterations_for_warmup=3,
        xla_cpu_compilation_enabled=True,
    )
    assert made["batching"].max_batch_size == 7
    assert (made["grpc_max_threads"], made["rest_api_timeout_seconds"]) == (8, 9.0)
    assert made["limits"] == RequestLimits(10, None, 12)
    assert made["rest_api_keep_alive_seconds"] == 14.5
    assert made["max_connections"] == 15
    assert made["grpc_channel_arguments"] == (
        ("grpc.so_reuseaddr", 1),
        ("a.b", "c=1"),
        ("big", "4294967296"),
    )
    assert made["auth_tokens"].check([b"Bearer secret"]) is None
    origins = (b"https://example.org", b"http://localhost:3000", b"https://example.com")
    assert [*map(made["cors_origins"].allows, origins)] == [True, True, False]
    assert made["allowed_base_paths"] == ["/models", str(Path.home() / "more")]
    names = ("api.example.org", "a.example.com", "example.org")
    assert [*map(made["allowed_hosts"].allow_name, names)] == [True, True, False]
    assert (made["monitoring"].enable, made["monitoring"].path) == (True, "/m")
    assert (made["text_sample_share"], made["grace_seconds"]) == (0.5, 13)
    assert made["drift_alpha"] == 0.05
    assert made["access_log"] is not None
    assert made["allow_version_labels_for_unavailable_models"]
    assert made["grpc_health"] and made["grpc_reflection"]


def test_serve_takes_any_free_ports_or_a_socket_alone(
    run: Run, tmp_path: Path, asked: list[dict[str, Any]]
) -> None:
    run("serve", "--model-base-path", tmp_path, "--port", "auto", "--rest-api-port", "auto")
    run("serve", "--model-base-path", tmp_path, "--port=0", "--grpc_socket_path=a")
    both, alone = asked
    assert (both["port"], both["rest_api_port"], both["grpc_socket_path"]) == (0, 0, None)
    assert (alone["port"], alone["rest_api_port"], alone["grpc_socket_path"]) == (
        None,
        8501,
        Path("a"),
    )


def test_serve_lets_everybody_on_this_machine_in_and_limits_requests(
    run: Run, tmp_path: Path, asked: list[dict[str, Any]]
) -> None:
    run("serve", "--model-base-path", tmp_path)
    [made] = asked
    assert made["host"] == "127.0.0.1"
    assert made["credentials"] is made["auth_tokens"] is made["batching"] is None
    assert made["access_log"] is made["drift_alpha"] is made["cors_origins"] is None
    assert made["limits"] == RequestLimits(16 * 2**20, 1024, 100_000)
    assert made["loading"] == LoadingOptions()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--port", "0"), "`--port auto` means any free port"),
        (("--port", "0", "--grpc-socket-path="), "needs `--grpc-socket-path`"),
        (("--port", "8501"), "must be different ports, or auto. Received: 8501 for both."),
        (("--port", "65536"), "`--port` must be in 0..65535, or auto. Received: 65536."),
        (("--rest-api-port", "x"), "`--rest-api-port` must be in 0..65535, or auto. Received: x."),
        (("--grpc-socket-path", "a" * 108), "of 1 to 107 bytes"),
        (("--grpc-socket-path", "a", "--workers", "2"), "needs `--workers 1`"),
        *(
            (("--rest-api-keep-alive-seconds", number), "above 0 and at most 86400")
            for number in ("0", "-1", "inf", "nan", "86401")
        ),
        (("--grpc-channel-arguments", "a"), "must be KEY=VALUE"),
        (("--batching-parameters-file", "b"), "needs `--enable-batching`"),
        (("--latency-objective-millis", "9"), "needs `--enable-batching`"),
        *(
            (
                ("--enable-batching", f"--latency-objective-millis={number}"),
                f"`--latency-objective-millis` must be {rule}. Received: {number}.",
            )
            for rule, numbers in (
                ("a positive number", ("0", "-1", "nan")),
                ("at most 1000000000", ("inf", "1e10")),
            )
            for number in numbers
        ),
        (("--ssl-certificate", "c"), "go together"),
        (("--ssl-config-file", "s", "--ssl-client-ca", "c"), "Received: both"),
        (("--ssl-config-file", "absent"), "absent: cannot be read"),
        (("--auth-token-file", "absent"), "absent: cannot be read"),
        (("--cors-allowed-origins", "https://a"), "needs `--rest-api-enable-cors-support`"),
        (
            ("--rest-api-enable-cors-support", "--cors-allowed-origins", "https://a/b"),
            "without a path. Received: https://a/b.",
        ),
        (("--rest-api-enable-cors-support", "--cors-allowed-origins", ","), "at least one allowed"),
        (("--allowed-hosts", "http://a"), "an allowed host must be a name such as api.example.org"),
        (("--allowed-base-paths", "none,a"), "must be folders, or `none` alone"),
        (("--allowed-base-paths", "s3://a/b"), "base_path must be a folder of this machine"),
        (("--access-log-texts",), "needs `--access-log"),
        (("--memory-limit-bytes", "-1"), "--memory-limit-bytes"),
    ],
)
def test_serve_tells_flags_that_do_not_fit_in_one_line(
    run: Run, tmp_path: Path, flags: tuple[str, ...], message: str
) -> None:
    outcome = run("serve", "--model-base-path", tmp_path, *flags)
    assert is_one_error_line(outcome), outcome
    assert message in outcome.err
