"""Bounds the calls that may stay open for long: streams, and calls that wait for models to load."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import grpc

from lstm_sentiment.serving.errors import ResourceExhaustedError


class OpenCalls:
    """Counts the open calls of one kind; to be used on the event loop alone."""

    def __init__(self, what: str, most: int) -> None:
        """Begins with none.

        Args:
            what: The kind, for messages, such as `streams of health`.
            most: How many may be open at once.
        """
        self._what, self._most = what, most
        self._open = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Counts a call as open within a context.

        Raises:
            ResourceExhaustedError: If as many are open as may be.
        """
        if self._open >= self._most:
            raise ResourceExhaustedError(
                f"at most {self._most} {self._what} may be open at once. "
                "Received: one more; send it again later."
            )
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    async def stream(self, context: Any) -> ExitStack:
        """Counts a stream as open until the context that is returned ends.

        Args:
            context: gRPC's context of the call, which ends as RESOURCE_EXHAUSTED if as many are
                open as may be.
        """
        stack = ExitStack()
        try:
            stack.enter_context(self.one())
        except ResourceExhaustedError as error:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, str(error))
        return stack
