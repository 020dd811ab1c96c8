"""Labelled texts with their places in files, so that a result can name file and row."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from lstm_sentiment.compressed import content_suffix
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.corpus.corpus import Corpus, Row
from lstm_sentiment.text.corpus.reading import files_of, read_corpus
from lstm_sentiment.text.corpus.record_files import clean_text, read_rows

_TABLES = (".csv", ".tsv", ".jsonl")


@dataclass(frozen=True)
class LabelledFiles:
    """A corpus and the files that it was read from.

    Attributes:
        corpus: All rows of the files, in order.
        files: The files.
        ends: Number of rows in each file and all before it.
        text_column: Column of the texts.
        label_column: Column of the labels.
    """

    corpus: Corpus
    files: tuple[Path, ...]
    ends: tuple[int, ...]
    text_column: str
    label_column: str

    def place(self, row: int) -> tuple[Path, int]:
        """Returns the file of a row of the corpus, from 1, and the row's number there, from 1."""
        number = int(np.searchsorted(self.ends, row))
        return self.files[number], row - (self.ends[number - 1] if number else 0)

    def original_rows(self, rows: Sequence[int]) -> dict[int, Mapping[str, str]]:
        """Reads rows of the corpus again, with all of their columns.

        Args:
            rows: Numbers of rows in the corpus, from 1.

        Returns:
            The values by column, by the number of the row. A text file without columns has none.

        Raises:
            InvalidInputError: If a file has changed since the corpus was read.
        """
        wanted = set(rows)
        found: dict[int, Mapping[str, str]] = {}
        for number, file in enumerate(self.files):
            first = self.ends[number - 1] if number else 0
            of_file = {row - first for row in wanted if first < row <= self.ends[number]}
            if not of_file:
                continue
            for row, values in enumerate(_original_rows(file), start=1):
                if row in of_file:
                    self._check(file, first + row, values)
                    found[first + row] = {name: _cell(value) for name, value in values.items()}
        if any(row not in found for row in wanted if self._has_columns(row)):
            raise InvalidInputError(_changed(self.place(min(wanted - found.keys()))[0]))
        return found

    def _has_columns(self, row: int) -> bool:
        return content_suffix(self.place(row)[0]) != ".txt"

    def _check(self, file: Path, row: int, values: Mapping[str, Any]) -> None:
        # A table of `labels next` has a column `text` in any case, see `columns_of`.
        text = values.get(self.text_column, values.get("text"))
        if not isinstance(text, str) or clean_text(text) != self.corpus.texts[row - 1]:
            raise InvalidInputError(_changed(file))


def read_labelled_files(
    paths: Sequence[str | os.PathLike[str]],
    *,
    text_column: str = "text",
    label_column: str = "label",
    progress: Progress = SILENT,
) -> LabelledFiles:
    """Reads labelled texts as `read_corpus`, and keeps the places of the rows.

    Raises:
        InvalidInputError: As `read_corpus`.
    """
    files = tuple(files_of(paths, progress=progress))
    rows: list[Row] = []
    counts = []
    for file in files:
        part = read_corpus([file], text_column=text_column, label_column=label_column)
        names = part.label_names
        rows += [(text, names[label]) for text, label in zip(part.texts, part.labels, strict=True)]
        counts.append(len(part))
    corpus = Corpus.from_rows(rows)
    return LabelledFiles(corpus, files, tuple(accumulate(counts)), text_column, label_column)


def _original_rows(file: Path) -> Iterator[Mapping[str, Any]]:
    suffix = content_suffix(file)
    if suffix in _TABLES:
        return (values for _, values in read_rows(file))
    if suffix == ".parquet":
        import pyarrow.parquet

        with file.open("rb") as opened:
            rows: list[Mapping[str, Any]] = pyarrow.parquet.read_table(opened).to_pylist()
        return iter(rows)
    return iter(())


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False, default=str)


def _changed(file: Path) -> str:
    return f"{file}: must stay as it is while its labels are checked. Received: other rows."
