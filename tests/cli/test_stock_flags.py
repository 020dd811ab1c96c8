"""Command lines of TensorFlow Serving: every flag of its `main.cc` is taken or refused clearly."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import typer

from lstm_sentiment.cli.app import app
from lstm_sentiment.cli.stock_flags import STOCK_FLAGS
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.saved_model.threads import TensorFlowThreads
from lstm_sentiment.serving.server_options import ServerOptions
from tests.cli.running import Run, is_one_error_line
from tests.conftest import REPOSITORY

FLAGS_OF_STOCK = re.findall(
    r"\w+",
    """
port grpc_socket_path rest_api_port rest_api_num_threads rest_api_timeout_in_ms
rest_api_enable_cors_support enable_batching allow_version_labels_for_unavailable_models
batching_parameters_file enable_per_model_batching_parameters model_config_file
model_config_file_poll_wait_seconds model_name model_base_path num_load_threads num_unload_threads
max_num_load_retries load_retry_interval_micros file_system_poll_wait_seconds
flush_filesystem_caches tensorflow_session_parallelism tensorflow_session_config_file
tensorflow_intra_op_parallelism tensorflow_inter_op_parallelism use_alts_credentials
ssl_config_file platform_config_file per_process_gpu_memory_fraction saved_model_tags
grpc_channel_arguments grpc_max_threads enable_model_warmup num_request_iterations_for_warmup
version monitoring_config_file remove_unused_fields_from_bundle_metagraph prefer_tflite_model
num_tflite_pools num_tflite_interpreters_per_pool enable_signature_method_name_check
xla_cpu_compilation_enabled xla_gpu_compilation_enabled enable_profiler
thread_pool_factory_config_file mixed_precision skip_initialize_tpu
enable_grpc_healthcheck_service enable_serialization_as_tensor_content
""",
)
PAGE = (REPOSITORY / "docs" / "serving-protocol.md").read_text("utf-8")


@pytest.fixture
def made(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `serve`, and returns the options of the server and what was said; starts none."""

    def serve(*flags: str) -> tuple[ServerOptions, str]:
        asked: list[ServerOptions] = []

        def make_server(config: object, options: ServerOptions, **arguments: Any) -> None:
            asked.append(options)
            raise InvalidInputError("That is enough.")

        monkeypatch.setattr("lstm_sentiment.serving.server.ModelServer", make_server)
        outcome = run("serve", "--model_base_path=" + str(tmp_path), *flags)
        assert asked, outcome
        return asked[0], outcome.err

    return serve


def serve_flags() -> set[str]:
    command: Any = typer.main.get_command(app)
    return {name for option in command.commands["serve"].params for name in option.opts}


def test_every_flag_of_stock_is_known() -> None:
    names = {f"--{flag.replace('_', '-')}" for flag in FLAGS_OF_STOCK}
    assert names - serve_flags() == STOCK_FLAGS.keys()


def test_the_page_shows_the_table() -> None:
    shown = re.findall(r"^\| `(--\w+)` \| (accepted|refused): (.+) \|$", PAGE, re.MULTILINE)
    assert shown == [
        (name.replace("-", "_").replace("__", "--", 1), told(flag.is_refused), flag.instead)
        for name, flag in STOCK_FLAGS.items()
    ]


def told(is_refused: bool) -> str:
    return "refused" if is_refused else "accepted"


def test_a_long_command_line_of_stock_starts_and_tells_what_has_no_effect(made: Any) -> None:
    options, said = made(
        "--rest_api_num_threads=16",
        "--enable_batching=true",
        "--enable_model_warmup=false",
        "--tensorflow_session_parallelism=0",
        "--per_process_gpu_memory_fraction=0.5",
        "--flush_filesystem_caches=True",
        "--saved_model_tags=serve",
        "--platform_config_file=",
        "--enable_profiler",
        "--num_load_threads=0",
        "--load_retry_interval_micros=-1",
        "--rest_api_timeout_in_ms=0",
        "--prefer_tflite_model=false",
    )
    assert options.batching is not None
    assert not options.loading.enable_model_warmup
    assert options.loading.num_load_threads == 1
    assert options.loading.load_retry_interval_seconds == 0
    assert options.rest_api_timeout_seconds is None
    lines = said.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == [
        "--rest-api-num-threads",
        "--per-process-gpu-memory-fraction",
        "--flush-filesystem-caches",
        "--enable-profiler",
    ]
    assert all("has no effect here: " in line for line in lines[:-1])


