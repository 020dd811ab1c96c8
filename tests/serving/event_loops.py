"""Event loops of servers under test."""

from collections.abc import Iterator
from contextlib import contextmanager

from lstm_sentiment.serving.event_loop import EventLoop


@contextmanager
def running_event_loop() -> Iterator[EventLoop]:
    """An event loop that runs in a thread of its own."""
    loop = EventLoop()
    loop.start()
    try:
        yield loop
    finally:
        loop.stop()
