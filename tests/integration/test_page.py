"""The page at `/` in a real browser: headless Chromium, driven by Playwright, before a real server.

Skipped where there is no Chromium, see `tests.chromium`.
"""

import csv
import io
import json
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright import sync_api as playwright
from playwright.sync_api import expect

from lstm_sentiment.models_config.config import parse_models_config
from lstm_sentiment.serving.access.authentication import BearerTokens
from lstm_sentiment.serving.inference.limits import RequestLimits
from lstm_sentiment.serving.server import ModelServer
from lstm_sentiment.serving.server_options import ServerOptions
from lstm_sentiment.text.corpus.tables.spreadsheet import guarded
from lstm_sentiment.training.evaluation.intervals import estimate_accuracy
from tests.chromium import WAIT_MILLISECONDS, chromium
from tests.serving.page_models import save_page_version

Page: TypeAlias = playwright.Page

HOSTILE = '<img src=x onerror="window.harmed = true"> 好'
TOKEN = "let-me-in"


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def base_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 1 leans to praise, 2 to complaint, 3 only has `text`."""
    path = tmp_path_factory.mktemp("page") / "hotel"
    save_page_version(path, 1, 0.5)
    save_page_version(path, 2, -0.5)
    save_page_version(path, 3, -0.5, ["text"])
    return path


def served(base_path: Path, versions: str, **options: Any) -> ModelServer:
    config = parse_models_config(
        f"""model_config_list {{ config {{
          name: "hotel" base_path: "{base_path}" model_platform: "tensorflow"
          model_version_policy {{ specific {{ {versions} }} }}
          version_labels {{ key: "stable" value: 1 }}
        }} }}"""
    )
    return ModelServer(config, ServerOptions(file_system_poll_wait_seconds=0, **options), port=0)


@pytest.fixture(scope="module")
def server(base_path: Path) -> Iterator[str]:
    limits = RequestLimits(max_batch_size=1024, max_text_bytes=200)
    with served(base_path, "versions: 1 versions: 2 versions: 3", limits=limits) as server:
        yield f"http://127.0.0.1:{server.rest_api_port}/"


class Visit:
    """One page of its own, and all that it asked, said and broke."""

    def __init__(
        self, browser: playwright.Browser, url: str, may_complain: str | None, **options: Any
    ) -> None:
        self.may_complain = may_complain  # part of what the browser says of an answer we want
        self.context = browser.new_context(**{"locale": "zh-CN", **options})
        self.context.set_default_timeout(WAIT_MILLISECONDS)
        self.page = self.context.new_page()
        self.url = url
        self.requests: list[str] = []
        self.questions: list[tuple[str, Any]] = []
        self.console: list[str] = []
        self.page.on("request", self._note)
        self.page.on("console", lambda message: self.console.append(message.text))
        self.page.on("pageerror", lambda error: self.console.append(str(error)))
        self.page.add_init_script(
            "document.addEventListener('securitypolicyviolation',"
            " (event) => console.error(`policy: ${event.violatedDirective}`))"
        )

    def _note(self, request: playwright.Request) -> None:
        self.requests.append(request.url)
        if request.method == "POST":
            path = request.url.removeprefix(self.url)
            self.questions.append((path, json.loads(request.post_data or "")))

    def asked(self, signature: str) -> list[tuple[str, list[str]]]:
        return [
            (path, body["instances"])
            for path, body in self.questions
            if body["signature_name"] == signature
        ]

    def go(self, view: str = "") -> Page:
        self.page.goto(self.url + view)
        return self.page


@pytest.fixture
def visit(browser: playwright.Browser, server: str) -> Iterator[Callable[..., Visit]]:
    visits: list[Visit] = []

    def start(url: str = server, may_complain: str | None = None, **options: Any) -> Visit:
        visits.append(Visit(browser, url, may_complain, **options))
        return visits[-1]

    yield start
    for each in visits:
        allowed = each.may_complain
        said = [line for line in each.console if allowed is None or allowed not in line]
        each.context.close()
        assert said == []
        assert {u for u in each.requests if not u.startswith((each.url, "blob:", "data:"))} == set()


def texts_of(page: Page, name: str = "文本") -> playwright.Locator:
    return page.get_by_role("textbox", name=name, exact=True)


def choice_of(page: Page, name: str = "模型与版本") -> playwright.Locator:
    return page.get_by_role("combobox", name=name, exact=True)


def answers(page: Page, view: str = "try") -> playwright.Locator:
    return page.locator(f"#{view}-results > li")


def test_typing_shows_label_probabilities_and_shaded_tokens(visit: Callable[..., Visit]) -> None:
    one = visit()
    page = one.go("#try?model=hotel&version=1")
    texts_of(page).fill(f"早餐差，房间很好好\n\n{HOSTILE}\n")
    expect(answers(page)).to_have_count(2)
    expect(page.locator("#try-status")).to_have_text("2 条：“好评” 2 条。")
    first, hostile = answers(page).all()
    expect(first.locator(".badge")).to_have_text("好评")
    expect(first.locator(".bar-row")).to_have_text(
        ["差评\n4.7%", "好评\n95.3%"], use_inner_text=True
    )
    expect(first.locator(".token.for")).to_have_text(["好", "好"], use_inner_text=True)
    against = first.locator(".token.against")
    expect(against).to_have_text(["差"], use_inner_text=True)
    expect(against).to_have_attribute("title", "−1.00")
    assert against.evaluate("e => e.style.getPropertyValue('--weight')") == "1.000"
    assert against.evaluate("e => getComputedStyle(e).backgroundColor") == "rgba(234, 88, 12, 0.55)"
    first.locator("summary").click()
    weights = first.locator(".weight-row").all_inner_texts()
    assert [row.split() for row in weights[:3]] == [
        ["差", "−1.00"],
        ["好", "+1.00"],
        ["好", "+1.00"],
    ]
    # Text of a stranger is text.
    expect(hostile.locator(".tokens")).to_have_text(HOSTILE, use_inner_text=True)
    assert page.locator("main img").count() == 0
    assert page.evaluate("window.harmed") is None
    assert one.asked("explain")[-1] == (
        "v1/models/hotel/versions/1:predict",
        ["早餐差，房间很好好", HOSTILE],
    )


def test_the_version_chosen_is_the_one_asked(visit: Callable[..., Visit]) -> None:
    one = visit()
    page = one.go()
    texts_of(page).fill("房间")
    # The latest has neither `explain` nor `classify`.
    expect(answers(page).locator(".badge")).to_have_text("差评")
    expect(page.get_by_text("这个版本无法给出各词的权重。")).to_be_visible()
    expect(answers(page).locator(".bar-name")).to_have_text(
        ["类别 0", "类别 1"], use_inner_text=True
    )
    assert one.asked("text")[-1] == ("v1/models/hotel:predict", ["房间"])
    choice = choice_of(page)
    expect(choice.locator("option")).to_have_text(
        [
            "hotel · 最新（v3）",
            "hotel · stable（v1）",
            "hotel · v3",
            "hotel · v2",
            "hotel · v1",
        ],
        use_inner_text=True,
    )
    choice.select_option(label="hotel · stable（v1）")
    expect(answers(page).locator(".badge")).to_have_text("好评")
    expect(answers(page).locator(".bar-name")).to_have_text(["差评", "好评"], use_inner_text=True)
    assert one.asked("explain")[-1] == ("v1/models/hotel/labels/stable:predict", ["房间"])
    assert page.url.endswith("#try?model=hotel&label=stable")
    choice.select_option(label="hotel · v2")
    expect(answers(page).locator(".badge")).to_have_text("差评")
    page.reload()
    expect(choice.locator("option:checked")).to_have_text("hotel · v2")


def test_names_that_do_not_fit_the_answer_are_not_shown(visit: Callable[..., Visit]) -> None:
    one = visit()
    names = {"results": [[["好评", 0.6], ["差评", 0.4]]]}  # of a version that came in between, say
    one.page.route("**:classify", lambda route: route.fulfill(json=names))
    page = one.go("#try?model=hotel&label=stable")
    texts_of(page).fill("好")
    expect(answers(page).locator(".badge")).to_have_text("好评")
    expect(answers(page).locator(".bar-name")).to_have_text(
        ["类别 0", "类别 1"], use_inner_text=True
    )


def test_an_old_answer_never_overwrites_a_newer_one(visit: Callable[..., Visit]) -> None:
    one = visit()
    held: list[playwright.Route] = []
    one.page.route(
        "**/versions/1:predict",
        lambda route: (
            held.append(route) if "差" in (route.request.post_data or "") else route.continue_()
        ),
    )
    page = one.go("#try?model=hotel&version=1")
    field = texts_of(page)
    with page.expect_request("**/versions/1:predict"):
        field.fill("差")
    with page.expect_event("requestfailed"):  # given up, for there is a newer one
        field.fill("好")
    expect(answers(page).locator(".badge")).to_have_text("好评")
    [old] = held
    assert old.request.failure == "net::ERR_ABORTED"
    expect(answers(page).locator(".tokens")).to_have_text(["好"], use_inner_text=True)


def test_ctrl_enter_asks_at_once(visit: Callable[..., Visit]) -> None:
    one = visit()
    one.page.clock.install()
    page = one.go("#try?model=hotel&version=1")
    expect(choice_of(page)).to_have_value('{"model":"hotel","kind":"version","name":"1"}')
    page.clock.pause_at("2100-01-01")
    field = texts_of(page)
    field.fill("好")
    assert one.asked("explain") == []
    field.press("Control+Enter")
    expect(answers(page)).to_have_count(1)


def test_two_versions_side_by_side(visit: Callable[..., Visit]) -> None:
    one = visit()
    page = one.go("#compare")
    choice_of(page, "A 模型与版本").select_option(label="hotel · stable（v1）")
    choice_of(page, "B 模型与版本").select_option(label="hotel · v2")
    texts_of(page).fill("很好好\n一般\n差差")
    expect(page.locator("#compare-status")).to_have_text("3 条中有 1 条结果不同。")
    differing, same, _ = answers(page, "compare").all()  # what differs comes first
    expect(same).to_contain_text("= 结果相同")
    expect(differing).to_contain_text("≠ 结果不同")
    expect(differing).to_contain_text("概率最多相差 46.2 个百分点")
    expect(differing.locator(".tokens").first).to_have_text("一般", use_inner_text=True)
    titles = differing.locator(".sides").first.locator("h3").all_inner_texts()
    assert titles == ["A\nhotel v1", "B\nhotel v2"]
    expect(differing.locator(".badge")).to_have_text(["好评", "差评"], use_inner_text=True)
    page.get_by_label("只看不同的").check()
    expect(answers(page, "compare")).to_have_count(1)
    paths = {path for path, texts in one.asked("explain") if texts[1:2] == ["一般"]}
    assert paths == {"v1/models/hotel/labels/stable:predict", "v1/models/hotel/versions/2:predict"}
    # The texts are those of the other view as well.
    page.get_by_role("link", name="试一试").click()
    expect(texts_of(page)).to_have_value("很好好\n一般\n差差")


def test_a_class_has_one_colour_in_both_versions(visit: Callable[..., Visit]) -> None:
    one = visit()

    def ask_about(route: playwright.Route) -> None:
        route.fulfill(json={**route.fetch().json(), "labels": ["好评", "差评"]})

    def predict(route: playwright.Route) -> None:
        rows = route.fetch().json()["predictions"]
        for row in rows:
            if "probabilities" in row:
                row["probabilities"].reverse()
        route.fulfill(json={"predictions": rows})

    # Version 2 has its classes in the other order.
    one.page.route("**/about/hotel/2", ask_about)
    one.page.route("**/versions/2:predict", predict)
    page = one.go("#compare")
    choice_of(page, "A 模型与版本").select_option(label="hotel · v1")
    choice_of(page, "B 模型与版本").select_option(label="hotel · v2")
    texts_of(page).fill("一般")
    bars = answers(page, "compare").locator(".bar-row").filter(has_text="好评")
    expect(bars).to_have_count(2)
    first, second = [bar.get_attribute("class") or "" for bar in bars.all()]
    assert first.split()[1] == second.split()[1]


STATE: dict[str, Any] = {
    "started": "2026-01-01T00:00:00Z",
    "uptime_seconds": 7300.5,
    "server": "lstm-sentiment 9.9",
    "models": [
        {
            "name": "hotel",
            "labels": {"stable": 1, "canary": 2},
            "versions": [
                {"version": 3, "state": "END", "error": "no <b>graph</b>", "state_seconds": 5.0}
                | {"requests": 0, "errors": 0, "latency_ms": None},
                {"version": 2, "state": "LOADING", "error": "", "state_seconds": 65}
                | {"requests": 0, "errors": 0, "latency_ms": None},
                {"version": 1, "state": "AVAILABLE", "error": "", "state_seconds": 180000.0}
                | {"requests": 12345, "errors": 7}
                | {"latency_ms": {"mean": 3.1, "p50": 2.54, "p99": 19.6}},
            ],
            "errors_without_version": 2,
        }
    ],
    "shadow": [
        {"model": "hotel", "of": {"label": "stable"}, "to": {"version": 2}, "share": 0.1}
        | {"compared": 900, "agreed": 870, "agreement": 0.967, "dropped": 2, "failed": 1}
        | {"largest_difference": 0.31, "recent_disagreements": []}
    ],
}


def test_the_table_tells_what_the_server_does(visit: Callable[..., Visit]) -> None:
    one = visit()
    told: list[dict[str, Any]] = [STATE]
    one.page.route("**/state", lambda route: route.fulfill(json=told[0]))
    one.page.clock.install()
    page = one.go("#models")
    table = page.get_by_role("table", name="模型与版本")
    rows = table.locator("tbody tr")
    expect(rows).to_have_count(5)
    assert [text.split("\t") for text in rows.all_inner_texts()] == [
        ["hotel", "3", "", "✕ 加载失败", "", "", "5 秒", "0", "0", "–", "–"],
        ["no <b>graph</b>"],
        ["hotel", "2", "canary", "◔ 加载中", "", "", "1 分钟", "0", "0", "–", "–"],
        ["hotel", "1", "stable", "● 可用", "", "", "2 天", "12,345", "7", "2.5", "20"],
        ["hotel：另有 2 个请求出错，未到达任何版本。"],
    ]
    expect(page.get_by_text("lstm-sentiment 9.9，已运行 2 小时。")).to_be_visible()
    shadow = page.locator(".shadow")
    expect(shadow.get_by_role("heading")).to_have_text("影子流量：hotel，stable → v2")
    agreement = "870 / 900 条结果一致（96.7%，95% 置信区间 95.3% 至 97.7%）"
    expect(shadow.locator(".agreement")).to_have_text(agreement)
    expect(shadow).to_contain_text("已对比 900 条（抽样 10.0%）；因繁忙跳过 2 条，失败 1 条。")
    told[0] = {**STATE, "uptime_seconds": 90000}
    page.clock.run_for(3100)
    expect(page.get_by_text("已运行 1 天。")).to_be_visible()
    # Nobody looks: nothing is asked.
    hide(page, True)
    before = one.requests.count(one.url + "state")
    page.clock.run_for(20_000)
    assert one.requests.count(one.url + "state") == before
    with page.expect_request("**/state"):  # the event may reach this process after the call
        hide(page, False)
    assert one.requests.count(one.url + "state") == before + 1


def hide(page: Page, hidden: bool) -> None:
    page.evaluate(
        "value => { Object.defineProperty(document, 'hidden', {value, configurable: true});"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        hidden,
    )


def test_the_real_state_fills_the_table(visit: Callable[..., Visit]) -> None:
    page = visit().go("#models")
    # One more row counts requests of other tests that were cancelled before a version had them.
    rows = page.get_by_role("table", name="模型与版本").locator("tbody tr:has(td + td)")
    expect(rows).to_have_count(3)
    assert [row.split("\t")[:4] for row in rows.all_inner_texts()] == [
        ["hotel", "3", "", "● 可用"],
        ["hotel", "2", "", "● 可用"],
        ["hotel", "1", "stable", "● 可用"],
    ]


FEW = {**STATE["shadow"][0], "compared": 3, "agreed": 3, "agreement": 1.0}


def test_an_agreement_of_few_texts_is_no_conclusion(visit: Callable[..., Visit]) -> None:
    one = visit()
    one.page.route("**/state", lambda route: route.fulfill(json={**STATE, "shadow": [FEW]}))
    shadow = one.go("#models").locator(".shadow")
    expect(shadow).to_contain_text("3 / 3 条结果一致（100.0%，95% 置信区间 43.9% 至 100.0%）")
    expect(shadow).to_contain_text("文本太少，还不能下结论。")
    text, muted = shadow.locator("p.agreement").evaluate(
        "e => [getComputedStyle(e).color, getComputedStyle(e.nextSibling).color]"
    )
    assert text == muted


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_the_interval_is_that_of_the_command_line(csv_page: Page, counts: tuple[int, int]) -> None:
    interval = csv_page.evaluate(
        "async counts => (await import('./ui/models_view.js')).wilsonInterval(...counts)", counts
    )
    estimate = estimate_accuracy(*counts)
    assert interval == pytest.approx([estimate.low, estimate.high], abs=1e-12)


def upload(page: Page, name: str, contents: bytes) -> None:
    page.get_by_label("选择文件").set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": contents}
    )


def downloaded(page: Page) -> tuple[str, bytes]:
    with page.expect_download() as found:
        page.locator("#file-download").click()
    return found.value.suggested_filename, Path(found.value.path()).read_bytes()


def read_back(contents: bytes) -> list[list[str]]:
    assert contents.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(contents.decode("utf-8-sig"), newline="")))


TABLE = [
    ["id", "评论", "predicted_label"],
    ["1", '好，"真的"好', "=1+1"],
    ["2", "第一行差\n第二行,差\r\n第三行", " 前后有空格 "],
    ["3", "  ", "没有文本"],
    ["4", "好" * 100, "太长"],
    ["5", HOSTILE, "-7"],
]


def test_a_table_comes_back_as_it_was_and_scored(visit: Callable[..., Visit]) -> None:
    one = visit(may_complain="status of 400")
    page = one.go("#file")
    made = io.StringIO(newline="")
    csv.writer(made).writerows(TABLE)
    upload(page, "评论.CSV", made.getvalue().encode("utf-8-sig"))
    expect(page.get_by_label("文本所在的列").locator("option:checked")).to_have_text("评论")
    expect(page.locator("#file-about")).to_contain_text("评论.CSV：5 行")
    assert page.locator("#file-preview tbody tr").count() == 4
    choice_of(page).select_option(label="hotel · stable（v1）")
    page.get_by_role("button", name="开始", exact=True).click()
    expect(page.locator("#file-status")).to_have_text(
        "已处理 3 条，使用 hotel v1。"
        "服务器拒绝了 1 行，原因写在 scoring_error 列。1 行没有文本，留空。"
    )
    name, contents = downloaded(page)
    assert name == "评论.hotel-1.scored.csv"
    header, *rows = read_back(contents)
    added = ["predicted_label_2", "probability_差评", "probability_好评", "scoring_error"]
    assert header == TABLE[0] + added
    assert [row[:3] for row in rows] == [["1", TABLE[1][1], " =1+1"], *TABLE[2:]]  # no formula
    assert [row[3] for row in rows] == ["好评", "差评", "", "", "好评"]
    assert rows[2][4:] == ["", "", ""]
    assert rows[3][6] == "each of `text` must have at most 200 bytes. Received: 300 bytes in row 0."
    assert float(rows[0][4]) + float(rows[0][5]) == pytest.approx(1)
    # What goes out is the column's texts alone, as they are, and to the version of the beginning.
    assert {path for path, _ in one.asked("text")} == {"v1/models/hotel/versions/1:predict"}
    assert one.asked("text")[0][1] == [TABLE[i][1] for i in (1, 2, 4, 5)]


def test_a_long_file_goes_in_batches_and_can_be_cancelled(visit: Callable[..., Visit]) -> None:
    one = visit(may_complain="status of 503")
    lines = [f"第{number}条{'好' if number % 3 else '差'}" for number in range(150)]
    busy, held = [0], [True]

    def answer(route: playwright.Route) -> None:
        instances = json.loads(route.request.post_data or "")["instances"]
        if instances[0] == lines[64]:
            if not busy[0]:
                busy[0] = 1
                return route.fulfill(status=503, json={"error": "overloaded"})
            if held[0]:
                return None
        return route.continue_()

    one.page.route("**/versions/2:predict", answer)
    page = one.go("#file")
    upload(page, "many.txt", "\r\n".join(lines).encode())
    expect(page.get_by_label("第一行是列名")).to_be_hidden()
    choice_of(page).select_option(label="hotel · v2")
    page.get_by_role("button", name="开始", exact=True).click()
    expect(page.locator("#file-progress-text")).to_contain_text("服务器正忙")
    progress = page.get_by_role("progressbar", name="进度")
    expect(progress).to_have_attribute("max", "150")
    assert progress.evaluate("bar => bar.value") == 64
    page.get_by_role("button", name="取消").click()
    expect(page.locator("#file-status")).to_contain_text("已取消，处理了 64 条。")
    _, rows = read_back(downloaded(page)[1])[0], read_back(downloaded(page)[1])[1:]
    assert [row[0] for row in rows] == lines
    assert [bool(row[1]) for row in rows] == [True] * 64 + [False] * 86
    held[0] = False
    page.get_by_role("button", name="继续").click()
    expect(page.locator("#file-status")).to_have_text("已处理 150 条，使用 hotel v2。")
    header, *rows = read_back(downloaded(page)[1])
    assert header == ["text", "predicted_label", "probability_差评", "probability_好评"]
    assert [row[1] for row in rows] == ["好评" if n % 3 else "差评" for n in range(150)]
    expect(page.locator("#file-summary li")).to_have_text(
        [
            "好评\n100（66.7%）",
            "差评\n50（33.3%）",
        ],
        use_inner_text=True,
    )
    assert [texts[0] for _, texts in one.asked("text")].count(lines[0]) == 1


def test_files_in_other_encodings_and_of_nothing(visit: Callable[..., Visit]) -> None:
    page = visit().go("#file")
    upload(page, "gb.csv", "内容;日期\n房间好;一月\n".encode("gb18030"))
    expect(page.locator("#file-about")).to_contain_text("。文件按 GB18030 读取")
    expect(page.get_by_label("文本所在的列").locator("option")).to_have_text(
        ["内容", "日期"], use_inner_text=True
    )
    page.get_by_label("第一行是列名").uncheck()
    expect(page.locator("#file-about")).to_contain_text("2 行")
    upload(page, "empty.csv", b"")
    expect(page.get_by_role("alert").filter(has_text="文件里没有数据行")).to_be_visible()


def packed(name: str, content: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(name, content)
    return target.getvalue()


@pytest.mark.parametrize(
    ("name", "contents", "told"),
    [
        ("holiday.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "图片"),
        ("old.xls", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(99), "另存为不带密码的 .xlsx"),
        ("reviews.csv.gz", b"\x1f\x8b\x08" + bytes(20), "请先解压"),
        ("letter.docx", packed("word/document.xml", "<a/>"), "其他类型的压缩包或 Office 文件"),
        ("half.xlsx", packed("xl/workbook.xml", "<a/>")[:-30], "损坏或不完整的工作簿"),
        ("reviews.jsonl", b'{"text": "x"}\n', "lstm-sentiment score"),
    ],
)
def test_a_file_of_another_kind_is_named_and_not_classified(
    visit: Callable[..., Visit], name: str, contents: bytes, told: str
) -> None:
    page = visit().go("#file")
    upload(page, name, contents)
    expect(page.locator("#file-problem")).to_contain_text(name)
    expect(page.locator("#file-problem")).to_contain_text(told)
    expect(page.locator("#file-start")).to_be_hidden()


def test_an_encoding_can_be_chosen(visit: Callable[..., Visit]) -> None:
    page = visit().go("#file")
    upload(page, "big5.csv", "評論\n房間很好\n".encode("big5"))
    expect(page.get_by_role("alert").filter(has_text="无法按 UTF-8 解码")).to_be_visible()
    page.get_by_label("编码").select_option(label="BIG5")
    expect(page.locator("#file-about")).to_contain_text("文件按 BIG5 读取")
    cells = page.locator("#file-preview").locator("th, td")
    expect(cells).to_have_text(["評論", "房間很好"], use_inner_text=True)
    expect(page.get_by_role("alert").filter(has_text="解码")).to_have_count(0)


def workbook(**sheets: list[list[str]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_a_workbook_is_classified_and_its_answers_sorted(visit: Callable[..., Visit]) -> None:
    one = visit()
    page = one.go("#file")
    rows = [["id", "评论"], ["a", "好"], ["b", "差差"], ["c", "一般"], ["d", "#REF!"]]
    upload(page, "一月.xlsx", workbook(一月=rows, 二月=[["内容"], ["好"]]))
    expect(page.locator("#file-about")).to_contain_text("一月.xlsx：4 行")
    expect(page.get_by_label("编码")).to_be_hidden()
    expect(page.get_by_label("工作表").locator("option")).to_have_text(
        ["一月", "二月"], use_inner_text=True
    )
    choice_of(page).select_option(label="hotel · v1")
    page.get_by_role("button", name="开始", exact=True).click()
    expect(page.locator("#file-status")).to_contain_text("已处理 3 条")
    assert one.asked("text")[-1][1] == ["好", "差差", "一般"]
    texts = page.locator("#file-rows .text-cell")
    expect(texts).to_have_text(["好", "差差", "一般"], use_inner_text=True)
    page.get_by_label("排序").select_option(label="概率从低到高")
    expect(texts).to_have_text(["一般", "好", "差差"], use_inner_text=True)
    page.locator("#file-label").select_option(label="差评")
    expect(texts).to_have_text(["差差"], use_inner_text=True)
    # Another version needs no other file.
    choice_of(page).select_option(label="hotel · v2")
    page.get_by_role("button", name="开始", exact=True).click()
    expect(page.locator("#file-status")).to_contain_text("使用 hotel v2")
    name, contents = downloaded(page)
    assert name == "一月.hotel-2.scored.csv"
    assert [row[:3] for row in read_back(contents)[1:3]] == [
        ["a", "好", "好评"],
        ["b", "差差", "差评"],
    ]
    page.get_by_label("工作表").select_option(label="二月")
    expect(page.locator("#file-about")).to_contain_text("1 行")
    expect(page.get_by_label("文本所在的列").locator("option")).to_have_text(
        ["内容"], use_inner_text=True
    )


CELLS = st.text(st.sampled_from('a,"\r\n\t ;好é'), max_size=6)


@given(
    st.one_of(CELLS.map(lambda cell: cell * 3), st.text(st.sampled_from('a,"\r\n'), max_size=12))
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
def test_any_csv_is_read_as_python_reads_it(csv_page: Page, text: str) -> None:
    parsed = csv_page.evaluate(
        "async text => (await import('./ui/csv.js')).parseCsv(text).records", text
    )
    assert parsed == list(csv.reader(io.StringIO(text, newline="")))


SCORE_AT_MOST_20_AT_ONCE = """async status => {
  const { scoreTexts } = await import('./ui/scoring.js');
  const { AskError } = await import('./ui/api.js');
  const texts = Array.from({ length: 200 }, (_, at) => `text ${at}`), scores = [], sizes = [];
  const ask = async (batch) => {
    sizes.push(batch.length);
    if (batch.length > 20) throw new AskError("refused", status);
    return batch.map((text) => ({ label: text }));
  };
  await scoreTexts({ texts, indices: texts.keys().toArray(), scores, ask, onProgress() {} });
  return [scores.map((score) => score.label), sizes];
}"""


@pytest.mark.parametrize("status", [400, 408, 413, 504])
def test_fewer_texts_are_sent_at_once_where_many_are_too_much(csv_page: Page, status: int) -> None:
    """408 is the answer where they arrive too slowly."""
    scored, sizes = csv_page.evaluate(SCORE_AT_MOST_20_AT_ONCE, status)
    assert scored == [f"text {at}" for at in range(200)]
    assert sizes[-1] <= 20 and len([size for size in sizes if size > 20]) <= 3


@given(st.text(st.sampled_from("=+-@＝－1.e5 a\t\r"), max_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_formulas_stay_texts_by_the_rule_of_commands(csv_page: Page, cell: str) -> None:
    written = csv_page.evaluate("async cell => (await import('./ui/csv.js')).guarded(cell)", cell)
    assert written == guarded(cell)


@given(st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_table_written_is_read_back_by_python(csv_page: Page, rows: list[list[str]]) -> None:
    written = csv_page.evaluate(
        "async rows => { const { csvLine } = await import('./ui/csv.js');"
        " return rows.map(csvLine).join(''); }",
        rows,
    )
    assert list(csv.reader(io.StringIO(written, newline=""))) == rows


@given(
    st.text("a好ﬁ㎡，,é B😀", max_size=8),
    st.lists(st.tuples(st.integers(0, 8), st.integers(1, 3)), max_size=4),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_tokens_are_found_in_their_text(csv_page: Page, text: str, cuts: list[Any]) -> None:
    starts = sorted({start for start, _ in cuts if start < len(text)})
    ends = [*starts, len(text)][1:]
    lengths = [length for start, length in cuts]
    tokens = [
        text[start : min(end, start + length)].strip()
        for start, end, length in zip(starts, ends, lengths, strict=False)
    ]
    tokens = [token for token in tokens if token]
    pieces = csv_page.evaluate(
        "async ([text, tokens]) => (await import('./ui/tokens.js')).pieces(text, tokens)",
        [text, tokens],
    )
    assert "".join(piece["text"] for piece in pieces) == text
    shown = [piece["text"] for piece in pieces if piece["token"] is not None]
    # Where a text holds a character in two forms, either may be the one.
    assert [normalized(each) for each in shown] == [normalized(token) for token in tokens]


def normalized(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower().strip()


@pytest.fixture(scope="module")
def csv_page(browser: playwright.Browser, server: str) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(server)
    yield page
    context.close()


def test_a_server_that_asks_for_a_token(
    browser: playwright.Browser, visit: Callable[..., Visit], base_path: Path
) -> None:
    with served(base_path, "versions: 1", auth_tokens=BearerTokens([TOKEN])) as server:
        one = visit(f"http://127.0.0.1:{server.rest_api_port}/", may_complain="status of 401")
        page = one.go()
        field = page.get_by_label("访问令牌")
        expect(field).to_be_focused()
        field.fill("错的")
        field.press("Enter")
        expect(page.locator("#token-problem")).to_contain_text("令牌只能由")
        field.fill("wrong")
        field.press("Enter")
        expect(page.locator("#token-problem")).to_have_text("令牌无效。")
        field.fill(TOKEN)
        page.get_by_role("button", name="使用").click()
        expect(field).to_be_hidden()
        texts_of(page).fill("好")
        expect(answers(page).locator(".badge")).to_have_text("好评")
        assert TOKEN not in page.url
        assert page.evaluate("JSON.stringify({...localStorage}) + document.cookie") == "{}"
        page.reload()
        texts_of(page).fill("差差")
        expect(answers(page).locator(".badge")).to_have_text("差评")


def test_a_server_that_is_down_or_refuses_is_told_in_words(visit: Callable[..., Visit]) -> None:
    one = visit(may_complain="Failed to load resource")
    one.page.clock.install()
    page = one.go("#try?model=hotel&version=1")
    texts_of(page).fill("好" * 100)
    alert = page.get_by_role("alert").filter(has_text="服务器返回错误（400）")
    expect(alert).to_contain_text("must have at most 200 bytes. Received: 300 bytes")
    expect(answers(page)).to_have_count(0)
    one.context.set_offline(True)
    texts_of(page).fill("好")
    expect(page.get_by_role("alert").filter(has_text="无法连接服务器")).to_be_visible()
    one.context.set_offline(False)
    # It comes back by itself.
    page.clock.run_for(3100)
    expect(answers(page).locator(".badge")).to_have_text("好评")
    expect(page.get_by_role("alert").filter(has_text="无法连接服务器")).to_have_count(0)


def test_no_version_yet(visit: Callable[..., Visit]) -> None:
    one = visit()
    told: list[list[dict[str, Any]]] = [[]]

    def tell(route: playwright.Route) -> None:
        model = {"name": "hotel", "labels": {}, "versions": told[0], "errors_without_version": 0}
        route.fulfill(json={**STATE, "models": [model]})

    one.page.route("**/state", tell)
    one.page.clock.install()
    page = one.go()
    texts_of(page).fill("好")
    status = page.locator("#try-status")
    expect(status).to_contain_text("还没有可用的模型版本")
    expect(choice_of(page).locator("option:checked")).to_have_text("还没有可用的版本")
    version = {**STATE["models"][0]["versions"][1], "version": 1}
    told[0] = [{**version, "state": "LOADING"}]
    page.clock.run_for(4000)
    expect(status).to_contain_text("正在加载模型")
    told[0] = [{**version, "state": "END", "error": "broken"}]
    page.clock.run_for(4000)
    expect(status).to_contain_text("没有版本加载成功")
    assert one.questions == []
    # Once there is one, what was typed is answered.
    told[0] = [{**version, "state": "AVAILABLE"}]
    page.clock.run_for(4000)
    expect(answers(page)).to_have_count(1)


def test_by_keyboard_alone(visit: Callable[..., Visit]) -> None:
    one = visit()
    page = one.go("#try?model=hotel&version=1")
    keys = page.keyboard
    keys.press("Tab")
    expect(page.get_by_role("link", name="跳到主要内容")).to_be_focused()
    keys.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    keys.press("Tab")
    expect(texts_of(page)).to_be_focused()
    keys.type("好好")
    expect(answers(page).locator(".badge")).to_have_text("好评")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    keys.press("Tab")
    expect(choice_of(page)).to_be_focused()  # a version without examples has no button for them
    keys.press("ArrowUp")
    expect(choice_of(page).locator("option:checked")).to_have_text("hotel · v2")
    expect(answers(page).locator(".badge")).to_have_text("好评")
    keys.press("Tab")
    expect(page.get_by_label("以表格显示")).to_be_focused()
    keys.press("Tab")
    keys.press("Tab")
    keys.press("Enter")
    expect(answers(page).locator("details")).to_have_attribute("open", "")
    page.get_by_role("link", name="对比").focus()
    keys.press("Enter")
    expect(page.get_by_role("heading", name="对比两个版本")).to_be_focused()
    page.get_by_role("link", name="文件").focus()
    keys.press("Enter")
    expect(page.locator("#view-file h2").first).to_be_focused()  # Tab goes on from there
    keys.press("Tab")
    expect(page.get_by_label("选择文件")).to_be_focused()


VIEWS = ["try", "compare", "file", "models"]


def test_everything_has_a_name_and_fits_a_phone(visit: Callable[..., Visit]) -> None:
    one = visit(viewport={"width": 360, "height": 740})
    page = one.go("#compare")
    texts_of(page).fill("好" + "W" * 100 + "\n差")
    expect(answers(page, "compare")).to_have_count(2)
    session = one.context.new_cdp_session(page)
    for view in VIEWS:
        page.get_by_role("navigation").locator(f"[data-view={view}]").click()
        if view == "file":
            upload(page, "a.csv", f"{'列' * 30},text,{'b' * 90}\n1,好,2\n".encode())
            page.get_by_role("button", name="开始", exact=True).click()
            expect(page.get_by_role("button", name="下载 CSV")).to_be_visible()
        else:
            expect(
                page.locator(f"#view-{view}").locator("li.answer, tbody tr").first
            ).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 360, view
        assert nameless(session.send("Accessibility.getFullAXTree")["nodes"]) == [], view
        snapshot = page.locator("body").aria_snapshot()
        for landmark in ("banner:", "navigation", "main:", "heading"):
            assert landmark in snapshot


def nameless(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    roles = {"textbox", "combobox", "checkbox", "button", "link", "progressbar", "table", "region"}
    roles |= {"navigation", "image", "DisclosureTriangle", "columnheader", "list"}
    return [
        node
        for node in nodes
        if not node["ignored"]
        and node["role"]["value"] in roles
        and not node.get("name", {}).get("value")
    ]


def test_it_speaks_english_and_chinese(visit: Callable[..., Visit]) -> None:
    one = visit(locale="en-GB")
    page = one.go("#try?model=hotel&version=1")
    expect(page.get_by_role("heading", level=2)).to_have_text("hotel: 差评 or 好评?")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    texts_of(page, "Texts").fill("好\n好好\n差差")
    expect(page.locator("#try-status")).to_have_text("3 texts: “好评” × 2, “差评” × 1.")
    page.get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("#try-status")).to_have_text("3 条：“好评” 2 条，“差评” 1 条。")
    page.reload()
    expect(page.get_by_role("heading", level=2)).to_have_text("hotel：差评还是好评？")
    expect(page.get_by_role("button", name="中文")).to_have_attribute("aria-pressed", "true")
