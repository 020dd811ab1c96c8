"""The table in `findings/README.md` lists the scripts beside it; each has the same parts."""

import os
import re
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

FOLDER = REPOSITORY / "findings"
_ROW = re.compile(r"^\| \[(.+)\]\((.+)\) \| .+ \| .+ \|$", re.MULTILINE)
ROWS = _ROW.findall((FOLDER / "README.md").read_text("utf-8"))
SCRIPTS = sorted(FOLDER.glob("*.sh"))
# The parts of the comment at the top of a script, in order.
PARTS = ("One would guess:", "What happens:", "Versions:", "Why it matters:", "Seen on ")


def comment_of(script: Path) -> str:
    """Returns the comment between the first line of a script and its first command."""
    lines = script.read_text("utf-8").splitlines()[1:]
    return "\n".join(lines[: next(n for n, line in enumerate(lines) if not line.startswith("#"))])


def test_the_table_lists_each_finding_once_in_alphabetical_order() -> None:
    assert [(script.name, script.name) for script in SCRIPTS] == ROWS


def test_no_other_file_lies_in_the_folder() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {
        "README.md",
        *(script.name for script in SCRIPTS),
    }


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_finding_has_its_form(script: Path) -> None:
    text, comment = script.read_text("utf-8"), comment_of(script)
    places = [comment.find(f"# {part}") for part in PARTS]
    assert -1 not in places and places == sorted(places), f"the comment has, in this order, {PARTS}"
    assert text.startswith("#!/usr/bin/env bash\n")
    for line in ("set -euo pipefail", "folder=$(mktemp -d)", """trap 'rm -rf "$folder"' EXIT"""):
        assert f"\n{line}\n" in text
    assert os.access(script, os.X_OK)
    assert "lstm_sentiment" not in text, "a finding runs without this project's code"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_finding_installs_pinned_packages_and_names_their_versions(script: Path) -> None:
    text, comment = script.read_text("utf-8"), comment_of(script)
    assert "==" in text, "a finding pins the packages that it installs"
    pinned = set(re.findall(r"[\w\]]==(\d[\w.]*)", text))
    versions = comment.split("# Versions:")[1].split("# Why it matters:")[0]
    assert not [version for version in pinned if version not in versions]
