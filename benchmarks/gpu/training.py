"""One training, and what is to be known of it afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.core.protobuf import saved_model_pb2

import lstm_sentiment as ls
from benchmarks.scaling.texts import made_up
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.text.tokenizer import Tokenizer
from lstm_sentiment.training.config import Precision, StrategyName
from lstm_sentiment.training.evaluation.logits import logits_function
from lstm_sentiment.training.fit_result import FitResult
from lstm_sentiment.training.inputs.encoding import encode_texts
from lstm_sentiment.version_folder import probabilities_of

SCORED = 64
"""So many of the dev texts are scored again elsewhere."""


@dataclass(frozen=True)
class Training:
    """What a process of its own is to train.

    Attributes:
        strategy: As `TrainingConfig` takes.
        texts: For training; a quarter as many are for dev.
        batch_size: Texts a step.
        epochs: All are trained.
        precision: As `TrainingConfig` takes.
        tensor_float_32: Whether a GPU may multiply float32 in TensorFloat-32.
    """

    strategy: StrategyName = "default"
    texts: int = 2_048
    batch_size: int = 64
    epochs: int = 4
    precision: Precision = "float32"
    tensor_float_32: bool = True


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        losses: In each epoch, then those of the dev texts.
        tokens_per_second: Real ones, in the best epoch.
        cudnn_ops: Of the model's gradient, as this process would train it.
        saved_cudnn_ops: Of the exported version.
        version_dir: Where that is.
        probabilities: The trained model's, for the first dev texts.
    """

    losses: list[float]
    tokens_per_second: float
    cudnn_ops: list[str]
    saved_cudnn_ops: list[str]
    version_dir: str
    probabilities: list[list[float]] = field(repr=False)


def outcome_of(training: Training, folder: Path) -> Outcome:
    """Trains in this process, exports a version to `folder`, and looks at both."""
    tf.config.experimental.enable_tensor_float_32_execution(training.tensor_float_32)
    train_corpus, dev = corpora(training)
    tokenizer = ls.make_tokenizer(
        "whitespace", ls.build_vocabulary(train_corpus.texts, "whitespace")
    )
    result = ls.fit(
        train_corpus,
        dev,
        tokenizer=tokenizer,
        training=ls.TrainingConfig(
            epochs=training.epochs,
            patience=training.epochs,
            batch_size=training.batch_size,
            strategy=training.strategy,
            precision=training.precision,
        ),
    )
    version_dir = ls.export_servable(result, folder / "models")
    return Outcome(
        [*result.history["loss"], *result.history["val_loss"]],
        max(result.history["tokens_per_second"]),
        cudnn_ops(gradient_graph(result.model)),
        saved_cudnn_ops(version_dir),
        str(version_dir),
        _probabilities(result, tokenizer, dev.texts[:SCORED]).tolist(),
    )


def corpora(training: Training) -> tuple[ls.Corpus, ls.Corpus]:
    """Texts to train on and dev texts; those with more even than odd words are positive."""
    rows, _ = made_up(training.texts + training.texts // 4)
    labelled = []
    for ids in rows.to_list():
        even = sum(token_id % 2 == 0 for token_id in ids)
        text = " ".join(f"w{token_id}" for token_id in ids)
        labelled.append((text, "positive" if 2 * even > len(ids) else "negative"))
    corpus = ls.Corpus.from_rows(labelled)
    both = np.arange(len(corpus))
    return corpus.select(both[: training.texts]), corpus.select(both[training.texts :])


def _probabilities(
    result: FitResult, tokenizer: Tokenizer, texts: Sequence[str]
) -> NDArray[np.float64]:
    ids = encode_texts(tokenizer, texts, max_length=result.model.config.max_length)
    return probabilities_of(logits_function(result.model)(ids), result.temperature)


def gradient_graph(model: SentimentModel) -> Any:
    """The `GraphDef` in which this process would compute the gradient of such a model."""
    twin = SentimentModel.from_config(model.get_config())

    @tf.function(autograph=False)
    def gradient(token_ids: tf.Tensor) -> list[Any]:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(twin(token_ids, training=True))
        return [
            tf.convert_to_tensor(part) for part in tape.gradient(loss, twin.trainable_variables)
        ]

    token_ids = tf.TensorSpec((None, None), tf.int32)
    return gradient.get_concrete_function(token_ids).graph.as_graph_def()


def cudnn_ops(graph: Any) -> list[str]:
    """The kinds of cuDNN ops in a `GraphDef` and its functions, sorted."""
    nodes = [*graph.node, *(node for each in graph.library.function for node in each.node_def)]
    return sorted({node.op for node in nodes if "cudnn" in node.op.lower()})


def saved_cudnn_ops(version_dir: Path) -> list[str]:
    """The kinds of cuDNN ops in a version, sorted."""
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString((version_dir / "saved_model.pb").read_bytes())
    return sorted({op for meta in saved.meta_graphs for op in cudnn_ops(meta.graph_def)})
