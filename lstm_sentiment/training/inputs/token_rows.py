"""Token ids of many texts, in memory or in a file larger than memory."""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from lstm_sentiment.system import write_whole
from lstm_sentiment.unfinished import clear_once, unfinished_folder
from lstm_sentiment.version_folder import OOV_ID, PAD_ID

_IDS, _LENGTHS, _DIGEST = "ids.int32", "lengths.npy", "sha256.txt"
_ROWS_AT_ONCE, _VALUES_AT_ONCE = 10_000, 2**20


@dataclass(frozen=True)
class TokenRows:
    """Rows of token ids of different lengths.

    All ids lie in one array, which may be mapped from a file: a row is then read only when it is
    used, and memory holds 16 bytes a row.

    Attributes:
        flat: All ids, int32 `(tokens,)`.
        starts: Position of each row's first id in `flat`, int64 `(rows,)`.
        lengths: Ids of each row, at least 1, int64 `(rows,)`.
    """

    flat: NDArray[np.int32]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @classmethod
    def from_lists(cls, rows: Iterable[Sequence[int]]) -> "TokenRows":
        """Makes rows of lists, each with at least one id."""
        arrays = [np.asarray(row, np.int32) for row in rows]
        flat = np.concatenate(arrays) if arrays else np.zeros(0, np.int32)
        return cls.from_lengths(flat, np.array([len(row) for row in arrays], np.int64))

    @classmethod
    def from_lengths(cls, flat: NDArray[np.int32], lengths: NDArray[np.int64]) -> "TokenRows":
        """Makes rows of ids that lie one after the other in `flat`."""
        return cls(flat, np.cumsum(lengths) - lengths, lengths)

    @classmethod
    def load(cls, folder: Path) -> "TokenRows":
        """Maps rows written by `save_token_rows`, and checks their digest.

        Raises:
            OSError: If the files cannot be read.
            ValueError: If the files are damaged, or without a digest, as of an earlier release.
        """
        lengths = np.load(folder / _LENGTHS)
        size = (folder / _IDS).stat().st_size
        if lengths.ndim != 1 or size != 4 * lengths.sum():
            raise ValueError(f"{folder}: lengths and ids must agree.")
        if _digest(folder) != _stored_digest(folder):
            raise ValueError(f"{folder}: must have the digest in {_DIGEST}.")
        # An empty file cannot be mapped.
        flat = np.memmap(folder / _IDS, "<i4", mode="r") if size else np.zeros(0, np.int32)
        return cls.from_lengths(flat, lengths)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.lengths)

    def select(self, positions: NDArray[np.int64]) -> "TokenRows":
        """Returns the rows at `positions`, in that order, without copying ids."""
        return TokenRows(self.flat, self.starts[positions], self.lengths[positions])

    def joined(self, other: "TokenRows") -> "TokenRows":
        """Returns these rows and then those of another, copied into memory."""
        parts = (self, other)
        flat = np.concatenate([rows.ids_of(np.arange(len(rows))) for rows in parts])
        return TokenRows.from_lengths(flat, np.concatenate([rows.lengths for rows in parts]))

    def padded(self, positions: NDArray[np.int64]) -> NDArray[np.int32]:
        """Returns the rows at `positions` as int32 `(batch, time)`, padded on the right."""
        lengths = self.lengths[positions]
        batch = np.full((len(positions), lengths.max()), PAD_ID, np.int32)
        batch[np.arange(lengths.max()) < lengths[:, np.newaxis]] = self.ids_of(positions)
        return batch

    def ids_of(self, positions: NDArray[np.int64]) -> NDArray[np.int32]:
        """Returns the ids of the rows at `positions`, concatenated, int32 `(tokens,)`."""
        lengths = self.lengths[positions]
        ends = np.cumsum(lengths)
        first = np.repeat(self.starts[positions] - (ends - lengths), lengths)
        return self.flat[first + np.arange(len(first))]

    def blocks(self, size: int) -> Iterator[NDArray[np.int64]]:
        """Yields the positions of all rows in order, `size` at a time."""
        for start in range(0, len(self), size):
            yield np.arange(start, min(start + size, len(self)))

    def counts(self, vocabulary_size: int) -> NDArray[np.int64]:
        """Returns the number of occurrences of each id, int64 `(vocabulary_size,)`."""
        found = np.zeros(vocabulary_size, np.int64)
        for block in self.blocks(_ROWS_AT_ONCE):
            found += np.bincount(self.ids_of(block), minlength=vocabulary_size)
        return found

    @property
    def oov_rate(self) -> float:
        """Share of tokens that are not in the vocabulary, 0 to 1."""
        unknown = sum(
            int((self.ids_of(block) == OOV_ID).sum()) for block in self.blocks(_ROWS_AT_ONCE)
        )
        return unknown / int(self.lengths.sum())

    @property
    def oov_rates(self) -> NDArray[np.float64]:
        """Share of each row's tokens that are not in the vocabulary, float64 `(rows,)`."""
        rates = np.zeros(len(self))
        for block in self.blocks(_ROWS_AT_ONCE):
            unknown, lengths = self.ids_of(block) == OOV_ID, self.lengths[block]
            rates[block] = np.add.reduceat(unknown, np.cumsum(lengths) - lengths, dtype=np.int64)
        return rates / self.lengths

    def fingerprint(self) -> str:
        """Returns a SHA-256 of the ids, and of where each row lies among them."""
        digest = hashlib.sha256()
        for values, form in ((self.flat, "<i4"), (self.starts, "<i8"), (self.lengths, "<i8")):
            for start in range(0, len(values), _VALUES_AT_ONCE):
                digest.update(values[start : start + _VALUES_AT_ONCE].astype(form).tobytes())
        return digest.hexdigest()

    def to_list(self) -> list[list[int]]:
        """Returns all rows as lists."""
        return [
            self.flat[start : start + length].tolist()
            for start, length in zip(self.starts, self.lengths, strict=True)
        ]


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in (_IDS, _LENGTHS):
        with (folder / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _stored_digest(folder: Path) -> str:
    path = folder / _DIGEST
    return "" if not path.is_file() else path.read_bytes().decode("ascii", "replace").strip()


def token_rows(parts: Iterable[tf.RaggedTensor]) -> TokenRows:
    """Concatenates ragged int32 `(texts, None)`, with at least one id a text, in memory."""
    flat, lengths = [np.zeros(0, np.int32)], [np.zeros(0, np.int64)]
    for part in parts:
        flat.append(part.flat_values.numpy())
        lengths.append(part.row_lengths().numpy())
    return TokenRows.from_lengths(np.concatenate(flat), np.concatenate(lengths))


def save_token_rows(parts: Iterable[TokenRows], folder: Path) -> TokenRows:
    """Writes rows to a folder, which appears as a whole or not at all, and maps them.

    Only one of the parts is in memory at a time. A folder that exists is replaced.

    Raises:
        OSError: If the folder cannot be written.
    """
    clear_once(folder.parent)
    with unfinished_folder(folder) as beside:
        lengths = [np.zeros(0, np.int64)]
        with write_whole(beside / _IDS) as file:
            for part in parts:
                for block in part.blocks(_ROWS_AT_ONCE):
                    file.write(part.ids_of(block).astype("<i4").tobytes())
                lengths.append(part.lengths)
        with write_whole(beside / _LENGTHS) as file:
            np.save(file, np.concatenate(lengths))
        with write_whole(beside / _DIGEST) as file:
            file.write(f"{_digest(beside)}\n".encode())
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(beside, folder)
    return TokenRows.load(folder)
