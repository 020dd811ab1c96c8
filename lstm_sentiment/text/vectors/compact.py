"""The compact form of word vectors, which is memory-mapped and so loads at once.

A valid `.npy` file (version 1.0, float32, C order, `(rows, dim)`) with the tokens after the matrix:
UTF-8, a line feed after each. `numpy.load` reads the matrix and ignores the tokens.
"""

import re
from collections.abc import Container
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.progress import Advance
from lstm_sentiment.text.vectors.rows import blocks_of, first_repeated, none_wanted, token_fault
from lstm_sentiment.text.vectors.word_vectors import WordVectors

MAGIC = b"\x93NUMPY"

_PREAMBLE_BYTES = len(MAGIC) + 4
_HEADER = re.compile(
    rb"\{'descr': '<f4', 'fortran_order': False, 'shape': \((\d{1,18}), (\d{1,18})\), \} *\n"
)


def map_compact(file: Path, *, limit: int | None, only: Container[str] | None) -> WordVectors:
    """Maps the matrix read-only (`numpy.memmap`), or copies the rows of the tokens in `only`.

    `file` begins with `MAGIC`; `limit` and `only` are those of `load_word_vectors`.

    Raises:
        InvalidInputError: If the file is damaged or has none of the tokens in `only`.
        OSError: If the file cannot be read.
    """
    with file.open("rb") as raw:
        count, dim, offset = _header(file, raw)
        tokens = _tokens(file, _after_matrix(file, raw, offset, 4 * count * dim), count)
    matrix = np.memmap(file, np.dtype("<f4"), "r", offset, (count, dim))
    if only is None:
        return WordVectors(tuple(tokens[:limit]), matrix[:limit])
    kept = [i for i, token in enumerate(tokens) if token in only][:limit]
    if not kept:
        raise none_wanted(file, count)
    return WordVectors(tuple(tokens[i] for i in kept), np.asarray(matrix[kept]))


def write_compact(vectors: WordVectors, file: BinaryIO, advance: Advance) -> None:
    """Writes the matrix, then the tokens."""
    shape = (len(vectors.tokens), vectors.dim)
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    npy.write_array_header_1_0(file, header)
    for _, block in blocks_of(vectors):
        file.write(block.astype("<f4").tobytes())
        advance(len(block))
    file.write("".join(f"{token}\n" for token in vectors.tokens).encode())


def _header(file: Path, raw: BinaryIO) -> tuple[int, int, int]:
    """Reads the number of rows, the width, and the offset of the matrix in bytes."""
    preamble = raw.read(_PREAMBLE_BYTES)
    length = int.from_bytes(preamble[-2:], "little")
    header = raw.read(length)
    found = _HEADER.fullmatch(header)
    if preamble[len(MAGIC) : -2] != b"\x01\x00" or found is None:
        shown = header.decode(errors="backslashreplace").strip()[:100]
        raise InvalidInputError(
            f"{file}: must begin with a float32 (rows, dim) matrix in C order, as version 1.0 of "
            f"NumPy's form. Received: {shown!r}."
        )
    count, dim = int(found[1]), int(found[2])
    if count < 1 or dim < 1:
        raise InvalidInputError(
            f"{file}: must hold at least one vector of one number. Received: {count} x {dim}."
        )
    return count, dim, _PREAMBLE_BYTES + length


def _after_matrix(file: Path, raw: BinaryIO, offset: int, matrix_bytes: int) -> bytes:
    size = raw.seek(0, 2)
    if size < offset + matrix_bytes:
        raise InvalidInputError(
            f"{file}: must hold the whole matrix, {matrix_bytes} bytes. "
            f"Received: {size - offset} bytes."
        )
    raw.seek(offset + matrix_bytes)
    return raw.read()


def _tokens(file: Path, data: bytes, count: int) -> list[str]:
    if not data:
        raise InvalidInputError(
            f"{file}: must hold {count} tokens after its matrix, a line feed after each. "
            "Received: a matrix without words, as `numpy.save` writes it; gensim keeps them in the "
            "file beside it whose name ends before `.vectors.npy`."
        )
    try:
        tokens = data.decode().split("\n")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        raise InvalidInputError(
            f"{file}: row {row}: tokens must be UTF-8. Received: byte 0x{data[error.start]:02x}."
        ) from error
    ended = tokens.pop() == ""
    if len(tokens) != count or not ended:
        more = "" if ended else " and a part of one"
        raise InvalidInputError(
            f"{file}: must hold {count} tokens after its matrix, a line feed after each. "
            f"Received: {len(tokens)}{more}."
        )
    if "" in tokens or b"\r" in data:
        row = next(i for i, token in enumerate(tokens) if not token or "\r" in token)
        fault = token_fault(tokens[row].encode())
        raise InvalidInputError(f"{file}: row {row + 1}: {fault}")
    repeated = first_repeated(tokens)
    if repeated is not None:
        again, first = repeated
        raise InvalidInputError(
            f"{file}: row {again + 1}: tokens must be distinct (row {first + 1} has this one). "
            f"Received: {tokens[again]!r}."
        )
    return tokens
