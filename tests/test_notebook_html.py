"""What notebooks show of results."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment import Explanation, evaluate_predictions
from tests.contrast import colour_of, contrast, over


class Shown(HTMLParser):
    """The text and the tags of a fragment; each tag must be closed."""

    def __init__(self, fragment: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self._open: list[str] = []
        self.feed(fragment)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_an_explanation_shows_label_tokens_and_strong_weights() -> None:
    explanation = Explanation("<b>正面", (0.1, 0.9), ("很", "<script>", "差"), (0.1, 0.8, -0.5), 3)
    shown = Shown(explanation._repr_html_())
    assert shown.text.split() == ["<b>正面", "90.0%很<script>", "+0.80差", "-0.50"]
    assert set(shown.tags) == {"div", "strong", "span", "small"}
    # Against the label: by more than a colour.
    assert explanation._repr_html_().count("underline") == 1


@given(st.lists(st.tuples(st.text(), st.floats()), max_size=5))
def test_any_explanation_is_whole_html(pairs: list[tuple[str, float]]) -> None:
    tokens = tuple(token for token, _ in pairs)
    shown = Explanation("a", (1.0,), tokens, tuple(weight for _, weight in pairs), None)
    assert set(Shown(shown._repr_html_()).tags) <= {"div", "strong", "span", "small"}


def test_an_evaluation_shows_the_interval_the_classes_and_the_confusion_matrix() -> None:
    shown = Shown(evaluate_predictions([0, 1, 1, 1], [0, 1, 1, 0], ["a&b", "<i>"])._repr_html_())
    for part in ("75.0% (30.1% to 95.4%)", "a&b", "<i>", "Confusion matrix", "66.7%"):
        assert part in shown.text
    assert "i" not in shown.tags


@pytest.mark.parametrize(("text", "background"), [("#111111", "#ffffff"), ("#dddddd", "#111111")])
def test_tokens_are_readable_on_light_and_dark_backgrounds(text: str, background: str) -> None:
    shown = Explanation("a", (1.0,), ("好", "坏"), (0.8, -0.8), None)._repr_html_()
    below, ink = colour_of(background), colour_of(text)
    strongest = re.findall(r"rgba\((\d+), (\d+), (\d+), ([\d.]+)\)", shown)
    assert below is not None and ink is not None and len(strongest) == 2
    for red, green, blue, opacity in strongest:
        behind = over((int(red), int(green), int(blue)), below, float(opacity))
        assert contrast(ink, behind) >= 4.5


def test_tables_have_the_colour_of_the_notebook() -> None:
    shown = evaluate_predictions([0, 1], [0, 1], ["a", "b"])._repr_html_()
    assert shown.count("<table") == shown.count('<table style="color: inherit')


@pytest.mark.parametrize(("classes", "tables"), [(20, 3), (21, 2)])
def test_many_classes_have_no_matrix(classes: int, tables: int) -> None:
    ids = range(classes)
    html = evaluate_predictions(ids, ids, [str(i) for i in ids])._repr_html_()
    assert Shown(html).tags.count("table") == tables
