"""Fresh environments with the releases that `candidates.py` tests."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = ("train", "vectors", "demo", "parquet", "excel", "tensorboard", "report", "tune")
# Packages of the extra `dev` that the tests below import.
TOOLS = (
    *("aiohttp", "geventhttpclient", "grpcio-tools", "httpx", "hypothesis", "jsonschema"),
    *("openapi-spec-validator", "pandas", "polars", "pytest", "pytest-timeout", "pytest-xdist"),
    *("pyyaml", "schemathesis", "starlette", "tensorflow-serving-api", "tritonclient", "trustme"),
)
TEXT = "tensorflow-text"


class InstallationError(Exception):
    """Raised if pip cannot install what is to be tested."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment with the candidates.

    Attributes:
        python: Its Python.
        versions: Version of each candidate, by name.
        text: Name of the package of tensorflow-text; `None` for the stand-in.
    """

    python: Path
    versions: Mapping[str, str]
    text: str | None


def show_step(what: str) -> None:
    """Prints the time and a step that begins, on standard error."""
    print(f"{datetime.now():%H:%M:%S} {what}", file=sys.stderr, flush=True)


def the_environment(folder: Path, candidates: Sequence[str]) -> Environment:
    """Returns the environment of a folder, made first if it is not there.

    Raises:
        InstallationError: If pip finds no such release, or none that goes with the others.
    """
    python, made = folder / "environment" / "bin" / "python", folder / "environment.json"
    if not made.exists():
        show_step("a new environment")
        subprocess.run(
            [sys.executable, "-m", "venv", "--clear", folder / "environment"], check=True
        )
        names, text = install(python, [pin(python, candidate) for candidate in candidates])
        made.write_text(json.dumps([sorted(names), text]), "utf-8")
    names, text = json.loads(made.read_text("utf-8"))
    versions = installed(python)
    return Environment(python, {name: versions[name] for name in names}, text)


def install(python: Path, pinned: Sequence[str]) -> tuple[set[str], str | None]:
    """Installs candidates, and what the tests need besides, into an environment.

    Returns:
        Names of the packages that are tested, and that of tensorflow-text, as in `Environment`.
    """
    required = {canonicalize_name(one.name): one for one in map(Requirement, pinned)}
    others = [str(one) for name, one in declared().items() if name not in required]
    names: set[str] = {*required}
    text = None
    for requirement in texts(required.get(canonicalize_name("tensorflow"))):
        text = Requirement(requirement).name if requirement else None
        packages = [one for one in others if Requirement(one).name != TEXT]
        if pip(python, "install", *pinned, *packages, *([requirement] if requirement else [])):
            if text is None or _can_import_text(python):
                break
            pip(python, "uninstall", "--yes", text)
        show_step(f"does not go together: {' '.join([*pinned, requirement])}")
    else:
        raise InstallationError(f"pip cannot install {' '.join(pinned)}; see above.")
    pip(python, "install", "--no-deps", "--editable", str(ROOT))
    versions = installed(python)
    if {"keras", "keras-nightly"} <= versions.keys():
        # Both hold the package `keras`, and the files of the one that came last.
        kept = "keras" if "keras" in names else "keras-nightly"
        pip(python, "uninstall", "--yes", "keras", "keras-nightly")
        pip(python, "install", "--no-deps", f"{kept}=={versions[kept]}")
        names.add(kept)
    return names | ({text} if text and "tensorflow" in names else set()), text


def _can_import_text(python: Path) -> bool:
    command = [str(python), "-c", "import tensorflow_text"]
    return not subprocess.run(command, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}).returncode


def texts(tensorflow: Requirement | None) -> list[str]:
    """Returns the requirements of tensorflow-text to try; the last one, empty, is the stand-in."""
    tried = [str(declared()[TEXT])]
    for pinned in tensorflow.specifier if tensorflow else ():
        major, minor = Version(pinned.version).release[:2]
        of_minor = f">={major}.{minor}.0.dev0,<{major}.{minor + 1}"
        tried += [f"{TEXT}{of_minor}", f"{TEXT}-nightly{of_minor}", ""]
    return tried


def declared(extras: Sequence[str] = EXTRAS) -> dict[str, Requirement]:
    """Returns the requirements of the core and of extras, by name.

    Those of the tests are there too, if any extra is.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    of_extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *(line for extra in extras for line in of_extras[extra])]
    tools = [line for line in of_extras["dev"] if extras and Requirement(line).name in TOOLS]
    requirements = {one.name: one for one in map(Requirement, [*lines, *tools])}
    return {name: one for name, one in requirements.items() if name != project["name"]}


def lowest() -> list[str]:
    """Returns requirements of the lowest versions that the ranges of the core allow."""
    return [
        f"{name}=={bound.version}"
        for name, one in declared(extras=()).items()
        for bound in one.specifier
        if bound.operator == ">="
    ]


def pin(python: Path, candidate: str) -> str:
    """Returns a requirement of one version: that of the newest release, if none is given."""
    if Requirement(candidate).specifier:
        return candidate
    arguments = ["install", "--dry-run", "--no-deps", "--pre", "--quiet", "--report", "-"]
    command = [str(python), "-m", "pip", *arguments, "--ignore-installed", candidate]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if ended.returncode:
        raise InstallationError(f"pip finds no release of {candidate}; see above.")
    [found] = json.loads(ended.stdout)["install"]
    return f"{candidate}=={found['metadata']['version']}"


def pip(python: Path, *arguments: str) -> bool:
    """Runs pip, and returns whether it succeeded."""
    command = [str(python), "-m", "pip", "--disable-pip-version-check", *arguments, "--quiet"]
    return not subprocess.run(command, stdout=sys.stderr).returncode


def installed(python: Path) -> dict[str, str]:
    """Returns the version of each package of an environment, by its canonical name."""
    command = ["-m", "pip", "list", "--format", "json", "--disable-pip-version-check"]
    ended = subprocess.run([str(python), *command], stdout=subprocess.PIPE, check=True)
    return {canonicalize_name(one["name"]): one["version"] for one in json.loads(ended.stdout)}
