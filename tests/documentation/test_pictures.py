"""The drawings of the documentation are legible on a dark page too."""

import re
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

# A picture of a terminal has a background of its own.
DRAWINGS = sorted(path for path in REPOSITORY.glob("docs/**/*.svg") if path.stem != "terminal")
_RECTANGLE = re.compile(r"<rect\b[^>]*>")


def attribute(tag: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    return found[1] if found else ""


def white_backgrounds(svg: str) -> list[str]:
    """The rectangles as large as the drawing that are white."""
    _, _, width, height = attribute(svg, "viewBox").split()
    return [
        tag
        for tag in _RECTANGLE.findall(svg)
        if (attribute(tag, "width"), attribute(tag, "height")) == (width, height)
        and attribute(tag, "fill") in {"#fff", "#ffffff", "white"}
    ]


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.name)
def test_a_drawing_has_no_white_background(path: Path) -> None:
    assert white_backgrounds(path.read_text("utf-8")) == []


def test_a_white_background_is_found() -> None:
    svg = '<svg viewBox="0 0 9 5"><rect width="9" height="5" rx="1" fill="#fff"/></svg>'
    assert len(white_backgrounds(svg)) == 1
