"""Log lines of a transport that has as many connections as it may: one then, one after."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from lstm_sentiment.serving.log_lines import get_logger

logger = get_logger(__name__)

Entrypoint = Literal["GRPC", "REST"]
CrowdingEvent = Literal["closed", "paused"]

_CALM_SECONDS = 5.0


@dataclass
class _Crowd:
    """The time from the first event at the limit until nothing happened there for seconds."""

    since: float
    last: float
    events: dict[CrowdingEvent, int] = field(default_factory=lambda: {"closed": 0, "paused": 0})
    told: set[str] = field(default_factory=set)


class Crowding:
    """Counts idle connections that were closed for new ones, and pauses of accepting.

    The log gets a line for each reason when it begins, and one when all is over. Not safe to share
    among threads.
    """

    def __init__(
        self,
        entrypoint: Entrypoint,
        count: Callable[[Entrypoint, CrowdingEvent, int], None] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begins without a crowd.

        Args:
            entrypoint: The transport.
            count: Called with the transport, what happened and how often, for metrics; or `None`.
            clock: Returns seconds since any fixed moment.
        """
        self._entrypoint, self._count, self._clock = entrypoint, count, clock
        self._crowd: _Crowd | None = None

    def closed(self, why: str, number: int = 1) -> None:
        """Counts idle connections that were closed.

        Args:
            why: The beginning of the line in the log.
            number: How many were closed.
        """
        self._note("closed", number, f"{why}: the longest idle ones are closed to accept new ones")

    def paused(self, why: str) -> None:
        """Counts a time in which no connection could be accepted.

        Args:
            why: The line in the log.
        """
        self._note("paused", 1, why)

    def look(self) -> None:
        """Tells that the crowd is over, if it is; to be called every second or so."""
        crowd, now = self._crowd, self._clock()
        if crowd is None or now - crowd.last < _CALM_SECONDS:
            return
        self._crowd = None
        logger.info(
            "%s accepts connections again: in %.0f s it closed %s idle ones, and paused %s times",
            _NAMES[self._entrypoint],
            crowd.last - crowd.since,
            f"{crowd.events['closed']:,}",
            f"{crowd.events['paused']:,}",
        )

    def _note(self, event: CrowdingEvent, number: int, told: str) -> None:
        now = self._clock()
        crowd = self._crowd
        if crowd is None:
            crowd = self._crowd = _Crowd(now, now)
        crowd.last = now
        crowd.events[event] += number
        if self._count is not None:
            self._count(self._entrypoint, event, number)
        if told not in crowd.told:
            crowd.told.add(told)
            logger.warning("%s: %s", _NAMES[self._entrypoint], told)


_NAMES: dict[Entrypoint, str] = {"GRPC": "gRPC", "REST": "REST"}
