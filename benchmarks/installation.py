"""Measures the cost of an installation: bytes to download, bytes on disk, seconds to install.

    python -m benchmarks.installation                       the core, and what the README installs
    python -m benchmarks.installation --only demo,report    extras of your choice

For each set of extras, in a new virtual environment: the packages are downloaded without pip's
cache, then installed from the downloaded files. One JSON object a line: `name` is the extras, or
`core` for none; `download_bytes` is the size of the package files for this system and this Python;
`disk_bytes` is the size of the environment afterwards; `seconds` is the time of the installation,
without the download.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

_ROOT = Path(__file__).resolve().parent.parent
_CORE = "core"
_OFFERED = (_CORE, "demo,report")


def measured(extras: str, folder: Path) -> dict[str, object]:
    """Installs the package with extras into a new environment, and measures it.

    Args:
        extras: Names of extras, separated by commas, or `core`.
        folder: An empty folder for the environment and the downloaded files.
    """
    environment, packages = folder / "environment", folder / "packages"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = str(environment / "bin" / "python")
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wanted = str(_ROOT) if extras == _CORE else f"{_ROOT}[{extras}]"
    collect = ["wheel", "--no-cache-dir", "--wheel-dir", str(packages), wanted]
    subprocess.run([*pip, *collect], check=True)
    own = next(packages.glob("lstm_sentiment-*"))
    download_bytes = _bytes_in(packages) - own.stat().st_size
    begin = time.perf_counter()
    wanted = str(own) if extras == _CORE else f"{own}[{extras}]"
    install = ["install", "--no-index", "--find-links", str(packages), wanted]
    subprocess.run([*pip, *install], check=True)
    return {
        "benchmark": "installation",
        "name": extras,
        "seconds": round(time.perf_counter() - begin, 1),
        "download_bytes": download_bytes,
        "disk_bytes": _bytes_in(environment),
    }


def _bytes_in(folder: Path) -> int:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files)


def main(
    only: Annotated[list[str] | None, typer.Option(help="Extras, with commas, or `core`.")] = None,
) -> None:
    """Prints what each installation costs."""
    for extras in only or _OFFERED:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measured(extras, Path(folder))), flush=True)


if __name__ == "__main__":
    typer.run(main)
