"""Versions to look into and to ask: one of the small classifier, one that is made at once."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lstm_sentiment import FitResult, export_servable
from lstm_sentiment.export import servable
from lstm_sentiment.export.warmup import save_warmup_requests
from lstm_sentiment.serving.saved_model.saved_model import SavedModelServable
from lstm_sentiment.version_digests import DIGESTS
from lstm_sentiment.version_folder import WARMUP_REQUESTS
from tests.serving.saved_models import save_version

# A name that must be escaped in a URL, in a shell and in Python.
MODEL_NAME = "酒店's model"

_LOADED: dict[bytes, SavedModelServable] = {}
# Removed when the process ends.
_MADE: dict[tuple[int, bool], tuple[TemporaryDirectory[str], Path]] = {}


def exported(result: FitResult) -> Path:
    """Version 3 of `MODEL_NAME`, without warmup, never to be changed.

    Made once a process for the modules that export the whole of it, and once for the others.
    """
    key = id(result), vars(servable)["save_warmup_requests"] is save_warmup_requests
    if key not in _MADE:
        folder = TemporaryDirectory()
        version_dir = export_servable(result, Path(folder.name) / MODEL_NAME, version=3)
        # Its requests are many, and each of a shape of its own: they take longer than any test.
        (version_dir / WARMUP_REQUESTS).unlink(missing_ok=True)
        _MADE[key] = folder, version_dir
    return _MADE[key][1]


def add_version(base_path: Path, version: int, result: FitResult) -> Path:
    """Adds what `exported` gives to a base path, under a number of its own."""
    return shutil.copytree(exported(result), base_path / str(version))


def loaded_once(load: Callable[..., SavedModelServable]) -> Callable[..., SavedModelServable]:
    """Loads what is the same only once a process, wherever it lies, and leaves it open."""

    def load_once(folder: Path, *options: Any) -> SavedModelServable:
        files = [folder / name for name in ("saved_model.pb", "variables/variables.index")]
        if not all(file.is_file() for file in files):
            return load(folder, *options)
        key = hashlib.sha256(b"".join(file.read_bytes() for file in files)).digest()
        if key not in _LOADED:
            _LOADED[key] = load(folder, *options)
            vars(_LOADED[key])["close"] = lambda: None
        return _LOADED[key]

    return load_once


def tiny_version(folder: Path) -> Path:
    """Version 1 of a model that is made at once; it answers its card by all but ids."""
    version_dir = save_version(folder, 1)
    texts = ("房间", "早餐真的差")
    examples = [
        {
            "text": text,
            "tokens": [text],
            "token_ids": [2],
            "label": f"v1:{text}",
            "probabilities": [1.0, len(text)],
        }
        for text in texts
    ]
    card = {"labels": ["version", "length"], "metrics": {"dev": {"accuracy": 0.5}}}
    write_card(version_dir, {**card, "examples": examples})
    return version_dir


def read_card(version_dir: Path) -> dict[str, Any]:
    card: dict[str, Any] = json.loads(
        (version_dir / "assets.extra" / "sentiment.json").read_text("utf-8")
    )
    return card


def without_digests(version_dir: Path) -> Path:
    """Makes a version one of an earlier release, whose files anybody may change."""
    (version_dir / DIGESTS).unlink(missing_ok=True)
    return version_dir


def write_card(version_dir: Path, card: object) -> None:
    path = version_dir / "assets.extra" / "sentiment.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    without_digests(version_dir)
    path.write_text(json.dumps(card, ensure_ascii=False), "utf-8")
