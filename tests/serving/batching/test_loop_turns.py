"""When an event loop runs the batches of its requests, by a loop and a clock that are made up."""

import asyncio
import heapq
import itertools
from collections.abc import Callable
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.serving.batching.loop_turns import LoopTurns

ROUND_TRIP = 0.0005
"""Seconds from an answer to the next request of its caller."""
A_STEP = 1e-5


class Handle:
    is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Server:
    """An event loop whose clock goes on by a step with each callback, and requests that wait."""

    def __init__(self, largest: int = 32, seconds: float = 0.001) -> None:
        self.now = 0.0
        self.largest, self.seconds = largest, seconds
        self.waiting: list[float] = []
        self.batches: list[int] = []
        self.waits: list[float] = []
        self._callbacks: list[tuple[float, int, Handle, Callable[[], None]]] = []
        self._numbers = itertools.count()
        loop = cast(asyncio.AbstractEventLoop, self)
        self.turns = LoopTurns(loop, self._run, clock=lambda: self.now)

    def call_soon(self, callback: Callable[[], None]) -> Any:
        return self.call_later(0, callback)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Any:
        handle = Handle()
        entry = (self.now + seconds, next(self._numbers), handle, callback)
        heapq.heappush(self._callbacks, entry)
        return handle

    def ask(self) -> None:
        self.waiting.append(self.now)
        self.turns.request_came(len(self.waiting) >= self.largest)

    def ask_later(self, seconds: float) -> None:
        self.call_later(seconds, self.ask)

    def run_until(self, end: float) -> None:
        while self._callbacks and self._callbacks[0][0] <= end:
            at, _, handle, callback = heapq.heappop(self._callbacks)
            if not handle.is_cancelled:
                self.now = max(self.now, at) + A_STEP
                callback()
        self.now = max(self.now, end)

    answered: Callable[[int], None] = staticmethod(lambda count: None)

    def _run(self) -> int:
        taken, self.waiting = self.waiting[: self.largest], self.waiting[self.largest :]
        if taken:
            self.batches.append(len(taken))
            self.waits += [self.now - came for came in taken]
            self.now += self.seconds
            self.answered(len(taken))
        return len(taken)


def callers_who_ask_again(server: Server, count: int, seconds: float) -> None:
    """Asks as many callers do who ask again whenever they are answered, one after the other."""

    def ask_again(answered: int) -> None:
        for number in range(answered):
            server.ask_later(ROUND_TRIP + 0.0001 * number)

    server.answered = ask_again
    for number in range(count):
        server.ask_later(0.0001 * number)
    server.run_until(seconds)


def test_a_lone_caller_never_waits() -> None:
    server = Server()
    callers_who_ask_again(server, 1, 1.0)
    assert set(server.batches) == {1}
    assert max(server.waits) <= 2 * A_STEP


def test_callers_who_ask_again_soon_share_batches() -> None:
    server = Server()
    callers_who_ask_again(server, 8, 1.0)
    assert set(server.batches[len(server.batches) // 2 :]) == {8}


def test_a_full_batch_waits_for_nobody() -> None:
    server = Server(largest=4)
    callers_who_ask_again(server, 8, 0.1)
    settled = len(server.batches) // 2
    assert set(server.batches[settled:]) == {4}


def test_callers_who_do_not_come_back_hold_up_the_others_for_milliseconds_once() -> None:
    server = Server()
    callers_who_ask_again(server, 16, 0.1)
    server.answered = lambda count: server.ask_later(ROUND_TRIP)  # one of them goes on
    before, waits = len(server.batches), len(server.waits)
    server.run_until(0.2)
    assert server.batches[before + 2 :] == [1] * len(server.batches[before + 2 :])
    assert max(server.waits[waits:]) < 0.015
    assert max(server.waits[-5:]) <= 2 * A_STEP


@given(st.lists(st.floats(0, 0.02), min_size=1, max_size=60), st.integers(1, 8))
def test_whenever_requests_come_each_is_run_within_milliseconds(
    pauses: list[float], largest: int
) -> None:
    server = Server(largest, seconds=0.0)
    for at in itertools.accumulate(pauses):
        server.ask_later(at)
    server.run_until(sum(pauses) + 0.1)
    assert sum(server.batches) == len(pauses)
    assert max(server.batches) <= largest
    assert not server.waiting
    assert max(server.waits) < 0.02
