"""Tiny SavedModels made with raw TensorFlow, whose answers tell which version gave them."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

VOCABULARY_SIZE = 10


class TinyModel(tf.Module):
    """Scores `[version, sum of ids]`; a label is the version and the text."""

    def __init__(self, version: int) -> None:
        super().__init__()
        self.version = tf.Variable(float(version))
        self.embedding = tf.Variable(tf.range(VOCABULARY_SIZE, dtype=tf.float32))

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int64, "input_sentence")])
    def serving_default(self, input_sentence: Any) -> dict[str, Any]:
        total = tf.reduce_sum(tf.gather(self.embedding, input_sentence), axis=1)
        scores = tf.stack([tf.fill(tf.shape(total), self.version), total], axis=1)
        return {"predict_classification": tf.argmax(scores, axis=1), "predict_scores": scores}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def text(self, text: Any) -> dict[str, Any]:
        version = tf.fill(tf.shape(text), self.version)
        length = tf.cast(tf.strings.length(text, unit="UTF8_CHAR"), tf.float32)
        return {
            "label": tf.strings.join(["v", tf.strings.as_string(version, precision=0), ":", text]),
            "classification": tf.cast(version, tf.int64),
            "probabilities": tf.stack([version, length], axis=1),
        }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "tokens")])
    def tokens(self, tokens: Any) -> dict[str, Any]:
        return self.text(tokens)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "inputs")])
    def classify(self, inputs: Any) -> dict[str, Any]:
        features = tf.io.parse_example(
            inputs,
            {
                "text": tf.io.FixedLenFeature([], tf.string),
                "hotel": tf.io.FixedLenFeature([], tf.string, default_value=""),
            },
        )
        answer = self.text(tf.strings.join([features["hotel"], features["text"]]))
        classes = tf.stack([answer["label"], tf.fill(tf.shape(inputs), "length")], axis=1)
        return {"classes": classes, "scores": answer["probabilities"]}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "inputs")])
    def regress(self, inputs: Any) -> dict[str, Any]:
        text = tf.io.FixedLenFeature([], tf.string, default_value="")
        features = tf.io.parse_example(inputs, {"text": text})
        length = tf.strings.length(features["text"], unit="UTF8_CHAR")
        return {"outputs": self.version + tf.cast(length[:, tf.newaxis], tf.float32) / 8}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def explain(self, text: Any) -> dict[str, Any]:
        characters = tf.strings.unicode_split(text, "UTF-8")
        answer = self.text(text)
        return {
            "tokens": characters.to_tensor(""),
            "attributions": tf.cast(tf.ones_like(characters, tf.int32), tf.float32).to_tensor(),
            "label": answer["label"],
            "probabilities": answer["probabilities"],
        }

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 2], tf.float32, "x"),
            tf.TensorSpec([None], tf.bool, "negate"),
        ]
    )
    def scale(self, x: Any, negate: Any) -> dict[str, Any]:
        sign = tf.where(negate, -1.0, 1.0)
        return {"y": x * sign[:, tf.newaxis] * self.version}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "data")])
    def reverse_bytes(self, data: Any) -> dict[str, Any]:
        return {"out_bytes": tf.strings.join([data, data]), "size": tf.strings.length(data)}


def save_version(base_path: Path, version: int) -> Path:
    """Writes one version, complete before it appears under its name."""
    model = TinyModel(version)
    beside = base_path / f".{version}.tmp"
    tf.saved_model.save(
        model,
        str(beside),
        signatures={
            "serving_default": model.serving_default,
            "text": model.text,
            "tokens": model.tokens,
            "classify": model.classify,
            "regress": model.regress,
            "explain": model.explain,
            "scale": model.scale,
            "bytes": model.reverse_bytes,
        },
    )
    return beside.rename(base_path / str(version))


def copy_version(source: Path, base_path: Path, version: int) -> Path:
    """Adds a version to a base path at once, as `export_servable` does."""
    beside = base_path / f".{version}.tmp"
    shutil.copytree(source, beside)
    return beside.rename(base_path / str(version))


def damage(version_dir: Path) -> None:
    """Makes `saved_model.pb` unreadable."""
    (version_dir / "saved_model.pb").write_bytes(b"not a SavedModel")


def predict_log(signature: str, inputs: dict[str, Any]) -> prediction_log_pb2.PredictionLog:
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.model_spec.signature_name = signature
    for name, value in inputs.items():
        log.predict_log.request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return log


def classify_log(signature: str, *texts: str) -> prediction_log_pb2.PredictionLog:
    log = prediction_log_pb2.PredictionLog()
    log.classify_log.request.model_spec.signature_name = signature
    for text in texts:
        example = log.classify_log.request.input.example_list.examples.add()
        example.features.feature["text"].bytes_list.value.append(text.encode())
    return log


def write_warmup(version_dir: Path, logs: Iterable[prediction_log_pb2.PredictionLog]) -> None:
    folder = version_dir / "assets.extra"
    folder.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / "tf_serving_warmup_requests")) as writer:
        for log in logs:
            writer.write(log.SerializeToString())
