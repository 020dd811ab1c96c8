"""The gRPC model service of a running server: this package's or stock TensorFlow Serving.

`tensorflow_serving/apis/model_service.proto`.
"""

from types import TracebackType
from typing import Any

import grpc
from google.protobuf.message import Message

from lstm_sentiment.checks import positive_seconds
from lstm_sentiment.client.access import TLSConfig
from lstm_sentiment.client.channel import Endpoint
from lstm_sentiment.client.errors import client_error
from lstm_sentiment.client.model_info import VersionStatus, read_version_statuses
from lstm_sentiment.client.retries import SYSTEM_TIMING, Timing
from lstm_sentiment.errors import InvalidInputError, LstmSentimentError, ServableUnavailableError
from lstm_sentiment.models_config.config import as_models_config
from lstm_sentiment.protocol.model_management_pb2 import GetModelStatusRequest, ReloadConfigRequest
from lstm_sentiment.protocol.services import MODEL_SERVICE, calls
from lstm_sentiment.timeouts import timeout_or_none

AVAILABLE = "AVAILABLE"

_POLL_SECONDS = 0.2


class RunningServer:
    """The model service of a running server: the state of versions, and reloading a config.

    Every method raises LstmSentimentError if the server cannot be reached or refuses the request.

    Raises:
        InvalidInputError: If an argument breaks a rule.
    """

    def __init__(
        self,
        address: str,
        *,
        tls: TLSConfig | bool = False,
        token: str | None = None,
        timeout_seconds: float = 120.0,
        timing: Timing = SYSTEM_TIMING,
    ) -> None:
        """Checks the arguments; the connection is opened by the first request.

        Args:
            address: `host:port`.
            tls: As `PredictClient` takes it.
            token: As `PredictClient` takes it.
            timeout_seconds: The deadline of one request, and of waiting for a version.
            timing: The clock, and the pauses while waiting; a test can replace them.
        """
        positive_seconds(timeout_seconds=timeout_seconds)
        self._address = address
        self._timeout_seconds = timeout_seconds
        self._endpoint = Endpoint(address, tls, token)
        self._channel = self._endpoint.channel()
        self._methods = calls(self._channel, MODEL_SERVICE)
        self._timing = timing

    def __enter__(self) -> "RunningServer":
        """Returns the server."""
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
        """Returns the state of a model's versions, in the server's order.

        Raises:
            ServableNotFoundError: If the server knows no version of the model.
        """
        request = GetModelStatusRequest()
        request.model_spec.name = model_name
        return read_version_statuses(self._ask("GetModelStatus", request))

    def reload(self, config: Message) -> None:
        """Sends a config: from then on the server serves its models, and no others.

        Args:
            config: A `tensorflow.serving.ModelServerConfig`, of this package or of
                tensorflow-serving-api.

        Raises:
            InvalidInputError: If the server refuses the config, with its reason.
        """
        request = ReloadConfigRequest(config=as_models_config(config))
        response = self._ask("HandleReloadConfigRequest", request)
        if response.status.error_code:
            raise InvalidInputError(f"{self._address}: {response.status.error_message}")

    def wait_until_available(self, model_name: str, version: int) -> None:
        """Waits until a version is available.

        Raises:
            ServableUnavailableError: If the version cannot be loaded, or not within the timeout.
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

    def _ask(self, method: str, request: Message) -> Any:
        call = self._methods[method]
        try:
            return call(
                request,
                timeout=timeout_or_none(self._timeout_seconds),
                metadata=self._endpoint.metadata,
            )
        except grpc.RpcError as error:
            raise self._error(error) from error

    def _error(self, error: grpc.RpcError) -> LstmSentimentError:
        return client_error(self._address, error, self._timeout_seconds, self._endpoint.hint)


def describe_status(status: VersionStatus | None) -> str:
    """Returns the end of a sentence about a version, such as `is LOADING`.

    Args:
        status: `None` for a version that the server does not know.
    """
    if status is None:
        return "is not known to the server"
    reason = f": {status.error_message}" if status.error_message else ""
    return f"is {status.state}{reason}"
