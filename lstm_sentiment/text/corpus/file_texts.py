"""Texts that stay in their files and are read when they are asked for."""

import operator
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import SupportsIndex, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.text.corpus.file_index import FileIndex

_TEXTS_AT_ONCE = 4_096
_BYTES_AT_ONCE = 2**20
_Value = TypeVar("_Value", str, int)


class FileTexts(Sequence[str]):
    """Texts that stay in their files, as a sequence of strings.

    It holds where each text lies, 28 bytes a text, and reads texts when they are asked for: in
    order, some thousands at once. No file stays open between two reads, so that it can be pickled,
    and used after a fork and by several threads. The files must stay as they are.

    Like a tuple it compares by its texts; unlike one it has no hash. Parts of it share what they
    know of the files.
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, index: FileIndex, records: NDArray[np.int64]) -> None:
        """Takes texts of an index.

        Args:
            index: Where the texts lie.
            records: Number in the index of each text, `(texts,)`.
        """
        self._index = index
        self._records = records

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that texts lie in, or lay in before parts were taken."""
        return tuple(file.path for file in self._index.files)

    @property
    def digests(self) -> NDArray[np.uint64]:
        """`exact_digest` of each text as a little-endian number, `(texts,)`; reads no file."""
        return self._index.digests[self._records]

    def select(self, positions: Sequence[int] | NDArray[np.int64]) -> "FileTexts":
        """The texts at `positions`, in that order."""
        return FileTexts(self._index, self._records[np.asarray(positions, np.int64)])

    def reading_order(self) -> NDArray[np.int64]:
        """The positions in the order in which the files are read front to back, `(texts,)`.

        Going through `texts.select(texts.reading_order())` takes one pass over the files, however
        `texts` is shuffled.
        """
        return np.argsort(self._records, kind="stable")

    def in_memory(self) -> tuple[str, ...]:
        """All texts in order, read in one pass over the files."""
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
        """One text, or those of a slice, which stay in their files.

        Raises:
            IndexError: If there is none at `index`.
            InvalidInputError: If a file is gone, or is not what it was.
        """
        if isinstance(index, slice):
            return FileTexts(self._index, self._records[index])
        record = self._records[operator.index(index)]
        return next(self._index.read(np.array([record])))

    def __iter__(self) -> Iterator[str]:
        """Gives the texts in order.

        Raises:
            InvalidInputError: If a file is gone, or is not what it was.
        """
        start = 0
        while start < len(self):
            part = self._records[start : start + _TEXTS_AT_ONCE]
            sizes = np.cumsum(self._index.lengths[part], dtype=np.int64)
            part = part[: max(1, int(np.searchsorted(sizes, _BYTES_AT_ONCE, "right")))]
            yield from self._read(part)
            start += len(part)

    def __eq__(self, other: object) -> bool:
        """Whether `other` is a sequence of the same texts in the same order."""
        if isinstance(other, FileTexts):
            return np.array_equal(self.digests, other.digests)
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(map(operator.eq, self, other))

    def __repr__(self) -> str:
        """Says how many texts there are, without reading one."""
        return f"<{len(self):,} texts in {len(self._index.files):,} files>"

    def _read(self, records: NDArray[np.int64]) -> list[str]:
        """The texts of records, in any order."""
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
    """The values at `positions`, kept as `values` are: in files, in an array or in a tuple."""
    if isinstance(values, FileTexts):
        return values.select(positions)
    if isinstance(values, array):
        taken = np.asarray(values)[np.asarray(positions, np.int64)]
        return array(values.typecode, taken.tobytes())
    return tuple(values[position] for position in positions)
