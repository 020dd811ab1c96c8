"""A shadow version asked what another one answered: what is drawn, asked, compared and counted."""

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.errors import InvalidInputError, ServableNotFoundError
from lstm_sentiment.protocol.example_pb2 import Example
from lstm_sentiment.serving.errors import ServableRunError
from lstm_sentiment.serving.inference.classification import ScoredClass
from lstm_sentiment.serving.inference.examples import INPUTS
from lstm_sentiment.serving.servable import Array
from lstm_sentiment.serving.servable_id import ServableId
from lstm_sentiment.serving.shadow.answers import GivenAnswer
from lstm_sentiment.serving.shadow.drawn_texts import ShadowQuestion
from lstm_sentiment.serving.shadow.options import ShadowOptions, VersionOrLabel
from lstm_sentiment.serving.shadow.shadow import AskShadow, Shadow
from lstm_sentiment.serving.shadow.tally import (
    MAX_DISAGREEMENTS,
    MAX_PAIRS,
    Pair,
    ShadowOutcome,
    ShadowTally,
)

SOON = 30.0  # for what must happen, on however busy a machine
ALL = ShadowOptions(to=2, share=1.0)


def labelled(texts: list[bytes], version: int) -> dict[str, Array]:
    """Every version is of one mind, save about texts that hold an `x`."""
    labels = [b"odd" if b"x" in text and version % 2 else b"even" for text in texts]
    probabilities = [[0.75, 0.25] if version % 2 else [0.5, 0.5] for _ in texts]
    return {
        "label": np.array(labels, dtype=object),
        "probabilities": np.array(probabilities, np.float32),
    }


class Asked:
    """Versions that can be asked, and what they were asked."""

    def __init__(self, fails: Callable[[ShadowQuestion], Exception | None] | None = None) -> None:
        self.questions: list[ShadowQuestion] = []
        self._fails = fails

    def __call__(self, question: ShadowQuestion) -> GivenAnswer:
        self.questions.append(question)
        error = self._fails(question) if self._fails is not None else None
        if error is not None:
            raise error
        (values,) = question.inputs.values()
        found = labelled(values.tolist(), question.servable_id.version)
        if not question.is_classify:
            return found
        labels = [label.decode() for label in found["label"]]
        return [[ScoredClass(label, 1.0), ScoredClass("other", 0.0)] for label in labels]

    def texts(self) -> list[list[Any]]:
        return [next(iter(q.inputs.values())).tolist() for q in self.questions]


def shadow_of(ask: AskShadow, options: ShadowOptions = ALL, **more: Any) -> Shadow:
    labels: Mapping[str, int] = more.pop("labels", {"stable": 1, "canary": 2})

    def version_of_label(name: str, label: str) -> int:
        assert name == "sentiment"
        if label not in labels:
            raise InvalidInputError("no such label")
        return labels[label]

    return Shadow(options, "sentiment", ask, version_of_label, **more)


def answer(shadow: Shadow, *texts: bytes, version: int = 1, key: str = "text") -> None:
    """Tells it of an answer to Predict."""
    inputs = {key: np.array(texts, dtype=object)}
    shadow(ServableId("sentiment", version), key, inputs, labelled(list(texts), version))


def compare_all(shadow: Shadow) -> dict[str, Any]:
    while True:
        before = shadow.report()
        shadow.compare_waiting()
        after = shadow.report()
        if {**before, "recent_disagreements": 0} == {**after, "recent_disagreements": 0}:
            return after


