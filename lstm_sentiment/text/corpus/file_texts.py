"""Texts that stay in their files and are read on demand."""

import operator
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import SupportsIndex, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.text.corpus.file_index import FileIndex

TEXTS_AT_ONCE = 4_096
BYTES_AT_ONCE = 2**20
_Value = TypeVar("_Value", str, int)


class FileTexts(Sequence[str]):
    """A sequence of strings that stay in their files.

    In memory are the positions of the texts, 28 bytes each; iterating reads some thousands of texts
    at once. No file stays open between two reads, so a `FileTexts` can be pickled, and used after
    a fork and by several threads. The files must not change: reading a text from a file that is
    gone or has changed raises `InvalidInputError`.

    Equality compares the texts, as for a tuple, but there is no hash. Slices share the index.
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, index: FileIndex, records: NDArray[np.int64]) -> None:
        """Selects texts of an index.

        Args:
            index: Positions of the texts in their files.
            records: Number of each text in `index`, `(texts,)`.
        """
        self._index = index
        self._records = records

    @property
    def files(self) -> tuple[Path, ...]:
        """The indexed files, with or without a selected text."""
        return tuple(file.path for file in self._index.files)

    @property
    def digests(self) -> NDArray[np.uint64]:
        """`exact_digest` of each text as a little-endian number, `(texts,)`; reads no file."""
        return self._index.digests[self._records]

    def select(self, positions: Sequence[int] | NDArray[np.int64]) -> "FileTexts":
        """Returns the texts at `positions`, in that order, without reading them."""
        return FileTexts(self._index, self._records[np.asarray(positions, np.int64)])

    def reading_order(self) -> NDArray[np.int64]:
        """Returns the positions sorted by place in the files, `(texts,)`.

        Iterating over `texts.select(texts.reading_order())` takes one pass over the files, even
        if `texts` is shuffled.
        """
        return np.argsort(self._records, kind="stable")

    def in_memory(self) -> tuple[str, ...]:
        """Reads all texts in one pass over the files and returns them in order."""
        order = self.reading_order()
        texts = [""] * len(self)
        for position, text in zip(order.tolist(), self.select(order), strict=True):
            texts[position] = text
        return tuple(texts)

    def __len__(self) -> int:
        """Number of texts."""
        return len(self._records)

    @overload
    def __getitem__(self, index: SupportsIndex) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> "FileTexts": ...
    def __getitem__(self, index: SupportsIndex | slice) -> "str | FileTexts":
        """Reads one text, or returns a slice whose texts stay in their files."""
        if isinstance(index, slice):
            return FileTexts(self._index, self._records[index])
        record = self._records[operator.index(index)]
        return next(self._index.read(np.array([record])))

    def __iter__(self) -> Iterator[str]:
        """Yields the texts in order."""
        start = 0
        while start < len(self):
            part = self._records[start : start + TEXTS_AT_ONCE]
            sizes = np.cumsum(self._index.lengths[part], dtype=np.int64)
            # Fewer texts where they are long, but at least one.
            part = part[: max(1, int(np.searchsorted(sizes, BYTES_AT_ONCE, "right")))]
            yield from self._read(part)
            start += len(part)

    def __eq__(self, other: object) -> bool:
        """Compares the texts and their order with any sequence of strings."""
        if isinstance(other, FileTexts):
            return np.array_equal(self.digests, other.digests)
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(map(operator.eq, self, other))

    def __repr__(self) -> str:
        """Number of texts and files; reads no file."""
        return f"<{len(self):,} texts in {len(self._index.files):,} files>"

    def _read(self, records: NDArray[np.int64]) -> list[str]:
        if bool((np.diff(records) >= 0).all()):
            return list(self._index.read(records))
        order = np.argsort(records, kind="stable")
        texts = [""] * len(records)
        for position, text in zip(order.tolist(), self._index.read(records[order]), strict=True):
            texts[position] = text
        return texts


def taken(
    values: Sequence[_Value], positions: Sequence[int] | NDArray[np.int64]
) -> Sequence[_Value]:
    """Returns the values at `positions` as `FileTexts`, array or tuple, whichever `values` is."""
    if isinstance(values, FileTexts):
        return values.select(positions)
    if isinstance(values, array):
        taken = np.asarray(values)[np.asarray(positions, np.int64)]
        return array(values.typecode, taken.tobytes())
    return tuple(values[position] for position in positions)
