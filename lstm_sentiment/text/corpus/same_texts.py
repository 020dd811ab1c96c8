"""Which texts are the same, to the character: in memory by themselves, in files by digests."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.text.corpus.file_index import exact_digest
from lstm_sentiment.text.corpus.file_texts import FileTexts

_Number = TypeVar("_Number", np.int64, np.uint64)


def exact_digests(texts: Sequence[str]) -> NDArray[np.uint64]:
    """`exact_digest` of each text as a little-endian number, `(texts,)`.

    Of texts that stay in their files it is known already.
    """
    return texts.digests if isinstance(texts, FileTexts) else _digests(texts)


def sorted_by_text(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Puts same texts side by side.

    Returns:
        The positions of the texts, `(texts,)`, those of same texts together and ascending; and
        whether each is the first of its text, `(texts,)`.
    """
    keys = texts.digests if isinstance(texts, FileTexts) else _numbers(texts)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    return order, are_new(keys)


def first_of_each(texts: Sequence[str]) -> NDArray[np.int64]:
    """The positions of each text's first occurrence, ascending."""
    order, first = sorted_by_text(texts)
    return np.sort(order[first])


def are_new(ascending: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each value differs from the one before it, `(values,)`; the first one does."""
    new = np.ones(len(ascending), np.bool_)
    np.not_equal(ascending[1:], ascending[:-1], out=new[1:])
    return new


def are_among(texts: Sequence[str], others: Iterable[str]) -> NDArray[np.bool_]:
    """Whether each text is one of `others`, `(texts,)`."""
    if isinstance(texts, FileTexts) or isinstance(others, FileTexts):
        known = others.digests if isinstance(others, FileTexts) else _digests(others)
        return are_in(exact_digests(texts), np.unique(known))
    wanted = frozenset(others)
    return np.fromiter((text in wanted for text in texts), np.bool_, len(texts))


def are_in(values: NDArray[_Number], ascending: NDArray[_Number]) -> NDArray[np.bool_]:
    """Whether each value is one of others, `(values,)`; `np.isin` takes five times the memory."""
    if not len(ascending):
        return np.zeros(len(values), np.bool_)
    places = np.searchsorted(ascending, values)
    places[places == len(ascending)] = 0
    return ascending[places] == values


def _digests(texts: Iterable[str]) -> NDArray[np.uint64]:
    joined = b"".join(map(exact_digest, texts))
    return np.frombuffer(joined, "<u8").astype(np.uint64, copy=False)


def _numbers(texts: Sequence[str]) -> NDArray[np.int64]:
    """A number for each text: different ones for different texts."""
    numbers: dict[str, int] = {}
    return np.fromiter(
        (numbers.setdefault(text, len(numbers)) for text in texts), np.int64, len(texts)
    )
