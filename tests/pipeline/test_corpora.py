"""How texts are split, and which are dropped first."""

from dataclasses import replace
from pathlib import Path

import pytest

from lstm_sentiment import InvalidInputError, PipelineConfig, TrainingConfig, read_corpus
from lstm_sentiment.pipeline.corpora import prepare_corpora, read_excluded, read_unlabelled
from lstm_sentiment.text.corpus.corrections import text_digest
from lstm_sentiment.text.corpus.near_duplicates import text_key
from tests.corpora import copied, hotel_like, rows_of, write_csv
from tests.recorder import Recorder


def test_no_dev_or_test_text_is_trained_on(tmp_path: Path) -> None:
    rows = [(f"{label} {i}", label) for label in "ab" for i in range(50)]
    data = write_csv(tmp_path / "all.csv", rows + rows[:30] + [("a 0", "b")])
    held_out = write_csv(tmp_path / "test.csv", [("a 1", "a"), ("b 1", "b"), ("a 1", "a")])
    recorder = Recorder()
    config = PipelineConfig(data=[data], test_data=held_out)
    train, dev, test = prepare_corpora(config, recorder)
    assert test == read_corpus([held_out])
    parts = [set(train.texts), set(dev.texts), set(test.texts)]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]
    assert parts[0] | parts[1] | parts[2] == {t for t, _ in rows} - {"a 0"}
    # "a 0" stands there twice as `a` and once as `b`; the other 29 are plain repeats.
    assert recorder.said[0].endswith("29 repeated, and 3 that occur under several labels: 99 left")
    assert recorder.said[1] == "Dropped 2 training texts that are also dev or test texts"


def test_test_texts_of_an_unknown_class_are_refused(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "all.csv", [(f"{n} {i}", n) for n in "ab" for i in range(9)])
    other = write_csv(tmp_path / "test.csv", [("x", "c")])
    with pytest.raises(InvalidInputError, match=r"among those trained on: a, b\. Received: 'c'"):
        prepare_corpora(PipelineConfig(data=[data], test_data=other))


def test_the_split_has_a_seed_of_its_own(tmp_path: Path) -> None:
    config = PipelineConfig(data=[write_csv(tmp_path / "data.csv", rows_of(hotel_like(60)))])
    parts = prepare_corpora(config)
    other = replace(config, training=TrainingConfig(seed=7))
    assert prepare_corpora(other)[2] != parts[2]
    assert prepare_corpora(replace(other, split_seed=0)) == parts


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [(f"文本{n}", f"id-{n}") for n in range(10_000)],
            r"at most 1,000 different labels: is 'label' their column\? Received: 10,000",
        ),
        ([(" ", "a"), ("", "b")], r"is 'text' their column\? Received: 2 empty texts"),
        (
            [*[(f"文本{n}", str(n % 2)) for n in range(20)], ("独一", "rare")],
            "Received: class 'rare' with 1",
        ),
    ],
)
def test_a_wrong_column_is_told_before_anything_is_trained(
    rows: list[tuple[str, str]], message: str, tmp_path: Path
) -> None:
    data = write_csv(tmp_path / "data.csv", rows)
    with pytest.raises(InvalidInputError, match=message):
        prepare_corpora(PipelineConfig(data=[data]))


