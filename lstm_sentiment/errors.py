"""The errors this package raises on purpose.

    LstmSentimentError
    ├── InvalidInputError (ValueError)          a text, file, flag or request that breaks a rule
    ├── ConfigError (ValueError)                a configuration file that breaks a rule
    ├── ServableNotFoundError (LookupError)     no such model, version or label
    ├── ServableUnavailableError                it exists, and cannot answer now
    ├── MissingExtraError (ImportError)         a package of an extra that is not installed
    ├── TrainingError                           training had to stop; the message names what is kept
    └── ExportError                             a version could not be written

Each message gives the rule, then what arrived. None depends on HTTP or gRPC: every transport keeps
one table from these classes to its own status codes.
"""

from typing import Any


class LstmSentimentError(Exception):
    """Base of every error raised on purpose by `lstm_sentiment`."""

    def __reduce__(self) -> Any:
        """Pickles the message, from which no subclass can be made by its `__init__`."""
        reduced: Any = super().__reduce__()
        _, arguments, *state = reduced
        return _unpickled, (type(self), arguments), *state


def _unpickled(kind: type[LstmSentimentError], arguments: tuple[Any, ...]) -> LstmSentimentError:
    return kind.__new__(kind, *arguments)


class InvalidInputError(LstmSentimentError, ValueError):
    """Input that breaks a stated rule: the caller can mend it."""


class ConfigError(LstmSentimentError, ValueError):
    """A configuration that cannot be read, or that contradicts itself."""


class ServableNotFoundError(LstmSentimentError, LookupError):
    """A model, a version or a label that nobody serves."""


class ServableUnavailableError(LstmSentimentError):
    """A servable that is known but cannot answer at this moment."""


class MissingExtraError(LstmSentimentError, ImportError):
    """A package that is not installed; the message has the command that installs it."""


class TrainingError(LstmSentimentError):
    """Training that cannot go on: a loss that is no number, a checkpoint that cannot be written."""


class ExportError(LstmSentimentError):
    """A version that could not be written; nothing of it is left behind."""
