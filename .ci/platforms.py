"""Finds out from PyPI's metadata what can be installed where, and writes the tables of the pages.

    python .ci/platforms.py           resolves for each system and Python; takes about ten minutes
    python .ci/platforms.py --write   writes the tables again from .ci/platforms.json

Needs `uv` (pip install uv), whose resolver works for other systems than the one that it runs on. An
installation counts only if each of its packages has a wheel: whoever lacks a compiler can install
it. Nothing is downloaded but metadata, and nothing is installed.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
FOUND = Path(__file__).with_suffix(".json")
PAGES = ("docs/platforms.md", "docs/platforms.zh-CN.md")
BEGIN, END = "<!-- platforms:begin -->", "<!-- platforms:end -->"

# The triple of uv, which also names the oldest glibc; and the oldest macOS, with which uv compares
# the tags of wheels.
SYSTEMS = {
    "Linux, x86-64": "x86_64-manylinux_2_28",
    "Linux, Arm": "aarch64-manylinux_2_28",
    "Linux, x86-64, musl (Alpine)": "x86_64-unknown-linux-musl",
    "macOS, Apple silicon": "aarch64-apple-darwin",
    "macOS, Intel": "x86_64-apple-darwin",
    "Windows, x86-64": "x86_64-pc-windows-msvc",
    "Windows, Arm": "aarch64-pc-windows-msvc",
}
OLDEST_MACOS = "14.0"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
CORE, TRAIN = "core", "train"
# With it the versions of the others are compared.
REFERENCE = "Linux, x86-64"

_WORDS = {
    "en": {
        TRAIN: "train, predict, serve",
        CORE: "predict, serve",
        "none": "–",
        "system": "system",
        "from": "Read from PyPI on {date} by `python .ci/platforms.py`, with {resolver}.",
        "python": "Python",
        "missing core": "not even the core: no package of",
        "missing train": "no training: no package of",
        "older": "older than on Linux, x86-64",
    },
    "zh": {
        TRAIN: "训练、预测、服务",
        CORE: "预测、服务",
        "none": "–",
        "system": "系统",
        "from": "由 `python .ci/platforms.py` 于 {date} 从 PyPI 读取，使用 {resolver}。",
        "python": "Python",
        "missing core": "核心也无法安装，缺少",
        "missing train": "无法训练，缺少",
        "older": "版本低于 Linux x86-64",
    },
}
_CHINESE_SYSTEMS = {
    "Linux, x86-64": "Linux，x86-64",
    "Linux, Arm": "Linux，Arm",
    "Linux, x86-64, musl (Alpine)": "Linux，x86-64，musl（Alpine）",
    "macOS, Apple silicon": "macOS，Apple 芯片",
    "macOS, Intel": "macOS，Intel 处理器",
    "Windows, x86-64": "Windows，x86-64",
    "Windows, Arm": "Windows，Arm",
}

Cell = dict[str, Any]


def main() -> None:
    """Reads PyPI's metadata, unless `--write` is given, and writes the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="read nothing from PyPI")
    if not parser.parse_args().write:
        if shutil.which("uv") is None:
            parser.error("the command `uv` is not installed: pip install uv")
        found = {
            "date": datetime.now(UTC).date().isoformat(),
            "resolver": _uv("--version").stdout.split(" (")[0].strip(),
            "cells": list(_cells()),
        }
        FOUND.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    found = json.loads(FOUND.read_text("utf-8"))
    for name in PAGES:
        page = ROOT / name
        page.write_text(replaced(page.read_text("utf-8"), tables(found, name)), "utf-8")


def tables(found: Mapping[str, Any], page: str) -> str:
    """Returns the two tables of a page, in its language, as Markdown."""
    language = "zh" if page.endswith(".zh-CN.md") else "en"
    words = _WORDS[language]
    by_place = {(c["system"], c["python"], c["install"]): c for c in found["cells"]}
    lines = [_row([words["system"], *PYTHONS]), _row(["---"] * (1 + len(PYTHONS)))]
    for system in SYSTEMS:
        cells = [words[_best(by_place, system, python)] for python in PYTHONS]
        lines.append(_row([_shown(system, language), *cells]))
    lines += ["", words["from"].format(**found), ""]
    lines += [_row([words[key] for key in ("system", "python", *_COLUMNS)]), _row(["---"] * 5)]
    for system in SYSTEMS:
        for (*causes,), pythons in _by_causes(by_place, system).items():
            lines.append(_row([_shown(system, language), ", ".join(pythons), *causes]))
    return "\n".join(lines)


