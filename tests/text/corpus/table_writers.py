"""Writes one table in every format, with every library that people write tables with.

A further format joins by a writer in `WRITERS`.
"""

import csv
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pandas
import polars
import pyarrow
import pyarrow.csv
import pyarrow.parquet
from openpyxl.utils.escape import escape


def _plain(value: Any) -> Any:
    """A value as Python's own modules take it."""
    if isinstance(value, bytes):
        return value.decode()
    return str(value) if isinstance(value, Decimal) else value


def _rows(table: pyarrow.Table) -> list[dict[str, Any]]:
    rows = table.to_pylist()
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _csv_of(**dialect: Any) -> Callable[[pyarrow.Table], bytes]:
    def written(table: pyarrow.Table) -> bytes:
        file = io.StringIO(newline="")
        writer = csv.DictWriter(file, table.column_names, **dialect)
        writer.writeheader()
        writer.writerows(_rows(table))
        return file.getvalue().encode()

    return written


def _json_of(**options: Any) -> Callable[[pyarrow.Table], bytes]:
    def written(table: pyarrow.Table) -> bytes:
        lines = (json.dumps(row, default=str, **options) for row in _rows(table))
        return "\n".join(lines).encode()

    return written


def _json_without_missing(table: pyarrow.Table) -> bytes:
    """As R's jsonlite and others write it: a key is left out where there is no value."""
    lines = [
        json.dumps({name: value for name, value in row.items() if value is not None}, default=str)
        for row in _rows(table)
    ]
    return "\n".join(lines).encode()


def _frame(table: pyarrow.Table) -> pandas.DataFrame:
    """The types of NumPy: whole numbers with gaps are floating-point numbers."""
    return _with_texts(table).to_pandas()


def _frame_with_na(table: pyarrow.Table) -> pandas.DataFrame:
    """The types of Arrow, whose missing values are `pandas.NA`."""
    return _with_texts(table).to_pandas(types_mapper=pandas.ArrowDtype)


def _with_texts(table: pyarrow.Table) -> pyarrow.Table:
    """Bytes and views as strings: CSV holds no bytes, and pandas cannot filter views."""
    for position, field in enumerate(table.schema):
        if pyarrow.types.is_binary(field.type) or pyarrow.types.is_string_view(field.type):
            column = table.column(position).cast(pyarrow.string())
            table = table.set_column(position, field.name, column)
    return table


def _pandas_csv(
    frame: Callable[[pyarrow.Table], pandas.DataFrame], **options: Any
) -> Callable[[pyarrow.Table], bytes]:
    def written(table: pyarrow.Table) -> bytes:
        text: str = frame(table).to_csv(index=False, **options)
        return text.encode()

    return written


def _pandas_json(table: pyarrow.Table) -> bytes:
    text: str = _frame(table).to_json(orient="records", lines=True, double_precision=15)
    return text.encode()


def _pandas_parquet(
    frame: Callable[[pyarrow.Table], pandas.DataFrame],
) -> Callable[[pyarrow.Table], bytes]:
    def written(table: pyarrow.Table) -> bytes:
        content: bytes = frame(table).to_parquet(index=True)
        return content

    return written


def _polars_csv(**options: Any) -> Callable[[pyarrow.Table], bytes]:
    def written(table: pyarrow.Table) -> bytes:
        return _polars(_with_texts(table)).write_csv(**options).encode()

    return written


def _polars(table: pyarrow.Table) -> polars.DataFrame:
    frame = polars.from_arrow(table)
    assert isinstance(frame, polars.DataFrame)
    return frame


def _polars_json(table: pyarrow.Table) -> bytes:
    return _polars(_with_texts(table)).write_ndjson().encode()


def _polars_parquet(table: pyarrow.Table) -> bytes:
    file = io.BytesIO()
    _polars(table).write_parquet(file)
    return file.getvalue()


