"""Loads TensorFlow Serving's parameter files besides `models.config`.

`--batching_parameters_file`, `--monitoring_config_file` and `--ssl_config_file` each hold a message
in protobuf text format. No package on PyPI has their generated classes, so they are built here from
the fields' names and types: `tensorflow_serving/servables/tensorflow/session_bundle_config.proto`,
`tensorflow_serving/config/monitoring_config.proto` and `ssl_config.proto`. Text format does not use
the fields' numbers. A file that breaks a rule is refused as a whole.
"""

import functools
from collections.abc import Callable, Mapping
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
from lstm_sentiment.models_config.config import read_config_text, syntax_error

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


def load_parameter_file(
    path: str | Path,
    message_name: str,
    convert: Callable[[Any], _Parameters],
    *,
    is_secret: bool = False,
) -> _Parameters:
    """Reads a parameter file and converts its message.

    Args:
        path: A message in protobuf text format, UTF-8.
        message_name: The message's type, such as `BatchingParameters`.
        convert: Makes the result from the message; may raise `InvalidInputError`.
        is_secret: Keeps the file's contents out of error messages.

    Raises:
        ConfigError: One line that starts with the path, and the line number of a syntax error, if
            the file cannot be read or breaks a rule.
    """
    text = read_config_text(path)
    try:
        message = text_format.Parse(text, _message_classes()[message_name]())
    except text_format.ParseError as error:
        if not is_secret:
            raise ConfigError(syntax_error(str(path), error)) from error
        # The parser's message may quote a line, which may be a private key.
        rule = f"must be the text format of {message_name}. Received: something else."
        raise ConfigError(syntax_error(str(path), error, rule)) from None
    try:
        return convert(message)
    except InvalidInputError as error:
        raise ConfigError(f"{path}: {error}") from error


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
