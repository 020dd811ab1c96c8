"""What came of a command line that ran in this process; see the fixture `run`."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


def is_one_error_line(outcome: Outcome) -> bool:
    return (
        outcome.code == 2
        and outcome.out == ""
        and outcome.err.startswith("error: ")
        and outcome.err.count("\n") == 1
    )
