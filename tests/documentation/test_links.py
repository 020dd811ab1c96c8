"""Links of the documentation lead somewhere; those to elsewhere are looked at, not followed."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.conftest import REPOSITORY
from tests.documentation.pages import (
    GENERATED,
    english_of,
    page_names,
    page_text,
    site_pages,
    without_blocks,
)

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HTML_LINK = re.compile(r"(?:src|srcset|href)=\"([^\"]+)\"")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
CONFIG = tomllib.loads((REPOSITORY / "zensical.toml").read_text("utf-8"))["project"]


def links(page: str) -> list[str]:
    prose = without_blocks(page_text(page))
    return [*_LINK.findall(prose), *_HTML_LINK.findall(prose)]


def anchors(page: str) -> list[str]:
    """The anchors that GitHub and the site give the headings of a page, in order."""
    seen: Counter[str] = Counter()
    found = []
    for heading in _HEADING.findall(without_blocks_keeping_code(page)):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        found.append(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def without_blocks_keeping_code(page: str) -> str:
    return re.sub(r"^ *```.*?^ *```", "", page_text(page), flags=re.MULTILINE | re.DOTALL)


def problem_of(page: str, link: str) -> str | None:
    url = urlsplit(link)
    if url.scheme:
        if url.scheme == "http" and url.hostname in ("localhost", "127.0.0.1"):
            return None
        return None if url.scheme in ("https", "mailto") and url.path is not None else "not https"
    target = (REPOSITORY / page).parent / url.path if url.path else REPOSITORY / page
    if not target.resolve().exists():
        return "no such file"
    name = target.resolve().relative_to(REPOSITORY).as_posix()
    if url.fragment and url.fragment not in anchors(name):
        return "no such heading"
    return None


@pytest.mark.parametrize("page", page_names())
def test_links_lead_somewhere(page: str) -> None:
    wrong = {link: problem for link in links(page) if (problem := problem_of(page, link))}
    assert not wrong


def test_links_of_the_site_stay_inside_of_it() -> None:
    """`make docs` refuses others; so does this, where the site cannot be built."""
    docs = REPOSITORY / "docs"
    for path in site_pages():
        page = path.relative_to(REPOSITORY).as_posix()
        for link in links(page):
            if not urlsplit(link).scheme:
                target = (path.parent / urlsplit(link).path).resolve()
                assert target.is_relative_to(docs), f"{page}: {link}"


def nav_pages(entries: list[dict[str, object]]) -> Iterator[str]:
    for entry in entries:
        for value in entry.values():
            if isinstance(value, str):
                yield value
            elif isinstance(value, list):
                yield from nav_pages(value)


def test_the_menu_holds_every_page_once() -> None:
    shown = [f"docs/{name}" for name in nav_pages(CONFIG["nav"])]
    written = {english_of(path.relative_to(REPOSITORY).as_posix()) for path in site_pages()}
    assert len(shown) == len(set(shown))
    assert {name for name in shown if not name.startswith(GENERATED)} == written


def test_the_reader_s_fonts_are_taken() -> None:
    assert CONFIG["theme"]["font"] is False
    assert not {"extra_javascript", "extra_css"} & CONFIG.keys()


def test_a_broken_link_is_found() -> None:
    assert problem_of("README.md", "docs/nothing.md") == "no such file"
    assert problem_of("README.md", "docs/text.md#nothing") == "no such heading"
    assert problem_of("README.md", "http://example.com") == "not https"
    assert problem_of("README.md", "docs/text.md#three-tokenizers") is None


def test_the_home_page_leads_to_every_page() -> None:
    """Of those that are written; the menu has the others."""
    home = {link.split("#")[0] for link in links("docs/index.md")}
    written = {path.relative_to(REPOSITORY / "docs").as_posix() for path in site_pages()}
    english = {page for page in written if page == english_of(page)} - {"index.md"}
    assert english <= home
