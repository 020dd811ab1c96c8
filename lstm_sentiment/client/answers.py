"""Answers of each signature, read from a server's messages."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.predictions import Explanation, IdPrediction, Prediction
from lstm_sentiment.protocol.prediction_pb2 import Class, ClassificationResponse, PredictResponse
from lstm_sentiment.protocol.tensors import Array, read_tensor

__all__ = ["AnswerReader", "Explanation", "IdPrediction", "Prediction", "explanation"]

# Of each output: the number of dimensions, the first of which counts rows, and the allowed kinds of
# NumPy dtypes.
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


class AnswerReader:
    """Reads the responses of one signature.

    Each method returns one answer for each of the `rows` that were sent, in order, and raises
    InvalidInputError if the outputs are not those of this package's signature.
    """

    def __init__(self, address: str, model: str, signature: str) -> None:
        """Keeps the names of server, model and signature for the errors."""
        self._address = address
        self._model = model
        self._signature = signature

    def predictions(self, response: PredictResponse, rows: int) -> list[Prediction]:
        """Reads a response of `text` or `tokens`."""
        outputs = self._outputs(response, rows, ("label", "classification", "probabilities"))
        version = _version(response)
        return [
            Prediction(_text(label), classification, tuple(scores), version)
            for label, classification, scores in _rows(outputs)
        ]

    def id_predictions(self, response: PredictResponse, rows: int) -> list[IdPrediction]:
        """Reads a response of `serving_default`."""
        outputs = self._outputs(response, rows, ("predict_classification", "predict_scores"))
        version = _version(response)
        return [IdPrediction(index, tuple(scores), version) for index, scores in _rows(outputs)]

    def explanations(self, response: PredictResponse, rows: int) -> list[Explanation]:
        """Reads a response of `explain`."""
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

    def classifications(self, response: ClassificationResponse, rows: int) -> list[Prediction]:
        """Reads a response of the Classify API."""
        answers = [answer.classes for answer in response.result.classifications]
        if len(answers) != rows or not all(answers):
            raise self._unexpected(
                f"classes for each of {rows} texts", f"classes for {sum(map(bool, answers))}"
            )
        version = _version(response)
        return [_prediction(classes, version) for classes in answers]

    def label_names(self, response: ClassificationResponse, rows: int) -> list[tuple[str, ...]]:
        """Reads the names of the classes from a response of the Classify API."""
        self.classifications(response, rows)
        return [
            tuple(scored.label for scored in answer.classes)
            for answer in response.result.classifications
        ]

    def _outputs(
        self, response: PredictResponse, rows: int, names: Sequence[str]
    ) -> dict[str, Any]:
        """Returns the `np.ndarray` of each output, of `rows` rows."""
        if any(name not in response.outputs for name in names):
            raise self._unexpected(", ".join(names), ", ".join(sorted(response.outputs)))
        arrays = {name: self._array(response, name) for name in names}
        for name, array in arrays.items():
            dimensions, kind = _OUTPUTS[name]
            if array.ndim != dimensions or len(array) != rows or array.dtype.kind not in kind:
                raise self._unexpected(
                    f"`{name}` with {_KINDS[kind]} in {dimensions} dimensions, the first of size "
                    f"{rows}",
                    f"dtype {array.dtype}, shape {array.shape}",
                )
        return arrays

    def _array(self, response: PredictResponse, name: str) -> Array:
        try:
            return read_tensor(response.outputs[name])
        except InvalidInputError as error:
            raise self._unexpected(f"`{name}` as a tensor", str(error)) from error

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


def _prediction(classes: Sequence[Class], version: int | None) -> Prediction:
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
    """Builds an explanation from one row of `explain`, without the padding at the row's end."""
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
