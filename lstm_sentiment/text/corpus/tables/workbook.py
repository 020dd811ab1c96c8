"""Rows of Excel workbooks (`.xlsx`): the first sheet that holds data."""

import datetime
import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

from lstm_sentiment.checks import unreadable
from lstm_sentiment.compressed import open_plain
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.first_bytes import START_BYTES, recognize, recognize_name
from lstm_sentiment.text.corpus.tables.cells import TableRow
from lstm_sentiment.text.corpus.tables.columns import check_distinct, columns_of
from lstm_sentiment.text.corpus.tables.row_faults import RowFaults

if TYPE_CHECKING:
    from openpyxl import Workbook

_ERRORS = frozenset(["#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"])
_FLOATS_END = 2.0**53
_ROWS_LOOKED_AT = 20
_FORMULA = re.compile(rb"<(\w{1,16}:)?f[ />]")
_LONGEST_TAG = 20
_PART_BYTES = 1 << 20
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_NO_WORKBOOK = (
    zipfile.BadZipFile,
    zlib.error,
    ParseError,
    AttributeError,
    EOFError,
    KeyError,
    TypeError,
    ValueError,
)
_SAVE = "open it in Excel and save it as .xlsx"

Row = tuple[int, Sequence[Any]]
"""Number of a row in its sheet, from 1, and its cells."""

# openpyxl's read-only worksheet, whose class is in a private module.
_Sheet = Any


def workbook_rows(
    path: Path, wanted: Sequence[str] | None, faults: RowFaults, *, needed: Sequence[str] = ()
) -> Iterator[TableRow]:
    """Reads the rows of a workbook, one in memory at a time.

    The first row with a value holds the names of the columns, and the last one with a value is the
    last row. A formula has the value that was computed when the workbook was saved. Of
    merged cells, the first has the value, and the others have none.

    Args:
        path: The file.
        wanted: Names of the columns to read. `None` reads all: each row has one cell, the values
            by column.
        faults: Counts the rows, those with an error such as `#REF!` in a wanted column included.
        needed: Where `wanted` is `None`, names of columns in which such errors count.

    Raises:
        InvalidInputError: If the file cannot be read, or lacks a column; or without openpyxl.
    """
    try:
        import openpyxl
    except ImportError as error:
        raise InvalidInputError(
            f"{path}: reading .xlsx needs the `excel` extra: pip install 'lstm-sentiment[excel]'."
        ) from error
    start = b""
    try:
        with open_plain(path) as opened:
            start = opened.peek(START_BYTES)[:START_BYTES]
            whole = opened if opened.seekable() else io.BytesIO(opened.read())
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of styles and extensions, which are not read
                book = openpyxl.load_workbook(whole, read_only=True, data_only=True)
            yield from _Reading(path, whole, wanted, faults, needed).rows(book)
    except InvalidInputError:
        raise
    except _NO_WORKBOOK as error:
        raise InvalidInputError(f"{path}: {_fault(path, start, error)}") from error
    except OSError as error:
        raise InvalidInputError(unreadable(path, error)) from error


def _fault(path: Path, start: bytes, error: Exception) -> str:
    kind = recognize_name(path.name) or recognize(start)
    if kind is not None and not start.startswith(b"PK"):
        return f"must be an Excel workbook. Received: {kind.told(path)}."
    if not start.startswith(b"PK"):
        return (
            "must be an Excel workbook. Received: another kind of file; if it is text, a name that "
            "ends in .csv, .tsv or .txt lets it be read."
        )
    message = " ".join(str(error).split()).rstrip(".")
    return f"is no Excel workbook that can be read: {message}. Download it again, or {_SAVE}."


