"""Asks a model server over gRPC: ours or TensorFlow Serving.

Requests and answers follow the signatures `text`, `tokens`, `classify`, `explain` and
`serving_default` of an exported version, by `tensorflow_serving/apis/prediction_service.proto`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from tensorflow_serving.apis import classification_pb2

from lstm_sentiment.client_connection import Connection
from lstm_sentiment.client_messages import ids_tensor, string_tensor, text_examples
from lstm_sentiment.errors import InvalidInputError

TextSignature = Literal["text", "tokens"]


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


class PredictClient:
    """Asks one model of one server; safe to share among threads.

        with PredictClient("localhost:8500", model="sentiment") as client:
            client.predict(["房间很干净"])

    The connection is made by the first request, and made again after it was lost.
    """

    def __init__(
        self,
        address: str,
        model: str,
        *,
        version: int | None = None,
        label: str | None = None,
        timeout_seconds: float = 10.0,
    ) -> None:
        """Prepares to ask; connects later.

        Args:
            address: The server's gRPC address, `host:port`.
            model: The model's name on the server.
            version: Ask this version; `None` for the highest available.
            label: Ask the version with this label, instead of a number.
            timeout_seconds: How long one request may take.

        Raises:
            InvalidInputError: If an argument breaks a rule, or both version and label are given.
        """
        self._connection = Connection(
            address, model, version=version, label=label, timeout_seconds=timeout_seconds
        )

    def predict(
        self, texts: Sequence[str], *, signature: TextSignature = "text"
    ) -> list[Prediction]:
        """Classifies texts, all in one request.

        A text is sent as UTF-8. A lone surrogate, which UTF-8 cannot hold, is sent as U+FFFD.

        Args:
            texts: The texts; at least one. For `tokens` each is already segmented, its tokens
                separated by spaces.
            signature: `text` for raw text, `tokens` for segmented text.

        Returns:
            One prediction for each text, in order.

        Raises:
            InvalidInputError: If the arguments break a rule, or the model has no such signature.
            ServableNotFoundError: If the server has no such model or version.
            ServableUnavailableError: If the server cannot be reached or does not answer in time.
        """
        if signature not in get_args(TextSignature):
            raise InvalidInputError(
                f"`signature` must be one of 'text', 'tokens'. Received: signature={signature!r}."
            )
        outputs, version = self._connection.predict(
            signature,
            {signature: string_tensor(texts)},
            ("label", "classification", "probabilities"),
        )
        rows = zip(
            outputs["label"].tolist(),
            outputs["classification"].tolist(),
            outputs["probabilities"].tolist(),
            strict=True,
        )
        return [
            Prediction(_text(label), classification, tuple(scores), version)
            for label, classification, scores in rows
        ]

    def predict_ids(self, ids: NDArray[np.integer[Any]]) -> list[IdPrediction]:
        """Scores rows of token ids by `serving_default`, as the original recipe did.

        Args:
            ids: Integers of shape `(batch, time)`, neither of them 0, padded with 0 on either
                side; sent as int64.

        Returns:
            One answer for each row, in order.

        Raises:
            InvalidInputError: If `ids` has another shape or dtype, or the model refuses it.
            ServableNotFoundError: If the server has no such model or version.
            ServableUnavailableError: If the server cannot be reached or does not answer in time.
        """
        outputs, version = self._connection.predict(
            "serving_default",
            {"input_sentence": ids_tensor(ids)},
            ("predict_classification", "predict_scores"),
        )
        rows = zip(
            outputs["predict_classification"].tolist(),
            outputs["predict_scores"].tolist(),
            strict=True,
        )
        return [IdPrediction(index, tuple(scores), version) for index, scores in rows]

    def classify(self, texts: Sequence[str]) -> list[Prediction]:
        """Classifies texts through the Classify API, all in one request.

        Each is sent as a `tf.Example` with the bytes feature `text`, otherwise as by `predict`.

        Args:
            texts: The texts; at least one.

        Returns:
            One prediction for each text, in order: the class of the highest score, and the scores
            in the order in which the server gave them.

        Raises:
            InvalidInputError: If `texts` breaks a rule, or the model has no signature `classify`.
            ServableNotFoundError: If the server has no such model or version.
            ServableUnavailableError: If the server cannot be reached or does not answer in time.
        """
        answers, version = self._connection.classify("classify", text_examples(texts))
        if len(answers) != len(texts) or not all(answers):
            raise self._connection.unexpected_answer(
                "classify",
                f"classes for each of {len(texts)} texts",
                f"classes for {sum(map(bool, answers))}",
            )
        return [_prediction(classes, version) for classes in answers]

    def explain(self, texts: Sequence[str]) -> list[Explanation]:
        """Classifies texts and tells which tokens spoke for it, all in one request.

        Args:
            texts: The texts; at least one. Sent as by `predict`.

        Returns:
            One explanation for each text, in order.

        Raises:
            InvalidInputError: If `texts` breaks a rule, or the model has no signature `explain`.
            ServableNotFoundError: If the server has no such model or version.
            ServableUnavailableError: If the server cannot be reached or does not answer in time.
        """
        outputs, version = self._connection.predict(
            "explain",
            {"text": string_tensor(texts)},
            ("label", "probabilities", "tokens", "attributions"),
        )
        tokens, attributions = outputs["tokens"], outputs["attributions"]
        if tokens.ndim != 2 or tokens.shape != attributions.shape:
            raise self._connection.unexpected_answer(
                "explain",
                "`tokens` and `attributions` of one shape (batch, time)",
                f"shapes {tokens.shape} and {attributions.shape}",
            )
        rows = zip(
            outputs["label"].tolist(),
            outputs["probabilities"].tolist(),
            tokens.tolist(),
            attributions.tolist(),
            strict=True,
        )
        return [_explanation(*row, version) for row in rows]

    def close(self) -> None:
        """Closes the connection; a second call does nothing."""
        self._connection.close()

    def __enter__(self) -> "PredictClient":
        """Gives the client itself."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Closes the connection."""
        self.close()


def _prediction(classes: Sequence[classification_pb2.Class], version: int | None) -> Prediction:
    scores = tuple(scored.score for scored in classes)
    best = int(np.argmax(scores))
    return Prediction(classes[best].label, best, scores, version)


def _explanation(
    label: bytes,
    probabilities: list[float],
    tokens: list[bytes],
    attributions: list[float],
    version: int | None,
) -> Explanation:
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
