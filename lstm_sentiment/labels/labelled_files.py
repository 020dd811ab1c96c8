"""Labelled texts with their places in files, so that a result can name file and row."""

import json
import os
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from lstm_sentiment.compressed import content_suffix
from lstm_sentiment.encodings import AUTO
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.bad_rows import BadRows
from lstm_sentiment.text.corpus.corpus import Corpus, Row
from lstm_sentiment.text.corpus.reading import files_of, require_rows, tell_spellings
from lstm_sentiment.text.corpus.record_files import (
    TABLE_SUFFIXES,
    labelled_rows,
    rows_by_ordinal,
)
from lstm_sentiment.text.corpus.tables.cells import CellError, clean_text, text_of
from lstm_sentiment.text.corpus.tables.columns import columns_of


@dataclass(frozen=True)
class LabelledFiles:
    """A corpus and the files that it was read from.

    Attributes:
        corpus: The rows of the files, in order.
        files: The files.
        ends: Number of the corpus' rows in each file and all before it.
        ordinals: Number of each row of the corpus among all rows of its file, from 1.
        text_column: Column of the texts.
        label_column: Column of the labels.
        encoding: Encoding of text files, or `auto`.
    """

    corpus: Corpus
    files: tuple[Path, ...]
    ends: tuple[int, ...]
    ordinals: Sequence[int]
    text_column: str
    label_column: str
    encoding: str = AUTO

    def place(self, row: int) -> tuple[Path, int]:
        """Returns the file of a row of the corpus, from 1, and the row's number there, from 1."""
        return self.files[self._file_number(row)], self.ordinals[row - 1]

    def _file_number(self, row: int) -> int:
        return int(np.searchsorted(self.ends, row))

    def original_rows(self, rows: Sequence[int]) -> dict[int, Mapping[str, str]]:
        """Reads rows of the corpus again, with all of their columns.

        Args:
            rows: Numbers of rows in the corpus, from 1.

        Returns:
            The values by column, by the number of the row. A text file without columns has none.

        Raises:
            InvalidInputError: If a file has changed since the corpus was read.
        """
        found: dict[int, Mapping[str, str]] = {}
        for number, file in enumerate(self.files):
            of_file = {
                self.ordinals[row - 1]: row for row in rows if self._file_number(row) == number
            }
            if not of_file or content_suffix(file) not in TABLE_SUFFIXES:
                continue
            for ordinal, values in rows_by_ordinal(file, self.encoding):
                row = of_file.pop(ordinal, None)
                if row is not None:
                    self._check(file, row, values)
                    found[row] = {name: _cell(value) for name, value in values.items()}
            if of_file:
                raise InvalidInputError(_changed(file))
        return found

    def _check(self, file: Path, row: int, values: Mapping[str, Any]) -> None:
        header = list(values)
        try:
            text = text_of(values[header[columns_of(str(file), header, self.text_column)[0]]])
        except CellError:
            text = ""
        if clean_text(text) != self.corpus.texts[row - 1]:
            raise InvalidInputError(_changed(file))


def read_labelled_files(
    paths: Sequence[str | os.PathLike[str]],
    *,
    text_column: str = "text",
    label_column: str = "label",
    bad_rows: BadRows = "refuse",
    encoding: str = AUTO,
    progress: Progress = SILENT,
) -> LabelledFiles:
    """Reads labelled texts as `read_corpus`, and keeps the places of the rows.

    Raises:
        InvalidInputError: As `read_corpus`.
    """
    files = tuple(files_of(paths, progress=progress))
    rows: list[Row] = []
    ordinals = array("q")
    counts = []
    for file in files:
        before = len(rows)
        for ordinal, record in labelled_rows(
            file,
            text_column,
            label_column,
            bad_rows=bad_rows,
            encoding=encoding,
            progress=progress,
        ):
            rows.append((record.text, record.label))
            ordinals.append(ordinal)
        require_rows(file, len(rows) - before)
        counts.append(len(rows) - before)
    tell_spellings({label for _, label in rows}, progress)
    ends = tuple(accumulate(counts))
    corpus = Corpus.from_rows(rows)
    return LabelledFiles(corpus, files, ends, ordinals, text_column, label_column, encoding)


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False, default=str)


def _changed(file: Path) -> str:
    return f"{file}: must stay as it is while its labels are checked. Received: other rows."
