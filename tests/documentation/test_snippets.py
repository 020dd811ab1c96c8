"""Every block of the documentation is run in order, or says why it is not."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lstm_sentiment import FitResult
from tests.conftest import REPOSITORY
from tests.documentation.command_lines import problems_of
from tests.documentation.page_walk import PageWalk, missing_program, syntax_error
from tests.documentation.pages import (
    CHINESE,
    MARKS,
    RUN,
    SHOWN,
    Block,
    all_blocks,
    blocks_of,
    page_names,
)
from tests.documentation.stand_ins import Training

BLOCKS = all_blocks()
WALKED = [block for block in BLOCKS if not block.page.endswith(CHINESE)]


class Walks:
    """The walk through each page, as far as it has come."""

    def __init__(self, folder: Path, training: Training) -> None:
        self._folder = folder
        self.training = training
        self._open: tuple[str, PageWalk] | None = None
        self._done: dict[str, str | None] = {}

    def outcome(self, block: Block) -> str | None:
        """Runs the page up to a block, which is run once."""
        before = [b for b in WALKED if b.page == block.page and b.line <= block.line]
        for earlier in before:
            if earlier.place not in self._done:
                self._done[earlier.place] = self._walk(earlier.page).run(earlier)
        return self._done[block.place]

    def _walk(self, page: str) -> PageWalk:
        if self._open is None or self._open[0] != page:
            self.close()
            folder = self._folder / re.sub(r"\W", "-", page)
            folder.mkdir()
            self._open = page, PageWalk(folder, self.training)
        return self._open[1]

    def close(self) -> None:
        if self._open is not None:
            self._open[1].close()
            self._open = None


@pytest.fixture(scope="module")
def walks(fitted: FitResult, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walks]:
    training = Training(fitted, tmp_path_factory.mktemp("exports"))
    with pytest.MonkeyPatch.context() as patch:
        training.install(patch)
        walks = Walks(tmp_path_factory.mktemp("pages"), training)
        yield walks
        walks.close()
        training.close()


@pytest.mark.parametrize("block", WALKED, ids=lambda block: block.place)
def test_block_does_what_its_page_says(block: Block, walks: Walks) -> None:
    if (program := missing_program(block)) is not None:
        pytest.skip(f"{block.place} needs {program}")
    if (error := walks.outcome(block)) is not None:
        pytest.fail(f"{block.place}: {error}", pytrace=False)


@pytest.mark.parametrize("page", page_names())
def test_what_is_not_run_has_a_reason_and_holds_what_can_be_checked(page: str) -> None:
    wrong = []
    for block in BLOCKS:
        if block.page == page:
            wrong += [f"{block.place}: {problem}" for problem in _problems(block)]
    assert not wrong, "\n".join(wrong)


def block_of(text: str, language: str = "sh", **marks: str) -> Block:
    return Block("page.md", 7, language, text, marks)


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("python cli.py fit --data a.csv --epoch 3", "No such option: --epoch"),
        ("python cli.py evalute --data a.csv", "No such command 'evalute'"),
        ("FLAG=1 python cli.py launch --workers 2 -- fit --nothing", "No such option: --nothing"),
        ("cd x && lstm-sentiment models label --force", "No such option: --force"),
        ("pip install -e '.[demos]'", "no extra demos"),
        ("python -m benchmarks.nothing --table", "no module benchmarks.nothing"),
        ("python -m benchmarks.text --tables", "benchmarks.text has no --tables"),
    ],
)
def test_a_command_that_is_not_there_is_found(script: str, problem: str) -> None:
    assert any(problem in found for found in problems_of(script)), problems_of(script)


def test_what_is_not_a_flag_of_ours_is_let_be() -> None:
    script = """
    python cli.py fit --data reviews.csv \\
      --epochs 3   # it isn't long
    python cli.py predict "好" --server localhost:8500 | sort --unknown > out.txt
    """
    assert problems_of(script) == []


def test_a_block_that_breaks_is_told(walks: Walks, tmp_path: Path) -> None:
    walk = PageWalk(tmp_path, walks.training)
    try:
        assert "No such option" in str(walk.run(block_of("python cli.py fit --nothing")))
        assert "Connection refused" in str(
            walk.run(block_of("python cli.py predict x --server localhost:8500"))
        )
        assert "exit code 3" in str(walk.run(block_of("exit 3")))
        error = str(walk.run(block_of("x = 2\ny = 1 / 0\n", "python")))
        assert 'File "page.md", line 9' in error
        assert "ZeroDivisionError" in error
        assert walk.run(block_of("x += 1\nprint(x, 'of 3')\n", "python")) is None
        assert walk.run(block_of("7 of 9\n", "", output="")) is None
        assert "not printed" in str(walk.run(block_of("3 of x\n", "", output="")))
        assert walk.run(block_of("exit 3", **{"not run": "needs luck"})) is None
    finally:
        walk.close()


def test_marks_are_read() -> None:
    text = "Text.\n\n<!-- needs: java -->\n<!-- file: A.java -->\n```java\nclass A {}\n```\n"
    (block,) = blocks_of(text, "page.md")
    assert block == Block("page.md", 5, "java", "class A {}\n", {"needs": "java", "file": "A.java"})


def test_what_is_wrong_with_marks_is_told() -> None:
    assert list(_problems(block_of("ls", nothing=""))) == ["unknown mark 'nothing'"]
    assert list(_problems(block_of("ls", **{"not run": "because"}))) == [
        "`not run` without a reason"
    ]
    assert list(_problems(block_of("ls", "shell"))) == ["unknown language 'shell'"]
    assert "unexpected" in " ".join(_problems(block_of("if true; then")))
    wrong = block_of("cat examples/none.txt", **{"not run": "needs luck"})
    assert list(_problems(wrong)) == ["no file examples/none.txt"]


def _problems(block: Block) -> Iterator[str]:
    if block.language not in (*RUN, *SHOWN):
        yield f"unknown language {block.language!r}"
    yield from (f"unknown mark {name!r}" for name in block.marks.keys() - set(MARKS))
    if block.why_not is not None and len(block.why_not.split()) < 2:
        yield "`not run` without a reason"
    if "output" not in block.marks and (error := syntax_error(block)):
        yield error
    if block.language == "sh":
        checked = subprocess.run(["bash", "-n"], input=block.text, text=True, capture_output=True)
        yield from checked.stderr.splitlines()
        yield from problems_of(block.text)
        if block.why_not is not None:
            yield from _missing_files(block.text)


def _missing_files(script: str) -> Iterator[str]:
    for name in re.findall(
        r"(?<![\w/.])((?:serving_configs|examples|benchmarks)/[\w./-]+)", script
    ):
        if not (REPOSITORY / name).exists():
            yield f"no file {name}"
