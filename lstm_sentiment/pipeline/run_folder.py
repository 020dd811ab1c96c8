"""Writes a run's folder: settings, fingerprints of the data, test set and scores.

A file that cannot be written raises `TrainingError`.
"""

import csv
import hashlib
import io
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_sentiment.errors import InvalidInputError, TrainingError
from lstm_sentiment.file_locks import LOCK_FILE, opened_for_lock, try_lock
from lstm_sentiment.pipeline.config import PathLike, PipelineConfig
from lstm_sentiment.pipeline.config_file import load_config, save_config
from lstm_sentiment.pipeline.teacher.e5 import is_e5
from lstm_sentiment.system import write_whole
from lstm_sentiment.text.corpus.corpus import Corpus
from lstm_sentiment.text.vectors.packages import is_package
from lstm_sentiment.text.word_counts import JIEBA, sources_of
from lstm_sentiment.unfinished import clear_unfinished
from lstm_sentiment.version_folder import check_holds_versions

if TYPE_CHECKING:
    from lstm_sentiment.pipeline.preparation import PreparedRun

CONFIG, DATA, METRICS, TEST = "config.toml", "data.json", "metrics.json", "test.csv"
_PARTS_OF_DATA = (
    *("train", "dev", "test", "corrections"),
    *("teacher", "unlabelled", "vocabulary", "vectors"),
)
_SPARE_BYTES = 64 * 2**20


class RunInUseError(TrainingError, InvalidInputError):
    """A run's folder in which another process works: a later try may succeed."""


def new_run_dir(run_dir: PathLike | None) -> Path:
    """Returns the folder of a new run, which is not created yet.

    Args:
        run_dir: A new or empty folder; `None` makes a name of time and process.

    Raises:
        InvalidInputError: If the folder is not empty, or cannot be written.
    """
    # Two runs may begin in the same second.
    path = Path(run_dir or f"runs/{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}")
    check_writable(path)
    clear_unfinished(path)
    if path.exists() and any(entry.name != LOCK_FILE for entry in path.iterdir()):
        raise InvalidInputError(
            f"`run_dir` must be a new or empty folder (`--resume` goes on with a run). "
            f"Received: {path}."
        )
    return path


def load_run(run_dir: PathLike) -> PipelineConfig:
    """Loads the settings of a run from its folder.

    Raises:
        InvalidInputError: If the folder holds no run.
    """
    path = Path(run_dir) / CONFIG
    if not path.is_file():
        raise InvalidInputError(f"{run_dir}: must be the folder of a run. It holds no {CONFIG}.")
    return load_config(path)


def load_unfinished_run(run_dir: PathLike) -> PipelineConfig:
    """Loads the settings of a run that was interrupted.

    Raises:
        InvalidInputError: If the folder holds no run, or a finished one.
    """
    config = load_run(run_dir)
    if (Path(run_dir) / METRICS).exists():
        raise InvalidInputError(f"{run_dir}: must be a run that was cut off. This one is finished.")
    return config


def check_folders(config: PipelineConfig) -> None:
    """Checks that the folders of a new run can be written.

    Raises:
        InvalidInputError: If `run_dir` is not empty, one of them cannot be written, or
            `model_dir` is the folder of one version.
    """
    new_run_dir(config.run_dir)
    check_writable(Path(config.model_dir))


def clear_run(*folders: Path) -> None:
    """Deletes what killed processes have left in a run's folders, with their subfolders.

    Args:
        folders: The folder of the run and that of the cache; what is not there is passed over.
    """
    for folder in folders:
        for below, _, _ in os.walk(folder):
            clear_unfinished(Path(below))


@contextmanager
def only_run(run_dir: Path, *, resume: bool) -> Iterator[None]:
    """Keeps other processes from a run's folder, which is made if it is missing.

    Where the file system has no locks, nobody is kept from it.

    Raises:
        InvalidInputError: If another process has begun a run in the folder, or the folder cannot be
            made; `RunInUseError` while that process is running.
    """
    _make(run_dir)
    with opened_for_lock(run_dir) as descriptor:
        with suppress(OSError):
            if not try_lock(descriptor):
                raise RunInUseError(
                    f"{run_dir}: must be in use by one `fit` at a time. Received: one is running."
                )
        if not resume:
            new_run_dir(run_dir)  # once more: another run may have begun and ended meanwhile
        yield


def check_writable(path: Path) -> None:
    """Checks that a folder of versions can be created or written to, and is not one version."""
    check_holds_versions(path)
    nearest = _nearest(path)
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise InvalidInputError(f"{path}: must be a folder that can be written.")


def check_space(path: Path, prepared: "PreparedRun") -> None:
    """Checks that the disk has space for checkpoints, model and version."""
    table = len(prepared.tokenizer.vocabulary) * prepared.vectors.dim * 4
    needed = 6 * table + _SPARE_BYTES
    free = shutil.disk_usage(_nearest(path)).free
    if free < needed:
        raise InvalidInputError(
            f"{path}: its disk must have {needed / 2**20:,.0f} MiB free for this run. "
            f"Received: {free / 2**20:,.0f} MiB."
        )


