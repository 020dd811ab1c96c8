"""The flags of `serve`, by TensorFlow Serving's names where it has them."""

from pathlib import Path
from typing import Annotated, Literal

import typer

_VERSIONS, _REQUESTS = "Versions", "Requests and batches"
_SAFETY, _WATCHING = "Who may ask", "Watching it"
_CANARY = "A canary"

DEFAULT_NAME = "sentiment"
DEFAULT_BASE_PATH = Path("models/sentiment")

ModelConfigFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A models.config, as TensorFlow Serving takes it."),
]
ModelName = Annotated[
    str | None,
    typer.Option(
        help=f"Name of the one model to serve, without --model-config-file: {DEFAULT_NAME}."
    ),
]
ModelBasePath = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help=f"Its folder of versions, of which the highest is served: {DEFAULT_BASE_PATH}.",
    ),
]
Port = Annotated[int, typer.Option(help="Port for gRPC; 0 for any free one.")]
RestApiPort = Annotated[int, typer.Option(help="Port for REST; 0 for no REST.")]
Host = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets the whole network in.")]
DrainSeconds = Annotated[
    float,
    typer.Option(
        help="How long requests under way may take after SIGTERM or Ctrl-C; then the server ends.",
        min=0,
        metavar="N",
    ),
]
FileSystemPollWaitSeconds = Annotated[
    float,
    typer.Option(
        help="Pause between looks for new versions; 0 looks once.",
        rich_help_panel=_VERSIONS,
        min=0,
        metavar="N",
    ),
]
ModelConfigFilePollWaitSeconds = Annotated[
    float,
    typer.Option(
        help="Pause between looks at the models.config; 0 looks once.",
        rich_help_panel=_VERSIONS,
        min=0,
        metavar="N",
    ),
]
AllowUnavailableLabels = Annotated[
    bool,
    typer.Option(
        "--allow-version-labels-for-unavailable-models",
        help="Let a reload bring new labels for versions that are not available.",
        rich_help_panel=_VERSIONS,
    ),
]
AspiredVersionPolicy = Annotated[
    Literal["availability-preserving", "resource-preserving"],
    typer.Option(
        help="availability-preserving loads a new version before the old one goes, "
        "resource-preserving after.",
        metavar="POLICY",
        rich_help_panel=_VERSIONS,
    ),
]
MaxNumLoadRetries = Annotated[
    int,
    typer.Option(
        help="How often a load that failed is tried again.",
        rich_help_panel=_VERSIONS,
        min=0,
        metavar="N",
    ),
]
LoadRetryIntervalMicros = Annotated[
    int,
    typer.Option(
        help="Pause before each of these tries.", rich_help_panel=_VERSIONS, min=0, metavar="N"
    ),
]
NumLoadThreads = Annotated[
    int,
    typer.Option(
        help="Versions that may be loading at once.", rich_help_panel=_VERSIONS, min=1, metavar="N"
    ),
]
MemoryLimitBytes = Annotated[
    int,
    typer.Option(
        help="What all versions may take, by the size of their files; 0 for no limit.",
        rich_help_panel=_VERSIONS,
        min=0,
        metavar="N",
    ),
]
EnableModelWarmup = Annotated[
    bool,
    typer.Option(
        help="Send each version its own warmup requests first.", rich_help_panel=_VERSIONS
    ),
]
XlaCpuCompilationEnabled = Annotated[
    bool,
    typer.Option(
        "--xla-cpu-compilation-enabled",
        help="Compile with XLA: single answers come faster, loading takes longer.",
        rich_help_panel=_VERSIONS,
    ),
]
EnableBatching = Annotated[
    bool,
    typer.Option(
        "--enable-batching",
        help="Answer requests of several callers together.",
        rich_help_panel=_REQUESTS,
    ),
]
BatchingParametersFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="How, as TensorFlow Serving takes it: see serving_configs/batching.config.",
        rich_help_panel=_REQUESTS,
    ),
]
GrpcMaxThreads = Annotated[
    int,
    typer.Option(
        help="gRPC requests at once, those that wait for a batch included; 0 for what fits.",
        rich_help_panel=_REQUESTS,
        min=0,
        metavar="N",
    ),
]
RestApiTimeoutInMs = Annotated[
    int,
    typer.Option(
        help="How long a REST request may take.", rich_help_panel=_REQUESTS, min=1, metavar="N"
    ),
]
MaxRequestBytes = Annotated[
    int,
    typer.Option(
        help="Longest request taken; 0 for no limit.", rich_help_panel=_REQUESTS, min=0, metavar="N"
    ),
]
MaxBatchSize = Annotated[
    int,
    typer.Option(
        help="Most texts a request may have; 0 for no limit.",
        rich_help_panel=_REQUESTS,
        min=0,
        metavar="N",
    ),
]
MaxTextBytes = Annotated[
    int,
    typer.Option(
        help="Longest text taken, in UTF-8; 0 for no limit.",
        rich_help_panel=_REQUESTS,
        min=0,
        metavar="N",
    ),
]
SslConfigFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="TLS for gRPC and REST, as TensorFlow Serving takes it.",
        rich_help_panel=_SAFETY,
    ),
]
SslCertificate = Annotated[
    Path | None,
    typer.Option(help="TLS, without --ssl-config-file: PEM file.", rich_help_panel=_SAFETY),
]
SslPrivateKey = Annotated[
    Path | None,
    typer.Option(help="The certificate's private key: PEM file.", rich_help_panel=_SAFETY),
]
SslClientCa = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Let in only callers with a certificate of these authorities.",
        rich_help_panel=_SAFETY,
    ),
]
AuthTokenFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Let in only callers with a bearer token of this file, one a line.",
        rich_help_panel=_SAFETY,
    ),
]
MonitoringConfigFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Where the metrics are, as TensorFlow Serving takes it.",
        rich_help_panel=_WATCHING,
    ),
]
TextSampleShare = Annotated[
    float,
    typer.Option(
        help="Share of texts whose tokens are counted for the metrics.",
        rich_help_panel=_WATCHING,
        min=0,
        metavar="N",
        max=1,
    ),
]
AccessLogFormat = Annotated[
    Literal["off", "text", "json"],
    typer.Option(
        help="Write a line for each request to standard error, without its texts.",
        rich_help_panel=_WATCHING,
    ),
]
AccessLogTexts = Annotated[
    bool,
    typer.Option("--access-log-texts", help="Write the texts as well.", rich_help_panel=_WATCHING),
]
Ui = Annotated[
    bool, typer.Option(help="Serve a page for people at / of REST.", rich_help_panel=_WATCHING)
]
EnableGrpcHealthcheckService = Annotated[
    bool,
    typer.Option(
        "--enable-grpc-healthcheck-service",
        help="Serve gRPC's health checking protocol.",
        rich_help_panel=_WATCHING,
    ),
]
EnableGrpcReflection = Annotated[
    bool,
    typer.Option(
        "--enable-grpc-reflection",
        help="Tell gRPC clients which services there are.",
        rich_help_panel=_WATCHING,
    ),
]
ShadowTo = Annotated[
    str | None,
    typer.Option(
        metavar="N|LABEL",
        help="Ask this version too, later and unseen by callers, and tell at /state how often it "
        "agrees.",
        rich_help_panel=_CANARY,
        show_default=False,
    ),
]
ShadowOf = Annotated[
    str | None,
    typer.Option(
        metavar="N|LABEL",
        help="What this version answered; without it, what any other version answered.",
        rich_help_panel=_CANARY,
        show_default=False,
    ),
]
ShadowModelName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The model. May be left out where there is only one.",
        rich_help_panel=_CANARY,
        show_default=False,
    ),
]
ShadowShare = Annotated[
    float,
    typer.Option(
        help="The share of requests that it is asked.",
        rich_help_panel=_CANARY,
        min=0,
        max=1,
        metavar="N",
    ),
]
