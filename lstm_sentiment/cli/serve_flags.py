"""The flags of `serve` for models, loading and limits, in groups.

They have TensorFlow Serving's names where it has them. A group checks its flags when it is made, as
far as TensorFlow is not needed, and builds the part of `ServerOptions` that it sets.
"""

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.models_config.base_path import check_is_folder_path
from lstm_sentiment.serving.loading.options import Engine

if TYPE_CHECKING:
    from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
    from lstm_sentiment.serving.batching.parameters import BatchingParameters
    from lstm_sentiment.serving.inference.limits import RequestLimits
    from lstm_sentiment.serving.loading.options import LoadingOptions

DEFAULT_NAME = "sentiment"
DEFAULT_BASE_PATH = Path("models/sentiment")

_VERSIONS, _LOADING, _REQUESTS = "Versions", "Engine and loading", "Requests and batches"


@dataclass(frozen=True)
class ModelsFlags:
    """The models to serve, and how often to poll for changes."""

    model_config_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A models.config in TensorFlow Serving's format."),
    ] = None
    model_name: Annotated[
        str | None,
        typer.Option(
            help="Name of the model to serve where there is no --model-config-file. "
            f"Default: {DEFAULT_NAME}."
        ),
    ] = None
    model_base_path: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of the model's versions, of which the highest is served. "
            f"Default: {DEFAULT_BASE_PATH}.",
        ),
    ] = None
    model_config_file_poll_wait_seconds: Annotated[
        float,
        typer.Option(
            help="Seconds between polls of the models.config; 0 polls once.",
            rich_help_panel=_VERSIONS,
            min=0,
            metavar="N",
        ),
    ] = 0.0
    file_system_poll_wait_seconds: Annotated[
        float,
        typer.Option(
            help="Seconds between polls for new versions; 0 polls once.",
            rich_help_panel=_VERSIONS,
            min=0,
            metavar="N",
        ),
    ] = 1.0
    allow_version_labels_for_unavailable_models: Annotated[
        bool,
        typer.Option(
            "--allow-version-labels-for-unavailable-models",
            help="Accept new version labels for versions that are not loaded yet.",
            rich_help_panel=_VERSIONS,
        ),
    ] = False

    def __post_init__(self) -> None:
        """Checks that one model or one config is named, and that a folder is there."""
        if self.model_config_file is None:
            folder = self.model_base_path or DEFAULT_BASE_PATH
            check_is_folder_path(folder)
            if not folder.is_dir():
                raise InvalidInputError(
                    f"{folder}: must be a folder of versions, such as `fit` makes. "
                    "Received: no folder."
                )
        elif self.model_name or self.model_base_path:
            from lstm_sentiment.cli.console import say

            say("--model-name and --model-base-path are ignored beside --model-config-file")

    def config(self) -> "Path | ModelServerConfig":
        """Returns the config file, or the config of the one model."""
        if self.model_config_file is not None:
            return self.model_config_file
        from lstm_sentiment.models_config.config import single_model_config

        folder = self.model_base_path or DEFAULT_BASE_PATH
        return single_model_config(self.model_name or DEFAULT_NAME, folder.absolute())


