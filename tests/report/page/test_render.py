"""The page: its numbers, its safety, and what it says where something is missing."""

import re
from collections.abc import Mapping
from datetime import date
from html.parser import HTMLParser
from importlib import resources
from itertools import pairwise
from typing import Any

import pytest

from lstm_sentiment import VersionEvaluation
from lstm_sentiment.display_names import as_display_names
from lstm_sentiment.report.coloured_tokens import TOKENS_CSS
from lstm_sentiment.report.figures.drawing import draw_svg
from lstm_sentiment.report.figures.fonts import LATIN, PlotFonts
from lstm_sentiment.report.figures.panels import Panel
from lstm_sentiment.report.figures.plots import plot_class_scores
from lstm_sentiment.report.language import ENGLISH, Wording
from lstm_sentiment.report.page.render import gather_parts, render_page
from lstm_sentiment.report.wording import language_of, short_names
from lstm_sentiment.training.evaluation.metrics import ClassScores
from tests.contrast import Colour, colour_of, contrast, over, themes
from tests.report.evaluations import make_evaluation, some_evaluation

pytest.importorskip("matplotlib", reason="needs the extra `report`")
pytest.importorskip("jinja2", reason="needs the extra `report`")

CARD: dict[str, Any] = {
    "tokenizer": "unigram",
    "vocabulary_size": 11340,
    "model": {"lstm_units": 64, "lstm_layers": 1, "bidirectional": True},
    "training": {"epochs": 8, "batch_size": 64, "precision": "float32"},
    "metrics": {"dev": {"accuracy": 0.9214}},
    "data": {"train": {"texts": 6213}},
    "history": {
        "loss": [0.4, 0.3],
        "val_loss": [0.35, 0.31],
        "accuracy": [0.8, 0.9],
        "val_accuracy": [0.85, 0.875],
    },
}
HOSTILE = "<script>alert(1)</script>&\"'"


class Page(HTMLParser):
    """What a browser would make of a page, as far as the tests ask."""

    VOID = ("meta", "br", "link", "img", "hr", "input")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page_of(
    evaluated: VersionEvaluation,
    card: Mapping[str, Any] | None = None,
    unnamed: Mapping[int, str] | None = None,
    *,
    drawn: bool = False,
    w: Wording = ENGLISH,
) -> Page:
    """A page; without its plots, which take the most time, unless they are asked for."""
    fonts = PlotFonts((LATIN,), frozenset())
    names = w.labels(evaluated.scores.corpus.label_names)

    def draw(panel: Panel) -> str:
        return panel.svg(names, fonts) if drawn else "<svg></svg>"

    parts = gather_parts(w, evaluated, card)
    page = Page(render_page(parts, draw, unnamed or {}, date(2026, 11, 23)))
    assert page.open == []
    return page


@pytest.fixture(scope="module")
def page() -> Page:
    return page_of(some_evaluation(), CARD, drawn=True)


def test_the_numbers_are_those_of_the_evaluation(page: Page) -> None:
    evaluated = some_evaluation()
    scores = evaluated.evaluation
    assert "45 of 60 texts classified correctly." in page.text
    assert "Accuracy 75.0% 95% interval 62.8–84.2%" in page.text
    assert f"Macro-F1 {scores.macro_f1:.3f} mean of the classes' F1 95% interval" in page.text
    assert f"Calibration error {scores.calibration_error:.3f}" in page.text
    for label, row in zip(scores.classes, scores.confusion_matrix, strict=True):
        assert f"{label.label} {' '.join(map(str, row))}" in page.text
        numbers = f"{label.precision:.3f} {label.recall:.3f} {label.f1:.3f} {label.support}"
        assert f"{label.label} {numbers}" in page.text
    assert "Empty (left out) 2" in page.text


def test_each_section_has_its_figures_with_words_for_those_who_do_not_see_them(page: Page) -> None:
    drawn = page.all("svg")
    titles = {
        "Confusion matrix",
        "F1, precision and recall of each class",
        "Reliability",
        "Histogram of probabilities",
        "Accuracy by text length",
        "Accuracy by share of unknown tokens",
        "Loss by epoch",
        "Accuracy by epoch",
    }
    assert len(drawn) == len(titles) == len(page.all("figure")) == len(page.all("figcaption"))
    assert all(title in page.text for title in titles)
    assert all(len(svg["aria-label"] or "") > 30 and svg["role"] == "img" for svg in drawn)
    assert "Best on the dev set: 87.5% in epoch 2." in str(drawn[-1]["aria-label"])
    assert "2 90.0% 87.5%" in page.text


def test_the_page_is_built_as_a_document(page: Page) -> None:
    assert page.source.startswith("<!doctype html>")
    assert page.all("html") == [{"lang": "en"}]
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all("scope" in attributes for attributes in page.all("th"))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    references = {
        *re.findall(r'(?:url\(|href="|aria-labelledby=")#?([\w.-]+)', page.source),
    }
    assert references <= {*ids, "mistakes.csv"}


