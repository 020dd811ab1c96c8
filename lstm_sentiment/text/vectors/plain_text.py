"""Word vectors as text: word2vec's and fastText's (with a header) and GloVe's (without)."""

import codecs
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.progress import Advance
from lstm_sentiment.text.vectors.rows import (
    WIDEST_DIM,
    VectorRows,
    blocks_of,
    decoded_token,
    decoded_tokens,
    shown,
    token_fault,
)
from lstm_sentiment.text.vectors.stream import VectorStream
from lstm_sentiment.text.vectors.word_vectors import WordVectors

BLOCK_BYTES = 1 << 17
LONGEST_LINE_BYTES = 1 << 25

_PLAIN_NUMBER = b"0123456789+-.eE "


def read_text(stream: VectorStream, rows: VectorRows, *, dim: int | None) -> None:
    """Reads a row from every line: a token and its numbers, separated by single spaces.

    Args:
        stream: Before the header, if there is one.
        rows: Takes the rows.
        dim: Width of the vectors, from the header. `None` where there is no header: then it is
            that of the first row, whose token must hold no space.
    """
    number = 0
    reader = None if dim is None else _RowReader(rows, dim)
    for lines in _blocks_of_lines(stream):
        for line in lines:
            number += 1
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            line = line.rstrip(b" \r")
            if not line or (number == 1 and dim is not None):
                continue
            rows.found += 1
            if reader is None:
                width = _width(line, number, rows)
                if width is None:
                    continue
                reader = _RowReader(rows, width)
            reader.take(line, number)
            if rows.room == 0:
                return
        if reader is not None:
            reader.flush()
            if rows.room == 0:
                return


class _RowReader:
    """Reads plain rows many at once, and each that is odd with care.

    Which way a row takes changes neither its numbers nor what is refused.
    """

    def __init__(self, rows: VectorRows, dim: int) -> None:
        self._rows, self._dim = rows, dim
        self._plain: list[tuple[int, bytes, bytes]] = []

    def take(self, line: bytes, number: int) -> None:
        """Takes one line, now or at the next `flush`."""
        head, _, vector = line.partition(b" ")
        has_width = line.count(b" ") == self._dim
        if self._rows.selects and not self._is_wanted(line, head, has_width):
            return
        if has_width and not vector.translate(None, _PLAIN_NUMBER):
            self._plain.append((number, head, vector))
            if len(self._plain) == self._rows.room:
                self.flush()
            return
        self.flush()
        if self._rows.room:
            self._take_with_care(line, number)

    def flush(self) -> None:
        """Hands the plain rows on."""
        if not self._plain:
            return
        plain, self._plain = self._plain, []
        numbers, heads, vectors = zip(*plain, strict=True)
        tokens, matrix = decoded_tokens(heads), _parsed(vectors, self._dim)
        if tokens is not None and matrix is not None:
            self._rows.add(tokens, numbers, matrix)
            return
        for number, head, vector in plain:
            self._take_with_care(head + b" " + vector, number)

    def _is_wanted(self, line: bytes, head: bytes, has_width: bool) -> bool:
        """Whether the row's token may be wanted; its numbers are not looked at."""
        if self._rows.wants_bytes(head):
            return True
        return not has_width and self._rows.wants_bytes(line.rsplit(b" ", self._dim)[0])

    def _take_with_care(self, line: bytes, number: int) -> None:
        row = _row(line, self._dim)
        if isinstance(row, str):
            self._rows.refuse(number, row)
        elif self._rows.wants(row[0]):
            self._rows.add([row[0]], [number], row[1])


def is_row(line: bytes, dim: int) -> bool:
    """Whether a line holds something and then `dim` numbers."""
    fields = line.rstrip(b" \r").rsplit(b" ", dim)
    return len(fields) == dim + 1 and all(map(is_number, fields[1:]))


def is_number(field: bytes) -> bool:
    """Whether Python reads the field as a number, be it finite or not."""
    try:
        float(field)
    except ValueError:
        return False
    return True


def write_text(vectors: WordVectors, file: BinaryIO, advance: Advance) -> None:
    """Writes the header, then a row a line, each number as short as its float32 allows."""
    count = len(vectors.tokens)
    file.write(f"{count} {vectors.dim}\n".encode())
    for tokens, block in blocks_of(vectors):
        rows = zip(tokens, block.astype(str).tolist(), strict=True)
        file.write("".join(f"{token} {' '.join(row)}\n" for token, row in rows).encode())
        advance(len(tokens))


def _blocks_of_lines(stream: VectorStream) -> Iterator[list[bytes]]:
    """The lines without their line feeds, some at a time."""
    pieces: list[bytes] = []
    held = 0
    number = 1
    while block := stream.read(BLOCK_BYTES):
        cut = block.rfind(b"\n") + 1
        if cut:
            lines = b"".join([*pieces, block[:cut]]).split(b"\n")
            lines.pop()
            yield lines
            number += len(lines)
            pieces, held = [], 0
        pieces.append(block[cut:])
        held += len(block) - cut
        if held > LONGEST_LINE_BYTES:
            raise InvalidInputError(
                f"{stream.name}:{number}: a row must be at most {LONGEST_LINE_BYTES:,} bytes long. "
                "Received: a longer one."
            )
    if held:
        yield [b"".join(pieces)]


def _parsed(vectors: Sequence[bytes], dim: int) -> NDArray[np.float32] | None:
    """The numbers of many rows, or None where any of them is odd."""
    try:
        matrix = np.loadtxt(vectors, np.float32, comments=None, delimiter=" ", ndmin=2)
    except ValueError:
        return None
    return matrix if matrix.shape == (len(vectors), dim) and np.isfinite(matrix).all() else None


def _row(line: bytes, dim: int) -> tuple[str, NDArray[np.float32]] | str:
    """A line's token, which may hold spaces, and its float32 `(1, dim)`; or what is wrong."""
    head, *numbers = line.rsplit(b" ", dim)
    extra = head.rpartition(b" ")
    # A number in the token's place means a row that is too wide, not a token with spaces.
    if len(numbers) < dim or (extra[1] and is_number(extra[2])):
        return f"a row must hold a token and {dim} numbers. Received: {line.count(b' ')} numbers."
    for field in numbers:
        if not is_number(field):
            return f"vectors must be numbers. Received: {shown(field)}."
    with np.errstate(over="ignore"):
        vector = np.array([[float(field) for field in numbers]]).astype(np.float32)
    if not np.isfinite(vector).all():
        return f"vectors must be finite. Received: the vector of {shown(head)}."
    token = decoded_token(head)
    return token_fault(head) if token is None else (token, vector)


def _width(line: bytes, number: int, rows: VectorRows) -> int | None:
    """The width that the first row gives a file without header; None where it is malformed."""
    dim = line.count(b" ")
    fields = line.split(b" ", WIDEST_DIM)[1:]
    odd = next((field for field in fields if not is_number(field)), None)
    if not 1 <= dim <= WIDEST_DIM:
        rows.refuse(
            number,
            f"a row must hold a token and from 1 to {WIDEST_DIM:,} numbers. "
            f"Received: {dim} numbers.",
        )
    elif odd is not None:
        rows.refuse(number, f"vectors must be numbers. Received: {shown(odd)}.")
    else:
        return dim
    return None