@dataclass(frozen=True)
class LoadingFlags:
    """Loading of versions: `LoadingOptions`."""

    engine: Annotated[
        Engine,
        typer.Option(
            help="Engine that computes the answers. light reads each version's small ONNX copy "
            "and needs no TensorFlow; tensorflow loads the SavedModel; auto takes light "
            "where it reproduces the answers stored in the version, else tensorflow.",
            rich_help_panel=_LOADING,
        ),
    ] = "auto"
    aspired_version_policy: Annotated[
        Literal["availability-preserving", "resource-preserving"],
        typer.Option(
            help="Order when versions change: availability-preserving loads the new version "
            "before it unloads the old one; resource-preserving unloads the old one "
            "first.",
            metavar="POLICY",
            rich_help_panel=_LOADING,
        ),
    ] = "availability-preserving"
    max_num_load_retries: Annotated[
        int,
        typer.Option(
            help="Number of times to retry a failed load.",
            rich_help_panel=_LOADING,
            min=0,
            metavar="N",
        ),
    ] = 5
    load_retry_interval_micros: Annotated[
        int,
        typer.Option(
            help="Microseconds to wait before each retry; no wait if negative.",
            rich_help_panel=_LOADING,
            metavar="N",
        ),
    ] = 60_000_000
    num_load_threads: Annotated[
        int,
        typer.Option(
            help="Maximum number of versions that load at the same time; 0 means 1.",
            rich_help_panel=_LOADING,
            min=0,
            metavar="N",
        ),
    ] = 1
    memory_limit_bytes: Annotated[
        int,
        typer.Option(
            help="Memory limit for all versions, estimated from the size of their files; 0 for "
            "no limit.",
            rich_help_panel=_LOADING,
            min=0,
            metavar="N",
        ),
    ] = 0
    enable_model_warmup: Annotated[
        bool,
        typer.Option(
            help="Run the warmup requests stored in each version before it answers callers.",
            rich_help_panel=_LOADING,
        ),
    ] = True
    num_request_iterations_for_warmup: Annotated[
        int,
        typer.Option(
            help="Number of times each warmup request is run; 0 means 1.",
            rich_help_panel=_LOADING,
            min=0,
            metavar="N",
        ),
    ] = 0
    xla_cpu_compilation_enabled: Annotated[
        bool,
        typer.Option(
            "--xla-cpu-compilation-enabled",
            help="Compile with XLA: single texts are answered faster, versions load slower. "
            "Implies --engine tensorflow.",
            rich_help_panel=_LOADING,
        ),
    ] = False

    tensorflow_session_parallelism: Annotated[
        int,
        typer.Option(
            help="Sets both of the next two flags; 0 lets TensorFlow decide.",
            rich_help_panel=_LOADING,
            min=0,
            metavar="N",
        ),
    ] = 0
    tensorflow_intra_op_parallelism: Annotated[
        int,
        typer.Option(
            help="TensorFlow threads within one operation.",
            rich_help_panel=_LOADING,
            min=0,
            metavar="N",
        ),
    ] = 0
    tensorflow_inter_op_parallelism: Annotated[
        int,
        typer.Option(
            help="TensorFlow operations that run at the same time.",
            rich_help_panel=_LOADING,
            min=0,
            metavar="N",
        ),
    ] = 0

    def __post_init__(self) -> None:
        """Checks that the engine can compile, and that threads are set one way."""
        if (
            self.tensorflow_session_parallelism
            and self.tensorflow_intra_op_parallelism
            and self.tensorflow_inter_op_parallelism
        ):
            raise InvalidInputError(
                "Either `--tensorflow-session-parallelism` or `--tensorflow-intra-op-parallelism` "
                "and `--tensorflow-inter-op-parallelism` may be given. Received: all."
            )
        if self.engine == "light" and self.xla_cpu_compilation_enabled:
            raise InvalidInputError(
                "`--xla-cpu-compilation-enabled` needs `--engine tensorflow`. "
                "Received: `--engine light`."
            )

    def options(self) -> "LoadingOptions":
        """Returns the options that the flags set."""
        from lstm_sentiment.serving.loading.options import LoadingOptions
        from lstm_sentiment.serving.saved_model.threads import TensorFlowThreads

        # As in TensorFlow Serving, which takes either of the two alone before the one for both.
        threads = (self.tensorflow_intra_op_parallelism, self.tensorflow_inter_op_parallelism)
        if not any(threads):
            threads = (self.tensorflow_session_parallelism,) * 2
        return LoadingOptions(
            engine=self.engine,
            aspired_version_policy=self.aspired_version_policy,
            max_num_load_retries=self.max_num_load_retries,
            load_retry_interval_seconds=max(self.load_retry_interval_micros, 0) / 1e6,
            num_load_threads=self.num_load_threads or 1,
            memory_limit_bytes=self.memory_limit_bytes or None,
            enable_model_warmup=self.enable_model_warmup,
            num_request_iterations_for_warmup=self.num_request_iterations_for_warmup or 1,
            xla_cpu_compilation_enabled=self.xla_cpu_compilation_enabled,
            tensorflow_threads=TensorFlowThreads(*threads),
        )


