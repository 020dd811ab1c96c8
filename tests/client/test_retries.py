"""Both clients, where the server is UNAVAILABLE for a while."""

import itertools
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.client.retries import Attempts, Deadline, Timing
from lstm_sentiment.errors import InvalidInputError, LstmSentimentError, ServableUnavailableError
from tests.client_servers import CLIENTS, FakeServer, FakeTime, Refusal, serving

PUSHBACK = "grpc-retry-pushback-ms"


@pytest.fixture(params=CLIENTS)
def make(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def address(server: FakeServer) -> Iterator[str]:
    with serving(server) as address:
        yield address


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


def ask_every_way(client: Any) -> Iterator[Any]:
    yield lambda: client.predict(["a"])
    yield lambda: client.predict_ids([[5]])
    yield lambda: client.classify(["a"])
    yield lambda: client.explain(["a"])
    yield client.model_status


def test_an_unavailable_server_is_asked_again_after_growing_pauses(
    make: Any, server: FakeServer, address: str, time: FakeTime
) -> None:
    with make(address, "m", timing=time.timing) as client:
        for ask in ask_every_way(client):
            server.refusals = [Refusal()] * 3
            server.requests.clear()
            time.pauses.clear()
            ask()
            assert time.pauses == pytest.approx([0.1, 0.2, 0.4])
            assert len(server.requests) == 4
            assert all(request == server.requests[0] for request in server.requests)


@pytest.mark.parametrize("max_retries", [0, 2])
def test_in_the_end_the_refusal_is_raised(
    make: Any, server: FakeServer, address: str, time: FakeTime, max_retries: int
) -> None:
    server.refusals = [Refusal(details=f"number {number}") for number in range(9)]
    with (
        make(address, "m", max_retries=max_retries, timing=time.timing) as client,
        pytest.raises(ServableUnavailableError) as caught,
    ):
        client.predict(["a"])
    assert str(caught.value) == f"{address}: number {max_retries}"
    assert len(server.requests) == 1 + max_retries
    assert len(time.pauses) == max_retries


@pytest.mark.parametrize(
    "code",
    [code for code in grpc.StatusCode if code.name not in ("OK", "UNAVAILABLE")],
    ids=lambda code: code.name,
)
def test_no_other_refusal_is_answered_by_asking_again(
    make: Any, server: FakeServer, address: str, time: FakeTime, code: grpc.StatusCode
) -> None:
    server.refusals = [Refusal(code)] * 2
    with (
        make(address, "m", max_retries=9, timing=time.timing) as client,
        pytest.raises(LstmSentimentError),
    ):
        client.predict(["a"])
    assert len(server.requests) == 1
    assert time.pauses == []


def test_no_pause_goes_past_the_deadline(
    make: Any, server: FakeServer, address: str, time: FakeTime
) -> None:
    server.refusals = [Refusal()] * 99
    with make(address, "m", max_retries=99, timeout_seconds=1, timing=time.timing) as client:
        with pytest.raises(ServableUnavailableError, match="not now"):
            client.predict(["a"])
        assert time.pauses == pytest.approx([0.1, 0.2, 0.4])
        time.pauses.clear()
        with pytest.raises(ServableUnavailableError, match="not now"):
            client.predict(["a"], timeout_seconds=0.15)
        assert time.pauses == pytest.approx([0.1])


def test_the_deadline_is_that_of_all_parts_together(
    make: Any, server: FakeServer, address: str, time: FakeTime
) -> None:
    def take_a_while(context: grpc.ServicerContext) -> None:
        time.now += 0.4

    server.on_request = take_a_while
    texts = [f"{number}" for number in range(20)]
    with make(address, "m", max_batch_size=1, timeout_seconds=1, timing=time.timing) as client:
        with pytest.raises(ServableUnavailableError, match=f"^{address}: .* within 1 seconds"):
            client.predict(texts)
        assert len(server.requests) < len(texts)
        assert len(client.predict(texts, timeout_seconds=100)) == len(texts)


def test_each_request_has_what_is_left_of_the_time(
    make: Any, server: FakeServer, address: str, time: FakeTime
) -> None:
    left: list[float] = []
    server.on_request = lambda context: left.append(context.time_remaining())
    server.refusals = [Refusal(trailing=((PUSHBACK, "1800000"),))]
    with make(address, "m", timeout_seconds=3600, timing=time.timing) as client:
        client.predict(["a"])
    first, second = left
    # gRPC rounds what it tells the server.
    assert second < 2700 < first


@pytest.mark.parametrize("timeout_seconds", [0, -1, float("nan")])
def test_a_call_s_own_deadline_must_be_positive(
    make: Any, server: FakeServer, address: str, timeout_seconds: float
) -> None:
    with make(address, "m") as client:
        for ask in (client.predict, client.classify, client.explain):
            with pytest.raises(
                InvalidInputError, match="`timeout_seconds` must be a positive number"
            ):
                ask(["a"], timeout_seconds=timeout_seconds)
        for tell in (client.model_status, client.metadata):
            with pytest.raises(
                InvalidInputError, match="`timeout_seconds` must be a positive number"
            ):
                tell(timeout_seconds=timeout_seconds)
    assert server.requests == []


def test_the_server_may_ask_for_another_pause(
    make: Any, server: FakeServer, address: str, time: FakeTime
) -> None:
    server.refusals = [Refusal(trailing=((PUSHBACK, "7"),)), Refusal()]
    with make(address, "m", timing=time.timing) as client:
        client.predict(["a"])
    assert time.pauses == pytest.approx([0.007, 0.2])


@pytest.mark.parametrize("pushback", ["-1", "soon", "60000", "9" * 400])
def test_the_server_may_ask_not_to_come_back_in_time(
    make: Any, server: FakeServer, address: str, time: FakeTime, pushback: str
) -> None:
    server.refusals = [Refusal(trailing=((PUSHBACK, pushback),))]
    with (
        make(address, "m", timing=time.timing) as client,
        pytest.raises(ServableUnavailableError, match="not now"),
    ):
        client.predict(["a"])
    assert len(server.requests) == 1


def test_a_server_that_starts_meanwhile_is_reached(make: Any, server: FakeServer) -> None:
    never = threading.Event()
    with socket.socket() as reserved, ExitStack() as open_servers:
        # gRPC's servers share ports with whoever allows it: nobody else can take this one.
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        pauses = itertools.count(1)

        def sleep(seconds: float) -> None:
            if next(pauses) == 2:
                open_servers.enter_context(serving(server, port=port))
            never.wait(0.01)

        async def async_sleep(seconds: float) -> None:
            sleep(seconds)

        timing = Timing(sleep=sleep, async_sleep=async_sleep)
        with make(
            f"127.0.0.1:{port}", "m", max_retries=10**6, timeout_seconds=60, timing=timing
        ) as client:
            assert client.predict(["a"])[0].label == "a"
    assert len(server.requests) == 1


class Unavailable(grpc.RpcError):
    def __init__(self, pushback: int | None) -> None:
        self.pushback = pushback

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNAVAILABLE

    def trailing_metadata(self) -> Any:
        return None if self.pushback is None else ((PUSHBACK, str(self.pushback)),)


@given(
    timeout_seconds=st.floats(0.001, 1e4),
    max_retries=st.integers(0, 2000),
    chances=st.lists(st.floats(0, 1), min_size=1, max_size=30),
    pushbacks=st.lists(st.none() | st.integers(-5, 9000), min_size=1, max_size=30),
)
def test_retries_are_bounded_in_number_and_in_time(
    timeout_seconds: float,
    max_retries: int,
    chances: list[float],
    pushbacks: list[int | None],
) -> None:
    time = FakeTime()
    chance, drawn = itertools.cycle(chances), itertools.cycle(chances)
    timing = Timing(lambda: time.now, time.sleep, random=lambda: next(chance))
    attempts = Attempts(Deadline(timeout_seconds, timing.clock), max_retries, timing)
    for pushback in itertools.cycle(pushbacks):
        pause = attempts.pause_after(Unavailable(pushback))
        if pause is None:
            break
        longest = min(5.0, 0.1 * 2 ** min(len(time.pauses), 9))
        by_chance = next(drawn) * longest
        assert pause == pytest.approx(by_chance if pushback is None else pushback / 1000)
        time.sleep(pause)
    assert len(time.pauses) <= max_retries
    assert time.now < timeout_seconds
