"""Errors of one process, raised in another."""

import pickle

from lstm_sentiment.errors import LstmSentimentError


def outcome_of(error: BaseException) -> bytes:
    """Returns an error as bytes: its class and its message.

    An error that is neither this package's nor Python's becomes a `RuntimeError`.
    """
    kind, message = type(error), " ".join(str(error).split())
    if not isinstance(error, LstmSentimentError) and kind.__module__ != "builtins":
        kind, message = RuntimeError, f"{kind.__name__}: {message}"
    return pickle.dumps((kind, message))


def raise_outcome(outcome: bytes | None) -> None:
    """Raises the error that these bytes are, if there is one."""
    if outcome is not None:
        kind, message = pickle.loads(outcome)
        # Whatever its class makes messages of, this message is whole.
        raise kind.__new__(kind, message)
