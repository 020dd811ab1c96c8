"""Results on standard output: one JSON object, or rows of a name and a value."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

_NAME_COLUMNS = 15


def print_json(value: Mapping[str, Any]) -> None:
    """Prints one JSON object on one line, with Chinese as it is."""
    print(json.dumps(value, ensure_ascii=False))


def print_rows(rows: Iterable[tuple[str, object]], columns: int = _NAME_COLUMNS) -> None:
    """Prints a line for each name and value; names are `columns` wide."""
    for name, value in rows:
        print(f"{name:<{columns}}{value}")
