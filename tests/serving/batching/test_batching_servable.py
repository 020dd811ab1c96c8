"""One thread, this one, calls the model where order matters; real threads where they must meet."""

import functools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.serving.batching.batch_queue import BatchRun
from lstm_sentiment.serving.batching.batching_servable import BatchingServable, is_batchable
from lstm_sentiment.serving.batching.parameters import BatchingParameters
from lstm_sentiment.serving.batching.scheduler import BatchScheduler
from lstm_sentiment.serving.caller import Caller
from lstm_sentiment.serving.checked_inputs import checked_inputs
from lstm_sentiment.serving.errors import (
    DeadlineExceededError,
    OverloadedError,
    RequestCancelledError,
    RequestTooLargeError,
    ServableRunError,
)
from tests.serving.batching.doubler import ID, TIMEOUT_SECONDS, Doubler, signature


@pytest.fixture
def doubler() -> Doubler:
    return Doubler()


class CallerInLine(Caller):
    """Notes that it is listened to, as it is once its request waits."""

    def __init__(self, deadline: float | None = None) -> None:
        super().__init__(deadline)
        self.is_in_line = threading.Event()

    def when_gone(self, callback: Callable[[], None]) -> None:
        super().when_gone(callback)
        self.is_in_line.set()


class Server:
    """A doubler behind a scheduler whose thread is called by hand, and callers in threads."""

    def __init__(self, doubler: Doubler, **parameters: Any) -> None:
        self.runs: list[BatchRun] = []
        settings = {"max_batch_size": 4, "num_batch_threads": 1, **parameters}
        self.scheduler = BatchScheduler(BatchingParameters(**settings), on_batch=self.runs.append)
        self.servable = BatchingServable(doubler, ID, self.scheduler)
        self.pool = ThreadPoolExecutor(16)

    def ask(
        self,
        *x: Any,
        key: str = "double",
        caller: "CallerInLine | None" = None,
        run: Callable[..., Any] | None = None,
    ) -> "Future[Any]":
        """Puts a request in line; returns when it is there, or answered."""
        caller = caller or CallerInLine()
        inputs = {"x": np.array(x, np.int64)}
        run = run or functools.partial(self.servable.run, key)
        future = self.pool.submit(run, inputs, caller=caller)
        future.add_done_callback(lambda future: caller.is_in_line.set())
        assert caller.is_in_line.wait(TIMEOUT_SECONDS)
        return future


@pytest.fixture
def make_server(doubler: Doubler) -> Iterator[Callable[..., Server]]:
    servers = []

    def make(**parameters: Any) -> Server:
        servers.append(Server(doubler, **parameters))
        return servers[-1]

    yield make
    for server in servers:
        doubler.may_answer.set()
        server.scheduler.stop()
        server.pool.shutdown()


def answer(future: "Future[Any]", name: str = "y") -> Any:
    return future.result(TIMEOUT_SECONDS)[name].tolist()


def test_requests_that_wait_are_answered_by_one_call(
    make_server: Callable[..., Server], doubler: Doubler
) -> None:
    server = make_server()
    futures = [server.ask(1), server.ask(2, 3), server.ask(4)]
    server.scheduler.run_batch()
    assert [answer(future) for future in futures] == [[2], [4, 6], [8]]
    assert doubler.calls == [[1, 2, 3, 4]]
    [run] = server.runs
    assert (run.servable_id, run.rows, run.padded_rows) == (ID, 4, 4)
    assert len(run.queue_seconds) == 3


def test_few_explanations_wait_for_each_other(
    make_server: Callable[..., Server], doubler: Doubler
) -> None:
    server = make_server(max_batch_size=100)
    many = server.ask(*range(90), key="explain")
    futures = [server.ask(*range(5), key="explain") for _ in range(4)]
    for _ in range(3):
        server.scheduler.run_batch()
    assert answer(many) == list(range(0, 180, 2))
    assert [answer(future) for future in futures] == [[0, 2, 4, 6, 8]] * 4
    assert [len(call) for call in doubler.calls] == [90, 15, 5]


