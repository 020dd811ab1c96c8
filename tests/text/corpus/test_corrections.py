"""Corrections: what they do to a corpus, and the row that each message names."""

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment import (
    Corpus,
    Corrections,
    InvalidInputError,
    apply_corrections,
    open_corpus,
    read_corpus,
    read_corrections,
)
from lstm_sentiment.text.corpus.corrections import ACTIONS, DROP, KEEP, Correction, text_digest
from tests.corpora import rows_of, write_csv
from tests.strategies import any_texts

ROWS = [("好", "good"), ("差", "good"), ("差", "bad"), ("贵", "bad"), ("还行", "good")]


def write(path: Path, *rows: tuple[str, str, str, str]) -> Path:
    """A file as the page saves it."""
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows([("digest", "action", "label", "text"), *rows])
    return path


def row(text: str, action: str, label: str = "") -> tuple[str, str, str, str]:
    return text_digest(text), action, label, text


def test_the_digest_is_the_one_that_other_programs_can_compute() -> None:
    # printf '房间很干净' | b2sum --length=64
    assert text_digest(" 房间很干净\n") == "733a913cecee1f95"


@pytest.mark.parametrize("read", [read_corpus, open_corpus])
def test_labels_change_and_texts_are_left_out(tmp_path: Path, read: object) -> None:
    assert callable(read)
    corpus = read([write_csv(tmp_path / "a.csv", ROWS)])
    path = write(
        tmp_path / "c.csv",
        row("好", "keep", "good"),
        row("差", "change", "bad"),
        row("还行", "drop"),
        row("nowhere", "drop"),
    )
    corrected, done = apply_corrections(corpus, read_corrections([path]))
    assert rows_of(corrected) == [("好", "good"), ("差", "bad"), ("差", "bad"), ("贵", "bad")]
    assert rows_of(corpus) == ROWS
    assert (done.changed, done.dropped, done.kept) == ({("good", "bad"): 1}, 1, 2)
    assert sum(~done.matched) == 1
    assert done.summary() == (
        "Corrections: 1 label changed (good to bad 1), 1 text dropped, 2 kept as labelled; "
        "1 of 4 match no text"
    )


def test_a_class_that_loses_all_its_texts_is_none_any_more(tmp_path: Path) -> None:
    corpus = Corpus.from_rows([*ROWS, ("脏", "baad")])
    path = write(tmp_path / "c.csv", row("脏", "change", "bad"))
    corrected, _ = apply_corrections(corpus, read_corrections([path]))
    assert corrected.label_names == ("bad", "good")
    assert rows_of(corrected) == [*ROWS, ("脏", "bad")]


def test_keep_decides_between_two_labels_of_a_text() -> None:
    corrections = Corrections.from_rows([Correction(text_digest("差"), KEEP, "bad")])
    corrected, _ = apply_corrections(Corpus.from_rows(ROWS), corrections)
    assert {label for text, label in rows_of(corrected) if text == "差"} == {"bad"}


@given(
    rows=st.lists(st.tuples(any_texts, st.sampled_from("ab")), min_size=1, max_size=12),
    data=st.data(),
)
def test_each_text_has_the_label_of_its_correction_or_its_own(
    rows: list[tuple[str, str]], data: st.DataObject
) -> None:
    corpus = Corpus.from_rows(rows, ["a", "b"])
    drawn = st.tuples(st.sampled_from(ACTIONS), st.sampled_from("ab"))
    decided = {
        text: data.draw(drawn) for text in dict.fromkeys(corpus.texts) if data.draw(st.booleans())
    }
    corrections = Corrections.from_rows(
        [Correction(text_digest(text), *decision) for text, decision in decided.items()]
    )
    corrected, done = apply_corrections(corpus, corrections)
    expected = [
        (text, decided.get(text, ("", label))[1])
        for text, label in rows_of(corpus)
        if decided.get(text, ("", ""))[0] != DROP
    ]
    assert rows_of(corrected) == expected
    assert done.matched.all()
    corrected_texts = sum(text in decided for text in corpus.texts)
    assert sum(done.changed.values()) + done.dropped + done.kept == corrected_texts
    assert len(corpus) - len(corrected) == done.dropped


def test_what_a_spreadsheet_does_to_a_cell_does_no_harm(tmp_path: Path) -> None:
    rows = [("=1+1 好", "good"), ("长" * 40_000, "good"), ("一\r\n二", "good"), ("差", "bad")]
    path = write(
        tmp_path / "c.csv",
        # A guarded formula, whose digest became a number; a cut cell; another end of line.
        ("1.23457E+15", "change", "bad", "'=1+1 好"),
        (text_digest(rows[1][0]), "CHANGE ", " bad ", "长" * 32_767),
        (text_digest(rows[2][0]).upper(), "change", "bad", "一\n二"),
    )
    corrected, _ = apply_corrections(Corpus.from_rows(rows), read_corrections([path]))
    assert {label for _, label in rows_of(corrected)} == {"bad"}


def test_a_table_sorted_by_one_column_alone_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", (text_digest("贵"), "change", "good", "好"))
    with pytest.raises(InvalidInputError, match=r"c\.csv:2: .*its digest, '贵'\. Received: '好'"):
        apply_corrections(Corpus.from_rows(ROWS), read_corrections([path]))


def test_other_files_hold_the_same_corrections(tmp_path: Path) -> None:
    rows = [row("差", "change", "1"), row("贵", "drop")]
    names = ("digest", "action", "label", "text")
    table = write(tmp_path / "a.csv", *rows)
    lines = tmp_path / "b.jsonl"
    records = [dict(zip(names, each, strict=True)) for each in rows]
    lines.write_text("".join(json.dumps(each) + "\n" for each in records), "utf-8")
    number = tmp_path / "c.jsonl"
    number.write_text(json.dumps(records[0] | {"label": 1}) + "\n", "utf-8")
    both = read_corrections([lines, number])
    assert both.fingerprint() == read_corrections([table]).fingerprint()
    assert both.fingerprint() != read_corrections([number]).fingerprint()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("digest,label\nab,x\n", r"columns of corrections must be digest, action.*: digest, label"),
        ("digest,action\n", r"c\.csv: must hold at least one correction"),
        ("digest,action\n01a,drop\n", r"c\.csv:2: the digest must be 16 hex.*'01a'"),
        (f"digest,action\n{'0' * 15}a,dorp\n", r":2: the action must be keep, change or drop.*"),
        (f"digest,action,label\n{'a' * 16},change,\n", r":2: a change must name the new label"),
        (
            f"digest,action,label\n{'a' * 16},keep,x\n{'a' * 16},change,y\n",
            r":3: a text must have the same correction.*change y, but keep x at .*c\.csv:2",
        ),
        (
            f"digest,action,label\n{'a' * 16},drop,x\n{'a' * 16},keep,\n",
            r":3: .*Received: keep, but drop",
        ),
    ],
)
def test_a_malformed_file_is_refused_by_line(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text(content, "utf-8")
    with pytest.raises(InvalidInputError, match=message):
        read_corrections([path])


def test_a_label_that_no_text_has_is_refused_also_of_another_text(tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", row("nowhere", "change", "godo"))
    with pytest.raises(InvalidInputError, match=r":2: .*labels: bad, good\. Received: 'godo'\..*"):
        apply_corrections(Corpus.from_rows(ROWS), read_corrections([path]))


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"ending \.csv, \.tsv or \.jsonl.*\.xlsx"):
        read_corrections([tmp_path / "a.xlsx"])