def test_the_page_asks_for_nothing(page: Page) -> None:
    assert not re.search(r"//|@import|src=", page.source)
    assert not {"script", "link", "img", "iframe", "object", "form"} & {tag for tag, _ in page.tags}
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)


def test_plots_take_the_colours_of_the_page(page: Page) -> None:
    used = set(re.findall(r"var\((--plot-\w+)\)", page.source))
    assert used >= {"--plot-ink", "--plot-muted", "--plot-grid", "--plot-first", "--plot-second"}
    light, dark, printed = re.findall(r"--plot-first: (#\w+)", page.source)
    assert light == printed != dark
    # No colour but those: what was drawn in black could not be read in dark.
    assert not re.findall(r'style="[^"]*#[0-9a-f]{6}', page.source)


def test_chinese_names_are_words_in_the_plots(page: Page) -> None:
    drawn = page.source[page.source.index("<svg") : page.source.index("</svg>")]
    assert re.search(r"<text[^>]*>选车</text>", drawn)
    assert "font-family" not in drawn


def test_what_comes_from_outside_is_escaped() -> None:
    evaluated = make_evaluation(
        [HOSTILE, "好"], [0, 1], [[0.1, 0.9], [0.1, 0.9]], names=(HOSTILE, "$x$")
    )
    card = {
        **CARD,
        "tokenizer": HOSTILE,
        "training": {HOSTILE: HOSTILE},
        "metrics": {HOSTILE: {"accuracy": HOSTILE}},
    }
    for one in (evaluated, VersionEvaluation(evaluated.scores)):
        page = page_of(one, card, {0: HOSTILE})
        assert "script" not in {tag for tag, _ in page.tags}
        assert "<script" not in page.source
        assert page.text.count(HOSTILE) > 10


def test_hostile_names_are_escaped_in_plots_and_make_no_formulas() -> None:
    plot = plot_class_scores(ENGLISH, [ClassScores(name, 1, 1, 1, 1) for name in "ab"])
    fonts = PlotFonts((LATIN,), frozenset())
    drawn = draw_svg(plot, (HOSTILE, "$\\frac$"), fonts, HOSTILE)
    page = Page(drawn)
    assert page.all("svg")[0]["aria-label"] == HOSTILE
    assert {HOSTILE, "$\\frac$"} <= set(page.words)
    assert not page.all("script")


def test_mistakes_show_labels_probabilities_and_coloured_tokens() -> None:
    evaluated = make_evaluation(["好房间", "差"], [0, 1], [[0.125, 0.875], [0.1, 0.9]], names="ab")
    page = page_of(evaluated)
    assert "predicted b 87.5% true label a 12.5%" in page.text
    assert "labels check --data FILE --page suspects.html finds such labels" in page.text
    tokens = [
        attributes["class"]
        for attributes in page.all("span")
        if (attributes.get("class") or "").startswith("token ")
    ]
    assert tokens[2:] == ["token for strong", "token against strong", "token against strong"]


def test_a_long_text_is_cut_and_the_rest_is_counted() -> None:
    long = "好" * 100_000
    evaluated = make_evaluation([long], [0], [[0.2, 0.8]], names="ab")
    page = page_of(evaluated)
    assert "… and 99,400 tokens more" in page.text
    assert len(page.source) < 300_000
    page = page_of(VersionEvaluation(evaluated.scores))
    assert "… and 98,500 characters more" in page.text


def test_texts_seen_in_training_are_told_loudly() -> None:
    warned = page_of(some_evaluation(seen=12))
    assert "12 of these 60 texts were used to train this version." in warned.text
    assert len(warned.all("aside")) == 1
    assert not page_of(some_evaluation(seen=0)).all("aside")
    assert "Seen in training unknown" in page_of(some_evaluation(seen=None)).text


def test_missing_parts_are_said_to_be_missing() -> None:
    page = page_of(some_evaluation(sizes=False, can_explain=False))
    assert "Learning curves are not available" in page.text
    assert "The version has no card" in page.text
    assert "Accuracy by share of unknown tokens is not available" in page.text
    assert "Characters Texts Correct Accuracy" in page.text
    assert not [one for one in page.all("span") if one.get("class") == "token for"]
    right = make_evaluation(["a", "b"], [0, 1], [[0.9, 0.1], [0.1, 0.9]], names="ab")
    assert "None: every text was classified correctly." in page_of(right).text


@pytest.mark.parametrize(
    "history",
    [
        None,
        3,
        {"loss": "x", "val_loss": [1.0]},
        {"loss": [1.0, 2.0], "val_loss": [1.0]},
        {"loss": [float("nan")], "val_loss": [1.0]},
        {"loss": [], "val_loss": []},
        {"loss": [1.0]},
    ],
)
def test_a_card_whose_history_is_no_history_has_no_curves(history: object) -> None:
    page = page_of(some_evaluation(), {"history": history, "model": 3, "data": ["x"]})
    assert "Learning curves are not available" in page.text


