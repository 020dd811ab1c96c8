"""A thread that runs an event loop, on which a server answers its requests."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from lstm_sentiment.errors import ServableUnavailableError

_Result = TypeVar("_Result")


class EventLoop:
    """Runs an asyncio event loop in a thread of its own.

    The loop must never wait for a lock, a file or a model: all requests of the server wait then.
    """

    def __init__(self, name: str = "event-loop") -> None:
        """Prepares the loop; `start` starts its thread.

        Args:
            name: Name of the thread.
        """
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)
        self._is_running = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    def start(self) -> None:
        """Starts the thread; returns when the loop is running."""
        self._thread.start()
        self._is_running.wait()

    def stop(self) -> None:
        """Cancels what still runs on the loop, and waits for the thread to end."""
        loop, stopping = self._loop, self._stopping
        if loop is not None and stopping is not None:
            loop.call_soon_threadsafe(stopping.set)
            self._thread.join()
            self._loop = None

    def submit(self, coroutine: Coroutine[Any, Any, _Result]) -> "Future[_Result]":
        """Schedules a coroutine on the loop, from any other thread; returns its future result.

        Raises:
            ServableUnavailableError: If the loop is not running.
        """
        if self._loop is None:
            coroutine.close()
            raise ServableUnavailableError("the server's event loop is not running.")
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def run(self, coroutine: Coroutine[Any, Any, _Result]) -> _Result:
        """Runs a coroutine on the loop and waits for its result, in any other thread.

        Raises:
            ServableUnavailableError: If the loop is not running.
            Exception: Any error of the coroutine.
        """
        return self.submit(coroutine).result()

    def call_soon(self, callback: Callable[..., object], *args: Any) -> None:
        """Calls back on the loop soon; may be called in any thread.

        Raises:
            ServableUnavailableError: If the loop is not running.
        """
        if self._loop is None:
            raise ServableUnavailableError("the server's event loop is not running.")
        self._loop.call_soon_threadsafe(callback, *args)

    def _main(self) -> None:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(self._until_stopped())

    async def _until_stopped(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self._is_running.set()
        await self._stopping.wait()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Returns the loop of uvloop, which Windows lacks, or asyncio's that watches sockets."""
    try:
        import uvloop
    except ImportError:
        return asyncio.SelectorEventLoop
    return uvloop.new_event_loop
