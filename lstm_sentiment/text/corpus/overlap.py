"""Tells texts apart that nothing may be learned from: dev and test texts, however copied."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.text.corpus.file_texts import FileTexts, taken
from lstm_sentiment.text.corpus.same_texts import are_in, are_new

_NOT_WRITTEN = re.compile(r"[\W_]+")
_DIGEST_BYTES = 8


def text_key(text: str) -> str:
    """What stays of a text when it is copied carelessly: its letters and digits.

    Two texts that differ in spaces, punctuation, letter case or the width of characters alone have
    one key. A text of nothing else is its own key.

    Args:
        text: Valid Unicode.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _NOT_WRITTEN.sub("", folded) or folded


def text_digests(*texts: Iterable[str]) -> NDArray[np.uint64]:
    """The keys of texts as numbers that give nothing of the texts away.

    Args:
        texts: Any Unicode, in any number of parts. `FileTexts` are read front to back, none of them
            kept.

    Returns:
        The different ones, ascending: the first 8 bytes of SHA-256 of each key, little-endian.
    """
    digests = _key_digests(chain.from_iterable(map(_front_to_back, texts)))
    # In place: `np.unique` takes three times the memory.
    digests.sort()
    return digests[are_new(digests)]


def without_texts(texts: Sequence[str], excluded: Iterable[str]) -> list[str]:
    """The texts in order, without those that have the key of an excluded one."""
    return list(taken(texts, positions_without(texts, excluded)))


def positions_without(texts: Sequence[str], *excluded: Iterable[str]) -> NDArray[np.int64]:
    """The positions of the texts that do not have the key of an excluded one, ascending.

    Args:
        texts: Any Unicode.
        excluded: Any Unicode, in any number of parts.
    """
    digests = text_digests(*excluded)
    if not len(digests):
        return np.arange(len(texts))
    return np.flatnonzero(~are_in(_in_order(texts), digests))


def _in_order(texts: Sequence[str]) -> NDArray[np.uint64]:
    """The digest of each text's key, `(texts,)`."""
    if not isinstance(texts, FileTexts):
        return _key_digests(texts)
    digests = np.empty(len(texts), np.uint64)
    digests[texts.reading_order()] = _key_digests(_front_to_back(texts))
    return digests


def _front_to_back(texts: Iterable[str]) -> Iterable[str]:
    return texts.select(texts.reading_order()) if isinstance(texts, FileTexts) else texts


def _key_digests(texts: Iterable[str]) -> NDArray[np.uint64]:
    return np.fromiter(map(_key_digest, texts), np.uint64)


def _key_digest(text: str) -> int:
    key = text_key(text).encode(errors="surrogatepass")
    return int.from_bytes(hashlib.sha256(key).digest()[:_DIGEST_BYTES], "little")
