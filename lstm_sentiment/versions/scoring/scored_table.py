"""Writes texts and their predictions: as records, or as tables with all columns of the input."""

import json
from collections.abc import Sequence
from typing import BinaryIO, Protocol

from lstm_sentiment.predictions import Prediction
from lstm_sentiment.text.corpus.record_files import TextRow
from lstm_sentiment.versions.scoring.columns import added_columns, prediction_record
from lstm_sentiment.versions.scoring.input_table import InputTable
from lstm_sentiment.versions.scoring.table_files import TableFormat, table_writer


class ScoredFile(Protocol):
    """Writes rows with the predictions of their texts."""

    def write(self, rows: Sequence[TextRow], predictions: Sequence[Prediction]) -> None:
        """Writes rows and their predictions, in order."""

    def finish(self) -> None:
        """Writes what is left; the file itself stays open."""

    def close(self) -> None:
        """Releases what is held, finished or not."""


class ScoredRecords:
    """Writes a line of JSON for each text, see `prediction_record`."""

    def __init__(self, file: BinaryIO, label_names: Sequence[str]) -> None:
        """Writes nothing yet.

        Args:
            file: Where the lines are written.
            label_names: The classes in id order.
        """
        self._file, self._names = file, label_names

    def write(self, rows: Sequence[TextRow], predictions: Sequence[Prediction]) -> None:
        """Writes rows and their predictions, in order."""
        for row, prediction in zip(rows, predictions, strict=True):
            record = prediction_record(row.text, prediction, self._names)
            self._file.write(f"{json.dumps(record, ensure_ascii=False)}\n".encode())

    def finish(self) -> None:
        """Nothing is left."""

    def close(self) -> None:
        """Nothing is held."""


class ScoredTable:
    """Writes the columns of the input, `predicted_label`, and `probability_CLASS` of each class."""

    def __init__(
        self,
        file: BinaryIO,
        table_format: TableFormat,
        table: InputTable,
        label_names: Sequence[str],
    ) -> None:
        """Writes what stands before the rows.

        Args:
            file: Where the table is written.
            table_format: The format.
            table: The input.
            label_names: The classes in id order.
        """
        self._added = added_columns(label_names, table.columns)
        self._writer = table_writer(file, table_format, table.columns, table.kinds, self._added)

    def write(self, rows: Sequence[TextRow], predictions: Sequence[Prediction]) -> None:
        """Writes rows and their predictions, in order."""
        label, *probabilities = self._added
        self._writer.write(
            [
                {
                    **row.values,
                    label: prediction.label,
                    **dict(zip(probabilities, prediction.probabilities, strict=True)),
                }
                for row, prediction in zip(rows, predictions, strict=True)
            ]
        )

    def finish(self) -> None:
        """Writes what is left; the file itself stays open."""
        self._writer.finish()

    def close(self) -> None:
        """Releases what is held, finished or not."""
        self._writer.close()
