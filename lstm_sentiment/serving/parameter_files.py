"""The small files of flags that TensorFlow Serving takes beside `models.config`.

`--batching_parameters_file`, `--monitoring_config_file` and `--ssl_config_file`, each a message in
protobuf text format. No package on PyPI holds their generated classes, so they are built here of
the fields' names and types: `tensorflow_serving/servables/tensorflow/session_bundle_config.proto`,
`tensorflow_serving/config/monitoring_config.proto` and `ssl_config.proto`. Text format goes by
names; the numbers of fields are of no account. All of it is read strictly: a file that breaks a
rule is refused whole.
"""

import functools
import itertools
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)

from lstm_sentiment.errors import ConfigError, InvalidInputError
from lstm_sentiment.serving.models_config import read_config_text
from lstm_sentiment.serving.secret_file import warn_if_everybody_can_read

_Parameters = TypeVar("_Parameters")

_PACKAGE = "tensorflow.serving"
_FIELDS: Mapping[str, Mapping[str, str]] = {
    "BatchingParameters": {
        "max_batch_size": "google.protobuf.Int64Value",
        "batch_timeout_micros": "google.protobuf.Int64Value",
        "max_enqueued_batches": "google.protobuf.Int64Value",
        "num_batch_threads": "google.protobuf.Int64Value",
        "thread_pool_name": "google.protobuf.StringValue",
        "allowed_batch_sizes": "repeated int64",
        "pad_variable_length_inputs": "bool",
        "enable_large_batch_splitting": "google.protobuf.BoolValue",
        "max_execution_batch_size": "google.protobuf.Int64Value",
    },
    "PrometheusConfig": {"enable": "bool", "path": "string"},
    "MonitoringConfig": {"prometheus_config": f"{_PACKAGE}.PrometheusConfig"},
    "SSLConfig": {
        "server_key": "string",
        "server_cert": "string",
        "custom_ca": "string",
        "client_verify": "bool",
    },
}
_SCALARS = {
    "bool": descriptor_pb2.FieldDescriptorProto.TYPE_BOOL,
    "int64": descriptor_pb2.FieldDescriptorProto.TYPE_INT64,
    "string": descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
}


def _cpu_count() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class BatchingParameters:
    """How requests are put together to be computed at once; defaults as in TensorFlow Serving.

    Attributes:
        max_batch_size: The most rows in a batch; with `enable_large_batch_splitting`, in a request.
        batch_timeout_micros: How long a batch that is not full waits for more, in microseconds.
        max_enqueued_batches: The most batches that wait for a thread; requests beyond are refused.
        num_batch_threads: Batches computed at once; by default one a CPU.
        thread_pool_name: What the threads are called.
        allowed_batch_sizes: A batch is filled up to the next of these; empty for any size.
        pad_variable_length_inputs: Whether rows of different lengths are padded to go together.
        enable_large_batch_splitting: Whether a request may be spread over several batches.
        max_execution_batch_size: The most rows in a batch where requests are split; `None` for
            `max_batch_size`.

    Raises:
        InvalidInputError: If a value is out of its range, or they contradict each other.
    """

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = field(default_factory=_cpu_count)
    thread_pool_name: str = "batch_threads"
    allowed_batch_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False
    enable_large_batch_splitting: bool = False
    max_execution_batch_size: int | None = None

    def __post_init__(self) -> None:
        """Checks the values, each alone and against the others."""
        for name in ("max_batch_size", "max_enqueued_batches", "num_batch_threads"):
            _check_at_least(1, name, getattr(self, name))
        _check_at_least(0, "batch_timeout_micros", self.batch_timeout_micros)
        self._check_max_execution_batch_size()
        self._check_allowed_batch_sizes()

    @property
    def largest_batch(self) -> int:
        """The most rows that are computed at once."""
        if self.enable_large_batch_splitting and self.max_execution_batch_size is not None:
            return self.max_execution_batch_size
        return self.max_batch_size

    def _check_max_execution_batch_size(self) -> None:
        size = self.max_execution_batch_size
        if size is None:
            return
        _check_at_least(1, "max_execution_batch_size", size)
        if not self.enable_large_batch_splitting:
            raise InvalidInputError(
                "`max_execution_batch_size` must only be given with enable_large_batch_splitting. "
                f"Received: max_execution_batch_size={size}."
            )
        if size > self.max_batch_size:
            raise InvalidInputError(
                "`max_execution_batch_size` must be at most max_batch_size. Received: "
                f"max_execution_batch_size={size}, max_batch_size={self.max_batch_size}."
            )

    def _check_allowed_batch_sizes(self) -> None:
        sizes = self.allowed_batch_sizes
        if not sizes:
            return
        if sizes[0] < 1 or any(a >= b for a, b in itertools.pairwise(sizes)):
            raise InvalidInputError(
                "`allowed_batch_sizes` must be positive and in increasing order. "
                f"Received: allowed_batch_sizes={list(sizes)}."
            )
        if sizes[-1] != self.largest_batch:
            raise InvalidInputError(
                "the last of `allowed_batch_sizes` must be the largest batch, "
                f"{self.largest_batch}. Received: allowed_batch_sizes={list(sizes)}."
            )


