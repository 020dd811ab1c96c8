"""The options of a `ModelServer`."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.ranges import (
    ALPHA,
    BYTES,
    GRACE_SECONDS,
    SHARE,
    THREADS,
    TIMEOUT_SECONDS,
    WAIT_SECONDS,
    check_fields,
    check_value,
    positive_integers,
)
from lstm_sentiment.serving.access.authentication import BearerTokens
from lstm_sentiment.serving.access.cors import AllowedOrigins
from lstm_sentiment.serving.access.hosts import AllowedHosts
from lstm_sentiment.serving.access.tls import ServerCredentials
from lstm_sentiment.serving.batching.parameters import BatchingParameters
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.loading.options import LoadingOptions
from lstm_sentiment.serving.monitoring.access_log import AccessLog
from lstm_sentiment.serving.monitoring.config import MonitoringConfig
from lstm_sentiment.serving.request_log.options import RequestLogOptions
from lstm_sentiment.serving.shadow.options import ShadowOptions
from lstm_sentiment.system import usable_cpus

_THREADS_PER_CPU = 4
# Batches are filled up to these sizes.
_PADDED_ROWS = positive_integers(2**20)
_CONNECTIONS = positive_integers(2**20)
_SECONDS_OF_A_DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """Settings of a server, apart from its models and its address.

    Attributes:
        file_system_poll_wait_seconds: Pause between polls of the base paths; 0 polls once at the
            start, then only at `ModelServer.poll_now`.
        model_config_file_poll_wait_seconds: Pause between polls of the config file, which is
            loaded when it has changed; 0 polls only at `ModelServer.poll_now`.
        allow_version_labels_for_unavailable_models: Lets a reload bring a new label for a version
            that is not available.
        load_timeout_seconds: The longest that `ModelServer.start` waits for the models; `None`
            for no limit.
        loading: How versions are loaded into memory.
        batching: How concurrent requests are batched; `None` runs each request by itself.
        grpc_max_threads: Requests that are computed at once, apart from batches; others wait for
            their turn. `None` for 4 a CPU.
        grpc_channel_arguments: Further arguments of the gRPC server, by name: an integer or a
            string. They override the arguments that this server sets.
        rest_api_timeout_seconds: The longest that a REST request may take; `None` for no limit.
        rest_api_keep_alive_seconds: How long a REST connection may stay idle after an answer, at
            most a day. Longer than a proxy in front keeps it, so that the proxy closes first.
        max_connections: Most connections of REST, and of gRPC at each of its addresses. At the
            limit, the connections that have been idle longest are closed for new ones. `None` for
            as many as the file descriptors of the process allow, at most 10,000.
        limits: The size that a request may have.
        max_bytes_in_flight: Largest size in bytes of all requests together that are received or
            answered at the same time; `None` for no limit. Further requests are refused, to be sent
            again later.
        access_poll_wait_seconds: Pause between looks at the files of `credentials` and
            `auth_tokens`, which are read again when they have changed; 0 looks only at
            `ModelServer.poll_now`.
        credentials: TLS for gRPC and REST; `None` for plain text.
        auth_tokens: The bearer tokens that are accepted; `None` accepts every caller.
        allowed_base_paths: Folders in which a config by HandleReloadConfigRequest may name base
            paths: see `AllowedBasePaths`. `None` for folders beside the served base paths.
        cors_origins: The origins whose web pages may use REST; `None` allows only the server's own
            page.
        allowed_hosts: Values of the header `Host` that REST accepts besides the server's own: see
            `ServedHosts`. `None` for none.
        monitoring: The path of the Prometheus metrics, or none.
        text_sample_share: Share of the texts whose tokens are counted for the metrics, from 0 to 1.
        drift_alpha: Largest probability that a version ever raises a false alarm of drift. Texts
            are compared with the statistics of training in the version's card; `None` compares
            none.
        access_log: Written to for each request; `None` for no log.
        shadow: The requests that a shadow version also answers, for comparison; `None` for none.
        request_log: When a file of the request log ends. The config of the models determines which
            requests are logged.
        grpc_health: Serves gRPC's health checking protocol.
        grpc_reflection: Serves gRPC's server reflection.
        ui: Serves a web page at `/` of REST, where texts can be tried. The page itself needs no
            token; its requests to the server do.
        grace_seconds: Longest time for running requests when the server stops; infinity for no
            limit.

    Raises:
        InvalidInputError: If a number is out of its range.
    """

    file_system_poll_wait_seconds: Annotated[float, WAIT_SECONDS] = 1.0
    model_config_file_poll_wait_seconds: Annotated[float, WAIT_SECONDS] = 0.0
    allow_version_labels_for_unavailable_models: bool = False
    load_timeout_seconds: Annotated[float | None, TIMEOUT_SECONDS] = None
    loading: LoadingOptions = field(default_factory=LoadingOptions)
    batching: BatchingParameters | None = None
    grpc_max_threads: Annotated[int | None, THREADS] = None
    grpc_channel_arguments: tuple[tuple[str, int | str], ...] = ()
    rest_api_timeout_seconds: Annotated[float | None, TIMEOUT_SECONDS] = 30.0
    rest_api_keep_alive_seconds: float = 75.0
    max_connections: Annotated[int | None, _CONNECTIONS] = None
    limits: RequestLimits = field(default_factory=RequestLimits)
    max_bytes_in_flight: Annotated[int | None, BYTES] = None
    access_poll_wait_seconds: Annotated[float, WAIT_SECONDS] = 10.0
    credentials: ServerCredentials | None = None
    auth_tokens: BearerTokens | None = None
    allowed_base_paths: Sequence[str | Path] | None = None
    cors_origins: AllowedOrigins | None = None
    allowed_hosts: AllowedHosts | None = None
    monitoring: MonitoringConfig = field(default_factory=lambda: MonitoringConfig(enable=True))
    text_sample_share: Annotated[float, SHARE] = 1.0
    drift_alpha: Annotated[float | None, ALPHA] = None
    access_log: AccessLog | None = None
    shadow: ShadowOptions | None = None
    request_log: RequestLogOptions = field(default_factory=RequestLogOptions)
    grpc_health: bool = False
    grpc_reflection: bool = False
    ui: bool = True
    grace_seconds: Annotated[float, GRACE_SECONDS] = 5.0

    def __post_init__(self) -> None:
        """Checks the numbers."""
        check_fields(self)
        if self.batching is not None:
            check_value("num_batch_threads", THREADS, self.batching.num_batch_threads)
            check_value("allowed_batch_sizes", _PADDED_ROWS, self.batching.allowed_batch_sizes)
        if not 0 < self.rest_api_keep_alive_seconds <= _SECONDS_OF_A_DAY:
            raise InvalidInputError(
                f"`rest_api_keep_alive_seconds` must be above 0 and at most {_SECONDS_OF_A_DAY}. "
                f"Received: {self.rest_api_keep_alive_seconds:g}."
            )

    @property
    def max_threads(self) -> int:
        """Requests computed at once, apart from batches: `grpc_max_threads`, or its default."""
        return self.grpc_max_threads or _THREADS_PER_CPU * usable_cpus()


def options_or_deprecated(
    options: ServerOptions | None, deprecated: Mapping[str, Any]
) -> ServerOptions:
    """Returns the options, made of the keywords that `ModelServer` took before it took options.

    Args:
        options: The options, where they were given.
        deprecated: The keywords, each the name of a field of `ServerOptions`. `None` stands for
            the field's default, as it did.

    Raises:
        InvalidInputError: If both options and keywords were given.
        TypeError: If a keyword is no field.
    """
    if not deprecated:
        return options or ServerOptions()
    listed = ", ".join(deprecated)
    unknown = deprecated.keys() - {each.name for each in fields(ServerOptions)}
    if unknown:
        raise TypeError(f"ModelServer() got an unexpected keyword argument {min(unknown)!r}")
    if options is not None:
        raise InvalidInputError(
            "the options of a ModelServer must be given as `options` alone. "
            f"Received: `options` and {listed}."
        )
    warnings.warn(
        f"{listed} of ModelServer: deprecated, to be removed in the next release. Instead: "
        f"ModelServer(config, ServerOptions({', '.join(f'{name}=...' for name in deprecated)})).",
        DeprecationWarning,
        stacklevel=3,
    )
    return ServerOptions(**{k: v for k, v in deprecated.items() if v is not None})
