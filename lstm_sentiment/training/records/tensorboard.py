"""A run's TensorBoard log: curves, graph and word vectors."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.system import write_whole

_MOST_VECTORS = 10_000  # the projector runs in the browser


class TensorBoardLog:
    """Writer of one run's log folder, for `tensorboard --logdir`."""

    def __init__(self, folder: Path) -> None:
        """Opens the log and makes its folder.

        Raises:
            InvalidInputError: If the extra `tensorboard` is not installed.
        """
        require_tensorboard()
        self._folder = folder
        self._writer = tf.summary.create_file_writer(str(folder))

    def write_scores(self, epoch: int, scores: Mapping[str, float]) -> None:
        """Adds one epoch's scores to the curves."""
        with self._writer.as_default(step=epoch):
            for name, value in scores.items():
                tf.summary.scalar(name, value)
        self._writer.flush()

    def write_graph(self, model: SentimentModel) -> None:
        """Writes the graph that computes logits."""
        score = tf.function(lambda token_ids: model(token_ids, training=False))
        concrete = score.get_concrete_function(tf.TensorSpec([None, None], tf.int32, "token_ids"))
        with self._writer.as_default(step=0):
            tf.summary.graph(concrete.graph)
        self._writer.flush()

    def write_vectors(self, tokens: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Writes the first 10,000 tokens' vectors, float32 `(tokens, dim)`, for the projector."""
        shown = min(len(tokens), _MOST_VECTORS)
        with write_whole(self._folder / "vectors.tsv") as file:
            np.savetxt(file, vectors[:shown], fmt="%.5g", delimiter="\t")
        # A line break would start another row, a tab another column.
        lines = (" ".join(token.split()) or repr(token) for token in tokens[:shown])
        with write_whole(self._folder / "tokens.tsv") as file:
            file.write("".join(f"{line}\n" for line in lines).encode())
        with write_whole(self._folder / "projector_config.pbtxt") as file:
            file.write(
                b'embeddings {\n  tensor_name: "word vectors"\n  tensor_path: "vectors.tsv"\n'
                b'  metadata_path: "tokens.tsv"\n}\n'
            )

    def close(self) -> None:
        """Closes the log."""
        self._writer.close()


def require_tensorboard() -> None:
    """Checks that TensorBoard is installed.

    Raises:
        InvalidInputError: If TensorBoard is missing.
    """
    try:
        import tensorboard  # noqa: F401
    except ImportError as error:
        raise InvalidInputError(
            "A TensorBoard log needs the `tensorboard` extra: "
            "pip install 'lstm-sentiment[tensorboard]'."
        ) from error
