"""`serve`: the model server, until it is told to stop."""

import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from lstm_sentiment.cli import serve_options as options
from lstm_sentiment.cli.verbosity import log_level
from lstm_sentiment.errors import InvalidInputError

if TYPE_CHECKING:
    from lstm_sentiment.serving.access.tls import ServerCredentials
    from lstm_sentiment.serving.batching.parameters import BatchingParameters
    from lstm_sentiment.serving.monitoring.access_log import AccessLog
    from lstm_sentiment.serving.server import ModelServer
    from lstm_sentiment.serving.shadow.options import ShadowOptions


def serve(
    model_config_file: options.ModelConfigFile = None,
    model_config_file_poll_wait_seconds: options.ModelConfigFilePollWaitSeconds = 0.0,
    model_name: options.ModelName = None,
    model_base_path: options.ModelBasePath = None,
    port: options.Port = 8500,
    rest_api_port: options.RestApiPort = 8501,
    host: options.Host = "127.0.0.1",
    file_system_poll_wait_seconds: options.FileSystemPollWaitSeconds = 1.0,
    allow_version_labels_for_unavailable_models: options.AllowUnavailableLabels = False,
    aspired_version_policy: options.AspiredVersionPolicy = "availability-preserving",
    max_num_load_retries: options.MaxNumLoadRetries = 5,
    load_retry_interval_micros: options.LoadRetryIntervalMicros = 60_000_000,
    num_load_threads: options.NumLoadThreads = 1,
    memory_limit_bytes: options.MemoryLimitBytes = 0,
    enable_model_warmup: options.EnableModelWarmup = True,
    xla_cpu_compilation_enabled: options.XlaCpuCompilationEnabled = False,
    enable_batching: options.EnableBatching = False,
    batching_parameters_file: options.BatchingParametersFile = None,
    grpc_max_threads: options.GrpcMaxThreads = 0,
    rest_api_timeout_in_ms: options.RestApiTimeoutInMs = 30_000,
    max_request_bytes: options.MaxRequestBytes = 16 * 2**20,
    max_batch_size: options.MaxBatchSize = 1024,
    max_text_bytes: options.MaxTextBytes = 100_000,
    ssl_config_file: options.SslConfigFile = None,
    ssl_certificate: options.SslCertificate = None,
    ssl_private_key: options.SslPrivateKey = None,
    ssl_client_ca: options.SslClientCa = None,
    auth_token_file: options.AuthTokenFile = None,
    monitoring_config_file: options.MonitoringConfigFile = None,
    text_sample_share: options.TextSampleShare = 1.0,
    access_log: options.AccessLogFormat = "off",
    access_log_texts: options.AccessLogTexts = False,
    ui: options.Ui = True,
    shadow_to: options.ShadowTo = None,
    shadow_of: options.ShadowOf = None,
    shadow_model_name: options.ShadowModelName = None,
    shadow_share: options.ShadowShare = 0.1,
    enable_grpc_healthcheck_service: options.EnableGrpcHealthcheckService = False,
    enable_grpc_reflection: options.EnableGrpcReflection = False,
    drain_seconds: options.DrainSeconds = 15.0,
) -> None:
    """Serve versions over gRPC and REST, as TensorFlow Serving does. Ctrl-C stops.

    Example: python cli.py serve --model-name sentiment --model-base-path models/sentiment
    """
    config_or_path = _models(model_config_file, model_name, model_base_path)
    if batching_parameters_file is not None and not enable_batching:
        raise InvalidInputError(
            "`--batching-parameters-file` goes with `--enable-batching`. Received: it alone."
        )
    shadow = _shadow(shadow_to, shadow_of, shadow_model_name, shadow_share)
    from lstm_sentiment.cli.console import import_tensorflow

    import_tensorflow()
    from lstm_sentiment.serving.access.authentication import load_bearer_tokens
    from lstm_sentiment.serving.inference.limits import RequestLimits
    from lstm_sentiment.serving.monitoring.config import load_monitoring_config
    from lstm_sentiment.serving.saved_model.loading_options import LoadingOptions
    from lstm_sentiment.serving.server import ModelServer

    server = ModelServer(
        config_or_path(),
        port=port,
        rest_api_port=rest_api_port or None,
        host=host,
        file_system_poll_wait_seconds=file_system_poll_wait_seconds,
        model_config_file_poll_wait_seconds=model_config_file_poll_wait_seconds,
        allow_version_labels_for_unavailable_models=allow_version_labels_for_unavailable_models,
        loading=LoadingOptions(
            aspired_version_policy=aspired_version_policy,
            max_num_load_retries=max_num_load_retries,
            load_retry_interval_seconds=load_retry_interval_micros / 1e6,
            num_load_threads=num_load_threads,
            memory_limit_bytes=memory_limit_bytes or None,
            enable_model_warmup=enable_model_warmup,
            xla_cpu_compilation_enabled=xla_cpu_compilation_enabled,
        ),
        batching=_batching(batching_parameters_file) if enable_batching else None,
        grpc_max_threads=grpc_max_threads or None,
        rest_api_timeout_seconds=rest_api_timeout_in_ms / 1e3,
        limits=RequestLimits(
            max_request_bytes=max_request_bytes or None,
            max_batch_size=max_batch_size or None,
            max_text_bytes=max_text_bytes or None,
        ),
        credentials=_credentials(ssl_config_file, ssl_certificate, ssl_private_key, ssl_client_ca),
        auth_tokens=load_bearer_tokens(auth_token_file) if auth_token_file else None,
        monitoring=load_monitoring_config(monitoring_config_file)
        if monitoring_config_file
        else None,
        text_sample_share=text_sample_share,
        access_log=_access_log(access_log, access_log_texts),
        shadow=shadow,
        grpc_health=enable_grpc_healthcheck_service,
        grpc_reflection=enable_grpc_reflection,
        ui=ui,
        grace_seconds=drain_seconds,
    )
    # All that is here stays: a version that is unloaded is found sooner without it.
    gc.collect()
    gc.freeze()
    with _logging_to_stderr(), suppress(KeyboardInterrupt), _EndedBySignals(drain_seconds), server:
        _announce(server, host)
        server.wait_for_termination()