def test_what_one_version_answered_is_compared_with_the_others_answer() -> None:
    asked = Asked()
    shadow = shadow_of(asked)
    answer(shadow, b"a", b"x")
    answer(shadow, b"xx")
    assert not asked.questions
    report = compare_all(shadow)
    # Texts that wait together are asked about together.
    assert asked.texts() == [[b"a", b"x", b"xx"]]
    assert asked.questions[0].servable_id == ServableId("sentiment", 2)
    recent = report.pop("recent_disagreements")
    (pair,) = report.pop("pairs")
    counts = {"sampled": 3, "compared": 3, "agreed": 1, "failed": 0, "dropped": 0}
    assert report == {
        "model": "sentiment",
        "of": {},
        "to": {"version": 2},
        "share": 1.0,
        "agreement": 1 / 3,
        "largest_difference": 0.25,
        **counts,
    }
    assert pair == {
        "version": 1,
        "shadow_version": 2,
        "agreement": 1 / 3,
        "largest_difference": 0.25,
        **counts,
    }
    assert [(found["label"], found["shadow_label"]) for found in recent] == [("odd", "even")] * 2
    assert all("text" not in found and found["difference"] == 0.25 for found in recent)


def test_before_anything_is_drawn_there_is_no_agreement() -> None:
    report = shadow_of(Asked()).report()
    assert json.loads(json.dumps(report)) == {
        "model": "sentiment",
        "of": {},
        "to": {"version": 2},
        "share": 1.0,
        "sampled": 0,
        "compared": 0,
        "agreed": 0,
        "agreement": None,
        "failed": 0,
        "dropped": 0,
        "largest_difference": None,
        "pairs": [],
        "recent_disagreements": [],
    }


def test_a_share_of_the_requests_is_drawn() -> None:
    draws = iter([0.1, 0.5, 0.2, 0.9])
    asked = Asked()
    shadow = shadow_of(asked, ShadowOptions(to=2, share=0.5), draw=lambda: next(draws))
    for text in (b"a", b"b", b"c", b"d"):
        answer(shadow, text)
    assert compare_all(shadow)["sampled"] == 2
    assert asked.texts() == [[b"a", b"c"]]


@pytest.mark.parametrize(
    ("of", "to", "versions"),
    [
        (None, 2, {1, 3}),
        (None, "canary", {1, 3}),
        (1, 2, {1}),
        ("stable", "canary", {1}),
        ("stable", 1, set()),
        ("unknown", 2, set()),
    ],
)
def test_whose_requests_are_drawn(
    of: VersionOrLabel | None, to: VersionOrLabel, versions: set[int]
) -> None:
    shadow = shadow_of(Asked(), ShadowOptions(to=to, of=of, share=1.0))
    for version in (1, 2, 3):
        answer(shadow, b"a", version=version)
    assert {pair["version"] for pair in compare_all(shadow)["pairs"]} == versions


def test_other_models_and_signatures_are_left_alone() -> None:
    def never() -> float:
        raise AssertionError("nothing is to be drawn")

    shadow = shadow_of(Asked(), draw=never)
    inputs = {"text": np.array([b"a"], dtype=object)}
    shadow(ServableId("hotel", 1), "text", inputs, labelled([b"a"], 1))
    shadow(ServableId("sentiment", 1), "explain", inputs, labelled([b"a"], 1))
    assert shadow.report()["sampled"] == 0


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        ({"text": np.array([b"a"], dtype=object)}, {"y": np.zeros(1)}),
        ({"text": np.array(b"a", dtype=object)}, {"label": np.array([b"good"], dtype=object)}),
        ({"text": np.array([], dtype=object)}, {"label": np.array([], dtype=object)}),
        ({}, {"label": np.array([b"good"], dtype=object)}),
    ],
)
def test_what_has_no_label_for_each_text_is_not_drawn(
    inputs: dict[str, Array], outputs: dict[str, Array]
) -> None:
    shadow = shadow_of(Asked())
    shadow(ServableId("sentiment", 1), "text", inputs, outputs)
    assert shadow.report()["sampled"] == 0


