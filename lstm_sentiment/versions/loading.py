"""Loads a version's signatures into this process."""

from contextlib import suppress
from pathlib import Path

from lstm_sentiment.serving.errors import OtherEngineError
from lstm_sentiment.serving.loading.engines import VersionLoader
from lstm_sentiment.serving.loading.options import Engine, LoadingOptions
from lstm_sentiment.serving.servable import Servable
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.version_folder import servable_name, version_number


def load_servable(version_dir: Path, engine: Engine = "auto") -> Servable:
    """Loads a version, without warmup.

    A SavedModel is a program, which runs with the rights of this process: load only ones that you
    trust. A light twin is none: the engine `light` runs nothing of a version.

    Args:
        version_dir: The version's folder.
        engine: The engine to load by, see `VersionLoader`.

    Raises:
        InvalidInputError: If the engine is none of these.
        ServableUnavailableError: If the version cannot be loaded.
        MissingExtraError: If it needs TensorFlow, which is not installed.
    """
    loading = LoadingOptions(engine=engine, enable_model_warmup=False)
    servable_id = ServableId(servable_name(version_dir), version_number(version_dir) or 0)
    loader = VersionLoader(servable_id, version_dir, loading=loading)
    with suppress(OtherEngineError):
        return loader.load()
    return loader.load()
