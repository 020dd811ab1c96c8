"""The table of what attacks cost."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from benchmarks.callers import Transport
from benchmarks.siege.cost import Cost
from benchmarks.siege.measuring import Outcome

_NONE = "–"


class _Row(NamedTuple):
    name: str
    cell: Callable[[Cost], str]


def _worst(transport: Transport) -> Callable[[Cost], str]:
    return lambda cost: _milliseconds(max(cost.latencies[transport], default=None))


def _median(transport: Transport) -> Callable[[Cost], str]:
    def cell(cost: Cost) -> str:
        taken = sorted(cost.latencies[transport])
        return _milliseconds(taken[len(taken) // 2] if taken else None)

    return cell


def _milliseconds(seconds: float | None) -> str:
    return _NONE if seconds is None else f"{1e3 * seconds:,.1f}"


_ROWS = (
    _Row("CPU, s", lambda cost: f"{cost.cpu_seconds:.2f}"),
    _Row("memory, most, MiB", lambda cost: f"{cost.mib:,.0f}"),
    _Row("memory, at the end, MiB", lambda cost: f"{cost.kept_mib:,.0f}"),
    _Row("threads, most", lambda cost: f"{cost.threads:,}"),
    _Row("descriptors, most", lambda cost: f"{cost.descriptors:,}"),
    _Row("log, bytes", lambda cost: f"{cost.log_bytes:,}"),
    _Row("honest gRPC, median, ms", _median("gRPC")),
    _Row("honest gRPC, worst, ms", _worst("gRPC")),
    _Row("honest REST, median, ms", _median("REST")),
    _Row("honest REST, worst, ms", _worst("REST")),
    _Row("honest requests failed", lambda cost: f"{cost.failures:,}"),
)
_COLUMNS = ("before", "during", "after")


def table(outcomes: Sequence[tuple[str, Outcome]]) -> str:
    """Returns a table of one attack in Markdown: rows of costs, three columns for each server.

    Args:
        outcomes: The name of each server, and what the attack did to it.
    """
    head = [f"{name}, {column}" for name, _ in outcomes for column in _COLUMNS]
    lines = [_line(["", *head]), _line(["---", *["---:"] * len(head)])]
    for row in _ROWS:
        cells = [
            row.cell(cost)
            for _, outcome in outcomes
            for cost in (outcome.before, outcome.during, outcome.after)
        ]
        lines.append(_line([row.name, *cells]))
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
