"""What coroutines add; that both clients answer alike is tested where they are asked."""

import asyncio
import inspect
import threading
from collections.abc import Coroutine, Iterator
from typing import Any

import grpc
import pytest

from lstm_sentiment.client.async_client import AsyncPredictClient
from lstm_sentiment.client.predict_client import PredictClient
from lstm_sentiment.errors import InvalidInputError, ServableUnavailableError
from tests.client.test_model_info import MODEL_INFO
from tests.client_servers import FakeServer, serving

ASKS: dict[str, tuple[Any, ...]] = {
    "predict": (["房间很干净", "太吵", ""],),
    "predict_ids": ([[5, 6], [], [7]],),
    "classify": (["好", "坏"],),
    "label_names": (),
    "explain": (["很好", "坏"],),
    "model_status": (),
    "metadata": (),
}


class Patient(FakeServer):
    """Answers when it is told to, or asked no longer."""

    def __init__(self) -> None:
        super().__init__(**MODEL_INFO)
        self.asked = threading.Semaphore(0)
        self.given_up = threading.Semaphore(0)
        self.may_answer = threading.Event()

    def wait(self, context: grpc.ServicerContext) -> None:
        def give_up() -> None:
            self.given_up.release()
            self.may_answer.set()

        context.add_callback(give_up)
        self.asked.release()
        self.may_answer.wait(60)


@pytest.fixture
def server() -> Patient:
    return Patient()


@pytest.fixture
def address(server: Patient) -> Iterator[str]:
    with serving(server, threads=8) as address:
        yield address


@pytest.mark.parametrize("method", ASKS)
def test_both_clients_answer_alike(method: str, address: str) -> None:
    async def ask() -> Any:
        async with AsyncPredictClient(address, "m", max_batch_size=2) as client:
            return await getattr(client, method)(*ASKS[method])

    with PredictClient(address, "m", max_batch_size=2) as client:
        expected = getattr(client, method)(*ASKS[method])
    assert expected
    assert asyncio.run(ask()) == expected


@pytest.mark.parametrize("method", ["__init__", "close", *ASKS])
def test_both_clients_take_the_same_arguments(method: str) -> None:
    one, twin = getattr(PredictClient, method), getattr(AsyncPredictClient, method)
    assert inspect.signature(one) == inspect.signature(twin)


def test_no_public_method_has_no_twin() -> None:
    names = {name for name in dir(PredictClient) if not name.startswith("_")}
    assert names == {name for name in dir(AsyncPredictClient) if not name.startswith("_")}
    assert names == {*ASKS, "close"}


async def start(
    server: Patient, question: Coroutine[Any, Any, Any], requests: int = 1
) -> asyncio.Task[Any]:
    """Waits until so many requests of it have reached the server, which keeps them."""
    server.on_request = server.wait
    task = asyncio.create_task(question)
    for _ in range(requests):
        await asyncio.to_thread(server.asked.acquire, timeout=60)
    return task


@pytest.mark.parametrize("parts", [1, 3])
def test_cancelling_a_coroutine_cancels_what_it_asked_for(
    server: Patient, address: str, parts: int
) -> None:
    async def cancel() -> None:
        async with AsyncPredictClient(address, "m", max_batch_size=1, timeout_seconds=60) as client:
            task = await start(server, client.predict(["a"] * parts), parts)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            for _ in range(parts):
                assert await asyncio.to_thread(server.given_up.acquire, timeout=60)
            server.on_request = lambda context: None
            assert len(await client.predict(["b"])) == 1

    asyncio.run(cancel())


def test_no_more_than_four_parts_are_asked_for_at_once(server: Patient, address: str) -> None:
    async def ask() -> None:
        async with AsyncPredictClient(address, "m", max_batch_size=1, timeout_seconds=60) as client:
            task = await start(server, client.predict(["a"] * 16), 4)
            server.on_request = lambda context: None
            # A fifth part would have been sent, and be there, before this request.
            await client.model_status()
            assert len(server.requests) == 5
            server.may_answer.set()
            assert len(await task) == 16

    asyncio.run(ask())


def test_one_coroutine_does_not_keep_another_waiting(server: Patient, address: str) -> None:
    async def ask() -> list[str]:
        async with AsyncPredictClient(address, "m", timeout_seconds=60) as client:
            slow = await start(server, client.predict(["slow"]))
            server.on_request = lambda context: None
            [quick] = await client.predict(["quick"])
            assert not slow.done()
            server.may_answer.set()
            return [quick.label, (await slow)[0].label]

    assert asyncio.run(ask()) == ["quick", "slow"]


@pytest.mark.parametrize("parts", [1, 3])
def test_closing_ends_what_is_under_way(server: Patient, address: str, parts: int) -> None:
    async def close() -> None:
        client = AsyncPredictClient(address, "m", max_batch_size=1, timeout_seconds=60)
        task = await start(server, client.predict(["a"] * parts), parts)
        await client.close()
        with pytest.raises(ServableUnavailableError, match=f"^{address}: the client is closed"):
            await task

    asyncio.run(close())


def test_a_cancelled_coroutine_is_cancelled_though_the_client_is_closed(
    server: Patient, address: str
) -> None:
    async def close() -> None:
        client = AsyncPredictClient(address, "m", timeout_seconds=60)
        task = await start(server, client.predict(["a"]))
        task.cancel()
        await client.close()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(close())


def test_a_client_may_be_made_outside_of_a_loop_and_stays_in_its_first(address: str) -> None:
    client = AsyncPredictClient(address, "m")
    with asyncio.Runner() as first, asyncio.Runner() as second:
        assert len(first.run(client.predict(["a"]))) == 1
        with pytest.raises(InvalidInputError, match="must run in one event loop"):
            second.run(client.predict(["a"]))
        assert len(first.run(client.predict(["a"]))) == 1
        first.run(client.close())