def test_parquet_does_not_stay_in_its_file(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").touch()
    with pytest.raises(InvalidInputError, match=r"a\.parquet: texts can stay in .*`streaming`"):
        prepare_corpora(PipelineConfig(data=[tmp_path / "a.parquet"], streaming=True))


def test_copies_of_held_out_texts_are_not_trained_on(tmp_path: Path) -> None:
    """Else a version could not be compared on its own test texts: it would know some of them."""
    rows = rows_of(hotel_like(240))
    rows += [(copied(text), label) for text, label in rows]
    recorder = Recorder()
    config = PipelineConfig(data=[write_csv(tmp_path / "d.csv", rows)])
    train, dev, test = (
        {text_key(text) for text in part.texts} for part in prepare_corpora(config, recorder)
    )
    assert train.isdisjoint(dev | test)
    assert dev.isdisjoint(test)
    assert any("training texts that differ from held-out ones" in line for line in recorder.said)


def test_texts_that_differ_in_punctuation_alone_cannot_be_split(tmp_path: Path) -> None:
    rows = [(f"好{'！' * n}", "1") for n in range(30)] + rows_of(hotel_like(60))
    with pytest.raises(InvalidInputError, match=r"more than punctuation.*class '1'"):
        prepare_corpora(PipelineConfig(data=[write_csv(tmp_path / "d.csv", rows)]))


def write_corrections(path: Path, *rows: tuple[str, str, str]) -> Path:
    lines = [f"{text_digest(text)},{action},{label}\n" for text, action, label in rows]
    path.write_text("".join(["digest,action,label\n", *lines]), "utf-8")
    return path


@pytest.mark.parametrize("streaming", [False, True])
def test_labels_are_corrected_before_anything_is_dropped_or_split(
    tmp_path: Path, streaming: bool
) -> None:
    """Also in the sets that are given; a text of two labels is kept once it is decided."""
    rows = [(f"{label} {i}", label) for label in "ab" for i in range(20)]
    test = [("a 100", "wrong"), ("b 100", "a"), ("a 101", "a")]
    config = PipelineConfig(
        data=[write_csv(tmp_path / "all.csv", [*rows, ("a 0", "b"), ("a 1", "wrong")])],
        test_data=write_csv(tmp_path / "test.csv", test),
        corrections=[
            write_corrections(tmp_path / "1.csv", ("a 0", "keep", "a"), ("a 1", "change", "a")),
            write_corrections(
                tmp_path / "2.csv",
                ("a 2", "drop", ""),
                ("a 100", "change", "a"),
                ("b 100", "change", "b"),
                ("elsewhere", "drop", ""),
            ),
        ],
        streaming=streaming,
    )
    before = (tmp_path / "all.csv").read_bytes()
    recorder = Recorder()
    parts = prepare_corpora(config, recorder)
    assert {part.label_names for part in parts} == {("a", "b")}
    assert rows_of(parts[2]) == [("a 100", "a"), ("b 100", "b"), ("a 101", "a")]
    learned = {*rows_of(parts[0]), *rows_of(parts[1])}
    assert learned == {(text, label) for text, label in rows if text != "a 2"}
    assert recorder.said[0] == (
        "Corrections: 4 labels changed (wrong to a 2; a to b 1; b to a 1), 1 text dropped, "
        "2 kept as labelled; 1 of 6 match no text"
    )
    assert (tmp_path / "all.csv").read_bytes() == before


def test_corrections_of_other_texts_alone_are_a_mistake(tmp_path: Path) -> None:
    config = PipelineConfig(
        data=[write_csv(tmp_path / "data.csv", rows_of(hotel_like(60)))],
        corrections=[write_corrections(tmp_path / "c.csv", ("elsewhere", "drop", ""))],
    )
    with pytest.raises(InvalidInputError, match=r"c\.csv: .*Received: 1, all of other texts"):
        prepare_corpora(config)


@pytest.mark.parametrize("streaming", [False, True])
def test_rows_that_are_malformed_or_empty_are_left_out_and_counted(
    tmp_path: Path, streaming: bool
) -> None:
    lines = ["text,label", *(f"{name} {i},{name}" for name in "ab" for i in range(20))]
    lines[3:3] = ["x,y,a", ",", "z,"]
    data, more = tmp_path / "a.csv", tmp_path / "more.csv"
    data.write_text("\n".join(lines), "utf-8")
    more.write_text("text\nsome more\ntexts,x\nand others\n", "utf-8")
    config = PipelineConfig(data=[data], unlabelled=[more], streaming=streaming)
    with pytest.raises(InvalidInputError, match=r"a\.csv:4: a row must have 2 fields"):
        prepare_corpora(config)
    config, recorder = replace(config, bad_rows="skip"), Recorder()
    splits = prepare_corpora(config, recorder)
    assert sum(map(len, splits)) == 40
    assert recorder.said[0] == (
        f"{data}: left out 1 of 43 rows (line 4) that are malformed, the first, line 4: a row must "
        "have 2 fields, as the header has. Received: 3; 1 of 43 rows (line 6) without a label; 1 "
        "row that holds neither a text nor a label"
    )
    texts = read_unlabelled(config, splits, read_excluded(config), recorder)
    assert list(texts.texts) == ["some more", "and others"]


def test_swapped_columns_are_named(tmp_path: Path) -> None:
    rows = [(f"text {number}", "good" if number % 2 else "bad") for number in range(40)]
    data = write_csv(tmp_path / "a.csv", [(label, text) for text, label in rows])
    with pytest.raises(InvalidInputError, match="are the columns of texts and labels swapped"):
        prepare_corpora(PipelineConfig(data=[data]))