def test_a_batch_needs_no_check_after_those_of_its_requests(
    make_server: Callable[..., Server], doubler: Doubler
) -> None:
    server = make_server()
    futures = [server.ask(1), server.ask(2)]
    server.scheduler.run_batch()
    assert [answer(future) for future in futures] == [[2], [4]]
    [batch] = doubler.inputs
    assert checked_inputs(doubler.signatures["double"], batch) is batch


def test_counts_are_dealt_out_and_asked_for_apart(
    make_server: Callable[..., Server], doubler: Doubler
) -> None:
    server = make_server()
    run = functools.partial(server.servable.run, "double", with_counts=True)
    counted = [server.ask(1, run=run), server.ask(2, 3, run=run)]
    plain = server.ask(4)
    server.scheduler.run_batch()
    server.scheduler.run_batch()
    assert [answer(future, "num_tokens") for future in counted] == [[10], [20, 30]]
    assert plain.result().keys() == {"y"}
    assert doubler.calls == [[1, 2, 3], [4]]


def test_a_request_that_does_not_fit_waits_for_the_next_batch(
    make_server: Callable[..., Server], doubler: Doubler
) -> None:
    server = make_server()
    futures = [server.ask(1, 2, 3), server.ask(4, 5), server.ask(6)]
    server.scheduler.run_batch()
    server.scheduler.run_batch()
    assert [answer(future) for future in futures] == [[2, 4, 6], [8, 10], [12]]
    assert doubler.calls == [[1, 2, 3], [4, 5, 6]]


def test_rows_are_added_up_to_an_allowed_size_and_nobody_sees_them(
    make_server: Callable[..., Server], doubler: Doubler
) -> None:
    server = make_server(allowed_batch_sizes=(2, 4))
    futures = [server.ask(1), server.ask(5, 6)]
    server.scheduler.run_batch()
    assert [answer(future) for future in futures] == [[2], [10, 12]]
    assert doubler.calls == [[1, 5, 6, 1]]
    assert server.runs[0].rows == 3
    assert server.runs[0].padded_rows == 4


def test_rows_of_different_widths_are_never_put_together(
    make_server: Callable[..., Server], doubler: Doubler
) -> None:
    server = make_server()
    futures = [
        server.ask([1, 2], key="rows"),
        server.ask([1, 2, 3], key="rows"),
        server.ask([3, 4], key="rows"),
    ]
    server.scheduler.run_batch()
    server.scheduler.run_batch()
    assert [answer(future, "total") for future in futures] == [[3], [6], [7]]
    assert doubler.calls == [[[1, 2], [3, 4]], [[1, 2, 3]]]


def test_one_bad_request_spoils_no_other(
    make_server: Callable[..., Server], doubler: Doubler
) -> None:
    server = make_server()
    good, bad, failing = server.ask(1), server.ask(-1), server.ask(-2)
    server.scheduler.run_batch()
    assert answer(good) == [2]
    with pytest.raises(InvalidInputError, match="-1 is refused"):
        answer(bad)
    with pytest.raises(ServableRunError, match="-2 is too much"):
        answer(failing)


def test_a_model_that_fails_fails_for_all(make_server: Callable[..., Server]) -> None:
    server = make_server()
    futures = [server.ask(1), server.ask(-2)]
    server.scheduler.run_batch()
    for future in futures:
        with pytest.raises(ServableRunError, match="-2 is too much"):
            answer(future)


def test_outputs_without_a_row_for_each_text_are_refused(
    make_server: Callable[..., Server],
) -> None:
    server = make_server()
    future = server.ask(1, 2, key="short")
    server.scheduler.run_batch()
    with pytest.raises(ServableRunError, match="0th dimension"):
        answer(future)


