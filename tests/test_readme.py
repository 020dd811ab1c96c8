"""The READMEs' places for what other programs read and write."""

import re
from pathlib import Path

import pytest

from benchmarks import table
from tests.conftest import REPOSITORY

ENGLISH, CHINESE = REPOSITORY / "README.md", REPOSITORY / "README.zh-CN.md"


@pytest.mark.parametrize("readme", [ENGLISH, CHINESE], ids=lambda path: path.name)
def test_benchmarks_find_their_place(readme: Path) -> None:
    text = readme.read_text("utf-8")
    replaced = table.replaced(text, "figures", readme)
    assert f"{table.BEGIN}\nfigures\n{table.END}" in replaced
    assert text.count("ONNX Runtime |") == 1 and "ONNX Runtime |" not in replaced


def test_the_test_command_is_what_ci_reads() -> None:
    # `.ci/run` takes the lines between the mark and the end of the block.
    text = ENGLISH.read_text("utf-8")
    [(language, command)] = re.findall(
        r"^<!-- test command -->\n```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE
    )
    assert language == "sh"
    assert "'.[dev]'" in command and "-m pytest" in command
