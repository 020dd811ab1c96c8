"""The pages of the documentation, cut into blocks with their marks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.conftest import REPOSITORY

# Made by `make docs`, and not kept.
GENERATED = "docs/reference/"
# Parts of those pages, which are run like pages of their own.
EXAMPLES = "docs/reference_examples/"
# A Chinese page lies beside the English one, whose commands test_translations.py holds equal.
CHINESE = ".zh-CN.md"

_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,})(?P<language>[\w+-]*) *$")
_MARK = re.compile(r"^ *<!-- (?P<name>[a-z][a-z ]*)(?:: (?P<value>.*?))? -->$")
MARKS = (
    *("after", "before", "file", "interpreter", "main command"),
    *("needs", "not run", "output", "test command"),
)
RUN = ("sh", "python", "toml", "json", "yaml", "java", "go")
SHOWN = ("", "text", "console", "promql", "proto", "tokens", "html", "csv", "mermaid")


@dataclass(frozen=True)
class Block:
    """A fenced block; `line` is that of its fence, from 1."""

    page: str
    line: int
    language: str
    text: str
    marks: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def why_not(self) -> str | None:
        """Why it is not run."""
        if "test command" in self.marks:
            return "needs a fresh environment"
        return self.marks.get("not run")


def blocks_of(text: str, page: str) -> Iterator[Block]:
    """All fenced blocks of a page, in order."""
    lines = text.splitlines()
    marks: dict[str, str] = {}
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if mark := _MARK.match(line):
            marks[mark["name"]] = (mark["value"] or "").strip()
        elif fence := _FENCE.match(line):
            begin = number
            while lines[number].strip() != fence["fence"]:
                number += 1
            inside = [row.removeprefix(fence["indent"]) for row in lines[begin:number]]
            number += 1
            yield Block(page, begin, fence["language"], "\n".join(inside) + "\n", marks)
            marks = {}
        else:
            marks = {}


def page_names() -> list[str]:
    """Every page, by its path in the repository."""
    found = [
        path.relative_to(REPOSITORY).as_posix()
        for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md")
        for path in sorted(REPOSITORY.glob(pattern))
    ]
    return [name for name in found if not name.startswith(GENERATED)]


def english_of(name: str) -> str:
    """The English page, or picture, that a Chinese one translates."""
    return name.replace(".zh-CN.", ".")


@cache
def page_text(name: str) -> str:
    return (REPOSITORY / name).read_text("utf-8")


def all_blocks() -> list[Block]:
    return [block for name in page_names() for block in blocks_of(page_text(name), name)]


def without_blocks(text: str, code: str = "") -> str:
    """A page's prose: fenced blocks are emptied, `code` takes the place of inline code."""
    kept, fence = [], None
    for line in text.splitlines():
        if fence is None and (opening := _FENCE.match(line)):
            fence = opening["fence"]
        elif fence is not None and line.strip() == fence:
            fence = None
        elif fence is None:
            kept.append(re.sub(r"`+[^`]*`+", code, line))
            continue
        kept.append("")
    return "\n".join(kept)


def site_pages() -> list[Path]:
    """The pages of the site in both languages, without what is generated."""
    return [
        REPOSITORY / name
        for name in page_names()
        if name.startswith("docs/") and not name.startswith(EXAMPLES)
    ]
