"""Suspects that praise and complain at once are told from wrong labels."""

import pytest

from lstm_sentiment.labels.check import find_label_issues
from lstm_sentiment.text.corpus.corpus import Corpus
from tests.corpora import hotel_like, rows_of


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("房间非常干净，早餐真的不错，前台特别好，服务很满意", "wrong"),
        ("房间非常干净，早餐真的不错，前台特别好，服务很满意，空调很吵，床很脏", "ambiguous"),
    ],
)
def test_a_text_whose_clauses_disagree_is_ambiguous(text: str, kind: str) -> None:
    rows = [row for row in rows_of(hotel_like(300)) if row[1] != "neutral"]
    rows.append((text, "negative"))
    found = find_label_issues(Corpus.from_rows(rows), quick=True, number=1)
    assert [(issue.row, issue.kind) for issue in found.issues] == [(len(rows), kind)]
