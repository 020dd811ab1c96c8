"""Extracts from a version's card how the version was trained, as the page shows it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

_CURVES = ("loss", "val_loss", "accuracy", "val_accuracy")
_PARTS = ("training", "model", "tokenizer_options", "libraries")


def learning_history(card: Mapping[str, Any] | None) -> dict[str, list[float]]:
    """Returns the learning curves of a card.

    Args:
        card: The version's card. May hold anything, since any program may have written it.

    Returns:
        Loss and accuracy by epoch on the training set and on the dev set, all of one length; those
        that the card lacks are left out.
    """
    history = (card or {}).get("history")
    if not isinstance(history, Mapping):
        return {}
    found = {name: history[name] for name in _CURVES if _are_scores(history.get(name))}
    epochs = {len(values) for values in found.values()}
    return found if len(epochs) == 1 else {}


def _are_scores(values: object) -> bool:
    return (
        isinstance(values, list)
        and bool(values)
        and all(isinstance(value, int | float) and math.isfinite(value) for value in values)
    )


def made_of(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Returns the most important facts of a card, as names and values."""
    model, training, data = (_mapping(card.get(name)) for name in ("model", "training", "data"))
    characters = _mapping(card.get("character_sizes"))
    texts = ", ".join(
        f"{_written(_mapping(facts).get('texts'))} {name}" for name, facts in data.items()
    )
    rows = [
        ("Texts", texts),
        ("Tokenizer", _written(card.get("tokenizer", ""))),
        ("Vocabulary", _counted(card.get("vocabulary_size"), "ids")),
        ("Word vectors", _counted(card.get("embedding_dim"), "dimensions")),
        ("N-grams", _counted(card.get("num_ngrams"), "known")),
        ("Character n-grams", _counted(characters.get("num_ngrams"), "known")),
        ("LSTM", _lstm(model)),
        ("Maximum length", _counted(model.get("max_length"), "tokens")),
        ("Trained", _trained(training)),
        ("Temperature", _written(card.get("temperature", ""))),
    ]
    rows += [
        (f"Scores on {name}", _scores(_mapping(scores)))
        for name, scores in _mapping(card.get("metrics")).items()
    ]
    return [(name, value) for name, value in rows if value]


def all_settings(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Returns all settings of the card and the versions of libraries, as names and values."""
    return [
        (f"{part.removesuffix('_options')}.{name}", _written(value))
        for part in _PARTS
        for name, value in _mapping(card.get(part)).items()
    ]


def _lstm(model: Mapping[str, Any]) -> str:
    if "lstm_units" not in model:
        return ""
    direction = "bidirectional" if model.get("bidirectional") else "unidirectional"
    layers, members = model.get("lstm_layers", 1), model.get("members", 1)
    return ("" if members == 1 else f"{_written(members)} members of ") + (
        f"{_written(model['lstm_units'])} units, {_written(layers)} layer"
        f"{'' if layers == 1 else 's'}, {direction}"
    )


def _trained(training: Mapping[str, Any]) -> str:
    names = ("epochs", "batch_size", "learning_rate", "seed")
    return _listed({name: training[name] for name in names if name in training})


def _scores(metrics: Mapping[str, Any]) -> str:
    """Formats accuracy and macro-F1 at the time of the export."""
    return _listed({name: metrics[name] for name in ("accuracy", "macro_f1") if name in metrics})


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {_written(value)}" for name, value in values.items()
    )


def _counted(value: object, unit: str) -> str:
    return f"{_written(value)} {unit}" if isinstance(value, int) and value else ""


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_written, value))
    return "none" if value is None else str(value)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
