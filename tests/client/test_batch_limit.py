"""Batches that are longer than one request may be."""

import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.client.connection import BatchLimit
from lstm_sentiment.client.questions import Questions
from lstm_sentiment.errors import InvalidInputError, ServableUnavailableError
from tests.client_servers import CLIENTS, BlockingTwin, FakeServer, FakeTime, Refusal, serving
from tests.strategies import id_batches


@pytest.fixture(params=CLIENTS)
def make(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def address(server: FakeServer) -> Iterator[str]:
    with serving(server, threads=8) as address:
        yield address


def texts(count: int) -> list[str]:
    return [f"文{number}" for number in range(count)]


@given(count=st.integers(1, 40), limit=st.none() | st.integers(1, 45))
def test_parts_hold_all_rows_in_order(count: int, limit: int | None) -> None:
    parts = Questions("a", "m", None, None).predict(texts(count), "text").parts(limit)
    assert [row.decode() for part in parts for row in part.rows] == texts(count)
    sizes = [len(part.rows) for part in parts]
    assert all(0 < size <= (limit or count) for size in sizes)
    assert len(sizes) == -(-count // (limit or count))


@given(ids=id_batches, limit=st.integers(1, 9))
def test_parts_of_rows_of_ids_are_those_rows(ids: list[list[int]], limit: int) -> None:
    parts = Questions("a", "m", None, None).predict_ids(ids).parts(limit)
    rows = []
    for part in parts:
        array = tf.make_ndarray(part.request().inputs["input_sentence"])
        assert array.dtype == "int64"
        rows += array.tolist()
    # No id of a text is 0, so what is not padding is the text.
    assert [[value for value in row if value] for row in rows] == [row or [1] for row in ids]
    assert all(0 not in row[: len(text)] for row, text in zip(rows, ids, strict=True))


@pytest.mark.parametrize(("count", "sizes"), [(3, [3]), (4, [1, 3]), (10, [1, 3, 3, 3])])
def test_no_request_has_more_rows_than_the_caller_allows(
    make: Any, server: FakeServer, address: str, count: int, sizes: list[int]
) -> None:
    with make(address, "m", max_batch_size=3) as client:
        for ask in (client.predict, client.classify, client.explain):
            server.sizes.clear()
            assert [answer.label for answer in ask(texts(count))] == texts(count)
            assert sorted(server.sizes) == sizes
        server.sizes.clear()
        answers = client.predict_ids([[number + 1] * number for number in range(count)])
        assert [answer.predict_classification for answer in answers] == [
            number * (number + 1) or 1 for number in range(count)
        ]
        assert sorted(server.sizes) == sizes


def test_the_server_s_limit_is_learned_from_one_refusal(
    make: Any, server: FakeServer, address: str
) -> None:
    server.max_rows, server.told_limit = 4, "4"
    with make(address, "m") as client:
        for expected in ([10, 4, 4, 2], [4, 4, 2]):
            server.sizes.clear()
            assert [answer.label for answer in client.predict(texts(10))] == texts(10)
            assert sorted(server.sizes) == sorted(expected)


def test_the_server_s_limit_may_be_below_the_caller_s_and_sink(
    make: Any, server: FakeServer, address: str
) -> None:
    with make(address, "m", max_batch_size=8) as client:
        for limit in (5, 2):
            server.max_rows, server.told_limit = limit, str(limit)
            assert [answer.label for answer in client.predict(texts(21))] == texts(21)
        server.max_rows, server.told_limit = None, None
        server.sizes.clear()
        client.predict(texts(21))
        assert max(server.sizes) == 2


@pytest.mark.parametrize("told", [None, "0", "10", "11", "-1", "4.5", "many"])
def test_a_refusal_that_tells_no_smaller_limit_is_raised(
    make: Any, server: FakeServer, address: str, told: str | None
) -> None:
    server.max_rows, server.told_limit = 4, told
    with (
        make(address, "m") as client,
        pytest.raises(InvalidInputError, match="must have at most 4 rows"),
    ):
        client.predict(texts(10))
    assert server.sizes == [10]


def test_only_a_refused_input_is_divided(make: Any, server: FakeServer, address: str) -> None:
    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    server.refusals = [Refusal(code, trailing=(("max-batch-size", "4"),))]
    with make(address, "m") as client, pytest.raises(ServableUnavailableError, match="not now"):
        client.predict(texts(10))
    assert server.sizes == [10]


def test_each_part_has_its_own_retries(make: Any, server: FakeServer, address: str) -> None:
    time = FakeTime()
    with make(address, "m", max_batch_size=1, max_retries=2, timing=time.timing) as client:
        server.refusals = [Refusal()] * 2
        assert len(client.predict(["a"])) == 1
        server.refusals = [Refusal()] * 2
        assert len(client.predict(["a", "b"])) == 2


def test_one_refused_part_is_the_end_of_all(make: Any, server: FakeServer, address: str) -> None:
    server.refusals = [Refusal(grpc.StatusCode.INVALID_ARGUMENT, "the reason")]
    with (
        make(address, "m", max_batch_size=1) as client,
        pytest.raises(InvalidInputError) as caught,
    ):
        client.predict(texts(50))
    assert str(caught.value) == f"{address}: the reason"
    assert isinstance(caught.value.__cause__, grpc.RpcError)
    assert len(server.requests) < 50


def test_a_smaller_limit_known_meanwhile_stays() -> None:
    class Refused(grpc.RpcError):
        def trailing_metadata(self) -> Any:
            return (("max-batch-size", "4"),)

    error = InvalidInputError()
    error.__cause__ = Refused()
    limit = BatchLimit(2)
    assert limit.learn(error, sent_rows=10)
    assert limit.rows == 2


def test_parts_are_asked_for_at_once(server: FakeServer, address: str) -> None:
    together = threading.Barrier(4, timeout=60)

    def meet(context: grpc.ServicerContext) -> None:
        together.wait()

    server.on_request = meet
    with BlockingTwin(address, "m", max_batch_size=2, timeout_seconds=60) as client:
        assert [answer.label for answer in client.predict(texts(16))] == texts(16)
