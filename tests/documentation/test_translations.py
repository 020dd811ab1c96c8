"""Both languages of a page say the same: same commands, links, pictures, tables and names."""

import calendar
import posixpath
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.conftest import REPOSITORY
from tests.documentation.pages import CHINESE, english_of, page_names, page_text
from tests.documentation.test_links import anchors

TRANSLATED = [name for name in page_names() if name.endswith(CHINESE)]
LINK = re.compile(r"(!?)\[([^]]*)\]\(([^)\s]+)\)")
SCALES = {"million": 10**6, "万": 10**4, "亿": 10**8}
SCALED = re.compile(rf"(\d[\d,.]*) ({'|'.join(SCALES)})")
MONTHS = tuple(calendar.month_name)[1:]
ENGLISH_DATE = re.compile(rf"(?:(\d{{1,2}}) )?\b({'|'.join(MONTHS)})\b(?: (\d{{4}}))?")
CHINESE_DATE = re.compile(r"(?:(\d{4}) 年 )?(\d{1,2}) 月(?: (\d{1,2}) 日)?")
# Pages with an English and a Chinese text; the others are in English.
PAGES = (
    *("README", "docs/index", "docs/tutorial", "docs/tutorial-data-loop", "docs/python"),
    *("docs/how-to/clients", "docs/how-to/own-vectors", "docs/how-to/three-classes"),
)
each_pair = pytest.mark.parametrize("chinese", TRANSLATED)


def sections(page: str) -> list[str]:
    """What stands under each heading, code blocks not counted as headings."""
    parts: list[list[str]] = [[]]
    inside = False
    for line in page_text(page).splitlines():
        inside ^= line.lstrip().startswith("```")
        if line.startswith("#") and not inside:
            parts.append([])
        parts[-1].append(line)
    return ["\n".join(part) for part in parts[1:]]


def headings(page: str) -> list[int]:
    return [len(section) - len(section.lstrip("#")) for section in sections(page)]


def blocks(page: str) -> list[str]:
    """Fenced blocks with their marks; comments, which are translated, are taken out."""
    found = re.findall(
        r"((?:^ *<!-- [^\n]* -->\n)*)^ *```(\w*)\n(.*?)```",
        page_text(page),
        re.DOTALL | re.MULTILINE,
    )
    return [
        "\n".join([*marks.splitlines(), language, *_without_comments(body)])
        for marks, language, body in found
    ]


def _without_comments(body: str) -> list[str]:
    lines = [re.sub(r"(^|\s+)# .*$", "", line) for line in body.splitlines()]
    return [line.rstrip() for line in lines]


def prose(section: str) -> str:
    return re.sub(r"```.*?```|<!--.*?-->", "", section, flags=re.DOTALL)


def with_plain_numbers(text: str) -> str:
    """A text whose large numbers and dates have one form in both languages.

    40 million is 40000000; a date is 2026-08-21, 2026-08 or 08.
    """

    def written_out(number: re.Match[str]) -> str:
        return f"{round(float(number[1].replace(',', '')) * SCALES[number[2]])}"

    def english(date: re.Match[str]) -> str:
        return iso(date[3], MONTHS.index(date[2]) + 1, date[1])

    def chinese(date: re.Match[str]) -> str:
        return iso(date[1], int(date[2]), date[3])

    return SCALED.sub(written_out, CHINESE_DATE.sub(chinese, ENGLISH_DATE.sub(english, text)))


def iso(year: str | None, month: int, day: str | None) -> str:
    parts = [year, f"{month:02}", day and f"{int(day):02}"]
    return "-".join(part for part in parts if part)


def names_in_code(section: str) -> Counter[str]:
    """What is written as code in the prose: commands, flags, names and file endings."""
    return Counter(re.findall(r"`([^`\n]+)`", prose(section)))


def numbers(section: str) -> Counter[str]:
    """Numbers of two digits or more; smaller ones may be words in one of the languages."""
    without = with_plain_numbers(LINK.sub("", prose(section)))
    found: list[str] = re.findall(r"(?<![\w.])\d[\d,.]*\d", without, re.ASCII)
    return Counter(found)


def table_rows(section: str) -> list[list[str]]:
    """Cells of all table lines: their numbers, for words are translated."""
    text = with_plain_numbers(prose(section))
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [line.strip("|").split("|") for line in lines]
    return [[" ".join(re.findall(r"[\d.,]*\d", cell)) for cell in row] for row in cells]


def emphasis(section: str) -> int:
    return len(re.findall(r"\*\*[^*]+\*\*", prose(section)))


def bullets(section: str) -> int:
    return len(re.findall(r"^(- |\d+\. )", prose(section), re.MULTILINE))


def paragraphs(section: str) -> int:
    return len(re.split(r"\n{2,}", section.strip()))


