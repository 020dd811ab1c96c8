import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.serving.background_queue import BackgroundQueue

SOON = 30.0  # for what must happen, on however busy a machine


def queue_of(work: Any = None, **options: Any) -> BackgroundQueue[Any]:
    limits = {"max_rows": 5, "max_bytes": 100, "max_group": 2, "pause_seconds": 0.0, **options}
    return BackgroundQueue(work, name="test", **limits)


def test_items_come_out_in_order_and_in_groups() -> None:
    queue = queue_of()
    assert queue.put_all((letter, 1) for letter in "abcdef") == 5
    assert [queue.take() for _ in range(4)] == [["a", "b"], ["c", "d"], ["e"], []]
    assert queue.put_all([("g", 1)]) == 1


def test_the_first_rows_that_fit_are_added_in_parts_of_a_group() -> None:
    queue = queue_of()
    assert queue.put_rows(3, 3, lambda begin, end: ("a", begin, end)) == 3
    assert queue.put_rows(4, 4, lambda begin, end: ("b", begin, end)) == 2
    assert [queue.take() for _ in range(3)] == [[("a", 0, 2)], [("a", 2, 3)], [("b", 0, 2)]]


def test_rows_beyond_the_memory_are_refused_until_the_last_row_is_out() -> None:
    queue = queue_of(max_bytes=10)
    assert queue.put_rows(3, 10, lambda begin, end: (begin, end)) == 3
    assert not queue.put_all([("a", 1)])
    queue.take()
    assert not queue.put_all([("a", 1)])
    queue.take()
    assert queue.put_all([("a", 9), ("b", 2), ("c", 1)]) == 2
    assert queue.take() == ["a", "c"]
    assert queue.put_all([("a", 1)])
    assert queue.put_rows(2, 10, lambda begin, end: (begin, end)) == 0


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9), st.booleans()), max_size=20),
    st.integers(1, 9),
    st.integers(1, 30),
    st.integers(1, 4),
)
def test_no_row_is_lost_or_repeated(
    asked: list[tuple[int, int, bool]], max_rows: int, max_bytes: int, max_group: int
) -> None:
    queue = queue_of(max_rows=max_rows, max_bytes=max_bytes, max_group=max_group)
    added: list[tuple[int, int]] = []
    out: list[tuple[int, int]] = []
    for number, (rows, size_bytes, is_taken) in enumerate(asked):

        def part(begin: int, end: int, number: int = number) -> list[tuple[int, int]]:
            return [(number, row) for row in range(begin, end)]

        added += part(0, queue.put_rows(rows, size_bytes, part))
        assert len(added) - len(out) <= max_rows
        if is_taken:
            group = [row for item in queue.take() for row in item]
            assert len(group) <= max_group
            out += group
    out += [row for item in queue.stop() for row in item]
    assert out == added


def test_the_thread_works_and_rests_until_it_is_stopped() -> None:
    worked = threading.Semaphore(0)
    taken: list[Any] = []

    def work() -> None:
        taken.extend(queue.take())
        worked.release()

    queue = queue_of(work, rest_ratio=2.0)
    queue.start()
    for letter in "ab":
        assert queue.put_all([(letter, 1)])
        assert worked.acquire(timeout=SOON)
    assert taken == ["a", "b"]
    assert queue.stop() == []
    assert "test" not in {thread.name for thread in threading.enumerate()}
    assert not queue.put_all([("c", 1)])


def test_the_thread_outlives_work_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    worked = threading.Semaphore(0)

    def work() -> None:
        queue.take()
        worked.release()
        raise ValueError("a secret text")

    queue = queue_of(work)
    queue.start()
    for letter in "ab":
        assert queue.put_all([(letter, 1)])
        assert worked.acquire(timeout=SOON)
    queue.stop()
    assert "a round of test failed: ValueError" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("options", [{"pause_seconds": 3600.0}, {"rest_ratio": 1e9}])
def test_neither_a_pause_nor_a_rest_keeps_a_queue_from_stopping(options: dict[str, float]) -> None:
    begun = threading.Event()
    queue = queue_of(begun.set, **options)
    queue.start()
    queue.put_all([("a", 1)])
    if "rest_ratio" in options:
        assert begun.wait(SOON)
    stopping = threading.Thread(target=queue.stop)
    stopping.start()
    stopping.join(SOON)
    assert not stopping.is_alive()


def test_a_queue_that_never_started_gives_back_what_it_holds() -> None:
    queue = queue_of()
    queue.put_all([("a", 1)])
    assert queue.stop() == ["a"]
    assert queue.is_stopped