def _pyarrow_csv(separator: str) -> Callable[[pyarrow.Table], bytes]:
    def written(table: pyarrow.Table) -> bytes:
        file = io.BytesIO()
        options = pyarrow.csv.WriteOptions(delimiter=separator)
        pyarrow.csv.write_csv(_with_texts(table), file, options)
        return file.getvalue()

    return written


def _pyarrow_parquet(**options: Any) -> Callable[[pyarrow.Table], bytes]:
    def written(table: pyarrow.Table) -> bytes:
        file = io.BytesIO()
        pyarrow.parquet.write_table(table, file, **options)
        return file.getvalue()

    return written


def _escaped(value: Any) -> Any:
    return escape(value) if isinstance(value, str) else value


def _workbook(table: pyarrow.Table) -> bytes:
    """As Excel writes it: a carriage return is escaped, since XML would drop it."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Reviews")
    sheet.append(table.column_names)
    for row in _rows(_with_texts(table)):
        sheet.append(list(map(_escaped, row.values())))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _pandas_workbook(table: pyarrow.Table) -> bytes:
    file = io.BytesIO()
    frame = _frame(table)
    frame.astype(object).map(_escaped).to_excel(file, index=False)
    return file.getvalue()


WRITERS: dict[str, tuple[str, Callable[[pyarrow.Table], bytes]]] = {
    "csv": (".csv", _csv_of()),
    "csv, all quoted": (".csv", _csv_of(quoting=csv.QUOTE_ALL, lineterminator="\n")),
    "csv, tabs": (".tsv", _csv_of(dialect="excel-tab")),
    "json": (".jsonl", _json_of()),
    "json, UTF-8": (".jsonl", _json_of(ensure_ascii=False)),
    "json, without missing values": (".jsonl", _json_without_missing),
    "pandas, CSV": (".csv", _pandas_csv(_frame)),
    "pandas, CSV with an index": (".csv", lambda table: _frame(table).to_csv().encode()),
    "pandas, CSV of Arrow's types": (".csv", _pandas_csv(_frame_with_na)),
    "pandas, TSV": (".tsv", _pandas_csv(_frame, sep="\t")),
    "pandas, JSONL": (".jsonl", _pandas_json),
    "pandas, Parquet": (".parquet", _pandas_parquet(_frame)),
    "pandas, Parquet of Arrow's types": (".parquet", _pandas_parquet(_frame_with_na)),
    "Polars, CSV": (".csv", _polars_csv()),
    "Polars, TSV": (".tsv", _polars_csv(separator="\t")),
    "Polars, CSV with a mark": (".csv", _polars_csv(include_bom=True, line_terminator="\r\n")),
    "Polars, JSONL": (".jsonl", _polars_json),
    "Polars, Parquet": (".parquet", _polars_parquet),
    "openpyxl": (".xlsx", _workbook),
    "pandas, Excel": (".xlsx", _pandas_workbook),
    "pyarrow, CSV": (".csv", _pyarrow_csv(",")),
    "pyarrow, TSV": (".tsv", _pyarrow_csv("\t")),
    "pyarrow, Parquet": (".parquet", _pyarrow_parquet()),
    "pyarrow, Parquet in small parts": (".parquet", _pyarrow_parquet(row_group_size=2)),
}
"""What writes a table, by its name, with the ending of the file."""


def can_write(name: str, table: pyarrow.Table) -> bool:
    """Whether the writer of that name writes the columns of a table so that they can be read."""
    if name == "json, without missing values":
        return all(column.null_count < len(column) for column in table.columns)
    is_nested = any(pyarrow.types.is_nested(field.type) for field in table.schema)
    return not is_nested or WRITERS[name][0] not in (".csv", ".tsv", ".xlsx")


def write(name: str, table: pyarrow.Table, folder: Path) -> Path:
    """Writes a table by the writer of that name."""
    suffix, writer = WRITERS[name]
    path = folder / f"{name.replace(', ', '-').replace(' ', '-')}{suffix}"
    path.write_bytes(writer(table))
    return path
