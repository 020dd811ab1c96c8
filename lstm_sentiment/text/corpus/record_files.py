"""Records of tables and plain text files: a text, its label, and the place in the file.

A file may be compressed, as in `a.csv.gz`: positions are those in what is decompressed.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from lstm_sentiment.compressed import content_name, content_suffix
from lstm_sentiment.encodings import AUTO, decode_bytes
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.progress import MUTED, SILENT, Progress
from lstm_sentiment.text.bad_rows import BadRows
from lstm_sentiment.text.corpus.tables.cells import (
    CellError,
    NoLabelError,
    TableRow,
    clean_text,
    is_blank,
    label_of,
    text_of,
)
from lstm_sentiment.text.corpus.tables.columns import columns_of
from lstm_sentiment.text.corpus.tables.json_lines import cells_of, json_rows
from lstm_sentiment.text.corpus.tables.parquet import parquet_rows
from lstm_sentiment.text.corpus.tables.row_faults import RowFaults
from lstm_sentiment.text.corpus.tables.separated import (
    SEPARATORS,
    Dialect,
    fields_of_any_size,
    header_of,
    separated_rows,
)
from lstm_sentiment.text.corpus.tables.workbook import workbook_rows
from lstm_sentiment.text.corpus.text_encoding import (
    UTF_8,
    TextEncoding,
    find_encoding,
    opened_lines,
)
from lstm_sentiment.text.corpus.text_lines import TextLines

RECORD_SUFFIXES = (".csv", ".tsv", ".jsonl", ".txt")
"""Endings of files whose records have bytes of their own, and so can stay in their files."""

_JSON_LINES = ".jsonl"
_TEXT = "text"
PARQUET = ".parquet"
WORKBOOK = ".xlsx"
_WITHOUT_LINES = (PARQUET, WORKBOOK)

TABLE_SUFFIXES = (*SEPARATORS, _JSON_LINES, PARQUET, WORKBOOK)
"""Endings of files with columns."""

_SAVE_AS = "which must be a .xlsx or .csv file: save it as one (File, Save As)"
_OTHER_TABLES = {
    ".json": "JSON, which must be a .jsonl file of one object a line: rename the file if it is so, "
    "else `jq -c '.[]' FILE > NEW.jsonl` writes such lines from a list of objects",
    ".ndjson": "JSON Lines: rename the file to .jsonl",
    ".jsonlines": "JSON Lines: rename the file to .jsonl",
    ".tab": "a table with tabs: rename the file to .tsv",
    ".xls": f"an old Excel workbook, {_SAVE_AS}",
    ".xlsb": f"a binary Excel workbook, {_SAVE_AS}",
    ".xlsm": f"an Excel workbook with macros, {_SAVE_AS}",
    ".ods": f"an OpenDocument spreadsheet, {_SAVE_AS}",
    ".et": f"a workbook of WPS, {_SAVE_AS}",
}


class Record(NamedTuple):
    """A text of a file.

    Attributes:
        text: The text as it stands in the file.
        label: Its label, which may be one of several spellings of a class.
        start: First byte of the record; 0 in Parquet and workbooks.
        length: Bytes of the record; 0 in Parquet and workbooks.
    """

    text: str
    label: str
    start: int
    length: int


class TextRow(NamedTuple):
    """A text, and all values of its row by column or JSON key; of plain text, by `text`."""

    text: str
    values: dict[str, Any]


class LabelledRow(NamedTuple):
    """A record, and the number of its row among all rows of the file, from 1."""

    ordinal: int
    record: Record


def read_records(
    path: Path,
    text: str,
    label: str | None,
    *,
    bad_rows: BadRows = "refuse",
    encoding: str | TextEncoding = AUTO,
    progress: Progress = SILENT,
) -> Iterator[Record]:
    """Reads the records of a file in order, one in memory at a time.

    Cells without a value, such as null and NaN, are empty. A row whose text and label are both
    empty is left out and counted.

    Args:
        path: A file with one of `TABLE_SUFFIXES`, perhaps with `.gz`, `.bz2` or `.xz` after it;
            any other is read as plain text, but for `.json` and other endings of tables.
        text: Name of the column, or JSON key, of the texts. Plain text has a text a line.
        label: As `text`, of the labels. In plain text the label is the file's stem, and blank lines
            are skipped. `None` reads texts alone: labels are empty, and blank lines are texts.
        bad_rows: What to do with malformed rows, and with rows that have a text and no label.
        encoding: The encoding of text files, or `auto`: see `find_encoding`.
        progress: Reports how many rows are left out, and a file that is read as GB18030.

    Raises:
        InvalidInputError: If the file cannot be read, is in another encoding, lacks a column or has
            a malformed row; the message begins with the path and the line, and counts such rows.
    """
    rows = labelled_rows(path, text, label, bad_rows=bad_rows, encoding=encoding, progress=progress)
    return (row.record for row in rows)


def labelled_rows(
    path: Path,
    text: str,
    label: str | None,
    *,
    bad_rows: BadRows = "refuse",
    encoding: str | TextEncoding = AUTO,
    progress: Progress = SILENT,
) -> Iterator[LabelledRow]:
    """Reads the records of a file as `read_records`, with the numbers of their rows."""
    faults = _faults(path, bad_rows)
    wanted = [name for name in (text, label) if name is not None]
    found = encoding_of_table(path, encoding, progress)
    for row in _rows(path, wanted, faults, found, stem_is_label=label is not None):
        record = _record(row, faults)
        if record is not None and not faults.refused:
            yield LabelledRow(row.ordinal, record)
    faults.finish(progress)


def read_rows(
    path: Path, *, encoding: str = AUTO, progress: Progress = SILENT
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Reads the rows of a table with all of their columns, one at a time.

    Args:
        path: A file with one of `TABLE_SUFFIXES`, perhaps compressed.
        encoding: As of `read_records`.
        progress: As of `read_records`.

    Yields:
        The number of the line on which the row ends, from 1, and the values by column or JSON key.
        In CSV and TSV all values are strings.

    Raises:
        InvalidInputError: As `read_records`, or if two columns have the same name.
    """
    faults = _faults(path)
    found = encoding_of_table(path, encoding, progress)
    for row in _rows(path, None, faults, found):
        if not faults.refused:
            yield row.number, row.cells[0]
    faults.finish(progress)


