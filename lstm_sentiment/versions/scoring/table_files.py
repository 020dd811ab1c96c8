"""Writes tables with their scores as CSV, JSON Lines, Parquet or an Excel workbook."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, BinaryIO, Final, Literal, Protocol

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.corpus.tables.cells import written_cell
from lstm_sentiment.text.corpus.tables.spreadsheet import guarded
from lstm_sentiment.unicode import replace_surrogates

TableFormat = Literal["csv", "jsonl", "parquet", "xlsx"]
"""Formats in which a table can be written, named as the endings of the files."""

Row = Mapping[str, Any]

# What XML cannot hold or would drop, and what would be read as such a character.
_UNFIT: Final = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_MOST_ROWS: Final = 1_048_575
_MOST_CHARACTERS: Final = 32_767
_FIRST_YEAR: Final = 1900  # Excel has no earlier dates


class TableWriter(Protocol):
    """Writes the rows of one table."""

    def write(self, rows: Sequence[Row]) -> None:
        """Writes rows, whose values stand by the name of their column."""

    def finish(self) -> None:
        """Writes what is left; the file itself stays open."""

    def close(self) -> None:
        """Releases what is held, finished or not."""


def table_writer(
    file: BinaryIO,
    table_format: TableFormat,
    columns: Sequence[str],
    kinds: Mapping[str, Iterable[type]],
    added: Sequence[str],
) -> TableWriter:
    """Returns the writer of a format.

    Args:
        file: Where the table is written.
        table_format: The format.
        columns: Columns of the input, in order.
        kinds: Types of the values of those columns that are not text alone.
        added: Columns of the scores: the label, then numbers.

    Raises:
        InvalidInputError: If a package is missing, or later, if a row has no place in the format.
    """
    return _WRITERS[table_format](file, columns, kinds, added)


def check_format(table_format: TableFormat) -> None:
    """Checks that the packages of a format are installed.

    Raises:
        InvalidInputError: If one is missing; the message names the extra.
    """
    package, extra = _PACKAGES.get(table_format, ("csv", ""))
    try:
        __import__(package)
    except ImportError as error:
        raise InvalidInputError(
            f"Writing .{table_format} needs the `{extra}` extra: "
            f"pip install 'lstm-sentiment[{extra}]'."
        ) from error


_PACKAGES: Final = {"parquet": ("pyarrow", "parquet"), "xlsx": ("openpyxl", "excel")}


class _CSV:
    """UTF-8 with a byte order mark, by which spreadsheets recognize it."""

    def __init__(
        self, file: BinaryIO, columns: Sequence[str], kinds: object, added: Sequence[str]
    ) -> None:
        self._columns, self._added = columns, added
        self._lines = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._lines)
        self._writer.writerow([guarded(replace_surrogates(name)) for name in (*columns, *added)])

    def write(self, rows: Sequence[Row]) -> None:
        label, *probabilities = self._added
        self._writer.writerows(
            [
                *(guarded(written_cell(row.get(name))) for name in self._columns),
                guarded(row[label]),
                *(f"{row[name]:.6g}" for name in probabilities),
            ]
            for row in rows
        )

    def finish(self) -> None:
        self._lines.flush()
        # Closing the wrapper would close the file before it is renamed.
        self._lines.detach()

    def close(self) -> None:
        """Nothing is held."""


class _JSONLines:
    """An object a line, whose values have the types that they had."""

    def __init__(self, file: BinaryIO, *described: object) -> None:
        self._file = file

    def write(self, rows: Sequence[Row]) -> None:
        for row in rows:
            line = json.dumps(row, ensure_ascii=False, default=written_cell)
            self._file.write(f"{replace_surrogates(line)}\n".encode())

    def finish(self) -> None:
        """Nothing is left."""

    def close(self) -> None:
        """Nothing is held."""


class _Parquet:
    """A column of numbers or booleans keeps its type; another one holds text."""

    def __init__(
        self,
        file: BinaryIO,
        columns: Sequence[str],
        kinds: Mapping[str, Iterable[type]],
        added: Sequence[str],
    ) -> None:
        import pyarrow
        import pyarrow.parquet

        types = {name: _arrow_type(set(kinds.get(name, ()))) for name in columns}
        label, *probabilities = added
        types |= {label: pyarrow.string(), **dict.fromkeys(probabilities, pyarrow.float32())}
        self._schema = pyarrow.schema(types)
        self._writer = pyarrow.parquet.ParquetWriter(file, self._schema)

    def write(self, rows: Sequence[Row]) -> None:
        import pyarrow

        arrays = []
        for name, kind in zip(self._schema.names, self._schema.types, strict=True):
            values = [row.get(name) for row in rows]
            if kind == pyarrow.string():
                values = [None if value is None else written_cell(value) for value in values]
            arrays.append(pyarrow.array(values, kind, from_pandas=True))
        self._writer.write_batch(pyarrow.record_batch(arrays, self._schema))

    def finish(self) -> None:
        self._writer.close()

    def close(self) -> None:
        """Nothing is held."""


def _arrow_type(kinds: set[type]) -> Any:
    import pyarrow

    if kinds == {bool}:
        return pyarrow.bool_()
    if kinds == {int}:
        return pyarrow.int64()
    return pyarrow.float64() if kinds and kinds <= {int, float} else pyarrow.string()


class _Workbook:
    """One sheet; a text that begins with `=` stays text, and dates of a workbook stay dates."""

    def __init__(
        self, file: BinaryIO, columns: Sequence[str], kinds: object, added: Sequence[str]
    ) -> None:
        import openpyxl

        self._file, self._names, self._rows = file, (*columns, *added), 0
        self._is_saved = False
        self._book = openpyxl.Workbook(write_only=True)
        self._sheet = self._book.create_sheet("scores")
        self._sheet.append(list(map(self._cell, self._names)))

    def write(self, rows: Sequence[Row]) -> None:
        self._rows += len(rows)
        if self._rows > _MOST_ROWS:
            raise InvalidInputError(
                f"A sheet of .xlsx must have at most {_MOST_ROWS:,} rows below its header. Received"
                ": more; write .csv or .parquet."
            )
        for row in rows:
            self._sheet.append([self._cell(row.get(name)) for name in self._names])

    def _cell(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, date) and value.year >= _FIRST_YEAR:
            return value
        from openpyxl.cell import WriteOnlyCell

        text = _UNFIT.sub(lambda found: f"_x{ord(found[0]):04X}_", written_cell(value))
        if len(text) > _MOST_CHARACTERS:
            raise InvalidInputError(
                f"A cell of .xlsx must have at most {_MOST_CHARACTERS:,} characters. Received: "
                f"{len(text):,}; write .csv or .parquet."
            )
        if not text.startswith("="):
            return text
        cell = WriteOnlyCell(self._sheet, value=text)
        cell.data_type = "s"
        return cell

    def finish(self) -> None:
        self._is_saved = True
        self._book.save(self._file)

    def close(self) -> None:
        if not self._is_saved:  # ends the temporary file of the rows
            self._sheet.close()


_WRITERS: Final[Mapping[str, Callable[..., TableWriter]]] = {
    "csv": _CSV,
    "jsonl": _JSONLines,
    "parquet": _Parquet,
    "xlsx": _Workbook,
}
