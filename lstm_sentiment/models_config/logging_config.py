"""The `logging_config` of a model: which requests are logged, and where.

`tensorflow_serving/config/logging_config.proto`, `log_collector_config.proto`. TensorFlow Serving
has the rules, but no collector of its own: it needs one that is compiled in. Here there is one, of
the type `file`.
"""

from dataclasses import dataclass
from typing import Any

from lstm_sentiment.errors import ConfigError
from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig, SamplingConfig

FILE_COLLECTOR = "file"
"""The one type of collector: TFRecord files of `PredictionLog`."""


@dataclass(frozen=True)
class RequestLogging:
    """How the requests of a model are logged.

    Attributes:
        filename_prefix: What the path of each file begins with.
        sampling: The `sampling_config`, which is written into each record.
    """

    filename_prefix: str
    sampling: SamplingConfig

    @property
    def sampling_rate(self) -> float:
        """The share of the requests that is logged, from 0 to 1."""
        return self.sampling.sampling_rate


def request_logging(config: ModelServerConfig) -> dict[str, RequestLogging]:
    """Returns how requests are logged, for each model of a checked config that logs any."""
    return {
        model.name: RequestLogging(
            model.logging_config.log_collector_config.filename_prefix,
            model.logging_config.sampling_config,
        )
        for model in config.model_config_list.config
        if model.HasField("logging_config")
    }


def check_logging_config(model: Any, *, source: str) -> None:
    """Checks the `logging_config` of a `ModelConfig`, if it has one.

    What this server does not know is refused where it would change which requests are logged or
    what becomes of them. `attributes` only adds to a record, so it may stand there.

    Args:
        model: The `ModelConfig`.
        source: The config's origin, which begins an error message.

    Raises:
        ConfigError: If the `logging_config` breaks a rule.
    """
    if not model.HasField("logging_config"):
        return
    logging, of_model = model.logging_config, f"for model {model.name!r}"
    collector, sampling = logging.log_collector_config, logging.sampling_config
    if logging.HasField("custom_logging_config"):
        raise ConfigError(
            f"{source}: custom_logging_config is not supported; use log_collector_config "
            f"and sampling_config. Received: custom_logging_config {of_model}."
        )
    if collector.type != FILE_COLLECTOR:
        raise ConfigError(
            f'{source}: the type of log_collector_config must be "{FILE_COLLECTOR}". '
            f"Received: type={collector.type!r} {of_model}."
        )
    prefix = collector.filename_prefix
    if not prefix or prefix.endswith("/") or "\0" in prefix:
        raise ConfigError(
            f"{source}: filename_prefix must be a path that ends in the beginning of a file's "
            f"name. Received: filename_prefix={prefix!r} {of_model}."
        )
    if not 0 <= sampling.sampling_rate <= 1:
        raise ConfigError(
            f"{source}: sampling_rate must be a number from 0 to 1. "
            f"Received: sampling_rate={sampling.sampling_rate:g} {of_model}."
        )
    if sampling.per_task_sampling_configs:
        raise ConfigError(
            f"{source}: per_task_sampling_configs is not supported, since a server here has no "
            f"task; use sampling_rate. Received: per_task_sampling_configs {of_model}."
        )
