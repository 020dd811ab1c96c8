"""Requests that an event loop awaits; the batch thread is called by hand, in another thread."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

import numpy as np
import pytest

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.batching.batching_servable import BatchingServable
from lstm_sentiment.serving.batching.parameters import BatchingParameters
from lstm_sentiment.serving.batching.scheduler import BatchScheduler
from lstm_sentiment.serving.caller import ANYBODY, Caller
from lstm_sentiment.serving.errors import (
    DeadlineExceededError,
    OverloadedError,
    RequestCancelledError,
    ServableRunError,
)
from lstm_sentiment.serving.servable import Array
from tests.serving.batching.doubler import ID, TIMEOUT_SECONDS, Doubler


class AsyncServer:
    """A doubler behind a scheduler, asked by an event loop."""

    def __init__(self, doubler: Doubler, **parameters: Any) -> None:
        settings = {"max_batch_size": 4, "num_batch_threads": 1, **parameters}
        self.scheduler = BatchScheduler(BatchingParameters(**settings))
        self.servable = BatchingServable(doubler, ID, self.scheduler)

    async def ask(
        self, *x: int, key: str = "double", caller: Caller = ANYBODY, on_loop: bool = False
    ) -> "asyncio.Task[dict[str, Array]]":
        """Puts a request in line; returns when it is there."""
        asked = self.servable.run_async(
            key, {"x": np.array(x, np.int64)}, caller=caller, on_loop=on_loop
        )
        task = asyncio.create_task(asked)
        await asyncio.sleep(0)
        return task

    async def run_batch(self) -> None:
        await asyncio.to_thread(self.scheduler.run_batch)


def of(answer: Mapping[str, Array]) -> list[int]:
    return answer["y"].tolist()


def run(body: Callable[[], Any]) -> None:
    asyncio.run(asyncio.wait_for(body(), TIMEOUT_SECONDS))


def test_the_answers_of_a_batch_come_to_the_loop_in_one_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    doubler = Doubler()
    server = AsyncServer(doubler)

    async def body() -> None:
        loop = asyncio.get_running_loop()
        wake, woken = loop.call_soon_threadsafe, []

        def counted(callback: Any, *arguments: Any, **options: Any) -> Any:
            woken.append(callback)
            return wake(callback, *arguments, **options)

        tasks = [await server.ask(1), await server.ask(2, 3), await server.ask(4)]
        with monkeypatch.context() as patch:
            patch.setattr(loop, "call_soon_threadsafe", counted)
            thread = threading.Thread(target=server.scheduler.run_batch)
            thread.start()
            thread.join()
        assert [of(await task) for task in tasks] == [[2], [4, 6], [8]]
        assert len(woken) == 1

    run(body)
    assert doubler.calls == [[1, 2, 3, 4]]


def test_a_split_request_is_awaited_whole() -> None:
    doubler = Doubler()
    server = AsyncServer(
        doubler, max_batch_size=9, enable_large_batch_splitting=True, max_execution_batch_size=4
    )

    async def body() -> None:
        task = await server.ask(*range(6))
        await server.run_batch()
        assert not task.done()
        await server.run_batch()
        assert of(await task) == [0, 2, 4, 6, 8, 10]

    run(body)
    assert doubler.calls == [[0, 1, 2, 3], [4, 5]]


def test_each_request_has_its_own_error() -> None:
    server = AsyncServer(Doubler())

    async def body() -> None:
        good, bad, failing = await server.ask(1), await server.ask(-1), await server.ask(-2)
        await server.run_batch()
        assert of(await good) == [2]
        with pytest.raises(InvalidInputError, match="-1 is refused"):
            await bad
        with pytest.raises(ServableRunError, match="-2 is too much"):
            await failing

    run(body)


def test_a_cancelled_request_is_not_computed() -> None:
    doubler = Doubler()
    server = AsyncServer(doubler, max_enqueued_batches=1)

    async def body() -> None:
        cancelled, kept = await server.ask(1, 2), await server.ask(3)
        cancelled.cancel()
        await asyncio.wait([cancelled])
        late = await server.ask(4, 5, 6)  # there is room again
        await server.run_batch()
        assert (of(await kept), of(await late)) == ([6], [8, 10, 12])

    run(body)
    assert doubler.calls == [[3, 4, 5, 6]]


def test_a_caller_who_leaves_and_a_deadline_that_passes_end_a_request() -> None:
    doubler = Doubler()
    server = AsyncServer(doubler)

    async def body() -> None:
        caller = Caller()
        left, late = await server.ask(1, caller=caller), await server.ask(2, caller=Caller(0.0))
        caller.leave()
        with pytest.raises(RequestCancelledError):
            await left
        with pytest.raises(DeadlineExceededError):
            await late
        kept = await server.ask(3)
        await server.run_batch()
        assert of(await kept) == [6]

    run(body)
    assert doubler.calls == [[3]]


def test_too_much_is_refused_and_stopping_tells_those_who_wait() -> None:
    server = AsyncServer(Doubler(), max_enqueued_batches=1)

    async def body() -> None:
        waiting, refused = await server.ask(1, 2, 3), await server.ask(4, 5)
        with pytest.raises(OverloadedError, match="queue_size_limit=4 rows"):
            await refused
        server.scheduler.stop()
        with pytest.raises(OverloadedError, match="shutting down"):
            await waiting

    run(body)


def test_what_cannot_be_batched_is_asked_directly() -> None:
    server = AsyncServer(Doubler())

    async def body() -> None:
        assert of(await (await server.ask(1, key="open"))) == [2]
        assert of(await (await server.ask())) == []

    run(body)
    assert server.servable.batches("double")
    assert not server.servable.batches("open")


def test_a_batch_is_computed_for_as_long_as_one_of_its_callers_waits() -> None:
    class Long(Doubler):
        """Asks, between two steps, for whom it works."""

        def run(
            self,
            signature_key: str,
            inputs: Mapping[str, Array],
            *,
            caller: Caller = ANYBODY,
            with_counts: bool = False,
        ) -> dict[str, Array]:
            caller.check_waits()
            callers.pop().leave()
            caller.check_waits()
            self.calls.append(inputs["x"].tolist())
            return {"y": 2 * inputs["x"]}

    doubler = Long()
    server = AsyncServer(doubler)
    callers = [Caller(), Caller()]

    async def body() -> None:
        kept, gone = [await server.ask(1, caller=caller) for caller in callers]
        await server.run_batch()
        assert of(await kept) == [2]
        with pytest.raises(RequestCancelledError):
            await gone
        alone = await server.ask(2, caller=callers[0])
        await server.run_batch()
        with pytest.raises(RequestCancelledError):
            await alone

    run(body)
    assert doubler.calls == [[1, 1]]


def test_the_loop_runs_batches_itself_where_it_may() -> None:
    doubler = Doubler()
    threads: list[threading.Thread] = []
    doubler.when_run = lambda: threads.append(threading.current_thread())
    server = AsyncServer(doubler)

    async def body() -> None:
        alone = await server.ask(1, on_loop=True)
        assert of(await alone) == [2]
        together = [await server.ask(x, on_loop=True) for x in range(8)]
        assert [of(await task) for task in together] == [[2 * x] for x in range(8)]

    run(body)
    assert set(threads) == {threading.current_thread()}
    assert sorted(chain(*doubler.calls[1:])) == list(range(8))
    assert max(map(len, doubler.calls)) <= 4
    assert len(doubler.calls) < 9


def test_requests_of_the_loop_and_of_threads_are_not_mixed() -> None:
    doubler = Doubler()
    server = AsyncServer(doubler)

    async def body() -> None:
        in_thread, on_loop = await server.ask(1), await server.ask(2, on_loop=True)
        assert of(await on_loop) == [4]
        assert not in_thread.done()
        await server.run_batch()
        assert of(await in_thread) == [2]

    run(body)
    assert doubler.calls == [[2], [1]]


def test_on_the_loop_too_each_request_has_its_own_error_and_leaves_when_its_caller_does() -> None:
    doubler = Doubler()
    server = AsyncServer(doubler)

    async def body() -> None:
        caller = Caller()
        asked = [await server.ask(x, on_loop=True) for x in (1, -1)]
        left = await server.ask(3, caller=caller, on_loop=True)
        caller.leave()
        assert of(await asked[0]) == [2]
        with pytest.raises(InvalidInputError, match="-1 is refused"):
            await asked[1]
        with pytest.raises(RequestCancelledError):
            await left

    run(body)
    assert 3 not in chain(*doubler.calls)


def test_a_time_to_wait_for_more_requests_holds_for_those_of_the_loop() -> None:
    doubler = Doubler()
    server = AsyncServer(doubler, max_batch_size=2, batch_timeout_micros=10**9)

    async def body() -> None:
        tasks = [await server.ask(x, on_loop=True) for x in (1, 2)]
        await asyncio.sleep(0)
        assert not doubler.calls
        await server.run_batch()
        assert [of(await task) for task in tasks] == [[2], [4]]

    run(body)
    assert doubler.calls == [[1, 2]]


def test_the_loop_keeps_no_version_in_memory() -> None:
    server = AsyncServer(Doubler())
    version = weakref.ref(server.servable)

    async def body() -> None:
        assert of(await (await server.ask(1, on_loop=True))) == [2]

    run(body)
    del server.servable
    gc.collect()
    assert version() is None
