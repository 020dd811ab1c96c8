"""`find_label_issues`: planted wrong labels, contradictions and near duplicates are found."""

import pytest

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.labels.check import find_label_issues
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.corpus.duplicates import exact_digest
from tests.corpora import copied, hotel_like, rows_of
from tests.labels.planted import with_wrong_labels


def test_planted_wrong_labels_are_found_with_their_right_labels() -> None:
    corpus, planted = with_wrong_labels()
    found = find_label_issues(corpus, quick=True)
    told = {issue.row: issue.likely_label for issue in found.issues}
    assert told.items() <= planted.items()
    assert len(told) > len(planted) / 2
    scores = [issue.score for issue in found.issues]
    assert scores == sorted(scores)
    assert all(0 <= score <= 1 for score in scores)
    for issue in found.issues:
        assert issue.text == corpus.texts[issue.row - 1]
        assert issue.given_label == corpus.label_names[corpus.labels[issue.row - 1]]
        assert issue.digest == exact_digest(issue.text).hex()


def test_the_noise_of_each_class_lies_in_its_interval() -> None:
    corpus, planted = with_wrong_labels()
    found = find_label_issues(corpus, quick=True)
    for name, noise in found.noise.items():
        wrong = sum(corpus.label_names[corpus.labels[row - 1]] == name for row in planted)
        assert noise.low <= wrong / corpus.class_counts()[name] <= noise.high


def test_right_labels_are_no_suspects() -> None:
    assert find_label_issues(hotel_like(240), quick=True).issues == ()


def test_a_text_with_two_labels_is_contradictory_and_the_rarer_label_is_suspect() -> None:
    rows = rows_of(hotel_like(240))
    text, label = rows[0]
    other = next(name for _, name in rows if name != label)
    rows += [(text, label), (text, other)]
    (issue,) = find_label_issues(Corpus.from_rows(rows), quick=True).issues
    assert (issue.kind, issue.row) == ("contradictory", len(rows))
    assert (issue.given_label, issue.likely_label) == (other, label)


def test_a_near_duplicate_with_another_label_is_a_suspect_and_shows_its_twin() -> None:
    rows = rows_of(hotel_like(240))
    text, label = rows[0]
    other = next(name for _, name in rows if name != label)
    rows += [(copied(text), other), (text, label)]
    (issue,) = find_label_issues(Corpus.from_rows(rows), quick=True).issues
    assert (issue.kind, issue.row) == ("near_duplicate", len(rows) - 1)
    assert (issue.likely_label, issue.nearest_text) == (label, text)


def test_a_class_of_one_text_is_left_unchecked() -> None:
    rows = [*rows_of(hotel_like(60)), ("独一无二的房间", "unique")]
    found = find_label_issues(Corpus.from_rows(rows), quick=True)
    assert (found.texts, found.unchecked) == (60, 1)


@pytest.mark.parametrize("folds", [1, 51])
def test_the_number_of_folds_has_bounds(folds: int) -> None:
    with pytest.raises(InvalidInputError, match=f"from 2 to 50. Received: folds={folds}"):
        find_label_issues(hotel_like(60), quick=True, folds=folds)


def test_texts_without_a_common_character_are_refused() -> None:
    rows = [("甲", "0"), ("乙", "0"), ("丙", "1"), ("丁", "1")]
    with pytest.raises(InvalidInputError, match="At least one word or character"):
        find_label_issues(Corpus.from_rows(rows), quick=True)


def test_two_texts_are_too_few() -> None:
    rows = [("很好", "1"), ("很差", "0")]
    with pytest.raises(InvalidInputError, match="At least two classes"):
        find_label_issues(Corpus.from_rows(rows), quick=True)
