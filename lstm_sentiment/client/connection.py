"""The common part of both clients: everything but waiting."""

import threading
from collections.abc import Callable
from typing import Any, get_args

import grpc
import grpc.aio

from lstm_sentiment.checks import at_least, positive, positive_seconds
from lstm_sentiment.client.access import TLSConfig
from lstm_sentiment.client.channel import Endpoint
from lstm_sentiment.client.errors import client_error, closed_error, trailing_value
from lstm_sentiment.client.questions import RPC, Questions
from lstm_sentiment.client.retries import SYSTEM_TIMING, Attempts, Deadline, Timing
from lstm_sentiment.errors import LstmSentimentError, ServableUnavailableError
from lstm_sentiment.models_config.version_label import chosen_label
from lstm_sentiment.protocol.services import MODEL_SERVICE, PREDICTION_SERVICE, calls

_Methods = dict[RPC, Callable[..., Any]]

# Trailing metadata of a refusal: how many rows one request may have.
_BATCH_LIMIT_KEY = "max-batch-size"


class BatchLimit:
    """The largest batch of one request, set by the caller and lowered by the server's refusals.

    Attributes:
        rows: The most rows of one request; `None` for no known limit.

    Raises:
        InvalidInputError: If `rows` is not positive.
    """

    def __init__(self, rows: int | None) -> None:
        """Starts from the caller's limit."""
        positive(max_batch_size=rows)
        self.rows = rows

    def learn(self, error: LstmSentimentError, sent_rows: int) -> bool:
        """Lowers the limit to the one that a refusal names, if it does.

        Args:
            error: The error of a request, raised from gRPC's.
            sent_rows: The rows of the request.

        Returns:
            True if the request had more rows than the limit, so that smaller ones may succeed.
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
    """Arguments, deadlines and errors of both clients, see `PredictClient`."""

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
        """Checks the arguments; the connection is opened by the first request.

        Args:
            address: The server's gRPC address, `host:port`.
            model: The model's name on the server.
            version: Version number to query; `None` for the highest available.
            version_label: Version label to query, instead of a number.
            label: `version_label` by its name in earlier releases.
            timeout_seconds: The deadline of each method call, with all retries, pauses and parts
                of a divided batch.
            max_retries: The most retries of a request while the server is UNAVAILABLE (down,
                starting or out of capacity); other refusals are raised at once. The pause before
                a retry is drawn from 0 to 0.1, 0.2, 0.4... at most 5 seconds, or is the server's
                `grpc-retry-pushback-ms`. No pause goes past the deadline.
            max_batch_size: The most texts or rows of one request; longer lists are divided. `None`
                sends all at once, until a server refuses a request with its limit as
                `max-batch-size` in the trailing metadata, as this package's does.
            tls: `True` for TLS with gRPC's own CA certificates; a `TLSConfig` for other ones, for
                mutual TLS or for another server name.
            token: Sent with each request as `authorization: Bearer TOKEN`. Needs `tls` or an
                address on this machine: a token never travels in the clear.
            timing: The clock, the pauses and the jitter of retries; a test can replace them.
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
        return {
            "timeout": deadline.remaining_seconds(),
            "metadata": self._endpoint.metadata,
            # A server that is down fails the request at once, so that retries are counted.
            "wait_for_ready": False,
        }

    def _error(self, error: grpc.RpcError, deadline: Deadline) -> LstmSentimentError:
        return client_error(self._address, error, deadline.timeout_seconds, self._endpoint.hint)

    def _closed(self) -> ServableUnavailableError:
        return closed_error(self._address)


def server_methods(channel: grpc.Channel | grpc.aio.Channel) -> _Methods:
    """Returns the server's methods by name; those of a channel for coroutines must be awaited."""
    by_name = {**calls(channel, PREDICTION_SERVICE), **calls(channel, MODEL_SERVICE)}
    return {rpc: by_name[rpc] for rpc in get_args(RPC)}