def test_too_much_is_refused_at_once_and_what_waits_is_answered(
    make_server: Callable[..., Server], doubler: Doubler
) -> None:
    server = make_server(max_enqueued_batches=2)
    futures = [server.ask(1, 2, 3), server.ask(4, 5, 6, 7), server.ask(8)]
    with pytest.raises(OverloadedError, match="queue_size_limit=8 rows"):
        answer(server.ask(9))
    # The limit is the signature's, whatever the shapes; another signature has its own.
    other = server.ask([1, 2], key="rows")
    for _ in range(4):
        server.scheduler.run_batch()
    assert [answer(future) for future in futures] == [[2, 4, 6], [8, 10, 12, 14], [16]]
    assert answer(other, "total") == [3]


def test_a_cancelled_request_stops_costing(
    make_server: Callable[..., Server], doubler: Doubler
) -> None:
    server = make_server(max_enqueued_batches=1)
    caller = CallerInLine()
    gone = server.ask(1, 2, caller=caller)
    kept = server.ask(3)
    caller.leave()
    with pytest.raises(RequestCancelledError):
        answer(gone)
    late = server.ask(4, 5, 6)  # there is room again
    server.scheduler.run_batch()
    assert (answer(kept), answer(late)) == ([6], [8, 10, 12])
    assert doubler.calls == [[3, 4, 5, 6]]
    with pytest.raises(RequestCancelledError):
        answer(server.ask(7, caller=caller))


def test_a_deadline_ends_the_waiting_and_the_cost(
    make_server: Callable[..., Server], doubler: Doubler
) -> None:
    server = make_server(max_enqueued_batches=1)
    late = server.ask(1, caller=CallerInLine(deadline=0.0))
    with pytest.raises(DeadlineExceededError):
        answer(late)
    kept = server.ask(2, 3, 4, 5)  # there is room again at once
    server.scheduler.run_batch()
    assert answer(kept) == [4, 6, 8, 10]
    assert doubler.calls == [[2, 3, 4, 5]]


def test_more_rows_than_a_batch_are_refused_or_split(
    make_server: Callable[..., Server], doubler: Doubler
) -> None:
    with pytest.raises(RequestTooLargeError, match="Task size 5 is larger than") as caught:
        answer(make_server().ask(*range(5)))
    assert caught.value.max_batch_size == 4
    server = make_server(
        max_batch_size=10, enable_large_batch_splitting=True, max_execution_batch_size=4
    )
    future = server.pool.submit(server.servable.run, "double", {"x": np.arange(10)})
    for _ in range(3):
        server.scheduler.run_batch()
    assert answer(future) == list(range(0, 20, 2))
    assert doubler.calls == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_what_cannot_be_batched_is_asked_directly(
    make_server: Callable[..., Server], doubler: Doubler
) -> None:
    server = make_server()
    assert answer(server.ask(1, key="open")) == [2]
    assert answer(server.ask(1, key="text_statistics")) == [2]
    assert answer(server.ask()) == []
    assert server.runs == []


def test_inputs_that_do_not_fit_never_reach_the_queue(
    make_server: Callable[..., Server], doubler: Doubler
) -> None:
    server = make_server()
    with pytest.raises(InvalidInputError, match="not found in request"):
        server.servable.run("double", {"z": np.array([1])})
    with pytest.raises(InvalidInputError, match="equal 0th-dimension size"):
        server.servable.run("two", {"a": np.array([1]), "b": np.array([1, 2])})
    good = server.ask(1)
    server.scheduler.run_batch()
    assert answer(good) == [2]
    assert doubler.calls == [[1]]


def test_a_batch_waits_for_more_until_it_is_full(
    make_server: Callable[..., Server], doubler: Doubler
) -> None:
    an_hour = 3_600_000_000
    server = make_server(batch_timeout_micros=an_hour)
    server.scheduler.start()
    first = server.ask(1)
    assert not first.done()
    rest = server.ask(2, 3, 4)
    assert (answer(first), answer(rest)) == ([2], [4, 6, 8])
    assert doubler.calls == [[1, 2, 3, 4]]


