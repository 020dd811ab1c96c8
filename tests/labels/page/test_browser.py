"""The page in a real browser, by keyboard, by touch, and after the tab was closed."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from playwright import sync_api as playwright
from playwright.sync_api import expect

from lstm_sentiment import Corpus, apply_corrections, read_corpus, read_corrections
from lstm_sentiment.labels.page.render import render_labels_page, write_labels_page
from lstm_sentiment.labels.page.rows import PageRow
from lstm_sentiment.text.corpus.corrections import text_digest
from tests.chromium import WAIT_MILLISECONDS, chromium
from tests.corpora import rows_of

pytest.importorskip("jinja2", reason="needs the extra `report`")

Page: TypeAlias = playwright.Page

HOSTILE = '<img src=x onerror="window.harmed = true"></script>'
LABELS = ("bad", "good", "mixed")
TEXTS = ["很好😀 room", "=1+1 差", 'a "b",\nc', HOSTILE, "两个标签", "最后"]
CORPUS = Corpus.from_rows([*[(text, "bad") for text in TEXTS], ("两个标签", "good")], LABELS)
SPANS = ((0, 3, 1.0), (4, 8, -0.5))


def row(text: str, given: str = "bad", **known: Any) -> PageRow:
    default: dict[str, Any] = {"kind": "wrong", "likely_label": "good", "row": 7}
    return PageRow(text=text, digest=text_digest(text), given_label=given, **(default | known))


ROWS = [
    row(TEXTS[0], spans=SPANS, probability_of_given=0.125, probability_of_likely=0.8),
    row(TEXTS[1], kind="ambiguous", likely_label="mixed"),
    row(TEXTS[2], nearest_text="a b", nearest_label="good", file="a.csv"),
    row(TEXTS[3]),
    row(TEXTS[4], kind="contradictory"),
    row(TEXTS[4], given="good", kind="contradictory"),
    row(TEXTS[5]),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with chromium() as browser:
        yield browser


def write_page(path: Path, rows: list[PageRow], **options: Any) -> Path:
    options = {"mode": "check", "source": "reviews.csv", "label_names": LABELS} | options
    page = render_labels_page(rows, next_command="cli.py fit --corrections F", **options)
    write_labels_page(page, path)
    return path


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(tmp_path_factory.mktemp("page") / "检查.html", ROWS)


@pytest.fixture
def visit(browser: playwright.Browser) -> Iterator[Callable[..., Page]]:
    """Opens a file in a context of its own; nothing may be complained of, or asked for."""
    contexts: list[playwright.BrowserContext] = []
    complaints: list[str] = []

    def start(path: Path, before: str = "", **options: Any) -> Page:
        context = browser.new_context(**{"locale": "en-GB", **options})
        contexts.append(context)
        context.set_default_timeout(WAIT_MILLISECONDS)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None if request.url == path.as_uri() else complaints.append(request.url)
            ),
        )
        page.add_init_script(
            "document.addEventListener('securitypolicyviolation',"
            f" (event) => console.error(`policy: ${{event.violatedDirective}}`));{before}"
        )
        page.goto(path.as_uri())
        return page

    yield start
    for context in contexts:
        context.close()
    assert [each for each in complaints if not each.startswith(("blob:", "data:"))] == []


def saved(page: Page, path: Path, how: Callable[[], None] | None = None) -> Path:
    """The file that the page offers for download."""
    with page.expect_download() as download:
        (how or (lambda: page.get_by_role("button", name="Save").click()))()
    assert download.value.suggested_filename.endswith(".csv")
    download.value.save_as(path)
    return path


def position(page: Page) -> playwright.Locator:
    return page.locator("#position")


def test_by_keyboard_alone_to_a_corpus_with_other_labels(
    visit: Callable[..., Page], checked: Path, tmp_path: Path
) -> None:
    page = visit(checked)
    keys = page.keyboard
    expect(position(page)).to_have_text("Text 1 of 6")
    keys.press("k")
    expect(page.get_by_role("status")).to_have_text("bad stays")
    expect(position(page)).to_have_text("Text 2 of 6")
    keys.press("c")
    keys.press("2")
    keys.press("d")
    # Two labels of one text: there is none to keep, but each may be chosen.
    expect(page.get_by_role("button", name="Keep")).to_be_hidden()
    keys.press("k")
    expect(position(page)).to_have_text("Text 5 of 6")
    keys.press("2")
    keys.press("3")
    expect(page.locator("#all-done")).to_contain_text("All 6 texts are done. Save corrections.csv")
    keys.press("u")
    keys.press("1")
    path = saved(page, tmp_path / "corrections.csv", lambda: keys.press("s"))
    expect(page.get_by_role("status")).to_have_text(
        "Saved corrections.csv with 6 texts. Next: cli.py fit --corrections F"
    )
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfdigest,action,label,text\r\n")
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [tuple(each) for each in csv.reader(file)][1:]
    assert rows == [
        (text_digest(text), *decision, text.replace("=1+1", "'=1+1"))
        for text, decision in zip(
            TEXTS,
            [
                ("keep", "bad"),
                ("change", "mixed"),
                ("change", "good"),
                ("drop", ""),
                ("change", "good"),
                ("keep", "bad"),
            ],
            strict=True,
        )
    ]
    corrected, done = apply_corrections(CORPUS, read_corrections([path]), LABELS)
    assert done.matched.all()
    assert rows_of(corrected) == [
        (TEXTS[0], "bad"),
        (TEXTS[1], "mixed"),
        (TEXTS[2], "good"),
        (TEXTS[4], "good"),
        (TEXTS[5], "bad"),
        (TEXTS[4], "good"),
    ]


def test_tab_alone_reaches_everything(visit: Callable[..., Page], checked: Path) -> None:
    page = visit(checked)
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.id || document.activeElement.textContent")
        if name in reached:
            break
        reached.append(name)
    wanted = ["save", "keep", "likely", "drop", "previous", "next", "filter-kind", "search", "list"]
    assert [name for name in wanted if name not in reached] == []
    page.locator("#likely").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("becomes good")
    expect(page.locator("#likely")).to_be_focused()


def test_a_closed_tab_loses_nothing(visit: Callable[..., Page], checked: Path) -> None:
    page = visit(checked)
    page.keyboard.press("c")
    page.keyboard.press("ArrowRight")
    expect(position(page)).to_have_text("Text 3 of 6")
    other = page.context.new_page()
    page.close()
    other.goto(checked.as_uri())
    expect(position(other)).to_have_text("Text 3 of 6")
    expect(other.get_by_text("1 of 6 done")).to_be_visible()
    expect(other.get_by_text("1 decision is not saved yet")).to_be_visible()
    # What was decided can still be undone.
    other.keyboard.press("u")
    expect(position(other)).to_have_text("Text 1 of 6")
    expect(other.get_by_text("0 of 6 done")).to_be_visible()
    expect(other.locator("#undo")).to_be_disabled()


def test_what_another_tab_decides_is_seen(visit: Callable[..., Page], checked: Path) -> None:
    page = visit(checked)
    other = page.context.new_page()
    other.goto(checked.as_uri())
    other.keyboard.press("d")
    expect(page.get_by_text("1 of 6 done")).to_be_visible()
    expect(page.locator("#decided")).to_have_text("✓ left out")


def test_a_page_that_is_opened_overwrites_nothing_that_another_keeps(
    visit: Callable[..., Page], checked: Path
) -> None:
    """A browser may store what another tab keeps only after this one has read the older state."""
    page = visit(checked)
    expect(position(page)).to_have_text("Text 1 of 6")
    keys = page.evaluate("Object.keys(localStorage)")
    assert [key for key in keys if key.startswith("lstm-sentiment.labels.")] == []


def test_the_language_that_another_tab_chooses_is_shown(
    visit: Callable[..., Page], checked: Path
) -> None:
    page = visit(checked)
    other = page.context.new_page()
    other.goto(checked.as_uri())
    other.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("这些标签对吗？")
    expect(page.get_by_role("button", name="保留“bad”")).to_be_visible()


def test_a_browser_that_keeps_nothing_is_told(visit: Callable[..., Page], checked: Path) -> None:
    page = visit(
        checked,
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('no'); }});",
    )
    expect(page.get_by_role("alert")).to_have_text(
        "This browser keeps nothing for this page: save before you close it."
    )
    page.keyboard.press("k")
    expect(page.get_by_text("1 of 6 done")).to_be_visible()


def test_a_text_is_text_and_its_parts_are_shaded(visit: Callable[..., Page], checked: Path) -> None:
    page = visit(checked)
    assert page.locator("#text").inner_text() == TEXTS[0]
    assert page.locator("#text .token.for").all_inner_texts() == ["很好😀"]
    assert page.locator("#text .token.against").all_inner_texts() == ["room"]
    assert page.locator("#labels").inner_text().split("\n") == [
        *("Label now", "bad", "probability 13%"),
        *("Likely", "good", "probability 80%"),
    ]
    expect(page.locator("#legend-for")).to_have_text("supports good")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#legend")).to_be_hidden()
    expect(page.locator("#row")).to_have_text("a.csv, row 7")
    expect(page.get_by_role("complementary")).to_have_text(
        "The closest text with the label good a b"
    )
    page.keyboard.press("ArrowRight")
    expect(page.locator("#text")).to_have_text(HOSTILE)
    assert page.evaluate("window.harmed") is None


def test_filters_choose_what_is_asked(visit: Callable[..., Page], checked: Path) -> None:
    page = visit(checked)
    kind = page.get_by_role("combobox", name="Kind")
    assert kind.locator("option").all_inner_texts() == [
        *("all", "likely wrong (4)", "ambiguous (1)", "contradictory (1)")
    ]
    kind.select_option(label="contradictory (1)")
    expect(position(page)).to_have_text("Text 1 of 1")
    expect(page.locator("#text")).to_have_text(TEXTS[4])
    kind.select_option(label="all")
    page.locator("#list").focus()
    page.keyboard.press("/")
    page.keyboard.type("ROOM")
    expect(page.locator("#count")).to_have_text("1 text")
    page.locator("#list").focus()
    page.keyboard.press("k")
    page.get_by_role("combobox", name="State").select_option(label="open")
    expect(page.get_by_text("No text matches the filter.")).to_be_visible()
    page.get_by_role("button", name="Show all texts").click()
    expect(page.locator("#count")).to_have_text("6 texts")
    page.get_by_role("combobox", name="State").select_option(label="open")
    page.locator("#list").focus()
    for left in range(5, 0, -1):
        expect(page.locator("#count")).to_have_text(f"{left} text{'' if left == 1 else 's'}")
        page.keyboard.press("d")
    expect(page.get_by_text("6 of 6 done")).to_be_visible()
    # A text that the filter hides is shown to be decided again.
    page.keyboard.press("u")
    expect(position(page)).to_have_text("Text 1 of 1")


def test_keys_in_the_list_and_keys_with_nothing_to_do(
    visit: Callable[..., Page], checked: Path
) -> None:
    page = visit(checked)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("u")
    expect(position(page)).to_have_text("Text 1 of 6")
    page.locator("#list").focus()
    for key, place in (("ArrowDown", 2), ("End", 6), ("ArrowDown", 6), ("ArrowUp", 5), ("Home", 1)):
        page.keyboard.press(key)
        expect(position(page)).to_have_text(f"Text {place} of 6")
        expect(page.locator("#list")).to_have_attribute("aria-activedescendant", f"row-{place - 1}")
        expect(page.locator(f"#row-{place - 1}")).to_have_attribute("aria-selected", "true")
    for _ in range(6):
        page.keyboard.press("d")
    expect(page.get_by_text("6 of 6 done")).to_be_visible()
    page.keyboard.press("n")
    expect(page.locator("#card")).to_be_visible()


def test_a_label_is_no_formula(visit: Callable[..., Page], tmp_path: Path) -> None:
    names = ("-1", "=cmd()")
    page = visit(
        write_page(tmp_path / "a.html", [row("a", "-1"), row("b", "-1")], label_names=names)
    )
    page.keyboard.press("1")
    page.keyboard.press("2")
    path = saved(page, tmp_path / "corrections.csv")
    with path.open(newline="", encoding="utf-8-sig") as file:
        assert [each[2] for each in csv.reader(file)] == ["label", "-1", "'=cmd()"]
    assert {each.label for each in read_corrections([path]).rows} == {"-1", "=cmd()"}


def test_letters_that_are_typed_decide_nothing(visit: Callable[..., Page], checked: Path) -> None:
    page = visit(checked)
    page.get_by_role("searchbox").fill("")
    page.keyboard.type("k2d")
    page.get_by_role("searchbox").fill("")
    page.locator("#keys summary").click()
    page.get_by_role("checkbox", name="Use single keys").uncheck()
    page.keyboard.press("d")
    expect(page.get_by_text("0 of 6 done")).to_be_visible()
    page.reload()
    page.keyboard.press("d")
    expect(page.get_by_text("0 of 6 done")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("there is nothing to save yet")


def test_both_languages(visit: Callable[..., Page], checked: Path) -> None:
    page = visit(checked, locale="zh-TW")
    expect(page.get_by_role("heading", level=1)).to_have_text("这些标签对吗？")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page).to_have_title("这些标签对吗？ · reviews.csv")
    expect(page.get_by_role("button", name="保留“bad”")).to_be_visible()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("button", name="Keep bad")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Are these labels right?")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_all_of_it(
    visit: Callable[..., Page], checked: Path, tmp_path: Path, scheme: str
) -> None:
    page = visit(
        checked,
        viewport={"width": 360, "height": 640},
        is_mobile=True,
        has_touch=True,
        color_scheme=scheme,
    )
    page.get_by_role("button", name="Change to good").tap()
    expect(position(page)).to_have_text("Text 2 of 6")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for name in ("Keep bad", "Change to mixed", "Leave the text out"):
        box = page.get_by_role("button", name=name).bounding_box()
        assert box is not None
        assert box["height"] >= 44
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
        # At hand without scrolling, however long the text.
        assert 0 <= box["y"] <= 640 - box["height"]
    path = saved(page, tmp_path / "c.csv", lambda: page.locator("#save").tap())
    assert len(read_corrections([path])) == 1


def test_thousands_of_texts_are_quick_to_walk_through(
    visit: Callable[..., Page], tmp_path: Path
) -> None:
    rows = [row(f"{n} {'长' * 2_000}") for n in range(3_000)]
    page = visit(write_page(tmp_path / "long.html", rows))
    expect(page.get_by_role("listbox")).to_be_visible()
    assert page.get_by_role("option").count() < 60
    page.locator("#list").evaluate("list => { list.scrollTop = list.scrollHeight; }")
    last = page.get_by_role("option", name="2999 长")
    expect(last).to_be_visible()
    assert last.get_attribute("aria-setsize") == "3000"
    last.click()
    expect(position(page)).to_have_text("Text 3,000 of 3,000")
    page.keyboard.press("c")
    expect(position(page)).to_have_text("Text 1 of 3,000")
    expect(page.get_by_role("option", name="0 长").first).to_be_visible()
    assert page.get_by_role("option").count() < 60


def test_a_long_text_is_cut_until_asked_for(visit: Callable[..., Page], tmp_path: Path) -> None:
    text = "字" * 20_000
    page = visit(write_page(tmp_path / "long.html", [row(text)]))
    assert page.locator("#text").inner_text() == "字" * 2_500 + "…"
    page.get_by_role("button", name="Show the whole text (20,000 characters)").click()
    expect(page.locator("#text")).to_have_text(text)


def test_many_labels_are_in_a_list(visit: Callable[..., Page], tmp_path: Path) -> None:
    names = [f"label {n}" for n in range(30)]
    rows = [row("a", given="label 3", likely_label="label 29"), row("b", given="label 4")]
    page = visit(write_page(tmp_path / "many.html", rows, label_names=names))
    page.get_by_role("combobox", name="other labels").select_option("label 25")
    expect(page.get_by_role("status")).to_have_text("becomes label 25")
    expect(position(page)).to_have_text("Text 2 of 2")


def test_labels_can_be_added_where_there_are_none(
    visit: Callable[..., Page], tmp_path: Path
) -> None:
    rows = [replace(row(text, given=""), likely_label="") for text in TEXTS[:3]]
    page = visit(write_page(tmp_path / "new.html", rows, mode="next", label_names=()))
    name = page.get_by_role("textbox", name="Another label")
    name.fill(" 好评 ")
    name.press("Enter")
    expect(position(page)).to_have_text("Text 2 of 3")
    page.keyboard.press("1")
    name.fill("差评")
    page.get_by_role("button", name="Add label").click()
    expect(page.get_by_text("3 of 3 done")).to_be_visible()
    page.reload()
    expect(page.get_by_text("3 of 3 done")).to_be_visible()
    expect(page.locator("#classes button")).to_have_text(["好评1", "差评2"])
    corpus = read_corpus([saved(page, tmp_path / "labelled.csv")])
    assert [label for _, label in rows_of(corpus)] == ["好评", "好评", "差评"]


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (("0", "1"), {"0": "0", "1": "1"}),
        (("-1", "0", "1"), {"0": "0", "1": "1", "2": "-1"}),
        (("bad", "good"), {"1": "bad", "2": "good"}),
    ],
)
def test_a_digit_chooses_the_label_of_its_name(
    visit: Callable[..., Page], tmp_path: Path, names: tuple[str, ...], chosen: dict[str, str]
) -> None:
    rows = [replace(row(text, given=""), likely_label="") for text in TEXTS[:3]]
    page = visit(write_page(tmp_path / "digits.html", rows, mode="next", label_names=names))
    for digit, label in chosen.items():
        page.keyboard.press(digit)
        expect(page.get_by_role("status")).to_have_text(label)


def test_texts_without_labels_get_some(visit: Callable[..., Page], tmp_path: Path) -> None:
    """What is saved is what `fit --data` reads, to the character."""
    texts = [*TEXTS[:4], "- 好"]
    rows = [
        replace(row(text, given=""), likely_label="", kind="random", row=0, score=0.5)
        for text in texts
    ]
    page = visit(write_page(tmp_path / "next.html", rows, mode="next", source="pool.csv"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Which label fits?")
    for key in "213d":
        page.keyboard.press(key)
    page.get_by_role("button", name="good").click()
    path = saved(page, tmp_path / "labelled.csv")
    corpus = read_corpus([path])
    assert rows_of(corpus) == [
        (texts[0], "good"),
        (texts[1], "bad"),
        (texts[2], "mixed"),
        (texts[4], "good"),
    ]
    with path.open(newline="", encoding="utf-8-sig") as file:
        assert next(csv.reader(file)) == ["text", "label", "score", "reason", "digest"]
