"""The scores of each epoch, as a CSV file."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from lstm_sentiment.errors import TrainingError
from lstm_sentiment.system import write_whole


def save_history(history: Mapping[str, Sequence[float]], path: Path) -> None:
    """Writes one row an epoch; the file is replaced as a whole.

    Args:
        history: For each score its value in each epoch.
        path: A `.csv` file.

    Raises:
        TrainingError: If it cannot be written.
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
