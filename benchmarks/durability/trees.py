"""Folders before and after: which files there are, whether they are whole, what is in them."""

import csv
import hashlib
import io
import json
import sqlite3
import tomllib
import zipfile
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np

from lstm_sentiment.version_digests import check_version
from lstm_sentiment.version_folder import GRAPH, parse_version

_TIMES = ("seconds", "tokens_per_second", "sums", "texts_per_second")
# TensorFlow numbers functions by all that the process has traced before: a resumed run traces less.
# The weights, words, card and light twin of a version are compared.
_NUMBERED = ("saved_model.pb", "fingerprint.pb")
_OF_THE_GRAPH = ("digest", "digests")


# TensorFlow's, which a process that ends by itself deletes, in the folder for temporary files.
_OF_TENSORFLOW = "__autograph_generated_file"


def names(folder: Path) -> set[str]:
    """Returns the paths of all files and folders below a folder."""
    return {path.relative_to(folder).as_posix() for path in _paths(folder)}


def _paths(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("*"))
    return [path for path in found if not path.name.startswith(_OF_TENSORFLOW)]


def contents(folder: Path) -> dict[str, str]:
    """Returns a digest of each file below a folder, without times that it tells."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(_content(path)).hexdigest()
        for path in _paths(folder)
        if path.is_file()
    }


def faults(folder: Path) -> list[str]:
    """Returns what is broken among the files and versions that are visible, one line each."""
    found = []
    for path in _paths(folder):
        name = path.relative_to(folder)
        if any(part.startswith(".") for part in name.parts):
            continue
        try:
            if path.is_file():
                _read(path)
            elif parse_version(path.name) is not None and path.parent.parent.name == "models":
                (path / GRAPH).stat()
                check_version(path)
        except Exception as error:
            found.append(f"{name} is broken: {type(error).__name__}: {error}")
    return found


def _read(path: Path) -> object:
    """Reads a file as its name says; raises whatever its reader raises."""
    match path.suffix:
        case ".json":
            return json.loads(path.read_text("utf-8"))
        case ".jsonl":
            return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        case ".toml":
            return tomllib.loads(path.read_text("utf-8"))
        case ".npz":
            with np.load(path) as arrays:
                return {name: arrays[name] for name in arrays.files}
        case ".npy":
            return np.load(path)
        case ".keras":
            with zipfile.ZipFile(path) as archive:
                return _need(archive.testzip() is None)
        case ".html":
            return _need(path.read_text("utf-8").rstrip().endswith("</html>"))
        case ".png":
            return _need(path.read_bytes().endswith(b"IEND\xaeB`\x82"))
        case ".db":
            with closing(sqlite3.connect(path)) as database:
                return _need(database.execute("PRAGMA integrity_check").fetchone() == ("ok",))
        case ".csv":
            rows = list(csv.reader(io.StringIO(path.read_text("utf-8"), newline="")))
            return _need(len({len(row) for row in rows}) <= 1)
    return None


def _need(condition: bool) -> bool:
    if not condition:
        raise ValueError("cut off")
    return condition


def _content(path: Path) -> bytes:
    """Returns a file's content; of those that tell times, what else they tell."""
    if path.name in _NUMBERED:
        return b""
    if path.suffix == ".json":
        try:
            return json.dumps(_without_times(json.loads(path.read_text("utf-8")))).encode()
        except ValueError:
            return path.read_bytes()
    if path.name == "history.csv":
        rows = csv.DictReader(io.StringIO(path.read_text("utf-8")))
        return json.dumps([_without_times(row) for row in rows]).encode()
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            kept = [name for name in arrays.files if name != "values"]
            return b"".join(name.encode() + arrays[name].tobytes() for name in kept)
    if path.suffix == ".db":
        return _tables(path)
    return path.read_bytes()


def _without_times(value: Any) -> Any:
    if isinstance(value, Mapping):
        left_out = (*_TIMES, *_OF_THE_GRAPH)
        return {key: _without_times(of) for key, of in value.items() if key not in left_out}
    return [_without_times(of) for of in value] if isinstance(value, list) else value


def _tables(path: Path) -> bytes:
    """Returns the finished trials of a study: those of killed processes are there too."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as database:
        rows = database.execute(
            "SELECT a.value_json, t.state, p.param_name, p.param_value FROM trials t "
            "JOIN trial_user_attributes a ON a.trial_id = t.trial_id AND a.key = 'turn' "
            "JOIN trial_params p ON p.trial_id = t.trial_id WHERE t.state != 'FAIL' ORDER BY 1, 3"
        ).fetchall()
        return json.dumps(rows).encode()
    return b""  # the study is not begun yet
