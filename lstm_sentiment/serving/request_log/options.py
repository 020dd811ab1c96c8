"""Options of the request log that the config of the models does not have."""

from dataclasses import dataclass
from typing import Annotated

from lstm_sentiment.ranges import BYTES, COUNT, PAUSE_SECONDS, TIMEOUT_SECONDS, check_fields


@dataclass(frozen=True, kw_only=True)
class RequestLogOptions:
    """When a file of the log ends, and how much may wait to be written.

    Attributes:
        max_bytes: Size at which the next file begins. A longer record has a file of its own.
        max_age_seconds: Age at which the next file begins; infinity for no limit.
        max_waiting: Limit of requests that wait to be written; more are dropped and counted.
        max_waiting_bytes: Limit of their memory, in bytes.
        pause_seconds: Pause that lets more requests come, to be written together.

    Raises:
        InvalidInputError: If a number is not positive, or `pause_seconds` is more than a year.
    """

    max_bytes: Annotated[int, BYTES] = 64 * 2**20
    max_age_seconds: Annotated[float, TIMEOUT_SECONDS] = 3600.0
    max_waiting: Annotated[int, COUNT] = 16_384
    max_waiting_bytes: Annotated[int, BYTES] = 64 * 2**20
    pause_seconds: Annotated[float, PAUSE_SECONDS] = 0.1

    def __post_init__(self) -> None:
        """Checks the numbers."""
        check_fields(self)
