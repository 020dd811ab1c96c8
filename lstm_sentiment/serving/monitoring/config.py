"""The monitoring config: `--monitoring_config_file`."""

from dataclasses import dataclass
from pathlib import Path

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.model_server_config_pb2 import (
    MonitoringConfig as MonitoringConfigMessage,
)
from lstm_sentiment.serving.parameter_files import load_parameter_file


@dataclass(frozen=True)
class MonitoringConfig:
    """The page of metrics for Prometheus.

    Attributes:
        enable: Whether there is such a page.
        path: Path of the page on the REST port.

    Raises:
        InvalidInputError: If `path` does not begin with `/`.
    """

    enable: bool = False
    path: str = "/monitoring/prometheus/metrics"

    def __post_init__(self) -> None:
        """Checks the path."""
        if not self.path.startswith("/"):
            raise InvalidInputError(f"`path` must begin with /. Received: path={self.path!r}.")


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

    def config(message: MonitoringConfigMessage) -> MonitoringConfig:
        prometheus = message.prometheus_config
        return MonitoringConfig(prometheus.enable, prometheus.path or MonitoringConfig.path)

    return load_parameter_file(path, MonitoringConfigMessage, config)
