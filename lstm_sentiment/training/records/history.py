"""The scores of each epoch in a CSV file."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from lstm_sentiment.errors import TrainingError
from lstm_sentiment.system import write_whole


def save_history(history: Mapping[str, Sequence[float]], path: Path) -> None:
    """Writes each score's values, one row an epoch, and replaces the file as a whole.

    Raises:
        TrainingError: If the file cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["epoch", *history])
    writer.writerows(
        [epoch, *values]
        for epoch, values in enumerate(zip(*history.values(), strict=True), start=1)
    )
    try:
        with write_whole(path) as file:
            file.write(text.getvalue().encode())
    except OSError as error:
        raise TrainingError(f"{path}: cannot be written: {error.strerror}.") from error
