"""Loads a version's signatures into this process."""

from pathlib import Path

from lstm_sentiment.extras import train_imports
from lstm_sentiment.serving.servable import Servable
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.version_folder import servable_name, version_number


def load_servable(version_dir: Path) -> Servable:
    """Loads a version, without warmup.

    Args:
        version_dir: The version's folder.

    Raises:
        ServableUnavailableError: If the version cannot be loaded.
        MissingExtraError: If it needs TensorFlow, which is not installed.
    """
    with train_imports("loading a SavedModel"):
        from lstm_sentiment.serving.saved_model.loader import SavedModelLoader

    servable_id = ServableId(servable_name(version_dir), version_number(version_dir) or 0)
    return SavedModelLoader(servable_id, version_dir, warmup=False).load()
