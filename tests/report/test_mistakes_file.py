"""`mistakes.csv`: every mistake, the most confident first, safe to open and to read again."""

import csv
from pathlib import Path

from lstm_sentiment import read_corpus
from lstm_sentiment.report.mistakes_file import MISTAKES, mistakes_table
from tests.report.evaluations import make_evaluation, some_evaluation


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(content.decode("utf-8-sig").splitlines()))


def test_each_mistake_is_a_row_and_the_surest_comes_first() -> None:
    scores = some_evaluation().scores
    head, *rows = rows_of(mistakes_table(scores))
    assert head == [
        *("text", "label", "predicted_label"),
        *(f"probability_{name}" for name in scores.corpus.label_names),
    ]
    assert len(rows) == int((~scores.is_right).sum()) == 15
    assert all(row[1] != row[2] for row in rows)
    surest = [max(map(float, row[3:])) for row in rows]
    assert surest == sorted(surest, reverse=True)
    for row in rows:
        given = head[3:][max(range(3), key=lambda place, row=row: float(row[3 + place]))]  # type: ignore[misc]
        assert given == f"probability_{row[2]}"


def test_a_text_stays_a_text_in_a_spreadsheet(tmp_path: Path) -> None:
    texts = ["=HYPERLINK(1)", "@x", 'a "b"\r\nc,d', "差"]
    evaluated = make_evaluation(texts, [0] * 4, [[0.1, 0.9]] * 4, names=("-1", "+好"))
    content = mistakes_table(evaluated.scores)
    assert content.startswith(b"\xef\xbb\xbf")
    assert b'\n" =HYPERLINK(1)","-1"," +' in content
    (tmp_path / MISTAKES).write_bytes(content)
    again = read_corpus([tmp_path / MISTAKES])
    assert [text.strip() for text in again.texts] == texts
    assert set(again.label_names) == {"-1"}
