"""The texts of a file with all columns of their rows, to be written again beside their scores."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lstm_sentiment.encodings import AUTO
from lstm_sentiment.progress import SILENT, Progress
from lstm_sentiment.text.bad_rows import BadRows
from lstm_sentiment.text.corpus.record_files import (
    TextRow,
    encoding_of_table,
    names_of_columns,
    text_rows,
)
from lstm_sentiment.text.corpus.text_encoding import TextEncoding
from lstm_sentiment.unicode import replace_surrogates

_LEAST, _MOST = -(2**63), 2**63 - 1

TEXT = "text"
"""Column of the texts of a file without columns."""


@dataclass
class InputTable:
    """The rows of a file, which is read again at each iteration, or texts.

    Attributes:
        columns: Names of the columns, those that only some rows have included.
        kinds: Types of the values of each column that is not text alone, by name.
        texts: Number of rows.
    """

    columns: list[str] = field(default_factory=list)
    kinds: dict[str, set[type]] = field(default_factory=dict)
    texts: int = 0
    _texts_alone: set[str] = field(default_factory=set)
    _rows: Sequence[TextRow] | None = None
    _path: Path = Path()
    _text_column: str = TEXT
    _bad_rows: BadRows = "refuse"
    _encoding: TextEncoding = field(default_factory=TextEncoding)

    @classmethod
    def of_texts(cls, texts: Sequence[str]) -> "InputTable":
        """Returns a table with one column, `text`."""
        return cls([TEXT], texts=len(texts), _rows=[TextRow(text, {TEXT: text}) for text in texts])

    @classmethod
    def of_file(
        cls,
        path: Path,
        *,
        text_column: str = TEXT,
        bad_rows: BadRows = "refuse",
        encoding: str | TextEncoding = AUTO,
        progress: Progress = SILENT,
    ) -> "InputTable":
        """Reads a file once, in bounded memory, to know its columns and count its rows.

        What can be read only once, such as a named pipe, is kept in memory.

        Args:
            path: A file of any kind that `read_texts` takes.
            text_column: Column or JSON key of the texts.
            bad_rows: As of `read_corpus`.
            encoding: As of `read_corpus`.
            progress: Reports the rows that are left out, and a file in GB18030.

        Raises:
            InvalidInputError: As `read_texts`.
        """
        found = encoding_of_table(path, encoding, progress)
        table = cls(_path=path, _text_column=text_column, _bad_rows=bad_rows, _encoding=found)
        rows = text_rows(path, text_column, bad_rows=bad_rows, encoding=found, progress=progress)
        kept: list[TextRow] | None = None if path.is_file() else []
        known: dict[str, None] = {}
        for row in rows:
            table.texts += 1
            if row.values.keys() != known.keys():
                known.update(dict.fromkeys(row.values))
            table._add_kinds(row.values)
            if kept is not None:
                kept.append(row)
        table.columns, table._rows = list(known) or names_of_columns(path, found), kept
        return table

    def rows(self) -> Iterator[TextRow]:
        """Yields the rows in order, with texts that can be encoded as UTF-8."""
        rows: Iterator[TextRow] | Sequence[TextRow]
        if self._rows is not None:
            rows = self._rows
        else:
            rows = text_rows(
                self._path, self._text_column, bad_rows=self._bad_rows, encoding=self._encoding
            )
        for text, values in rows:
            yield TextRow(replace_surrogates(text), values)

    def _add_kinds(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            if isinstance(value, str) and name not in self.kinds:
                self._texts_alone.add(name)
            elif value is not None:
                kind = str if type(value) is int and not _LEAST <= value <= _MOST else type(value)
                kinds = self.kinds.setdefault(name, {str} if name in self._texts_alone else set())
                kinds.add(kind)
