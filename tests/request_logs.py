"""Request logs as TensorFlow's own libraries write them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike
from tensorflow_serving.apis import prediction_log_pb2

LABELS = ("bad", "good")

Log: TypeAlias = Any  # a `PredictionLog` of tensorflow-serving-api, which has no types


def write_log(path: Path, logs: Iterable[Log]) -> Path:
    with tf.io.TFRecordWriter(str(path)) as writer:
        for log in logs:
            writer.write(log.SerializeToString())
    return path


def logged(
    texts: Sequence[str],
    probabilities: ArrayLike | None,
    *,
    signature: str = "text",
    model: str = "sentiment",
    version: int | None = 3,
    seconds: int = 0,
    labels: Sequence[str] = LABELS,
) -> Log:
    """A Predict request of the signature `text` or `tokens`, and its answer."""
    log = _begun("predict_log", signature, model, version, seconds)
    _put(log.predict_log.request.inputs, {signature: np.array(texts, object)})
    if probabilities is not None:
        best = np.argmax(probabilities, axis=1)
        outputs = {
            "label": np.array([labels[index] for index in best], object),
            "classification": best.astype(np.int64),
            "probabilities": np.array(probabilities, np.float32),
        }
        _put(log.predict_log.response.outputs, outputs)
    return log


def logged_ids(
    rows: Sequence[Sequence[int]], logits: Sequence[Sequence[float]], version: int | None = 3
) -> Log:
    """A Predict request of `serving_default`, and its answer."""
    log = _begun("predict_log", "", "sentiment", version, 0)
    _put(log.predict_log.request.inputs, {"input_sentence": np.array(rows, np.int64)})
    outputs = {
        "predict_scores": np.array(logits, np.float32),
        "predict_classification": np.argmax(logits, axis=1).astype(np.int64),
    }
    _put(log.predict_log.response.outputs, outputs)
    return log


def logged_examples(
    kind: str, texts: Sequence[str], scores: Sequence[Sequence[float]], *, model: str = "sentiment"
) -> Log:
    """A request of Classify, Regress or MultiInference, `kind` without `_log`, and its answer."""
    log = _begun(f"{kind}_log", kind, model, 3, 0)
    message = getattr(log, f"{kind}_log")
    for text in texts:
        example = message.request.input.example_list.examples.add()
        example.features.feature["text"].bytes_list.value.append(text.encode())
    if kind == "regress":
        for row in scores:
            message.response.result.regressions.add(value=row[0])
        return log
    result = message.response.result if kind == "classify" else None
    if result is None:
        regressed, classified = message.response.results.add(), message.response.results.add()
        regressed.regression_result.SetInParent()
        classified.model_spec.name = model
        result = classified.classification_result
    for row in scores:
        classes = result.classifications.add().classes
        for label, score in zip(LABELS, row, strict=True):
            classes.add(label=label, score=score)
    return log


def _begun(kind: str, signature: str, model: str, version: int | None, seconds: int) -> Log:
    log = prediction_log_pb2.PredictionLog()
    message = getattr(log, kind)
    log.log_metadata.model_spec.name = model
    log.log_metadata.model_spec.signature_name = signature
    if version is not None:
        log.log_metadata.model_spec.version.value = version
    log.log_metadata.timestamp_secs = seconds
    message.SetInParent()
    return log


def _put(tensors: Any, arrays: Mapping[str, np.ndarray]) -> None:
    for name, array in arrays.items():
        tensors[name].CopyFrom(tf.make_tensor_proto(array))
