"""Who answers: each engine loads the same weights and gives the same logits."""

import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from numpy.typing import NDArray

from benchmarks.inference.files import DEFAULT_MODEL, DEFAULT_VERSION, VERSION, WEIGHTS

Weights = Mapping[str, NDArray[np.float32]]


class Loaded(NamedTuple):
    """An engine that is ready.

    Attributes:
        take: Makes what `answer` takes of int64 `(batch, time)`. It is not timed: every engine
            gets its own kind of tensor.
        answer: Gives logits float32 `(batch, classes)`, as its own kind of tensor.
    """

    take: Callable[[NDArray[np.int64]], Any]
    answer: Callable[[Any], Any]


@dataclass(frozen=True)
class Engine:
    """A way to answer.

    Attributes:
        load: Loads it from the folder of models. Its modules are imported there, so that a process
            holds one engine alone.
        needs: Modules of the extra `bench`.
    """

    load: Callable[[Path], Loaded]
    needs: tuple[str, ...] = ()


def _weights(folder: Path) -> Weights:
    with np.load(folder / WEIGHTS) as arrays:
        return dict(arrays)


def _keras_model(folder: Path) -> Any:
    import keras

    weights = _weights(folder)
    model = keras.Sequential(
        [
            keras.layers.Embedding(*weights["embedding"].shape, mask_zero=True),
            keras.layers.LSTM(len(weights["recurrent_kernel"]), use_cudnn=False),
            keras.layers.Dense(len(weights["dense_bias"])),
        ]
    )
    model.build((None, None))
    model.set_weights(list(weights.values()))
    model.compile(jit_compile=False)
    return model


def _in_graph(model: Any, *, jit_compile: bool = False) -> Loaded:
    import tensorflow as tf

    graph = tf.function(
        lambda token_ids: model(token_ids, training=False),
        input_signature=[tf.TensorSpec([None, None], tf.int32)],
        autograph=False,
        jit_compile=jit_compile,
    )
    return Loaded(lambda token_ids: tf.constant(token_ids, tf.int32), graph)


def _keras_loop(folder: Path) -> Loaded:
    return _in_graph(_keras_model(folder))


def _keras_loop_with_xla(folder: Path) -> Loaded:
    return _in_graph(_keras_model(folder), jit_compile=True)


def _keras_call(folder: Path) -> Loaded:
    import tensorflow as tf

    return Loaded(lambda token_ids: tf.constant(token_ids, tf.int32), _keras_model(folder))


def _keras_predict(folder: Path) -> Loaded:
    model = _keras_model(folder)
    return Loaded(
        lambda token_ids: token_ids.astype(np.int32),
        lambda token_ids: model.predict(token_ids, batch_size=len(token_ids), verbose=0),
    )


def _pytorch(folder: Path) -> Loaded:
    import torch

    weights = {name: torch.tensor(value) for name, value in _weights(folder).items()}
    embedding = torch.nn.Embedding.from_pretrained(weights["embedding"])
    lstm = torch.nn.LSTM(len(weights["kernel"]), len(weights["recurrent_kernel"]), batch_first=True)
    dense = torch.nn.Linear(*weights["dense_kernel"].shape)
    with torch.no_grad():
        # Keras' order of gates is PyTorch's; PyTorch adds up two biases.
        lstm.weight_ih_l0.copy_(weights["kernel"].T)
        lstm.weight_hh_l0.copy_(weights["recurrent_kernel"].T)
        lstm.bias_ih_l0.copy_(weights["bias"])
        lstm.bias_hh_l0.zero_()
        dense.weight.copy_(weights["dense_kernel"].T)
        dense.bias.copy_(weights["dense_bias"])

    def take(token_ids: NDArray[np.int64]) -> Any:
        lengths = np.count_nonzero(token_ids, axis=1)
        return torch.tensor(token_ids), torch.arange(len(token_ids)), torch.tensor(lengths - 1)

    @torch.inference_mode()
    def answer(taken: Any) -> Any:
        token_ids, rows, last = taken
        return dense(lstm(embedding(token_ids))[0][rows, last])

    return Loaded(take, answer)