@pytest.mark.parametrize(
    ("flags", "threads"),
    [
        ([], (0, 0)),
        (["--tensorflow_session_parallelism=3"], (3, 3)),
        (["--tensorflow_session_parallelism=3", "--tensorflow_inter_op_parallelism=2"], (0, 2)),
        (["--tensorflow_intra_op_parallelism=1"], (1, 0)),
    ],
)
def test_threads_of_tensorflow_are_set_as_on_stock(
    made: Any, flags: Sequence[str], threads: tuple[int, int]
) -> None:
    assert made(*flags)[0].loading.tensorflow_threads == TensorFlowThreads(*threads)


@pytest.mark.parametrize(
    ("flags", "is_on"),
    [
        (["--enable_batching"], True),
        (["--enable-batching=1"], True),
        (["--enable_batching=TRUE"], True),
        (["--enable_batching=0"], False),
        (["--enable_batching", "--enable_batching=false"], False),
        (["--enable_batching=false", "--enable_batching=true"], True),
    ],
)
def test_a_switch_takes_a_value_as_on_stock(made: Any, flags: Sequence[str], is_on: bool) -> None:
    assert (made(*flags)[0].batching is not None) == is_on


@pytest.mark.parametrize(
    ("flags", "is_on"),
    [
        (["--enable_model_warmup=true"], True),
        (["--enable_model_warmup=false"], False),
        (["--no-enable-model-warmup", "--enable_model_warmup=true"], True),
        (["--no-enable-model-warmup=false"], True),
    ],
)
def test_a_switch_with_an_opposite_takes_a_value_too(
    made: Any, flags: Sequence[str], is_on: bool
) -> None:
    assert made(*flags)[0].loading.enable_model_warmup == is_on


def test_what_follows_a_flag_with_a_value_is_its_value(made: Any) -> None:
    made("--model-name", "--enable_batching=perhaps")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--enable_batching=maybe",), "`--enable-batching` must be true or false"),
        (
            [f"--tensorflow_{name}_parallelism=1" for name in ("session", "intra_op", "inter_op")],
            "Received: all.",
        ),
        (("--use_alts_credentials",), "`--ssl-config-file`"),
        (("--use_alts_credentials=x",), "must be true or false. Received: x."),
        (("--platform_config_file=p",), "only the platform tensorflow is served"),
        (("--prefer_tflite_model=true",), "TensorFlow Lite is not served"),
        (("--mixed_precision", "bfloat16"), "as the version was exported"),
        (("--saved_model_tags", "serve,gpu"), "the tag serve"),
        (("--num_unload_threads", "x"), "must be an integer. Received: x."),
        (("--per_process_gpu_memory_fraction=a",), "must be a number. Received: a."),
        (("--rest_api_num_threads",), "must have a value"),
    ],
)
def test_what_would_mislead_is_refused_in_one_line(
    run: Run, tmp_path: Path, flags: Sequence[str], message: str
) -> None:
    outcome = run("serve", "--model_base_path", tmp_path, *flags)
    assert is_one_error_line(outcome), outcome
    assert message in outcome.err


@pytest.mark.parametrize("flag", ["--version", "--version=true"])
def test_version_is_printed(run: Run, flag: str) -> None:
    outcome = run("serve", flag)
    assert outcome.code == 0
    assert re.fullmatch(r"lstm-sentiment \S+\n", outcome.out)


def test_a_config_file_wins_over_the_flags_of_one_model(run: Run, tmp_path: Path) -> None:
    (tmp_path / "models.config").write_text("model_config_list {")
    outcome = run(
        "serve", "--model_name=a", "--model_base_path=b", "--model_config_file=models.config"
    )
    note, error = outcome.err.splitlines()
    assert note == "--model-name and --model-base-path are ignored beside --model-config-file"
    assert error.startswith("error: models.config:1")


def test_help_is_without_them(run: Run) -> None:
    shown = run("serve", "--help").out
    assert "--enable-batching" in shown
    assert not [name for name in STOCK_FLAGS if name in shown]
