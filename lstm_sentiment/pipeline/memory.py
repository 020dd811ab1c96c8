"""The memory that a run needs by its settings alone, before its texts are read."""

from lstm_sentiment.memory import check_memory
from lstm_sentiment.model.memory import network_memory
from lstm_sentiment.pipeline.config import PipelineConfig


def check_run_memory(config: PipelineConfig, *, available: int | None = None) -> None:
    """Checks that the network of a run fits into memory; imports no TensorFlow.

    How many words there are and how long texts are is not known yet: `fit` checks it again.

    Args:
        config: Settings of the run. With `init_from`, the version decides the sizes.
        available: As in `check_memory`.

    Raises:
        InvalidInputError: If it does not fit.
    """
    if config.init_from is not None:
        return
    # The width of given vectors stands in their file.
    width = 1 if config.vectors is not None else config.vector_training.dim
    parts = network_memory(
        config.model, embedding_dim=width, replicas=config.training.logical_devices or 1
    )
    check_memory("The network", parts, available=available)
