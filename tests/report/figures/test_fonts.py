"""Fonts that can draw class names, found or told to be missing."""

from pathlib import Path

import pytest

from lstm_sentiment.report.figures.drawing import draw_png
from lstm_sentiment.report.figures.fonts import LATIN, FontFile, fonts_for, shipped_fonts
from lstm_sentiment.report.figures.plots import plot_class_scores
from lstm_sentiment.report.language import ENGLISH
from lstm_sentiment.training.evaluation.metrics import ClassScores

pytest.importorskip("matplotlib", reason="needs the extra `report`")


def test_latin_names_need_no_other_font() -> None:
    found = fonts_for(["positive", "négatif"])
    assert (found.families, found.missing) == ((LATIN,), frozenset())


def test_chinese_is_drawn_and_not_as_boxes() -> None:
    found = fonts_for(["选车", "买车", "不买"])
    if found.missing:
        pytest.skip("no Chinese font on this machine: install the extra `report`")
    assert found.draw("选车")
    plot = plot_class_scores(ENGLISH, [ClassScores(name, 1, 1, 1, 1) for name in "ab"])
    one, other = (draw_png(plot, names, found) for names in (("选车", "不买"), ("买车", "不买")))
    assert one != other  # boxes would be the same


def test_a_font_that_a_package_brings_is_found() -> None:
    pytest.importorskip("pylopdf_fonts_zh_cn", reason="needs the extra `report`")
    found = fonts_for(["选车"], shipped_fonts())
    assert (found.families, found.missing) == ((LATIN, "Noto Sans SC"), frozenset())


def test_what_no_font_has_is_told() -> None:
    found = fonts_for(["选车", "ok"], ())
    assert found.missing == {"选", "车"}
    assert found.draw("ok") and not found.draw("买车")


def test_a_last_resort_of_boxes_is_no_font() -> None:
    found = fonts_for(["\U0010fffd"])
    assert not [family for family in found.families if family.startswith("Last Resort")]


def test_a_font_file_that_is_damaged_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "damaged.ttf").write_bytes(b"no font")
    for name in ("absent.ttf", "damaged.ttf"):
        damaged = FontFile(str(tmp_path / name), 0, "Damaged")
        assert fonts_for(["选"], [damaged]).families == (LATIN,)
