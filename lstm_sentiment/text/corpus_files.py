"""Labelled texts from CSV, TSV, JSONL and Parquet files, or from one text file per class."""

import csv
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.corpus import Corpus, Row
from lstm_sentiment.text.unicode import replace_surrogates


def read_corpus(
    paths: Sequence[str | os.PathLike[str]],
    *,
    text_column: str = "text",
    label_column: str = "label",
    label_names: Sequence[str] | None = None,
) -> Corpus:
    """Reads labelled texts from files.

    `.csv`, `.tsv`, `.jsonl` and `.parquet` files hold a column of texts and one of labels. A
    `.txt` file holds the texts of one class, one a line, and its stem is the label. A folder
    stands for all such files in it. Fields of a `.tsv` are taken as they stand, quotes included.

    Args:
        paths: Files or folders; their rows are put together.
        text_column: Name of the column, or JSON key, of the texts.
        label_column: Name of the column, or JSON key, of the labels.
        label_names: The classes in id order, for texts that go with a trained model. `None`
            takes those that occur.

    Returns:
        All rows, duplicates included.

    Raises:
        InvalidInputError: If a file is missing, empty, of another kind, not UTF-8, lacks a column
            or has a malformed row; the message begins with the path and the line.
    """
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    files = [file for path in paths for file in _expand(Path(path))]
    if not files:
        raise InvalidInputError("`paths` must name at least one file. Received: none.")
    rows: list[Row] = []
    for file in files:
        found = list(_READERS[file.suffix.lower()](file, text_column, label_column))
        if not found:
            raise InvalidInputError(f"{file}: must hold at least one text. Received: none.")
        rows += found
    return Corpus.from_rows(rows, label_names)


def read_texts(path: str | os.PathLike[str], *, text_column: str = "text") -> list[str]:
    """Reads texts that have no labels: a text a line, or a column of a table.

    Args:
        path: A file of any kind that `read_corpus` takes, or a folder of them; of a table, only
            `text_column` is read.
        text_column: Name of the column, or JSON key, of the texts.

    Returns:
        The texts in order, empty ones included so that answers can be matched by line.

    Raises:
        InvalidInputError: As `read_corpus`.
    """
    file = Path(path)
    if file.is_dir():
        parts = [read_texts(inner, text_column=text_column) for inner in _expand(file)]
        return [text for part in parts for text in part]
    if file.suffix.lower() in _READERS and file.suffix.lower() != ".txt":
        rows = list(_READERS[file.suffix.lower()](file, text_column, None))
        return [replace_surrogates(text) for text, _ in rows]
    return split_lines(_decode(file))


def split_lines(text: str) -> list[str]:
    """The lines of a text; unlike `str.splitlines`, only line feeds end one."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return lines[:-1] if lines[-1] == "" else lines


def _expand(path: Path) -> list[Path]:
    """The files that a path stands for."""
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in _READERS)
        if not files:
            raise InvalidInputError(f"{path}: holds no {_suffixes()} file.")
        return files
    if path.suffix.lower() not in _READERS:
        raise InvalidInputError(f"{path}: must be a {_suffixes()} file, or a folder of them.")
    return [path]


def _read_separated(path: Path, text: str, label: str | None) -> Iterator[Row]:
    lines = io.StringIO(_decode(path), newline="")
    tabs = path.suffix.lower() == ".tsv"
    # The default refuses texts beyond 131,072 characters. It is one for the whole process.
    former_limit = csv.field_size_limit(sys.maxsize)
    reader = csv.reader(
        lines,
        delimiter="\t" if tabs else ",",
        quoting=csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL,
        strict=True,
    )
    try:
        header = next(reader, None)
        if header is None:
            return
        columns = _columns(f"{path}:1", header, text, label)
        for row in filter(None, reader):
            where = f"{path}:{reader.line_num}"
            if len(row) != len(header):
                raise InvalidInputError(
                    f"{where}: a row must have {len(header)} fields, as the header has. "
                    f"Received: {len(row)}."
                )
            yield _row(where, *(row[column] for column in columns))
    except csv.Error as error:
        raise InvalidInputError(f"{path}:{reader.line_num}: is not valid CSV: {error}.") from error
    finally:
        csv.field_size_limit(former_limit)


def _columns(where: str, header: Sequence[str], *wanted: str | None) -> list[int]:
    """Positions of the wanted columns in a table's header."""
    for name in wanted:
        if name is not None and name not in header:
            raise InvalidInputError(
                f"{where}: the column {name!r} must exist (name it with `text_column` or "
                f"`label_column`). Received columns: {', '.join(header)}."
            )
    return [header.index(name) for name in wanted if name is not None]


def _row(where: str, text: Any, *labels: Any) -> Row:
    """One row's text and, where the table has labels, its label as strings."""
    if not isinstance(text, str):
        raise InvalidInputError(f"{where}: a text must be a string. Received: {text!r}.")
    return (text, _label(where, labels[0])) if labels else (text, "")


def _label(where: str, label: Any) -> str:
    if isinstance(label, float) and label.is_integer():
        label = int(label)  # pandas writes 1.0 for a column of whole numbers with gaps
    name = str(label).strip() if isinstance(label, str | int | float) else ""
    if len(name.splitlines()) != 1:
        raise InvalidInputError(
            f"{where}: a label must be a number, or one line of text. Received: {label!r}."
        )
    return name


def _read_json_lines(path: Path, text: str, label: str | None) -> Iterator[Row]:
    for number, line in enumerate(_decode(path).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            record = json.loads(line)
        except ValueError as error:
            raise InvalidInputError(f"{where}: is not valid JSON: {error}.") from error
        if not isinstance(record, dict):
            raise InvalidInputError(f"{where}: must be a JSON object. Received: {line[:40]!r}.")
        wanted = [name for name in (text, label) if name is not None]
        _columns(where, list(record), *wanted)
        yield _row(where, *(record[name] for name in wanted))


def _read_parquet(path: Path, text: str, label: str | None) -> Iterator[Row]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise InvalidInputError(
            f"{path}: reading Parquet needs the `parquet` extra: "
            "pip install 'lstm-sentiment[parquet]'."
        ) from error
    try:
        with path.open("rb") as file:
            table = pyarrow.parquet.read_table(file)
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read: {error.strerror or error}.") from error
    except pyarrow.ArrowInvalid as error:
        raise InvalidInputError(f"{path}: is not a Parquet file: {error}.") from error
    columns = _columns(str(path), table.column_names, text, label)
    for number, row in enumerate(zip(*(table.column(c).to_pylist() for c in columns), strict=True)):
        yield _row(f"{path}: row {number + 1}", *row)


def _read_one_class(path: Path, text: str, label: str | None) -> Iterator[Row]:
    for line in split_lines(_decode(path)):
        if line.strip():
            yield line, path.stem


Reader = Callable[[Path, str, str | None], Iterator[Row]]
_READERS: dict[str, Reader] = {
    ".csv": _read_separated,
    ".tsv": _read_separated,
    ".jsonl": _read_json_lines,
    ".parquet": _read_parquet,
    ".txt": _read_one_class,
}


def _suffixes() -> str:
    *most, last = _READERS
    return f"{', '.join(most)} or {last}"


def _decode(path: Path) -> str:
    """The text of a UTF-8 file, with or without a byte order mark."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read: {error.strerror}.") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidInputError(
            f"{path}:{line}: must be UTF-8. Received: byte 0x{data[error.start]:02x} at offset "
            f"{error.start:,}. Chinese files are often GB18030: "
            "`iconv -f GB18030 -t UTF-8` converts them."
        ) from error
