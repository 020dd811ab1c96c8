"""The classifiers that all engines answer with: weights drawn at random, written to a folder."""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import lstm_sentiment as ls
from benchmarks.inference.files import DEFAULT_MODEL, DEFAULT_VERSION, VERSION, WEIGHTS, Sizes
from lstm_sentiment.model.ngram_view import NgramWeights
from lstm_sentiment.model.sentiment_model import SentimentModel
from lstm_sentiment.training.evaluation.metrics import evaluate_predictions

_LABELS = ("bad", "fair", "good")
_DEFAULT_DIM = 200
_NGRAMS, _NGRAM_SHARE = 90_000, 0.3  # as many as the defaults find in hotel reviews
_SPREAD = 0.5


def write_models(sizes: Sizes, folder: Path) -> None:
    """Writes all that the engines load.

    Args:
        sizes: Of the first classifier: one direction, and a dense layer upon the last state. The
            second has the defaults, with 200-d vectors and an n-grams' view.
        folder: Gets the files that `files.py` names.
    """
    keras.utils.set_random_seed(0)
    config = ls.ModelConfig(
        lstm_units=sizes.units,
        bidirectional=False,
        pooling="last",
        ngrams=0,
        max_length=200,
        embedding_storage="float32",
    )
    network = _drawn(SentimentModel(sizes.vocabulary, sizes.dim, len(_LABELS), config))
    kernel, recurrent_kernel, bias = network.lstm_layers[0].get_weights()
    dense_kernel, dense_bias = network.logits.get_weights()
    np.savez(
        folder / WEIGHTS,
        embedding=network.embedding.merged_matrix(),
        kernel=kernel,
        recurrent_kernel=recurrent_kernel,
        bias=bias,
        dense_kernel=dense_kernel,
        dense_bias=dense_bias,
    )
    _export(network, folder / VERSION)
    default = _drawn(
        SentimentModel(sizes.vocabulary, _DEFAULT_DIM, len(_LABELS), num_ngrams=_NGRAMS)
    )
    default.embedding.round_to(default.config.embedding_storage)
    default.save(folder / DEFAULT_MODEL)
    _export(default, folder / DEFAULT_VERSION)


def _drawn(network: SentimentModel) -> SentimentModel:
    """With word vectors and n-grams; Keras has drawn the rest."""
    random = np.random.default_rng(0)
    shape = (network.vocabulary_size, network.embedding_dim)
    network.embedding.load_matrix(random.normal(scale=_SPREAD, size=shape).astype(np.float32))
    view = network.ngram_view
    if view is not None:
        # Half the words, which are n-grams of one token, and longer ones that no text holds.
        words = np.arange(network.vocabulary_size)[2::2][:_NGRAMS]
        longer = np.arange(_NGRAMS - len(words)) + 2**40
        view.load_ngrams(
            NgramWeights(
                np.concatenate([words, longer]).astype(np.int64),
                random.uniform(1, 8, _NGRAMS).astype(np.float32),
                random.normal(size=(_NGRAMS, network.num_classes)).astype(np.float32),
                random.normal(size=network.num_classes).astype(np.float32),
            )
        )
        view.set_share(_NGRAM_SHARE)
    return network


def _export(network: SentimentModel, version_dir: Path) -> None:
    words = tuple(f"词{number}" for number in range(network.vocabulary_size - 2))
    result = ls.FitResult(
        model=network,
        tokenizer=ls.UnigramTokenizer(ls.Vocabulary(words)),
        label_names=_LABELS,
        training=ls.TrainingConfig(),
        history={},
        dev=evaluate_predictions([0], [0], _LABELS),
        padding_share=0.0,
        examples=words[:20],
    )
    ls.export_servable(result, version_dir.parent, version=int(version_dir.name))
