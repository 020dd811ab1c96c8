"""Rows of JSON Lines files: an object a line."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.corpus.tables.cells import TableRow
from lstm_sentiment.text.corpus.tables.columns import columns_of
from lstm_sentiment.text.corpus.tables.row_faults import RowFaults
from lstm_sentiment.text.corpus.text_encoding import TextEncoding
from lstm_sentiment.text.corpus.text_lines import TextLines

_MOST_SHOWN = 40
_MOST_LACKING = 1_000
_WHOLE_LINES = " Each line must hold a whole object: `jq -c {} FILE > NEW.jsonl` writes such lines."


def json_rows(
    path: Path, wanted: Sequence[str] | None, faults: RowFaults, encoding: TextEncoding
) -> Iterator[TableRow]:
    """Reads the objects of a JSON Lines file, one in memory at a time; blank lines do not count.

    A key that some objects lack is `None` there, since many programs leave out what is missing.

    Args:
        path: The file.
        wanted: Keys to read. `None` reads all: each row has one cell, the object.
        faults: Counts the rows, malformed ones included.
        encoding: Of the file.

    Raises:
        InvalidInputError: If the file cannot be read, is one JSON array, or lacks a key in all of
            its first thousand objects.
    """
    lines = TextLines(path, encoding, tolerant=True)
    keys = _Keys(path, wanted or ())
    for number, ended in enumerate(lines, start=1):
        fault, lines.fault = lines.fault, None
        line = ended.removesuffix("\n")
        if not line or line.isspace():
            continue
        faults.rows += 1
        cells: list[Any] = []
        if fault is None:
            try:
                record = _object(line, wanted)
                cells = [record] if wanted is None else keys.cells(record, number)
            except _LineError as error:
                fault = str(error)
                if faults.rows == 1 and line.strip()[:1] == "[":
                    raise InvalidInputError(f"{path}:{number}: {fault}") from error
        if fault is None:
            yield TableRow(number, faults.rows, cells, lines.start, lines.end - lines.start)
        else:
            faults.malformed(number, fault)
            if faults.hopeless:
                return
    keys.check_all_found()


class _Keys:
    """Looks up keys, and knows which ones no object had so far."""

    def __init__(self, path: Path, wanted: Sequence[str]) -> None:
        self._path, self._wanted = path, wanted
        self._absent, self._lacking = set(wanted), 0
        self._first: tuple[int, list[str]] | None = None

    def cells(self, record: dict[str, Any], number: int) -> list[Any]:
        """Returns the values of an object, which is the one of line `number`."""
        try:
            cells = [record[name] for name in self._wanted]
        except KeyError:
            cells = cells_of(record, self._wanted)
            self._first = self._first or (number, list(record))
            found = cells_of(dict.fromkeys(record, True), self._wanted)
            self._absent -= {name for name, there in zip(self._wanted, found, strict=True) if there}
            self._lacking += 1
            if self._lacking == _MOST_LACKING:
                self.check_all_found()
        else:
            self._absent.clear()
        return cells

    def check_all_found(self) -> None:
        """Raises `InvalidInputError` for a key that no object has had so far."""
        if self._absent and self._first is not None:
            number, names = self._first
            for place, name in enumerate(self._wanted):
                if name in self._absent:
                    columns_of(f"{self._path}:{number}", names, *[None] * place, name)


def cells_of(record: dict[str, Any], wanted: Sequence[str]) -> list[Any]:
    """Returns the values of keys, `None` for one that is missing."""
    names = list(record)
    cells: list[Any] = []
    for place, name in enumerate(wanted):
        try:
            (position,) = columns_of("", names, *[None] * place, name)
        except InvalidInputError:
            cells.append(None)
        else:
            cells.append(record[names[position]])
    return cells


class _LineError(ValueError):
    """A line that holds no object with the keys."""


def _object(line: str, wanted: Sequence[str] | None) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _LineError(f"is not valid JSON: {error}.{_hint(line)}") from error
    if not isinstance(record, dict):
        raise _LineError(f"must be a JSON object. Received: {line[:_MOST_SHOWN]!r}.{_hint(line)}")
    for name in wanted or ():
        if line.count(f'"{name}"') > 1:
            _check_once(line, name)
    return record


def _check_once(line: str, name: str) -> None:
    """Checks that a key occurs once in the object of a line, which takes a second reading."""
    pairs: list[tuple[str, Any]] = json.loads(line, object_pairs_hook=list)
    if sum(key == name for key, _ in pairs) > 1:
        raise _LineError(f"each key must occur once. Received: {name!r} twice.")


def _hint(line: str) -> str:
    line = line.strip()
    if line.startswith("["):
        return _WHOLE_LINES.format("'.[]'")
    if line == "{":
        return _WHOLE_LINES.format(".")
    return " No comma may stand behind an object." if line.endswith("},") else ""
