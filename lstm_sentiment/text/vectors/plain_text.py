"""Word vectors as text, with a header (word2vec, fastText) or without (GloVe).

A row is a token and its numbers, separated by single spaces: a token may hold spaces and end in
one. Where the first rows separate them by tabs or by several spaces, whole runs of spaces and tabs
separate the fields of each row, and no token begins or ends in one.
"""

import codecs
import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.progress import Advance, ignore
from lstm_sentiment.text.vectors.rows import (
    WIDEST_DIM,
    VectorRows,
    blocks_of,
    decoded_token,
    decoded_tokens,
    shown,
)
from lstm_sentiment.text.vectors.stream import VectorStream
from lstm_sentiment.text.vectors.word_vectors import WordVectors

BLOCK_BYTES = 1 << 17
LONGEST_LINE_BYTES = 1 << 25

_PLAIN_NUMBER = b"0123456789+-.eE "
_ROWS_LOOKED_AT = 20
_SAMPLE_BYTES = 1 << 16
_LOOSE_ROW = re.compile(rb"[^ \t]+(?:\t[ \t]*|  [ \t]*)[-+.]?\d")
_SPARSE = re.compile(rb"\d+:[-+.\deE]+")
_DECIMAL_COMMA = re.compile(rb"[-+]?\d+,\d+")


def read_text(stream: VectorStream, rows: VectorRows, *, dim: int | None) -> None:
    """Reads a row from each line: a token and its numbers.

    Args:
        stream: Positioned before the header, if any.
        rows: Collects the rows.
        dim: Width in the header. `None`, without a header, takes the width of the first row, whose
            token must not contain a space.
    """
    number = 0
    loose = _is_loose(stream.peek(_SAMPLE_BYTES), skip=dim is not None)
    reader = None if dim is None else _RowReader(rows, dim)
    for lines in _blocks_of_lines(stream):
        for line in lines:
            number += 1
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            line = b" ".join(line.split()) if loose else line.rstrip(b" \r")
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
    """Parses blocks of plain rows with NumPy, and unusual rows one by one.

    Both ways give the same numbers and refuse the same rows.
    """

    def __init__(self, rows: VectorRows, dim: int) -> None:
        self._rows, self._dim = rows, dim
        self._plain: list[tuple[int, bytes, bytes]] = []

    def take(self, line: bytes, number: int) -> None:
        """Reads one line, now or at the next `flush`."""
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
        """Parses the pending plain rows."""
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
        """Checks if the token may be wanted, without looking at the numbers."""
        if self._rows.wants_bytes(head):
            return True
        return not has_width and self._rows.wants_bytes(line.rsplit(b" ", self._dim)[0])

    def _take_with_care(self, line: bytes, number: int) -> None:
        row = _row(line, self._dim)
        if isinstance(row, str):
            self._rows.refuse(number, row)
            return
        token = decoded_token(row[0])
        if token is None:
            self._rows.refuse_token(number, row[0])
        elif self._rows.wants(token):
            self._rows.add([token], [number], row[1])


def is_row(line: bytes, dim: int) -> bool:
    """Checks if a line ends in `dim` numbers after some token."""
    fields = line.rstrip().rsplit(None, dim)
    return len(fields) == dim + 1 and all(map(is_number, fields[1:]))


def width_of(line: bytes) -> int:
    """Returns how many numbers a line ends in, without the token that it begins with."""
    fields = line.split()[1:]
    odd = next((i for i, field in enumerate(reversed(fields)) if not is_number(field)), None)
    return len(fields) if odd is None else odd


def is_number(field: bytes) -> bool:
    """Checks if Python reads the field as a number, finite or not."""
    try:
        float(field)
    except ValueError:
        return False
    return True


def write_text(vectors: WordVectors, file: BinaryIO, advance: Advance) -> None:
    """Writes the header, then a row a line, with the shortest digits that preserve float32."""
    count = len(vectors.tokens)
    file.write(f"{count} {vectors.dim}\n".encode())
    for tokens, block in blocks_of(vectors):
        rows = zip(tokens, block.astype(str).tolist(), strict=True)
        file.write("".join(f"{token} {' '.join(row)}\n" for token, row in rows).encode())
        advance(len(tokens))


