"""One request of a request log: the texts that were sent, and the answers that were given."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.protocol.prediction_log_pb2 import PredictionLog
from lstm_sentiment.protocol.prediction_pb2 import ClassificationResult, Input, ModelSpec
from lstm_sentiment.protocol.tensor_pb2 import TensorProto
from lstm_sentiment.protocol.tensors import Array, read_tensor
from lstm_sentiment.version_folder import DEFAULT_SIGNATURE_KEY, PAD_ID, probabilities_of
from lstm_sentiment.versions.logged_versions import LoggedVersion, LoggedVersions

Rows = tuple[tuple[float, ...], ...]

_TEXT, _TOKENS, _IDS = "text", "tokens", "input_sentence"
_FEATURE = "text"


class SkippedRequestError(Exception):
    """A request that holds no text; the message names its kind, as in `Requests of that kind`."""


@dataclass(frozen=True)
class LoggedRequest:
    """A request of a request log, with its answer.

    A request that the log holds without an answer, such as a warmup request, has none of
    `labels`, `classifications` and `probabilities`.

    Attributes:
        api: `Predict`, `Classify`, `Regress` or `MultiInference`.
        texts: The texts in order. Tokens or token ids are joined to a text that the tokenizer of
            the version splits in the same way, if the version that answered is available;
            otherwise with spaces.
        model_name: The model; empty if the record does not name it.
        version: The version that answered; `None` if the record does not name it.
        signature: The signature that was called.
        labels: The label of each text; `None` if the answer holds none.
        classifications: The index of each label among the classes; `None` if the answer holds none.
        probabilities: For each text the probability of each class; `None` if the answer holds none.
        label_names: The classes in the order of the probabilities; `None` if neither the answer
            nor an available version names them.
        tokens: The tokens of each text, where tokens or token ids were sent.
        token_ids: The token ids of each text without padding, where token ids were sent.
        timestamp_seconds: When the request was logged, in seconds since 1970; `None` if unknown.
        file: The file of the record.
        record: Number of the record in the file, from 1.
    """

    api: str
    texts: tuple[str, ...]
    model_name: str = ""
    version: int | None = None
    signature: str = DEFAULT_SIGNATURE_KEY
    labels: tuple[str, ...] | None = None
    classifications: tuple[int, ...] | None = None
    probabilities: Rows | None = None
    label_names: tuple[str, ...] | None = None
    tokens: tuple[tuple[str, ...], ...] | None = None
    token_ids: tuple[tuple[int, ...], ...] | None = None
    timestamp_seconds: int | None = None
    file: Path = Path()
    record: int = 0


@dataclass(frozen=True)
class RecordFacts:
    """The facts of a record besides texts and answers; attributes as in `LoggedRequest`."""

    model_name: str
    version: int | None
    signature: str
    timestamp_seconds: int | None
    file: Path
    record: int

    @classmethod
    def of(cls, log: PredictionLog, file: Path, record: int) -> "RecordFacts":
        """Returns the facts of a record of a kind; the answer knows more than the request."""
        reader, kind = _READERS.get(str(log.WhichOneof("log_type"))), log.WhichOneof("log_type")
        message = getattr(log, str(kind))
        specs = () if reader is None else reader.specs(message.request, message.response)
        specs = (*specs, log.log_metadata.model_spec)
        return cls(
            next((spec.name for spec in specs if spec.name), ""),
            next((spec.version.value for spec in specs if spec.HasField("version")), None),
            next(
                (spec.signature_name for spec in specs if spec.signature_name),
                DEFAULT_SIGNATURE_KEY,
            ),
            log.log_metadata.timestamp_secs or None,
            file,
            record,
        )


def read_logged_request(
    log: PredictionLog, facts: RecordFacts, versions: LoggedVersions | None, *, as_ids: bool = False
) -> LoggedRequest:
    """Reads the texts and answers of one record.

    Args:
        log: A record of a kind, see `PredictionLog.WhichOneof`.
        facts: What the record holds besides them.
        versions: The versions that may have answered. `None` if none is available.
        as_ids: Whether to keep requests of token ids without knowing their tokens: their texts
            are empty, and their probabilities are those of the temperature 1.

    Raises:
        SkippedRequestError: If the record holds no text.
    """
    kind = str(log.WhichOneof("log_type"))
    if kind not in _READERS:
        raise SkippedRequestError("of a kind that sends no texts")
    message = getattr(log, kind)
    version = None if versions is None or as_ids else versions.find(facts.version)
    try:
        read = _READERS[kind].read(message.request, message.response, version, as_ids)
    except InvalidInputError as error:  # a tensor that contradicts itself
        raise SkippedRequestError("whose inputs are not texts") from error
    return LoggedRequest(**read, **vars(facts))


def _read_predict(
    request: Any, response: Any, version: LoggedVersion | None, as_ids: bool
) -> dict[str, Any]:
    known = None if version is None else version.label_names
    if _IDS in request.inputs:
        return _of_ids(request, response, version, as_ids)
    if _TEXT in request.inputs:
        tokens, texts = None, _strings(request.inputs[_TEXT])
    elif _TOKENS in request.inputs:
        segmented = _strings(request.inputs[_TOKENS])
        tokens = tuple(tuple(text.split()) for text in segmented)
        texts = segmented if version is None else tuple(map(version.joiner.join, tokens))
    else:
        raise SkippedRequestError("of signatures that take no texts")
    answers = _answers(response.outputs, len(texts), known)
    return {"api": "Predict", "texts": texts, "tokens": tokens, **answers}


def _of_ids(
    request: Any, response: Any, version: LoggedVersion | None, as_ids: bool
) -> dict[str, Any]:
    ids = read_tensor(request.inputs[_IDS])
    if ids.ndim != 2 or ids.dtype.kind not in "iu":
        raise SkippedRequestError("whose inputs are not texts")
    rows = tuple(tuple(one for one in row if one != PAD_ID) for row in ids.tolist())
    texts, tokens = ("",) * len(rows), None
    if not as_ids:
        found = [None if version is None else version.tokens(row) for row in rows]
        tokens = tuple(one for one in found if one is not None)
        if version is None or len(tokens) < len(rows):
            raise SkippedRequestError(
                "of token ids, which the folder of their version would turn into texts,"
            )
        texts = tuple(map(version.joiner.join, tokens))
    answers = _id_answers(response.outputs, len(rows), version)
    return {"api": "Predict", "texts": texts, "tokens": tokens, "token_ids": rows, **answers}


def _read_examples(api: str) -> Any:
    """Returns the reader of an API that sends `tf.Example`s."""

    def read(request: Any, response: Any, _: LoggedVersion | None, __: bool) -> dict[str, Any]:
        texts = _texts_of_examples(request.input)
        answers = _class_answers(_classifications(response), len(texts))
        return {"api": api, "texts": texts, **answers}

    return read


def _classifications(response: Any) -> ClassificationResult:
    """Returns the classes of an answer; of several tasks, those of the first that has classes."""
    if hasattr(response, "results"):
        found = (one.classification_result for one in response.results if _is_classified(one))
        return next(found, ClassificationResult())
    return response.result if hasattr(response.result, "classifications") else _NO_CLASSES


def _is_classified(result: Any) -> bool:
    return bool(result.WhichOneof("result") == "classification_result")


_NO_CLASSES = ClassificationResult()


def _strings(proto: TensorProto) -> tuple[str, ...]:
    values = read_tensor(proto)
    if values.ndim != 1 or values.dtype != object:
        raise SkippedRequestError("whose inputs are not texts")
    return _decoded(values.tolist())


def _decoded(values: Iterable[bytes]) -> tuple[str, ...]:
    return tuple(value.decode("utf-8", "replace") for value in values)


def _texts_of_examples(proto: Input) -> tuple[str, ...]:
    kind = proto.WhichOneof("kind")
    examples = getattr(proto, kind).examples if kind else ()
    values = [list(one.features.feature[_FEATURE].bytes_list.value) for one in examples]
    # Without a text of its own, an example has that of the context.
    shared = (
        list(proto.example_list_with_context.context.features.feature[_FEATURE].bytes_list.value)
        if kind == "example_list_with_context"
        else []
    )
    texts = [value or shared for value in values]
    if not texts or any(len(text) != 1 for text in texts):
        raise SkippedRequestError("whose examples have no feature `text`")
    return _decoded(text[0] for text in texts)


def _answers(
    outputs: Mapping[str, TensorProto], rows: int, known: tuple[str, ...] | None
) -> dict[str, Any]:
    labels = _output(outputs, "label", rows, 1, "O")
    indices = _output(outputs, "classification", rows, 1, "iu")
    scores = _output(outputs, "probabilities", rows, 2, "f")
    return {
        "labels": None if labels is None else _decoded(labels.tolist()),
        "classifications": None if indices is None else tuple(indices.tolist()),
        "probabilities": None if scores is None else tuple(map(tuple, scores.tolist())),
        "label_names": _fitting(known, scores),
    }


def _id_answers(
    outputs: Mapping[str, TensorProto], rows: int, version: LoggedVersion | None
) -> dict[str, Any]:
    logits = _output(outputs, "predict_scores", rows, 2, "f")
    if logits is None:
        return {}
    temperature = 1.0 if version is None else version.temperature
    indices = tuple(logits.argmax(axis=1).tolist())
    names = _fitting(None if version is None else version.label_names, logits)
    return {
        "labels": None if names is None else tuple(names[index] for index in indices),
        "classifications": indices,
        "probabilities": tuple(map(tuple, probabilities_of(logits, temperature).tolist())),
        "label_names": names,
    }


def _class_answers(result: ClassificationResult, rows: int) -> dict[str, Any]:
    answers = [answer.classes for answer in result.classifications]
    names = {tuple(scored.label for scored in classes) for classes in answers}
    if len(answers) != rows or not all(answers):
        return {}
    scores = [tuple(scored.score for scored in classes) for classes in answers]
    best = tuple(int(np.argmax(row)) for row in scores)
    return {
        "labels": tuple(answer[index].label for answer, index in zip(answers, best, strict=True)),
        "classifications": best,
        # Rows whose classes are in different orders cannot stand in one table.
        "probabilities": tuple(scores) if len(names) == 1 else None,
        "label_names": names.pop() if len(names) == 1 else None,
    }


def _output(
    outputs: Mapping[str, TensorProto], name: str, rows: int, dimensions: int, kinds: str
) -> Array | None:
    """Reads an output; `None` if it is not there, or of another form than this package's."""
    if name not in outputs:
        return None
    array = read_tensor(outputs[name])
    is_ours = array.ndim == dimensions and len(array) == rows and array.dtype.kind in kinds
    return array if is_ours and array.size else None


