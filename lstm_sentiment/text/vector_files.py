"""Files of word vectors."""

import gzip
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.progress import SILENT, Advance, Progress
from lstm_sentiment.text.word_vectors import WordVectors

_LINES_A_REPORT = 1_000


def load_word_vectors(path: str | os.PathLike[str], *, progress: Progress = SILENT) -> WordVectors:
    """Reads word vectors in text form: word2vec's or fastText's (with a header) or GloVe's.

    Each line holds a token and its numbers, separated by spaces; a first line of two whole
    numbers is the header. A name that ends in `.gz` is decompressed. Of a token that occurs
    twice, the first vector is kept.

    Args:
        path: The file, UTF-8.
        progress: Told how much of the file has been read.

    Returns:
        The tokens in the file's order and their vectors.

    Raises:
        InvalidInputError: If the file cannot be read or a row is malformed; the message begins
            with the path and the line.
    """
    file = Path(path)
    tokens: dict[str, None] = {}
    vectors: list[NDArray[np.float32]] = []
    dim: int | None = None
    total = file.stat().st_size if file.is_file() else 0
    with progress.step(f"Reading {file.name}", total) as advance:
        for number, line in _lines(file, advance):
            fields = line.rstrip(" \r\n").split(" ")
            if number == 1 and len(fields) == 2 and all(f.isdigit() for f in fields):
                dim = int(fields[1])
                continue
            if line.strip() == "":
                continue
            width = dim if dim is not None else len(fields) - 1
            token, vector = _vector(f"{file}:{number}", fields, width)
            dim = width
            if token not in tokens:
                tokens[token] = None
                vectors.append(vector)
    if not vectors:
        raise InvalidInputError(f"{file}: must hold at least one vector. Received: none.")
    return WordVectors(tuple(tokens), np.stack(vectors))


def _vector(where: str, fields: Sequence[str], width: int) -> tuple[str, NDArray[np.float32]]:
    """A line's token, which may hold spaces, and its vector."""
    if width < 1 or len(fields) < width + 1:
        raise InvalidInputError(
            f"{where}: a row must hold a token and {max(width, 1)} numbers. "
            f"Received: {len(fields) - 1} numbers."
        )
    token = " ".join(fields[:-width])
    if not token:
        raise InvalidInputError(f"{where}: a row must begin with a token. Received: a space.")
    try:
        vector = np.array(fields[-width:], dtype=np.float32)
        # A number in the token's place means a row that is too wide, not a token with spaces.
        too_wide = len(fields) > width + 1 and _is_number(fields[-width - 1])
    except ValueError as error:
        raise InvalidInputError(f"{where}: vectors must be numbers: {error}.") from error
    if too_wide:
        raise InvalidInputError(
            f"{where}: a row must hold a token and {width} numbers. "
            f"Received: {len(fields) - 1} numbers."
        )
    if not np.isfinite(vector).all():
        raise InvalidInputError(f"{where}: vectors must be finite. Received: token {token!r}.")
    return token, vector


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _lines(file: Path, advance: Advance) -> Iterator[tuple[int, str]]:
    """The lines of a plain or gzipped file by number; `advance` counts the file's bytes."""
    number, reported = 0, 0
    try:
        with (
            file.open("rb") as raw,
            gzip.open(raw) if file.suffix == ".gz" else nullcontext(raw) as stream,
        ):
            for number, line in enumerate(stream, start=1):
                yield number, line.decode()
                if number % _LINES_A_REPORT == 0:
                    position = raw.tell()
                    advance(position - reported)
                    reported = position
            advance(raw.tell() - reported)
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            f"{file}:{number}: must be UTF-8 text (word2vec's binary form is not read). "
            f"Received: byte 0x{error.object[error.start]:02x}."
        ) from error
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidInputError(f"{file}: cannot be read: {reason}.") from error
