"""Writes a trained model as the next numbered version of a servable."""

import json
import os
import shutil
import tempfile
from dataclasses import asdict
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from lstm_sentiment.errors import ExportError
from lstm_sentiment.export.signatures import ServableModule
from lstm_sentiment.training.evaluation import Evaluation
from lstm_sentiment.training.fit import FitResult

CARD = Path("assets.extra") / "sentiment.json"
"""What a version says of itself, below its folder."""
TEXTS_SEEN = Path("assets.extra") / "texts_seen.npy"
"""Digests of the texts that had a part in a version, below its folder."""

_STAGING_PREFIX = ".writing-"


def export_servable(
    result: FitResult,
    base_path: str | os.PathLike[str],
    *,
    version: int | None = None,
    test: Evaluation | None = None,
) -> Path:
    """Writes one version under `base_path`; it appears there all at once or not at all.

    It is written to a folder beside, whose name no server takes for a version, synced to the disk,
    then renamed.

    Args:
        result: What `fit` gave.
        base_path: The servable's folder, one subfolder a version. Made where it is missing.
        version: A positive number that is not taken. `None` takes the highest there plus one.
        test: Scores on held-out texts, to be kept with the version.

    Returns:
        The version's folder.

    Raises:
        ExportError: If the version is taken or the folder cannot be written.
    """
    base = Path(base_path)
    if version is not None and version < 1:
        raise ExportError(f"`version` must be a positive integer. Received: version={version}.")
    try:
        base.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=_STAGING_PREFIX, dir=base))
    except OSError as error:
        raise ExportError(f"{base}: cannot be written: {error.strerror}.") from error
    try:
        _write(result, staging, test)
        return _publish(staging, base, version)
    except (OSError, tf.errors.OpError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise ExportError(f"{base}: the version cannot be written: {reason}.") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def next_version(base_path: str | os.PathLike[str]) -> int:
    """The highest version number under `base_path` plus one; 1 where there is none."""
    names = (entry.name for entry in Path(base_path).iterdir())
    return max((int(name) for name in names if name.isascii() and name.isdigit()), default=0) + 1


def _write(result: FitResult, folder: Path, test: Evaluation | None) -> None:
    """Fills a version folder and syncs it to the disk."""
    with tempfile.TemporaryDirectory() as assets:
        module = ServableModule(
            result.model,
            result.tokenizer,
            result.label_names,
            Path(assets),
            temperature=result.temperature,
        )
        tf.saved_model.save(module, str(folder), signatures=module.signatures())
    (folder / CARD).parent.mkdir()
    card = json.dumps(_card(result, test), ensure_ascii=False, indent=2)
    (folder / CARD).write_text(card + "\n", "utf-8")
    np.save(folder / TEXTS_SEEN, result.texts_seen)
    folder.chmod(0o755)  # the staging folder was made for its owner alone; a server may be another
    for path in (*folder.rglob("*"), folder):
        _sync(path)


def _publish(staging: Path, base: Path, version: int | None) -> Path:
    """Gives the finished folder its number."""
    while True:
        target = base / str(version if version is not None else next_version(base))
        try:
            # A rename onto a folder with files in it fails, so no version is ever overwritten.
            staging.rename(target)
        except OSError as error:
            if not target.exists():
                raise
            if version is None:
                continue  # another export took the number in between
            raise ExportError(
                f"`version` must not exist yet under {base}. Received: version={version}."
            ) from error
        _sync(base)
        return target


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _card(result: FitResult, test: Evaluation | None) -> dict[str, Any]:
    """What `assets.extra/sentiment.json` says of the version."""
    model = result.model
    return {
        "labels": list(result.label_names),
        "tokenizer": result.tokenizer.kind,
        "tokenizer_options": {
            name: len(value) if isinstance(value, dict) else value
            for name, value in result.tokenizer.options().items()
        },
        "vocabulary_size": model.vocabulary_size,
        "embedding_dim": model.embedding_dim,
        "num_ngrams": model.num_ngrams,
        "model": model.config.to_dict(),
        "training": asdict(result.training),
        "temperature": result.temperature,
        "metrics": {
            "dev": result.dev.summary(),
            **({"test": test.summary()} if test is not None else {}),
        },
        "libraries": {
            name: package_version(name)
            for name in ("lstm-sentiment", "tensorflow", "tensorflow-text", "keras")
        },
    }
