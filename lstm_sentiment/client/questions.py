"""Requests to a model and how their responses are read, for both clients: nothing here waits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import index
from typing import Any, Generic, Literal, TypeVar, get_args

from lstm_sentiment.checks import in_range
from lstm_sentiment.client.answers import AnswerReader, Explanation, IdPrediction, Prediction
from lstm_sentiment.client.messages import (
    Ids,
    ids_rows,
    ids_tensor,
    string_tensor,
    text_examples,
    utf8_values,
)
from lstm_sentiment.client.model_info import SIGNATURES_FIELD
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.model_management_pb2 import GetModelStatusRequest
from lstm_sentiment.protocol.prediction_pb2 import (
    ClassificationRequest,
    GetModelMetadataRequest,
    ModelSpec,
    PredictRequest,
)
from lstm_sentiment.protocol.tensor_pb2 import TensorProto
from lstm_sentiment.version_folder import DEFAULT_SIGNATURE_KEY, MAX_VERSION

RPC = Literal["Predict", "Classify", "GetModelStatus", "GetModelMetadata"]
TextSignature = Literal["text", "tokens"]

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Question(Generic[Answer]):
    """Rows for one method of the server, as one request or in parts.

    Attributes:
        rpc: The server's method.
        rows: Texts or rows of token ids; at least one.
        write: Builds the request from rows.
        read: Returns one answer for each row, from the response and the number of rows.
    """

    rpc: RPC
    rows: Sequence[Any]
    write: Callable[[Sequence[Any]], Any]
    read: Callable[[Any, int], list[Answer]]

    def fits(self, limit: int | None) -> bool:
        """Returns True if there are at most `limit` rows, or no limit."""
        return limit is None or len(self.rows) <= limit

    def parts(self, limit: int | None) -> "list[Question[Answer]]":
        """Divides the rows, in order, into parts of at most `limit` rows; `None` for one part."""
        size = limit or len(self.rows)
        starts = range(0, len(self.rows), size)
        return [replace(self, rows=self.rows[start : start + size]) for start in starts]

    def request(self) -> Any:
        """Returns the request for all rows."""
        return self.write(self.rows)

    def answers(self, response: Any) -> list[Answer]:
        """Returns the answer for each row of a response.

        Raises:
            InvalidInputError: If the response does not fit the question.
        """
        return self.read(response, len(self.rows))


class Questions:
    """Builds the questions to one model; for their errors see `PredictClient`."""

    def __init__(
        self, address: str, model: str, version: int | None, version_label: str | None
    ) -> None:
        """Keeps the model; the arguments are those of `PredictClient`."""
        if not address or not model:
            raise InvalidInputError(
                "`address` and `model` must not be empty. "
                f"Received: address={address!r}, model={model!r}."
            )
        if version is not None:
            version = index(version)  # NumPy's integers too
            in_range(0, MAX_VERSION, version=version)
        self._address = address
        self._model = model
        self._version = version
        self._version_label = version_label

    def predict(self, texts: Sequence[str], signature: TextSignature) -> Question[Prediction]:
        """Returns the question to `text` or `tokens`."""
        if signature not in get_args(TextSignature):
            raise InvalidInputError(
                f"`signature` must be one of 'text', 'tokens'. Received: signature={signature!r}."
            )
        write = self._predict_request(signature, signature, string_tensor)
        return Question("Predict", utf8_values(texts), write, self._reader(signature).predictions)

    def predict_ids(
        self, ids: Ids, signature: str = DEFAULT_SIGNATURE_KEY
    ) -> Question[IdPrediction]:
        """Returns the question to a signature of token ids."""
        write = self._predict_request(signature, "input_sentence", ids_tensor)
        return Question("Predict", ids_rows(ids), write, self._reader(signature).id_predictions)

    def explain(self, texts: Sequence[str]) -> Question[Explanation]:
        """Returns the question to `explain`."""
        write = self._predict_request("explain", "text", string_tensor)
        return Question("Predict", utf8_values(texts), write, self._reader("explain").explanations)

    def classify(self, texts: Sequence[str]) -> Question[Prediction]:
        """Returns the question to `classify`."""
        reader = self._reader("classify")
        return Question(
            "Classify", utf8_values(texts), self._classify_request(), reader.classifications
        )

    def label_names(self) -> Question[tuple[str, ...]]:
        """Returns the question for the names of the classes."""
        reader = self._reader("classify")
        return Question("Classify", utf8_values([""]), self._classify_request(), reader.label_names)

    def _classify_request(self) -> Callable[[Sequence[bytes]], ClassificationRequest]:
        def write(values: Sequence[bytes]) -> ClassificationRequest:
            return ClassificationRequest(
                model_spec=self._model_spec("classify"), input=text_examples(values)
            )

        return write

    def model_status(self) -> GetModelStatusRequest:
        """Returns the request for the state of the versions."""
        return GetModelStatusRequest(model_spec=self._model_spec(""))

    def metadata(self) -> GetModelMetadataRequest:
        """Returns the request for the signatures."""
        return GetModelMetadataRequest(
            model_spec=self._model_spec(""), metadata_field=[SIGNATURES_FIELD]
        )

    def _predict_request(
        self,
        signature: str,
        input_name: str,
        write_tensor: Callable[[Sequence[Any]], TensorProto],
    ) -> Callable[[Sequence[Any]], PredictRequest]:
        def write(rows: Sequence[Any]) -> PredictRequest:
            return PredictRequest(
                model_spec=self._model_spec(signature), inputs={input_name: write_tensor(rows)}
            )

        return write

    def _reader(self, signature: str) -> AnswerReader:
        return AnswerReader(self._address, self._model, signature)

    def _model_spec(self, signature: str) -> ModelSpec:
        spec = ModelSpec(name=self._model, signature_name=signature)
        if self._version is not None:
            spec.version.value = self._version
        if self._version_label is not None:
            spec.version_label = self._version_label
        return spec
