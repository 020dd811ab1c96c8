import logging

import grpc
import pytest

from lstm_sentiment.errors import (
    ConfigError,
    InvalidInputError,
    LstmSentimentError,
    ServableNotFoundError,
    ServableUnavailableError,
)
from lstm_sentiment.serving.canonical_code import Code, canonical_code, code_and_message
from lstm_sentiment.serving.errors import (
    DeadlineExceededError,
    ModelsNotAvailableError,
    NotImplementedInServingError,
    OverloadedError,
    RequestCancelledError,
    RequestTooLargeError,
    ServableLoadError,
    ServableRunError,
    SignatureNotFoundError,
    UnauthenticatedError,
    VersionNotAvailableError,
)
from lstm_sentiment.serving.rest_api.responses import HTTP_STATUSES
from lstm_sentiment.serving.servable_id import ServableId


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (InvalidInputError("x"), grpc.StatusCode.INVALID_ARGUMENT, 400),
        (RequestTooLargeError("x"), grpc.StatusCode.INVALID_ARGUMENT, 400),
        (ConfigError("x"), grpc.StatusCode.INVALID_ARGUMENT, 400),
        (SignatureNotFoundError("x"), grpc.StatusCode.FAILED_PRECONDITION, 400),
        (
            VersionNotAvailableError(ServableId("m", 1)),
            grpc.StatusCode.FAILED_PRECONDITION,
            400,
        ),
        (UnauthenticatedError("x"), grpc.StatusCode.UNAUTHENTICATED, 401),
        (ServableNotFoundError("x"), grpc.StatusCode.NOT_FOUND, 404),
        (RequestCancelledError("x"), grpc.StatusCode.CANCELLED, 499),
        (ModelsNotAvailableError(1, ["x"]), grpc.StatusCode.UNKNOWN, 500),
        (ServableRunError("x"), grpc.StatusCode.INTERNAL, 500),
        (LstmSentimentError("x"), grpc.StatusCode.INTERNAL, 500),
        (NotImplementedInServingError("x"), grpc.StatusCode.UNIMPLEMENTED, 501),
        (ServableUnavailableError("x"), grpc.StatusCode.UNAVAILABLE, 503),
        (ServableLoadError("x"), grpc.StatusCode.UNAVAILABLE, 503),
        (OverloadedError("x"), grpc.StatusCode.UNAVAILABLE, 503),
        (DeadlineExceededError("x"), grpc.StatusCode.DEADLINE_EXCEEDED, 504),
    ],
)
def test_an_error_means_the_same_to_both_transports(
    error: LstmSentimentError, code: grpc.StatusCode, status: int
) -> None:
    found = canonical_code(error)
    assert grpc.StatusCode[found.name] is code
    assert HTTP_STATUSES[found] == status


def test_every_code_is_grpc_s_and_has_an_http_status() -> None:
    assert all(grpc.StatusCode[code.name].value[0] == code.value for code in Code)
    assert set(HTTP_STATUSES) == set(Code)


def test_an_error_that_nobody_foresaw_is_logged_and_not_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR)
    error = RuntimeError("/secret/path")
    assert code_and_message(error) == (Code.INTERNAL, "internal error")
    assert "/secret/path" in caplog.text


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            "cannot open /srv/models/m/1/assets/v.txt; no such file",
            "cannot open v.txt; no such file",
        ),
        ("at '/srv/a b/c.txt'", "at 'a b/c.txt'"),
        ("1/2 of http://host/a/b", "1/2 of http://host/a/b"),
        ("node model/lstm/MatMul failed", "node model/lstm/MatMul failed"),
    ],
)
def test_no_folder_of_the_server_is_told(message: str, told: str) -> None:
    assert code_and_message(ServableRunError(message)) == (Code.INTERNAL, told)
    # What the caller sent comes back as it came.
    assert code_and_message(InvalidInputError(message)) == (Code.INVALID_ARGUMENT, message)
