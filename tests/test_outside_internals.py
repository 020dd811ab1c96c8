"""Private names of other packages: which are used, and that the ranges end at tested releases.

A name that begins with an underscore can change in any release. So each one is listed here with its
package, and the range of that package ends at the next minor release: a new one is taken after
`.ci/candidates.py` has run with it.
"""

import ast
import importlib
import inspect
import pkgutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

import lstm_sentiment
from tests.conftest import REPOSITORY

PACKAGE = Path(lstm_sentiment.__file__).parent

READ = {
    "sentencepiece": {"_sentencepiece"},  # the library behind it, with a fallback
    "tensorflow": {"_make_callable_from_options"},
}
OVERRIDDEN = {
    "keras": {"_all_reduce_sum_gradients"},
    # Documented for subclasses of `tf.saved_model.experimental.TrackableResource`.
    "tensorflow": {"_create_resource", "_initialize"},
}
# No underscore, and no documentation either: subclasses of uvicorn's connections and of typer's
# commands, and tensorflow-text's module of SentencePiece operations.
UNDOCUMENTED = {"tensorflow-text", "typer", "uvicorn"}
OF_PYTHON = {
    "_args_from_interpreter_flags",  # subprocess
    "_exit",  # os: documented
    "_get_running_loop",  # asyncio: documented
}
# Public, and named so because the fields of a named tuple have all other names; and IPython's.
PUBLIC = {"_asdict", "_fields", "_replace", "_repr_html_"}


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in [*sorted(PACKAGE.rglob("*.py")), REPOSITORY / "cli.py"]:
        if not path.name.endswith("_pb2.py"):
            yield path, ast.parse(path.read_text("utf-8"))


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def defined(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def test_no_other_private_attribute_is_read() -> None:
    trees = list(modules())
    ours = {name for _, tree in trees for name in defined(tree)}
    read: dict[str, set[str]] = {}
    for path, tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and is_private(node.attr):
                read.setdefault(node.attr, set()).add(path.name)
    listed = OF_PYTHON | PUBLIC | set().union(*READ.values())
    assert {name: read[name] for name in read.keys() - ours - listed} == {}
    assert listed - read.keys() == set(), "is not read any more: take it off the list"


def test_no_private_module_is_imported() -> None:
    private = []
    for path, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and not node.level and node.module != "_typeshed":
                names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            elif isinstance(node, ast.Import):
                names = [part for alias in node.names for part in alias.name.split(".")]
            else:
                continue
            if names[0] != "lstm_sentiment" and any(map(is_private, names)):
                private.append((path.name, names))
    assert private == []


def test_no_other_private_method_is_overridden() -> None:
    overridden: dict[str, set[str]] = {}
    for module in pkgutil.walk_packages(lstm_sentiment.__path__, "lstm_sentiment."):
        if module.name.endswith("__main__"):
            continue
        for kind in vars(importlib.import_module(module.name)).values():
            if not inspect.isclass(kind) or kind.__module__ != module.name:
                continue
            for base in kind.__mro__:
                package = base.__module__.partition(".")[0]
                if package in {"lstm_sentiment", *sys.stdlib_module_names}:
                    continue
                both = {name for name in vars(kind).keys() & vars(base) if is_private(name)}
                if both := both - {"_abc_impl"}:
                    overridden.setdefault(package, set()).update(both)
    assert overridden == OVERRIDDEN


def test_the_ranges_end_at_tested_releases() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["train"]]
    ranges = {one.name: one.specifier for one in map(Requirement, lines)}
    # Its end is that of tensorflow-text, which takes TensorFlow of its own minor release only.
    assert str(ranges.pop("tensorflow")) == ">=2.21"
    for name in (READ.keys() | OVERRIDDEN.keys() | UNDOCUMENTED) - {"tensorflow"}:
        ends = [bound.version for bound in ranges[name] if bound.operator == "<"]
        assert len(ends) == 1 and ends[0].count(".") >= 1, f"{name}{ranges[name]}"
