"""Asks several workers at once."""

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

_Worker = TypeVar("_Worker")
_Answer = TypeVar("_Answer")


def ask_all(
    workers: Sequence[_Worker], ask: Callable[[_Worker], _Answer]
) -> list[_Answer | Exception]:
    """Asks each worker in a thread of its own.

    Args:
        workers: The workers.
        ask: Asks one worker.

    Returns:
        The answer of each worker, or the error that asking it raised.
    """
    answers: list[_Answer | Exception] = [TimeoutError() for _ in workers]

    def answer(place: int) -> None:
        try:
            answers[place] = ask(workers[place])
        except Exception as error:
            answers[place] = error

    threads = [threading.Thread(target=answer, args=(place,)) for place in range(len(workers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
