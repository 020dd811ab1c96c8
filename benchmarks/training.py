"""How fast an LSTM classifier is trained on a CPU.

    python -m benchmarks.training                                           the demo corpus
    python -m benchmarks.training --data hotel.csv --text-column review

One JSON object a line. Real tokens a second (padding does not count) of one epoch over the same
texts, at most 200 tokens each, with Adam, batches of 64, frozen random 300-d vectors, 128 units,
one direction, and one dense layer upon the last state:

- ours: `SentimentModel`, `make_batches` and the step that `fit` takes, in float32 and bfloat16;
- `keras.Sequential` as in the examples of keras.io: no masks, padded to 200, `model.fit`;
- PyTorch's `nn.LSTM` on random batches, packed, and padded to the longest of the batch.

Then our default model, beside itself with Keras' own LSTM layers. Everyone runs a whole epoch
first, then all take turns; the best round counts. Needs PyTorch, of the extra `bench`.

"Share of the matrix product limit" is what one LSTM cannot do without, as products alone: for each
real token those of forward and backward, with the inputs' gradient left out as the embeddings are
frozen, each product at the rate measured by itself in the same shape, dtype and run. Its
`of_large_products` takes the rate of the largest for all, as if the sequence could be computed at
once.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

import lstm_sentiment as ls
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.system import usable_cpus
from lstm_sentiment.training.inputs.batches import make_batches
from lstm_sentiment.training.inputs.encoding import encode_texts
from lstm_sentiment.training.inputs.token_rows import TokenRows
from lstm_sentiment.training.steps import make_optimizer, make_step

_MAX_LENGTH, _BATCH, _DIM, _UNITS, _CLASSES = 200, 64, 300, 128, 2
_KERAS = "keras.Sequential, padded to 200"
_PACKED, _PADDED = "PyTorch, packed", "PyTorch, padded to the longest of the batch"
_OURS = {"float32": "ours, float32", "mixed_bfloat16": "ours, bfloat16"}
_DEFAULT, _DEFAULT_KERAS = "ours, default model", "ours, default model of Keras layers"
_LIKE_THE_PEERS = ls.ModelConfig(
    lstm_units=_UNITS, bidirectional=False, pooling="last", embedding_dropout=0.0, dropout=0.0
)

Epoch = Callable[[], object]
"""Trains on each text once."""


@dataclass(frozen=True)
class Texts:
    """What all train on.

    Attributes:
        token_ids: Their ids.
        labels: Label ids, one a text.
        matrix: Word vectors, float32 `(vocabulary_size, _DIM)`.
    """

    token_ids: TokenRows
    labels: list[int]
    matrix: NDArray[np.float32]

    @property
    def tokens(self) -> int:
        """Real tokens of all texts."""
        return int(self.token_ids.lengths.sum())


class KerasLayersModel(SentimentModel):
    """`SentimentModel` with the LSTM layers that Keras has."""

    def _lstm(self, layer: int, use_cudnn: bool | str) -> Any:
        return super()._lstm(layer, use_cudnn).lstm


def main(
    data: Annotated[
        list[Path] | None, typer.Option(help="Texts, as `fit --data`. Default: the demo corpus.")
    ] = None,
    text_column: str = "text",
    label_column: str = "label",
    texts: Annotated[int, typer.Option(help="Texts to train on, drawn at random.")] = 2_048,
    rounds: Annotated[int, typer.Option(help="Epochs of each, of which the best counts.")] = 3,
) -> None:
    """Prints real tokens a second of training, beside those of peers."""
    torch = _require_torch()
    chosen = _read(data or [], text_column, label_column, texts)
    epochs: dict[str, Epoch] = {_KERAS: _keras(chosen)}
    for name, packed in ((_PACKED, True), (_PADDED, False)):
        epochs[name] = _torch(torch, chosen, packed=packed)
    for policy, name in _OURS.items():
        with _dtype_policy(policy):
            epochs[name] = _ours(chosen, SentimentModel, _LIKE_THE_PEERS)
    epochs[_DEFAULT] = _ours(chosen, SentimentModel, ls.ModelConfig())
    epochs[_DEFAULT_KERAS] = _ours(chosen, KerasLayersModel, ls.ModelConfig())
    seconds = _best_seconds(epochs, rounds)
    per_second = {name: chosen.tokens / taken for name, taken in seconds.items()}
    for name in _OURS.values():
        for peer in (_KERAS, _PACKED, _PADDED):
            _report(name, per_second[name], peer, per_second[peer])
    _report(_DEFAULT, per_second[_DEFAULT], _DEFAULT_KERAS, per_second[_DEFAULT_KERAS])
    steps = round(chosen.tokens / len(chosen.labels))
    for dtype, name in ((tf.float32, _OURS["float32"]), (tf.bfloat16, _OURS["mixed_bfloat16"])):
        limit, of_large = _product_limits(dtype, steps)
        _report(
            f"{name}: share of the matrix product limit",
            per_second[name],
            f"matrix products alone, {dtype.name}",
            limit,
            of_large_products=round(per_second[name] / of_large, 2),
        )


def _require_torch() -> Any:
    # PyTorch's optimizers import Triton, whose LLVM ends a process that holds TensorFlow's too.
    # Nothing here is compiled by it.
    sys.modules.setdefault("triton", None)  # type: ignore[arg-type]
    try:
        import torch
    except ImportError:
        raise SystemExit("error: PyTorch is missing: pip install 'lstm-sentiment[bench]'") from None
    torch.set_num_threads(usable_cpus())
    return torch


def _read(data: list[Path], text_column: str, label_column: str, texts: int) -> Texts:
    corpus = (
        ls.read_corpus(data, text_column=text_column, label_column=label_column)
        if data
        else ls.load_demo_corpus()
    ).drop_empty()
    vocabulary = ls.build_vocabulary(corpus.texts, "unigram")
    tokenizer = ls.make_tokenizer("unigram", vocabulary)
    random = np.random.default_rng(0)
    drawn = random.permutation(len(corpus))[:texts]
    token_ids = encode_texts(
        tokenizer, [corpus.texts[index] for index in drawn], max_length=_MAX_LENGTH
    )
    matrix = random.normal(scale=0.1, size=(len(vocabulary) + 2, _DIM)).astype(np.float32)
    return Texts(token_ids, [corpus.labels[index] for index in drawn], matrix)


@contextmanager
def _dtype_policy(name: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _ours(texts: Texts, kind: type[SentimentModel], config: ls.ModelConfig) -> Epoch:
    network = kind(len(texts.matrix), _DIM, _CLASSES, config)
    network.embedding.load_matrix(texts.matrix)
    batches = make_batches(texts.token_ids, texts.labels, batch_size=_BATCH)
    training = ls.TrainingConfig(batch_size=_BATCH)
    step = make_step(network, make_optimizer(training, 1_000 * batches.steps), training)
    done = 0

    def epoch() -> None:
        nonlocal done
        dataset = batches.dataset(done + 1, first_step=done * batches.steps)
        iterator = iter(dataset)
        sums = [step(iterator) for _ in range(batches.steps)]
        done += 1
        if round(float(tf.add_n(sums)[3])) != texts.tokens:
            raise RuntimeError("An epoch must see each real token once.")

    return epoch


def _keras(texts: Texts) -> Epoch:
    embedding = keras.layers.Embedding(*texts.matrix.shape, weights=[texts.matrix], trainable=False)
    network = keras.Sequential([embedding, keras.layers.LSTM(_UNITS), keras.layers.Dense(_CLASSES)])
    network.compile(
        keras.optimizers.Adam(), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    token_ids = ls.pad_token_ids(texts.token_ids.to_list(), length=_MAX_LENGTH)
    labels = np.array(texts.labels)
    return lambda: network.fit(token_ids, labels, batch_size=_BATCH, verbose=0)


def _torch(torch: Any, texts: Texts, *, packed: bool) -> Epoch:
    pack = torch.nn.utils.rnn.pack_padded_sequence
    matrix = torch.tensor(texts.matrix)
    embedding = torch.nn.Embedding.from_pretrained(matrix, freeze=True, padding_idx=0)
    lstm = torch.nn.LSTM(_DIM, _UNITS, batch_first=True)
    dense = torch.nn.Linear(_UNITS, _CLASSES)
    optimizer = torch.optim.Adam([*lstm.parameters(), *dense.parameters()])
    rows = [torch.tensor(row) for row in texts.token_ids.to_list()]
    labels = torch.tensor(texts.labels)

    def epoch() -> None:
        for chosen in torch.randperm(len(rows)).split(_BATCH):
            batch = [rows[index] for index in chosen]
            lengths = torch.tensor([len(row) for row in batch])
            vectors = embedding(torch.nn.utils.rnn.pad_sequence(batch, batch_first=True))
            if packed:
                _, (last, _) = lstm(pack(vectors, lengths, True, enforce_sorted=False))
                last = last[0]
            else:
                last = lstm(vectors)[0][torch.arange(len(batch)), lengths - 1]
            loss = torch.nn.functional.cross_entropy(dense(last), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return epoch


def _best_seconds(runs: dict[str, Epoch], rounds: int) -> dict[str, float]:
    for run in runs.values():
        run()
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - started)
    return best


def _product_limits(dtype: tf.DType, steps: int) -> tuple[float, float]:
    """Tokens a second of the products alone: each at its own rate, and all at the largest's."""
    tokens, gates = steps * _BATCH, 4 * _UNITS
    inputs, kernel = _normal(dtype, tokens, _DIM), _normal(dtype, _DIM, gates)
    states, recurrent_kernel = _normal(dtype, tokens, _UNITS), _normal(dtype, _UNITS, gates)
    of_gates, transposed = _normal(dtype, tokens, gates), tf.transpose(recurrent_kernel)

    def stepwise(rows: tf.Tensor, matrix: tf.Tensor) -> Epoch:
        by_step = tf.reshape(rows, (steps, _BATCH, -1))
        first = tf.zeros((_BATCH, matrix.shape[1]), dtype)
        return tf.function(
            lambda: tf.while_loop(
                lambda step, _: step < steps,
                lambda step, _: (step + 1, tf.matmul(by_step[step], matrix)),
                (0, first),
                parallel_iterations=1,
            )
        )

    seconds = _best_seconds(
        {
            "projection": lambda: tf.matmul(inputs, kernel),
            "kernel": lambda: tf.matmul(inputs, of_gates, transpose_a=True),
            "recurrent kernel": lambda: tf.matmul(states, of_gates, transpose_a=True),
            "forward": stepwise(states, recurrent_kernel),
            "backward": stepwise(of_gates, transposed),
        },
        rounds=20,
    )
    products = gates * (2 * _DIM + 3 * _UNITS)  # multiply-adds a token, all five together
    rate = tokens * gates * _DIM / seconds["projection"]
    return tokens / sum(seconds.values()), rate / products


def _normal(dtype: tf.DType, *shape: int) -> tf.Tensor:
    return tf.cast(tf.random.normal(shape), dtype)


def _report(name: str, per_second: float, peer: str, of_peer: float, **more: object) -> None:
    line = {
        "benchmark": "training",
        "name": name,
        "per_second": round(per_second),
        "ratio": round(per_second / of_peer, 2),
        "against": peer,
        "against_per_second": round(of_peer),
        **more,
    }
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    typer.run(main)
