"""The file of texts to label: a table that `fit --data` takes once its labels are filled in."""

import csv
from io import TextIOWrapper
from pathlib import Path

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.labels.next_texts import NextTexts
from lstm_sentiment.system import write_whole

COLUMNS = ("text", "label", "score", "reason", "digest")
"""The columns in order; `label` is empty."""


def save_next_texts(found: NextTexts, path: Path) -> None:
    """Writes the chosen texts as CSV in UTF-8 with a byte order mark, by which Excel knows it.

    The file appears whole or not at all.

    Raises:
        InvalidInputError: If it cannot be written.
    """
    try:
        with write_whole(path) as file:
            out = TextIOWrapper(file, encoding="utf-8-sig", newline="")
            writer = csv.writer(out)
            writer.writerow(COLUMNS)
            for text in found.texts:
                score = "" if text.score is None else f"{text.score:.4f}"
                writer.writerow((text.text, "", score, text.reason, text.digest))
            out.flush()
            out.detach()
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be written: {error.strerror}.") from error