def links(page: str, section: str) -> Counter[tuple[str, str, int]]:
    """Where links and pictures lead, by English page and place of the heading.

    The link to the same page in the other language is left out.
    """
    found: Counter[tuple[str, str, int]] = Counter()
    for mark, _, target in LINK.findall(prose(section)):
        url = urlsplit(target)
        if url.scheme:
            found[mark, target, 0] += 1
            continue
        name = posixpath.normpath(posixpath.join(posixpath.dirname(page), url.path))
        name = name if url.path else page
        place = list(anchors(name)).index(url.fragment) if url.fragment else 0
        if url.fragment or english_of(name) != english_of(page):
            found[mark, english_of(name), place] += 1
    return found


def test_the_pages_for_the_first_hour_are_in_chinese() -> None:
    assert {english_of(name).removesuffix(".md") for name in TRANSLATED} >= set(PAGES)


@each_pair
def test_they_have_the_same_commands_in_the_same_order(chinese: str) -> None:
    assert blocks(chinese) == blocks(english_of(chinese))
    assert bool(blocks(chinese)) == ("```" in page_text(chinese))


def test_a_date_is_the_same_in_both_languages() -> None:
    pairs = {
        "on 1 August 2026": "于 2026 年 8 月 1 日",
        "of December 2025": "于 2025 年 12 月",
        "10 May": "5 月 10 日",
        "in March": "3 月",
    }
    for english, chinese in pairs.items():
        assert numbers(english) == numbers(chinese) != Counter(), english
    assert numbers("1 August 2026") != numbers("2026 年 7 月 1 日")
    assert numbers("it may take 12 months") == Counter(["12"])


def test_a_large_number_is_the_same_in_both_languages() -> None:
    assert numbers("40 million texts") == numbers("4,000 万条文本") == Counter(["40000000"])
    assert numbers("102 million weights") == numbers("1.02 亿个参数")
    assert numbers("40 million texts") != numbers("400 万条文本")


@each_pair
def test_they_have_the_same_headings(chinese: str) -> None:
    assert headings(chinese) == headings(english_of(chinese))


@each_pair
@pytest.mark.parametrize(
    "part", [names_in_code, numbers, table_rows, emphasis, bullets, paragraphs]
)
def test_each_section_says_the_same(chinese: str, part: Callable[[str], object]) -> None:
    for ours, theirs in zip(sections(english_of(chinese)), sections(chinese), strict=True):
        assert part(ours) == part(theirs), ours.splitlines()[0]


@each_pair
def test_each_section_leads_to_the_same_pages(chinese: str) -> None:
    english = english_of(chinese)
    for ours, theirs in zip(sections(english), sections(chinese), strict=True):
        assert links(english, ours) == links(chinese, theirs), ours.splitlines()[0]


@each_pair
def test_a_chinese_page_leads_to_chinese_pages_where_there_are_some(chinese: str) -> None:
    for _, _, target in LINK.findall("\n".join(sections(chinese)[0:]).split("\n\n", 2)[2]):
        path = urlsplit(target).path
        if path.endswith(".md") and not path.endswith(CHINESE):
            beside = (REPOSITORY / chinese).parent / (path.removesuffix(".md") + CHINESE)
            assert not beside.exists(), f"{target}: {beside.name} is there"


@each_pair
def test_each_is_in_its_language(chinese: str) -> None:
    han = re.compile(r"[\u4e00-\u9fff]")
    ours, theirs = (
        re.sub(r"`[^`\n]*`", "", LINK.sub(r"\2", prose(page_text(page))))
        for page in (english_of(chinese), chinese)
    )
    assert set(han.findall(ours)) == set("简体中文")  # the name of the other language
    for section in theirs.split("\n\n"):
        if len(re.findall(r"[A-Za-z]{2,}", section)) > 8 and "|" not in section:
            assert len(han.findall(section)) > 10, section


@each_pair
def test_each_leads_to_the_other_at_once(chinese: str) -> None:
    english = english_of(chinese)
    for page, other in ((english, chinese), (chinese, english)):
        first = page_text(page).split("\n\n")[1]
        assert [target for _, _, target in LINK.findall(first)] == [Path(other).name]


@each_pair
def test_chinese_lines_break_only_where_a_space_may_stand(chinese: str) -> None:
    """A line break is shown as a space, which Chinese has not between its characters."""
    wide = r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"
    assert re.findall(rf".*{wide}\n *(?!\d+\. |- ){wide}.*", prose(page_text(chinese))) == []


@each_pair
def test_no_space_follows_a_chinese_mark(chinese: str) -> None:
    """Marks of Chinese are as wide as a character and have their space in themselves."""
    mark = r"[\u3001\u3002\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f]"
    text = prose(page_text(chinese))
    assert re.findall(rf".*{mark}(?: +|\n *(?!\d+\. |- ))(?=[^\s|<#!]).*", text) == []


@each_pair
def test_chinese_has_one_word_for_one_thing(chinese: str) -> None:
    words = re.sub(r"`[^`\n]*`", "", prose(page_text(chinese)))
    # The page has 加载, 更正, notebook, 你, 5% and 附加依赖 instead; 笔记本电脑 is a laptop.
    others = "载入|修正|笔记本(?!电脑)|您|[0-9] %|\\bextra\\b"
    assert re.findall(rf".*(?:{others}).*", words) == []
