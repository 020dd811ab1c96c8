"""Writing a report: all of it or nothing."""

import sys
from datetime import date
from pathlib import Path

import pytest

from lstm_sentiment import InvalidInputError, write_report
from lstm_sentiment.report.figures.fonts import fonts_for
from lstm_sentiment.report.figures.panels import Panel, class_panel
from lstm_sentiment.report.language import ENGLISH
from lstm_sentiment.report.page import write
from lstm_sentiment.report.page.write import write_files
from tests.exported import write_card
from tests.recorder import Recorder
from tests.report.evaluations import make_evaluation, some_evaluation
from tests.report.page.test_render import CARD

pytest.importorskip("matplotlib", reason="needs the extra `report`")
pytest.importorskip("jinja2", reason="needs the extra `report`")

# A character that is none: no font but a last resort of boxes draws it.
NOWHERE = "\U0010ffff"
TWO = make_evaluation(["a", "b", "c"], [0, 1, 1], [[0.9, 0.1], [0.1, 0.9], [0.7, 0.3]], names="ab")
PLOTS = {
    "confusion_matrix.png",
    "class_scores.png",
    "reliability.png",
    "score_histogram.png",
    "accuracy_by_length.png",
    "accuracy_by_oov.png",
}


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_page_and_its_plots_are_written(tmp_path: Path) -> None:
    version_dir = tmp_path / "cars" / "3"
    write_card(version_dir, CARD)
    written = write_report(
        some_evaluation(version_dir=version_dir),
        tmp_path / "a" / "b",
        written_on=date(2026, 1, 2),
        language="en",
    )
    assert written.page == tmp_path / "a" / "b" / "report.html"
    text = written.page.read_text("utf-8")
    assert '<time datetime="2026-01-02">' in text
    assert "Loss by epoch" in text
    curves = {"learning_curve_loss.png", "learning_curve_accuracy.png"}
    assert {path.name for path in written.plots} == PLOTS | curves
    assert names_in(written.page.parent) == PLOTS | curves | {"report.html", "mistakes.csv"}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written.plots)


def test_plots_of_an_earlier_report_do_not_stay_beside_a_new_one(tmp_path: Path) -> None:
    for name in ("learning_curve_loss.png", "notes.txt", "report.html", "mistakes.csv"):
        (tmp_path / name).write_text("old")
    write_files(tmp_path, {"report.html": b"new", "confusion_matrix.png": b"new"})
    content = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert content == {"notes.txt": "old", "report.html": "new", "confusion_matrix.png": "new"}


def test_the_language_is_given_or_chosen_by_the_labels(tmp_path: Path) -> None:
    given = write_report(TWO, tmp_path / "zh", language="zh")
    assert "3 条文本中有 2 条分类正确。" in given.page.read_text("utf-8")
    chosen = write_report(some_evaluation(), tmp_path / "chosen")
    assert '<html lang="zh-CN">' in chosen.page.read_text("utf-8")
    with pytest.raises(InvalidInputError, match="`language` must be one of: en, zh"):
        write_report(TWO, tmp_path, language="de")  # type: ignore[arg-type]


def test_pngs_are_in_english_where_no_font_has_chinese(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = Recorder()
    monkeypatch.setattr(write, "fonts_for", lambda texts: fonts_for(texts, ()))
    drawn: list[str] = []

    def png(panel: Panel, *_: object) -> bytes:
        drawn.append(panel.plot.title)
        return b""

    monkeypatch.setattr(Panel, "png", png)
    written = write_report(TWO, tmp_path, progress=said, language="zh")
    assert "Confusion matrix" in drawn and "混淆矩阵" not in drawn
    assert "混淆矩阵" in written.page.read_text("utf-8")
    assert [line for line in said.said if "the PNGs are in English" in line]


def test_nothing_is_lost_where_writing_fails(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("old")
    (tmp_path / "confusion_matrix.png").write_text("old")
    too_long = "x" * 300
    with pytest.raises(InvalidInputError, match="File name too long"):
        write_files(
            tmp_path, {"report.html": b"new", "confusion_matrix.png": b"new", too_long: b"new"}
        )
    assert names_in(tmp_path) == {"report.html", "confusion_matrix.png"}
    assert {path.read_text() for path in tmp_path.iterdir()} == {"old"}


def test_names_that_no_font_has_are_numbers_in_the_pictures(tmp_path: Path) -> None:
    said = Recorder()
    names = (f"{NOWHERE}b", "good", NOWHERE)
    evaluated = some_evaluation(names=names, texts=12)
    panel = class_panel(ENGLISH, evaluated)
    assert panel.png_names(names, fonts_for(names)) == ("#0", "good", "#2")
    written = write_report(evaluated, tmp_path, progress=said)
    told = f"No installed font can draw {NOWHERE}b, {NOWHERE}"
    assert [line for line in said.said if told in line]
    text = written.page.read_text("utf-8")
    assert f"#0 = <b>{NOWHERE}b</b>" in text and f"#2 = <b>{NOWHERE}</b>" in text
    assert "#1 = <b>" not in text


@pytest.mark.parametrize("library", ["matplotlib", "jinja2"])
def test_the_missing_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InvalidInputError, match=r"pip install 'lstm-sentiment\[report\]'"):
        write_report(TWO, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InvalidInputError, match="must be a folder that can be written"):
            write_report(TWO, path)
