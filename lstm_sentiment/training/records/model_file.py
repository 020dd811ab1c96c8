"""A model in Keras's own form, as a file that appears whole or not at all."""

import os
from pathlib import Path

from lstm_sentiment.errors import TrainingError
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.system import sync_to_disk
from lstm_sentiment.unfinished import unfinished_folder


def save_model(model: SentimentModel, path: Path) -> None:
    """Writes a model to a `.keras` file; what was there stays if writing fails.

    Raises:
        TrainingError: If the file cannot be written.
    """
    try:
        with unfinished_folder(path) as folder:
            # Keras chooses the form by the end of the name.
            model.save(folder / path.name)
            sync_to_disk(folder / path.name)
            os.replace(folder / path.name, path)
    except OSError as error:
        raise TrainingError(f"{path}: cannot be written: {error.strerror or error}.") from error
