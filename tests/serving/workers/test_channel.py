import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from lstm_sentiment.errors import ServableUnavailableError
from lstm_sentiment.serving.workers.channel import Channel
from lstm_sentiment.serving.workers.posix import socket_pair

TIMEOUT_SECONDS = 30


class Side:
    """One end, which answers questions and keeps what it is told."""

    def __init__(self, connection: socket.socket) -> None:
        self.told: list[Any] = []
        self.ended, self.may_answer = threading.Event(), threading.Event()
        self.connection = connection
        self.channel = Channel(
            connection,
            {"note": self.told.append, "double": lambda n: 2 * n, "wait": self._wait, "fail": fail},
            when_ended=self.ended.set,
        )
        self.channel.start()

    def _wait(self, content: object) -> str:
        self.may_answer.wait(TIMEOUT_SECONDS)
        return "done"


def fail(content: object) -> None:
    raise ValueError("of the handler")


@pytest.fixture
def sides() -> Iterator[tuple[Side, Side]]:
    one, other = map(Side, socket_pair())
    yield one, other
    for side in (one, other):
        side.may_answer.set()
        side.channel.close()
        assert side.ended.wait(TIMEOUT_SECONDS)


def test_messages_are_handled_in_order_before_a_later_question(sides: tuple[Side, Side]) -> None:
    one, other = sides
    for number in range(100):
        one.channel.tell("note", (number, "文"))
    assert one.channel.ask("double", 21) == 42
    assert other.told == [(number, "文") for number in range(100)]
    assert other.channel.ask("double", 4) == 8


def test_a_long_question_holds_up_no_other(sides: tuple[Side, Side]) -> None:
    one, other = sides
    answers: list[str] = []
    waiting = threading.Thread(target=lambda: answers.append(one.channel.ask("wait")))
    waiting.start()
    assert one.channel.ask("double", b"x") == b"xx"
    other.may_answer.set()
    waiting.join(TIMEOUT_SECONDS)
    assert answers == ["done"]


def test_a_message_may_be_larger_than_what_the_system_buffers(sides: tuple[Side, Side]) -> None:
    one, _ = sides
    assert one.channel.ask("double", b"x" * 3_000_000) == b"x" * 6_000_000


def test_questions_of_a_side_that_ends_are_not_waited_for(sides: tuple[Side, Side]) -> None:
    one, other = sides
    errors: list[Exception] = []

    def ask() -> None:
        try:
            one.channel.ask("wait")
        except ServableUnavailableError as error:
            errors.append(error)

    waiting = threading.Thread(target=ask)
    waiting.start()
    assert one.channel.ask("double", 1) == 2
    other.channel.close()
    waiting.join(TIMEOUT_SECONDS)
    assert [str(error) for error in errors] == ["the other process has ended."]
    assert one.ended.wait(TIMEOUT_SECONDS)
    with pytest.raises(ServableUnavailableError):
        one.channel.ask("double", 1)
    one.channel.tell("note", 1)


def test_an_answer_that_does_not_come_in_time_is_an_error(sides: tuple[Side, Side]) -> None:
    one, _ = sides
    with pytest.raises(ServableUnavailableError, match=r"answer within 0\.01 seconds"):
        one.channel.ask("wait", None, 0.01)
    assert one.channel.ask("double", 1) == 2


def test_a_handler_that_fails_ends_nothing(
    sides: tuple[Side, Side], caplog: pytest.LogCaptureFixture
) -> None:
    one, _ = sides
    assert one.channel.ask("fail") is None
    assert "of the handler" in caplog.text
    assert one.channel.ask("double", 1) == 2


def test_a_message_that_is_cut_off_is_dropped(sides: tuple[Side, Side]) -> None:
    one, other = sides
    one.connection.sendall(b"\0\0\0\0\0\0\0\x08abc")
    one.channel.close()
    assert other.ended.wait(TIMEOUT_SECONDS)
    assert other.told == []