@dataclass(frozen=True)
class MonitoringConfig:
    """Whether and where metrics are shown.

    Attributes:
        enable: Whether there is a page of metrics for Prometheus.
        path: Its path on the REST port.

    Raises:
        InvalidInputError: If `path` does not begin with `/`.
    """

    enable: bool = False
    path: str = "/monitoring/prometheus/metrics"

    def __post_init__(self) -> None:
        """Checks the path."""
        if not self.path.startswith("/"):
            raise InvalidInputError(f"`path` must begin with /. Received: path={self.path!r}.")


@dataclass(frozen=True)
class SSLConfig:
    """Keys and certificates, as contents of PEM files. Its `repr` leaves the key out.

    Attributes:
        server_key: The server's private key.
        server_cert: Its certificate, and those between it and the authority.
        custom_ca: The authorities one of which must have signed a client's certificate.
        client_verify: Whether a client must show a certificate: mutual TLS.

    Raises:
        InvalidInputError: If there is no key or no certificate, or no authority to verify by.
    """

    server_key: str = field(repr=False)
    server_cert: str
    custom_ca: str = ""
    client_verify: bool = False

    def __post_init__(self) -> None:
        """Checks that what is needed is there."""
        for name in ("server_key", "server_cert"):
            if not getattr(self, name).strip():
                raise InvalidInputError(
                    f"`{name}` must be the contents of a PEM file. Received: none."
                )
        if self.client_verify and not self.custom_ca.strip():
            raise InvalidInputError(
                "`custom_ca` must be the contents of a PEM file with client_verify. Received: none."
            )


def load_batching_parameters(path: str | Path) -> BatchingParameters:
    """Reads and checks a batching parameter file.

    Args:
        path: A `BatchingParameters` in protobuf text format, UTF-8.

    Returns:
        The parameters; what the file leaves out has its default.

    Raises:
        ConfigError: One line that starts with the path, and the line number of a syntax error, if
            the file cannot be read or breaks a rule.
    """

    def parameters(message: Any) -> BatchingParameters:
        # A wrapper that is absent means the default, not 0.
        given = {descriptor.name: value for descriptor, value in message.ListFields()}
        sizes = tuple(given.pop("allowed_batch_sizes", ()))
        values = {name: getattr(value, "value", value) for name, value in given.items()}
        return BatchingParameters(**values, allowed_batch_sizes=sizes)

    return _load(path, "BatchingParameters", parameters)


