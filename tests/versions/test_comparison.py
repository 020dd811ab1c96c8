import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_sentiment.client.predict_client import Prediction
from lstm_sentiment.errors import InvalidInputError, ServableNotFoundError
from lstm_sentiment.progress import SILENT
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.version_folder import TEXTS_SEEN, find_versions
from lstm_sentiment.versions.comparison import Comparison, compare_versions, points, score_in_turn
from lstm_sentiment.versions.labelled_answers import LabelledAnswers
from lstm_sentiment.versions.texts_seen import count_texts_seen
from tests.compared import NAMES, corpus_of, pair, scores_of, write_texts_seen

three_answers = st.lists(st.tuples(*[st.integers(0, 1)] * 3), min_size=1, max_size=20)


def compared(*counts: int, **options: Any) -> Comparison:
    return compare_versions(*pair(*counts, **options))


def test_two_versions_are_scored_and_set_side_by_side() -> None:
    found = compared(70, 6, 20, 4)
    assert (found.first.version, found.second.version, found.texts) == (3, 4, 100)
    assert (found.first.right, found.second.right) == (76, 90)
    assert (found.first.accuracy.value, found.second.accuracy.value) == (0.76, 0.90)
    assert found.accuracy_difference.value == pytest.approx(0.14)
    assert 0 < found.accuracy_difference.low < 0.14 < found.accuracy_difference.high < 0.3
    assert found.macro_f1_difference.value == pytest.approx(
        found.second.macro_f1.value - found.first.macro_f1.value
    )
    assert (found.both_right, found.both_wrong) == (70, 4)
    assert (found.only_first_right, found.only_second_right) == (6, 20)
    assert found.p_value == pytest.approx(0.00936, abs=1e-5)
    assert found.first.class_f1.keys() == {*NAMES}
    assert np.mean([*found.first.class_f1.values()]) == pytest.approx(found.first.macro_f1.value)
    assert len(found.disagreements) == 26


@pytest.mark.parametrize(
    ("counts", "better", "said"),
    [
        ((70, 6, 20, 4), 4, r"version 4 is better: \+14\.0 points accuracy \(95 % interval \+"),
        ((70, 20, 6, 4), 3, r"version 3 is better: \+14\.0 points accuracy .* p = 0\.0094$"),
        ((70, 6, 7, 4), None, r"no significant difference on 87 texts: version 4 has \+1\.1 p"),
        ((70, 7, 6, 4), None, r"on 87 texts: version 4 has -1\.1 points"),
        ((0, 0, 99, 0), 4, r"McNemar p < 0\.0001$"),
        ((70, 0, 0, 4), None, "^both versions predict the same labels for all 74 texts$"),
    ],
)
def test_the_verdict_is_one_sentence(
    counts: tuple[int, ...], better: int | None, said: str
) -> None:
    found = compared(*counts)
    assert (found.better and found.better.version) == better
    assert found.is_significant == (better is not None)
    assert re.search(said, found.verdict()), found.verdict()


def test_what_is_more_than_chance_is_decided_by_the_confidence() -> None:
    first, second = pair(70, 6, 16, 4)
    assert compare_versions(first, second).better is None  # p = 0.052
    assert compare_versions(first, second, confidence=0.9).better is not None


@settings(max_examples=10)
@given(three_answers)
def test_the_other_way_round_it_is_the_opposite(rows: list[tuple[int, int, int]]) -> None:
    labels, first, second = map(list, zip(*rows, strict=True))
    one, other = scores_of(labels, first), scores_of(labels, second, version=4)
    there, back = compare_versions(one, other), compare_versions(other, one)
    assert (there.first, there.second) == (back.second, back.first)
    assert there.accuracy_difference.value == -back.accuracy_difference.value
    assert there.accuracy_difference.low == pytest.approx(-back.accuracy_difference.high)
    assert there.p_value == back.p_value
    assert there.only_first_right == back.only_second_right
    assert [d.index for d in there.disagreements] == [d.index for d in back.disagreements]
    assert there.texts == (
        there.both_right + there.both_wrong + there.only_first_right + there.only_second_right
    )


