"""The bytes of all requests together."""

import logging

import pytest

from lstm_sentiment.serving.errors import ResourceExhaustedError
from lstm_sentiment.serving.inference.bytes_in_flight import (
    MEMORY_RETURN_BYTES,
    SMALL_BYTES,
    BytesInFlight,
)

LIMIT = 16 * SMALL_BYTES
LARGE = 4 * SMALL_BYTES


def test_large_requests_leave_a_quarter_to_small_ones() -> None:
    refused: list[None] = []
    in_flight = BytesInFlight(LIMIT, when_refused=lambda: refused.append(None))
    held = [in_flight.holding() for _ in range(4)]
    for each in held[:3]:
        each.take(LARGE)
    with pytest.raises(ResourceExhaustedError, match=rf"at most {LIMIT} bytes together"):
        held[3].take(LARGE)
    assert (in_flight.bytes, len(refused)) == (3 * LARGE, 1)
    for _ in range(4):
        in_flight.holding().take(SMALL_BYTES)
    with pytest.raises(ResourceExhaustedError):
        in_flight.holding().take(1)


def test_what_ends_gives_its_bytes_back() -> None:
    in_flight = BytesInFlight(LIMIT)
    with in_flight.holding() as held:
        held.take(LARGE)
        held.take(LARGE)
        assert in_flight.bytes == 2 * LARGE
    assert in_flight.bytes == 0
    with pytest.raises(ValueError), in_flight.holding() as held:
        held.take(LARGE)
        raise ValueError
    assert in_flight.bytes == 0


def test_what_is_larger_than_the_limit_is_taken_alone() -> None:
    in_flight = BytesInFlight(LIMIT)
    with in_flight.holding() as alone:
        alone.take(LIMIT)
        alone.take(LIMIT)
        with pytest.raises(ResourceExhaustedError):
            in_flight.holding().take(1)
    with in_flight.holding() as first, in_flight.holding() as second:
        first.take(1)
        with pytest.raises(ResourceExhaustedError):
            second.check(2 * LIMIT)


def test_without_a_limit_all_is_taken() -> None:
    in_flight = BytesInFlight()
    in_flight.holding().take(1 << 60)
    assert in_flight.bytes == 1 << 60


def test_a_full_server_says_so_once_and_says_when_it_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    in_flight = BytesInFlight(LIMIT)
    with in_flight.holding() as held:
        held.take(LIMIT)
        for _ in range(1000):
            with pytest.raises(ResourceExhaustedError):
                in_flight.holding().take(1)
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert "--max-bytes-in-flight" in told[0] and "1000 requests were refused" in told[1]


def test_the_end_of_a_large_request_is_told() -> None:
    ended: list[None] = []
    in_flight = BytesInFlight(when_large_ended=lambda: ended.append(None))
    for taken, told in ((MEMORY_RETURN_BYTES - 1, 0), (MEMORY_RETURN_BYTES, 1)):
        with in_flight.holding() as held:
            held.take(taken)
        assert len(ended) == told
