import gc
import os
import sys
import threading
import time
import weakref

import pytest

from lstm_sentiment.serving.thread_priority import (
    at_normal_priority,
    is_at_low_priority,
    rest,
    run_at_low_priority,
)

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="no other system has the call")


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@on_linux
def test_the_work_has_a_low_priority_and_the_calling_thread_keeps_its_own() -> None:
    usual = niceness()
    assert run_at_low_priority(niceness) == min(usual + 10, 19)
    assert niceness() == usual


@on_linux
def test_a_thread_that_is_started_at_normal_priority_has_it() -> None:
    found: list[int] = []

    def start() -> None:
        thread = threading.Thread(target=lambda: found.append(niceness()))
        thread.start()
        thread.join()

    run_at_low_priority(lambda: at_normal_priority(start))
    run_at_low_priority(start)
    assert found == [niceness(), min(niceness() + 10, 19)]


def test_work_at_normal_priority_runs_in_the_thread_that_waits_or_in_the_same() -> None:
    here = threading.get_ident()
    assert run_at_low_priority(threading.get_ident) != here
    assert run_at_low_priority(lambda: at_normal_priority(threading.get_ident)) == here
    assert at_normal_priority(threading.get_ident) == here


def test_only_the_work_is_at_low_priority() -> None:
    assert run_at_low_priority(is_at_low_priority)
    assert not run_at_low_priority(lambda: at_normal_priority(is_at_low_priority))
    assert not is_at_low_priority()


@pytest.mark.parametrize("nested", [False, True])
def test_an_error_is_raised_and_keeps_nothing_in_memory(nested: bool) -> None:
    class Model:
        pass

    kept: list[weakref.ref[Model]] = []

    def fail() -> None:
        model = Model()
        kept.append(weakref.ref(model))
        raise ValueError("no good")

    gc.disable()
    try:
        with pytest.raises(ValueError, match="no good") as caught:
            run_at_low_priority((lambda: at_normal_priority(fail)) if nested else fail)
        del caught
        assert kept[0]() is None
    finally:
        gc.enable()


def test_an_interrupt_ends_the_work_too() -> None:
    def interrupt() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        run_at_low_priority(interrupt)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that threads have slept, without sleeping."""
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    return pauses


def test_only_work_at_low_priority_rests(pauses: list[float]) -> None:
    rest()
    run_at_low_priority(lambda: at_normal_priority(rest))
    assert pauses == []
    run_at_low_priority(rest)
    assert len(pauses) == 1


def test_a_rest_is_longer_than_the_work_before_it_up_to_a_limit(
    pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)

    def work() -> None:
        nonlocal now
        for seconds in (0.01, 0.02, 60):
            now += seconds
            rest()

    run_at_low_priority(work)
    assert pauses == [pytest.approx(0.02), pytest.approx(0.04), 0.1]
