"""Digests of texts, and the texts that are the same to the character.

Each text is read and hashed once, by `exact_digests`; everything else works on the arrays of
digests.
"""

import hashlib
from collections.abc import Iterable
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

_Number = TypeVar("_Number", np.int64, np.uint64)


@runtime_checkable
class _Digested(Protocol):
    """Texts whose digests are known, such as `FileTexts`."""

    @property
    def digests(self) -> NDArray[np.uint64]: ...


def exact_digest(text: str) -> bytes:
    """Returns the 8-byte BLAKE2b digest of a text.

    Among 100 million different texts two have the same digest with a probability of 3 in 10,000.
    """
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()


def exact_digests(texts: Iterable[str]) -> NDArray[np.uint64]:
    """Returns `exact_digest` of each text as a little-endian number, `(texts,)`.

    Args:
        texts: Any Unicode. Of `FileTexts` the digests are known already: no file is read.
    """
    if isinstance(texts, _Digested):
        return texts.digests
    joined = b"".join(map(exact_digest, texts))
    return np.frombuffer(joined, "<u8").astype(np.uint64, copy=False)


def distinct(*digests: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Returns the different values of all arrays, ascending."""
    values = np.concatenate([np.zeros(0, np.uint64), *digests])
    # In place: `np.unique` takes three times the memory.
    values.sort()
    return values[are_new(values)]


def sort_by_digest(
    digests: NDArray[np.uint64],
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Puts texts with the same digest side by side.

    Args:
        digests: One for each text, `(texts,)`.

    Returns:
        The positions of the texts, `(texts,)`, ascending among the same texts; and a mask of the
        places in that order where another text begins, `(texts,)`.
    """
    order = np.argsort(digests, kind="stable")
    return order, are_new(digests[order])


def first_of_each(digests: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Returns the position of each digest's first occurrence, ascending."""
    order, first = sort_by_digest(digests)
    return np.sort(order[first])


def are_new(ascending: NDArray[Any]) -> NDArray[np.bool_]:
    """Returns a mask of the values that differ from the one before them, the first included."""
    new = np.ones(len(ascending), np.bool_)
    np.not_equal(ascending[1:], ascending[:-1], out=new[1:])
    return new


def are_in(values: NDArray[_Number], ascending: NDArray[_Number]) -> NDArray[np.bool_]:
    """Returns a mask of the values that occur in `ascending`.

    `np.isin` takes five times the memory.
    """
    if not len(ascending):
        return np.zeros(len(values), np.bool_)
    places = np.searchsorted(ascending, values)
    places[places == len(ascending)] = 0
    return ascending[places] == values
