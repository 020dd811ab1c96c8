"""What the clients give back: the answers of each signature, read from a server's messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import classification_pb2, predict_pb2

from lstm_sentiment.errors import InvalidInputError

# What an output must be: its number of dimensions, the first of which counts rows, and the kinds of
# NumPy dtype it may have.
_OUTPUTS = {
    "label": (1, "O"),
    "classification": (1, "iu"),
    "probabilities": (2, "f"),
    "tokens": (2, "O"),
    "attributions": (2, "f"),
    "predict_classification": (1, "iu"),
    "predict_scores": (2, "f"),
}
_KINDS = {"O": "strings", "iu": "integers", "f": "numbers"}


@dataclass(frozen=True)
class Prediction:
    """What the model says of one text.

    Attributes:
        label: The most probable label.
        classification: Its index among the classes.
        probabilities: One for each class; they sum to 1.
        model_version: The version that answered, if the server told.
    """

    label: str
    classification: int
    probabilities: tuple[float, ...]
    model_version: int | None


@dataclass(frozen=True)
class Explanation:
    """Which tokens of one text spoke for its label.

    Attributes:
        label: The most probable label.
        probabilities: One for each class; they sum to 1.
        tokens: The tokens the model saw, in order, without padding.
        attributions: How much each token spoke for the label; below 0 where it spoke against it.
        model_version: The version that answered, if the server told.
    """

    label: str
    probabilities: tuple[float, ...]
    tokens: tuple[str, ...]
    attributions: tuple[float, ...]
    model_version: int | None


@dataclass(frozen=True)
class IdPrediction:
    """What `serving_default` says of one row of token ids.

    Attributes:
        predict_classification: Index of the highest score.
        predict_scores: One logit for each class.
        model_version: The version that answered, if the server told.
    """

    predict_classification: int
    predict_scores: tuple[float, ...]
    model_version: int | None


class AnswerReader:
    """Reads what a signature answered to some rows, and says where it is not what it should be.

    Each method takes a server's response and how many rows were sent, and gives an answer for each
    of them, in order. Each raises InvalidInputError if the signature is not the one of that name
    which this package exports.
    """

    def __init__(self, address: str, model: str, signature: str) -> None:
        """Knows who answered, for the messages.

        Args:
            address: The server's.
            model: The model's name.
            signature: The signature's key.
        """
        self._address = address
        self._model = model
        self._signature = signature

    def predictions(self, response: predict_pb2.PredictResponse, rows: int) -> list[Prediction]:
        """Reads the answer of `text` or `tokens`."""
        outputs = self._outputs(response, rows, ("label", "classification", "probabilities"))
        version = _version(response)
        return [
            Prediction(_text(label), classification, tuple(scores), version)
            for label, classification, scores in _rows(outputs)
        ]

    def id_predictions(
        self, response: predict_pb2.PredictResponse, rows: int
    ) -> list[IdPrediction]:
        """Reads the answer of `serving_default`."""
        outputs = self._outputs(response, rows, ("predict_classification", "predict_scores"))
        version = _version(response)
        return [IdPrediction(index, tuple(scores), version) for index, scores in _rows(outputs)]

    def explanations(self, response: predict_pb2.PredictResponse, rows: int) -> list[Explanation]:
        """Reads the answer of `explain`."""
        names = ("label", "probabilities", "tokens", "attributions")
        outputs = self._outputs(response, rows, names)
        tokens, attributions = outputs["tokens"], outputs["attributions"]
        if tokens.shape != attributions.shape:
            raise self._unexpected(
                "`tokens` and `attributions` of one shape (batch, time)",
                f"shapes {tokens.shape} and {attributions.shape}",
            )
        version = _version(response)
        return [explanation(version, *row) for row in _rows(outputs)]

    def classifications(
        self, response: classification_pb2.ClassificationResponse, rows: int
    ) -> list[Prediction]:
        """Reads the answer of the Classify API."""
        answers = [answer.classes for answer in response.result.classifications]
        if len(answers) != rows or not all(answers):
            raise self._unexpected(
                f"classes for each of {rows} texts", f"classes for {sum(map(bool, answers))}"
            )
        version = _version(response)
        return [_prediction(classes, version) for classes in answers]

    def _outputs(
        self, response: predict_pb2.PredictResponse, rows: int, names: Sequence[str]
    ) -> dict[str, Any]:
        """An `np.ndarray` for each name, with a row for each row that was sent."""
        if any(name not in response.outputs for name in names):
            raise self._unexpected(", ".join(names), ", ".join(sorted(response.outputs)))
        arrays = {name: tf.make_ndarray(response.outputs[name]) for name in names}
        for name, array in arrays.items():
            dimensions, kind = _OUTPUTS[name]
            if array.ndim != dimensions or len(array) != rows or array.dtype.kind not in kind:
                raise self._unexpected(
                    f"`{name}` with {_KINDS[kind]} in {dimensions} dimensions, the first of size "
                    f"{rows}",
                    f"dtype {array.dtype}, shape {array.shape}",
                )
        return arrays

    def _unexpected(self, wanted: str, received: str) -> InvalidInputError:
        return InvalidInputError(
            f"{self._address}: signature {self._signature!r} of model {self._model!r} must answer "
            f"{wanted}. Received: {received}."
        )


def _rows(outputs: Mapping[str, Any]) -> Any:
    return zip(*(array.tolist() for array in outputs.values()), strict=True)


def _version(response: Any) -> int | None:
    spec = response.model_spec
    return spec.version.value if spec.HasField("version") else None


def _prediction(classes: Sequence[classification_pb2.Class], version: int | None) -> Prediction:
    scores = tuple(scored.score for scored in classes)
    best = int(np.argmax(scores))
    return Prediction(classes[best].label, best, scores, version)


def explanation(
    version: int | None,
    label: bytes,
    probabilities: Sequence[float],
    tokens: Sequence[bytes],
    attributions: Sequence[float],
) -> Explanation:
    """Puts one row of what `explain` answers together, without its padding.

    Args:
        version: The version that answered, if it is known.
        label: The most probable label.
        probabilities: One for each class.
        tokens: Of the text, empty strings at the end.
        attributions: One for each token.
    """
    length = max((index + 1 for index, token in enumerate(tokens) if token), default=0)
    return Explanation(
        _text(label),
        tuple(probabilities),
        tuple(_text(token) for token in tokens[:length]),
        tuple(attributions[:length]),
        version,
    )


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