def is_read_otherwise(vectors: WordVectors) -> bool:
    """Checks if most of the first tokens look as if tabs or several spaces end them.

    From what `write_text` writes of such vectors, `read_text` would remove tabs and spaces.
    """
    some = WordVectors(vectors.tokens[:_ROWS_LOOKED_AT], vectors.matrix[:_ROWS_LOOKED_AT])
    start = BytesIO()
    write_text(some, start, ignore)
    return _is_loose(start.getvalue()[:_SAMPLE_BYTES], skip=True)


def _blocks_of_lines(stream: VectorStream) -> Iterator[list[bytes]]:
    """Yields lists of lines without their line feeds."""
    pieces: list[bytes] = []
    held = 0
    number = 1
    while block := stream.read(BLOCK_BYTES):
        cut = block.rfind(b"\n") + 1
        if cut:
            # Up to the last line feed; the rest begins the next block.
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
    """Parses the numbers of many rows; `None` if any row is unusual."""
    try:
        matrix = np.loadtxt(vectors, np.float32, comments=None, delimiter=" ", ndmin=2)
    except ValueError:
        return None
    return matrix if matrix.shape == (len(vectors), dim) and np.isfinite(matrix).all() else None


def _is_loose(start: bytes, *, skip: bool) -> bool:
    """Checks if most of the first rows have a tab or several spaces after their token.

    Args:
        start: The beginning of the file.
        skip: Whether the first line is a header.
    """
    lines = [line for line in start.split(b"\n", _ROWS_LOOKED_AT + 1)[:_ROWS_LOOKED_AT] if line]
    lines = lines[1:] if skip else lines
    return 2 * sum(_LOOSE_ROW.match(line) is not None for line in lines) > len(lines)


def _row(line: bytes, dim: int) -> tuple[bytes, NDArray[np.float32]] | str:
    """Returns a line's token and float32 `(1, dim)` vector, or the rule that the line breaks."""
    head, *numbers = line.rsplit(b" ", dim)
    if len(numbers) < dim or b"" in numbers:
        # Perhaps of one row alone the numbers have tabs or several spaces between them.
        head, *numbers = line.rsplit(None, dim) or [b""]
    extra = head.rpartition(b" ")
    # A number in the token's place means a row that is too wide, not a token with spaces.
    if len(numbers) < dim or (extra[1] and is_number(extra[2])):
        *_, last = line.split() or [b""]
        if _SPARSE.fullmatch(last):
            return _no_number(last)
        return (
            f"a row must hold a token and {dim} numbers. "
            f"Received: {max(0, len(line.split()) - 1)} numbers."
        )
    for field in numbers:
        if not is_number(field):
            return _no_number(field)
    with np.errstate(over="ignore"):
        vector = np.array([[float(field) for field in numbers]]).astype(np.float32)
    if not np.isfinite(vector).all():
        return f"vectors must be finite. Received: the vector of {shown(head)}."
    return head, vector


def _no_number(field: bytes) -> str:
    """Returns the message for a field in a number's place."""
    hint = ""
    if _SPARSE.fullmatch(field):
        hint = " Sparse vectors (INDEX:NUMBER) are not read: give dense ones, with all numbers."
    elif _DECIMAL_COMMA.fullmatch(field):
        hint = " Numbers have a decimal point: `sed 's/,/./g' FILE > NEW_FILE` writes it."
    return f"vectors must be numbers. Received: {shown(field)}.{hint}"


def _width(line: bytes, number: int, rows: VectorRows) -> int | None:
    """Returns the width of the first row of a file without header; `None` if malformed."""
    fields = line.split(None, WIDEST_DIM + 1)[1:]
    dim = len(fields)
    odd = next((field for field in fields if not is_number(field)), None)
    if not 1 <= dim <= WIDEST_DIM:
        rows.refuse(
            number,
            f"a row must hold a token and from 1 to {WIDEST_DIM:,} numbers. "
            f"Received: {dim} numbers.{_by_commas(line)}",
        )
    elif odd is not None:
        rows.refuse(number, _no_number(odd))
    else:
        return dim
    return None


def _by_commas(line: bytes) -> str:
    """Returns advice for a row whose fields have commas between them; empty for others."""
    _, *fields = line.split(b",")
    if not fields or not all(map(is_number, fields)):
        return ""
    return " Commas separate them here: `tr ',' ' ' < FILE > NEW_FILE` writes spaces."