def test_while_the_model_is_busy_the_next_batch_gathers(
    make_server: Callable[..., Server], doubler: Doubler
) -> None:
    server = make_server()
    doubler.may_answer.clear()
    server.scheduler.start()
    first = server.pool.submit(server.servable.run, "double", {"x": np.array([1])})
    assert doubler.is_asked.wait(TIMEOUT_SECONDS)
    futures = [server.ask(2), server.ask(3), server.ask(4)]
    doubler.may_answer.set()
    assert [answer(future) for future in (first, *futures)] == [[2], [4], [6], [8]]
    assert doubler.calls == [[1], [2, 3, 4]]


def test_a_full_batch_is_computed_beside_another_one(
    make_server: Callable[..., Server], doubler: Doubler
) -> None:
    server = make_server(num_batch_threads=2)
    doubler.may_answer.clear()
    server.scheduler.start()
    first = server.ask(1)
    assert doubler.is_asked.wait(TIMEOUT_SECONDS)
    doubler.is_asked.clear()
    second = server.ask(2, 3, 4, 5)
    assert doubler.is_asked.wait(TIMEOUT_SECONDS)
    assert not first.done()
    doubler.may_answer.set()
    assert (answer(first), answer(second)) == ([2], [4, 6, 8, 10])


def test_stopping_tells_those_who_wait(make_server: Callable[..., Server]) -> None:
    server = make_server()
    future = server.ask(1)
    server.scheduler.stop()
    with pytest.raises(OverloadedError, match="shutting down"):
        answer(future)
    with pytest.raises(OverloadedError):
        answer(server.ask(2))


@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=12), splitting=st.booleans())
def test_everybody_gets_the_answer_to_their_own_question(sizes: list[int], splitting: bool) -> None:
    server = Server(
        Doubler(),
        max_batch_size=9,
        num_batch_threads=2,
        enable_large_batch_splitting=splitting,
        max_execution_batch_size=4 if splitting else None,
        max_enqueued_batches=100,
    )
    server.scheduler.start()
    try:
        questions = [np.arange(size) + 100 * place for place, size in enumerate(sizes)]
        futures = [
            server.pool.submit(server.servable.run, "double", {"x": question})
            for question in questions
        ]
        for question, future in zip(questions, futures, strict=True):
            assert answer(future) == (2 * question).tolist()
    finally:
        server.scheduler.stop()
        server.pool.shutdown()


@pytest.mark.parametrize(
    ("inputs", "outputs", "expected"),
    [
        ({"x": [None]}, {"y": [None]}, True),
        ({"x": [None, None]}, {"y": [None, 3]}, True),
        ({"x": [None]}, {"y": [None, None]}, False),
        ({"x": [None]}, {"y": []}, False),
        ({"x": [None]}, {"y": None}, False),
        ({"x": [1]}, {"y": [None]}, False),
        ({"x": []}, {"y": [None]}, False),
        ({"x": None}, {"y": [None]}, False),
    ],
)
def test_only_signatures_with_a_row_for_each_text_are_batched(
    inputs: dict[str, Any], outputs: dict[str, Any], expected: bool
) -> None:
    assert is_batchable(signature("s", inputs, outputs)) is expected


@pytest.mark.parametrize("shape", [(), (1, 2), (0, 3)])
def test_another_shape_than_declared_runs_alone(
    doubler: Doubler, make_server: Callable[..., Server], shape: tuple[int, ...]
) -> None:
    server = make_server()
    waiting = server.ask(1)
    asked = np.full(shape, 7, np.int64)
    answer = server.servable.run("double", {"x": asked})
    # The model decides what it takes; it was asked at once, and nobody beside it.
    assert doubler.calls == [asked.tolist()]
    assert (answer["y"] == 2 * asked).all()
    assert not waiting.done()
