"""Facts of cards that other programs have written."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.card_facts import read_card_facts

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
times = values | st.datetimes(timezones=st.none() | st.timezones()).map(datetime.isoformat)


@given(labels=values, trained_at=times, data=values, part=values, scores=values, model=values)
def test_any_card_can_be_read(
    labels: Any, trained_at: Any, data: Any, part: Any, scores: Any, model: Any
) -> None:
    card = {"labels": labels, "trained_at": trained_at, "data": data, "model": model}
    for facts in (
        read_card_facts({**card, "metrics": {"test": scores}}),
        read_card_facts({**card, "data": {"train": part}, "metrics": {"test": {"f1": scores}}}),
    ):
        assert facts.trained_at is None or facts.trained_at.tzinfo is UTC
        json.dumps(facts.scores, allow_nan=False)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-11-30T18:00:00+08:00", datetime(2026, 11, 30, 10, tzinfo=UTC)),
        ("2026-11-30T10:00:00", datetime(2026, 11, 30, 10, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("yesterday", None),
        (20261130, None),
    ],
)
def test_a_time_is_read_in_utc(written: Any, read: datetime | None) -> None:
    assert read_card_facts({"trained_at": written}).trained_at == read


def test_a_score_that_no_float_holds_is_left_out() -> None:
    scores = {"accuracy": 0.9, "huge": 10**400, "none": None, "infinite": float("inf")}
    assert read_card_facts({"metrics": {"test": scores}}).scores == {"accuracy": 0.9}
