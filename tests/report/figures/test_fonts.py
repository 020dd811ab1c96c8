"""Fonts that can draw class names, found or told to be missing."""

import pytest

from lstm_sentiment.report.figures import fonts
from lstm_sentiment.report.figures.drawing import draw_png
from lstm_sentiment.report.figures.fonts import LATIN, fonts_for
from lstm_sentiment.report.figures.plots import plot_class_scores
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
    plot = plot_class_scores([ClassScores(name, 1, 1, 1, 1) for name in "ab"])
    one, other = (draw_png(plot, names, found) for names in (("选车", "不买"), ("买车", "不买")))
    assert one != other  # boxes would be the same


def test_a_font_that_a_package_brings_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pylopdf_fonts_zh_cn", reason="needs the extra `report`")
    monkeypatch.setattr(fonts, "_installed", lambda: [])
    found = fonts_for(["选车"])
    assert (found.families, found.missing) == ((LATIN, "Noto Sans SC"), frozenset())


def test_what_no_font_has_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_candidates", lambda: iter(()))
    found = fonts_for(["选车", "ok"])
    assert found.missing == {"选", "车"}
    assert found.draw("ok") and not found.draw("买车")


def test_a_last_resort_of_boxes_is_no_font() -> None:
    found = fonts_for(["\U0010fffd"])
    assert not [family for family in found.families if family.startswith("Last Resort")]


def test_a_font_file_that_is_damaged_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr(fonts, "_candidates", lambda: iter([(f"{tmp_path}/none.ttf", 0, "None")]))
    assert fonts_for(["选"]).families == (LATIN,)
