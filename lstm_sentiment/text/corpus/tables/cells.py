"""Cells of tables as text: what a typed format holds becomes what CSV would hold."""

import json
import math
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from lstm_sentiment.unicode import has_controls, replace_surrogates

# From here on, not every whole number has a floating-point number of its own.
_FLOATS_END = 2.0**53
_MOST_SHOWN = 40


class TableRow(NamedTuple):
    """One row of a table.

    Attributes:
        number: The line on which the row ends, or the row where a format has no lines; from 1.
        ordinal: Number of the row among all rows of the file, malformed ones included, from 1.
        cells: Values of the requested columns, in that order.
        start: First byte of the row in the file; 0 where rows have no bytes of their own.
        length: Bytes of the row; 0 where rows have no bytes of their own.
    """

    number: int
    ordinal: int
    cells: Sequence[Any]
    start: int = 0
    length: int = 0


class CellError(ValueError):
    """A cell that breaks a rule; the message gives the rule, then what was received."""


class NoLabelError(CellError):
    """A cell without a label, as in a file that is not labelled to its end."""


def clean_text(text: str) -> str:
    """Replaces lone surrogates and strips surrounding whitespace."""
    return replace_surrogates(text).strip()


def text_of(cell: Any) -> str:
    """Returns a cell of the texts; without a value, such as null or NaN, it is empty.

    Raises:
        CellError: If it is neither text, a number nor a boolean.
    """
    text = _as_text(cell)
    if text is None:
        raise CellError(f"a text must be a string. Received: {_shown(cell)}.")
    return text


def label_of(cell: Any) -> str:
    """Returns a cell of the labels without whitespace around it.

    Raises:
        NoLabelError: If it is empty.
        CellError: If it is neither a number, a boolean nor one line of text, or a floating-point
            number so large that it equals others.
    """
    if isinstance(cell, float) and math.isfinite(cell) and abs(cell) >= _FLOATS_END:
        raise CellError(
            "a label that is a floating-point number must be below 2**53, where others can be told "
            f"from it: write it as a whole number or as text. Received: {cell!r}."
        )
    label = _as_text(cell)
    name = "" if label is None else label.strip()
    if name.lower() == "nan":
        name = ""
    if not name or has_controls(name):
        kind = CellError if label is None or name else NoLabelError
        raise kind(
            "a label must be a number, or one line of text without control characters. "
            f"Received: {_shown(cell)}."
        )
    return name


def written_cell(cell: Any) -> str:
    """Returns any cell as CSV holds it: lists and structures as JSON, nothing as empty text."""
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    text = _as_text(cell)
    if text is not None:
        return replace_surrogates(text)
    return replace_surrogates(json.dumps(cell, ensure_ascii=False, default=str))


def is_blank(cell: Any) -> bool:
    """Returns whether a cell has no value, or holds nothing but whitespace."""
    text = _as_text(cell)
    return text is not None and not text.strip()


def _as_text(cell: Any) -> str | None:
    """Returns a cell as CSV holds it, or `None` if CSV cannot hold it."""
    if isinstance(cell, str):
        return cell
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, bool | int | float):
        return str(cell)
    if isinstance(cell, Decimal):
        return "" if cell.is_nan() else format(cell, "f")
    if isinstance(cell, bytes):
        try:
            return cell.decode()
        except UnicodeDecodeError:
            return None
    if isinstance(cell, date) and not isinstance(cell, datetime):
        return cell.isoformat()
    return None


def _shown(cell: Any) -> str:
    shown = repr(cell)
    return shown if len(shown) <= _MOST_SHOWN else f"{shown[:_MOST_SHOWN]}..."