@dataclass(frozen=True)
class LimitFlags:
    """Batching, and the limits of requests: `BatchingParameters`, `RequestLimits`."""

    enable_batching: Annotated[
        bool,
        typer.Option(
            "--enable-batching",
            help="Batch concurrent requests.",
            rich_help_panel=_REQUESTS,
        ),
    ] = False
    batching_parameters_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Batching parameters in TensorFlow Serving's format: see "
            "serving_configs/batching.config.",
            rich_help_panel=_REQUESTS,
        ),
    ] = None
    latency_objective_millis: Annotated[
        float | None,
        typer.Option(
            metavar="MILLISECONDS",
            help="Tune the batch size so that 99 % of batches are computed within this time.",
            rich_help_panel=_REQUESTS,
        ),
    ] = None
    grpc_max_threads: Annotated[
        int,
        typer.Option(
            help="Maximum number of requests computed at once outside batches; others wait. 0 "
            "means four for each CPU.",
            rich_help_panel=_REQUESTS,
            min=0,
            metavar="N",
        ),
    ] = 0
    rest_api_timeout_in_ms: Annotated[
        int,
        typer.Option(
            help="Time limit of a REST request; 0 for none.",
            rich_help_panel=_REQUESTS,
            min=0,
            metavar="N",
        ),
    ] = 30_000
    grpc_channel_arguments: Annotated[
        str,
        typer.Option(
            help="Channel arguments for the gRPC server, such as grpc.max_connection_age_ms=60000.",
            rich_help_panel=_REQUESTS,
            metavar="KEY=VALUE,...",
            show_default=False,
        ),
    ] = ""
    rest_api_keep_alive_seconds: Annotated[
        float,
        typer.Option(
            help="Seconds an idle REST connection stays open. Choose more than the proxy in "
            "front of the server.",
            rich_help_panel=_REQUESTS,
            metavar="N",
        ),
    ] = 75.0
    max_connections: Annotated[
        int,
        typer.Option(
            help="Maximum number of connections for REST, and for gRPC at each address, per "
            "process; new ones replace the ones that were idle longest. 0 allows as many as "
            "the limit of open files, at most 10000.",
            rich_help_panel=_REQUESTS,
            min=0,
            metavar="N",
        ),
    ] = 0
    max_request_bytes: Annotated[
        int,
        typer.Option(
            help="Largest request accepted, in bytes; 0 for no limit.",
            rich_help_panel=_REQUESTS,
            min=0,
            metavar="N",
        ),
    ] = 16 * 2**20
    max_bytes_in_flight: Annotated[
        int,
        typer.Option(
            help="Maximum total bytes of requests in progress; further requests are refused "
            "and can be retried. 0 for no limit.",
            rich_help_panel=_REQUESTS,
            min=0,
            metavar="N",
        ),
    ] = 64 * 2**20
    max_batch_size: Annotated[
        int,
        typer.Option(
            help="Maximum number of texts in a request; 0 for no limit.",
            rich_help_panel=_REQUESTS,
            min=0,
            metavar="N",
        ),
    ] = 1024
    max_text_bytes: Annotated[
        int,
        typer.Option(
            help="Largest text accepted, in bytes of UTF-8; 0 for no limit.",
            rich_help_panel=_REQUESTS,
            min=0,
            metavar="N",
        ),
    ] = 100_000

    def __post_init__(self) -> None:
        """Checks that settings of batching are given with batching, and make sense."""
        if self.batching_parameters_file is not None and not self.enable_batching:
            raise InvalidInputError(
                "`--batching-parameters-file` needs `--enable-batching`. Received: none."
            )
        objective = self.latency_objective_millis
        if objective is not None and not (0 < objective < math.inf):
            raise InvalidInputError(
                f"`--latency-objective-millis` must be a positive number. Received: {objective:g}."
            )
        if objective is not None and not self.enable_batching:
            raise InvalidInputError(
                "`--latency-objective-millis` needs `--enable-batching`. Received: none."
            )

    def channel_arguments(self) -> tuple[tuple[str, int | str], ...]:
        """Returns the arguments of gRPC's server; as in TensorFlow Serving, integers are such."""
        return tuple(map(_channel_argument, filter(None, self.grpc_channel_arguments.split(","))))

    def batching(self) -> "BatchingParameters | None":
        """Returns the parameters, read from their file; `None` without batching."""
        if not self.enable_batching:
            return None
        from lstm_sentiment.serving.batching.parameters import (
            BatchingParameters,
            load_batching_parameters,
        )

        path = self.batching_parameters_file
        parameters = BatchingParameters() if path is None else load_batching_parameters(path)
        if self.latency_objective_millis is None:
            return parameters
        seconds = self.latency_objective_millis / 1e3
        return replace(parameters, latency_objective_seconds=seconds)

    def limits(self) -> "RequestLimits":
        """Returns the limits of one request."""
        from lstm_sentiment.serving.inference.limits import RequestLimits

        return RequestLimits(
            max_request_bytes=self.max_request_bytes or None,
            max_batch_size=self.max_batch_size or None,
            max_text_bytes=self.max_text_bytes or None,
        )


def _channel_argument(given: str) -> tuple[str, int | str]:
    key, equals, value = given.partition("=")
    if not key.strip() or not equals:
        raise InvalidInputError(
            f"`--grpc-channel-arguments` must be KEY=VALUE, separated by commas. Received: {given}."
        )
    is_integer = re.fullmatch(r"[-+]?\d{1,10}", value.strip(), re.ASCII)
    number = int(value) if is_integer else None
    return key.strip(), number if number is not None and -(2**31) <= number < 2**31 else value
