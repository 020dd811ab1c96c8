"""Tiny SavedModels for the page, which judge texts by two characters: untrained."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from lstm_sentiment.version_folder import CARD, LABEL_NAMES

CLASSES = ["差评", "好评"]
MAX_LENGTH = 200
ALL_SIGNATURES = ("text", "explain", "classify")


class TwoCharacterModel(tf.Module):
    """Counts 好 and 差; `bias` decides where there are as many of both."""

    def __init__(self, bias: float) -> None:
        super().__init__()
        self.bias = tf.Variable(bias)
        self.names = tf.Variable(CLASSES)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def text(self, text: Any) -> dict[str, Any]:
        _, weights = self._weights(text)
        return self._judged(tf.reduce_sum(weights, axis=1))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def explain(self, text: Any) -> dict[str, Any]:
        characters, weights = self._weights(text)
        answer = self._judged(tf.reduce_sum(weights, axis=1))
        sign = tf.cast(answer.pop("classification") * 2 - 1, tf.float32)
        return {**answer, "tokens": characters, "attributions": weights * sign[:, tf.newaxis]}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "inputs")])
    def classify(self, inputs: Any) -> dict[str, Any]:
        features = tf.io.parse_example(inputs, {"text": tf.io.FixedLenFeature([], tf.string)})
        scores = self.text(features["text"])["probabilities"]
        rows = tf.shape(inputs)[0]
        return {"classes": tf.tile(self.names[tf.newaxis], [rows, 1]), "scores": scores}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def text_statistics(self, text: Any) -> dict[str, Any]:
        _, weights = self._weights(text)
        length = tf.strings.length(text, "UTF8_CHAR")
        cut = tf.maximum(0, length - MAX_LENGTH)
        known = tf.cast(tf.reduce_sum(tf.abs(weights), axis=1), tf.int32)
        return {
            **{"num_characters": length, "num_tokens": length},
            **{"num_truncated": cut, "num_oov": length - cut - known},
        }

    def _weights(self, text: Any) -> tuple[Any, Any]:
        characters = tf.strings.unicode_split(text, "UTF-8")[:, :MAX_LENGTH].to_tensor("")
        good, bad = (tf.cast(characters == each, tf.float32) for each in "好差")
        return characters, good - bad

    def _judged(self, score: Any) -> dict[str, Any]:
        score = score + self.bias
        classification = tf.cast(score > 0, tf.int64)
        return {
            "label": tf.gather(self.names, classification),
            "classification": classification,
            "probabilities": tf.nn.softmax(tf.stack([-score, score], axis=1)),
        }


def save_page_version(
    base_path: Path, version: int, bias: float, signatures: Iterable[str] = ALL_SIGNATURES
) -> Path:
    model = TwoCharacterModel(bias)
    path = base_path / str(version)
    tf.saved_model.save(model, str(path), {name: getattr(model, name) for name in signatures})
    return path


def add_card(version_dir: Path, names: Mapping[str, Mapping[str, str]], *examples: str) -> None:
    """Adds a card with examples, each with its label before a colon, and display names."""
    texts = (each.split(":") for each in examples)
    card = {
        "labels": CLASSES,
        "trained_at": "2026-11-30T10:00:00+00:00",
        "data": {"train": {"texts": 8000}, "test": {"texts": 1000}},
        "metrics": {"test": {"accuracy": 0.9}},
        "model": {"max_length": MAX_LENGTH},
        "examples": [
            {"text": text, "label": label, "tokens": [], "token_ids": [], "probabilities": []}
            for label, text in texts
        ],
    }
    for path, content in ((CARD, card), (LABEL_NAMES, names)):
        (version_dir / path).parent.mkdir(exist_ok=True)
        (version_dir / path).write_text(json.dumps(content), "utf-8")