def load_monitoring_config(path: str | Path) -> MonitoringConfig:
    """Reads and checks a monitoring config.

    Args:
        path: A `MonitoringConfig` in protobuf text format, UTF-8.

    Returns:
        The config; what the file leaves out has its default.

    Raises:
        ConfigError: One line that starts with the path, and the line number of a syntax error, if
            the file cannot be read or breaks a rule.
    """

    def config(message: Any) -> MonitoringConfig:
        prometheus = message.prometheus_config
        return MonitoringConfig(prometheus.enable, prometheus.path or MonitoringConfig.path)

    return _load(path, "MonitoringConfig", config)


def load_ssl_config(path: str | Path) -> SSLConfig:
    """Reads an SSL config; whether the PEM in it is of any use is for `ServerCredentials` to say.

    Args:
        path: An `SSLConfig` in protobuf text format, UTF-8.

    Returns:
        The config.

    Raises:
        ConfigError: One line that starts with the path, and the line number of a syntax error, if
            the file cannot be read or breaks a rule. It quotes nothing of the file.
    """

    def config(message: Any) -> SSLConfig:
        return SSLConfig(
            message.server_key, message.server_cert, message.custom_ca, message.client_verify
        )

    ssl_config = _load(path, "SSLConfig", config, is_secret=True)
    warn_if_everybody_can_read(path)
    return ssl_config


def _load(
    path: str | Path,
    message_name: str,
    convert: Callable[[Any], _Parameters],
    *,
    is_secret: bool = False,
) -> _Parameters:
    text = read_config_text(path)
    try:
        message = text_format.Parse(text, _message_classes()[message_name]())
    except text_format.ParseError as error:
        # A parser's message may quote the line, and a line may be a private key.
        raise ConfigError(_syntax_error(str(path), error, message_name, is_secret)) from (
            None if is_secret else error
        )
    try:
        return convert(message)
    except InvalidInputError as error:
        raise ConfigError(f"{path}: {error}") from error


def _check_at_least(minimum: int, name: str, value: int) -> None:
    if value < minimum:
        rule = "a positive integer" if minimum else "an integer that is not negative"
        raise InvalidInputError(f"`{name}` must be {rule}. Received: {name}={value}.")


def _syntax_error(
    source: str, error: text_format.ParseError, message_name: str, is_secret: bool
) -> str:
    line = error.GetLine()
    where = f"{source}:{line}" if line is not None else source
    if is_secret:
        return f"{where}: must be the text format of {message_name}. Received: something else."
    # The message repeats the position, and quotes the rest of the line as it stands.
    reason = re.sub(r"^\d+:\d+ : ", "", " ".join(str(error).split()))
    return f"{where}: {reason}"


@functools.cache
def _message_classes() -> dict[str, Any]:
    pool = descriptor_pool.DescriptorPool()
    wrappers = descriptor_pb2.FileDescriptorProto()
    wrappers_pb2.DESCRIPTOR.CopyToProto(wrappers)
    pool.Add(wrappers)
    file = descriptor_pb2.FileDescriptorProto(
        name="lstm_sentiment/serving/parameter_files.proto",
        package=_PACKAGE,
        syntax="proto3",
        dependency=[wrappers.name],
    )
    for message_name, types in _FIELDS.items():
        message = file.message_type.add(name=message_name)
        for number, (name, type_name) in enumerate(types.items(), start=1):
            _add_field(message, name, number, type_name)
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in _FIELDS
    }


def _add_field(
    message: descriptor_pb2.DescriptorProto, name: str, number: int, type_name: str
) -> None:
    field_type = descriptor_pb2.FieldDescriptorProto
    added = message.field.add(name=name, number=number, label=field_type.LABEL_OPTIONAL)
    if type_name.startswith("repeated "):
        added.label = field_type.LABEL_REPEATED
        type_name = type_name.removeprefix("repeated ")
    if type_name in _SCALARS:
        added.type = _SCALARS[type_name]
    else:
        added.type = field_type.TYPE_MESSAGE
        added.type_name = f".{type_name}"
