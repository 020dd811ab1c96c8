"""Canonical status codes of errors, shared by both transports.

The codes are gRPC's, which TensorFlow's own status codes are too (`google/rpc/code.proto`); REST
has one table from them to HTTP statuses.
"""

import enum
import re

from lstm_sentiment.errors import (
    ConfigError,
    InvalidInputError,
    LstmSentimentError,
    ServableNotFoundError,
    ServableUnavailableError,
)
from lstm_sentiment.serving.errors import (
    DeadlineExceededError,
    ModelsNotAvailableError,
    NotImplementedInServingError,
    PermissionDeniedError,
    RequestCancelledError,
    ResourceExhaustedError,
    SignatureNotFoundError,
    UnauthenticatedError,
    VersionNotAvailableError,
)
from lstm_sentiment.serving.log_lines import get_logger

logger = get_logger(__name__)


class Code(enum.Enum):
    """The canonical codes that this server uses."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


CODES: dict[type[BaseException], Code] = {
    SignatureNotFoundError: Code.FAILED_PRECONDITION,
    VersionNotAvailableError: Code.FAILED_PRECONDITION,
    InvalidInputError: Code.INVALID_ARGUMENT,
    ConfigError: Code.INVALID_ARGUMENT,
    ServableNotFoundError: Code.NOT_FOUND,
    ServableUnavailableError: Code.UNAVAILABLE,
    ModelsNotAvailableError: Code.UNKNOWN,
    ResourceExhaustedError: Code.RESOURCE_EXHAUSTED,
    DeadlineExceededError: Code.DEADLINE_EXCEEDED,
    RequestCancelledError: Code.CANCELLED,
    PermissionDeniedError: Code.PERMISSION_DENIED,
    UnauthenticatedError: Code.UNAUTHENTICATED,
    NotImplementedInServingError: Code.UNIMPLEMENTED,
    LstmSentimentError: Code.INTERNAL,
}
"""Maps errors to codes; an error has the code of its nearest base class."""

UNEXPECTED_ERROR_MESSAGE = "internal error"
"""The message to clients for an unexpected error."""

# Codes of the server's own faults: their messages must not show its folders to clients.
_CODES_OF_THE_SERVER = (Code.UNKNOWN, Code.INTERNAL, Code.UNAVAILABLE)
_FOLDER = re.compile(r"(?<![\w./:])/(?:[^\s/'\":;,]+/)+")


def canonical_code(error: LstmSentimentError) -> Code:
    """Returns the code of an error's nearest class in `CODES`."""
    return next(CODES[cls] for cls in type(error).__mro__ if cls in CODES)


def code_and_message(error: Exception) -> tuple[Code, str]:
    """Returns the code and the message that a client gets for an error.

    An unexpected error is logged with its traceback; the client gets `UNEXPECTED_ERROR_MESSAGE`.
    Messages of the server's own faults have their folders removed.
    """
    if not isinstance(error, LstmSentimentError):
        logger.error("a request failed unexpectedly", exc_info=error)
        return Code.INTERNAL, UNEXPECTED_ERROR_MESSAGE
    code, message = canonical_code(error), str(error)
    return code, _FOLDER.sub("", message) if code in _CODES_OF_THE_SERVER else message
