"""`report.html` and `explain.html` in a browser: on a phone, in the dark, printed, by keyboard.

Skipped where there is no Chromium, see `tests.chromium`.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright import sync_api as playwright
from playwright.sync_api import expect

from lstm_sentiment import Explanation, write_report
from lstm_sentiment.display_names import as_display_names
from lstm_sentiment.report.explanation_page import explanation_page
from tests.chromium import chromium
from tests.exported import write_card
from tests.report.evaluations import some_evaluation
from tests.report.page.test_render import CARD

pytest.importorskip("matplotlib", reason="needs the extra `report`")
pytest.importorskip("jinja2", reason="needs the extra `report`")

LONG = "一个很长很长的类别名称" * 4


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module", params=["en", "zh"])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with all sections, and a class whose name fits nowhere."""
    folder = tmp_path_factory.mktemp("report")
    version_dir = folder / "cars" / "3"
    write_card(version_dir, CARD)
    evaluated = some_evaluation(version_dir=version_dir, names=("不买", LONG, "买车"), seen=5)
    return write_report(evaluated, folder / request.param, language=request.param).page


@pytest.fixture(scope="module")
def explanations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explain") / "explain.html"
    answers = [
        Explanation("1", (0.1, 0.9), ("房间", "很", "干净"), (0.5, 0.1, 0.7), 3),
        Explanation("0", (0.8, 0.2), ("wi", "-", "fi", "慢"), (0.1, 0.0, -0.2, 0.9), 3),
    ]
    names = as_display_names({"0": {"zh": "差评"}, "1": {"zh": "好评"}})
    texts = ["房间很干净。" + "很" * 300, "Wi-Fi 慢"]
    path.write_text(explanation_page(answers, texts, language="zh", names=names), "utf-8")
    return path


def opened(browser: playwright.Browser, path: Path, **options: object) -> playwright.Page:
    complaints: list[str] = []
    page = browser.new_page(**options)  # type: ignore[arg-type]
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    assert not complaints
    return page


@pytest.mark.parametrize("width", [360, 1440])
def test_nothing_is_wider_than_the_screen(
    browser: playwright.Browser, report: Path, explanations: Path, width: int
) -> None:
    for path in (report, explanations):
        page = opened(browser, path, viewport={"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.close()


def test_the_tables_of_numbers_are_printed_and_closed_on_the_screen(
    browser: playwright.Browser, report: Path
) -> None:
    page = opened(browser, report, color_scheme="dark")
    tables = page.locator("figure details table")
    assert tables.count() == page.locator("figure").count() == 8
    expect(tables.first).not_to_be_visible()
    page.emulate_media(media="print")
    for number in range(tables.count()):
        expect(tables.nth(number)).to_be_visible()
    expect(page.locator("details .made")).to_be_visible()
    # Whatever the screen was, paper is white.
    ink, paper = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert (ink, paper) == ("rgb(27, 35, 48)", "rgb(255, 255, 255)")
    page.close()


def test_all_that_can_be_opened_is_reached_by_keyboard(
    browser: playwright.Browser, report: Path
) -> None:
    page = opened(browser, report)
    reached: list[str] = []
    while "BODY" not in reached:  # behind the last element the focus leaves the page
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.tagName"))
        if reached[-1] == "SUMMARY":
            page.keyboard.press("Enter")
    assert reached.count("SUMMARY") == page.locator("details[open]").count() == 9
    assert "A" in reached
    page.close()


def test_an_explained_text_reads_as_it_was_written(
    browser: playwright.Browser, explanations: Path
) -> None:
    page = opened(browser, explanations, viewport={"width": 360, "height": 800})
    first, second = (page.locator("article p").nth(number) for number in (0, 1))
    weights = page.locator("article small")
    box = weights.first.bounding_box()
    assert box is not None and box["width"] <= 1
    gaps = page.evaluate(
        """() => {
          const boxes = [...document.querySelectorAll("article:first-of-type .token")]
            .map((token) => token.getBoundingClientRect());
          return boxes.slice(1).map((box, n) => box.left - boxes[n].right);
        }"""
    )
    assert gaps and max(map(abs, gaps)) < 1, "no gap between tokens that have none"
    expect(page.locator("article h2").first).to_contain_text("好评")
    expect(second).to_contain_text("Wi")
    expect(first.locator(".unread")).to_contain_text("很")
    page.get_by_label("显示权重").check()
    box = weights.first.bounding_box()
    assert box is not None and box["width"] > 5
    expect(weights.first).to_have_text("+0.50")
    page.close()
