"""The lines of a log: forged by nobody, and not repeated."""

import io
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lstm_sentiment.serving.log_lines import LogHandler, get_logger, logging_by

FORM = "%(levelname)s %(message)s"
FORGED = "a\nERROR forged \x1b[31mred\u202e\x9b2J"


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Log:
    """A logger of its own, with what it wrote."""

    def __init__(self) -> None:
        self.clock, self.stream = Clock(), io.StringIO()
        self.handler = LogHandler(self.stream, form=FORM, clock=self.clock)
        self.logger = logging.Logger("anything")
        self.logger.addHandler(self.handler)

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().split("\n")[:-1]

    def fail(self, error: Exception, message: str = "it failed") -> None:
        try:
            raise error
        except type(error):
            self.logger.exception("%s", message)


@pytest.fixture
def log() -> Iterator[Log]:
    log = Log()
    yield log
    log.handler.close()


def test_a_message_is_one_line_whatever_it_quotes(log: Log) -> None:
    log.logger.warning("model %s", FORGED)
    assert log.lines == [r"WARNING model a\nERROR forged \x1b[31mred\u202e\x9b2J"]


def test_no_line_of_a_traceback_looks_like_a_record(log: Log) -> None:
    log.fail(ValueError(FORGED))
    first, *others = log.lines
    assert first == "ERROR it failed"
    assert others and all(line.startswith("    ") for line in others)
    assert "\x1b" not in log.stream.getvalue() and "\u202e" not in log.stream.getvalue()


def test_a_long_message_is_cut_and_says_by_how_much(log: Log) -> None:
    log.logger.info("x" * 1_000_000)
    (line,) = log.lines
    assert len(line) < 5_000
    assert line.endswith("(996,000 characters more)")


def test_thousands_of_the_same_error_are_two_lines_and_a_number(log: Log) -> None:
    for _ in range(5_000):
        log.logger.error("no room for %s", "m")
    assert log.lines == ["ERROR no room for m"]
    log.clock.now += 61
    log.logger.error("no room for %s", "m")
    assert log.lines == [
        "ERROR no room for m",
        "ERROR 4,999 times more in 61 s, from test_log_lines; the last: no room for m",
        "ERROR no room for m",
    ]


def test_thousands_of_different_messages_of_one_origin_are_a_few_lines_and_a_number(
    log: Log,
) -> None:
    for number in range(5_000):
        log.logger.warning(f"bad name {number}")
    assert len(log.lines) == 20
    log.handler.close()
    assert "4,980 times more" in log.lines[-1] and "bad name 4999" in log.lines[-1]


def test_an_error_is_told_beside_a_flood_of_another_origin(log: Log) -> None:
    for _ in range(100):
        log.logger.warning("a flood")
    log.logger.error("something else")
    assert log.lines == ["WARNING a flood", "ERROR something else"]


def test_a_kind_of_traceback_is_written_once_an_hour(log: Log) -> None:
    for number in range(3):
        log.fail(ValueError(f"number {number}"), f"request {number}")
    assert log.stream.getvalue().count("Traceback") == 1
    assert log.lines[-1] == (
        "ERROR request 2: ValueError: number 2; its traceback was written before"
    )
    log.fail(KeyError("other"))
    assert log.stream.getvalue().count("Traceback") == 2
    log.clock.now += 3_601
    log.fail(ValueError("again"))
    assert log.stream.getvalue().count("Traceback") == 3


def test_what_is_no_warning_is_always_written(log: Log) -> None:
    for _ in range(30):
        log.logger.info("loading")
    assert log.lines == ["INFO loading"] * 30


def test_a_record_whose_arguments_do_not_fit_ends_nothing(
    log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    log.logger.error("%d", "no number")
    log.logger.error("after")
    assert log.lines == ["ERROR after"]


@pytest.mark.parametrize("name", ["asyncio", "uvicorn.error", "grpc._cython.cygrpc"])
def test_libraries_and_uncaught_errors_go_the_same_way(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    stream = io.StringIO()

    class Broken:
        def __del__(self) -> None:
            raise RuntimeError(FORGED)

    def fail() -> None:
        raise RuntimeError(FORGED)

    hooks = threading.excepthook, sys.unraisablehook
    with logging_by(LogHandler(stream, form=FORM), logging.INFO):
        for _ in range(1_000):
            logging.getLogger(name).error("socket.accept() out of system resource")
            Broken()
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        logging.getLogger("lstm_sentiment.serving.anything").info("hello")
    assert (threading.excepthook, sys.unraisablehook) == hooks
    written = stream.getvalue()
    assert written.count("\nERROR forged") == 0 and "\x1b" not in written
    assert "ERROR socket.accept() out of system resource\n" in written
    assert "999 times more" in written and "INFO hello\n" in written
    assert written.count("Traceback") == 2
    assert len(written.splitlines()) < 60


def test_other_programs_handlers_get_one_line_from_the_line_that_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    get_logger("lstm_sentiment.serving.x").warning("%s has %d of %s", Path(FORGED), 3, KeyError(1))
    (record,) = caplog.records
    assert record.getMessage() == r"a\nERROR forged \x1b[31mred\u202e\x9b2J has 3 of 1"
    assert (record.filename, record.funcName) == (
        "test_log_lines.py",
        "test_other_programs_handlers_get_one_line_from_the_line_that_logged",
    )
