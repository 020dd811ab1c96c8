"""The page at `/` reads files as the command line does; in a real browser.

Skipped where there is no Chromium, see `tests.chromium`.
"""

import base64
import datetime
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright import sync_api as playwright

from lstm_sentiment.serving.rest_api.ui_pages import ui_page
from lstm_sentiment.text.corpus.tables.row_faults import RowFaults
from lstm_sentiment.text.corpus.tables.workbook import workbook_rows
from lstm_sentiment.text.corpus.text_encoding import decoded
from tests.chromium import chromium

Page: TypeAlias = playwright.Page

BYTES = "const bytes = Uint8Array.from(atob(contents), (each) => each.charCodeAt(0)).buffer;"
DECODE = (
    f"async contents => {{ {BYTES} return (await import('/ui/text_encoding.js')).decode(bytes) }}"
)
READ = f"""async ([contents, sheet]) => {{ {BYTES}
  return (await import('/ui/xlsx.js')).readXlsx(bytes, sheet) }}"""

UTF_16 = {"utf-16le": "utf-16", "utf-16be": "utf-16"}


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page that has the modules, and no server."""
    with chromium() as browser:
        page = browser.new_page()
        page.route("**/*", _answer)
        page.goto("http://page.example/")
        yield page


def _answer(route: playwright.Route) -> None:
    found = ui_page(route.request.url.removeprefix("http://page.example"))
    if found is None:
        route.fulfill(status=404)
    else:
        route.fulfill(body=found.body, content_type=found.content_type)


def decoded_by(page: Page, content: bytes) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(DECODE, base64.b64encode(content).decode())
    return found


CHINESE = [
    "房间很干净，服务员也很热情。",
    "早餐很一般，隔音太差！",
    "位置不错，但是设施有些陈旧",
    "好",
]
OTHERS = {
    "big5": ["房間很乾淨，服務員也很熱情。", "早餐很普通，隔音太差了！"],
    "shift_jis": ["部屋はとてもきれいでした。", "朝食はおいしくなかった。"],
    "euc_kr": [
        "방이 아주 깨끗하고 직원들이 친절했습니다",
        "아침 식사가 별로였고 시끄러웠어요 다시는",
    ],
    "cp1252": ["Très bon séjour, café délicieux", "Für das Geld war es schön"],
    "cp1251": ["Очень хорошая гостиница, спасибо", "Завтрак был холодный"],
}


@given(
    st.lists(st.sampled_from([*CHINESE, "plain", "1,2,3"]), min_size=1, max_size=12),
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"]),
    st.sampled_from(["\n", "\r\n"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_chinese_is_read_in_the_encoding_that_commands_find(
    page: Page, lines: list[str], encoding: str, end: str
) -> None:
    content = end.join(lines).encode(encoding)
    text, codec = decoded(content, "auto")
    found = decoded_by(page, content)
    assert found["text"] == text
    assert UTF_16.get(found["encoding"], found["encoding"]) == codec
    assert found["malformed"] == 0


@pytest.mark.parametrize("encoding", OTHERS)
def test_another_encoding_is_not_taken_for_chinese(page: Page, encoding: str) -> None:
    content = "\n".join(OTHERS[encoding] * 3).encode(encoding)
    with pytest.raises(UnicodeDecodeError):
        decoded(content, "auto")
    found = decoded_by(page, content)
    assert found["encoding"] == "utf-8"
    assert found["malformed"] > 0


def test_one_broken_line_does_not_change_the_encoding_of_a_file(page: Page) -> None:
    content = "\n".join(CHINESE * 5).encode() + b"\n" + CHINESE[0].encode("gb18030")
    found = decoded_by(page, content)
    assert found["encoding"] == "utf-8"
    assert found["text"].startswith(CHINESE[0])
    assert found["malformed"] > 0


def saved(book: openpyxl.Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def read_by(page: Page, content: bytes, sheet: int | None = None) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(READ, [base64.b64encode(content).decode(), sheet])
    return found


def as_commands_read(content: bytes, folder: Path) -> list[list[str]]:
    """The rows below the header, a value as CSV would hold it."""
    path = folder / "book.xlsx"
    path.write_bytes(content)
    rows = workbook_rows(path, None, RowFaults(path))
    return [
        ["" if value is None else str(value) for value in row.cells[0].values()] for row in rows
    ]


VALUES = st.one_of(
    st.none(),
    st.text(st.sampled_from('好差a,"\n <&>_x0041é😀'), max_size=8),
    st.integers(-(10**9), 10**9),
    st.floats(-1000, 1000).map(lambda number: round(number, 3)),
    st.booleans(),
    st.datetimes(datetime.datetime(1901, 1, 1), datetime.datetime(2100, 1, 1)).map(
        lambda time: time.replace(microsecond=0)
    ),
)


@given(st.lists(st.lists(VALUES, min_size=3, max_size=3), max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_a_workbook_is_read_as_commands_read_it(
    page: Page, tmp_path_factory: pytest.TempPathFactory, rows: list[list[Any]]
) -> None:
    book = openpyxl.Workbook()
    for row in [["text", "评论", "when"], *rows]:
        book.worksheets[0].append(row)
    content = saved(book)
    header, *found = read_by(page, content)["rows"]
    assert header == ["text", "评论", "when"]
    padded = [[*row, *[""] * (3 - len(row))] for row in found]
    assert padded == as_commands_read(content, tmp_path_factory.mktemp("book"))


def test_the_first_visible_sheet_with_data_is_read(page: Page) -> None:
    book = openpyxl.Workbook()
    book.worksheets[0].title = "空"
    hidden = book.create_sheet("hidden")
    hidden.append(["hidden"])
    hidden.sheet_state = "hidden"
    for name in ("评论", "Other"):
        book.create_sheet(name).append([name])
    found = read_by(page, saved(book))
    assert found == {
        "rows": [["评论"]],
        "sheets": ["空", "评论", "Other"],
        "sheet": 1,
        "valueless": 0,
    }
    assert read_by(page, saved(book), 2)["rows"] == [["Other"]]


def test_gaps_formulas_and_errors(page: Page) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet["B3"], sheet["B4"], sheet["B6"], sheet["C6"] = "text", "好", "差", "=1+1"
    sheet["A4"] = "#REF!"
    found = read_by(page, saved(book))
    assert found["rows"] == [["", "text"], ["#REF!", "好"], [], ["", "差"]]
    assert found["valueless"] == 1


@pytest.mark.parametrize("content", [b"PK\x03\x04", b"PK\x03\x04" + b"x" * 100])
def test_half_an_archive_is_an_error(page: Page, content: bytes) -> None:
    with pytest.raises(playwright.Error):
        read_by(page, content)
