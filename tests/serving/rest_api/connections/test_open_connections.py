"""Which connection is closed for a new one, and when a new one waits."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from lstm_sentiment.serving.access.crowding import Crowding
from lstm_sentiment.serving.rest_api.connections.open_connections import (
    OpenConnection,
    OpenConnections,
)


@dataclass
class Full:
    """Connections at their limit of three, on a clock that the test moves."""

    now: float = 0.0
    is_short: bool = False
    limit: int = 3
    events: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        crowding = Crowding("REST", lambda where, event, number: self.events.append(event))
        self.connections = OpenConnections(
            self.limit,
            crowding,
            is_short=lambda: self.is_short,
            high_descriptor=0,
            clock=lambda: self.now,
        )
        self.entries = {name: self.open(name) for name in "abc"}

    def open(self, name: str) -> OpenConnection:
        def close() -> None:
            self.closed.append(name)
            entry.ended()

        entry = self.connections.opened(5, close)
        return entry


def run(scenario: Callable[[Full], Any], **given: Any) -> Full:
    async def main() -> Full:
        full = Full(**given)
        await scenario(full)
        return full

    return asyncio.run(main())


async def has_room(full: Full) -> bool:
    """Whether there is room without anything else happening."""
    waiting = asyncio.ensure_future(full.connections.room())
    for _ in range(5):
        await asyncio.sleep(0)
    is_done = waiting.done()
    waiting.cancel()
    return is_done


def test_below_the_limit_nothing_is_closed() -> None:
    async def scenario(full: Full) -> None:
        assert not full.connections.are_full()
        assert await has_room(full)

    assert run(scenario, limit=4).closed == []


def test_the_one_that_is_idle_longest_is_closed() -> None:
    async def scenario(full: Full) -> None:
        full.now = 1
        full.entries["a"].is_busy()
        full.entries["a"].is_idle()
        full.now = 2
        assert full.connections.are_full()
        assert await has_room(full)
        assert full.closed == ["b"]
        full.open("d")
        assert await has_room(full)
        assert full.closed == ["b", "c"]

    assert run(scenario).events == ["closed", "closed"]


def test_who_has_just_come_is_not_closed() -> None:
    async def scenario(full: Full) -> None:
        full.now = 0.2
        assert not await has_room(full)

    full = run(scenario)
    assert full.closed == [] and full.events == []


def test_an_incomplete_request_is_closed_where_none_is_idle_and_after_seconds() -> None:
    async def scenario(full: Full) -> None:
        for entry in full.entries.values():
            entry.is_receiving()
        full.now = 4
        full.entries["a"].is_receiving()  # more of the same request: the time goes on
        assert not await has_room(full)
        full.now = 6
        assert await has_room(full)

    assert run(scenario).closed == ["a"]


def test_an_incomplete_request_is_refused_where_that_is_possible() -> None:
    async def scenario(full: Full) -> None:
        full.entries["a"].is_receiving()
        for name, entry in full.entries.items():
            entry.refuse = lambda name=name: full.refused.append(name)
        full.now = 6
        full.connections.make_room("full")
        full.connections.make_room("full")
        full.connections.make_room("full")

    full = run(scenario)
    assert full.closed == ["b", "c"]
    assert full.refused == ["a"]


def test_a_request_under_way_is_never_closed_and_a_new_connection_waits_for_its_end() -> None:
    async def scenario(full: Full) -> None:
        for entry in full.entries.values():
            entry.is_busy()
        full.now = 1e6
        waiting = asyncio.ensure_future(full.connections.room())
        for _ in range(5):
            await asyncio.sleep(0)
        assert not waiting.done()
        full.entries["c"].ended()
        full.entries["c"].ended()
        await asyncio.wait_for(waiting, 60)
        assert len(full.connections) == 2

    full = run(scenario)
    assert full.closed == [] and full.events == ["paused"]


@pytest.mark.parametrize("is_short", [False, True])
def test_few_descriptors_are_a_limit_too(is_short: bool) -> None:
    async def scenario(full: Full) -> None:
        full.now = 1
        assert full.connections.are_full() is is_short
        full.connections.make_room("few are left")

    assert run(scenario, limit=100, is_short=is_short).closed == ["a"]
