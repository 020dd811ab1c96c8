"""The version that a log is replayed to: in this process or on a server."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from lstm_sentiment.checks import one_of
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.errors import LightEngineRefusedError
from lstm_sentiment.serving.loading.options import Engine
from lstm_sentiment.version_folder import find_version, version_number

if TYPE_CHECKING:
    from lstm_sentiment.versions.verification.transports import LocalTransport, Transport


@dataclass(frozen=True)
class ReplayTarget:
    """The version to ask, on a server if one is named.

    Attributes:
        model_dir: A version's folder, or a base path, whose highest version answers.
        engine: The engine that loads it.
        server: `host:port` of a server's gRPC.
        rest_api: `host:port` of a server's REST.
        model_name: The model's name on the server.
        version: The version to ask the server for.
        version_label: The version label to ask the server for.
        connection: Further arguments of the client.
    """

    model_dir: Path
    engine: Engine
    server: str | None
    rest_api: str | None
    model_name: str
    version: int | None
    version_label: str | None
    connection: Mapping[str, Any]

    @contextmanager
    def opened(self) -> "Iterator[tuple[Transport, int | None]]":
        """Loads the version or connects to the server; yields its transport and its number.

        Raises:
            LstmSentimentError: As `verify_requests`.
        """
        if self.server is None and self.rest_api is None:
            version_dir = find_version(self.model_dir)
            yield _loaded(version_dir, self.engine), version_number(version_dir)
            return
        if not self.model_name:
            raise InvalidInputError(
                "`model_name` must be given, as the log does not name the model to ask for. "
                "Received: none."
            )
        from lstm_sentiment.client.predict_client import PredictClient
        from lstm_sentiment.client.rest_client import RestClient
        from lstm_sentiment.versions.verification.rest_transport import REST_RULE, RestTransport
        from lstm_sentiment.versions.verification.transports import GrpcTransport

        choice: dict[str, Any] = {"version": self.version, "version_label": self.version_label}
        if self.rest_api is not None:
            rest_client = RestClient(self.rest_api, REST_RULE, **self.connection)
            transport = RestTransport(rest_client, self.model_name, **choice)
            yield transport, transport.version()
            return
        with PredictClient(
            str(self.server), self.model_name, **choice, **self.connection
        ) as client:
            statuses = client.model_status()
            there = [status.version for status in statuses if status.state == "AVAILABLE"]
            yield GrpcTransport(client), max(there, default=None)


def _loaded(version_dir: Path, engine: Engine) -> "LocalTransport":
    from lstm_sentiment.light_twin.description import has_light_twin
    from lstm_sentiment.versions.verification.transports import LocalTransport

    one_of(get_args(Engine), engine=engine)
    if engine != "auto":
        return LocalTransport(version_dir, engine)
    if has_light_twin(version_dir):
        with suppress(LightEngineRefusedError):
            return LocalTransport(version_dir, "light")
    return LocalTransport(version_dir, "tensorflow")
