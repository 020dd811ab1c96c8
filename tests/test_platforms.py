"""The pages and the package's metadata agree on systems with what was read from PyPI."""

import json
import os
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT: dict[str, Any] = runpy.run_path(str(ROOT / ".ci" / "platforms.py"))
FOUND = json.loads((ROOT / ".ci" / "platforms.json").read_text("utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def installed(install: str) -> set[tuple[str, str]]:
    """The systems and Pythons where an installation needs no compiler."""
    return {
        (cell["system"], cell["python"])
        for cell in FOUND["cells"]
        if cell["install"] == install and "missing" not in cell
    }


@pytest.mark.parametrize("page", SCRIPT["PAGES"])
def test_the_pages_hold_the_tables(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    assert SCRIPT["replaced"](text, SCRIPT["tables"](FOUND, page)) == text
    assert FOUND["date"] in text


def test_each_cell_was_read_once() -> None:
    places = [(cell["system"], cell["python"], cell["install"]) for cell in FOUND["cells"]]
    expected = {
        (system, python, install)
        for system in SCRIPT["SYSTEMS"]
        for python in SCRIPT["PYTHONS"]
        for install in ("core", "train")
    }
    assert set(places) == expected and len(places) == len(expected)


def test_what_trains_predicts_and_serves_too() -> None:
    assert installed("train") < installed("core")


def test_the_classifiers_are_what_can_be_installed() -> None:
    classifiers = [classifier.split(" :: ") for classifier in PROJECT["classifiers"]]
    pythons = {c[-1] for c in classifiers if c[:2] == ["Programming Language", "Python"]} - {"3"}
    assert pythons == {python for _, python in installed("core")}
    systems = {c[-1].lower() for c in classifiers if c[0] == "Operating System"}
    assert systems == {system.split(", ")[0].lower() for system, _ in installed("core")}


@pytest.mark.parametrize(
    ("page", "words"), [("README.md", "{} to {}"), ("README.zh-CN.md", "{} 至 {}")]
)
def test_the_readmes_name_the_pythons(page: str, words: str) -> None:
    cells = []
    for install in ("train", "core"):
        pythons = [p for p in SCRIPT["PYTHONS"] if ("Linux, x86-64", p) in installed(install)]
        cells.append(words.format(pythons[0], pythons[-1]))
    assert f"| Python | {' | '.join(cells)} |" in (ROOT / page).read_text("utf-8")


def test_a_page_without_marks_is_not_written_over() -> None:
    with pytest.raises(ValueError, match="platforms:begin"):
        SCRIPT["replaced"]("a page", "a table")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--help"], 0, "--write"),
        (["--wirte"], 2, "unrecognized arguments: --wirte"),
        ([], 2, "the command `uv` is not installed"),
    ],
)
def test_the_script_reads_nothing_without_uv_or_with_an_unknown_flag(
    arguments: list[str], code: int, words: str, tmp_path: Path
) -> None:
    before = (ROOT / ".ci" / "platforms.json").read_bytes()
    ended = subprocess.run(
        [sys.executable, ROOT / ".ci" / "platforms.py", *arguments],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == code
    assert words in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    assert (ROOT / ".ci" / "platforms.json").read_bytes() == before