def text_rows(
    path: Path,
    text: str,
    *,
    bad_rows: BadRows = "refuse",
    encoding: str | TextEncoding = AUTO,
    progress: Progress = SILENT,
) -> Iterator[TextRow]:
    """Reads the texts of a file as `read_records`, with all columns of their rows.

    Raises:
        InvalidInputError: As `read_rows`.
    """
    faults = _faults(path, bad_rows)
    found = encoding_of_table(path, encoding, progress)
    column = _TextColumn(path, text, found)
    for row in _rows(path, None, faults, found, needed=(text,)):
        values = row.cells[0] if isinstance(row.cells[0], dict) else {_TEXT: row.cells[0]}
        try:
            read = text_of(column.cell(values))
        except CellError as error:
            faults.malformed(row.number, str(error))
            continue
        if not faults.refused:
            yield TextRow(read, values)
    column.check_found()
    faults.finish(progress)


def names_of_columns(path: Path, encoding: TextEncoding) -> list[str]:
    """Returns the names of the columns of a CSV or TSV file; of others, none."""
    suffix = content_suffix(path)
    return header_of(path, suffix, encoding)[0] if suffix in SEPARATORS else []


class _TextColumn:
    """Looks up the column of the texts, which rows of JSON Lines may lack, but not all of them."""

    def __init__(self, path: Path, text: str, encoding: TextEncoding) -> None:
        self._path, self._text, self._encoding = path, text, encoding
        self._may_lack = content_suffix(path) == _JSON_LINES
        self._name = text if content_suffix(path) in TABLE_SUFFIXES else _TEXT
        self._is_found, self._first_names = False, list[str]()

    def cell(self, values: Mapping[str, Any]) -> Any:
        """Returns the text's cell of a row."""
        if self._name not in values:
            try:
                self._name = _column_of(self._path, values, self._text)
            except InvalidInputError:
                self._first_names = self._first_names or list(values)
                if not self._may_lack:
                    self.check_found()
                return None
        self._is_found = True
        return values[self._name]

    def check_found(self) -> None:
        """Raises `InvalidInputError` if there were rows, and none had the column."""
        if self._is_found or not self._first_names:
            return
        if self._path.is_file():  # words the rule with the place of the header
            faults = _faults(self._path)
            for _ in _rows(self._path, [self._text], faults, self._encoding):
                pass
        _column_of(self._path, dict.fromkeys(self._first_names), self._text)


def _column_of(path: Path, values: Mapping[str, Any], text: str) -> str:
    names = list(values)
    return names[columns_of(str(path), names, text)[0]]


def _faults(path: Path, bad_rows: BadRows = "refuse") -> RowFaults:
    has_lines = content_suffix(path) not in _WITHOUT_LINES
    return RowFaults(path, bad_rows, word="line" if has_lines else "row")


def rows_by_ordinal(path: Path, encoding: str = AUTO) -> Iterator[tuple[int, dict[str, Any]]]:
    """Reads the rows as `read_rows`, without malformed ones, by their numbers among all rows."""
    found = encoding_of_table(path, encoding, MUTED)
    for row in _rows(path, None, _faults(path, "skip"), found):
        yield row.ordinal, row.cells[0]


def has_lines(path: Path) -> bool:
    """Returns whether a file is text in an encoding, and not a Parquet file or a workbook."""
    return content_suffix(path) not in _WITHOUT_LINES


