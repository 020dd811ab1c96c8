"""Collecting the rows of a file of word vectors: selection, malformed rows, memory."""

import sys
from array import array
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.encodings import encoding_of
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.first_bytes import how_to_convert
from lstm_sentiment.text.vectors.options import BadRows
from lstm_sentiment.text.vectors.word_vectors import WordVectors

WIDEST_DIM = 1_000_000

_PLACES_TOLD = 3
_NUMBERS_A_BLOCK = 1 << 16


class VectorRows:
    """Collects tokens and vectors in little more memory than the matrix itself.

    Attributes:
        tokens: Tokens kept so far, in the file's order.
        found: Number of rows seen so far, kept or not.
    """

    def __init__(
        self,
        file: Path,
        *,
        row_word: Literal["line", "row"],
        promised: int | None,
        limit: int | None,
        only: Container[str] | None,
        bad_rows: BadRows,
        sample: bytes = b"",
    ) -> None:
        """Initializes without rows; the options are those of `load_word_vectors`.

        Messages name `file` and the `row_word`; `promised` is the number of rows in the header.
        `sample` is the beginning of a text file, by which its encoding is guessed.
        """
        self.tokens: list[str] = []
        self.found = 0
        self._file, self._row_word = file, row_word
        self._before_number = ":" if row_word == "line" else ": row "
        self._promised, self._limit, self._only = promised, limit, only
        self._numbers = array("I")
        self._matrix: NDArray[np.float32] | None = None
        # `skip` must detect a repeated token at once, with a set that takes a tenth of the matrix;
        # `refuse` looks once in the end (`_check_distinct`).
        self._seen: set[str] | None = set() if bad_rows == "skip" else None
        self._skipped = self._repeated = self._not_utf8 = 0
        self._sample = sample
        self._reasons: list[str] = []
        self._notes: list[str] = []

    @property
    def room(self) -> int:
        """Number of rows that may still be added."""
        return sys.maxsize if self._limit is None else self._limit - len(self.tokens)

    @property
    def selects(self) -> bool:
        """True if only some tokens are wanted."""
        return self._only is not None

    def wants(self, token: str) -> bool:
        """Checks if the token's row is to be kept."""
        return self._only is None or token in self._only

    def wants_bytes(self, token: bytes) -> bool:
        """Checks if the row of a token in UTF-8 is to be kept; False if not UTF-8."""
        try:
            return self.wants(token.decode())
        except UnicodeDecodeError:
            self._count_not_utf8(token)
            return False

    def refuse_token(self, number: int, token: bytes) -> None:
        """Refuses the row of a token that `decoded_token` does not take, as `refuse` does.

        Raises:
            InvalidInputError: With `bad_rows="refuse"`, or if all that is known of the file shows
                that it is in another encoding.
        """
        fault = token_fault(token)
        if _is_utf8(token):
            self.refuse(number, fault)
            return
        self._count_not_utf8(token)
        hint = self._other_encoding()
        if self._seen is None and hint:
            raise InvalidInputError(f"{self._file}{self._before_number}{number}: {fault}{hint}")
        self.refuse(number, fault)

    def note(self, sentence: str) -> None:
        """Keeps a sentence about the file for `left_out`."""
        self._notes.append(sentence)

    def refuse(self, number: int, fault: str) -> None:
        """Skips a malformed row, or raises `InvalidInputError` with `bad_rows="refuse"`.

        `number` is its line or row, from 1; `fault` is the broken rule, then the value received.
        """
        if self._seen is None:
            raise InvalidInputError(
                f"{self._file}{self._before_number}{number}: {fault} "
                "(Such rows are left out with `bad_rows` set to `skip`.)"
            )
        self._skipped += 1
        if len(self._reasons) < _PLACES_TOLD:
            self._reasons.append(f"{self._row_word} {number}: {fault}")

    def add(
        self, tokens: Sequence[str], numbers: Sequence[int], vectors: NDArray[np.float32]
    ) -> None:
        """Adds up to `room` well-formed rows; `numbers` are their lines or rows, from 1."""
        if self._seen is not None:
            new = self._new(self._seen, tokens, numbers)
            if len(new) < len(tokens):
                tokens, numbers = [tokens[i] for i in new], [numbers[i] for i in new]
                vectors = vectors[new]
        start, stop = len(self.tokens), len(self.tokens) + len(tokens)
        matrix = self._with_capacity(stop, vectors.shape[1])
        matrix[start:stop] = vectors
        self.tokens.extend(tokens)
        self._numbers.extend(numbers)

    def result(self) -> tuple[tuple[str, ...], NDArray[np.float32]]:
        """Returns the tokens and the float32 `(len(tokens), dim)` matrix; may be called once.

        Raises:
            InvalidInputError: If there is no row, most rows are malformed, a token is repeated, or
                the header has another number of rows.
        """
        self._check_some()
        self._check_most()
        matrix, self._matrix = self._matrix, None
        assert matrix is not None
        matrix.resize((len(self.tokens), matrix.shape[1]), refcheck=False)
        if self.room > 0:
            self._check_promise()
        self._check_distinct()
        return tuple(self.tokens), matrix

    @property
    def left_out(self) -> str:
        """A sentence on the rows left out; empty if there are none."""
        parts = [*self._notes]
        if self._skipped:
            reasons = " ".join(self._reasons)
            more = " ..." if self._skipped > _PLACES_TOLD else ""
            rows = "row was" if self._skipped == 1 else "rows were"
            parts.append(f"{self._skipped:,} malformed {rows} left out: {reasons}{more}")
        return f"{self._file.name}: {' '.join(parts)}" if parts else ""

    def _new(self, seen: set[str], tokens: Sequence[str], numbers: Sequence[int]) -> list[int]:
        """Returns the positions of tokens that are not yet seen, and refuses the others."""
        new = []
        for i, (token, number) in enumerate(zip(tokens, numbers, strict=True)):
            if token not in seen:
                seen.add(token)
                new.append(i)
                continue
            known = ""
            if len(self._reasons) < _PLACES_TOLD:
                first = [*self.tokens, *tokens].index(token)
                known = self._known([*self._numbers, *numbers][first])
            self.refuse(number, f"tokens must be distinct{known}. Received: {token!r}.")
            self._repeated += 1
        return new

    def _known(self, number: int) -> str:
        return f" ({self._row_word} {number} has this one)"

    def _with_capacity(self, rows: int, dim: int) -> NDArray[np.float32]:
        """Returns the matrix, resized to hold at least `rows` rows.

        The matrix grows by 2 %, whatever the header promises, because `resize` takes memory at
        once. On Linux growing moves no bytes, but only if the array began small: for one of 4 MiB
        or more NumPy requests huge pages (`MADV_HUGEPAGE`), and `mremap` then fails and copies.
        """
        if self._matrix is None:
            self._matrix = np.empty((0, dim), np.float32)
        if rows > len(self._matrix):
            self._matrix.resize((rows + rows // 50, dim), refcheck=False)
        return self._matrix

    def _check_some(self) -> None:
        if self.tokens:
            return
        if self._reasons:
            raise InvalidInputError(
                f"{self._file}: must hold at least one well-formed vector. Received: none. "
                f"{self.left_out}{self._other_encoding()}"
            )
        if self._only is not None and self.found:
            error = none_wanted(self._file, self.found)
            raise InvalidInputError(f"{error}{self._other_encoding()}")
        raise InvalidInputError(f"{self._file}: must hold at least one vector. Received: none.")

    def _check_most(self) -> None:
        """Refuses a file of which `skip` leaves out most: it is not what it was taken for."""
        malformed = self._skipped - self._repeated
        if 2 * malformed > self.found:
            reasons = " ".join(self._reasons)
            raise InvalidInputError(
                f"{self._file}: most rows must be vectors. Received: {malformed:,} malformed ones "
                f"of {self.found:,}: {reasons} ...{self._other_encoding()}"
            )

    def _count_not_utf8(self, token: bytes) -> None:
        self._not_utf8 += 1
        if not self._sample:
            self._sample = token

    def _other_encoding(self) -> str:
        """Returns how to convert the file if its tokens are in another encoding of Chinese."""
        others = sum(not token.isascii() for token in self.tokens)
        if others >= self._not_utf8 or encoding_of(self._sample) == "WINDOWS-1252":
            return ""
        return f" {how_to_convert(self._sample, self._file)}"

    def _check_promise(self) -> None:
        if self._promised is None or self._promised == self.found:
            return
        if self._seen is None:
            raise InvalidInputError(
                f"{self._file}:1: the header must give the number of rows, {self.found}. "
                f"Received: {self._promised}. (It is taken with `bad_rows` set to `skip`.)"
            )
        self._notes.append(f"The header gives {self._promised} rows, there are {self.found}.")

    def _check_distinct(self) -> None:
        repeated = None if self._seen is not None else first_repeated(self.tokens)
        if repeated is not None:
            again, first = repeated
            known = self._known(self._numbers[first])
            self.refuse(
                self._numbers[again],
                f"tokens must be distinct{known}. Received: {self.tokens[again]!r}.",
            )


def blocks_of(vectors: WordVectors) -> Iterator[tuple[tuple[str, ...], NDArray[np.float32]]]:
    """Yields blocks of tokens and their `(rows, dim)` part of the matrix."""
    rows = max(1, _NUMBERS_A_BLOCK // vectors.dim)
    for start in range(0, len(vectors.tokens), rows):
        yield vectors.tokens[start : start + rows], vectors.matrix[start : start + rows]


def first_repeated(tokens: Sequence[str]) -> tuple[int, int] | None:
    """Returns the second and the first position of the first repeated token, or `None`.

    Sorted hashes take 8 bytes a token, a set of tokens about fifty.
    """
    hashes = np.fromiter(map(hash, tokens), np.int64, len(tokens))
    hashes.sort()
    suspects = set(hashes[1:][hashes[1:] == hashes[:-1]].tolist())
    seen: dict[str, int] = {}
    for i, token in enumerate(tokens if suspects else ()):
        if hash(token) in suspects and seen.setdefault(token, i) != i:
            return i, seen[token]
    return None


def none_wanted(file: Path, rows: int) -> InvalidInputError:
    """Returns the error for a file that holds none of the tokens in `only`."""
    return InvalidInputError(
        f"{file}: must hold at least one of the tokens in `only`. "
        f"Received: none of them in {rows} rows."
    )


def decoded_token(token: bytes) -> str | None:
    """Decodes a token; `None` if it breaks a rule of `Vocabulary`."""
    tokens = decoded_tokens([token])
    return None if tokens is None else tokens[0]


def decoded_tokens(tokens: Sequence[bytes]) -> list[str] | None:
    """Decodes tokens; `None` if any token breaks a rule of `Vocabulary`.

    All tokens are decoded at once and then split: strings decoded one by one keep up to a fifth of
    their memory as unused space of the decoder.
    """
    joined = b"\n".join(tokens)
    try:
        split = joined.decode().split("\n")
    except UnicodeDecodeError:
        return None
    return None if b"\r" in joined or "" in split or len(split) != len(tokens) else split


def _is_utf8(token: bytes) -> bool:
    try:
        token.decode()
    except UnicodeDecodeError:
        return False
    return True


def token_fault(token: bytes) -> str:
    """Returns the message for a token that `decoded_token` refuses."""
    rule = "be UTF-8"
    if not token:
        rule = "not be empty"
    elif b"\r" in token or b"\n" in token:
        rule = "be on one line"
    return f"tokens must {rule}. Received: {shown(token)}."


def shown(field: bytes) -> str:
    """Shortens a field for a message."""
    text = field.decode(errors="backslashreplace")
    return repr(text if len(text) <= 40 else text[:40] + "...")
