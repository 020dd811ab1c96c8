"""What both clients are made of: all but the waiting."""

import threading
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from lstm_sentiment.checks import at_least, positive, positive_seconds
from lstm_sentiment.client.access import TLSConfig
from lstm_sentiment.client.channel import Endpoint
from lstm_sentiment.client.errors import client_error, closed_error, trailing_value
from lstm_sentiment.client.questions import RPC, Questions
from lstm_sentiment.client.retries import SYSTEM_TIMING, Attempts, Deadline, Timing
from lstm_sentiment.errors import LstmSentimentError, ServableUnavailableError
from lstm_sentiment.models_config.version_label import chosen_label

_Methods = dict[RPC, Callable[..., Any]]

# Trailing metadata of a refusal: how many rows one request may have.
_BATCH_LIMIT_KEY = "max-batch-size"


class BatchLimit:
    """How many rows one request may have: what the caller said, and what the server told since.

    Attributes:
        rows: At most as many; `None` where neither said a number.
    """

    def __init__(self, rows: int | None) -> None:
        """Starts from what the caller says.

        Args:
            rows: At most as many; `None` for no limit of the caller's.

        Raises:
            InvalidInputError: If it is not positive.
        """
        positive(max_batch_size=rows)
        self.rows = rows

    def learn(self, error: LstmSentimentError, sent_rows: int) -> bool:
        """Remembers the server's limit, where a refusal tells of one that was passed.

        Args:
            error: What became of a request, raised from what gRPC raised.
            sent_rows: The rows that it had.

        Returns:
            Whether smaller requests are worth sending.
        """
        refusal = error.__cause__
        if not isinstance(refusal, grpc.RpcError):
            return False
        told = trailing_value(refusal, _BATCH_LIMIT_KEY)
        if told is None or not (told.isascii() and told.isdigit()):
            return False
        if not 0 < int(told) < sent_rows:
            return False
        # Another thread may have learned a smaller one meanwhile.
        self.rows = int(told) if self.rows is None else min(self.rows, int(told))
        return True


class ClientBase:
    """Whom a client asks, what it may take, and what it raises where no answer comes."""

    def __init__(
        self,
        address: str,
        model: str,
        *,
        version: int | None = None,
        version_label: str | None = None,
        label: str | None = None,
        timeout_seconds: float = 10.0,
        max_retries: int = 3,
        max_batch_size: int | None = None,
        tls: TLSConfig | bool = False,
        token: str | None = None,
        timing: Timing = SYSTEM_TIMING,
    ) -> None:
        """Prepares to ask; connects later.

        Args:
            address: The server's gRPC address, `host:port`.
            model: The model's name on the server.
            version: Ask this version; `None` for the highest available.
            version_label: Ask the version with this label, instead of a number.
            label: `version_label` by its name in earlier releases.
            timeout_seconds: The deadline of each call of a method: by then all of its answer must
                be there, pauses, retries and all parts of a divided batch included.
            max_retries: How often a request is sent again while the server is UNAVAILABLE (gRPC's
                word: it is down, starting or has no capacity); other refusals are raised at once.
                The pause before each is drawn from 0 to 0.1, 0.2, 0.4... at most 5 seconds, or is
                the server's own `grpc-retry-pushback-ms`. No pause goes past the deadline.
            max_batch_size: How many texts or rows one request may have; longer lists are divided.
                `None` sends all at once. A server that refuses a request and tells its limit as
                `max-batch-size` in the trailing metadata, as the one of this package does, is asked
                in parts of that size from then on.
            tls: `True` for TLS with the authorities gRPC comes with; a `TLSConfig` for one's own,
                for mutual TLS or another server name.
            token: Sent with each request as `authorization: Bearer TOKEN`. Goes with `tls`, or with
                an address on this machine: it never travels in the clear.
            timing: The clock, the pauses and the jitter of retries; a test can replace them.

        Raises:
            InvalidInputError: If an argument breaks a rule, more than one of `version`,
                `version_label` and `label` is given, or a file of `tls` cannot be used.
        """
        self._questions = Questions(
            address, model, version, chosen_label(version, version_label, label)
        )
        positive_seconds(timeout_seconds=timeout_seconds)
        at_least(0, max_retries=max_retries)
        self._address = address
        self._timeout_seconds = timeout_seconds
        self._max_retries = max_retries
        self._timing = timing
        self._batch_limit = BatchLimit(max_batch_size)
        self._endpoint = Endpoint(address, tls, token)
        self._is_closed = False
        self._lock = threading.Lock()

    def _deadline(self, timeout_seconds: float | None) -> Deadline:
        seconds = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        return Deadline(seconds, self._timing.clock)

    def _attempts(self, deadline: Deadline) -> Attempts:
        return Attempts(deadline, self._max_retries, self._timing)

    def _options(self, deadline: Deadline) -> dict[str, Any]:
        """What goes with a request that is sent now."""
        return {
            "timeout": deadline.remaining_seconds(),
            "metadata": self._endpoint.metadata,
            # A server that is down must be heard of at once, for the retries to count.
            "wait_for_ready": False,
        }

    def _error(self, error: grpc.RpcError, deadline: Deadline) -> LstmSentimentError:
        return client_error(self._address, error, deadline.timeout_seconds)

    def _closed(self) -> ServableUnavailableError:
        return closed_error(self._address)


def server_methods(channel: grpc.Channel | grpc.aio.Channel) -> _Methods:
    """The methods of a server.

    Args:
        channel: The way there.

    Returns:
        By name, what sends a request; to be awaited where the channel is one for coroutines.
    """
    prediction = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    model = model_service_pb2_grpc.ModelServiceStub(channel)
    return {
        "Predict": prediction.Predict,
        "Classify": prediction.Classify,
        "GetModelMetadata": prediction.GetModelMetadata,
        "GetModelStatus": model.GetModelStatus,
    }