def test_many_classes_are_cut_to_those_with_most_texts() -> None:
    names = [f"类{n}" for n in range(34)]
    page = page_of(some_evaluation(names=names, texts=102))
    assert (
        "Only the 30 most frequent classes are shown; the scores above include all 34 classes."
        in page.text
    )
    assert "Most frequent confusions" in page.text


def test_classes_that_pngs_name_by_number_are_told() -> None:
    page = page_of(some_evaluation(), unnamed={1: "选车"})
    assert "the PNG files beside this page show their numbers: #1 = 选车" in page.text


def test_names_are_short_and_stay_different() -> None:
    assert short_names(["negative", "选车"], 14) == ("negative", "选车")
    long = short_names(["customer complaints about delivery", "一个很长的类别名称"], 14)
    assert long == ("customer comp…", "一个很长的类…")
    alike = short_names(["customer complaints one", "customer complaints two"], 14)
    assert alike == ("0 customer co…", "1 customer co…")
    assert short_names([" ", "a\nb"], 14) == ("(empty)", "a b")


@pytest.mark.parametrize(
    ("text", "language"),
    [("选车", "zh"), ("ホテル北", "ja"), ("호텔", "ko"), ("hotel", ""), ("", "")],
)
def test_letters_tell_the_language(text: str, language: str) -> None:
    assert language_of(text) == language


ZH = Wording("zh", as_display_names({"不买": {"en": "no"}, "买车": {"zh": "买"}}))


def test_a_chinese_page_has_no_english_sentence() -> None:
    evaluated = some_evaluation(seen=12, texts=120)
    page = page_of(evaluated, CARD, {1: "选车"}, drawn=True, w=ZH)
    assert page.all("html") == [{"lang": "zh-CN"}]
    assert "120 条文本中有 90 条分类正确。" in page.text
    assert "这 120 条文本中有 12 条曾用于训练该版本。" in page.text
    assert "文件和接口中的标签：买车" in page.text
    # Names of settings, commands and files are the same in every language.
    body = re.sub(r"<style>.*?</style>|<code>.*?</code>|<a .*?</a>", "", page.source, flags=re.S)
    settings = body.index("全部设置")
    words = re.findall(r">([^<>]+)<", body[:settings])
    sentences = [*words, *re.findall('aria-label="(.*?)"', body)]
    english = [each for each in sentences if len(re.findall("[A-Za-z]{2,}", each)) > 1]
    assert {each.strip() for each in english} <= {"cars"}
    assert [each for each in sentences if re.search(r"[\u4e00-\u9fff\w] ?[,:;] ", each)] == []


def test_both_languages_have_the_same_parts() -> None:
    evaluated = some_evaluation(seen=None)
    english, chinese = (page_of(evaluated, CARD, w=w) for w in (ENGLISH, ZH))
    assert [tag for tag, _ in english.tags if tag != "small"] == [
        tag for tag, _ in chinese.tags if tag != "small"
    ]


def test_display_names_take_the_place_of_labels() -> None:
    w = Wording("en", as_display_names({"a": "poor", "b": {"zh": "好"}}))
    evaluated = make_evaluation(["好房间", "差"], [0, 1], [[0.125, 0.875], [0.1, 0.9]], names="ab")
    page = page_of(evaluated, w=w, drawn=True)
    assert "predicted b 87.5% true label poor 12.5%" in page.text
    assert "poor label in files and answers: a" in page.text
    assert re.search(r"<text[^>]*>poor</text>", page.source)


def test_all_mistakes_are_linked_and_colours_mean_one_thing_in_them() -> None:
    page = page_of(some_evaluation())
    assert "All 15 mistakes are in mistakes.csv" in page.text
    assert page.all("a") == [{"href": "mistakes.csv"}]
    (label,) = re.findall(r"\.label \{[^}]*\}", page.source)
    (true,) = re.findall(r"\.label\.true \{[^}]*\}", page.source)
    assert "--plot" not in label + true


_CSS = resources.files("lstm_sentiment.report.page").joinpath("templates", "report.css").read_text()
_SCREEN, _PRINT = _CSS.split("@media print")


@pytest.mark.parametrize("theme", themes(_SCREEN), ids=["light", "dark"])
def test_words_can_be_told_from_what_is_below_them(theme: dict[str, Colour]) -> None:
    for ground in ("paper", "sheet"):
        for text in ("ink", "muted", "blue"):
            assert contrast(theme[text], theme[ground]) >= 4.5, (text, ground)
        unread = over(theme["ink"], theme[ground], 0.65)
        assert contrast(unread, theme[ground]) >= 4.5
    assert contrast(theme["ink"], theme["warning"]) >= 4.5
    assert contrast(theme["ink"], theme["line"]) >= 4.5  # the true label


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_words_can_be_read_on_the_colour_of_their_weight(theme: int) -> None:
    page = themes(_SCREEN)[theme]
    for kind in ("token-for", "token-against"):
        colour = colour_of(re.findall(f"--{kind}: ([^;]*);", TOKENS_CSS)[theme])
        assert colour is not None
        assert contrast(page["ink"], over(colour, page["sheet"], 0.55)) >= 4.5, kind
