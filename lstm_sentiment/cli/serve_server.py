"""The server that the flags of `serve` describe, in this process or in a worker."""

import gc
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lstm_sentiment.cli.engine_flags import EngineFlags
from lstm_sentiment.cli.serve_access_flags import AccessFlags, MonitoringFlags, ShadowFlags
from lstm_sentiment.cli.serve_flags import LimitFlags, LoadingFlags, ModelsFlags
from lstm_sentiment.errors import ServableNotFoundError
from lstm_sentiment.serving.workers.orders import Address
from lstm_sentiment.system import raise_descriptor_limit, use_one_arena
from lstm_sentiment.version_folder import find_version

if TYPE_CHECKING:
    from lstm_sentiment.protocol.model_server_config_pb2 import ModelServerConfig
    from lstm_sentiment.serving.peers import Peers
    from lstm_sentiment.serving.server import ModelServer
    from lstm_sentiment.serving.server_options import ServerOptions


@dataclass(frozen=True)
class ServeFlags:
    """All flags of `serve` but the address and the number of workers."""

    models: ModelsFlags
    loading: LoadingFlags
    limits: LimitFlags
    access: AccessFlags
    monitoring: MonitoringFlags
    shadow: ShadowFlags
    drain_seconds: float

    def options(self) -> "ServerOptions":
        """Returns the options that the flags set, read from their files."""
        from lstm_sentiment.serving.server_options import ServerOptions

        models, limits, monitoring = self.models, self.limits, self.monitoring
        return ServerOptions(
            file_system_poll_wait_seconds=models.file_system_poll_wait_seconds,
            model_config_file_poll_wait_seconds=models.model_config_file_poll_wait_seconds,
            allow_version_labels_for_unavailable_models=(
                models.allow_version_labels_for_unavailable_models
            ),
            loading=self.loading.options(),
            batching=limits.batching(),
            grpc_max_threads=limits.grpc_max_threads or None,
            grpc_channel_arguments=limits.channel_arguments(),
            rest_api_timeout_seconds=limits.rest_api_timeout_in_ms / 1e3 or None,
            rest_api_keep_alive_seconds=limits.rest_api_keep_alive_seconds,
            max_connections=limits.max_connections or None,
            limits=limits.limits(),
            max_bytes_in_flight=limits.max_bytes_in_flight or None,
            access_poll_wait_seconds=self.access.access_poll_wait_seconds,
            credentials=self.access.credentials(),
            auth_tokens=self.access.tokens(),
            cors_origins=self.access.cors_origins(),
            allowed_base_paths=self.access.base_paths(),
            allowed_hosts=self.access.hosts(),
            monitoring=monitoring.config(),
            text_sample_share=monitoring.text_sample_share,
            drift_alpha=monitoring.drift_alpha,
            access_log=monitoring.log(),
            shadow=self.shadow.options(),
            request_log=monitoring.request_log(),
            grpc_health=monitoring.enable_grpc_healthcheck_service,
            grpc_reflection=monitoring.enable_grpc_reflection,
            ui=monitoring.ui,
            grace_seconds=self.drain_seconds,
        )


def make_server(flags: ServeFlags, address: Address, peers: "Peers | None" = None) -> "ModelServer":
    """Makes the server, which is not started.

    Args:
        flags: The flags.
        address: Where it listens.
        peers: The other workers, in a worker.

    Raises:
        LstmSentimentError: If a flag, or a file that one names, breaks a rule.
    """
    use_one_arena()
    raise_descriptor_limit()
    options = flags.options()
    config = flags.models.config()
    _prepare(flags.loading, config)
    from lstm_sentiment.serving.server import ModelServer

    server = ModelServer(
        config,
        options,
        port=address.port,
        rest_api_port=address.rest_api_port,
        host=address.host,
        grpc_socket_path=address.grpc_socket_path,
        peers=peers,
    )
    # What is here now stays: without it, the garbage collector finds an unloaded version sooner.
    gc.collect()
    gc.freeze()
    return server


def _prepare(loading: LoadingFlags, config: "Path | ModelServerConfig") -> None:
    """Imports TensorFlow where it is sure to be needed, so that its own lines are not shown."""
    from lstm_sentiment.models_config.config import load_models_config

    models = load_models_config(config) if isinstance(config, Path) else config
    folders = []
    for model in models.model_config_list.config:
        with suppress(ServableNotFoundError):  # a version may come later
            folders.append(find_version(Path(model.base_path)))
    EngineFlags("tensorflow" if loading.xla_cpu_compilation_enabled else loading.engine).prepare(
        *folders
    )