def begin_run(config: PipelineConfig, run_dir: Path) -> None:
    """Creates the folder and writes the run's config with absolute paths.

    Raises:
        InvalidInputError: If the folder cannot be created.
        ConfigError: If the config cannot be written.
    """
    _make(run_dir)
    save_config(_with_absolute_paths(replace(config, run_dir=run_dir)), run_dir / CONFIG)


def _make(run_dir: Path) -> None:
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(f"{run_dir}: cannot be made: {error.strerror}.") from error


def save_or_check_data(config: PipelineConfig, prepared: "PreparedRun", run_dir: Path) -> None:
    """Writes the fingerprints of the data, or compares them with those of a resumed run.

    Raises:
        InvalidInputError: If the data have changed since the run began.
    """
    found = _fingerprints(config, prepared)
    path = run_dir / DATA
    if not path.exists():
        save_json(found, path)
        return
    try:
        began_with = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"{path}: must be whole JSON. Received: {error}.") from error
    changed = [name for name in _PARTS_OF_DATA if found.get(name) != began_with.get(name)]
    if changed:
        raise InvalidInputError(
            f"{run_dir}: a run goes on with the data that it began with. "
            f"Received: other {' and '.join(changed)}."
        )


def save_json(value: Mapping[str, Any], path: Path) -> None:
    """Writes a JSON file as a whole or not at all."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=os.fspath)
    try:
        with write_whole(path) as file:
            file.write((text + "\n").encode())
    except OSError as error:
        raise TrainingError(f"{path}: cannot be written: {error.strerror}.") from error


def save_labelled_texts(corpus: Corpus, path: Path) -> None:
    """Writes a corpus as a `.csv` file of the columns `text` and `label`, for `read_corpus`.

    Texts that stay in their files are copied without loading all of them into memory.
    """
    try:
        with write_whole(path) as file:
            # `detach` at the end: closing the wrapper would close `file` before it is renamed.
            lines = io.TextIOWrapper(file, encoding="utf-8", newline="")
            # All fields are quoted: an unquoted carriage return would end the row.
            writer = csv.writer(lines, lineterminator="\n", quoting=csv.QUOTE_ALL)
            writer.writerow(["text", "label"])
            names = corpus.label_names
            for text, label in zip(corpus.texts, corpus.labels, strict=True):
                writer.writerow([text, names[label]])
            lines.detach()
    except OSError as error:
        raise TrainingError(f"{path}: cannot be written: {error.strerror}.") from error


def _fingerprints(config: PipelineConfig, prepared: "PreparedRun") -> dict[str, Any]:
    """Returns size and SHA-256 of everything that a run is trained on, and of its files."""
    unlabelled, vectors = prepared.unlabelled, prepared.vectors
    tokens = prepared.tokenizer.vocabulary.tokens
    return {
        **prepared.fingerprints,
        "unlabelled": {
            "texts": len(unlabelled.texts),
            "sha256": _sha256([unlabelled.exact_digests.astype("<u8").data]),
        },
        "vocabulary": {
            "tokens": len(tokens),
            "sha256": _sha256(f"{token}\n".encode() for token in tokens),
        },
        "vectors": {"shape": list(vectors.matrix.shape), "sha256": _sha256([vectors.matrix.data])},
        "files": [_file_facts(Path(path)) for path in _files(config)],
    }


def _files(config: PipelineConfig) -> list[PathLike]:
    single = (
        *(config.dev_data, config.test_data, config.teacher, config.label_names),
        config.vectors,
    )
    named = [*config.data, *config.corrections, *config.unlabelled, *config.exclude_data]
    return [*named, *(path for path in single if path is not None and not is_e5(path))]


def _file_facts(path: Path) -> dict[str, Any]:
    if is_package(path):
        return {"package": str(path)}
    if not path.is_file():
        return {"path": str(path.absolute())}
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"path": str(path.absolute()), "bytes": path.stat().st_size, "sha256": digest}


def _sha256(parts: Iterable[bytes | memoryview]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def _with_absolute_paths(config: PipelineConfig) -> PipelineConfig:
    one = (
        "dev_data",
        "test_data",
        "teacher",
        "label_names",
        "init_from",
        "vectors",
        "model_dir",
        "run_dir",
        "model_config_file",
    )
    many = ("data", "corrections", "unlabelled", "exclude_data")
    values: dict[str, Any] = {
        name: tuple(str(Path(path).absolute()) for path in getattr(config, name)) for name in many
    }
    for name in one:
        path = getattr(config, name)
        if path is not None and not _is_name(name, path):
            values[name] = str(Path(path).absolute())
    if config.dictionary:
        paths = tuple(_absolute("dictionary", path) for path in sources_of(config.dictionary))
        values["dictionary"] = paths if len(paths) > 1 else paths[0]
    return replace(config, **values)


def _absolute(setting: str, path: PathLike) -> str:
    return str(path) if _is_name(setting, path) else str(Path(path).absolute())


def _is_name(setting: str, value: PathLike) -> bool:
    """Returns whether a setting that may be a path has the name of a package instead."""
    if setting == "teacher":
        return is_e5(value)
    if setting == "vectors":
        return is_package(value)
    return setting == "dictionary" and str(value) == JIEBA


def _nearest(path: Path) -> Path:
    """Returns `path`, or the nearest folder above it that exists."""
    return next(folder for folder in (path, *path.absolute().parents) if folder.exists())
