"""Extracts from a version's card how the version was trained, as the page shows it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lstm_sentiment.report.language import Wording

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


def made_of(w: Wording, card: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Returns the most important facts of a card, as names and values."""
    model, training, data = (_mapping(card.get(name)) for name in ("model", "training", "data"))
    characters = _mapping(card.get("character_sizes"))
    texts = w.listed(
        f"{w.known(name)} {_written(_mapping(facts).get('texts'))}" for name, facts in data.items()
    )
    rows = [
        (w("Texts"), texts),
        (w("Tokenizer"), _written(card.get("tokenizer", ""))),
        (w("Vocabulary"), _counted(w, card.get("vocabulary_size"), "token")),
        (w("Word vectors"), _counted(w, card.get("embedding_dim"), "dimension")),
        (w("N-grams"), _number(card.get("num_ngrams"))),
        (w("Character n-grams"), _number(characters.get("num_ngrams"))),
        ("LSTM", _lstm(w, model)),
        (w("Maximum length"), _counted(w, model.get("max_length"), "token")),
        (w("Training"), _trained(w, training)),
        (
            w("Temperature (calibrates probabilities)"),
            _written(card.get("temperature", "")),
        ),
    ]
    rows += [
        (w("Scores on the {part} set", part=w.known(name)), _scores(w, _mapping(scores)))
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


def _lstm(w: Wording, model: Mapping[str, Any]) -> str:
    if "lstm_units" not in model:
        return ""
    direction = "bidirectional" if model.get("bidirectional") else "unidirectional"
    members = model.get("members", 1)
    facts = w(
        "{units} units, layers: {layers}, {direction}",
        units=_written(model["lstm_units"]),
        layers=_written(model.get("lstm_layers", 1)),
        direction=w(direction),
    )
    if members == 1:
        return facts
    return w("the mean of {members} models: ", members=_written(members)) + facts


def _trained(w: Wording, training: Mapping[str, Any]) -> str:
    names = ("epochs", "batch_size", "learning_rate", "seed")
    return _listed(w, {name: training[name] for name in names if name in training})


def _scores(w: Wording, metrics: Mapping[str, Any]) -> str:
    """Formats accuracy and macro-F1 at the time of the export."""
    return _listed(w, {name: metrics[name] for name in ("accuracy", "macro_f1") if name in metrics})


def _listed(w: Wording, values: Mapping[str, Any]) -> str:
    return w.listed(
        f"{w.known(name.replace('_', ' '))} {_written(value)}" for name, value in values.items()
    )


def _counted(w: Wording, value: object, thing: str) -> str:
    return w.counted(value, thing) if isinstance(value, int) and value else ""


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and value else ""


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
