"""Returns the memory that large requests took to the operating system."""

import asyncio

from lstm_sentiment.serving.inference.runner import Runner
from lstm_sentiment.system import return_freed_memory

_REST_SECONDS = 1.0


class MemoryReturn:
    """Returns freed memory some time after a large request, for all that have ended by then."""

    def __init__(self, runner: Runner) -> None:
        """Returns memory in a thread of a runner."""
        self._runner = runner
        self._is_due = False

    def soon(self) -> None:
        """Returns freed memory within some seconds; to be called on the event loop."""
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_later(_REST_SECONDS, self._return)

    def _return(self) -> None:
        self._is_due = False
        self._runner.submit(return_freed_memory)
