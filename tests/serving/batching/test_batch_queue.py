"""When the batch of a queue may begin, and what is in it."""

import numpy as np
import pytest

from lstm_sentiment.serving.batching.batch_queue import BatchQueue, BatchTarget
from lstm_sentiment.serving.batching.batch_request import BatchRequest, BatchTask
from lstm_sentiment.serving.batching.batch_sizing import BatchSizing
from lstm_sentiment.serving.caller import ANYBODY
from tests.serving.batching.doubler import ID

HOUR = 3600.0


@pytest.fixture
def queue() -> BatchQueue:
    target = BatchTarget((ID, "double", ((),), False), lambda inputs, caller: inputs)
    return BatchQueue(target, BatchSizing(4))


def add(queue: BatchQueue, rows: int) -> BatchTask:
    parts = [({"x": np.zeros(rows)}, rows)]
    [task] = BatchRequest(queue, parts, ANYBODY, lambda request: None, None).tasks
    queue.add(task)
    return task


def test_the_first_task_does_not_wait_for_others_unless_it_is_told_to(queue: BatchQueue) -> None:
    task = add(queue, 1)
    assert queue.due(0) == task.request.arrival
    assert queue.due(HOUR) == task.request.arrival + HOUR


def test_a_full_batch_begins_at_once_beside_another_one(queue: BatchQueue) -> None:
    queue.running = 1
    queue.sizing.ran(1, HOUR)
    add(queue, 3)
    assert queue.due(0) > 0
    add(queue, 1)
    assert queue.due(HOUR) == 0


def test_beside_another_one_a_batch_gathers_for_as_long_as_two_usual_ones_take(
    queue: BatchQueue,
) -> None:
    queue.running = 1
    task = add(queue, 1)
    assert queue.due(0) == task.request.arrival  # nothing is known yet
    for _ in range(100):
        queue.sizing.ran(1, 0.25)
    assert queue.due(0) == pytest.approx(task.request.arrival + 0.5)
    assert queue.due(HOUR) == task.request.arrival + HOUR
    for _ in range(100):
        queue.sizing.ran(1, 0.75)
    assert queue.due(0) == pytest.approx(task.request.arrival + 1.5)


def test_a_batch_has_the_oldest_tasks_that_fit_and_never_none(queue: BatchQueue) -> None:
    first, second, third = add(queue, 3), add(queue, 1), add(queue, 9)
    assert queue.take() == [first, second]
    assert queue.take() == [third]
    assert (queue.rows, queue.take()) == (0, [])
