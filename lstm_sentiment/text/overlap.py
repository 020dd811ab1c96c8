"""Tells texts apart that nothing may be learned from: dev and test texts, however copied."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

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


def text_digests(texts: Iterable[str]) -> NDArray[np.uint64]:
    """The keys of texts as numbers that give nothing of the texts away.

    Args:
        texts: Any Unicode.

    Returns:
        The different ones, ascending: the first 8 bytes of SHA-256 of each key, little-endian.
    """
    keys = {text_key(text).encode(errors="surrogatepass") for text in texts}
    found = {hashlib.sha256(key).digest()[:_DIGEST_BYTES] for key in keys}
    return np.sort(np.frombuffer(b"".join(found), "<u8").astype(np.uint64))


def without_texts(texts: Sequence[str], excluded: Iterable[str]) -> list[str]:
    """The texts in order, without those that have the key of an excluded one."""
    keys = {text_key(text) for text in excluded}
    return [text for text in texts if text_key(text) not in keys]
