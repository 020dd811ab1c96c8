"""One class is one class, however a file spells it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment import Corpus, InvalidInputError, open_corpus, read_corpus
from lstm_sentiment.text.corpus.corrected import apply_corrections
from lstm_sentiment.text.corpus.corrections import read_corrections
from lstm_sentiment.text.corpus.label_names import known_names, label_ids, spelling_notes
from lstm_sentiment.text.corpus.soft_labels import read_soft_labels
from lstm_sentiment.versions.labelled_answers import with_label_names

TEXT_LABELS = (
    "+1",
    "-1",
    "0x1A",
    "007",
    "1e5",
    "1_000",
    "01.0",
    "１",
    "True.",
    ".0",
    "1.10",
    "1.1",
)


def table(path: Path, *labels: str) -> Path:
    rows = [f"{path.stem} {number},{label}" for number, label in enumerate(labels)]
    path.write_text("\n".join(["text,label", *rows]) + "\n", "utf-8")
    return path


@pytest.mark.parametrize("read", [read_corpus, open_corpus])
def test_whole_numbers_with_a_point_are_the_classes_without(
    tmp_path: Path, read: Callable[..., Corpus]
) -> None:
    paths = [table(tmp_path / "a.csv", "0", "1"), table(tmp_path / "b.csv", "0.0", "1.0", "-2.00")]
    corpus = read(paths)
    assert corpus.class_counts() == {"-2": 1, "0": 2, "1": 2}
    assert read([paths[1]], label_names=["0", "1", "-2"]).label_names == ("0", "1", "-2")


@pytest.mark.parametrize("words", [("True", "False"), ("true", "false"), ("TRUE", "FALSE")])
def test_booleans_are_one_pair_of_classes_in_any_case(
    tmp_path: Path, words: tuple[str, str]
) -> None:
    paths = [table(tmp_path / "a.csv", *words), table(tmp_path / "b.csv", "True", "False")]
    assert read_corpus(paths).class_counts() == {"False": 2, "True": 2}
    among_others = read_corpus([table(tmp_path / "c.csv", *words, "half-true")])
    assert {*among_others.label_names} == {*words, "half-true"}


def test_labels_that_only_look_like_numbers_stay_the_text_that_they_are(tmp_path: Path) -> None:
    corpus = read_corpus([table(tmp_path / "a.csv", *TEXT_LABELS)])
    assert {*corpus.label_names} == {*TEXT_LABELS}
    assert [corpus.label_names[label] for label in corpus.labels] == [*TEXT_LABELS]


def test_a_label_of_thousands_of_digits_is_a_name() -> None:
    assert label_ids(["9" * 5_000, "2"], None)[0] == ("2", "9" * 5_000)


def test_classes_that_a_version_spells_otherwise_are_found() -> None:
    assert known_names(["1", "0", "2"], ["0.0", "1.0"]) == {"1": "1.0", "0": "0.0"}
    assert known_names(["1", "1.0"], ["1", "1.0"]) == {"1": "1", "1.0": "1.0"}
    assert known_names(["TRUE"], ["true", "half-true"]) == {"TRUE": "true"}
    corpus = Corpus.from_rows([("x", "1"), ("y", "0")])
    renumbered = with_label_names(corpus, ("1.0", "0.0"))
    assert list(renumbered.labels) == [0, 1]
    with pytest.raises(InvalidInputError, match="among those of the version: a, b"):
        with_label_names(corpus, ("a", "b"))


def test_corrections_from_a_spreadsheet_name_the_same_classes(tmp_path: Path) -> None:
    corpus = Corpus.from_rows([("x", "True"), ("y", "False")])
    from lstm_sentiment.text.corpus.corrections import text_digest

    path = tmp_path / "corrections.csv"
    path.write_text(f"digest,action,label,text\n{text_digest('y')},change,TRUE,y\n", "utf-8")
    corrected, done = apply_corrections(corpus, read_corrections([path]))
    assert corrected.class_counts() == {"True": 2}
    assert done.changed == {("False", "True"): 1}


def test_soft_labels_name_the_same_classes(tmp_path: Path) -> None:
    path = tmp_path / "soft.csv"
    path.write_text("text,probability_0.0,probability_1.0\nx,0.25,0.75\n", "utf-8")
    np.testing.assert_allclose(read_soft_labels(path, ["0", "1"]).probabilities, [[0.25, 0.75]])


def test_what_was_one_class_and_what_may_be_is_told() -> None:
    assert spelling_notes(["1", "1.0", "0"]) == ["Labels: `1` and `1.0` are one class, `1`"]
    for apart in (("4.5", "4.50"), ("True", "1"), ("good", "Good"), ("１", "1"), ("1\u200b", "1")):
        (note,) = spelling_notes([*apart, "other"])
        assert "are different classes" in note
        assert all(f"`{name}`" in note for name in apart)
    assert spelling_notes(["0", "1", "007", "7", "a"]) == []


@given(st.lists(st.sampled_from([*TEXT_LABELS, "1", "1.0", "true", "True", "x"]), min_size=1))
def test_each_label_has_an_id_and_names_are_their_own_names(found: list[str]) -> None:
    names, ids = label_ids(found, None)
    assert ids.keys() == {*found}
    assert {*ids.values()} == {*range(len(names))}
    assert label_ids(names, None)[0] == names
    assert label_ids(names, names)[1] == {name: position for position, name in enumerate(names)}
