"""Checks that the files of a log can be made, before a config is taken."""

import os

from lstm_sentiment.errors import ConfigError
from lstm_sentiment.models_config.logging_config import request_logging
from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig


def check_log_folders(config: ModelServerConfig, *, source: str = "config") -> None:
    """Checks the folders of a config's request logs.

    Args:
        config: A checked config.
        source: The config's origin, which begins an error message.

    Raises:
        ConfigError: If a folder is absent, or this process may not make files in it.
    """
    for name, logging in request_logging(config).items():
        folder = os.path.dirname(os.path.abspath(logging.filename_prefix))
        if not os.path.isdir(folder) or not os.access(folder, os.W_OK | os.X_OK):
            raise ConfigError(
                f"{source}: the folder of filename_prefix must exist, and the server may write to "
                f"it. Received: filename_prefix={logging.filename_prefix!r} for model {name!r}."
            )
