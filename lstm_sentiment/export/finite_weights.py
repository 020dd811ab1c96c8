"""A check that a model's weights are finite."""

import numpy as np

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.model.sentiment_model import SentimentModel


def check_finite_weights(model: SentimentModel) -> None:
    """Checks that no weight is NaN or infinite.

    The graph of such a model answers NaN in TensorFlow. ONNX Runtime's LSTM returns finite numbers
    for it: see `findings/onnxruntime_lstm_hides_nan.sh`.

    Raises:
        InvalidInputError: If one is; the message names the variable.
    """
    for variable in model.weights:
        if not np.isfinite(variable.numpy()).all():
            raise InvalidInputError(
                "The model's weights must be finite. A lower learning rate keeps a training from "
                f"diverging. Received: NaN or infinity in {variable.path!r}."
            )
