"""Results on standard output: one JSON object, or rows of a name and a value."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from lstm_sentiment.unicode import escaped_line

_NAME_COLUMNS = 15


def print_json(value: Mapping[str, Any]) -> None:
    """Prints one JSON object on one line, with Chinese as it is."""
    print(json_line(value))


def json_line(value: Mapping[str, Any]) -> str:
    """Returns a JSON object in which what a terminal would obey is escaped as JSON has it."""
    written = json.dumps(value, ensure_ascii=False)
    return written if written == escaped_line(written) else json.dumps(value)


def print_line(line: object = "") -> None:
    """Prints one line, whatever names of others it holds."""
    print(escaped_line(line))


def print_rows(rows: Iterable[tuple[str, object]], columns: int = _NAME_COLUMNS) -> None:
    """Prints a line for each name and value.

    Names are `columns` wide on a terminal, or as wide as the longest up to twice as much.
    """
    from rich.cells import cell_len

    rows = list(rows)
    longest = max((cell_len(name) + 1 for name, _ in rows), default=0)
    width = max(columns, min(longest, 2 * columns))
    for name, value in rows:
        print_line(f"{name}{' ' * max(1, width - cell_len(name))}{value}")
