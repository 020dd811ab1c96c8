"""The page as a file: what can be said of it without a browser."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.labels.page.render import render_labels_page, write_labels_page
from lstm_sentiment.labels.page.rows import PageMode, PageRow
from tests.contrast import Colour, contrast, over, themes

pytest.importorskip("jinja2", reason="needs the extra `report`")

FOLDER = resources.files("lstm_sentiment.labels.page").joinpath("templates")
FILES = {file.name: file.read_text("utf-8") for file in FOLDER.iterdir()}
CSS, STRINGS = FILES["labels.css"], FILES["strings.js"]
SCRIPTS = "".join(text for name, text in FILES.items() if name.endswith(".js"))
HTML = FILES["labels.html.jinja"]
HOSTILE = "</script><script>window.harmed = 1</script><!--"
ROW = PageRow(HOSTILE, "a" * 16, "wrong", "bad", "good", 0.25, 7)


def rendered(*rows: PageRow, mode: PageMode = "check", source: str = "a.csv") -> str:
    return render_labels_page(
        rows, mode=mode, source=source, label_names=["bad", "good"], next_command="fit"
    )


def data_of(page: str) -> dict[str, Any]:
    [found] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page)
    data: dict[str, Any] = json.loads(found)
    return data


def test_only_its_own_script_and_style_are_allowed() -> None:
    page = rendered(ROW, source=HOSTILE)
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    [script] = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    [style] = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()}'"
        for part in (script, style)
    ]
    assert policy.replace("&#43;", "+") == (
        f"default-src 'none'; script-src {hashes[0]}; style-src {hashes[1]}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    assert data_of(page)["items"][0]["text"] == HOSTILE
    assert page.count("</script>") == 2
    assert re.findall(r"(?:src|href)=\"(?!data:,|#)", page) == []


def test_rows_of_one_text_are_one_question() -> None:
    page = rendered(ROW, replace(ROW, given_label="good"), replace(ROW, digest="b" * 16))
    first, second = data_of(page)["items"]
    assert first["given"] == ["bad", "good"]
    assert second["given"] == ["bad"]


def test_another_list_has_another_place_in_the_browser() -> None:
    pages = [
        rendered(ROW),
        rendered(ROW, source="b.csv"),
        rendered(replace(ROW, given_label="good")),
        rendered(ROW, mode="next"),
    ]
    ids = [data_of(page)["id"] for page in pages]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_both_languages_say_the_same_things() -> None:
    parts = STRINGS.split("\n  zh: {")
    keys = [re.findall(r'^    "?([\w.]+)"?: ', part, re.MULTILINE) for part in parts]
    assert keys[0] == keys[1]
    assert len(keys[0]) == len(set(keys[0])) > 50
    said = {*re.findall(r'data-i18n(?:-label)?="([\w.]+)"', HTML + SCRIPTS)}
    said |= {*re.findall(r'\bt\("([\w.]+)"', SCRIPTS)}
    assert said <= {*keys[0]}


def test_a_page_is_written_as_a_whole_or_told(tmp_path: Path) -> None:
    write_labels_page("页", tmp_path / "a.html")
    assert (tmp_path / "a.html").read_text("utf-8") == "页"
    with pytest.raises(InvalidInputError, match=r"no[/\\]a\.html: cannot be written"):
        write_labels_page("", tmp_path / "no" / "a.html")


TEXT_ON = [
    *[("text", each) for each in ("page", "surface", "sunken", "accent-soft")],
    *[("muted", each) for each in ("page", "surface", "sunken", "accent-soft")],
    *[("accent", each) for each in ("page", "surface", "accent-soft", "sunken")],
    *[("done", each) for each in ("page", "surface", "accent-soft", "sunken")],
    ("on-accent", "accent"),
    ("problem", "problem-soft"),
    ("differs", "differs-soft"),
]


@pytest.mark.parametrize("theme", themes(CSS), ids=["light", "dark"])
def test_colours_can_be_told_apart(theme: dict[str, Colour]) -> None:
    for text, ground in TEXT_ON:
        assert contrast(theme[text], theme[ground]) >= 4.5, (text, ground)
    assert contrast(theme["edge"], theme["surface"]) >= 3
    assert CSS.count("calc(var(--weight, .7) * .5)") == 2
    for token in ("token-for", "token-against"):
        assert contrast(theme["text"], over(theme[token], theme["surface"], 0.5)) >= 4.5