def encoding_of_table(path: Path, stated: str | TextEncoding, progress: Progress) -> TextEncoding:
    """Returns the encoding of a file as `find_encoding`; Parquet and workbooks have none."""
    if not has_lines(path):
        return TextEncoding(UTF_8)
    return find_encoding(path, stated, progress)


def _rows(
    path: Path,
    wanted: Sequence[str] | None,
    faults: RowFaults,
    encoding: TextEncoding,
    *,
    stem_is_label: bool = False,
    needed: Sequence[str] = (),
) -> Iterator[TableRow]:
    suffix = content_suffix(path)
    if suffix in SEPARATORS:
        return separated_rows(path, suffix, wanted, faults, encoding)
    if suffix == _JSON_LINES:
        return json_rows(path, wanted, faults, encoding)
    if suffix == PARQUET:
        return parquet_rows(path, wanted, faults)
    if suffix == WORKBOOK:
        return workbook_rows(path, wanted, faults, needed=needed)
    if suffix in _OTHER_TABLES:
        raise InvalidInputError(f"{path}: {not_plain_text(path)}")
    return _plain_rows(path, content_name(path).stem if stem_is_label else None, faults, encoding)


def not_plain_text(path: Path) -> str:
    """Returns what a file with the ending of an unread format must be, with the rule; or nothing.

    Such files are not read as plain text, where each piece of syntax would be a text.
    """
    other = _OTHER_TABLES.get(content_suffix(path))
    return "" if other is None else f"must be a file of texts, or a table. Received: {other}."


def _record(row: TableRow, faults: RowFaults) -> Record | None:
    """Returns the record of a row, or counts what is wrong with it."""
    try:
        text = text_of(row.cells[0])
        label = label_of(row.cells[1]) if len(row.cells) > 1 else ""
    except NoLabelError as error:
        if is_blank(row.cells[0]):
            faults.empty()
        else:
            faults.unlabelled(row.number, str(error))
    except CellError as error:
        faults.malformed(row.number, str(error))
    else:
        return Record(text, label, row.start, row.length)
    return None


def _plain_rows(
    path: Path, label: str | None, faults: RowFaults, encoding: TextEncoding
) -> Iterator[TableRow]:
    lines = TextLines(path, encoding, tolerant=True)
    for number, ended in enumerate(lines, start=1):
        fault, lines.fault = lines.fault, None
        line = ended.removesuffix("\n")
        # A lone carriage return at the end of the file ends the last line and is not a line itself.
        if not ((label is None and ended != "\r") or line.strip()):
            continue
        faults.rows += 1
        if fault is None:
            text = line.removesuffix("\r")
            cells = [text] if label is None else [text, label]
            yield TableRow(number, faults.rows, cells, lines.start, lines.end - lines.start)
        else:
            faults.malformed(number, fault)
            if faults.hopeless:
                return


@dataclass(frozen=True)
class RecordFormat:
    """The position of the text in the bytes of a record.

    Attributes:
        suffix: Ending that names the file's format, in lower case.
        column: Position of the column of the texts, in CSV and TSV.
        key: Key of the texts, in JSONL.
        dialect: Form of the file, in CSV and TSV.
        codec: Encoding of the records.
    """

    suffix: str
    column: int = 0
    key: str = ""
    dialect: Dialect | None = None
    codec: str = UTF_8

    def texts(self, records: Iterable[bytes]) -> list[str]:
        """Extracts the cleaned texts from records that `read_records` has found."""
        lines = (decode_bytes(record, self.codec) for record in records)
        if self.dialect is not None:
            with fields_of_any_size():
                rows = self.dialect.reader(lines)
                texts = [row[self.column] if self.column < len(row) else "" for row in rows]
        elif self.suffix == ".jsonl":
            # One call for all of them takes a third of the time.
            values = json.loads(f"[{','.join(lines)}]")
            texts = [
                text_of(value[self.key] if self.key in value else cells_of(value, [self.key])[0])
                for value in values
            ]
        else:
            texts = list(lines)
        return list(map(clean_text, texts))


def record_format(path: Path, text: str, encoding: TextEncoding) -> RecordFormat:
    """Returns the format of a file that `read_records` has read with the same arguments."""
    suffix = content_suffix(path)
    file, codec = opened_lines(path, encoding)
    file.close()
    if suffix in SEPARATORS:
        header, dialect = header_of(path, suffix, encoding)
        column = columns_of(str(path), header, text)[0] if header else 0
        return RecordFormat(suffix, column=column, dialect=dialect, codec=codec)
    return RecordFormat(suffix, key=text, codec=codec)


def checked_row(path: Path, place: str, text: Any, *labels: Any) -> tuple[str, str]:
    """Returns a row's text and label as strings; without `labels` the label is empty.

    Raises:
        InvalidInputError: If the text is not a string, or the label is neither a number nor one
            line of text; the message begins with `path` and `place`, such as `:3`.
    """
    try:
        return text_of(text), label_of(labels[0]) if labels else ""
    except CellError as error:
        raise InvalidInputError(f"{path}{place}: {error}") from error
