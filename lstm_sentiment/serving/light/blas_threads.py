"""Matrix products of NumPy in the calling thread alone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_limits: list[Any] = []
_users = 0


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Keeps NumPy's BLAS from using more threads, for small matrices in a busy process.

    A product of a few microseconds would wait for threads that spin meanwhile: on a busy machine
    it can take a hundred times as long. The number of threads is one for the whole process, so it
    is changed by the first that enters and restored by the last that leaves.
    """
    global _users
    with _lock:
        _users += 1
        if _users == 1:
            _limits.append(_controller().limit(limits=1, user_api="blas"))
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users:
                _limits.pop().restore_original_limits()


@cache
def _controller() -> Any:
    return ThreadpoolController()
