"""The two READMEs say the same: same commands, links, pictures, tables and names."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from benchmarks import table
from tests.conftest import REPOSITORY

ENGLISH, CHINESE = REPOSITORY / "README.md", REPOSITORY / "README.zh-CN.md"
LINK = re.compile(r"(!?)\[([^]]*)\]\(([^)\s]+)\)")


def text(readme: Path) -> str:
    return readme.read_text("utf-8")


def sections(readme: Path) -> list[str]:
    """What stands under each heading, code blocks not counted as headings."""
    parts: list[list[str]] = [[]]
    inside = False
    for line in text(readme).splitlines():
        inside ^= line.startswith("```")
        if line.startswith("#") and not inside:
            parts.append([])
        parts[-1].append(line)
    return ["\n".join(part) for part in parts[1:]]


def headings(readme: Path) -> list[int]:
    return [len(section) - len(section.lstrip("#")) for section in sections(readme)]


def blocks(readme: Path) -> list[str]:
    """Fenced blocks with their marks; comments, which are translated, are taken out."""
    found = re.findall(r"((?:<!-- [^\n]* -->\n)*)```(\w*)\n(.*?)```", text(readme), re.DOTALL)
    return [
        "\n".join([*marks.splitlines(), language, *_without_comments(body)])
        for marks, language, body in found
    ]


def _without_comments(body: str) -> list[str]:
    lines = [re.sub(r"(^|\s+)# .*$", "", line) for line in body.splitlines()]
    return [line.rstrip() for line in lines]


def prose(section: str) -> str:
    return re.sub(r"```.*?```|<!--.*?-->", "", section, flags=re.DOTALL)


def links(section: str) -> Counter[tuple[str, str]]:
    """Where links and pictures lead, but for the link to the other language."""
    found = ((mark, target) for mark, _, target in LINK.findall(prose(section)))
    return Counter(link for link in found if link[1] not in (ENGLISH.name, CHINESE.name))


def names_in_code(section: str) -> Counter[str]:
    """What is written as code in the prose: commands, flags, names and file endings."""
    return Counter(re.findall(r"`([^`\n]+)`", prose(section)))


def numbers(section: str) -> Counter[str]:
    """Numbers of two digits or more; smaller ones may be words in one of the languages."""
    without = LINK.sub("", prose(section))
    found: list[str] = re.findall(r"(?<![\w.])\d[\d,.]*\d", without, re.ASCII)
    return Counter(found)


def table_rows(section: str) -> list[list[str]]:
    """Cells of all table lines: their numbers, for words are translated."""
    lines = [line for line in prose(section).splitlines() if line.startswith("|")]
    cells = [line.strip("|").split("|") for line in lines]
    return [[" ".join(re.findall(r"[\d.,]*\d", cell)) for cell in row] for row in cells]


def emphasis(section: str) -> int:
    return len(re.findall(r"\*\*[^*]+\*\*", prose(section)))


def bullets(section: str) -> int:
    return len(re.findall(r"^- ", prose(section), re.MULTILINE))


def paragraphs(section: str) -> int:
    return len(re.split(r"\n{2,}", section.strip()))


def test_they_have_the_same_commands_in_the_same_order() -> None:
    assert blocks(ENGLISH) == blocks(CHINESE)
    assert len(blocks(ENGLISH)) >= 10


def test_they_have_the_same_headings() -> None:
    assert headings(ENGLISH) == headings(CHINESE)


@pytest.mark.parametrize(
    "part", [links, names_in_code, numbers, table_rows, emphasis, bullets, paragraphs]
)
def test_each_section_says_the_same(part: Callable[[str], object]) -> None:
    for english, chinese in zip(sections(ENGLISH), sections(CHINESE), strict=True):
        assert part(english) == part(chinese), english.splitlines()[0]


def test_each_is_in_its_language() -> None:
    han = re.compile(r"[\u4e00-\u9fff]")
    english, chinese = (
        re.sub(r"`[^`\n]*`", "", LINK.sub(r"\2", prose(text(readme))))
        for readme in (ENGLISH, CHINESE)
    )
    assert set(han.findall(english)) == set("简体中文")  # the name of the other README
    for section in chinese.split("\n\n"):
        if len(re.findall(r"[A-Za-z]{2,}", section)) > 8 and "|" not in section:
            assert len(han.findall(section)) > 10, section


def test_each_leads_to_the_other_at_once() -> None:
    for readme, other in ((ENGLISH, CHINESE), (CHINESE, ENGLISH)):
        first = text(readme).split("\n\n")[1]
        assert [target for _, _, target in LINK.findall(first)] == [other.name]


@pytest.mark.parametrize("readme", [ENGLISH, CHINESE], ids=lambda path: path.name)
def test_what_is_linked_is_there(readme: Path) -> None:
    for _, _, target in LINK.findall(text(readme)):
        if not urlsplit(target).scheme:
            assert (REPOSITORY / urlsplit(target).path).exists(), target


@pytest.mark.parametrize("readme", [ENGLISH, CHINESE], ids=lambda path: path.name)
def test_benchmarks_find_their_place(readme: Path) -> None:
    replaced = table.replaced(text(readme), "figures", readme)
    assert f"{table.BEGIN}\nfigures\n{table.END}" in replaced
    assert text(readme).count("ONNX Runtime |") == 1 and "ONNX Runtime |" not in replaced


def test_the_test_command_is_what_ci_reads() -> None:
    # `.ci/run` takes the lines between the mark and the end of the block.
    [block] = [block for block in blocks(ENGLISH) if "<!-- test command -->" in block]
    mark, language, command = block.splitlines()
    assert (mark, language) == ("<!-- test command -->", "sh")
    assert "'.[dev]'" in command and "-m pytest" in command