class _Reading:
    """Reads the rows of one sheet."""

    def __init__(
        self,
        path: Path,
        whole: IO[bytes],
        wanted: Sequence[str] | None,
        faults: RowFaults,
        needed: Sequence[str],
    ) -> None:
        self._path, self._whole, self._wanted, self._faults = path, whole, wanted, faults
        self._needed = needed
        self._without_value: set[int] = set()
        self._gaps: set[int] = set()

    def rows(self, book: "Workbook") -> Iterator[TableRow]:
        sheet, others = _sheet_of(book)
        if sheet is None:
            return
        if others:
            self._faults.note(
                f"{self._path}: read the sheet {sheet.title!r}, the first one that holds data; not "
                f"read: {', '.join(map(repr, others))}"
            )
        filled = _filled_rows(sheet)
        first, names = next(filled)
        header = _names(names)
        where = f"{self._path}: row {first}"
        if self._wanted is None:
            check_distinct(where, header)
        checked = self._needed if self._wanted is None else self._wanted
        hint = _hint(sheet, checked, others)
        needed = columns_of(where, header, *checked, hint=hint)
        positions = needed if self._wanted is not None else range(len(header))
        for number, cells in _with_gaps(first, filled):
            row = self._row(number, cells, needed, positions, header)
            if row is not None:
                yield row
            if self._faults.hopeless:
                return
        if (self._without_value or self._gaps) and _has_formulas(self._whole):
            self._check_formulas(sheet.title, needed, header)

    def _row(
        self,
        number: int,
        cells: Sequence[Any],
        needed: Sequence[int],
        positions: Sequence[int],
        header: Sequence[str],
    ) -> TableRow | None:
        self._faults.rows += 1
        for position in needed:
            value = _at(cells, position)
            if value is None:
                self._without_value.add(number)
            elif value in _ERRORS:
                self._faults.malformed(
                    number, f"a cell must hold a value. Received: the error {value}."
                )
                return None
        if self._wanted is not None:
            values: list[Any] = [_at(cells, position) for position in positions]
        else:
            written = [_at(cells, position, dates=position not in needed) for position in positions]
            if None in written:
                self._gaps.add(number)
            values = [dict(zip(header, written, strict=True))]
        return TableRow(number, self._faults.rows, values)

    def _check_formulas(self, title: str, positions: Sequence[int], header: Sequence[str]) -> None:
        """Refuses formulas without a value in the columns that are needed; notes other ones."""
        import openpyxl

        self._whole.seek(0)
        sheet = openpyxl.load_workbook(self._whole, read_only=True)[title]
        noted = False
        for number, cells in _filled_rows(sheet):
            if number in self._without_value and any(
                str(_at(cells, position)).startswith("=") for position in positions
            ):
                raise InvalidInputError(
                    f"{self._path}: row {number}: a formula must have a value, which a program "
                    f"computes when it saves the workbook. Received: none; {_SAVE}."
                )
            if noted or number not in self._gaps:
                continue
            for name, cell in zip(header, cells, strict=False):
                if str(cell).startswith("=") and not noted:
                    noted = True
                    self._faults.note(
                        f"{self._path}: row {number}: the formula in the column {name!r} has no "
                        f"value, so such cells are empty in the output. To keep them, {_SAVE}"
                    )


def _has_formulas(whole: IO[bytes]) -> bool:
    """Returns whether any sheet holds a formula, without reading its cells one by one."""
    whole.seek(0)
    with zipfile.ZipFile(whole) as archive:
        for name in archive.namelist():
            if not name.startswith("xl/worksheets/"):
                continue
            with archive.open(name) as sheet:
                end = b""
                while part := sheet.read(_PART_BYTES):
                    if _FORMULA.search(end + part):
                        return True
                    end = part[-_LONGEST_TAG:]
    return False


def _sheet_of(book: "Workbook") -> tuple[_Sheet | None, list[str]]:
    """Returns the sheet to read, and the names of the others that hold data."""
    shown = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    filled = [sheet for sheet in shown or book.worksheets if next(_filled_rows(sheet), None)]
    return (filled[0] if filled else None), [sheet.title for sheet in filled[1:]]


def _filled_rows(sheet: _Sheet) -> Iterator[Row]:
    sheet.reset_dimensions()  # some programs write wrong ones
    for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
        if any(cell is not None and cell != "" for cell in cells):
            yield number, cells


def _with_gaps(number: int, filled: Iterator[Row]) -> Iterator[Row]:
    """Yields rows behind the one of a number, and those without a value between them."""
    for filled_number, cells in filled:
        yield from ((gap, ()) for gap in range(number + 1, filled_number))
        yield filled_number, cells
        number = filled_number


def _names(cells: Sequence[Any]) -> list[str]:
    names = ["" if cell is None else str(_value(cell)) for cell in cells]
    while names and not names[-1]:
        names.pop()
    return names


def _hint(sheet: _Sheet, wanted: Sequence[str], others: Sequence[str]) -> str:
    """Returns a sentence on what is likely wrong with a first row that lacks a column."""
    names = {name.strip() for name in wanted}
    for number, cells in _filled_rows(sheet):
        if number > _ROWS_LOOKED_AT:
            break
        if names <= {str(cell).strip() for cell in cells}:
            return f" Row {number} holds these names: delete the rows above it."
    if others:
        return (
            f" It is the sheet {sheet.title!r}. If another one is meant ("
            f"{', '.join(map(repr, others))}), move it to the front."
        )
    return " The first row must hold the names of the columns."


def _at(cells: Sequence[Any], position: int, *, dates: bool = False) -> Any:
    return _value(cells[position], dates=dates) if position < len(cells) else None


def _value(cell: Any, *, dates: bool = False) -> Any:
    """Returns a cell as CSV would hold it; Excel stores `1` as `1.0`, and days as times.

    With `dates`, points in time keep their type.

    Characters that XML cannot hold are written as `_x000D_`.
    """
    if isinstance(cell, str):
        return _ESCAPED.sub(lambda code: chr(int(code[1], 16)), cell) if "_x" in cell else cell
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _FLOATS_END:
        return int(cell)
    if isinstance(cell, datetime.datetime):
        if cell.time() == datetime.time():
            return cell.date()
        return cell if dates else cell.isoformat(" ")
    if isinstance(cell, datetime.time | datetime.timedelta):
        return str(cell)
    return cell
