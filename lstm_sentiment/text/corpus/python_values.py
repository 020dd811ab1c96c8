"""Texts and labels that Python code gives: lists, arrays, generators and columns of tables.

A missing value (`None`, NaN, `pandas.NA`, NaT) is never taken for a text or a label: it is refused
with the number of its row, counted from 0 as Python counts.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from lstm_sentiment.checks import did_you_mean
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.corpus.tables.cells import CellError, label_of, text_of
from lstm_sentiment.unicode import replace_surrogates

_PLAIN = (str, bool, int, float, bytes, Decimal, date)
_MOST_NAMED = 10


def texts_of(values: Iterable[Any], name: str = "texts") -> list[str]:
    """Returns texts that may be given as any kind of column.

    Args:
        values: A list, a generator, a NumPy array, a pandas or Polars series, an Arrow array, or a
            table of one column. Numbers are taken as they are printed.
        name: What the error calls the argument.

    Raises:
        InvalidInputError: If it is one string or a table of several columns, or if a text is
            missing or neither a string nor a number; the message has the number of the row.
    """
    texts = listed(values, name)
    if all(type(text) is str for text in texts):
        return [replace_surrogates(text) for text in texts]
    return _checked(texts, _as_text, "text")


def labels_of(values: Iterable[Any], name: str = "labels") -> list[str]:
    """Returns the names of labels that may be given as any kind of column, of any type, by `str`.

    Raises:
        InvalidInputError: As `texts_of`, or if a label is empty or has several lines.
    """
    return _checked(listed(values, name), label_name, "label")


def listed(values: Iterable[Any], name: str) -> list[Any]:
    """Returns the values of one column as a list of Python's own types.

    Raises:
        InvalidInputError: If there is not exactly one column.
    """
    if isinstance(values, str | bytes) or not _is_iterable(values):
        raise InvalidInputError(
            f"`{name}` must be a list or another column of values. Received: {_shown(values)}."
        )
    names = column_names(values)
    if names is not None:
        if len(names) != 1:
            raise InvalidInputError(
                f"`{name}` must be one column, such as `frame[{(names or ['text'])[0]!r}]`. "
                f"Received: a table of {len(names)} columns."
            )
        values = column_of(values, names[0])
    if callable(to_numpy := getattr(values, "numpy", None)):  # a tensor
        values = to_numpy()
    if isinstance(values, np.ndarray):
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        if values.ndim != 1:
            raise InvalidInputError(
                f"`{name}` must have one dimension. Received: shape {values.shape}."
            )
    for method in ("to_pylist", "to_list", "tolist"):
        if callable(convert := getattr(values, method, None)):
            return [_plain(value) for value in convert()]
    return [_plain(value) for value in values]


def column_names(frame: object) -> list[Any] | None:
    """Returns the names of the columns of a table; `None` for what is not a table."""
    if isinstance(frame, Mapping):
        return list(frame)
    names = getattr(frame, "column_names", None)  # Arrow, Hugging Face
    if names is None:
        names = getattr(frame, "columns", None)  # pandas, Polars
    return None if names is None or callable(names) else list(names)


def column_of(frame: Any, name: Any) -> list[Any]:
    """Returns one column of a table as a list of Python's own types.

    Args:
        frame: A pandas or Polars frame, an Arrow table, a Hugging Face dataset, or a mapping of
            columns.
        name: The column. One of Hugging Face's `ClassLabel` holds names.

    Raises:
        InvalidInputError: If `frame` is no table in memory or lacks the column.
    """
    names = None if hasattr(frame, "collect") else column_names(frame)
    if names is None:
        raise InvalidInputError(
            "`frame` must be a table in memory: a pandas or Polars frame, an Arrow table, a "
            f"Hugging Face dataset or a mapping of columns. Received: {type(frame).__name__}."
        )
    parts = frame.values() if isinstance(frame, Mapping) else ()
    if any(column_names(part) is not None for part in parts):
        raise InvalidInputError(
            f"`frame` must be one table: take one of its parts, such as `frame[{names[0]!r}]`. "
            f"Received: {type(frame).__name__} of {len(names)} tables."
        )
    if name not in names:
        shown = ", ".join(repr(each) for each in names[:_MOST_NAMED])
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        raise InvalidInputError(
            f"A column must be among those of the table: {shown}{more}. Received: {name!r}."
            f"{did_you_mean(str(name), [str(each) for each in names])}"
        )
    if names.count(name) > 1:
        raise InvalidInputError(
            f"A column must have a name of its own. Received: {names.count(name)} columns {name!r}."
        )
    values = listed(frame[name], str(name))
    return _class_names(frame, name, values)


def is_missing(value: object) -> bool:
    """Returns whether a value stands for none: `None`, NaN, `pandas.NA` or NaT."""
    if value is None or isinstance(value, str):
        return value is None
    try:
        return bool(value != value)
    except (TypeError, ValueError, ArithmeticError):  # pandas.NA is neither true nor false
        return type(value).__name__ == "NAType"


def label_name(value: object) -> str:
    """Returns the name of a label of any type.

    Raises:
        CellError: If it is empty, has several lines or is a collection.
    """
    if isinstance(value, list | dict | set | np.ndarray):
        raise CellError(f"a label must be one value. Received: {_shown(value)}.")
    return label_of(value if isinstance(value, _PLAIN) else str(value))


def without_missing(columns: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Returns columns of one length without the rows in which a value is missing."""
    rows = [row for row in zip(*columns, strict=True) if not any(map(is_missing, row))]
    return [[row[place] for row in rows] for place in range(len(columns))]


def refuse_missing(values: Sequence[object], kind: str) -> None:
    """Raises an `InvalidInputError` that names the first row whose value is missing, if any is."""
    rows = [row for row, value in enumerate(values) if is_missing(value)]
    if rows:
        more = f", and {len(rows) - 1:,} more" if len(rows) > 1 else ""
        raise InvalidInputError(
            f"A {kind} must not be missing: fill such rows or leave them out. "
            f"Received: {values[rows[0]]!r} in row {rows[0]:,}{more} (rows count from 0)."
        )


def _checked(values: Sequence[Any], convert: Callable[[Any], str], kind: str) -> list[str]:
    refuse_missing(values, kind)
    names = []
    for row, value in enumerate(values):
        try:
            names.append(convert(value))
        except CellError as error:
            raise InvalidInputError(
                f"Row {row:,}, counted from 0: {str(error).removesuffix('.')}."
            ) from error
    return names


def _as_text(value: object) -> str:
    return replace_surrogates(text_of(value))


def _class_names(frame: Any, name: Any, values: list[Any]) -> list[Any]:
    """Replaces the numbers of Hugging Face's `ClassLabel` by their names; -1 is no label."""
    features = getattr(frame, "features", None)
    feature = features.get(name) if isinstance(features, Mapping) else None
    names = getattr(feature, "names", None)
    if names is None:
        return values
    return [
        None if value is None or value < 0 else names[value] if isinstance(value, int) else value
        for value in values
    ]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) and value.dtype.kind != "M" else value


def _is_iterable(value: object) -> bool:
    try:
        iter(value)  # type: ignore[call-overload]
    except TypeError:
        return False
    return True


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
