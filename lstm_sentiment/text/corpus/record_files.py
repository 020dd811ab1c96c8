"""Records of CSV, TSV, JSONL and plain text files, with their positions in the files.

A file may be compressed, as in `a.csv.gz`: positions are those in what is decompressed.
"""

import csv
import json
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lstm_sentiment.checks import did_you_mean
from lstm_sentiment.compressed import content_name, content_suffix
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.corpus.utf8_lines import Utf8Lines
from lstm_sentiment.unicode import has_controls, replace_surrogates

Record = tuple[str, str, int, int]
"""Raw text, name of the label, first byte of the record, bytes of the record."""

RECORD_SUFFIXES = (".csv", ".tsv", ".jsonl", ".txt")

_OURS = ("text", "label")
_MARK = "digest"
_LINES_SHOWN = 5


def clean_text(text: str) -> str:
    """Replaces lone surrogates and strips surrounding whitespace."""
    return replace_surrogates(text).strip()


def read_records(path: Path, text: str, label: str | None) -> Iterator[Record]:
    """Reads the records of a file in order, one in memory at a time.

    Args:
        path: A file with one of `RECORD_SUFFIXES`, perhaps with `.gz`, `.bz2` or `.xz` after it;
            any other is read as plain text.
        text: Name of the column, or JSON key, of the texts. Plain text has a text a line.
        label: As `text`, of the labels. In plain text the label is the file's stem, and blank lines
            are skipped. `None` reads texts alone: labels are empty, and blank lines are texts.

    Raises:
        InvalidInputError: If the file cannot be read, is not UTF-8, lacks a column or has a
            malformed row; the message begins with the path and the line.
    """
    try:
        yield from _READERS.get(content_suffix(path), _read_plain)(path, text, label)
    except _NoLabelError as error:
        message = str(error).removesuffix(".")
        raise InvalidInputError(f"{message}{_where_else(path, label)}.") from None


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Reads the rows of a CSV, TSV or JSONL file with all of their columns, one at a time.

    Args:
        path: A file with the ending `.csv`, `.tsv` or `.jsonl`, perhaps compressed.

    Yields:
        The number of the line on which the row ends, from 1, and the values by column or JSON key.
        In CSV and TSV all values are strings.

    Raises:
        InvalidInputError: As `read_records`, or if two columns have the same name.
    """
    lines = Utf8Lines(path)
    if content_suffix(path) not in _DIALECTS:
        yield from _json_objects(path, lines)
        return
    with _fields_of_any_size():
        rows = _separated_rows(path, lines)
        _, header = next(rows, (1, []))
        for name in header:
            if header.count(name) > 1:
                raise InvalidInputError(
                    f"{path}:1: each column must have another name. Received: {name!r} twice."
                )
        yield from ((number, dict(zip(header, row, strict=True))) for number, row in rows if row)


@dataclass(frozen=True)
class RecordFormat:
    """The position of the text in the bytes of a record.

    Attributes:
        suffix: Ending of the file's name, in lower case.
        column: Position of the column of the texts, in CSV and TSV.
        key: Key of the texts, in JSONL.
    """

    suffix: str
    column: int = 0
    key: str = ""

    def texts(self, records: Iterable[bytes]) -> list[str]:
        """Extracts the cleaned texts from records that `read_records` has found."""
        lines = (record.decode() for record in records)
        if self.suffix in _DIALECTS:
            with _fields_of_any_size():
                texts = [row[self.column] for row in _csv_reader(lines, self.suffix)]
        elif self.suffix == ".jsonl":
            # One call for all of them takes a third of the time.
            texts = [value[self.key] for value in json.loads(f"[{','.join(lines)}]")]
        else:
            texts = list(lines)
        return list(map(clean_text, texts))


def record_format(path: Path, text: str) -> RecordFormat:
    """Returns the format of a file that `read_records` has read with the same `text`."""
    suffix = content_suffix(path)
    if suffix in _DIALECTS:
        header: list[str] = next(iter(_csv_reader(Utf8Lines(path).universal(), suffix)), [])
        return RecordFormat(suffix, column=columns_of(str(path), header, text)[0] if header else 0)
    return RecordFormat(suffix, key=text)


def columns_of(where: str, header: Sequence[str], *wanted: str | None) -> list[int]:
    """Returns the positions of the wanted columns in a table's header.

    A table that `labels next` has written, known by its column `digest`, is read by its own columns
    `text` and `label`, so that it can be read beside tables whose columns have other names.

    Raises:
        InvalidInputError: If a column is missing; the message begins with `where`.
    """
    wanted = tuple(_column(name, own, header) for name, own in zip(wanted, _OURS, strict=False))
    for name in wanted:
        if name is not None and name not in header:
            raise InvalidInputError(
                f"{where}: the column {name!r} must exist (name it with `text_column` or "
                f"`label_column`). Received columns: {', '.join(header)}."
                f"{did_you_mean(name, header)}"
            )
    return [header.index(name) for name in wanted if name is not None]


def _column(name: str | None, own: str, header: Sequence[str]) -> str | None:
    is_ours = name not in header and own in header and _MARK in header
    return own if name is not None and is_ours else name


def checked_row(path: Path, place: str, text: Any, *labels: Any) -> tuple[str, str]:
    """Returns a row's text and label as strings; without `labels` the label is empty.

    Raises:
        InvalidInputError: If the text is not a string, or the label is neither a number nor one
            line of text; the message begins with `path` and `place`, such as `:3`.
    """
    if not isinstance(text, str):
        raise InvalidInputError(f"{path}{place}: a text must be a string. Received: {text!r}.")
    return (text, _label(path, place, labels[0])) if labels else (text, "")


def _label(path: Path, place: str, label: Any) -> str:
    if isinstance(label, float) and label.is_integer():
        label = int(label)  # pandas writes 1.0 for a column of whole numbers with gaps
    name = str(label).strip() if isinstance(label, str | int | float) else ""
    if not name or has_controls(name):
        kind = _NoLabelError if _is_empty(label) else InvalidInputError
        raise kind(
            f"{path}{place}: a label must be a number, or one line of text without control "
            f"characters. Received: {label!r}."
        )
    return name


class _NoLabelError(InvalidInputError):
    """A row whose label is empty, as in a file that is not labelled to its end."""


def _is_empty(label: Any) -> bool:
    return label is None or (isinstance(label, str) and not label.strip())


def _where_else(path: Path, label: str | None) -> str:
    """Returns the number of rows without a label and the first lines that hold one."""
    lines, rows = [], 0
    with suppress(InvalidInputError):  # what else is wrong is told once the labels are there
        for line, row in read_rows(path):
            rows += 1
            if _is_empty(row.get(_column(label, "label", list(row)) or "")):
                lines.append(line)
    if not lines:
        return ""
    shown = ", ".join(map(str, lines[:_LINES_SHOWN]))
    places = f"line {shown}" if len(lines) == 1 else f"lines {shown}"
    more = " and others" if len(lines) > _LINES_SHOWN else ""
    return (
        f" in {len(lines):,} of {rows:,} rows ({places}{more}): fill in the labels, or delete the "
        "rows"
    )


def _read_separated(path: Path, text: str, label: str | None) -> Iterator[Record]:
    lines = Utf8Lines(path)
    with _fields_of_any_size():
        rows = _separated_rows(path, lines)
        found = next(rows, None)
        if found is None:
            return
        columns = columns_of(f"{path}:1", found[1], text, label)
        end = lines.end
        for number, row in rows:
            start, end = end, lines.end
            if row:
                labelled = checked_row(path, f":{number}", *[row[column] for column in columns])
                yield *labelled, start, end - start


def _separated_rows(path: Path, lines: "Utf8Lines") -> Iterator[tuple[int, list[str]]]:
    """Yields the number of the last line and the fields of the header and of each row."""
    reader = _csv_reader(lines.universal(), content_suffix(path))
    width = None
    try:
        for row in reader:
            width = len(row) if width is None else width
            if row and len(row) != width:
                raise InvalidInputError(
                    f"{path}:{reader.line_num}: a row must have {width} fields, as the header has. "
                    f"Received: {len(row)}."
                )
            yield reader.line_num, row
    except csv.Error as error:
        raise InvalidInputError(f"{path}:{reader.line_num}: is not valid CSV: {error}.") from error


def _read_json_lines(path: Path, text: str, label: str | None) -> Iterator[Record]:
    wanted = [name for name in (text, label) if name is not None]
    lines = Utf8Lines(path)
    for number, record in _json_objects(path, lines):
        if not all(name in record for name in wanted):
            columns_of(f"{path}:{number}", list(record), *wanted)
        found = checked_row(path, f":{number}", *[record[name] for name in wanted])
        yield *found, lines.start, lines.end - lines.start


def _json_objects(path: Path, lines: "Utf8Lines") -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields the number of the line and the value of each line that is not blank."""
    for number, ended in enumerate(lines, start=1):
        line = ended.removesuffix("\n")
        if not line or line.isspace():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InvalidInputError(f"{path}:{number}: is not valid JSON: {error}.") from error
        if not isinstance(record, dict):
            raise InvalidInputError(
                f"{path}:{number}: must be a JSON object. Received: {line[:40]!r}."
            )
        yield number, record


def _read_plain(path: Path, text: str, label: str | None) -> Iterator[Record]:
    name = "" if label is None else content_name(path).stem
    lines = Utf8Lines(path)
    for ended in lines:
        line = ended.removesuffix("\n")
        # A lone carriage return at the end of the file ends the last line and is not a line itself.
        if (label is None and ended != "\r") or line.strip():
            yield line.removesuffix("\r"), name, lines.start, lines.end - lines.start


_READERS: dict[str, Callable[[Path, str, str | None], Iterator[Record]]] = {
    ".csv": _read_separated,
    ".tsv": _read_separated,
    ".jsonl": _read_json_lines,
}
_DIALECTS: dict[str, dict[str, Any]] = {
    ".csv": {"delimiter": ",", "quoting": csv.QUOTE_MINIMAL},
    ".tsv": {"delimiter": "\t", "quoting": csv.QUOTE_NONE},
}


def _csv_reader(lines: Iterable[str], suffix: str) -> Any:
    return csv.reader(lines, strict=True, **_DIALECTS[suffix])


_limit = threading.Lock()
_readers_under_way = 0
_former_limit = 0


@contextmanager
def _fields_of_any_size() -> Iterator[None]:
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
