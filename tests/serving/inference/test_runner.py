"""In which thread a servable is run, and what becomes of a caller who leaves."""

import asyncio
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from lstm_sentiment.serving.batching.batching_servable import BatchingServable
from lstm_sentiment.serving.batching.parameters import BatchingParameters
from lstm_sentiment.serving.batching.scheduler import BatchScheduler
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.errors import DeadlineExceededError
from lstm_sentiment.serving.inference.results import ModelSpec
from lstm_sentiment.serving.inference.runner import Runner
from lstm_sentiment.serving.servable import Array, Servable
from lstm_sentiment.serving.servable_id import ServableId
from tests.serving.fake_servables import FakeServable, array_of, plane_of

SECONDS = 60  # for what must happen, on however busy a machine


class QuickServable(FakeServable):
    """Tells in which threads it was run."""

    quick_signatures = frozenset({"text"})

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[threading.Thread] = []
        self.add("text", self._answer, ("text",)).add("explain", self._answer, ("text",))

    def _answer(self, inputs: Mapping[str, Array], caller: Caller) -> dict[str, Array]:
        self.threads.append(threading.current_thread())
        return {"y": np.zeros(len(inputs["text"]), np.float32)}


def run_together(
    servable: Servable,
    *texts: list[str],
    key: str = "text",
    max_threads: int = 2,
    cpus: int = 4,
) -> None:
    async def run() -> None:
        runner = Runner(max_threads, cpus=cpus)
        try:
            await asyncio.gather(
                *(runner.run(servable, key, {"text": array_of(each)}, Caller()) for each in texts)
            )
        finally:
            runner.stop()

    asyncio.run(run())


def test_a_lone_short_text_is_run_on_the_loop() -> None:
    servable = QuickServable()
    run_together(servable, ["房间很好"])
    run_together(servable, ["a"])
    assert servable.threads == [threading.current_thread()] * 2


@pytest.mark.parametrize("cpus", [1, 2])
def test_with_few_cpus_all_short_texts_are_run_on_the_loop(cpus: int) -> None:
    servable = QuickServable()
    run_together(servable, ["a"], ["b"], ["c"], cpus=cpus)
    assert servable.threads == [threading.current_thread()] * 3


@pytest.mark.parametrize(
    ("text", "cpus", "on_loop"), [("a", 2, True), ("a", 4, False), ("a" * 5000, 2, False)]
)
def test_with_few_cpus_short_texts_are_batched_on_the_loop(
    text: str, cpus: int, on_loop: bool
) -> None:
    servable = QuickServable()
    scheduler = BatchScheduler(BatchingParameters(num_batch_threads=1))
    scheduler.start()
    batching = BatchingServable(servable, ServableId("m", 1), scheduler)
    try:
        run_together(batching, [text], [text], cpus=cpus)
    finally:
        scheduler.stop()
    assert {thread is threading.current_thread() for thread in servable.threads} == {on_loop}


@pytest.mark.parametrize(
    ("texts", "key"),
    [
        ([["a" * 5000]], "text"),
        ([["a", "b"]], "text"),
        ([["a"]], "explain"),
        ([["a"], ["b"], ["c"]], "text"),
    ],
    ids=["long", "several texts", "another signature", "several requests"],
)
def test_all_else_is_run_in_threads(texts: list[list[str]], key: str) -> None:
    servable = QuickServable()
    run_together(servable, *texts, key=key)
    assert len(servable.threads) == len(texts)
    assert threading.current_thread() not in servable.threads


def test_a_servable_that_names_no_quick_signature_is_run_in_threads() -> None:
    threads: list[threading.Thread] = []

    def answer(inputs: Any, caller: Any) -> Any:
        threads.append(threading.current_thread())
        return {"y": np.zeros(1, np.float32)}

    run_together(FakeServable().add("text", answer, ("text",)), ["a"])
    assert threading.current_thread() not in threads


def test_as_many_requests_run_at_once_as_there_are_threads() -> None:
    together = threading.Barrier(8, timeout=SECONDS)

    def answer(inputs: Any, caller: Any) -> Any:
        together.wait()
        return {"y": np.zeros(1, np.float32)}

    run_together(FakeServable().add("text", answer, ("text",)), *[["a"]] * 8, max_threads=8)


