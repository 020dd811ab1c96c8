"""The README's pictures show what its commands print."""

import html
import re
import runpy
import xml.etree.ElementTree as ET

from tests.conftest import REPOSITORY

PICTURE = REPOSITORY / "docs" / "images" / "terminal.svg"


def characters(text: str) -> str:
    """A text without its spaces, which a picture does not hold."""
    return re.sub(r"\s", "", html.unescape(text))


def test_the_terminal_shows_the_commands_of_the_readme_one_after_the_other() -> None:
    script = runpy.run_path(str(REPOSITORY / "docs" / "make_terminal_picture.py"))
    commands = script["commands"]()
    assert [command.split()[1] for command in commands] == ["evaluate", "explain", "predict"]
    shown = characters("".join(ET.parse(PICTURE).getroot().itertext()))
    places = [shown.find(characters(f"${command}")) for command in commands]
    assert -1 not in places and places == sorted(places)


def test_the_terminal_is_no_wider_than_text_of_its_size() -> None:
    root = ET.parse(PICTURE).getroot()
    assert int(root.attrib["width"]) <= 700
