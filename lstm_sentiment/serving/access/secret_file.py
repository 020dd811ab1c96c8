"""Reads files that only the server should be able to read."""

import os
import stat
import sys
from pathlib import Path

from lstm_sentiment.errors import ConfigError
from lstm_sentiment.serving.log_lines import get_logger

logger = get_logger(__name__)


def read_secret_file(path: str | Path) -> bytes:
    """Reads a private key or a list of tokens, and warns if every user can.

    Raises:
        ConfigError: One line that starts with the path, if the file cannot be read.
    """
    try:
        contents = Path(path).read_bytes()
        warn_if_everybody_can_read(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}.") from error
    return contents


def warn_if_everybody_can_read(path: str | Path) -> None:
    """Logs a warning if every user of the machine can read a file.

    On Windows the mode of a file does not show who can read it, so nothing is logged.

    Raises:
        OSError: If there is no such file.
    """
    if os.stat(path).st_mode & stat.S_IROTH and sys.platform != "win32":
        logger.warning("%s can be read by every user of this machine: chmod 600", path)
