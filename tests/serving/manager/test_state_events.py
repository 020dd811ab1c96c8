import threading
from concurrent.futures import ThreadPoolExecutor

from lstm_sentiment.serving.manager.state_events import StateEvents
from lstm_sentiment.serving.servable import ManagerState, ServableState
from lstm_sentiment.serving.servable_id import ServableId

TIMEOUT_SECONDS = 30


def state(version: int) -> ServableState:
    return ServableState(ServableId("m", version), ManagerState.AVAILABLE)


def test_states_are_told_in_order_also_those_that_come_meanwhile() -> None:
    told: list[int] = []

    def tell(of: ServableState) -> None:
        told.append(of.id.version)
        if of.id.version == 1:
            events.add(state(3))
            assert not events.tell(), "one tells already"
            assert told == [1]

    events = StateEvents(tell)
    events.add(state(1))
    events.add(state(2))
    assert not events.are_told()
    assert events.tell()
    assert told == [1, 2, 3]
    assert events.are_told()
    assert not events.tell()


def test_a_state_is_told_only_when_the_call_is_over() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def tell(of: ServableState) -> None:
        begun.set()
        assert go_on.wait(TIMEOUT_SECONDS)

    events = StateEvents(tell)
    events.add(state(1))
    with ThreadPoolExecutor(1) as pool:
        telling = pool.submit(events.tell)
        assert begun.wait(TIMEOUT_SECONDS)
        assert not events.are_told()
        go_on.set()
        assert telling.result()
    assert events.are_told()


def test_with_nobody_to_tell_there_is_nothing_to_tell() -> None:
    events = StateEvents(None)
    events.add(state(1))
    assert events.are_told()
    assert not events.tell()
