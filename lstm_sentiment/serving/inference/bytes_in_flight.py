"""The bytes of all requests that are received or answered: bounded as a whole."""

from collections.abc import Callable
from types import TracebackType

from lstm_sentiment.serving.errors import ResourceExhaustedError
from lstm_sentiment.serving.log_lines import get_logger

logger = get_logger(__name__)

SMALL_BYTES = 1 << 16
"""A request of at most so many bytes has a share of the limit that larger ones cannot take."""

MEMORY_RETURN_BYTES = 1 << 20
"""Size of a request from which the memory that it took is returned to the operating system."""

RETRY_SECONDS = 1
"""When a request that was refused may be sent again."""

_SHARE_OF_SMALL = 4


class BytesInFlight:
    """Counts the bytes of requests, on the event loop alone.

    A quarter of the limit is left to small requests, so that large ones that wait do not keep
    them out. A request that is larger than the limit is taken while there is no other.
    """

    def __init__(
        self,
        limit: int | None = None,
        *,
        when_refused: Callable[[], None] | None = None,
        when_large_ended: Callable[[], None] | None = None,
    ) -> None:
        """Begins with none.

        Args:
            limit: Bytes that may be in flight; `None` for no limit.
            when_refused: Called for each request that is refused.
            when_large_ended: Called when a request of at least `MEMORY_RETURN_BYTES` has ended.
        """
        self._limit, self._when_refused = limit, when_refused
        self._when_large_ended = when_large_ended
        self._bytes = self._refused = 0

    @property
    def bytes(self) -> int:
        """The bytes that are in flight."""
        return self._bytes

    def holding(self) -> "HeldBytes":
        """Returns the bytes of one request, none at first, as a context that ends with it."""
        return HeldBytes(self)

    def take(self, count: int, held: int) -> None:
        """Takes bytes for a request that holds some already.

        Raises:
            ResourceExhaustedError: If they do not fit beside those of other requests.
        """
        self.check(count, held)
        self._bytes += count

    def check(self, count: int, held: int) -> None:
        """Checks that bytes fit, and takes none; arguments and errors are those of `take`."""
        limit = self._limit
        if limit is None:
            return
        if held + count > SMALL_BYTES:
            limit -= limit // _SHARE_OF_SMALL
        if self._bytes + count > limit and self._bytes > held:
            self._refuse()

    def give_back(self, count: int) -> None:
        """Gives back the bytes of a request that has ended."""
        self._bytes -= count
        if count >= MEMORY_RETURN_BYTES and self._when_large_ended is not None:
            self._when_large_ended()
        if self._refused and self._limit is not None and self._bytes <= self._limit // 2:
            logger.info(
                "requests in progress have at most half of --max-bytes-in-flight again; %s "
                "requests were refused meanwhile",
                self._refused,
            )
            self._refused = 0

    def _refuse(self) -> None:
        if not self._refused:
            logger.warning(
                "requests of %s bytes are in flight, of %s by --max-bytes-in-flight: more are "
                "refused until some are answered",
                self._bytes,
                self._limit,
            )
        self._refused += 1
        if self._when_refused is not None:
            self._when_refused()
        raise ResourceExhaustedError(
            f"the requests that are answered at once must have at most {self._limit} bytes "
            "together (--max-bytes-in-flight). Received: one more; send it again later."
        )


class HeldBytes:
    """The bytes of one request."""

    __slots__ = ("_all", "_held")

    def __init__(self, of_all: BytesInFlight) -> None:
        """Begins with none; made by `BytesInFlight.holding`."""
        self._all = of_all
        self._held = 0

    def take(self, count: int) -> None:
        """Takes more bytes, see `BytesInFlight.take`."""
        self._all.take(count, self._held)
        self._held += count

    def check(self, count: int) -> None:
        """Checks that bytes fit, and takes none."""
        self._all.check(count, self._held)

    def __enter__(self) -> "HeldBytes":
        """Returns itself."""
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Gives all bytes back."""
        self._all.give_back(self._held)
        self._held = 0
