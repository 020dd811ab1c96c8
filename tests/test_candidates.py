"""The script that tests releases before pyproject.toml takes them: its lists and its tables."""

import ast
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.conftest import REPOSITORY

with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(str(REPOSITORY / ".ci"))  # as Python does that runs the script
    SCRIPT: dict[str, Any] = runpy.run_path(str(REPOSITORY / ".ci" / "candidates.py"))
    ENVIRONMENTS: dict[str, Any] = runpy.run_path(
        str(REPOSITORY / ".ci" / "candidate_environments.py")
    )
WITHOUT_TEXT = "RuntimeError: tensorflow-text has no release for this TensorFlow"
RESULTS = f"""<testsuites><testsuite>
<testcase classname="tests.a" name="test_right"/>
<testcase classname="tests.a" name="test_other_system"><skipped message="needs a GPU"/></testcase>
<testcase classname="tests.a" name="test_wrong"><failure message="assert 1 == 2&#10; +  where">
def test_wrong</failure></testcase>
<testcase classname="tests.a" name="test_words"><error message="failed on setup with
&quot;{WITHOUT_TEXT}&quot;">fixture</error></testcase>
<testcase classname="" name="tests.b"><error message="collection failure">E {WITHOUT_TEXT}</error>
</testcase></testsuite></testsuites>"""


def environment(text: str | None, **versions: str) -> Any:
    named = {name.replace("_", "-"): version for name, version in versions.items()}
    return SCRIPT["Environment"](Path("python"), named, text)


def test_all_that_the_tests_need_is_installed() -> None:
    declared = ENVIRONMENTS["declared"]()
    assert set(ENVIRONMENTS["TOOLS"]) <= declared.keys()
    assert {"grpcio", "tensorflow-text", "keras", "gensim", "tensorboard"} <= declared.keys()
    assert "lstm-sentiment" not in declared
    core = ENVIRONMENTS["declared"](extras=())
    assert "grpcio" in core and "keras" not in core and "pytest" not in core


def imported_by_tests() -> Iterator[tuple[Path, str]]:
    """Yields each module that a file of the groups imports while it is loaded, with the file."""
    folders = [REPOSITORY / path for paths in SCRIPT["GROUPS"].values() for path in paths]
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield path, node.module


def test_each_package_that_a_test_file_imports_is_installed() -> None:
    declared = {canonicalize_name(name) for name in ENVIRONMENTS["declared"]()}
    lines = [line for name in declared for line in requires(name) or () if "extra ==" not in line]
    installed = declared | {canonicalize_name(Requirement(line).name) for line in lines}
    packages = packages_distributions()
    missing = [
        f"{path.relative_to(REPOSITORY)}: {module}"
        for path, module in imported_by_tests()
        for package in [packages.get(module.partition(".")[0], [])]
        if package and not installed & {canonicalize_name(one) for one in package}
    ]
    assert missing == []


def test_the_lowest_versions_are_where_the_ranges_of_the_core_begin() -> None:
    core = ENVIRONMENTS["declared"](extras=())
    lowest = {one.name: one.specifier for one in map(Requirement, ENVIRONMENTS["lowest"]())}
    assert lowest.keys() == core.keys()
    for name, requirement in core.items():
        [pin] = lowest[name]
        assert pin.operator == "==" and requirement.specifier.contains(pin.version)
        assert f">={Version(pin.version)}" in str(requirement.specifier)


def test_tensorflow_text_comes_of_the_same_minor_release() -> None:
    texts = ENVIRONMENTS["texts"]
    released = str(ENVIRONMENTS["declared"]()["tensorflow-text"])
    assert texts(None) == [released]
    of_minor = ">=2.30.0.dev0,<2.31"
    assert texts(Requirement("tensorflow==2.30.1rc0")) == [
        released,
        f"tensorflow-text{of_minor}",
        f"tensorflow-text-nightly{of_minor}",
        "",
    ]


def test_the_groups_name_folders_of_tests() -> None:
    folders = [path for paths in SCRIPT["GROUPS"].values() for path in paths]
    assert len(set(folders)) == len(folders)
    assert [folder for folder in folders if not (REPOSITORY / folder).is_dir()] == []


def test_results_are_counted_by_their_cause(tmp_path: Path) -> None:
    (tmp_path / "results.xml").write_text(RESULTS, "utf-8")
    counts = SCRIPT["read_results"](tmp_path / "results.xml")
    assert (counts.passed, counts.need_text, counts.skipped) == (1, 2, 1)
    assert counts.failed == {"tests.a::test_wrong": "assert 1 == 2"}


