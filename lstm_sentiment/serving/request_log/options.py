"""Options of the request log that the config of the models does not have."""

from dataclasses import dataclass

from lstm_sentiment.checks import positive, positive_seconds


@dataclass(frozen=True, kw_only=True)
class RequestLogOptions:
    """When a file of the log ends, and how much may wait to be written.

    Attributes:
        max_bytes: Size at which the next file begins. A longer record has a file of its own.
        max_age_seconds: Age at which the next file begins.
        max_waiting: Limit of requests that wait to be written; more are dropped and counted.
        max_waiting_bytes: Limit of their memory, in bytes.
        pause_seconds: Pause that lets more requests come, to be written together.

    Raises:
        InvalidInputError: If a number is not positive.
    """

    max_bytes: int = 64 * 2**20
    max_age_seconds: float = 3600.0
    max_waiting: int = 16_384
    max_waiting_bytes: int = 64 * 2**20
    pause_seconds: float = 0.1

    def __post_init__(self) -> None:
        """Checks the numbers."""
        positive(
            max_bytes=self.max_bytes,
            max_waiting=self.max_waiting,
            max_waiting_bytes=self.max_waiting_bytes,
        )
        positive_seconds(max_age_seconds=self.max_age_seconds, pause_seconds=self.pause_seconds)
