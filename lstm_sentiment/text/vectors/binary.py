"""Word vectors in word2vec's binary form.

After the header "rows dim" and a line feed come the rows: token, space, `dim` little-endian
float32. The original C program writes a line feed after each row (`word2vec.c`, read by
`distance.c`), gensim does not (`gensim/models/keyedvectors.py`).
"""

from typing import BinaryIO

import numpy as np

from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.progress import Advance
from lstm_sentiment.text.vectors.rows import (
    VectorRows,
    blocks_of,
    decoded_token,
    decoded_tokens,
    shown,
)
from lstm_sentiment.text.vectors.stream import VectorStream
from lstm_sentiment.text.vectors.word_vectors import WordVectors

BLOCK_BYTES = 1 << 17
LONGEST_TOKEN_BYTES = 1 << 16


def read_binary(stream: VectorStream, rows: VectorRows, *, promised: int, dim: int) -> None:
    """Reads all rows after the header, which gives their number (`promised`) and width (`dim`).

    Bytes after the promised rows are counted as one more row, so that the header is wrong.

    Raises:
        InvalidInputError: If a token does not end, so that rows cannot be separated.
    """
    reader = _RowReader(rows, dim)
    rest = b""
    while block := stream.read(max(BLOCK_BYTES, 4 * dim)):
        rest = reader.take(rest + block)
        if rows.room == 0:
            return
        if len(rest) > LONGEST_TOKEN_BYTES and b" " not in rest[:LONGEST_TOKEN_BYTES]:
            raise InvalidInputError(
                f"{stream.name}: row {rows.found + 1}: a token must be at most "
                f"{LONGEST_TOKEN_BYTES:,} bytes long. Received: a longer one."
            )
    rest = rest.strip(b"\n")
    if rest:
        rows.found += 1
        if rows.found <= promised:
            rows.refuse(
                rows.found,
                f"a row must hold a token, a space and {4 * dim} bytes. "
                f"Received: the file's end after {len(rest)} bytes.",
            )


class _RowReader:
    """Splits bytes into rows and converts the vectors of a block at once."""

    def __init__(self, rows: VectorRows, dim: int) -> None:
        self._rows, self._dim = rows, dim
        self._pending: list[tuple[int, bytes, memoryview]] = []

    def take(self, data: bytes) -> bytes:
        """Reads whole rows while there is space and returns the remaining bytes."""
        view, width, start = memoryview(data), 4 * self._dim, 0
        while self._rows.room:
            space = data.find(b" ", start, start + LONGEST_TOKEN_BYTES)
            stop = space + 1 + width
            if space < 0 or stop > len(data):
                break
            self._rows.found += 1
            self._take_row(data[start:space].lstrip(b"\n"), view[space + 1 : stop])
            start = stop
        self._flush()
        return data[start:]

    def _take_row(self, head: bytes, vector: memoryview) -> None:
        if self._rows.selects and not self._rows.wants_bytes(head):
            return
        self._pending.append((self._rows.found, head, vector))
        if len(self._pending) == self._rows.room:
            self._flush()

    def _flush(self) -> None:
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        numbers, heads, vectors = zip(*pending, strict=True)
        tokens = decoded_tokens(heads)
        matrix = np.frombuffer(b"".join(vectors), "<f4").reshape(-1, self._dim)
        finite = np.isfinite(matrix).all(axis=1)
        if tokens is not None and finite.all():
            self._rows.add(tokens, numbers, matrix)
            return
        # Some row is malformed: row by row, to refuse that row alone.
        for i, (number, head, _) in enumerate(pending):
            token = decoded_token(head)
            if token is None:
                self._rows.refuse_token(number, head)
            elif not finite[i]:
                fault = f"vectors must be finite. Received: the vector of {shown(head)}."
                self._rows.refuse(number, fault)
            else:
                self._rows.add([token], [number], matrix[i : i + 1])


def write_binary(vectors: WordVectors, file: BinaryIO, advance: Advance) -> None:
    """Writes rows without a line feed after each, as gensim does."""
    count = len(vectors.tokens)
    file.write(f"{count} {vectors.dim}\n".encode())
    for tokens, block in blocks_of(vectors):
        rows = zip(tokens, block.astype("<f4"), strict=True)
        file.write(b"".join(b"%b %b" % (t.encode(), row.tobytes()) for t, row in rows))
        advance(len(tokens))
