"""The card of a version: `assets.extra/sentiment.json`."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import keras
import tensorflow as tf
import tensorflow_text

import lstm_sentiment
from lstm_sentiment.drift.reference import CARD_KEY
from lstm_sentiment.export.own_model import OwnModel
from lstm_sentiment.text.padding import pad_token_ids
from lstm_sentiment.training.evaluation.metrics import Evaluation
from lstm_sentiment.training.fit_result import FitResult
from lstm_sentiment.version_folder import probabilities_of

# These depend on the machine, not on the version.
_TIMES = ("seconds", "tokens_per_second")


def make_card(result: FitResult | OwnModel, test: Evaluation | None) -> dict[str, Any]:
    """Returns the facts of a version, for JSON; `test` are its scores on held-out texts.

    The card of a model that was trained outside of `fit` has no facts of its training.
    """
    model = result.model
    return {
        "labels": list(result.label_names),
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "tokenizer": result.tokenizer.kind,
        "tokenizer_options": {
            name: len(value) if isinstance(value, dict) else value
            for name, value in result.tokenizer.options().items()
        },
        "vocabulary_size": model.vocabulary_size,
        "embedding_dim": model.embedding_dim,
        "num_ngrams": model.num_ngrams,
        "character_sizes": model.character_sizes and model.character_sizes._asdict(),
        "model": model.config.to_dict(),
        **({} if isinstance(result, OwnModel) else _training(result)),
        "temperature": result.temperature,
        "metrics": {
            **({} if isinstance(result, OwnModel) else {"dev": result.dev.summary()}),
            **({"test": test.summary()} if test is not None else {}),
        },
        "data": {name: dict(facts) for name, facts in result.data.items()},
        # Of the modules: a package can have another name, such as tensorflow-cpu or keras-nightly.
        "libraries": {
            "lstm-sentiment": lstm_sentiment.__version__,
            "tensorflow": tf.__version__,
            "tensorflow-text": tensorflow_text.__version__,
            "keras": keras.__version__,
        },
        "examples": _examples(result),
        **({} if isinstance(result, OwnModel) else _drift_reference(result)),
    }


def _training(result: FitResult) -> dict[str, Any]:
    return {
        "training": asdict(result.training),
        "snapshot_step": result.snapshot_step,
        "folds": result.folds,
        "history": {name: values for name, values in result.history.items() if name not in _TIMES},
    }


def _drift_reference(result: FitResult) -> dict[str, Any]:
    reference = result.drift_reference
    return {} if reference is None else {CARD_KEY: reference.to_dict()}


def _examples(result: FitResult | OwnModel) -> list[dict[str, Any]]:
    """Returns texts with the tokens, ids and probabilities of the trained model, in float32.

    A client of the served version can compare them with its answers.
    """
    texts = list(result.examples)
    if not texts:
        return []
    max_length = result.model.config.max_length
    rows = [result.tokenizer.encode(text)[:max_length] for text in texts]
    network = result.model.without_cudnn()  # float32 as the version, even if trained in bfloat16
    logits = network(pad_token_ids(rows, max(map(len, rows))), training=False)
    probabilities = probabilities_of(logits, result.temperature)
    return [
        {
            "text": text,
            "tokens": result.tokenizer.tokenize(text)[:max_length],
            "token_ids": ids,
            "label": result.label_names[int(scores.argmax())],
            "probabilities": scores.tolist(),
        }
        for text, ids, scores in zip(texts, rows, probabilities, strict=True)
    ]