def _models(
    config_file: Path | None, model_name: str | None, base_path: Path | None
) -> Callable[[], Any]:
    """What to serve, checked as far as can be without TensorFlow."""
    if config_file is not None:
        if model_name or base_path:
            raise InvalidInputError(
                "Either `--model-config-file` or `--model-name` and `--model-base-path` may be "
                "given. Received: both."
            )
        return lambda: config_file
    folder = base_path or options.DEFAULT_BASE_PATH
    if not folder.is_dir():
        raise InvalidInputError(
            f"{folder}: must be a folder of versions, such as `fit` makes. Received: no folder."
        )

    def config() -> Any:
        from lstm_sentiment.models_config.config import single_model_config

        return single_model_config(model_name or options.DEFAULT_NAME, folder.absolute())

    return config


def _batching(path: Path | None) -> "BatchingParameters":
    from lstm_sentiment.serving.batching.parameters import (
        BatchingParameters,
        load_batching_parameters,
    )

    return BatchingParameters() if path is None else load_batching_parameters(path)


def _credentials(
    config_file: Path | None, certificate: Path | None, key: Path | None, client_ca: Path | None
) -> "ServerCredentials | None":
    from lstm_sentiment.serving.access.tls import ServerCredentials

    if config_file is not None:
        if certificate or key or client_ca:
            raise InvalidInputError(
                "Either `--ssl-config-file` or `--ssl-certificate` and the like may be given. "
                "Received: both."
            )
        return ServerCredentials.from_config_file(config_file)
    if certificate is not None and key is not None:
        return ServerCredentials.from_files(certificate, key, client_ca)
    if certificate or key or client_ca:
        raise InvalidInputError(
            "`--ssl-certificate` and `--ssl-private-key` go together, and `--ssl-client-ca` with "
            "both. Received: not both."
        )
    return None


def _shadow(
    to: str | None, of: str | None, model_name: str | None, share: float
) -> "ShadowOptions | None":
    from lstm_sentiment.serving.shadow.options import ShadowOptions

    if to is None:
        if of or model_name:
            raise InvalidInputError(
                "`--shadow-of` and `--shadow-model-name` go with `--shadow-to`. "
                "Received: no `--shadow-to`."
            )
        return None
    asked = None if of is None else _version_or_label(of)
    return ShadowOptions(_version_or_label(to), asked, model_name, share)


def _version_or_label(given: str) -> int | str:
    return int(given) if given.isascii() and given.isdigit() else given


def _access_log(log_format: str, with_texts: bool) -> "AccessLog | None":
    from lstm_sentiment.serving.monitoring.access_log import AccessLog

    if log_format == "off":
        if with_texts:
            raise InvalidInputError(
                "`--access-log-texts` goes with `--access-log text` or `json`. Received: it alone."
            )
        return None
    return AccessLog(sys.stderr, as_json=log_format == "json", with_texts=with_texts)


@contextmanager
def _logging_to_stderr() -> Iterator[None]:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("lstm_sentiment.serving")
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(log_level())
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.level, logger.propagate = before


class _EndedBySignals:
    """Ends the `with` block at the first SIGTERM or Ctrl-C, and the process soon after.

    A load under way cannot be broken off, and must not keep the process longer than was promised.
    """

    def __init__(self, drain_seconds: float) -> None:
        self._drain_seconds = drain_seconds
        self._end = threading.Timer(drain_seconds, _exit)
        self._end.daemon = True

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._interrupt)

    def __exit__(self, *exc_info: object) -> None:
        self._end.cancel()

    def _interrupt(self, number: int, frame: object) -> NoReturn:
        # Raised wherever the main thread is, in a long load too; leaving the context drains.
        for again in (signal.SIGINT, signal.SIGTERM):
            signal.signal(again, lambda number, frame: _exit())
        self._end.start()
        raise KeyboardInterrupt


def _exit() -> None:
    sys.stderr.flush()
    os._exit(0)


def _announce(server: "ModelServer", host: str) -> None:
    from lstm_sentiment.cli.console import ERR, say
    from lstm_sentiment.serving.access.listening import address_of

    for state in server.states():
        error = f" ({state.error})" if state.error is not None else ""
        say(f"{state.id.name} version {state.id.version}: {state.state.name}{error}")
    scheme = "https" if server.has_tls else "http"
    rest = f", REST on {scheme}://{host}:{server.rest_api_port}" if server.rest_api_port else ""
    ERR.print(f"Serving gRPC on {host}:{server.port}{rest}. Ctrl-C stops.", soft_wrap=True)
    if server.has_ui:
        # Where it listens on all addresses, none of them can be opened.
        shown = "localhost" if host in ("0.0.0.0", "::") else host
        address = address_of(shown, server.rest_api_port or 0)
        say(f"To try it, open {scheme}://{address}/ in a browser.")
