"""The facts of a version: its training, and its scores with their interval."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lstm_sentiment.card_facts import CardFacts, read_card_facts
from lstm_sentiment.errors import LstmSentimentError
from lstm_sentiment.training.evaluation.intervals import Estimate, estimate_accuracy
from lstm_sentiment.version_folder import load_card


@dataclass(frozen=True)
class VersionFacts:
    """The facts of a card, with the interval of the accuracy; `None` for a score that it lacks.

    Attributes:
        card: The facts of the card.
        test_accuracy: Accuracy on the held-out test set, with its 95 % confidence interval.
        test_macro_f1: Mean of the classes' F1 on the test set.
        test_calibration_error: Expected calibration error on the test set, from 0 to 1.
    """

    card: CardFacts
    test_accuracy: Estimate | None
    test_macro_f1: float | None
    test_calibration_error: float | None

    def to_dict(self) -> dict[str, Any]:
        """Returns the date and the scores, as `models status --json` prints them."""
        accuracy, trained_at = self.test_accuracy, self.card.trained_at
        return {
            "trained_at": None if trained_at is None else trained_at.isoformat(),
            "test_texts": self.card.texts.get("test"),
            "test_accuracy": None if accuracy is None else accuracy.to_dict(),
            "test_macro_f1": self.test_macro_f1,
        }


def read_facts(card: Mapping[str, Any]) -> VersionFacts:
    """Returns the facts in a version's card."""
    facts = read_card_facts(card)
    share, texts = _share(facts, "accuracy"), facts.texts.get("test", 0)
    accuracy = (
        None if share is None or texts < 1 else estimate_accuracy(round(share * texts), texts)
    )
    return VersionFacts(
        facts, accuracy, _share(facts, "macro_f1"), _share(facts, "calibration_error")
    )


def facts_of(version_dir: Path) -> VersionFacts | None:
    """Returns the facts of a version's folder; `None` where no card can be read."""
    try:
        card = load_card(version_dir)
    except (LstmSentimentError, OSError):
        return None
    return None if card is None else read_facts(card)


def _share(facts: CardFacts, name: str) -> float | None:
    score = facts.scores.get(name)
    return score if score is not None and 0 <= score <= 1 else None
