"""Runs the tests with releases that are newer than those of pyproject.toml, in fresh environments.

    python .ci/candidates.py                          the newest TensorFlow, Keras and grpcio
    python .ci/candidates.py tensorflow==2.22.0rc0    releases of your choice
    python .ci/candidates.py uvicorn --only light     the newest uvicorn, and the tests of the core
    python .ci/candidates.py --lowest                 the lowest versions that the core allows

A package without a version stands for its newest release, candidates and nightly builds included.
pip installs from the index that it is configured for. Where tensorflow-text has no release for the
TensorFlow that is tested, its candidate or nightly build of the same number takes its place; where
there is none that can be imported, a stand-in: then a test that needs the operations is counted as
such, and the tests of training are left out.

The script prints two tables in Markdown, and each failure that differs from the others. `--write`
puts them into a page between `<!-- candidates:begin -->` and `<!-- candidates:end -->`; with
`--lowest`, between marks of the same form with the word `lowest`. If there is a Chinese page beside
the page, it gets the same tables in Chinese.

Run it with the Python of an environment that has the extra `dev`: that one exports the versions
which the tests of the core serve. The exit code is 1 where a test failed, 2 where a package cannot
be installed. With the defaults it takes about half an hour on 2 cores.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from candidate_environments import (
    ROOT,
    TEXT,
    Environment,
    InstallationError,
    declared,
    lowest,
    show_step,
    the_environment,
)
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

DEFAULT = ("tensorflow", "keras-nightly", "grpcio")
LIGHT = "light"
GROUPS: Mapping[str, Sequence[str]] = {
    LIGHT: ("tests/core_only",),
    "serving": ("tests/serving",),
    "protocol": ("tests/protocol", "tests/client", "tests/models_config", "tests/rollout"),
    "commands": ("tests/cli",),
    "model": ("tests/model",),
    "training": ("tests/training", "tests/export", "tests/text"),
}
# Left out where tensorflow-text is missing: hardly any of it could run.
_OF_TEXT = ("training",)
STAND_IN = ROOT / ".ci" / "stand_in"
# What the failure of a test that needs tensorflow-text holds.
_MARKS = (
    f"{TEXT} has no release for this TensorFlow",
    "SentencepieceOp",
    "SentencepieceTokenizeOp",
    "NormalizeUTF8",
)
# Words of the marks between which a page has the tables.
_CANDIDATES, _LOWEST = "candidates", "lowest"
_CHINESE = ".zh-CN.md"
_WORDS = {
    "en": {
        "tested": "Tested on {date} with Python {python} on {system}.",
        "packages": "| package | tested | in the range of `pyproject.toml` |",
        "tests": f"| tests | passed | need {TEXT} | skipped | failed |",
        "group": "{name}: {paths}",
        "comma": ", ",
        "failed": "Failed:",
        "failure": "- {number:,}, such as `{test}`: `{line}`",
        "yes": "yes",
        "no": "no",
        "no text": f"no: {TEXT} has no release for it",
        "nightly": "no: a nightly build",
        "not required": "not required",
    },
    "zh": {
        "tested": "测试日期为 {date}，使用 Python {python}，系统为 {system}。",
        "packages": "| 软件包 | 测试的版本 | 是否在 `pyproject.toml` 的范围内 |",
        "tests": f"| 测试 | 通过 | 缺少 {TEXT} | 跳过 | 失败 |",
        "group": "{name}：{paths}",
        "comma": "、",
        "failed": "失败的测试：",
        "failure": "- {number:,} 项，例如 `{test}`：`{line}`",
        "yes": "是",
        "no": "否",
        "no text": f"否：没有与它对应的 {TEXT} 正式版",
        "nightly": "否：每日构建版",
        "not required": "没有要求",
    },
}


@dataclass
class Counts:
    """Results of a group of tests. A file that cannot be imported is one result.

    Attributes:
        passed: Number of tests that passed.
        need_text: Number of tests that failed for want of tensorflow-text.
        skipped: Number of tests that were skipped.
        failed: First line of each other failure, by the name of the test.
    """

    passed: int = 0
    need_text: int = 0
    skipped: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def main() -> int:
    """Installs the candidates, runs the tests and prints the tables."""
    arguments = _arguments()
    mark = _LOWEST if arguments.lowest else _CANDIDATES
    pages = [path for page in arguments.write for path in in_both_languages(page)]
    for page in pages:
        replaced(page.read_text("utf-8"), "", page, mark)  # Marks are checked before the long work.
    with ExitStack() as stack:
        folder = arguments.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        try:
            environment = the_environment(
                folder.absolute(), lowest() if arguments.lowest else arguments.candidates
            )
        except InstallationError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        counts = {}
        for group in GROUPS if environment.text else [one for one in GROUPS if one not in _OF_TEXT]:
            results = folder.absolute() / f"{group}.xml"
            if group in arguments.only or not (arguments.only or results.exists()):
                show_step(f"tests of {group}")
                run_tests(group, environment, results)
            if results.exists():
                counts[group] = read_results(results)
    for page in pages:
        write_tables(page, environment, counts, mark)
    print(markdown(environment, counts))
    return 1 if any(count.failed for count in counts.values()) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    tested = parser.add_mutually_exclusive_group()
    tested.add_argument("candidates", nargs="*", metavar="NAME[==VERSION]", default=DEFAULT)
    tested.add_argument(
        "--lowest",
        action="store_true",
        help="test the lowest version of each package of the core that pyproject.toml allows",
    )
    parser.add_argument("--only", action="append", default=[], choices=GROUPS, help="tests to run")
    parser.add_argument(
        "--folder", type=Path, help="keep environment and results here, and use those that are here"
    )
    parser.add_argument("--write", type=Path, action="append", default=[], metavar="PAGE")
    arguments = parser.parse_args()
    for candidate in arguments.candidates:
        try:
            Requirement(candidate)
        except InvalidRequirement:
            parser.error(f"a candidate must be NAME or NAME==VERSION. Received: {candidate!r}.")
    return arguments


def run_tests(group: str, environment: Environment, results: Path) -> None:
    """Runs a group of tests, and writes JUnit's XML."""
    report = f"--junitxml={results}"
    paths = [str(ROOT), *([] if environment.text else [str(STAND_IN)])]
    variables = {"PYTHONPATH": os.pathsep.join(paths), "TF_CPP_MIN_LOG_LEVEL": "3"}
    if group == LIGHT:
        # It has environments of its own; the versions for the tests are exported by this Python.
        core = {canonicalize_name(one.name) for one in declared(extras=()).values()}
        newer = [f"{one}=={two}" for one, two in environment.versions.items() if one in core]
        command = [str(ROOT / ".ci" / "core_only"), sys.executable, *newer]
        variables = {"PYTEST_ADDOPTS": report}
    else:
        command = [str(environment.python), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
        command += ["--continue-on-collection-errors", report, *GROUPS[group]]
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(command, cwd=ROOT, env={**inherited, **variables}, stdout=sys.stderr)
    if not results.exists():
        raise SystemExit(f"error: the tests of {group} could not be started; see above.")


def read_results(results: Path) -> Counts:
    """Counts the results in JUnit's XML."""
    counts = Counts()
    for case in ElementTree.parse(results).iter("testcase"):
        faults = [*case.iter("failure"), *case.iter("error")]
        if faults:
            texts = [f"{fault.get('message')}\n{fault.text}" for fault in faults]
            if all(any(mark in text for mark in _MARKS) for text in texts):
                counts.need_text += 1
            else:
                name = f"{case.get('classname')}::{case.get('name')}"
                counts.failed[name] = texts[0].strip().partition("\n")[0]
        elif case.find("skipped") is not None:
            counts.skipped += 1
        else:
            counts.passed += 1
    return counts


def in_both_languages(page: Path) -> list[Path]:
    """Returns a page, and the Chinese page beside it, if there is one."""
    chinese = page.with_name(page.name.removesuffix(".md") + _CHINESE)
    return [page, chinese] if chinese.exists() else [page]


def write_tables(
    page: Path, environment: Environment, counts: Mapping[str, Counts], mark: str = _CANDIDATES
) -> None:
    """Writes the tables into a page, in the language of the page."""
    text = markdown(environment, counts, "zh" if page.name.endswith(_CHINESE) else "en")
    page.write_text(replaced(page.read_text("utf-8"), text, page, mark), "utf-8")


def markdown(environment: Environment, counts: Mapping[str, Counts], language: str = "en") -> str:
    """Returns the tables and the failures in a language, `en` or `zh`."""
    ranges, words = declared(), _WORDS[language]
    tested = words["tested"].format(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
    )
    lines = [tested, "", words["packages"], "|---|---|---|"]
    for name, version in environment.versions.items():
        taken = words[_taken(name, version, environment, ranges)]
        lines.append(f"| {name} | {version} | {taken} |")
    lines += ["", words["tests"], "|---|---|---|---|---|"]
    for name, count in counts.items():
        paths = words["comma"].join(f"`{path}`" for path in GROUPS[name])
        lines.append(
            f"| {words['group'].format(name=name, paths=paths)} | {count.passed:,} "
            f"| {count.need_text:,} | {count.skipped:,} | {len(count.failed):,} |"
        )
    failed = [
        words["failure"].format(number=len(tests), test=tests[0], line=line)
        for line, tests in _causes(counts).items()
    ]
    return "\n".join([*lines, *(["", words["failed"], "", *failed] if failed else [])])


def _causes(counts: Mapping[str, Counts]) -> dict[str, list[str]]:
    """Returns the failed tests by the first line of their failure."""
    causes: dict[str, list[str]] = {}
    for count in counts.values():
        for name, line in count.failed.items():
            causes.setdefault(" ".join(line.split())[:200].replace("`", "'"), []).append(name)
    return causes


def _taken(
    name: str, version: str, environment: Environment, ranges: Mapping[str, Requirement]
) -> str:
    """Returns the key in `_WORDS` of whether the range of a package contains a version."""
    if name == "tensorflow":
        return "yes" if environment.text == TEXT else "no text"
    if name.endswith("-nightly"):
        return "nightly"
    requirement = ranges.get(name)
    if requirement is None:
        return "not required"
    return "yes" if requirement.specifier.contains(version, prereleases=True) else "no"


def replaced(page: str, text: str, path: Path, mark: str = _CANDIDATES) -> str:
    """Returns a page with another text between its marks."""
    begin, end = f"<!-- {mark}:begin -->", f"<!-- {mark}:end -->"
    if page.count(begin) != 1 or page.count(end) != 1:
        raise SystemExit(f"error: {path} must hold {begin} and {end} once.")
    before, _, rest = page.partition(begin)
    return f"{before}{begin}\n{text}\n{end}{rest.partition(end)[2]}"


if __name__ == "__main__":
    sys.exit(main())
