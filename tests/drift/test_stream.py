"""The test on a stream of texts."""

import math

import numpy as np
import pytest

from lstm_sentiment.drift.evidence import DriftTest
from lstm_sentiment.drift.features import MeasuredTexts
from lstm_sentiment.drift.reference import DriftReference
from lstm_sentiment.drift.stream import DriftStream
from lstm_sentiment.errors import InvalidInputError

HOTEL = ["room", "clean", "dirty", "view", "staff", "breakfast", "noisy", "bed", "bath", "price"]
BOOKS = ["author", "plot", "novel", "page", "clean", "dull", "hero", "prose", "price", "story"]
LABELS = ["negative", "positive"]


def texts(words: list[str], count: int, seed: int) -> list[str]:
    draw = np.random.default_rng(seed)
    sizes = draw.integers(2, 9, count)
    return [" ".join(draw.choice(words, size)) for size in sizes]


def measured(words: list[str], count: int, seed: int, *, positive: float = 0.6) -> MeasuredTexts:
    draw = np.random.default_rng(seed + 1)
    return MeasuredTexts(
        texts(words, count, seed),
        oov_rates=draw.beta(1, 20, count),
        classes=(draw.random(count) < positive).astype(int),
        confidences=draw.uniform(0.5, 1, count),
    )


@pytest.fixture(scope="module")
def reference() -> DriftReference:
    known = DriftReference.of_texts([texts(HOTEL, 800, seed=1)], LABELS)
    return known.with_answers(measured(HOTEL, 400, seed=2))


def test_texts_like_those_of_training_raise_no_alarm(reference: DriftReference) -> None:
    for seed in range(10, 18):
        stream = DriftStream(DriftTest(reference, alpha=0.2, tolerance=0.0))
        stream.add(measured(HOTEL, 3_000, seed))
        assert stream.found_after is None
        assert stream.highest_log_e_value < math.log(1 / 0.2)
        assert stream.evidence().moved == ()


def test_other_words_are_found_and_named(reference: DriftReference) -> None:
    stream = DriftStream(DriftTest(reference))
    stream.add(measured(BOOKS, 100, seed=3))
    assert stream.found_after is not None
    assert stream.found_after < 60
    moved = {feature.feature: feature for feature in stream.evidence().moved}
    room = moved["with the word 'room'"]
    assert room.group == "words"
    assert room.expected > 0.3
    assert room.seen == 0


@pytest.mark.parametrize(
    ("group", "changes"),
    [
        ("classes", {"classes": np.zeros(1_000, int)}),
        ("confidence", {"confidences": np.full(1_000, 0.51)}),
        ("oov_rate", {"oov_rates": np.full(1_000, 0.3)}),
        ("length", {"texts": [f"{text} !" + "!" * 200 for text in texts(HOTEL, 1_000, seed=4)]}),
    ],
)
def test_each_group_alone_is_found(
    reference: DriftReference, group: str, changes: dict[str, object]
) -> None:
    live = measured(HOTEL, 1_000, seed=4)
    for name, value in changes.items():
        object.__setattr__(live, name, value)
    stream = DriftStream(DriftTest(reference))
    stream.add(live)
    assert stream.found_after is not None
    assert {feature.group for feature in stream.evidence().moved} == {group}


def test_drift_that_begins_late_is_found_soon_and_dated(reference: DriftReference) -> None:
    stream = DriftStream(DriftTest(reference))
    stream.add(measured(HOTEL, 4_000, seed=5))
    assert stream.found_after is None
    stream.add(measured(BOOKS, 200, seed=6))
    assert stream.found_after is not None
    assert 4_000 < stream.found_after < 4_150
    assert stream.evidence().window == 8  # the texts since the 4,000th


def test_drift_that_passes_stays_found(reference: DriftReference) -> None:
    stream = DriftStream(DriftTest(reference))
    stream.add(measured(BOOKS, 40, seed=7))
    found = stream.found_after
    assert found is not None
    stream.add(measured(HOTEL, 9_000, seed=8))
    assert stream.found_after == found
    assert any(feature.group == "words" for feature in stream.evidence().moved)


def test_how_texts_come_together_makes_no_difference(reference: DriftReference) -> None:
    whole, parts = (DriftStream(DriftTest(reference)) for _ in range(2))
    live = measured(HOTEL, 1_300, seed=9, positive=0.75)
    whole.add(live)
    for begin in range(0, 1_300, 130):
        part = slice(begin, begin + 130)
        assert live.oov_rates is not None
        assert live.classes is not None
        assert live.confidences is not None
        arrays = (live.oov_rates[part], live.classes[part], live.confidences[part])
        parts.add(MeasuredTexts(live.texts[part], *arrays))
    assert parts.evidence() == whole.evidence()
    assert parts.highest_log_e_value == whole.highest_log_e_value


def test_texts_without_answers_are_compared_by_length_and_words(reference: DriftReference) -> None:
    stream = DriftStream(DriftTest(reference))
    stream.add(MeasuredTexts(texts(BOOKS, 100, seed=3)))
    assert stream.found_after is not None


def test_no_texts_are_no_drift(reference: DriftReference) -> None:
    assert DriftStream(DriftTest(reference)).evidence().moved == ()


@pytest.mark.parametrize("alpha", [0.0, 1.0, -1.0, math.nan])
def test_alpha_must_be_a_probability(reference: DriftReference, alpha: float) -> None:
    with pytest.raises(InvalidInputError, match=r"`alpha` must be between 0 and 1\. Received"):
        DriftTest(reference, alpha=alpha)


@pytest.mark.parametrize("tolerance", [-0.1, 1.0])
def test_the_tolerance_must_be_a_share(reference: DriftReference, tolerance: float) -> None:
    with pytest.raises(InvalidInputError, match="`tolerance` must be"):
        DriftTest(reference, tolerance=tolerance)
