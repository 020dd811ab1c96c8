"""Chooses the engine that a version is loaded with."""

from pathlib import Path

from lstm_sentiment.serving.batching.scheduler import BatchScheduler
from lstm_sentiment.serving.loading.options import LoadingOptions
from lstm_sentiment.serving.servable import Loader
from lstm_sentiment.serving.servable_id import ServableId


def version_loader(
    servable_id: ServableId,
    version_dir: Path,
    *,
    loading: LoadingOptions,
    scheduler: BatchScheduler | None = None,
) -> Loader:
    """Returns the loader of a version.

    Args:
        servable_id: The version's id.
        version_dir: The version's folder.
        loading: How versions are loaded.
        scheduler: Batches requests to the version; `None` for no batching.
    """
    # TensorFlow takes seconds and half a gigabyte: imported with the first version that needs it.
    from lstm_sentiment.serving.saved_model.loader import SavedModelLoader

    return SavedModelLoader(
        servable_id,
        version_dir,
        xla=loading.xla_cpu_compilation_enabled,
        warmup=loading.enable_model_warmup,
        scheduler=scheduler,
    )
