"""What a running model server is asked for and told: ours or stock TensorFlow Serving.

`tensorflow_serving/apis/model_service.proto`.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

import grpc
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
)
from tensorflow_serving.config import model_server_config_pb2

from lstm_sentiment.checks import positive_seconds
from lstm_sentiment.client.access import TLSConfig
from lstm_sentiment.client.channel import Endpoint
from lstm_sentiment.client.errors import client_error
from lstm_sentiment.client.model_info import VersionStatus, read_version_statuses
from lstm_sentiment.client.retries import SYSTEM_TIMING, Timing
from lstm_sentiment.errors import InvalidInputError, LstmSentimentError, ServableUnavailableError

AVAILABLE = "AVAILABLE"

_POLL_SECONDS = 0.2

_Response = TypeVar("_Response")


class RunningServer:
    """A server's model service, by gRPC."""

    def __init__(
        self,
        address: str,
        *,
        tls: TLSConfig | bool = False,
        token: str | None = None,
        timeout_seconds: float = 120.0,
        timing: Timing = SYSTEM_TIMING,
    ) -> None:
        """Prepares to ask; connects later.

        Args:
            address: `host:port`.
            tls: As `PredictClient` takes it.
            token: As `PredictClient` takes it.
            timeout_seconds: How long one answer may take, and how long to wait for a version to
                become available.
            timing: The clock and the pauses between two looks; a test can replace them.

        Raises:
            InvalidInputError: If an argument breaks a rule.
        """
        positive_seconds(timeout_seconds=timeout_seconds)
        self._address = address
        self._timeout_seconds = timeout_seconds
        self._endpoint = Endpoint(address, tls, token)
        self._channel = self._endpoint.channel()
        self._stub = model_service_pb2_grpc.ModelServiceStub(self._channel)
        self._timing = timing

    def __enter__(self) -> "RunningServer":
        """Gives the server itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes the connection."""
        self._channel.close()

    def statuses(self, model_name: str) -> list[VersionStatus]:
        """Asks where the versions of a model stand.

        Args:
            model_name: The model.

        Returns:
            What the server tells, in its order.

        Raises:
            ServableNotFoundError: If the server knows no version of it.
            LstmSentimentError: If the server does not answer, or not this.
        """
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = model_name
        return read_version_statuses(self._ask(self._stub.GetModelStatus, request))

    def reload(self, config: model_server_config_pb2.ModelServerConfig) -> None:
        """Has the server serve the models of a config, and no others.

        Args:
            config: All models.

        Raises:
            LstmSentimentError: If the server refuses, with its reason, or does not answer.
        """
        request = model_management_pb2.ReloadConfigRequest(config=config)
        response = self._ask(self._stub.HandleReloadConfigRequest, request)
        if response.status.error_code:
            raise InvalidInputError(f"{self._address}: {response.status.error_message}")

    def wait_until_available(self, model_name: str, version: int) -> None:
        """Waits until a version can answer.

        Args:
            model_name: The model.
            version: The version.

        Raises:
            ServableUnavailableError: If it cannot be loaded, or takes longer than the timeout.
            LstmSentimentError: If the server does not answer.
        """
        end = self._timing.clock() + self._timeout_seconds
        while True:
            found = {status.version: status for status in self.statuses(model_name)}
            status = found.get(version)
            if status is not None and status.state == AVAILABLE:
                return
            told = describe_status(status)
            if status is not None and status.error_message:
                raise ServableUnavailableError(
                    f"{self._address}: version {version} of model {model_name} {told}."
                )
            if self._timing.clock() >= end:
                raise ServableUnavailableError(
                    f"{self._address}: version {version} of model {model_name} must become "
                    f"available within {self._timeout_seconds:g} seconds. Received: it {told}."
                )
            self._timing.sleep(_POLL_SECONDS)

    def _ask(self, method: Callable[..., _Response], request: Any) -> _Response:
        try:
            return method(request, timeout=self._timeout_seconds, metadata=self._endpoint.metadata)
        except grpc.RpcError as error:
            raise self._error(error) from error

    def _error(self, error: grpc.RpcError) -> LstmSentimentError:
        return client_error(self._address, error, self._timeout_seconds)


def describe_status(status: VersionStatus | None) -> str:
    """Says where a version stands, to go on after its name.

    Args:
        status: What the server tells of it; `None` for nothing.
    """
    if status is None:
        return "is not known to the server"
    reason = f": {status.error_message}" if status.error_message else ""
    return f"is {status.state}{reason}"
