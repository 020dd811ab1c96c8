"""How large one request may be, as far as the client knows."""

import grpc

from lstm_sentiment.client.errors import trailing_value
from lstm_sentiment.errors import InvalidInputError, LstmSentimentError

BATCH_LIMIT_KEY = "max-batch-size"
"""Trailing metadata of a refusal: how many rows one request may have."""


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
        if rows is not None and rows < 1:
            raise InvalidInputError(
                f"`max_batch_size` must be a positive integer. Received: max_batch_size={rows}."
            )
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
        told = trailing_value(refusal, BATCH_LIMIT_KEY)
        if told is None or not (told.isascii() and told.isdigit()):
            return False
        if not 0 < int(told) < sent_rows:
            return False
        # Another thread may have learned a smaller one meanwhile.
        self.rows = int(told) if self.rows is None else min(self.rows, int(told))
        return True
