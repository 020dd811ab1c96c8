import asyncio
import threading
from collections.abc import Iterator

import pytest

from lstm_sentiment.errors import ServableUnavailableError
from lstm_sentiment.serving.event_loop import EventLoop

SECONDS = 60  # for what must happen, on however busy a machine


@pytest.fixture
def loop() -> Iterator[EventLoop]:
    loop = EventLoop("test-loop")
    loop.start()
    yield loop
    loop.stop()


async def thread_name() -> str:
    return threading.current_thread().name


def test_coroutines_run_in_the_thread_of_the_loop(loop: EventLoop) -> None:
    assert loop.run(thread_name()) == "test-loop"
    assert loop.submit(thread_name()).result(SECONDS) == "test-loop"
    called: list[str] = []
    done = threading.Event()

    def call(name: str) -> None:
        called.extend((name, threading.current_thread().name))
        done.set()

    loop.call_soon(call, "x")
    assert done.wait(SECONDS)
    assert called == ["x", "test-loop"]


def test_an_error_is_raised_where_the_result_is_waited_for(loop: EventLoop) -> None:
    async def fail() -> None:
        raise LookupError("nothing")

    with pytest.raises(LookupError, match="nothing"):
        loop.run(fail())


def test_what_still_runs_is_cancelled_when_the_loop_stops() -> None:
    loop = EventLoop()
    loop.start()
    ended = threading.Event()
    begun = threading.Event()

    async def run() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    running = loop.submit(run())
    assert begun.wait(SECONDS)
    loop.stop()
    assert ended.is_set()
    assert running.cancelled()
    loop.stop()  # once more does nothing


def test_nothing_runs_before_the_start_and_after_the_stop() -> None:
    loop = EventLoop()
    with pytest.raises(ServableUnavailableError):
        loop.run(thread_name())
    with pytest.raises(ServableUnavailableError):
        loop.call_soon(print)
    loop.start()
    loop.stop()
    with pytest.raises(ServableUnavailableError):
        loop.submit(thread_name())
