"""Work at low priority, so that threads that answer requests do not wait for a processor."""

import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")

_NICENESS = 10
_RESTS_BY_WORK = 2
_LONGEST_REST_SECONDS = 0.1

Tasks = SimpleQueue[Callable[[], None] | None]
_this_thread = threading.local()


def run_at_low_priority(work: Callable[[], T]) -> T:
    """Runs work in a thread of its own, to which the operating system prefers all others.

    On other systems than Linux, which have no priorities of single threads, the thread is like any
    other. A thread that the work starts inherits the priority and keeps it for good, so threads
    that will answer requests are started by `at_normal_priority`.

    Args:
        work: Called once.

    Returns:
        What `work` returns. What it raises is raised.
    """
    tasks: Tasks = SimpleQueue()
    outcomes: SimpleQueue[Future[T]] = SimpleQueue()

    def run() -> None:
        _lower_priority()
        _this_thread.tasks, _this_thread.resumed = tasks, time.perf_counter()
        outcomes.put(_outcome(work))
        tasks.put(None)

    thread = threading.Thread(target=run, name=f"{threading.current_thread().name}-low-priority")
    thread.start()
    while (task := tasks.get()) is not None:
        task()
    thread.join()
    return outcomes.get().result()


def at_normal_priority(work: Callable[[], T]) -> T:
    """Runs work in the thread that called `run_at_low_priority`, or else in the calling thread.

    Returns:
        What `work` returns. What it raises is raised.
    """
    if not is_at_low_priority():
        return work()
    outcomes: SimpleQueue[Future[T]] = SimpleQueue()
    tasks: Tasks = _this_thread.tasks
    tasks.put(lambda: outcomes.put(_outcome(work)))
    return outcomes.get().result()


def is_at_low_priority() -> bool:
    """Returns whether the calling thread is one of `run_at_low_priority`."""
    return hasattr(_this_thread, "tasks")


def rest() -> None:
    """Pauses a thread at low priority, for a while that grows with its work since the last pause.

    A thread that holds Python's interpreter lock is waited for by all others, whatever its
    priority: long work is done in pieces, with a rest after each. Does nothing at normal priority.
    """
    if is_at_low_priority():
        worked = time.perf_counter() - _this_thread.resumed
        time.sleep(min(_RESTS_BY_WORK * worked, _LONGEST_REST_SECONDS))
        _this_thread.resumed = time.perf_counter()


def _outcome(work: Callable[[], T]) -> Future[T]:
    outcome: Future[T] = Future()
    try:
        outcome.set_result(work())
    except BaseException as error:
        outcome.set_exception(error)
    try:
        return outcome
    finally:
        # An error refers to this frame: without the cycle all is freed with the error.
        del outcome


def _lower_priority() -> None:
    if sys.platform == "linux":
        with suppress(OSError):
            thread = threading.get_native_id()
            priority = os.getpriority(os.PRIO_PROCESS, thread) + _NICENESS
            os.setpriority(os.PRIO_PROCESS, thread, priority)