def test_texts_that_get_different_labels_come_with_the_surest_first() -> None:
    first = scores_of([0, 0, 1, 1], [0, 1, 0, 1], confidences=[0.9, 0.6, 0.95, 0.8])
    second = scores_of([0, 0, 1, 1], [1, 0, 1, 1], version=4, confidences=[0.6, 0.7, 0.9, 0.9])
    found = compare_versions(first, second).disagreements
    assert [(row.index, row.text, row.label) for row in found] == [
        (2, "text 2", "good"),
        (0, "text 0", "bad"),
        (1, "text 1", "bad"),
    ]
    assert (found[0].first.label, found[0].second.label) == ("bad", "good")
    assert found[0].first.probability == pytest.approx(0.95)
    assert found[0].second.probability == pytest.approx(0.9)


def test_classes_are_matched_by_name() -> None:
    names = ("neutral", "good", "bad")
    known = ("bad", "good", "neutral")
    labels, given = [0, 1, 2, 2, 1], [0, 2, 2, 1, 1]
    first = scores_of(labels, [0, 0, 2, 2, 1], names=known)
    same_order = scores_of(labels, given, version=4, names=known)
    moved = [names.index(name) for name in known]
    other_order = scores_of(
        [moved[i] for i in labels], [moved[i] for i in given], version=4, names=names
    )
    one, other = compare_versions(first, same_order), compare_versions(first, other_order)
    assert one.disagreements == other.disagreements
    assert one.macro_f1_difference == other.macro_f1_difference
    assert one.second.class_f1 == other.second.class_f1
    assert one.label_names == known
    assert (one.only_first_right, one.only_second_right) == (1, 0)


def test_versions_of_other_classes_or_texts_are_refused() -> None:
    first = scores_of([0, 1], [0, 1])
    with pytest.raises(InvalidInputError, match=r"version 3: bad, good; version 4: bad, great\."):
        compare_versions(first, scores_of([0, 1], [0, 1], version=4, names=("bad", "great")))
    with pytest.raises(InvalidInputError, match=r"same texts and labels\. Received: 2 t"):
        compare_versions(first, scores_of([0, 1, 1], [0, 1, 1], version=4))
    with pytest.raises(InvalidInputError, match="same texts and labels"):
        compare_versions(first, scores_of([1, 1], [0, 1], version=4))
    with pytest.raises(InvalidInputError, match="confidence=95"):
        compare_versions(first, first, confidence=95)


def test_texts_that_a_version_was_trained_on_are_counted_and_told_of(tmp_path: Path) -> None:
    write_texts_seen(tmp_path / "3", ["another"])
    write_texts_seen(tmp_path / "4", ["Text 0!", "text 1", "another"])
    found = compared(70, 6, 20, 4, base_path=tmp_path)
    assert (found.first.texts_seen, found.second.texts_seen) == (0, 2)
    assert [version.version for version in found.seen_by] == [4]
    assert found.warnings() == [
        "2 of the 100 texts were used to train version 4: the comparison is unfair"
    ]
    assert found.to_dict()["is_fair"] is False


def test_what_cannot_be_told_is_said(tmp_path: Path) -> None:
    write_texts_seen(tmp_path / "4", [])
    assert compared(5, 1, 1, 1, base_path=tmp_path).warnings() == [
        "the training texts of version 3 are unknown"
    ]
    assert count_texts_seen(tmp_path / "3", ["a"]) is None


def test_repeated_texts_are_told_of() -> None:
    first, second = pair(5, 1, 1, 1)
    again = Corpus((*first.corpus.texts[:-2], "text 0", "text 0"), first.corpus.labels, NAMES)
    scores = (
        LabelledAnswers(it.version_dir, it.version, again, it.probabilities, None)
        for it in (first, second)
    )
    found = compare_versions(*scores)
    assert found.repeated_texts == 2
    assert "2 of the 8 texts are duplicates: the intervals are too narrow" in found.warnings()


def test_a_comparison_is_json() -> None:
    found = json.loads(json.dumps(compared(70, 6, 20, 4).to_dict()))
    assert found["better"] == 4
    assert found["accuracy_difference"]["value"] == pytest.approx(0.14)
    assert found["second"]["macro_f1"].keys() == {"value", "low", "high"}
    assert found["disagreements"][0].keys() == {"index", "text", "label", "first", "second"}
    assert found["verdict"].startswith("version 4 is better")