def test_the_tables_name_what_no_range_takes_and_each_failure() -> None:
    counts = SCRIPT["Counts"](
        passed=1234, need_text=5, failed={"a::b": "x", "a::c": "y", "a::d": "x"}
    )
    versions = {"tensorflow": "2.22.0rc0", "keras_nightly": "3.15.9.dev1", "protobuf": "7.37.0rc1"}
    text = SCRIPT["markdown"](environment(None, **versions), {"model": counts})
    lines = text.splitlines()
    assert "| tensorflow | 2.22.0rc0 | no: tensorflow-text has no release for it |" in lines
    assert "| keras-nightly | 3.15.9.dev1 | no: a nightly build |" in lines
    assert "| protobuf | 7.37.0rc1 | yes |" in lines
    assert "| model: `tests/model` | 1,234 | 5 | 0 | 3 |" in lines
    assert lines[-2:] == ["- 2, such as `a::b`: `x`", "- 1, such as `a::c`: `y`"]
    taken = SCRIPT["markdown"](environment("tensorflow-text", tensorflow="2.21.0"), {}).splitlines()
    assert "| tensorflow | 2.21.0 | yes |" in taken


def test_the_page_keeps_all_but_the_tables() -> None:
    page = "before\n<!-- candidates:begin -->\nold\n<!-- candidates:end -->\nafter\n"
    path = Path("page.md")
    assert SCRIPT["replaced"](page, "new", path) == page.replace("old", "new")
    lowest = page.replace("candidates", "lowest")
    both = page + lowest
    assert SCRIPT["replaced"](both, "new", path, "lowest") == page + lowest.replace("old", "new")
    with pytest.raises(SystemExit, match=r"page\.md must hold .* once"):
        SCRIPT["replaced"]("no marks", "new", path)


def test_the_chinese_page_beside_a_page_gets_the_same_tables(tmp_path: Path) -> None:
    marks = "<!-- candidates:begin -->\nold\n<!-- candidates:end -->\n"
    pages = tmp_path / "page.md", tmp_path / "page.zh-CN.md"
    counts = {"model": SCRIPT["Counts"](passed=1234, failed={"a::b": "no `x`"})}
    versions = {"tensorflow": "2.22.0rc0", "tf_keras_nightly": "1.dev2", "uvicorn": "0.1", "x": "3"}
    for page in pages:
        page.write_text(marks, "utf-8")
    for page in SCRIPT["in_both_languages"](pages[0]):
        SCRIPT["write_tables"](page, environment(None, **versions), counts)
    english, chinese = (page.read_text("utf-8").splitlines() for page in pages)
    assert len(chinese) == len(english) == 18
    for ours, theirs in zip(english, chinese, strict=True):
        assert re.findall(r"`.*?`|[\d.,]*\d", ours) == re.findall(r"`.*?`|[\d.,]*\d", theirs)
        if re.search(r"[a-z]{2}", ours) and "<!--" not in ours:
            assert re.search(r"[\u4e00-\u9fff\uff1a]", theirs), theirs
    pages[1].unlink()
    assert SCRIPT["in_both_languages"](pages[0]) == [pages[0]]


def test_a_page_without_marks_is_refused_before_anything_is_installed(tmp_path: Path) -> None:
    page, chinese = tmp_path / "page.md", tmp_path / "page.zh-CN.md"
    page.write_text("<!-- lowest:begin -->\n<!-- lowest:end -->\n", "utf-8")
    chinese.write_text("no marks\n", "utf-8")
    command = [sys.executable, str(REPOSITORY / ".ci" / "candidates.py"), "--lowest"]
    ended = subprocess.run([*command, "--write", str(page)], capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        f"error: {chinese} must hold <!-- lowest:begin --> and <!-- lowest:end --> once."
    ]


def test_the_stand_in_can_be_imported_and_its_operations_fail() -> None:
    use = (
        "from tensorflow_text import normalize_utf8\n"
        "from tensorflow_text.python.ops.sentencepiece_tokenizer import "
        "gen_sentencepiece_tokenizer as operations\n"
        "for operation in (normalize_utf8, operations.sentencepiece_op):\n"
        "    try:\n"
        "        operation('a')\n"
        "    except RuntimeError as error:\n"
        "        print(error)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", use],
        env={"PYTHONPATH": str(SCRIPT["STAND_IN"])},
        capture_output=True,
        text=True,
    )
    assert ended.stdout.splitlines() == [SCRIPT["_MARKS"][0]] * 2, ended.stderr


@pytest.mark.parametrize("candidate", ["tensorflow 2.22", "=2", ""])
def test_what_is_no_requirement_is_refused(candidate: str) -> None:
    script = str(REPOSITORY / ".ci" / "candidates.py")
    ended = subprocess.run([sys.executable, script, candidate], capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1].endswith(
        f"a candidate must be NAME or NAME==VERSION. Received: {candidate!r}."
    )
