from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.errors import ConfigError, InvalidInputError
from lstm_sentiment.serving.access.ssl_config import SSLConfig, load_ssl_config
from lstm_sentiment.serving.batching.parameters import BatchingParameters, load_batching_parameters
from lstm_sentiment.serving.monitoring.config import MonitoringConfig, load_monitoring_config
from lstm_sentiment.system import usable_cpus

CONFIGS = Path(__file__).parents[2] / "serving_configs"
LOADERS = [load_batching_parameters, load_monitoring_config, load_ssl_config]
POSITIVE = st.integers(1, 2**63 - 1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.config"


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@st.composite
def batching_parameters(draw: st.DrawFn) -> BatchingParameters:
    sizes = sorted(draw(st.lists(POSITIVE, max_size=4, unique=True)))
    is_split = draw(st.booleans())
    largest = sizes[-1] if sizes else draw(POSITIVE)
    return BatchingParameters(
        max_batch_size=draw(st.integers(largest, 2**63 - 1)) if is_split else largest,
        batch_timeout_micros=draw(st.integers(0, 2**63 - 1)),
        max_enqueued_batches=draw(POSITIVE),
        num_batch_threads=draw(POSITIVE),
        thread_pool_name=draw(st.text(st.characters(codec="utf-8"), max_size=5)),
        allowed_batch_sizes=tuple(sizes),
        pad_variable_length_inputs=draw(st.booleans()),
        enable_large_batch_splitting=is_split,
        max_execution_batch_size=largest if is_split else None,
    )


def in_text_format(parameters: BatchingParameters) -> str:
    """As a person would write it; text format takes UTF-8 and JSON's escapes of controls."""
    p = parameters
    name = "".join(f"\\x{byte:02x}" for byte in p.thread_pool_name.encode())
    lines = [
        f"max_batch_size {{ value: {p.max_batch_size} }}",
        f"batch_timeout_micros {{ value: {p.batch_timeout_micros} }}",
        f"max_enqueued_batches {{ value: {p.max_enqueued_batches} }}",
        f"num_batch_threads {{ value: {p.num_batch_threads} }}",
        f'thread_pool_name {{ value: "{name}" }}',
        *(f"allowed_batch_sizes: {size}" for size in p.allowed_batch_sizes),
        f"pad_variable_length_inputs: {str(p.pad_variable_length_inputs).lower()}",
        f"enable_large_batch_splitting {{ value: {str(p.enable_large_batch_splitting).lower()} }}",
    ]
    if p.max_execution_batch_size is not None:
        lines.append(f"max_execution_batch_size {{ value: {p.max_execution_batch_size} }}")
    return "\n".join(lines)


@given(batching_parameters())
def test_batching_parameters_survive_being_written_and_read(
    tmp_path_factory: pytest.TempPathFactory, parameters: BatchingParameters
) -> None:
    path = tmp_path_factory.getbasetemp() / "batching.config"
    assert load_batching_parameters(write(path, in_text_format(parameters))) == parameters


def test_what_a_batching_file_leaves_out_is_as_in_tensorflow_serving(path: Path) -> None:
    parameters = load_batching_parameters(write(path, ""))
    assert parameters == BatchingParameters(
        max_batch_size=1000,
        batch_timeout_micros=0,
        max_enqueued_batches=10,
        num_batch_threads=usable_cpus(),
        thread_pool_name="batch_threads",
        allowed_batch_sizes=(),
        pad_variable_length_inputs=False,
        enable_large_batch_splitting=False,
        max_execution_batch_size=None,
    )
    assert parameters.largest_batch == 1000


def test_the_largest_batch_of_split_requests(path: Path) -> None:
    split = "max_batch_size { value: 64 } enable_large_batch_splitting { value: true }"
    assert load_batching_parameters(write(path, split)).largest_batch == 64
    smaller = split + "max_execution_batch_size { value: 8 } allowed_batch_sizes: [2, 8]"
    assert load_batching_parameters(write(path, smaller)).largest_batch == 8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_batch_size { value: 0 }", "`max_batch_size` must be a positive integer. Received: "),
        ("max_batch_size {}", "`max_batch_size` must be a positive integer."),
        ("max_enqueued_batches { value: 0 }", "`max_enqueued_batches` must be a positive integer"),
        ("num_batch_threads { value: -1 }", "Received: num_batch_threads=-1."),
        (
            "batch_timeout_micros { value: -1 }",
            "`batch_timeout_micros` must be at least 0.",
        ),
        (
            "max_batch_size { value: 4 } allowed_batch_sizes: [1, 4, 4]",
            "`allowed_batch_sizes` must be positive and in increasing order. "
            "Received: allowed_batch_sizes=[1, 4, 4].",
        ),
        ("max_batch_size { value: 4 } allowed_batch_sizes: [0, 4]", "must be positive"),
        ("max_batch_size { value: 4 } allowed_batch_sizes: [4, 2]", "in increasing order"),
        (
            "max_batch_size { value: 4 } allowed_batch_sizes: [1, 2]",
            "the last of `allowed_batch_sizes` must be the largest batch, 4.",
        ),
        ("allowed_batch_sizes: 8", "the largest batch, 1000."),
        (
            "max_execution_batch_size { value: 4 }",
            "must only be given with enable_large_batch_splitting",
        ),
        (
            "enable_large_batch_splitting { value: true } max_execution_batch_size { value: 0 }",
            "`max_execution_batch_size` must be a positive integer",
        ),
        (
            "enable_large_batch_splitting { value: true } max_execution_batch_size { value: 1001 }",
            "Received: max_execution_batch_size=1001, max_batch_size=1000.",
        ),
    ],
)
def test_batching_that_breaks_a_rule_is_refused_in_one_line(
    path: Path, text: str, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_batching_parameters(write(path, text))
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("max_batch_sise { value: 4 }", 1),
        ("# 64 texts\nmax_batch_size: 64", 2),
        ('\n\nmax_batch_size { value: "4" }', 3),
        ("max_batch_size { value: 4 }\nmax_batch_size { value: 8 }", 2),
        ("max_batch_size { value: 4", 1),
    ],
)
def test_a_syntax_error_names_path_and_line(path: Path, text: str, line: int) -> None:
    with pytest.raises(ConfigError) as caught:
        load_batching_parameters(write(path, text))
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert f"{line}:" not in str(caught.value).removeprefix(f"{path}:{line}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("load", LOADERS)
def test_a_file_that_cannot_be_read_is_one_clear_line(
    load: Callable[[Path], Any], path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"a\.config: cannot be read: No such file"):
        load(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"a\.config: must be UTF-8 text"):
        load(path)


@pytest.mark.parametrize(
    ("text", "config"),
    [
        ("", MonitoringConfig(enable=False)),
        ("prometheus_config {}", MonitoringConfig(enable=False)),
        (
            "prometheus_config { enable: true }",
            MonitoringConfig(enable=True, path="/monitoring/prometheus/metrics"),
        ),
        (
            'prometheus_config { enable: true path: "/metrics" }',
            MonitoringConfig(enable=True, path="/metrics"),
        ),
    ],
)
def test_a_monitoring_config_is_read(path: Path, text: str, config: MonitoringConfig) -> None:
    assert load_monitoring_config(write(path, text)) == config


def test_a_monitoring_path_begins_with_a_slash(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_monitoring_config(write(path, 'prometheus_config { enable: true path: "metrics" }'))
    assert str(caught.value) == f"{path}: `path` must begin with /. Received: path='metrics'."


def test_an_ssl_config_is_read(path: Path) -> None:
    write(path, 'server_key: "K\\nK" server_cert: "C" custom_ca: "A" client_verify: true')
    assert load_ssl_config(path) == SSLConfig("K\nK", "C", "A", client_verify=True)
    assert load_ssl_config(write(path, 'server_key: "K" server_cert: "C"')) == SSLConfig("K", "C")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('server_cert: "C"', "`server_key` must be the contents of a PEM file. Received: none."),
        ('server_key: "K"', "`server_cert` must be the contents of a PEM file. Received: none."),
        (
            'server_key: "K" server_cert: "C" client_verify: true',
            "`custom_ca` must be the contents of a PEM file with client_verify. Received: none.",
        ),
    ],
)
def test_an_ssl_config_lacks_nothing(path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_ssl_config(write(path, text))
    assert str(caught.value) == f"{path}: {message}"


@pytest.mark.parametrize("text", ['server_key: "SECRET', "server_cert: 1\nSECRET", "SECRET"])
def test_a_broken_ssl_config_is_not_quoted(path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="must be the text format of SSLConfig") as caught:
        load_ssl_config(write(path, text))
    assert "SECRET" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_private_key_is_not_shown() -> None:
    assert "SECRET" not in repr(SSLConfig(server_key="SECRET", server_cert="C"))


def test_an_ssl_config_that_everybody_can_read_is_warned_of(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(path, 'server_key: "K" server_cert: "C"').chmod(0o600)
    load_ssl_config(path)
    assert caplog.messages == []
    path.chmod(0o644)
    load_ssl_config(path)
    assert caplog.messages == [f"{path} can be read by every user of this machine: chmod 600"]


def test_parameters_can_be_given_without_a_file() -> None:
    with pytest.raises(InvalidInputError, match="`max_batch_size` must be a positive integer"):
        BatchingParameters(max_batch_size=0)


def test_the_files_for_stock_tensorflow_serving_are_valid() -> None:
    parameters = load_batching_parameters(CONFIGS / "batching.config")
    assert parameters.max_batch_size > 1
    # Serving pads with the first id of a row, not with 0.
    assert not parameters.pad_variable_length_inputs
    # Stock joins the parts of a split request as if all were as wide as the first.
    assert not parameters.enable_large_batch_splitting
    assert load_monitoring_config(CONFIGS / "monitoring.config").enable
