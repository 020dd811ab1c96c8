"""Versions to look into and to ask: one of the small classifier, one that is made at once."""

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lstm_sentiment import FitResult, export_servable
from lstm_sentiment.export import servable
from lstm_sentiment.export.warmup import WARMUP_REQUESTS, save_warmup_requests
from tests.serving.saved_models import save_version

# A name that must be escaped in a URL, in a shell and in Python.
MODEL_NAME = "酒店's model"

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


def write_card(version_dir: Path, card: object) -> None:
    path = version_dir / "assets.extra" / "sentiment.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(card, ensure_ascii=False), "utf-8")
