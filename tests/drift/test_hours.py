"""Counts by the hour, of one process or several."""

import json
import pickle

import numpy as np
import pytest

from lstm_sentiment.drift.evidence import DriftTest
from lstm_sentiment.drift.features import MeasuredTexts, Tally
from lstm_sentiment.drift.hours import HourlyTally, drift_report
from lstm_sentiment.drift.reference import DriftReference

HOUR = 3600.0
NEW_YEAR_2026 = 1767225600.0
HOTEL, BOOKS = "clean room", "dull novel of a hero"


@pytest.fixture(scope="module")
def against() -> DriftTest:
    return DriftTest(DriftReference.of_texts([[HOTEL] * 300 + [BOOKS] * 10], ["a", "b"]))


def tally(against: DriftTest, text: str, count: int) -> Tally:
    return Tally.of_flags(against.reference.features.flags(MeasuredTexts([text] * count)))


def test_without_texts_there_is_no_drift(against: DriftTest) -> None:
    assert (
        drift_report(against, [])
        == drift_report(against, [{}])
        == {
            "is_drift": False,
            "log10_e_value": 0.0,
            "texts": 0,
            "since": None,
            "moved": [],
        }
    )


def test_drift_is_told_from_the_hour_on_in_which_it_began(against: DriftTest) -> None:
    hours = HourlyTally()
    for hour in range(10):
        hours.add(tally(against, HOTEL, 300), NEW_YEAR_2026 + hour * HOUR)
    assert not drift_report(against, [hours.counts()])["is_drift"]
    hours.add(tally(against, BOOKS, 60), NEW_YEAR_2026 + 10.5 * HOUR)
    report = json.loads(json.dumps(drift_report(against, [hours.counts()])))
    assert report["is_drift"]
    assert (report["texts"], report["since"]) == (3_060, "2026-01-01T10:00Z")
    groups = [feature["group"] for feature in report["moved"]]
    assert sorted(groups) == ["length"] * 2 + ["words"] * 3
    assert "texts" not in report["moved"][0]["feature"]


def test_processes_add_up_to_one(against: DriftTest) -> None:
    whole, one, other = HourlyTally(), HourlyTally(), HourlyTally()
    draw = np.random.default_rng(0)
    for hour in range(70):
        count = int(draw.integers(1, 9))
        for process in (whole, one if hour % 2 else other):
            process.add(tally(against, HOTEL if hour % 3 else BOOKS, count), hour * HOUR)
    several = [pickle.loads(pickle.dumps(process.counts())) for process in (one, other)]
    assert (
        drift_report(against, several)["texts"] == drift_report(against, [whole.counts()])["texts"]
    )
    assert len(whole.counts()) == 48


def test_hours_that_are_long_past_count_with_the_first(against: DriftTest) -> None:
    hours = HourlyTally()
    for hour in range(200):
        hours.add(tally(against, HOTEL, 1), hour * HOUR)
    counts = hours.counts()
    assert sorted(counts) == [0, *range(153, 200)]
    assert counts[0]["texts"]["words"] == 153
