"""The reference in the card of a version."""

import json
from typing import Any

import numpy as np
import pytest

from lstm_sentiment.drift.features import MeasuredTexts
from lstm_sentiment.drift.reference import CARD_KEY, DriftReference
from lstm_sentiment.errors import InvalidInputError

LABELS = ["negative", "positive"]
TEXTS = ["the room is clean", "the room is dirty", "the view", "a very long text " * 20]


def reference() -> DriftReference:
    answers = MeasuredTexts(
        TEXTS[:2],
        oov_rates=np.array([0.0, 0.5]),
        classes=np.array([1, 0]),
        confidences=np.array([0.75, 0.97]),
    )
    return DriftReference.of_texts([TEXTS], LABELS).with_answers(answers)


def card(**changes: object) -> dict[str, Any]:
    return json.loads(
        json.dumps({"labels": LABELS, CARD_KEY: {**reference().to_dict(), **changes}})
    )


def counts(found: DriftReference, group: str) -> dict[str, int]:
    return {
        found.features.name(group, at): int(count)
        for at, count in enumerate(found.tally.counts[group])
    }


def test_texts_are_counted_by_length_and_words() -> None:
    found = reference()
    assert found.tally.texts == dict(length=4, words=4, oov_rate=2, classes=2, confidence=2)
    lengths = counts(found, "length")
    assert lengths["longer than 15 characters"] == 3
    assert lengths["longer than 300 characters"] == 1
    words = counts(found, "words")
    assert (words["with the word 'the'"], words["with the word 'room'"]) == (3, 2)


def test_answers_are_counted_by_class_confidence_and_unknown_tokens() -> None:
    found = reference()
    assert counts(found, "classes") == {"answered 'negative'": 1, "answered 'positive'": 1}
    confidences = counts(found, "confidence")
    assert confidences["answered with a probability above 70%"] == 2
    assert confidences["answered with a probability above 95%"] == 1
    assert counts(found, "oov_rate")["with more than 40% of tokens out of the vocabulary"] == 1


def test_common_words_are_those_of_two_texts_at_least() -> None:
    found = reference()
    assert "room" in found.common_words
    assert "view" not in found.common_words
    assert found.rare_share == 0.5


def test_a_reference_read_from_the_card_is_the_one_that_was_written() -> None:
    assert DriftReference.from_card(card(), "here").to_dict() == reference().to_dict()


def test_a_reference_of_many_texts_is_small() -> None:
    draw = np.random.default_rng(0)
    words = [f"word{number}" for number in range(20_000)]
    texts = [" ".join(words[i] for i in draw.zipf(1.3, 60) % 20_000) for _ in range(3_000)]
    found = json.dumps(DriftReference.of_texts([texts], LABELS).to_dict(), indent=2)
    assert len(found.encode()) < 20_000


@pytest.mark.parametrize("given", [None, {}, {"labels": LABELS}])
def test_a_version_without_a_reference_is_refused(given: dict[str, Any] | None) -> None:
    with pytest.raises(
        InvalidInputError, match=r"^models/3: must be a version that keeps .* `fit`"
    ):
        DriftReference.from_card(given, "models/3")


@pytest.mark.parametrize(
    "changes",
    [
        {"words": None},
        {"words": ["one"]},
        {"counts": {"length": [1, 2]}},
        {"counts": {"colour": [1]}},
        {"texts": {}},
        {"texts": dict.fromkeys(("length", "words", "oov_rate", "classes", "confidence"), 1)},
        {"common_words": "?"},
        {"rare_share": "much"},
    ],
)
def test_a_reference_of_another_form_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(
        InvalidInputError, match=r"^models/3: `drift_reference` of its card must be"
    ):
        DriftReference.from_card(card(**changes), "models/3")
