"""Reading labelled texts from CSV, TSV, JSONL and Parquet files, or a text file per class."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from lstm_sentiment.checks import unreadable
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.corpus.corpus import Corpus, Row
from lstm_sentiment.text.corpus.record_files import checked_row, columns_of, read_records
from lstm_sentiment.unicode import replace_surrogates

_PARQUET = ".parquet"
_SUFFIXES = (".csv", ".tsv", ".jsonl", _PARQUET, ".txt")


def read_corpus(
    paths: Sequence[str | os.PathLike[str]],
    *,
    text_column: str = "text",
    label_column: str = "label",
    label_names: Sequence[str] | None = None,
) -> Corpus:
    """Reads labelled texts from files.

    `.csv`, `.tsv`, `.jsonl` and `.parquet` files hold a column of texts and one of labels. A
    `.txt` file holds the texts of one class, one a line; the file's stem is the label. A folder
    stands for all such files in it. Quotes in a `.tsv` file are part of the field.

    Args:
        paths: Files or folders, whose rows are concatenated.
        text_column: Name of the column, or JSON key, of the texts.
        label_column: Name of the column, or JSON key, of the labels.
        label_names: The classes in id order, to match a trained model. `None` takes the labels
            that occur.

    Returns:
        All rows, duplicates included.

    Raises:
        InvalidInputError: If a file is missing, empty, of another kind, not UTF-8, lacks a column
            or has a malformed row; the message begins with the path and the line.
    """
    rows: list[Row] = []
    for file in files_of(paths):
        before = len(rows)
        rows.extend(_read_rows(file, text_column, label_column))
        require_rows(file, len(rows) - before)
    return Corpus.from_rows(rows, label_names)


def read_texts(path: str | os.PathLike[str], *, text_column: str = "text") -> list[str]:
    """Reads texts without labels: a text a line, or the column `text_column` of a table.

    Args:
        path: A file of any kind that `read_corpus` reads, or a folder of such files. A file with
            another ending is read as plain text.
        text_column: Name of the column, or JSON key, of the texts in a table.

    Returns:
        The texts in order, with empty ones, so that answers can be matched by line.

    Raises:
        InvalidInputError: As `read_corpus`.
    """
    return [
        replace_surrogates(text)
        for file in files_of([path], plain=True)
        for text, _ in _read_rows(file, text_column, None)
    ]


def split_lines(text: str) -> list[str]:
    """Splits a text at line feeds only, unlike `str.splitlines`."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return lines[:-1] if lines[-1] == "" else lines


def files_of(paths: Sequence[str | os.PathLike[str]], *, plain: bool = False) -> list[Path]:
    """Returns the files in `paths`, and the corpus files in its folders.

    Args:
        paths: Files or folders, or a single path.
        plain: Allows files with other endings, as plain text.

    Raises:
        InvalidInputError: If `paths` or a folder has no corpus file, or a file is of another kind.
    """
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    if not paths:
        raise InvalidInputError("`paths` must name at least one file. Received: none.")
    return [file for path in paths for file in _expand(Path(path), plain)]


def _expand(path: Path, plain: bool) -> list[Path]:
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in _SUFFIXES)
        if not files:
            raise InvalidInputError(f"{path}: holds no {_suffixes()} file.")
        return files
    if path.suffix.lower() not in _SUFFIXES and not plain:
        raise InvalidInputError(f"{path}: must be a {_suffixes()} file, or a folder of them.")
    return [path]


def require_rows(file: Path, rows: int) -> None:
    """Raises `InvalidInputError` if a file of a corpus has no rows."""
    if not rows:
        raise InvalidInputError(f"{file}: must hold at least one text. Received: none.")


def _read_rows(path: Path, text: str, label: str | None) -> Iterator[Row]:
    if path.suffix.lower() == _PARQUET:
        return _read_parquet(path, text, label)
    return (record[:2] for record in read_records(path, text, label))


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
        raise InvalidInputError(unreadable(path, error)) from error
    except pyarrow.ArrowInvalid as error:
        raise InvalidInputError(f"{path}: is not a Parquet file: {error}.") from error
    columns = columns_of(str(path), table.column_names, text, label)
    for number, row in enumerate(zip(*(table.column(c).to_pylist() for c in columns), strict=True)):
        yield checked_row(path, f": row {number + 1}", *row)


def _suffixes() -> str:
    *most, last = _SUFFIXES
    return f"{', '.join(most)} or {last}"
