"""The page at `/` shows the facts of a version's card; in a real browser.

Skipped where there is no Chromium, see `tests.chromium`.
"""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright import sync_api as playwright
from playwright.sync_api import expect

from lstm_sentiment.models_config.config import single_model_config
from lstm_sentiment.serving.access.authentication import BearerTokens
from lstm_sentiment.serving.server import ModelServer
from lstm_sentiment.serving.server_options import ServerOptions
from tests.chromium import WAIT_MILLISECONDS, chromium
from tests.serving.page_models import ALL_SIGNATURES, add_card, save_page_version

NAMES = {"差评": {"zh": "不满意", "en": "complaint"}, "好评": {"zh": "满意", "en": "praise"}}
EXAMPLES = (
    "差评:又差又贵，不会再来。",
    "好评:房间很好，早餐也好。",
    "好评:两行\n好",
    "差评:" + "很差" * 99,
)
SHORT = ["又差又贵，不会再来。", "房间很好，早餐也好。"]


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def base_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("card") / "hotel"
    version_dir = save_page_version(path, 7, 0.5, [*ALL_SIGNATURES, "text_statistics"])
    add_card(version_dir, NAMES, *EXAMPLES)
    return path


@pytest.fixture(scope="module")
def url(base_path: Path) -> Iterator[str]:
    options = ServerOptions(file_system_poll_wait_seconds=0)
    with ModelServer(single_model_config("hotel", base_path), options, port=0) as server:
        yield f"http://127.0.0.1:{server.rest_api_port}/"


@pytest.fixture
def open_page(browser: playwright.Browser, url: str) -> Iterator[Callable[..., playwright.Page]]:
    contexts: list[playwright.BrowserContext] = []
    complaints: list[str] = []

    def open_(view: str = "", **options: object) -> playwright.Page:
        context = browser.new_context(**{"locale": "zh-CN", **options})  # type: ignore[arg-type]
        contexts.append(context)
        context.set_default_timeout(WAIT_MILLISECONDS)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(url + view)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


def answers(page: playwright.Page) -> playwright.Locator:
    return page.locator("#try-results > li")


def test_an_empty_field_shows_examples_of_the_version(
    open_page: Callable[..., playwright.Page],
) -> None:
    page = open_page()
    expect(answers(page)).to_have_count(3)
    expect(page.get_by_role("heading", level=2)).to_have_text("hotel：不满意还是满意？")
    assert set(SHORT) < {*answers(page).locator(".tokens").all_inner_texts()}
    assert answers(page).locator(".badge").all_inner_texts()[:2] == ["不满意", "满意"]
    expect(page.locator("#try-texts")).to_have_value("")
    expect(page.locator("#try-status")).to_contain_text("示例")
    about = page.get_by_role("group").filter(has_text="测试准确率")
    expect(about).to_contain_text("测试准确率 90.0%（1,000 条未参与训练的文本）")
    expect(about).to_contain_text("2026年11月30日，8,000 条文本")
    page.get_by_role("button", name="填入示例").click()
    assert set(SHORT) < {*page.locator("#try-texts").input_value().split("\n")}


def test_no_page_in_english_shows_english_examples_for_a_chinese_model(
    open_page: Callable[..., playwright.Page],
) -> None:
    page = open_page(locale="en-GB")
    expect(page.get_by_role("heading", level=2)).to_have_text("hotel: complaint or praise?")
    expect(answers(page)).to_have_count(3)
    assert all(
        "差" in text or "好" in text for text in answers(page).locator(".tokens").all_inner_texts()
    )
    assert answers(page).locator(".badge").all_inner_texts()[:2] == ["complaint", "praise"]
    # The label itself is what programs get.
    expect(answers(page).locator(".badge").first).to_have_attribute("title", "差评")