def test_labels_are_followed_wherever_they_move() -> None:
    labels = {"stable": 1, "canary": 2}
    asked = Asked()
    shadow = shadow_of(asked, ShadowOptions(to="canary", of="stable", share=1.0), labels=labels)
    answer(shadow, b"x")
    labels["canary"] = 4
    answer(shadow, b"a")
    labels.update(stable=2)
    answer(shadow, b"b", version=2)
    answer(shadow, b"c", version=1)
    del labels["canary"]
    answer(shadow, b"d", version=2)
    report = compare_all(shadow)
    counts = {(p["version"], p["shadow_version"]): p["compared"] for p in report["pairs"]}
    assert counts == {(1, 2): 1, (1, 4): 1, (2, 4): 1, (2, None): 0}
    assert [question.servable_id.version for question in asked.questions] == [2, 4, 4]
    assert (report["sampled"], report["compared"], report["failed"]) == (4, 3, 1)


@pytest.mark.parametrize("max_group", [1, 32])
def test_tokens_and_examples_are_compared_too(max_group: int) -> None:
    asked = Asked()
    shadow = shadow_of(asked, max_group=max_group)
    answer(shadow, b"a", key="tokens")
    examples = np.array([b"1", b"2"], dtype=object)
    classes = [[ScoredClass(label, 1.0), ScoredClass("other", 0.0)] for label in ("even", "odd")]
    shadow(ServableId("sentiment", 1), "classify", {INPUTS: examples}, classes)
    report = compare_all(shadow)
    asked_by = [(q.signature_key, q.is_classify) for q in asked.questions]
    assert list(dict.fromkeys(asked_by)) == [("tokens", False), ("classify", True)]
    assert (report["compared"], report["agreed"]) == (3, 2)


def test_ids_of_other_widths_are_asked_about_apart() -> None:
    questions: list[ShadowQuestion] = []

    def ask(question: ShadowQuestion) -> GivenAnswer:
        questions.append(question)
        rows = len(question.inputs["input_sentence"])
        return {
            "predict_classification": np.ones(rows, np.int64),
            "predict_scores": np.zeros((rows, 2), np.float32),
        }

    shadow = shadow_of(ask)
    for width in (2, 3, 2):
        ids = np.ones((1, width), np.int64)
        told = {"predict_classification": np.array([1]), "predict_scores": np.zeros((1, 2))}
        shadow(ServableId("sentiment", 1), "serving_default", {"input_sentence": ids}, told)
    assert compare_all(shadow)["agreed"] == 3
    assert [q.inputs["input_sentence"].shape for q in questions] == [(2, 2), (1, 3)]


def test_no_more_texts_wait_than_may_and_the_rest_is_counted() -> None:
    asked = Asked()
    shadow = shadow_of(asked, max_waiting=5, max_group=2)
    answer(shadow, b"1", b"2", b"3")
    answer(shadow, b"4", b"5", b"6")
    answer(shadow, b"7")
    report = compare_all(shadow)
    assert (report["sampled"], report["compared"], report["dropped"]) == (7, 5, 2)
    assert asked.texts() == [[b"1", b"2"], [b"3"], [b"4", b"5"]]
    # There is room again.
    answer(shadow, b"8")
    assert compare_all(shadow)["compared"] == 6


def test_no_more_bytes_wait_than_may() -> None:
    shadow = shadow_of(Asked(), max_waiting_bytes=10, max_group=2)
    answer(shadow, b"4444", b"1", b"1")
    answer(shadow, b"55555")
    answer(shadow, b"1")
    assert shadow.report()["dropped"] == 1
    compare_all(shadow)
    answer(shadow, b"55555", b"55555")
    report = compare_all(shadow)
    assert (report["dropped"], report["compared"]) == (1, 6)


