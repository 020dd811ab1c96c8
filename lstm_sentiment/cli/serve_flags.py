"""The flags of `serve`, by TensorFlow Serving's names where it has them, in groups.

Each group checks what can be checked without TensorFlow when it is made, and builds the part of
`ServerOptions` that it sets.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lstm_sentiment.errors import InvalidInputError

if TYPE_CHECKING:
    from lstm_sentiment.models_config.config import ModelServerConfig
    from lstm_sentiment.serving.batching.parameters import BatchingParameters
    from lstm_sentiment.serving.inference.limits import RequestLimits
    from lstm_sentiment.serving.saved_model.loading_options import LoadingOptions
    from lstm_sentiment.serving.shadow.options import ShadowOptions

DEFAULT_NAME = "sentiment"
DEFAULT_BASE_PATH = Path("models/sentiment")

_VERSIONS, _REQUESTS, _SHADOW = "Versions", "Requests and batches", "A shadow version"


@dataclass(frozen=True)
class ModelsFlags:
    """The models to serve, and how often to look for changes of them."""

    model_config_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A models.config, as TensorFlow Serving takes it."),
    ] = None
    model_name: Annotated[
        str | None,
        typer.Option(
            help=f"Name of the one model to serve, without --model-config-file: {DEFAULT_NAME}."
        ),
    ] = None
    model_base_path: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"Its folder of versions, of which the highest is served: {DEFAULT_BASE_PATH}.",
        ),
    ] = None
    model_config_file_poll_wait_seconds: Annotated[
        float,
        typer.Option(
            help="Pause between looks at the models.config; 0 looks once.",
            rich_help_panel=_VERSIONS,
            min=0,
            metavar="N",
        ),
    ] = 0.0
    file_system_poll_wait_seconds: Annotated[
        float,
        typer.Option(
            help="Pause between looks for new versions; 0 looks once.",
            rich_help_panel=_VERSIONS,
            min=0,
            metavar="N",
        ),
    ] = 1.0
    allow_version_labels_for_unavailable_models: Annotated[
        bool,
        typer.Option(
            "--allow-version-labels-for-unavailable-models",
            help="Let a reload bring new labels for versions that are not available.",
            rich_help_panel=_VERSIONS,
        ),
    ] = False

    def __post_init__(self) -> None:
        """Checks that one model or one config is named, and that a folder is there."""
        if self.model_config_file is None:
            folder = self.model_base_path or DEFAULT_BASE_PATH
            if not folder.is_dir():
                raise InvalidInputError(
                    f"{folder}: must be a folder of versions, such as `fit` makes. "
                    "Received: no folder."
                )
        elif self.model_name or self.model_base_path:
            raise InvalidInputError(
                "Either `--model-config-file` or `--model-name` and `--model-base-path` may be "
                "given. Received: both."
            )

    def config(self) -> "Path | ModelServerConfig":
        """Returns the config file, or the config of the one model."""
        if self.model_config_file is not None:
            return self.model_config_file
        from lstm_sentiment.models_config.config import single_model_config

        folder = self.model_base_path or DEFAULT_BASE_PATH
        return single_model_config(self.model_name or DEFAULT_NAME, folder.absolute())


@dataclass(frozen=True)
class LoadingFlags:
    """How versions are loaded: `LoadingOptions`."""

    aspired_version_policy: Annotated[
        Literal["availability-preserving", "resource-preserving"],
        typer.Option(
            help="availability-preserving loads a new version before the old one goes, "
            "resource-preserving after.",
            metavar="POLICY",
            rich_help_panel=_VERSIONS,
        ),
    ] = "availability-preserving"
    max_num_load_retries: Annotated[
        int,
        typer.Option(
            help="How often a load that failed is tried again.",
            rich_help_panel=_VERSIONS,
            min=0,
            metavar="N",
        ),
    ] = 5
    load_retry_interval_micros: Annotated[
        int,
        typer.Option(
            help="Pause before each of these tries.", rich_help_panel=_VERSIONS, min=0, metavar="N"
        ),
    ] = 60_000_000
    num_load_threads: Annotated[
        int,
        typer.Option(
            help="Versions that may be loading at once.",
            rich_help_panel=_VERSIONS,
            min=1,
            metavar="N",
        ),
    ] = 1
    memory_limit_bytes: Annotated[
        int,
        typer.Option(
            help="Memory for all versions, estimated by the size of their files; 0 for no limit.",
            rich_help_panel=_VERSIONS,
            min=0,
            metavar="N",
        ),
    ] = 0
    enable_model_warmup: Annotated[
        bool,
        typer.Option(
            help="Send each version its own warmup requests first.", rich_help_panel=_VERSIONS
        ),
    ] = True
    xla_cpu_compilation_enabled: Annotated[
        bool,
        typer.Option(
            "--xla-cpu-compilation-enabled",
            help="Compile with XLA: single answers come faster, loading takes longer.",
            rich_help_panel=_VERSIONS,
        ),
    ] = False

    def options(self) -> "LoadingOptions":
        """Returns the options that the flags set."""
        from lstm_sentiment.serving.saved_model.loading_options import LoadingOptions

        return LoadingOptions(
            aspired_version_policy=self.aspired_version_policy,
            max_num_load_retries=self.max_num_load_retries,
            load_retry_interval_seconds=self.load_retry_interval_micros / 1e6,
            num_load_threads=self.num_load_threads,
            memory_limit_bytes=self.memory_limit_bytes or None,
            enable_model_warmup=self.enable_model_warmup,
            xla_cpu_compilation_enabled=self.xla_cpu_compilation_enabled,
        )


@dataclass(frozen=True)
class LimitFlags:
    """How many requests are taken, how large, how long, and which are batched."""

    enable_batching: Annotated[
        bool,
        typer.Option(
            "--enable-batching",
            help="Answer requests of several callers together.",
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
    grpc_max_threads: Annotated[
        int,
        typer.Option(
            help="gRPC requests at once, those that wait for a batch included; 0 for what fits.",
            rich_help_panel=_REQUESTS,
            min=0,
            metavar="N",
        ),
    ] = 0
    rest_api_timeout_in_ms: Annotated[
        int,
        typer.Option(
            help="Longest time for a REST request.", rich_help_panel=_REQUESTS, min=1, metavar="N"
        ),
    ] = 30_000
    max_request_bytes: Annotated[
        int,
        typer.Option(
            help="Longest request taken; 0 for no limit.",
            rich_help_panel=_REQUESTS,
            min=0,
            metavar="N",
        ),
    ] = 16 * 2**20
    max_batch_size: Annotated[
        int,
        typer.Option(
            help="Most texts a request may have; 0 for no limit.",
            rich_help_panel=_REQUESTS,
            min=0,
            metavar="N",
        ),
    ] = 1024
    max_text_bytes: Annotated[
        int,
        typer.Option(
            help="Longest text taken, in UTF-8; 0 for no limit.",
            rich_help_panel=_REQUESTS,
            min=0,
            metavar="N",
        ),
    ] = 100_000

    def __post_init__(self) -> None:
        """Checks that batching parameters are given with batching."""
        if self.batching_parameters_file is not None and not self.enable_batching:
            raise InvalidInputError(
                "`--batching-parameters-file` goes with `--enable-batching`. Received: it alone."
            )

    def batching(self) -> "BatchingParameters | None":
        """Returns the parameters, read from their file; `None` without batching."""
        if not self.enable_batching:
            return None
        from lstm_sentiment.serving.batching.parameters import (
            BatchingParameters,
            load_batching_parameters,
        )

        path = self.batching_parameters_file
        return BatchingParameters() if path is None else load_batching_parameters(path)

    def limits(self) -> "RequestLimits":
        """Returns the limits of one request."""
        from lstm_sentiment.serving.inference.limits import RequestLimits

        return RequestLimits(
            max_request_bytes=self.max_request_bytes or None,
            max_batch_size=self.max_batch_size or None,
            max_text_bytes=self.max_text_bytes or None,
        )


@dataclass(frozen=True)
class ShadowFlags:
    """The version that is asked in the background: `ShadowOptions`."""

    shadow_to: Annotated[
        str | None,
        typer.Option(
            metavar="N|LABEL",
            help="Send requests to this version as well, in the background, and show at /state "
            "how often it agrees. Callers never get its answers.",
            rich_help_panel=_SHADOW,
            show_default=False,
        ),
    ] = None
    shadow_of: Annotated[
        str | None,
        typer.Option(
            metavar="N|LABEL",
            help="Send only the requests that this version answered; without it, those of every "
            "other version.",
            rich_help_panel=_SHADOW,
            show_default=False,
        ),
    ] = None
    shadow_model_name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The model. May be left out where there is only one.",
            rich_help_panel=_SHADOW,
            show_default=False,
        ),
    ] = None
    shadow_share: Annotated[
        float,
        typer.Option(
            help="Share of the requests to send.",
            rich_help_panel=_SHADOW,
            min=0,
            max=1,
            metavar="N",
        ),
    ] = 0.1

    def options(self) -> "ShadowOptions | None":
        """Returns the options that the flags set; `None` without a shadow."""
        from lstm_sentiment.serving.shadow.options import ShadowOptions

        if self.shadow_to is None:
            if self.shadow_of or self.shadow_model_name:
                raise InvalidInputError(
                    "`--shadow-of` and `--shadow-model-name` go with `--shadow-to`. "
                    "Received: no `--shadow-to`."
                )
            return None
        of = None if self.shadow_of is None else _version_or_label(self.shadow_of)
        to = _version_or_label(self.shadow_to)
        return ShadowOptions(to, of, self.shadow_model_name, self.shadow_share)


def _version_or_label(given: str) -> int | str:
    return int(given) if given.isascii() and given.isdigit() else given