@pytest.mark.parametrize(("key", "rows"), [("text", 1000), ("explain", 10)])
def test_requests_of_very_many_texts_leave_threads_to_others(key: str, rows: int) -> None:
    released, answered = threading.Event(), threading.Semaphore(0)

    def answer(inputs: Any, caller: Any) -> Any:
        if len(inputs["text"]) > 1:
            assert released.wait(SECONDS)
        else:
            answered.release()
        return {"y": np.zeros(1, np.float32)}

    servable = FakeServable().add("text", answer, ("text",)).add("explain", answer, ("text",))

    async def run() -> None:
        runner = Runner(8, cpus=2)

        def ask(key: str, texts: list[str]) -> Any:
            return runner.run(servable, key, {"text": array_of(texts)}, Caller())

        heavy = [asyncio.ensure_future(ask(key, ["a"] * rows)) for _ in range(20)]
        await asyncio.sleep(0)
        await asyncio.wait_for(asyncio.gather(*(ask("text", ["a"]) for _ in range(8))), SECONDS)
        released.set()
        await asyncio.gather(*heavy)
        runner.stop()

    asyncio.run(run())


class Slow:
    """A servable that answers when it is told to."""

    def __init__(self) -> None:
        self.begun, self.told = threading.Event(), threading.Event()
        self.asked: list[bytes] = []
        self.servable = FakeServable().add("text", self._answer, ("text",))

    def _answer(self, inputs: Mapping[str, Array], caller: Caller) -> dict[str, Array]:
        self.asked.append(inputs["text"][0])
        self.begun.set()
        assert self.told.wait(SECONDS)
        return {"y": np.zeros(1, np.float32)}


def test_a_version_is_held_until_a_run_has_ended_whose_caller_left() -> None:
    slow = Slow()
    plane = plane_of(slow.servable, max_threads=1)
    events = plane._manager.events  # type: ignore[attr-defined]
    caller = Caller()

    async def ask() -> None:
        texts = array_of(["a"])
        asked = plane.predict(ModelSpec("m"), "text", lambda _: {"text": texts}, caller=caller)
        asking = asyncio.ensure_future(asked)
        await asyncio.to_thread(slow.begun.wait, SECONDS)
        asking.cancel()
        # The caller is told at once, the version is released later.
        left = asyncio.Event()
        caller.when_gone(left.set)
        await left.wait()
        assert events == ["taken"]
        slow.told.set()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(ask())
    assert not caller.waits()
    assert events == ["taken", "released"]


def test_whoever_leaves_or_is_too_late_in_the_queue_is_never_run() -> None:
    slow = Slow()
    runner = Runner(1)
    late = Caller()

    def run(text: str, caller: Caller) -> asyncio.Future[Any]:
        inputs = {"text": array_of([text])}
        return asyncio.ensure_future(runner.run(slow.servable, "text", inputs, caller))

    async def ask() -> None:
        first = run("first", Caller())
        await asyncio.to_thread(slow.begun.wait, SECONDS)
        gone, too_late, last = run("gone", Caller()), run("late", late), run("last", Caller())
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone  # ends though the thread is busy
        late.deadline = 0.0
        slow.told.set()
        await asyncio.gather(first, last)
        with pytest.raises(DeadlineExceededError):
            await too_late

    asyncio.run(ask())
    runner.stop()
    assert slow.asked == [b"first", b"last"]


def test_a_large_request_is_read_in_a_thread() -> None:
    plane = plane_of(FakeServable().add("text", {"y": [1]}, ("text",)))
    threads: list[threading.Thread] = []

    def read(signature: Any) -> dict[str, Array]:
        threads.append(threading.current_thread())
        return {"text": array_of(["a"])}

    for is_large in (False, True):
        asked = plane.predict(ModelSpec("m"), "text", read, is_large=is_large)
        assert asyncio.run(asked).outputs["y"].tolist() == [1]
    assert [thread is threading.current_thread() for thread in threads] == [True, False]
