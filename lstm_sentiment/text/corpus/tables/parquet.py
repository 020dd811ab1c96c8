"""Rows of Parquet files."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_sentiment.checks import unreadable
from lstm_sentiment.compressed import open_plain
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.first_bytes import START_BYTES, recognize
from lstm_sentiment.text.corpus.tables.cells import TableRow
from lstm_sentiment.text.corpus.tables.columns import columns_of
from lstm_sentiment.text.corpus.tables.row_faults import RowFaults

if TYPE_CHECKING:
    import pyarrow

_MAGIC = b"PAR1"
_ROWS_AT_ONCE = 4_096


def parquet_rows(path: Path, wanted: Sequence[str] | None, faults: RowFaults) -> Iterator[TableRow]:
    """Reads the rows of a Parquet file, some thousands in memory at a time.

    Args:
        path: The file.
        wanted: Names of the columns to read. `None` reads all: each row has one cell, the values
            by column.
        faults: Counts the rows.

    Raises:
        InvalidInputError: If the file cannot be read, or lacks a column; or without pyarrow.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise InvalidInputError(
            f"{path}: reading Parquet needs the `parquet` extra: "
            "pip install 'lstm-sentiment[parquet]'."
        ) from error
    start = b""
    try:
        with open_plain(path) as opened:
            start = opened.peek(START_BYTES)[:START_BYTES]
            whole = opened if opened.seekable() else io.BytesIO(opened.read())
            file = pyarrow.parquet.ParquetFile(whole)
            for cells in _cells(path, file, wanted):
                faults.rows += 1
                yield TableRow(faults.rows, faults.rows, cells)
                if faults.hopeless:
                    return
    except pyarrow.ArrowException as error:
        message = " ".join(str(error).split()).rstrip(".")
        hint = _what_begins_so(path, start)
        raise InvalidInputError(f"{path}: is not a Parquet file: {message}.{hint}") from error
    except OSError as error:
        raise InvalidInputError(unreadable(path, error)) from error


def _what_begins_so(path: Path, start: bytes) -> str:
    if start.startswith(_MAGIC):
        return " It begins as one, as half a download does; download it again."
    kind = recognize(start)
    return "" if kind is None else f" It is {kind.told(path)}."


def _cells(
    path: Path, file: "pyarrow.parquet.ParquetFile", wanted: Sequence[str] | None
) -> Iterator[Sequence[Any]]:
    header = file.schema_arrow.names
    positions: Sequence[int] = range(len(header))
    if wanted is not None:
        positions = columns_of(str(path), header, *wanted)
        for position in positions:
            _check_type(path, file.schema_arrow.field(position))
    for batch in file.iter_batches(_ROWS_AT_ONCE, columns=[header[each] for each in positions]):
        # A name may bring more columns than its own, those of which it is the beginning.
        columns = [_values(batch.column(batch.schema.names.index(header[p]))) for p in positions]
        rows = zip(*columns, strict=True) if columns else iter(())
        if wanted is None:
            yield from ([dict(zip(header, row, strict=True))] for row in rows)
        else:
            yield from rows


def _check_type(path: Path, column: "pyarrow.Field") -> None:
    import pyarrow.types

    kind = column.type
    if pyarrow.types.is_nested(kind) or (
        pyarrow.types.is_temporal(kind) and not pyarrow.types.is_date(kind)
    ):
        raise InvalidInputError(
            f"{path}: the column {column.name!r} must hold text, numbers or booleans. "
            f"Received: {' '.join(str(kind).split())}."
        )


def _values(column: "pyarrow.Array") -> list[Any]:
    """Returns the values of a column; a float of 32 bits is the shortest one that rounds to it."""
    import pyarrow.types

    kind = column.type
    if pyarrow.types.is_float32(kind) or pyarrow.types.is_float16(kind):
        width = "float32" if pyarrow.types.is_float32(kind) else "float16"
        present = column.is_valid().to_pylist()
        numbers = column.to_numpy(zero_copy_only=False).astype(width)
        return [
            float(str(number)) if there else None
            for number, there in zip(numbers, present, strict=True)
        ]
    try:
        if pyarrow.types.is_temporal(kind):
            column = column.cast(pyarrow.string())
        values: list[Any] = column.to_pylist()
    except (pyarrow.ArrowException, ValueError, OverflowError):
        # A point in time that Python cannot hold, in a column that is only shown.
        return [None if value is None else str(value) for value in column]
    return values