def test_texts_of_words_that_the_model_does_not_know_have_a_note(
    open_page: Callable[..., playwright.Page],
) -> None:
    page = open_page()
    page.locator("#try-texts").fill("好差好\n好吃吗呢\n一二三\nnice room 好")
    expect(answers(page)).to_have_count(4)
    notes = [card.locator(".known-note").all_inner_texts() for card in answers(page).all()]
    assert notes == [
        [],
        ["模型只认识这条文本 4 个词中的 1 个，结果可能不可靠。"],
        ["这条文本里没有模型认识的词，结果不可靠。"],
        ["模型的训练文本使用另一种文字，结果不可靠。"],
    ]


def test_what_a_long_text_has_beyond_the_model_is_noted(
    open_page: Callable[..., playwright.Page],
) -> None:
    page = open_page()
    page.locator("#try-texts").fill("好" * 200 + "差" * 300)
    expect(page.locator(".known-note")).to_have_text(["模型只读取前 200 个词（共 500 个）。"])
    expect(answers(page).locator(".unread")).to_have_text("差" * 80 + "…")


def copied(page: playwright.Page, name: str) -> str:
    card = answers(page).first
    card.get_by_role("button", name=name).click()
    expect(card.get_by_role("status")).to_have_text("已复制。")
    code: str = page.evaluate("navigator.clipboard.readText()")
    assert card.get_by_role("textbox").input_value() == code
    return code


TRICKY = """it's "好" $HOME `id` \\n \\' 😀 %41"""


def without_proxy() -> dict[str, str]:
    return {**os.environ, "no_proxy": "127.0.0.1"}


def test_the_request_for_curl_runs_as_it_was_copied(
    open_page: Callable[..., playwright.Page],
) -> None:
    page = open_page()
    page.locator("#try-texts").fill(TRICKY)
    expect(answers(page).locator(".tokens")).to_have_text([TRICKY])
    code = copied(page, "curl")
    ran = subprocess.run(["bash", "-c", f"{code} -sS"], capture_output=True, env=without_proxy())
    assert ran.stderr == b""
    [answer] = json.loads(ran.stdout)["predictions"]
    assert answer["label"] == "好评"
    assert json.loads(code.split(" -d ")[1][1:-1].replace("'\\''", "'"))["instances"] == [TRICKY]


def test_the_request_for_python_runs_as_it_was_copied(
    open_page: Callable[..., playwright.Page],
) -> None:
    page = open_page()
    page.locator("#try-texts").fill(TRICKY)
    expect(answers(page).locator(".tokens")).to_have_text([TRICKY])
    code = copied(page, "Python")
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, env=without_proxy())
    assert ran.stderr == b""
    assert b"\xe5\xa5\xbd\xe8\xaf\x84" in ran.stdout


def test_requests_hold_no_token_and_run_with_it(
    browser: playwright.Browser, base_path: Path
) -> None:
    options = ServerOptions(file_system_poll_wait_seconds=0, auth_tokens=BearerTokens(["s3cret"]))
    with ModelServer(single_model_config("hotel", base_path), options, port=0) as server:
        context = browser.new_context(locale="zh-CN")
        context.set_default_timeout(WAIT_MILLISECONDS)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{server.rest_api_port}/")
        expect(page.get_by_label("访问令牌")).to_be_focused()
        # Nothing else is there to be used in vain.
        for hidden in ("navigation", "combobox", "contentinfo"):
            expect(page.get_by_role(hidden)).to_have_count(0)
        page.keyboard.type("s3cret")
        page.keyboard.press("Enter")
        expect(answers(page)).to_have_count(3)
        for name, command in (("curl", ["bash", "-c"]), ("Python", [sys.executable, "-c"])):
            code = copied(page, name)
            assert "s3cret" not in code
            ran = subprocess.run(
                [*command, code], capture_output=True, env={**without_proxy(), "TOKEN": "s3cret"}
            )
            assert "差评".encode() in ran.stdout
        assert page.get_by_role("contentinfo").get_by_role("link").count() == 1
        context.close()


