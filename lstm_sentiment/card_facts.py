"""Reads facts of a version's card, which any program may have written."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class CardFacts:
    """Facts in a card; empty or `None` where it lacks one, or has a value of another kind.

    Attributes:
        labels: The classes, in the order of the probabilities.
        trained_at: When the version was exported, in UTC.
        files: Names of the files with labelled texts, without their folders.
        texts: Number of texts by part, such as `{"train": 900, "dev": 100, "test": 100}`.
        scores: Scores on the held-out test set by name, such as `accuracy`; finite numbers.
        max_length: Tokens that the model reads of a text.
    """

    labels: tuple[str, ...]
    trained_at: datetime | None
    files: tuple[str, ...]
    texts: Mapping[str, int]
    scores: Mapping[str, float]
    max_length: Any


def read_card_facts(card: Mapping[str, Any]) -> CardFacts:
    """Returns the facts of a card."""
    data = {str(name): _mapping(facts) for name, facts in _mapping(card.get("data")).items()}
    texts = {name: facts["texts"] for name, facts in data.items() if _is_count(facts.get("texts"))}
    scores = _mapping(_mapping(card.get("metrics")).get("test"))
    return CardFacts(
        labels=_strings(card.get("labels")),
        trained_at=_time(card.get("trained_at")),
        files=_strings(data.get("train", {}).get("files")),
        texts=texts,
        scores={str(name): float(score) for name, score in scores.items() if _is_finite(score)},
        max_length=_mapping(card.get("model")).get("max_length"),
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _strings(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _is_count(value: Any) -> bool:
    return isinstance(value, int)


def _is_finite(value: Any) -> bool:
    try:
        return isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:  # an integer beyond all floats
        return False


def _time(value: Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(value)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):  # no time, or none of a year from 1 to 9999
        return None
