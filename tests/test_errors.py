"""Errors go from one process to another, as in a pool of `multiprocessing`."""

import pickle

import pytest

from lstm_sentiment.errors import InvalidInputError, LstmSentimentError, MissingExtraError
from lstm_sentiment.serving.errors import (
    NoVersionsFoundError,
    RequestTooLargeError,
    ServableLoadError,
    SignatureNotFoundError,
    VersionDidNotLoadError,
)
from lstm_sentiment.serving.servable_id import ServableId


@pytest.mark.parametrize(
    "error",
    [
        InvalidInputError("`n` must be 1. Received: 2."),
        SignatureNotFoundError("text"),
        VersionDidNotLoadError(ServableId("m", 1), ServableLoadError("its files are gone")),
        NoVersionsFoundError(["m"]),
        RequestTooLargeError("too many rows", max_batch_size=3),
        MissingExtraError("loading needs TensorFlow", name="tensorflow"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_that_was_pickled_is_the_same(error: LstmSentimentError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), vars(copy)) == (str(error), vars(error))
    assert getattr(copy, "name", None) == getattr(error, "name", None)