def test_many_lines_are_all_answered_and_few_are_cards(
    open_page: Callable[..., playwright.Page],
) -> None:
    page = open_page()
    lines = [f"第{number}条{'好' if number % 4 else '差'}" for number in range(100)]
    page.locator("#try-texts").fill("\n".join(lines))
    expect(page.locator("#try-status")).to_have_text("100 条：“不满意” 25 条，“满意” 75 条。")
    expect(answers(page)).to_have_count(30)
    page.get_by_role("button", name="再显示 30 条").click()
    expect(answers(page)).to_have_count(60)
    expect(answers(page).nth(30)).to_be_focused()
    assert answers(page).nth(59).locator(".token.for").count() > 0
    page.get_by_label("以表格显示").check()
    rows = page.locator("#try-table tbody tr")
    expect(rows).to_have_count(100)
    assert rows.nth(4).inner_text().split()[:4] == ["5", lines[4], "标签", "不满意"]
    with page.expect_download() as found:
        page.get_by_role("button", name="下载 CSV").click()
    assert found.value.suggested_filename == "texts.hotel-7.scored.csv"
    table = Path(found.value.path()).read_text("utf-8-sig")
    header, *records = csv.reader(io.StringIO(table, newline=""))
    assert header == ["text", "predicted_label", "probability_差评", "probability_好评"]
    assert [record[:2] for record in records] == [
        [line, "好评" if number % 4 else "差评"] for number, line in enumerate(lines)
    ]


def test_what_is_known_is_not_asked_again(open_page: Callable[..., playwright.Page]) -> None:
    page = open_page()
    page.locator("#try-texts").fill("好\n差")
    expect(page.locator("#try-status")).to_contain_text("2 条")
    with page.expect_request("**:predict") as found:
        page.locator("#try-texts").fill("好\n差\n好")
        page.locator("#try-texts").fill("好\n差\n好\n好好")
    assert json.loads(found.value.post_data or "")["instances"] == ["好好"]
    expect(page.locator("#try-status")).to_contain_text("4 条")


def test_one_version_is_not_compared_with_itself(
    open_page: Callable[..., playwright.Page],
) -> None:
    page = open_page("#compare")
    page.locator("#compare-texts").fill("好")
    expect(page.locator("#compare-status")).to_contain_text("目前只有一个版本。")
    expect(page.locator("#compare-results > li")).to_have_count(0)


def test_light_or_dark_as_one_likes(open_page: Callable[..., playwright.Page]) -> None:
    page = open_page(color_scheme="light")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("button", name="主题：跟随系统").click()
    page.get_by_role("button", name="主题：浅色").click()
    expect(page.get_by_role("button", name="主题：深色")).to_be_focused()
    dark = page.evaluate(background)
    assert dark != light
    page.reload()
    assert page.evaluate(background) == dark
    page.get_by_role("button", name="主题：深色").click()
    assert page.evaluate(background) == light
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(background) == dark


@pytest.mark.parametrize("width", [360, 820, 1160, 1440])
def test_the_models_are_whole_at_any_width(
    open_page: Callable[..., playwright.Page], width: int
) -> None:
    page = open_page("#models", viewport={"width": width, "height": 740})
    row = page.get_by_role("table", name="模型与版本").get_by_role("row").last
    expect(row.get_by_role("cell").filter(has_text="90.0%")).to_be_visible()
    for cell in row.get_by_role("cell").all():
        box = cell.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    region = page.get_by_role("region", name="模型与版本")
    assert region.evaluate("region => region.scrollWidth <= region.clientWidth")
    expect(row).to_contain_text("● 可用")


def test_programs_find_their_way(open_page: Callable[..., playwright.Page], url: str) -> None:
    links = open_page().get_by_role("contentinfo").get_by_role("link")
    expect(links).to_have_count(4)
    paths = ["openapi.json", "v1/models", "state", "monitoring/prometheus/metrics"]
    assert [link.get_attribute("href") for link in links.all()] == [url + path for path in paths]
