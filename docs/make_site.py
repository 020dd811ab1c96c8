"""Builds the documentation site: English into site/, Chinese into site/zh-CN/.

    python docs/make_site.py

A Chinese page is a file beside the English one: `tutorial.zh-CN.md` beside `tutorial.md`. The
Chinese site shows the Chinese page where there is one, else the English page with a note. The menu
is that of zensical.toml; docs/site.zh-CN.toml has its titles in Chinese. The build ends with an
error where a link, an anchor or a name leads nowhere. `make docs` runs this.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomli_w

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
SITE = ROOT / "site"
CHINESE = ".zh-CN.md"
TRANSLATION = "site.zh-CN.toml"
# What a writer of pages needs and a reader does not.
NOT_SHOWN = ("*.py", "*.toml", "theme", "reference_examples", "__pycache__", f"*{CHINESE}")
_OTHER_LANGUAGE = re.compile(r"^(English · |\[English\]).*\n\n?", re.MULTILINE)
_CHINESE_LINK = re.compile(
    rf"\]\((?:(?P<page>[^)\s:#]+){re.escape(CHINESE)})?(?:#(?P<anchor>[^)\s]+))?\)"
)
_TITLE = re.compile(r"^# .*\n", re.MULTILINE)
_HEADING = re.compile(r"#+ +(.+?) *$")


def main() -> None:
    """Builds both languages and puts them where `site/` is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=SITE)
    output = parser.parse_args().output
    project = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]
    work = ROOT / ".cache" / "site"
    shutil.rmtree(work, ignore_errors=True)
    shutil.rmtree(output, ignore_errors=True)
    for language in ("en", "zh"):
        folder = work / language
        write_pages(folder / "docs", language)
        config = {"project": settings(project, language)}
        (folder / "zensical.toml").write_text(tomli_w.dumps(config), "utf-8")
        command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
        if code := subprocess.run(command, cwd=folder).returncode:
            sys.exit(code)
        (folder / "site").rename(output if language == "en" else output / "zh-CN")


def write_pages(folder: Path, language: str) -> None:
    """Copies the pages of one language into a folder, without the links to the other language."""
    shutil.copytree(DOCS, folder, ignore=shutil.ignore_patterns(*NOT_SHOWN))
    note = translation()["untranslated"]
    for page in folder.rglob("*.md"):
        english = DOCS / page.relative_to(folder)
        chinese = english.with_suffix(CHINESE)
        if language == "en":
            text = english.read_text("utf-8")
        elif chinese.exists():
            text = in_site(chinese)
        else:
            text = _TITLE.sub(
                lambda title: f"{title[0]}\n*{note}*\n", english.read_text("utf-8"), count=1
            )
        page.write_text(_OTHER_LANGUAGE.sub("", text, count=1), "utf-8")


def in_site(chinese: Path) -> str:
    """Returns a Chinese page under the English page's name and with its anchors.

    So a link to a page or to a heading needs not know whether the page has been translated.
    """

    def english_link(link: re.Match[str]) -> str:
        page, anchor = link["page"], link["anchor"]
        target = (chinese.parent / page).with_suffix(CHINESE) if page else chinese
        return "".join(
            [
                "](",
                f"{page}.md" if page else "",
                f"#{english_anchors(target)[anchor]}" if anchor else "",
                ")",
            ]
        )

    lines = chinese.read_text("utf-8").split("\n")
    for (number, _), anchor in zip(headings(lines), english_anchors(chinese).values(), strict=True):
        lines[number] += f" {{#{anchor}}}"
    return _CHINESE_LINK.sub(english_link, "\n".join(lines))


def english_anchors(chinese: Path) -> dict[str, str]:
    """Returns the anchors of the English page's headings by those of the Chinese page's."""
    english = chinese.with_name(chinese.name.removesuffix(CHINESE) + ".md")
    pages = (page.read_text("utf-8").split("\n") for page in (chinese, english))
    ours, theirs = ([anchor for _, anchor in headings(lines)] for lines in pages)
    return dict(zip(ours, theirs, strict=True))


def headings(lines: Sequence[str]) -> list[tuple[int, str]]:
    """Returns each heading's line number, from 0, and its anchor as GitHub has it."""
    found, seen = [], Counter[str]()
    inside = False
    for number, line in enumerate(lines):
        inside ^= line.lstrip().startswith("```")
        if not inside and (heading := _HEADING.match(line)):
            slug = re.sub(r"[^\w\- ]", "", heading[1].lower()).strip().replace(" ", "-")
            found.append((number, f"{slug}-{seen[slug]}" if seen[slug] else slug))
            seen[slug] += 1
    return found


def translation() -> dict[str, Any]:
    """Loads what is Chinese in the settings of the site."""
    return tomllib.loads((DOCS / TRANSLATION).read_text("utf-8"))


def settings(project: dict[str, Any], language: str) -> dict[str, Any]:
    """Returns the settings of the site in one language."""
    chinese = translation()
    made = {**project, "docs_dir": "docs", "site_dir": "site", "theme": {**project["theme"]}}
    handlers = made["plugins"]["mkdocstrings"]["handlers"]
    handlers["python"]["paths"] = [str(ROOT)]
    made["theme"]["custom_dir"] = str(DOCS / "theme")
    made["theme"]["language"] = language
    # Links from the root of this language's site.
    here, there = "", "zh-CN/" if language == "en" else "../"
    links = (here, there) if language == "en" else (there, here)
    made["extra"] = {
        "alternate": [
            {"name": "English", "link": links[0], "lang": "en"},
            {"name": "简体中文", "link": links[1], "lang": "zh"},
        ]
    }
    if language == "zh":
        made["site_description"] = chinese["site_description"]
        made["nav"] = in_chinese(project["nav"], chinese["titles"])
        palettes = project["theme"]["palette"]
        made["theme"]["palette"] = [
            {**palette, "toggle": {**palette["toggle"], "name": chinese[other]}}
            for palette, other in zip(palettes, ("dark", "light"), strict=True)
        ]
    return made


def in_chinese(nav: list[dict[str, Any]], titles: dict[str, str]) -> list[dict[str, Any]]:
    """Returns the menu with other titles."""
    return [
        {titles[title]: in_chinese(entry, titles) if isinstance(entry, list) else entry}
        for part in nav
        for title, entry in part.items()
    ]


if __name__ == "__main__":
    main()
