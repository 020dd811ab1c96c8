"""What is told of connections at their limit: one line when it begins, one when it is over."""

import logging
from dataclasses import dataclass

import pytest

from lstm_sentiment.serving.access.crowding import Crowding


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def test_thousands_of_events_are_one_line_for_each_reason_and_one_at_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "lstm_sentiment.serving")
    clock, counted = Clock(), []
    crowding = Crowding("REST", lambda *event: counted.append(event), clock=clock)
    for _ in range(2_000):
        clock.now += 0.01
        crowding.closed("it is full")
        crowding.paused("none is idle")
        crowding.look()
    assert len(caplog.messages) == 2
    clock.now += 4
    crowding.look()
    assert len(caplog.messages) == 2
    clock.now += 2
    crowding.look()
    crowding.look()
    assert caplog.messages == [
        "REST: it is full: the longest idle ones are closed to accept new ones",
        "REST: none is idle",
        "REST accepts connections again: in 20 s it closed 2,000 idle ones, and paused 2,000 times",
    ]
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING", "INFO"]
    assert counted.count(("REST", "closed", 1)) == counted.count(("REST", "paused", 1)) == 2_000
    crowding.closed("it is full")
    assert len(caplog.messages) == 4


def test_nothing_is_told_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "lstm_sentiment.serving")
    Crowding("GRPC").look()
    assert caplog.messages == []
