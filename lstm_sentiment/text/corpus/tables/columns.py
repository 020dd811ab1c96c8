"""Finds the columns of texts and labels among those of a table."""

from collections.abc import Sequence

from lstm_sentiment.checks import did_you_mean
from lstm_sentiment.errors import InvalidInputError

_OURS = ("text", "label")
_MARK = "digest"
_AROUND = "\ufeff \t\r\n\u3000\xa0"
_MOST_SHOWN = 200


def columns_of(where: str, header: Sequence[str], *wanted: str | None, hint: str = "") -> list[int]:
    """Returns the positions of the wanted columns in a table's header.

    Whitespace around a name does not count. A table that `labels next` has written, known by its
    column `digest`, is read by its own columns `text` and `label`, so that it can be read beside
    tables whose columns have other names.

    Args:
        where: Place of the header, with which messages begin.
        header: Names of the columns.
        wanted: Names to find; `None` is left out.
        hint: A sentence that ends the message of a missing column.

    Raises:
        InvalidInputError: If a column is missing, or there are two of its name.
    """
    positions = []
    for named, own in zip(wanted, _OURS, strict=False):
        name = _present(named, own, header)
        if name is None:
            continue
        found = _positions(name, header)
        if not found:
            shown = ", ".join(header)
            raise InvalidInputError(
                f"{where}: the column {name!r} must exist (choose another with "
                f"`--{own}-column`, in Python `{own}_column`). Received columns: "
                f"{shown[:_MOST_SHOWN]}"
                f"{'...' if len(shown) > _MOST_SHOWN else '.'}{did_you_mean(name, header)}{hint}"
            )
        if len(found) > 1:
            raise InvalidInputError(_repeated(where, name))
        positions.append(found[0])
    return positions


def check_distinct(where: str, header: Sequence[str]) -> None:
    """Raises `InvalidInputError` if two columns have the same name, unless they have none."""
    for name in header:
        if name and header.count(name) > 1:  # spreadsheets add columns without a name
            raise InvalidInputError(_repeated(where, name))


def _repeated(where: str, name: str) -> str:
    return f"{where}: each column must have another name. Received: {name!r} twice."


def _positions(name: str, header: Sequence[str]) -> list[int]:
    exact = [position for position, there in enumerate(header) if there == name]
    return exact or [
        position for position, there in enumerate(header) if there.strip(_AROUND) == name.strip()
    ]


def _present(name: str | None, own: str, header: Sequence[str]) -> str | None:
    is_ours = own in header and _MARK in header
    return own if name is not None and is_ours and not _positions(name, header) else name