def replaced(text: str, content: str) -> str:
    """Returns a page with other content between the marks."""
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"a page must hold {BEGIN} and {END}.")
    return f"{before}{BEGIN}\n{content}\n{END}{after}"


_COLUMNS = ("missing core", "missing train", "older")


def _cells() -> Iterator[Cell]:
    """Yields what can be installed on each system, with each Python."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    requirements = {CORE: project["dependencies"], TRAIN: project["optional-dependencies"][TRAIN]}
    for python in PYTHONS:
        newest: dict[str, str] = {}
        for system in (REFERENCE, *(other for other in SYSTEMS if other != REFERENCE)):
            for install in (CORE, TRAIN):
                lines = [*requirements[CORE], *(requirements[TRAIN] if install == TRAIN else [])]
                versions = _resolved(lines, system, python)
                cell: Cell = {"system": system, "python": python, "install": install}
                if versions is None:
                    cell["missing"] = _missing(requirements[install], system, python)
                elif system == REFERENCE:
                    newest |= versions
                else:
                    both = versions.keys() & newest.keys()
                    older = {n: versions[n] for n in both if versions[n] != newest[n]}
                    cell["older"] = dict(sorted(older.items()))
                print(json.dumps(cell), file=sys.stderr)
                yield cell


def _missing(requirements: Sequence[str], system: str, python: str) -> list[str]:
    """Returns the packages without a wheel, or else those that need one without a wheel."""
    for flags in (("--no-deps",), ()):
        found = [n for n in requirements if _resolved([n], system, python, *flags) is None]
        if found:
            return sorted(map(_name, found))
    return []


def _resolved(
    requirements: Sequence[str], system: str, python: str, *flags: str
) -> dict[str, str] | None:
    """Returns the versions that would be installed; `None` if a package has no wheel there."""
    ended = _uv(
        *("pip", "compile", "-", "--quiet", "--no-header", "--no-annotate"),
        *("--only-binary", ":all:", "--no-config", "--no-python-downloads"),
        *("--python-platform", SYSTEMS[system], "--python-version", python, *flags),
        text="\n".join(requirements),
    )
    if ended.returncode:
        if "No solution found" not in ended.stderr:
            sys.exit(ended.stderr)
        return None
    pairs = (line.partition("==") for line in ended.stdout.splitlines() if "==" in line)
    return {name: version.split()[0] for name, _, version in pairs}


def _uv(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": OLDEST_MACOS}
    return subprocess.run(
        ["uv", *arguments], input=text, capture_output=True, text=True, env=environment
    )


def _name(requirement: str) -> str:
    return requirement[: next(i for i, c in enumerate(requirement) if c in "<>=[; ")]


def _best(by_place: Mapping[tuple[str, str, str], Cell], system: str, python: str) -> str:
    for install in (TRAIN, CORE):
        if "missing" not in by_place[system, python, install]:
            return install
    return "none"


def _by_causes(
    by_place: Mapping[tuple[str, str, str], Cell], system: str
) -> dict[tuple[str, str, str], list[str]]:
    """Returns the Pythons of each combination of missing and older packages, where there is one."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for python in PYTHONS:
        core, train = (by_place[system, python, install] for install in (CORE, TRAIN))
        older = {**core.get("older", {}), **train.get("older", {})}
        causes = (
            ", ".join(core.get("missing", ())),
            ", ".join(train.get("missing", ())),
            ", ".join(f"{name} {version}" for name, version in older.items()),
        )
        if any(causes):
            found.setdefault(causes, []).append(python)
    return found


def _shown(system: str, language: str) -> str:
    return _CHINESE_SYSTEMS[system] if language == "zh" else system


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


if __name__ == "__main__":
    main()
