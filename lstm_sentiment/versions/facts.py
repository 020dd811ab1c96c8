"""The facts of a version that people look for first, read from its card."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lstm_sentiment.errors import LstmSentimentError
from lstm_sentiment.training.evaluation.intervals import Estimate, estimate_accuracy
from lstm_sentiment.version_folder import load_card


@dataclass(frozen=True)
class VersionFacts:
    """What a card holds on the training and the scores of a version; `None` where it lacks a fact.

    Attributes:
        labels: The classes, in the order of the probabilities.
        trained_at: When the version was exported, in UTC.
        files: Names of the files with labelled texts, without their folders.
        texts: Number of texts by split, such as `{"train": 900, "dev": 100, "test": 100}`.
        test_accuracy: Accuracy on the held-out test set, with its 95 % confidence interval.
        test_macro_f1: Mean of the classes' F1 on the test set.
        test_calibration_error: Expected calibration error on the test set, from 0 to 1.
    """

    labels: tuple[str, ...]
    trained_at: datetime | None
    files: tuple[str, ...]
    texts: Mapping[str, int]
    test_accuracy: Estimate | None
    test_macro_f1: float | None
    test_calibration_error: float | None

    def to_dict(self) -> dict[str, Any]:
        """Returns the date and the scores, as `models status --json` prints them."""
        accuracy = self.test_accuracy
        return {
            "trained_at": None if self.trained_at is None else self.trained_at.isoformat(),
            "test_texts": self.texts.get("test"),
            "test_accuracy": None if accuracy is None else accuracy.to_dict(),
            "test_macro_f1": self.test_macro_f1,
        }


def read_facts(card: Mapping[str, Any]) -> VersionFacts:
    """Returns the facts in a version's card. Values of a wrong kind count as missing."""
    test = _mapping(_mapping(card.get("metrics")).get("test"))
    data = {name: _mapping(facts) for name, facts in _mapping(card.get("data")).items()}
    texts = {
        name: facts["texts"]
        for name, facts in data.items()
        if isinstance(facts.get("texts"), int) and name in ("train", "dev", "test")
    }
    return VersionFacts(
        labels=_texts(card.get("labels")),
        trained_at=_time(card.get("trained_at")),
        files=_texts(data.get("train", {}).get("files")),
        texts=texts,
        test_accuracy=_accuracy(_share(test.get("accuracy")), texts.get("test", 0)),
        test_macro_f1=_share(test.get("macro_f1")),
        test_calibration_error=_share(test.get("calibration_error")),
    )


def facts_of(version_dir: Path) -> VersionFacts | None:
    """Returns the facts of a version's folder; `None` where no card can be read."""
    try:
        card = load_card(version_dir)
    except (LstmSentimentError, OSError):
        return None
    return None if card is None else read_facts(card)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _share(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and 0 <= value <= 1 else None


def _accuracy(share: float | None, texts: int) -> Estimate | None:
    if share is None or texts < 1:
        return None
    return estimate_accuracy(round(share * texts), texts)


def _time(value: Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
