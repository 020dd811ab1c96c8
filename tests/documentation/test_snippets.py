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
from tests.documentation.pages import MARKS, RUN, SHOWN, Block, all_blocks, page_names
from tests.documentation.stand_ins import Training

BLOCKS = all_blocks()
# Held equal to the README's, command for command, by a test of its own.
TRANSLATIONS = ("README.zh-CN.md",)
WALKED = [block for block in BLOCKS if block.page not in TRANSLATIONS]


class Walks:
    """The walk through each page, as far as it has come."""

    def __init__(self, folder: Path, training: Training) -> None:
        self._folder = folder
        self._training = training
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
            self._open = page, PageWalk(folder, self._training)
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