def _onnx_runtime(folder: Path) -> Loaded:
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    from benchmarks.inference.onnx_graph import serialized_onnx

    session = onnxruntime.InferenceSession(
        serialized_onnx(_weights(folder)), providers=["CPUExecutionProvider"]
    )

    def take(token_ids: NDArray[np.int64]) -> Any:
        lengths = np.count_nonzero(token_ids, axis=1)
        return {"token_ids": token_ids, "lengths": lengths.astype(np.int32)}

    return Loaded(take, lambda taken: session.run(None, taken)[0])


def _ours(version: Path, *, xla: bool) -> Callable[[Path], Loaded]:
    def load(folder: Path) -> Loaded:
        import tensorflow as tf
        import tensorflow_text  # noqa: F401  registers the SentencePiece ops

        from lstm_sentiment.serving.saved_model.xla import with_xla

        with with_xla(folder / version) if xla else nullcontext(folder / version) as path:
            version_loaded = tf.saved_model.load(str(path))

        def answer(token_ids: Any) -> Any:
            signature = version_loaded.signatures["serving_default"]
            return signature(input_sentence=token_ids)["predict_scores"]

        return Loaded(lambda token_ids: tf.constant(token_ids, tf.int64), answer)

    return load


def _light(version: Path) -> Callable[[Path], Loaded]:
    def load(folder: Path) -> Loaded:
        from lstm_sentiment.versions.loading import load_servable

        servable = load_servable(folder / version, "light")

        def answer(token_ids: NDArray[np.int64]) -> Any:
            return servable.run("serving_default", {"input_sentence": token_ids})["predict_scores"]

        return Loaded(lambda token_ids: token_ids, answer)

    return load


def _training_graph(folder: Path) -> Loaded:
    import keras

    import lstm_sentiment.model.sentiment_model  # noqa: F401  registers what Keras loads

    return _in_graph(keras.models.load_model(folder / DEFAULT_MODEL))


KERAS_LOOP, KERAS_LOOP_XLA = "keras loop", "keras loop, XLA"
PYTORCH, ONNX_RUNTIME = "pytorch eager", "onnx runtime"
OURS, OURS_XLA, OURS_LIGHT = "ours", "ours, XLA", "ours, light"
TRAINING_GRAPH = "default model, training graph"
DEFAULT, DEFAULT_XLA = "default model, ours", "default model, ours, XLA"
DEFAULT_LIGHT = "default model, ours, light"

PEERS_AND_OURS: Mapping[str, Engine] = {
    KERAS_LOOP: Engine(_keras_loop),
    KERAS_LOOP_XLA: Engine(_keras_loop_with_xla),
    "keras model(x)": Engine(_keras_call),
    "keras predict": Engine(_keras_predict),
    PYTORCH: Engine(_pytorch, needs=("torch",)),
    ONNX_RUNTIME: Engine(_onnx_runtime, needs=("onnx", "onnxruntime")),
    OURS: Engine(_ours(VERSION, xla=False)),
    OURS_XLA: Engine(_ours(VERSION, xla=True)),
    OURS_LIGHT: Engine(_light(VERSION)),
}
"""Engines by name that answer with one LSTM and a dense layer; the first is the yardstick."""

DEFAULTS: Mapping[str, Engine] = {
    TRAINING_GRAPH: Engine(_training_graph),
    DEFAULT: Engine(_ours(DEFAULT_VERSION, xla=False)),
    DEFAULT_XLA: Engine(_ours(DEFAULT_VERSION, xla=True)),
    DEFAULT_LIGHT: Engine(_light(DEFAULT_VERSION)),
}
"""Engines by name that answer with the default architecture; the first is the yardstick."""

ENGINES: Mapping[str, Engine] = {**PEERS_AND_OURS, **DEFAULTS}
"""All, by name."""