def test_repeated_texts_count_as_often_as_they_occur(tmp_path: Path) -> None:
    write_texts_seen(tmp_path, ["seen", "too"])
    assert count_texts_seen(tmp_path, ["seen", "SEEN.", "new", "seen", "too"]) == 4
    assert count_texts_seen(tmp_path, []) == 0


@pytest.mark.parametrize("content", [b"", b"not an array", b"\x93NUMPY"])
def test_a_damaged_list_of_texts_seen_is_told_with_its_path(tmp_path: Path, content: bytes) -> None:
    write_texts_seen(tmp_path, [])
    path = tmp_path / TEXTS_SEEN
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=rf"{path}: cannot be read"):
        count_texts_seen(tmp_path, ["a"])
    np.save(path, np.zeros((2, 2)))
    with pytest.raises(InvalidInputError, match=rf"{path}: must hold one row of uint64"):
        count_texts_seen(tmp_path, ["a"])


class FakePredictor:
    """Takes every text for a good one; notes when it is loaded, asked and let go."""

    def __init__(self, version_dir: Path, log: list[str], label_names: tuple[str, ...]) -> None:
        self.version_dir, self.version = version_dir, int(version_dir.name)
        self.log, self.label_names = log, label_names
        log.append(f"load {self.version}")

    def predict(self, texts: Sequence[str], *, batch_size: int) -> list[Prediction]:
        self.log.append(f"ask {self.version} for {len(texts)} by {batch_size}")
        return [Prediction("good", 1, (0.25, 0.75), self.version) for _ in texts]

    def text_statistics(self, texts: Sequence[str], *, batch_size: int) -> None:
        return None

    def __del__(self) -> None:
        self.log.append(f"free {self.version}")


class NamedSteps:
    def __init__(self) -> None:
        self.names: list[str] = []

    def step(self, description: str, total: int) -> Any:
        self.names.append(f"{description} {total}")
        return SILENT.step(description, total)

    def say(self, message: str) -> None:
        raise AssertionError


STEPS = (("load", ""), ("ask", " for 2 by 7"), ("free", ""))


def folders(*versions: int) -> Sequence[Path]:
    return [Path("m") / str(version) for version in versions]


def test_versions_are_asked_one_after_the_other_each_under_its_name() -> None:
    steps, log = NamedSteps(), list[str]()

    def load(version_dir: Path) -> Any:
        return FakePredictor(version_dir, log, NAMES)

    scores = score_in_turn(
        folders(3, 4), corpus_of([0, 1]), batch_size=7, progress=steps, load=load
    )
    in_turn = [f"{what} {n}{how}" for n in (3, 4) for what, how in STEPS]
    assert log == in_turn
    assert steps.names == ["Scoring version 3 2", "Scoring version 4 2"]
    assert [found.version for found in scores] == [3, 4]


def test_other_classes_are_told_before_a_version_is_asked() -> None:
    log: list[str] = []

    def load(version_dir: Path) -> Any:
        names = NAMES if version_dir.name == "3" else ("bad", "great")
        return FakePredictor(version_dir, log, names)

    with pytest.raises(InvalidInputError, match="must know the same labels"):
        score_in_turn(folders(3, 4), corpus_of([0, 1]), load=load)
    assert "load 4" in log and not [line for line in log if line.startswith("ask 4")]


def test_versions_are_found_by_their_numbers(tmp_path: Path) -> None:
    for name in ("1", "3", "x"):
        (tmp_path / name).mkdir()
    assert find_versions(tmp_path, [3, 1]) == [tmp_path / "3", tmp_path / "1"]
    with pytest.raises(ServableNotFoundError, match=r"among those in it: 1, 3\. Received: 2"):
        find_versions(tmp_path, [1, 2])
    with pytest.raises(ServableNotFoundError, match="absent: must be a folder of versions"):
        find_versions(tmp_path / "absent", [1])
    with pytest.raises(ServableNotFoundError, match=r"in it: none\. Received: 1"):
        find_versions(tmp_path / "x", [1])


@pytest.mark.parametrize(
    ("share", "shown"),
    [(-0.0004, "0.0"), (0.0, "0.0"), (0.0004, "0.0"), (-0.1, "-10.0"), (0.012, "+1.2")],
)
def test_a_difference_that_rounds_to_zero_has_no_sign(share: float, shown: str) -> None:
    assert points(share) == shown
