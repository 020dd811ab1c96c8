"""Writing a report: all of it or nothing."""

import sys
from datetime import date
from pathlib import Path

import pytest

from lstm_sentiment import InvalidInputError, write_report
from lstm_sentiment.progress import SilentProgress
from lstm_sentiment.report.figures import fonts
from lstm_sentiment.report.figures.drawing import Plot
from lstm_sentiment.report.figures.fonts import PlotFonts
from lstm_sentiment.report.page import render, write
from lstm_sentiment.system import write_whole
from tests.exported import write_card
from tests.report.evaluations import make_evaluation, some_evaluation
from tests.report.page.test_render import CARD

pytest.importorskip("matplotlib", reason="needs the extra `report`")
pytest.importorskip("jinja2", reason="needs the extra `report`")

TWO = make_evaluation(["a", "b", "c"], [0, 1, 1], [[0.9, 0.1], [0.1, 0.9], [0.7, 0.3]], names="ab")
PLOTS = {
    "confusion_matrix.png",
    "class_scores.png",
    "reliability.png",
    "score_histogram.png",
    "accuracy_by_length.png",
    "accuracy_by_oov.png",
}


class Said(SilentProgress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, message: str) -> None:
        self.lines.append(message)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Spares the drawing; gathers the names of classes that each picture would have."""
    drawn: list[tuple[str, ...]] = []

    def draw(plot: Plot, names: tuple[str, ...], fonts: PlotFonts) -> bytes:
        drawn.append(names)
        return b"picture"

    monkeypatch.setattr(write, "draw_png", draw)
    monkeypatch.setattr(render, "draw_svg", lambda *_: "<svg></svg>")
    return drawn


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_page_and_its_plots_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Drawn for real in the tests of the page.
    monkeypatch.setattr(render, "draw_svg", lambda *_: "<svg></svg>")
    version_dir = tmp_path / "cars" / "3"
    write_card(version_dir, CARD)
    written = write_report(
        some_evaluation(version_dir=version_dir), tmp_path / "a" / "b", written_on=date(2026, 1, 2)
    )
    assert written.page == tmp_path / "a" / "b" / "report.html"
    text = written.page.read_text("utf-8")
    assert '<time datetime="2026-01-02">' in text
    assert "Loss by epoch" in text
    curves = {"learning_curve_loss.png", "learning_curve_accuracy.png"}
    assert {path.name for path in written.plots} == PLOTS | curves
    assert names_in(written.page.parent) == PLOTS | curves | {"report.html"}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written.plots)


@pytest.mark.usefixtures("quick")
def test_plots_of_an_earlier_report_do_not_stay_beside_a_new_one(tmp_path: Path) -> None:
    for name in ("learning_curve_loss.png", "notes.txt", "report.html"):
        (tmp_path / name).write_text("old")
    write_report(TWO, tmp_path)
    assert names_in(tmp_path) == PLOTS | {"notes.txt", "report.html"}
    assert (tmp_path / "notes.txt").read_text() == "old"


@pytest.mark.usefixtures("quick")
def test_nothing_is_lost_where_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report.html").write_text("old")
    (tmp_path / "confusion_matrix.png").write_text("old")

    def full(path: Path) -> object:
        if path.name == "report.html":
            raise OSError(28, "No space left on device")
        return write_whole(path)

    monkeypatch.setattr(write, "write_whole", full)
    with pytest.raises(InvalidInputError, match="No space left on device"):
        write_report(TWO, tmp_path)
    assert names_in(tmp_path) == {"report.html", "confusion_matrix.png"}
    assert {path.read_text() for path in tmp_path.iterdir()} == {"old"}


def test_names_that_no_font_has_are_numbers_in_the_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: list[tuple[str, ...]]
) -> None:
    monkeypatch.setattr(fonts, "_candidates", lambda: iter(()))
    said = Said()
    names = ("不买", "good", "买车")
    written = write_report(some_evaluation(names=names), tmp_path, progress=said)
    assert quick[0] == ("class 0", "good", "class 2")
    assert [line for line in said.lines if "No installed font can draw 不买, 买车" in line]
    text = written.page.read_text("utf-8")
    assert "0 is <b>不买</b>" in text and "2 is <b>买车</b>" in text
    assert "1 is <b>" not in text


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
