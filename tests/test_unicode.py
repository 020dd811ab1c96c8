"""Text of others on one line of a log or a terminal."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_sentiment.unicode import escaped_line, has_controls


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("a\nERROR forged", r"a\nERROR forged"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("a\r\tb\x00", r"a\r\tb\x00"),
        ("\x9b31m", r"\x9b31m"),
        ("gnp\u202etxt.exe", r"gnp\u202etxt.exe"),
        ("\u2066a\u2069\u200e", r"\u2066a\u2069\u200e"),
        ("a\u2028b\u2029c\x85d", r"a\u2028b\u2029c\x85d"),
        ("a\u200bb\ufeffc", r"a\u200bb\ufeffc"),
        ("\U000e0041", r"\U000e0041"),
        ("\udcff", r"\udcff"),
    ],
)
def test_what_ends_a_line_moves_a_cursor_or_hides_is_escaped(given_text: str, shown: str) -> None:
    assert escaped_line(given_text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "房间\u3000很干净",
        "C:\\new",
        "é e\u0301",
        "👨\u200d👩\u200d👧",
        "می\u200cخواهم",
        "a\xa0b",
        "\ue000",
    ],
)
def test_ordinary_text_of_every_script_stays(text: str) -> None:
    assert escaped_line(text) == text
    assert not has_controls(text)


@pytest.mark.parametrize(
    ("name", "is_refused"),
    [
        ("a\nb", True),
        ("a\x1b[1m", True),
        ("\x9b", True),
        ("a\tb", True),
        ("\u202ea", True),
        ("\u2067a\u2069", True),
        ("a\u2029", True),
        ("\ud800", True),
        ("إيجابي\u200f", False),
        ("a\xadb\ufeff", False),
    ],
)
def test_names_may_hold_no_controls_and_may_hold_marks(name: str, is_refused: bool) -> None:
    assert has_controls(name) is is_refused


def test_paths_and_errors_are_taken_by_what_they_say() -> None:
    assert escaped_line(Path("a\nb")) == r"a\nb"
    assert escaped_line(ValueError("x\x1b[2J")) == r"x\x1b[2J"


@given(st.text(st.characters(codec=None)))
def test_every_text_is_one_line_that_can_be_written_and_needs_no_second_escape(text: str) -> None:
    line = escaped_line(text)
    assert len(line.splitlines()) <= 1
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in line)
    line.encode()
    assert escaped_line(line) == line
    assert not has_controls(line)
    if has_controls(text):
        assert line != text