def _fitting(names: tuple[str, ...] | None, scores: Array | None) -> tuple[str, ...] | None:
    """Returns the classes if there is one for each column of scores."""
    fits = names is not None and scores is not None and len(names) == scores.shape[1]
    return names if fits else None


@dataclass(frozen=True)
class _Reader:
    """How records of one kind are read.

    Attributes:
        read: Returns fields of the request: texts and answers.
        specs: Returns the model's name, version and signature, the best source first.
    """

    read: Callable[[Any, Any, LoggedVersion | None, bool], dict[str, Any]]
    specs: Callable[[Any, Any], Sequence[ModelSpec]]


def _own_specs(request: Any, response: Any) -> Sequence[ModelSpec]:
    return (response.model_spec, request.model_spec)


def _task_specs(request: Any, response: Any) -> Sequence[ModelSpec]:
    """Returns those of the task whose answer is read, then those of all tasks."""
    read = [one.model_spec for one in response.results if _is_classified(one)][:1]
    return (*read, *(one.model_spec for one in (*response.results, *request.tasks)))


_READERS = {
    "predict_log": _Reader(_read_predict, _own_specs),
    "classify_log": _Reader(_read_examples("Classify"), _own_specs),
    "regress_log": _Reader(_read_examples("Regress"), _own_specs),
    "multi_inference_log": _Reader(_read_examples("MultiInference"), _task_specs),
}
