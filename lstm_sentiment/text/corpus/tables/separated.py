"""Rows of CSV and TSV files."""

import csv
import re
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.corpus.tables.cells import TableRow
from lstm_sentiment.text.corpus.tables.columns import check_distinct, columns_of
from lstm_sentiment.text.corpus.tables.record_lines import RecordLines
from lstm_sentiment.text.corpus.tables.row_faults import RowFaults
from lstm_sentiment.text.corpus.tables.tsv_quotes import TsvQuotes, tsv_quotes
from lstm_sentiment.text.corpus.text_encoding import TextEncoding

SEPARATORS: Mapping[str, str] = {".csv": ",", ".tsv": "\t"}
"""The character between two cells, by the ending of the file's name."""

_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas"}
_NUMBER = re.compile(r"\s*[+-]?\d+(\.\d*)?\s*")
_LONGEST_NAME = 60
_END_OF_FILE = "\x1a"  # DOS ends texts with it
_HEADER_HINT = " The first line must hold the names of the columns."


@dataclass(frozen=True)
class Dialect:
    """The form of a CSV or TSV file.

    Attributes:
        separator: The character between two cells.
        quoted: Whether a cell may stand in quotes; otherwise quotes are part of the cell.
        spaced: Whether spaces behind a separator are not part of the cell.
    """

    separator: str
    quoted: bool = True
    spaced: bool = False

    def reader(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Returns a reader that raises `csv.Error` for a malformed record."""
        return csv.reader(
            lines,
            strict=True,
            delimiter=self.separator,
            quoting=csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE,
            skipinitialspace=self.spaced,
        )


def header_of(path: Path, suffix: str, encoding: TextEncoding) -> tuple[list[str], Dialect]:
    """Returns the names of a file's columns, and its form, told by its ending and its header."""
    with fields_of_any_size():
        return _header(path, RecordLines(path, encoding), _dialect(path, suffix, encoding))


def separated_rows(
    path: Path,
    suffix: str,
    wanted: Sequence[str] | None,
    faults: RowFaults,
    encoding: TextEncoding,
) -> Iterator[TableRow]:
    """Reads the rows of a CSV or TSV file, one in memory at a time.

    Args:
        path: The file.
        suffix: `.csv` or `.tsv`.
        wanted: Names of the columns to read. `None` reads all: each row has one cell, the values
            by column.
        faults: Counts the rows, malformed ones included.
        encoding: Of the file.

    Raises:
        InvalidInputError: If the file cannot be read, or its header lacks a column.
    """
    lines = RecordLines(path, encoding)
    with fields_of_any_size():
        header, dialect = _header(path, lines, _dialect(path, suffix, encoding, faults))
        if not header:
            return
        where = f"{path}:{lines.number}"
        if wanted is None:
            check_distinct(where, header)
        else:
            columns = columns_of(where, header, *wanted, hint=_hint(header, dialect))
        for row in _records(lines, dialect, header, faults):
            cells = [dict(zip(header, row, strict=True))] if wanted is None else None
            yield TableRow(
                lines.number,
                faults.rows,
                [row[column] for column in columns] if cells is None else cells,
                lines.start,
                lines.end - lines.start,
            )
            if faults.hopeless:
                return


def _dialect(
    path: Path, suffix: str, encoding: TextEncoding, faults: RowFaults | None = None
) -> Dialect:
    quotes = TsvQuotes(True) if suffix == ".csv" else tsv_quotes(path, encoding)
    if quotes.doubtful_line and faults is not None:
        faults.note(
            f"{path}:{quotes.doubtful_line}: quotes are read as part of the texts; if they enclose "
            "cells of several lines, write the table as .csv or .jsonl"
        )
    return Dialect(SEPARATORS[suffix], quoted=quotes.enclose)


def _header(path: Path, lines: RecordLines, dialect: Dialect) -> tuple[list[str], Dialect]:
    """Reads the header, which may stand behind blank lines, and refines the dialect by it."""
    header: list[str] = []
    while not header:
        lines.begin_record()
        try:
            header = next(dialect.reader(lines), [])
        except csv.Error as error:
            raise InvalidInputError(f"{path}:{lines.first}: is not valid CSV: {error}.") from error
        if not header and not lines.contents:
            return [], dialect
    if lines.fault is not None:
        number, fault = lines.fault
        raise InvalidInputError(f"{path}:{number}: {fault}")
    if len(header) == 1 and dialect.separator == ",":
        header, dialect = _with_other_separator(header, lines.contents, dialect)
    if any(name.startswith(" ") for name in header[1:]):
        dialect = Dialect(dialect.separator, dialect.quoted, spaced=True)
        header = next(dialect.reader(lines.contents))
    return header, dialect


def _with_other_separator(
    header: list[str], contents: Sequence[str], dialect: Dialect
) -> tuple[list[str], Dialect]:
    """Returns the header and the dialect of a `.csv` file with semicolons or tabs, as Excel writes.

    Where the names of the columns hold no comma, semicolons or tabs between names separate cells.
    """
    for separator in (";", "\t"):
        other = Dialect(separator, dialect.quoted)
        try:
            names = next(other.reader(contents))
        except csv.Error:
            continue
        if len(names) > 1 and all(map(str.strip, names)):
            return names, other
    return header, dialect


def _records(
    lines: RecordLines, dialect: Dialect, header: Sequence[str], faults: RowFaults
) -> Iterator[list[str]]:
    """Yields the cells of each record that is neither blank nor malformed."""
    reader, width = dialect.reader(lines), len(header)
    while True:
        lines.begin_record()
        try:
            row = next(reader, None)
        except csv.Error as error:
            faults.rows += 1
            faults.malformed(*_go_back(lines, str(error)))
            reader = dialect.reader(lines)
            continue
        if row is None:
            return
        if not row:
            continue
        faults.rows += 1
        fault = lines.fault
        if fault is not None:
            faults.malformed(*fault)
        elif row == header and width > 1:  # as where files were concatenated
            faults.header()
        elif len(row) == width or (len(row) > width and not any(row[width:])):
            yield row[:width]
        elif not any(cell.strip().strip(_END_OF_FILE) for cell in row):
            yield [""] * width
        else:
            faults.malformed(
                lines.number,
                f"a row must have {width} fields, as the header has. Received: {len(row)}.",
            )


def _go_back(lines: RecordLines, error: str) -> tuple[int, str]:
    """Leaves a malformed record behind its first line; returns the place and what is wrong."""
    last, first, contents = lines.number, lines.first, lines.contents
    fault = f"is not valid CSV: {error}."
    if "unexpected end" in error:
        first += _line_of_open_quote(contents)
        fault = "a quote that opens a field must be closed. Received: the end of the file."
    elif last > first:
        fault = f"is not valid CSV: {error} on line {last}, where the quote of line {first} ends."
    if '\\"' in contents[-1]:
        fault += " A quote in a field must be doubled, not behind a backslash."
    lines.go_back_to(first + 1)
    return first, fault


def _line_of_open_quote(contents: Sequence[str]) -> int:
    """Returns in which line of a record, from 0, the quote opens that is never closed."""
    opened, is_open = 0, False
    for number, content in enumerate(contents):
        for position, character in enumerate(content):
            if character != '"':
                continue
            if is_open:
                is_open = False  # a doubled quote opens it again
            elif position == 0 or content[position - 1] in ',\t"':
                opened = opened if content[position - 1 : position] == '"' else number
                is_open = True
    return opened


def _hint(header: Sequence[str], dialect: Dialect) -> str:
    """Returns a sentence on what is likely wrong with a header that lacks a column."""
    first = header[0]
    if first.lower().startswith("sep="):
        return f" Delete the line {first!r}, and let commas separate the fields."
    for separator, word in _OTHER_SEPARATORS.items():
        if len(header) == 1 and separator != dialect.separator and separator in first:
            mine = _OTHER_SEPARATORS[dialect.separator]
            return (
                f" The fields must be separated by {mine}, and these are by {word}: `python -c "
                f'"import csv, sys; csv.writer(sys.stdout).writerows(csv.reader(sys.stdin, '
                f'delimiter={separator!r}))" < FILE > NEW.csv` converts them.'
            )
    # A number names no column, nor does a sentence.
    looks_like_row = any(_NUMBER.fullmatch(name) or len(name) > _LONGEST_NAME for name in header)
    return _HEADER_HINT if looks_like_row else ""


_limit = threading.Lock()
_readers_under_way = 0
_former_limit = 0


@contextmanager
def fields_of_any_size() -> Iterator[None]:
    """Lifts the `csv` module's process-wide limit of 131,072 characters a field."""
    global _readers_under_way, _former_limit
    with _limit:
        if not _readers_under_way:
            _former_limit = csv.field_size_limit(sys.maxsize)
        _readers_under_way += 1
    try:
        yield
    finally:
        with _limit:
            _readers_under_way -= 1
            if not _readers_under_way:
                csv.field_size_limit(_former_limit)
