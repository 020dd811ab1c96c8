"""The ML Test Score adds up, and each test or command that it names exists."""

import re

from tests.conftest import REPOSITORY
from tests.documentation.pages import page_text

PAGE = "docs/ml-test-score.md"
PARTS = ("Data", "Model", "Infrastructure", "Monitoring")


def rows_of(part: str) -> list[list[str]]:
    """The tests of a part: what is tested, the points, what shows it."""
    section = page_text(PAGE).split(f"\n## {part}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (.+) \| (.+) \| (.+) \|$", section, re.MULTILINE)
    return [list(row) for row in rows if row[0] != "test"]


def stated() -> dict[str, float]:
    """The scores at the top of the page, by the name of the part."""
    found = re.findall(r"^\| \**([a-z ]+?)\** \| \**([\d.]+)\** \|$", page_text(PAGE), re.MULTILINE)
    return {name: float(score) for name, score in found}


def test_each_part_has_seven_tests_with_their_points() -> None:
    for part in PARTS:
        rows = rows_of(part)
        assert len(rows) == 7, part
        assert {row[1] for row in rows} <= {"0", "0.5", "1"}, part


def test_the_scores_are_sums_and_the_final_one_is_the_lowest() -> None:
    sums = {part.lower(): sum(float(row[1]) for row in rows_of(part)) for part in PARTS}
    assert stated() == sums | {"final score": min(sums.values())}


def test_points_are_shown_by_a_command_a_page_or_a_test() -> None:
    for part in PARTS:
        for name, points, shown in rows_of(part):
            if points == "1":
                assert "tests/" in shown or "`" in shown or "](" in shown, name
            elif points == "0.5":
                assert "`" in shown or "](" in shown, name


def test_named_tests_exist() -> None:
    paths = re.findall(r"`(tests/[\w/.]+)`", page_text(PAGE))
    assert paths
    assert [path for path in paths if not (REPOSITORY / path).exists()] == []