@pytest.mark.parametrize(
    "error",
    [
        ServableNotFoundError("gone"),
        ServableRunError("my secret"),
        RuntimeError("my secret"),
        InvalidInputError("my secret"),
    ],
)
def test_a_version_that_does_not_answer_is_counted_and_told_of_once(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    now = [0.0]
    shadow = shadow_of(Asked(lambda question: error), clock=lambda: now[0])
    for text in (b"a", b"b", b"c"):
        answer(shadow, text, b"my secret")
        compare_all(shadow)
    assert shadow.report()["failed"] == 6
    assert len(caplog.records) == 1
    assert type(error).__name__ in caplog.text and "secret" not in caplog.text
    now[0] = 601.0
    answer(shadow, b"d")
    compare_all(shadow)
    assert len(caplog.records) == 2


def test_a_text_that_the_version_refuses_takes_no_other_with_it() -> None:
    def refuse(question: ShadowQuestion) -> Exception | None:
        (values,) = question.inputs.values()
        return InvalidInputError("bad") if b"bad" in values.tolist() else None

    shadow = shadow_of(Asked(refuse))
    for text in (b"a", b"bad", b"b"):
        answer(shadow, text)
    report = compare_all(shadow)
    assert (report["compared"], report["failed"]) == (2, 1)


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_an_answer_of_other_texts_is_a_failure(rows: int) -> None:
    shadow = shadow_of(lambda question: labelled([b"a"] * rows, 2))
    answer(shadow, b"a", b"b")
    report = compare_all(shadow)
    assert (report["compared"], report["failed"]) == (0, 2)


def test_texts_are_told_only_where_they_may_be() -> None:
    example = Example()
    example.features.feature["text"].bytes_list.value.append("房x".encode())
    inputs = {INPUTS: np.array([example.SerializeToString(), b"\xff"], dtype=object)}
    classes = [[ScoredClass("odd", 1.0)]] * 2
    shadow = shadow_of(Asked(), with_texts=True)
    answer(shadow, b"ax\xff")
    answer(shadow, b"x" * 5000)
    shadow(ServableId("sentiment", 1), "classify", inputs, classes)
    found = compare_all(shadow)["recent_disagreements"]
    assert [told.get("text") for told in found] == [None, "房x", "x" * 1000, "ax\ufffd"]


def test_nothing_that_happens_in_a_shadow_reaches_the_caller(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def break_down(name: str, label: str) -> int:
        raise RuntimeError("my secret")

    shadow = Shadow(ShadowOptions(to="canary", share=1.0), "sentiment", Asked(), break_down)
    answer(shadow, b"a")
    assert "RuntimeError" in caplog.text and "secret" not in caplog.text


def test_answers_are_left_as_they_are() -> None:
    shadow = shadow_of(Asked())
    inputs = {"text": np.array([b"a", b"x"], dtype=object)}
    told = labelled([b"a", b"x"], 1)
    for array in (*inputs.values(), *told.values()):
        array.flags.writeable = False
    shadow(ServableId("sentiment", 1), "text", inputs, told)
    assert compare_all(shadow)["compared"] == 2


requests = st.lists(
    st.tuples(
        st.lists(st.sampled_from([b"a", b"x", b"bad", b"gone"]), min_size=1, max_size=9),
        st.sampled_from([1, 2, 3]),
        st.sampled_from(["text", "tokens", "explain"]),
        st.booleans(),
    ),
    max_size=20,
)


@given(requests, st.integers(1, 12), st.integers(1, 5), st.floats(0.01, 1.0), st.randoms())
def test_every_text_that_is_drawn_is_accounted_for(
    asked: list[tuple[list[bytes], int, str, bool]],
    max_waiting: int,
    max_group: int,
    share: float,
    random: Any,
) -> None:
    def fail(question: ShadowQuestion) -> Exception | None:
        (values,) = question.inputs.values()
        assert len(values) <= max_group
        if b"gone" in values.tolist():
            return ServableNotFoundError("gone")
        return InvalidInputError("bad") if b"bad" in values.tolist() else None

    known: list[ShadowOutcome] = []
    shadow = shadow_of(
        Asked(fail),
        ShadowOptions(to=2, share=share),
        max_waiting=max_waiting,
        max_group=max_group,
        draw=random.random,
        when_known=known.append,
    )
    for texts, version, key, is_compared in asked:
        answer(shadow, *texts, version=version, key=key)
        if is_compared:
            shadow.compare_waiting()
    shadow.stop()
    report = shadow.report()
    assert report["compared"] + report["failed"] + report["dropped"] == report["sampled"]
    disagreed = report["compared"] - report["agreed"]
    assert len(report["recent_disagreements"]) == min(disagreed, MAX_DISAGREEMENTS)
    for name in ("sampled", "compared", "agreed", "failed", "dropped"):
        assert report[name] == sum(pair[name] for pair in report["pairs"])
    counted = [outcome.counts() for outcome in known]
    assert sum(sum(counts.values()) for counts in counted) == report["sampled"]
    assert sum(counts["agreed"] for counts in counted) == report["agreed"]
    if share == 1.0:
        wanted = sum(len(t) for t, version, key, _ in asked if version != 2 and key != "explain")
        assert report["sampled"] == wanted


def test_the_thread_compares_what_waits() -> None:
    is_known = threading.Event()
    shadow = shadow_of(Asked(), when_known=lambda outcome: is_known.set(), pause_seconds=0.0)
    shadow.start()
    try:
        answer(shadow, b"a")
        assert is_known.wait(SOON)
        assert shadow.report()["agreed"] == 1
    finally:
        shadow.stop()


def test_stopping_waits_for_one_question_and_drops_the_rest() -> None:
    is_asked, may_answer = threading.Event(), threading.Event()

    def ask(question: ShadowQuestion) -> GivenAnswer:
        is_asked.set()
        assert may_answer.wait(SOON)
        return labelled(question.inputs["text"].tolist(), 2)

    shadow = shadow_of(ask, max_group=1, pause_seconds=0.0)
    shadow.start()
    answer(shadow, b"a", b"b", b"c")
    assert is_asked.wait(SOON)
    stopping = threading.Thread(target=shadow.stop)
    stopping.start()
    may_answer.set()
    stopping.join(SOON)
    assert not stopping.is_alive()
    answer(shadow, b"too late")
    report = shadow.report()
    assert report["sampled"] == 4
    assert report["compared"] + report["dropped"] == 4
    assert report["compared"] <= 3


def test_what_was_taken_out_of_the_line_is_dropped_too_at_the_end() -> None:
    shadow = shadow_of(Asked(lambda question: shadow.stop()))
    answer(shadow, b"a")
    answer(shadow, b"b", b"c", key="tokens")
    shadow.compare_waiting()
    report = shadow.report()
    assert (report["compared"], report["dropped"]) == (1, 2)


def test_one_that_never_started_can_be_stopped() -> None:
    shadow = shadow_of(Asked())
    answer(shadow, b"a")
    shadow.stop()
    assert shadow.report()["dropped"] == 1


def test_memory_is_bounded_however_often_labels_move() -> None:
    tally = ShadowTally()
    for version in range(1000):
        tally.sampled(Pair(version, version + 1), 1)
        tally.record(ShadowOutcome(Pair(version, version + 1), agreed=1))
    report = tally.report()
    assert [pair["version"] for pair in report["pairs"]] == [*range(999, 999 - MAX_PAIRS, -1)]
    assert report["agreed"] == report["sampled"] == MAX_PAIRS


def test_the_largest_difference_is_that_of_all_time() -> None:
    tally = ShadowTally()
    for differences in ([0.1], [0.5, 0.2], [0.25], []):
        tally.record(ShadowOutcome(Pair(1, 2), agreed=1, differences=differences))
    tally.record(ShadowOutcome(Pair(1, 3), agreed=1, differences=[0.125]))
    report = tally.report()
    assert report["largest_difference"] == 0.5
    assert [pair["largest_difference"] for pair in report["pairs"]] == [0.125, 0.5]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"to": 2, "share": 0}, "`share` must be above 0 and at most 1. Received: share=0."),
        ({"to": 2, "share": 1.5}, "Received: share=1.5"),
        ({"to": ""}, "`to` must be a version number or a version label. Received: to=''"),
        ({"to": -1}, "Received: to=-1"),
        ({"to": 2**63}, "Received: to=9223372036854775808"),
        ({"to": 2, "of": ""}, "`of` must be"),
        ({"to": "canary", "of": "canary"}, "must be two versions. Received: 'canary' for both"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        ShadowOptions(**options)
    assert message in str(caught.value)
