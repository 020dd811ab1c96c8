"""The site in two languages: what its generator is given."""

import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY

SCRIPT: dict[str, Any] = runpy.run_path(str(REPOSITORY / "docs" / "make_site.py"))
PROJECT: dict[str, Any] = tomllib.loads((REPOSITORY / "zensical.toml").read_text("utf-8"))[
    "project"
]


def paths(nav: list[dict[str, Any]]) -> list[str]:
    found = []
    for entry in nav:
        for value in entry.values():
            found += [value] if isinstance(value, str) else paths(value)
    return found


def test_both_menus_hold_the_same_pages() -> None:
    english, chinese = (SCRIPT["settings"](PROJECT, language)["nav"] for language in ("en", "zh"))
    assert paths(english) == paths(chinese)
    assert paths(english)[:2] == ["index.md", "tutorial.md"]


def test_a_title_without_translation_is_found() -> None:
    with pytest.raises(KeyError, match="Unheard of"):
        SCRIPT["in_chinese"]([{"Unheard of": "index.md"}], {"Home": "首页"})


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_language_has_all_pages_under_the_same_names(language: str, tmp_path: Path) -> None:
    SCRIPT["write_pages"](tmp_path / "docs", language)
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.md")}
    assert not {name for name in written if "zh-CN" in name}
    assert {f"docs/{name}" for name in paths(PROJECT["nav"]) if "reference/" not in name} <= written
    home = (tmp_path / "docs/index.md").read_text("utf-8")
    assert "简体中文" not in home and "zh-CN.md" not in home
    assert ("## 在刚克隆的目录里安装" in home) == (language == "zh")
    note = "本页暂无中文版" in (tmp_path / "docs/servable.md").read_text("utf-8")
    assert note == (language == "zh")


def test_a_chinese_page_has_the_anchors_of_the_english_one(tmp_path: Path) -> None:
    english = "# Two steps\n\n## Install it\n\n```sh\n# not a heading\n```\n\n## Use it\n"
    (tmp_path / "steps.md").write_text(english, "utf-8")
    chinese = tmp_path / "steps.zh-CN.md"
    chinese.write_text(
        "# 两步\n\n## 安装\n\n```sh\n# 不是标题\n```\n\n## 使用\n\n"
        "[安装](#安装)、[使用](steps.zh-CN.md#使用)、[全部](steps.zh-CN.md)、[英文](other.md#x)\n",
        "utf-8",
    )
    made = SCRIPT["in_site"](chinese).splitlines()
    assert made[:3:2] == ["# 两步 {#two-steps}", "## 安装 {#install-it}"]
    assert made[5] == "# 不是标题"
    assert made[8] == "## 使用 {#use-it}"
    assert made[-1] == (
        "[安装](#install-it)、[使用](steps.md#use-it)、[全部](steps.md)、[英文](other.md#x)"
    )


def test_the_switch_of_languages_is_left_alone_by_the_theme() -> None:
    """The theme's script sends links without a target to the home page of the other language."""
    switch = (REPOSITORY / "docs/theme/partials/alternate.html").read_text("utf-8")
    assert [link for link in re.findall("<a [^>]*>", switch) if 'target="_self"' not in link] == []
    assert "alt.link ~ page.url" in switch
