"""Loads TensorFlow Serving's parameter files besides `models.config`.

`--batching_parameters_file`, `--monitoring_config_file` and `--ssl_config_file` each hold a message
in protobuf text format. A file that breaks a rule is refused as a whole.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from google.protobuf.message import Message

from lstm_sentiment.errors import ConfigError, InvalidInputError
from lstm_sentiment.models_config.config import read_config_text
from lstm_sentiment.models_config.text_parser import parse_message
from lstm_sentiment.models_config.text_tokens import TextFormatError

_Message = TypeVar("_Message", bound=Message)
_Parameters = TypeVar("_Parameters")


def load_parameter_file(
    path: str | Path,
    message_class: type[_Message],
    convert: Callable[[_Message], _Parameters],
    *,
    is_secret: bool = False,
) -> _Parameters:
    """Reads a parameter file and converts its message.

    Args:
        path: A message in protobuf text format, UTF-8.
        message_class: The message's class, such as `BatchingParameters` of the protocol.
        convert: Makes the result from the message; may raise `InvalidInputError`.
        is_secret: Keeps the file's contents out of error messages.

    Raises:
        ConfigError: One line that starts with the path, and the line number of a syntax error, if
            the file cannot be read or breaks a rule.
    """
    text = read_config_text(path)
    try:
        message = parse_message(text, message_class())
    except TextFormatError as error:
        if not is_secret:
            raise ConfigError(f"{path}:{error.line}: {error.reason}") from error
        # The parser's message may quote a string, which may be a private key.
        name = message_class.DESCRIPTOR.name
        rule = f"must be the text format of {name}. Received: something else."
        raise ConfigError(f"{path}:{error.line}: {rule}") from None
    try:
        return convert(message)
    except InvalidInputError as error:
        raise ConfigError(f"{path}: {error}") from error
