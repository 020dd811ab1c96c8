"""Texts of answered requests, measured later and elsewhere."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_sentiment import InvalidInputError, ServableNotFoundError
from lstm_sentiment.serving.caller import ANYBODY, Caller
from lstm_sentiment.serving.inference.text_counts import TextCounts
from lstm_sentiment.serving.manager.manager import Manager
from lstm_sentiment.serving.monitoring.text_statistics import (
    Ask,
    TextMeasures,
    TextStatistics,
    asking,
)
from lstm_sentiment.serving.servable import Array, ManagerState, Signature
from lstm_sentiment.version_folder import TEXT_STATISTICS, TokenCounts
from tests.serving.requests_answered import answered

SOON = 30.0  # for what must happen, on however busy a machine


def token_counts(texts: list[bytes]) -> dict[str, Array]:
    """Each byte a token, of which 3 are read; an `x` is unknown."""
    return {
        "num_characters": np.array([len(text) for text in texts], np.int32),
        "num_tokens": np.array([len(text) for text in texts], np.int32),
        "num_truncated": np.array([max(0, len(text) - 3) for text in texts], np.int32),
        "num_oov": np.array([text[:3].count(b"x") for text in texts], np.int32),
    }


class Asked:
    """A model that tells tokens, and what was asked of it."""

    def __init__(self) -> None:
        self.groups: list[tuple[str, int, list[bytes]]] = []

    def __call__(self, name: str, version: int, texts: list[bytes]) -> Mapping[str, Array] | None:
        self.groups.append((name, version, texts))
        return token_counts(texts)


@pytest.fixture
def recorded() -> list[TextMeasures]:
    return []


def statistics_of(ask: Ask, recorded: list[TextMeasures], **options: Any) -> TextStatistics:
    return TextStatistics(ask, recorded.append, **options)


def test_texts_are_measured_by_the_version_that_answered(recorded: list[TextMeasures]) -> None:
    asked = Asked()
    statistics = statistics_of(asked, recorded)
    statistics(answered(texts=[b"axxxxx", "好".encode()]))
    statistics(answered(texts=[b"b"], version=4))
    statistics(answered(texts=[b"c"]))
    assert not asked.groups
    statistics.measure_waiting()
    assert asked.groups == [
        ("sentiment", 3, [b"axxxxx", "好".encode(), b"c"]),
        ("sentiment", 4, [b"b"]),
    ]
    first, second = recorded
    assert (first.model_name, first.version, second.version) == ("sentiment", 3, 4)
    assert first.characters.tolist() == [6, 1, 1]
    assert first.counts is not None
    assert first.counts.tokens.tolist() == [6, 3, 1]
    assert first.counts.truncated.tolist() == [3, 0, 0]
    assert first.counts.oov.tolist() == [2, 0, 0]
    statistics.measure_waiting()
    assert len(recorded) == 2


@pytest.mark.parametrize(
    "changes", [{"texts": ()}, {"version": None}, {"status": "INVALID_ARGUMENT"}]
)
def test_what_was_not_answered_is_not_measured(
    recorded: list[TextMeasures], changes: dict[str, Any]
) -> None:
    statistics = statistics_of(Asked(), recorded)
    statistics(answered(**changes))
    statistics.measure_waiting()
    assert not recorded


def test_large_requests_are_asked_about_in_groups(recorded: list[TextMeasures]) -> None:
    asked = Asked()
    statistics = statistics_of(asked, recorded, max_waiting=600)
    texts = [str(number).encode() for number in range(600)]
    statistics(answered(texts=texts))
    statistics.measure_waiting()
    assert [len(group) for _, _, group in asked.groups] == [256, 256, 88]
    assert [text for _, _, group in asked.groups for text in group] == texts


@pytest.mark.parametrize("options", [{"max_waiting": 3}, {"max_waiting_bytes": 13}])
def test_what_is_too_much_is_dropped_and_counted(
    recorded: list[TextMeasures], options: dict[str, int]
) -> None:
    dropped: list[int] = []
    asked = Asked()
    statistics = statistics_of(asked, recorded, when_dropped=dropped.append, **options)
    statistics(answered(texts=[b"4444"] * 2))
    statistics(answered(texts=[b"4444"] * 3))
    assert dropped == [2]
    # There is room again once they are measured.
    statistics.measure_waiting()
    statistics(answered(texts=[b"4444"] * 3))
    statistics.measure_waiting()
    assert dropped == [2]
    assert [len(group) for _, _, group in asked.groups] == [3, 3]


def test_a_share_of_the_texts_is_measured(recorded: list[TextMeasures]) -> None:
    draws = iter([0.1, 0.5, 0.2, 0.9])
    asked = Asked()
    statistics = statistics_of(asked, recorded, sample_share=0.5, draw=lambda: next(draws))
    statistics(answered(texts=[b"a", b"b", b"c", b"d"]))
    statistics.measure_waiting()
    assert asked.groups == [("sentiment", 3, [b"a", b"c"])]
    none = statistics_of(asked, recorded, sample_share=0.0, draw=lambda: 0.0)
    none(answered())
    none.measure_waiting()
    assert len(asked.groups) == 1


def counts_of(texts: list[bytes]) -> TextCounts:
    characters, *tokens = token_counts(texts).values()
    return TextCounts(characters, TokenCounts(*tokens))


def test_counts_that_came_with_an_answer_are_recorded_at_once(
    recorded: list[TextMeasures],
) -> None:
    asked = Asked()
    statistics = statistics_of(asked, recorded)
    texts = [b"axxxxx", b"b"]
    statistics(answered(texts=texts, counts=counts_of(texts)))
    [measured] = recorded
    assert (measured.model_name, measured.version) == ("sentiment", 3)
    assert measured.characters.tolist() == [6, 1]
    assert measured.counts is not None
    assert measured.counts.oov.tolist() == [2, 0]
    # Counts of other texts than the request's own say nothing of them.
    statistics(answered(texts=[b"c"], counts=counts_of(texts)))
    statistics.measure_waiting()
    assert asked.groups == [("sentiment", 3, [b"c"])]


def test_a_share_of_the_counts_is_recorded(recorded: list[TextMeasures]) -> None:
    draws = iter([0.1, 0.5, 0.2, 0.9])
    statistics = statistics_of(Asked(), recorded, sample_share=0.5, draw=lambda: next(draws))
    texts = [b"a", b"bb", b"ccc"]
    statistics(answered(texts=texts, counts=counts_of(texts)))
    statistics(answered(texts=[b"d"], counts=counts_of([b"d"])))
    [measured] = recorded
    assert measured.characters.tolist() == [1, 3]
    assert measured.counts is not None
    assert measured.counts.tokens.tolist() == [1, 3]


def not_the_signature(texts: list[bytes]) -> list[Mapping[str, Array] | None]:
    good = token_counts(texts)
    return [
        None,
        {},
        {**good, "num_oov": np.array([1], np.int32)},
        {**good, "num_oov": np.array(["1"] * len(texts), dtype=object)},
        {name: array[:, np.newaxis] for name, array in good.items()},
    ]


@pytest.mark.parametrize("number", range(5))
def test_a_model_that_tells_no_tokens_has_its_characters_counted(
    recorded: list[TextMeasures], number: int
) -> None:
    statistics = statistics_of(lambda *_: not_the_signature([b"", b""])[number], recorded)
    statistics(answered(texts=["房间".encode(), b"\xff!"]))
    statistics.measure_waiting()
    (measured,) = recorded
    assert measured.characters.tolist() == [2, 2]
    assert measured.counts is None


@pytest.mark.parametrize("error", [ServableNotFoundError("gone"), RuntimeError("told: my secret")])
def test_a_model_that_fails_stops_nothing_and_tells_no_text(
    recorded: list[TextMeasures], error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def ask(name: str, version: int, texts: list[bytes]) -> Mapping[str, Array]:
        if version == 3:
            raise error
        return token_counts(texts)

    statistics = statistics_of(ask, recorded)
    statistics(answered(texts=[b"my secret"]))
    statistics(answered(texts=[b"ab"], version=4))
    statistics.measure_waiting()
    assert [measured.counts is None for measured in recorded] == [True, False]
    assert "secret" not in caplog.text
    assert ("RuntimeError" in caplog.text) == isinstance(error, RuntimeError)


def test_the_thread_measures_a_single_text_after_a_pause() -> None:
    measured = threading.Event()
    statistics = TextStatistics(Asked(), lambda _: measured.set(), pause_seconds=0.01)
    statistics.start()
    try:
        statistics(answered(texts=[b"a"]))
        assert measured.wait(SOON)
    finally:
        statistics.stop()


def test_stopping_lets_go_of_what_waits(recorded: list[TextMeasures]) -> None:
    is_asked, may_answer = threading.Event(), threading.Event()

    def ask(name: str, version: int, texts: list[bytes]) -> Mapping[str, Array]:
        is_asked.set()
        assert may_answer.wait(SOON)
        return token_counts(texts)

    statistics = statistics_of(ask, recorded, pause_seconds=0.01, max_waiting=600)
    statistics.start()
    statistics(answered(texts=[b"a"] * 600))
    assert is_asked.wait(SOON)
    stopping = threading.Thread(target=statistics.stop)
    stopping.start()
    may_answer.set()
    stopping.join(SOON)
    assert not stopping.is_alive()
    left = len(recorded)
    assert left <= 3
    # Nothing comes of what arrives later.
    statistics(answered())
    statistics.measure_waiting()
    assert len(recorded) == left


@pytest.mark.parametrize(
    "options", [{"sample_share": 1.5}, {"sample_share": -1}, {"max_waiting": 0}, {"max_group": 0}]
)
def test_numbers_out_of_range_are_refused(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(InvalidInputError, match=rf"`{name}` must be .* Received: {name}="):
        TextStatistics(Asked(), lambda _: None, **options)


class TellingServable:
    """Has the signature, or not; held while it is asked."""

    signature_defs: Mapping[str, Any] = {}

    def __init__(self, *keys: str) -> None:
        self.signatures: Mapping[str, Signature] = {key: Signature(key) for key in keys}
        self.deadlines: list[float | None] = []

    def run(
        self,
        signature_key: str,
        inputs: Mapping[str, Array],
        *,
        caller: Caller = ANYBODY,
        with_counts: bool = False,
    ) -> dict[str, Array]:
        assert signature_key == TEXT_STATISTICS
        self.deadlines.append(caller.deadline)
        return token_counts(inputs["text"].tolist())


class TellingLoader:
    engine = None

    def __init__(self, servable: TellingServable) -> None:
        self.servable = servable

    def estimate_bytes(self) -> int:
        return 0

    def load(self) -> TellingServable:
        return self.servable

    def unload(self) -> None:
        pass


def test_a_managers_versions_are_asked_and_let_go(recorded: list[TextMeasures]) -> None:
    servables = {1: TellingServable(TEXT_STATISTICS), 2: TellingServable("text")}
    manager = Manager(lambda id, path: TellingLoader(servables[id.version]))
    manager.start()
    try:
        manager.set_aspired_versions("sentiment", {1: Path("1"), 2: Path("2")})
        assert manager.wait_until_settled(SOON)
        statistics = statistics_of(asking(manager), recorded)
        for version in (1, 2, 7):
            statistics(answered(texts=[b"xab"], version=version))
        statistics.measure_waiting()
        assert [m.version for m in recorded if m.counts is not None] == [1]
        # It is held for no longer than this.
        assert servables[1].deadlines[0] is not None
        manager.set_aspired_versions("sentiment", {})
        assert manager.wait_until(
            lambda: {state.state for state in manager.states("sentiment")} == {ManagerState.END},
            SOON,
        )
    finally:
        manager.stop()
