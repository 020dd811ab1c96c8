"""Texts that differ in spaces, punctuation, letter case or character width alone.

Dev and test texts must not be trained on, not even as careless copies. Each text is normalized and
hashed once, by `near_digests`; everything else works on the arrays of digests.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lstm_sentiment.progress import Advance, ignore
from lstm_sentiment.text.corpus.duplicates import are_in, distinct
from lstm_sentiment.text.corpus.file_texts import FileTexts, taken

_NOT_WRITTEN = re.compile(r"[\W_]+")
_DIGEST_BYTES = 8
_TEXTS_AT_ONCE = 1_000


def text_key(text: str) -> str:
    """Returns the letters and digits of a text, case-folded and in Unicode's form NFKC.

    Near duplicates have the same key. A text without letters and digits keeps its other characters.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _NOT_WRITTEN.sub("", folded) or folded


def near_digests(texts: Iterable[str], advance: Advance = ignore) -> NDArray[np.uint64]:
    """Returns a digest of each text that is the same for near duplicates, `(texts,)`.

    A digest is the first 8 bytes of the SHA-256 of `text_key`, as a little-endian number. Versions
    on disk keep these digests of their training texts, so the form must stay.

    Args:
        texts: Any Unicode. `FileTexts` are read in one pass over their files, and not kept.
        advance: Called with the number of texts done since the last call.
    """
    if isinstance(texts, FileTexts):
        order = texts.reading_order()
        in_files = _near_digests(texts.select(order), advance)
        digests = np.empty(len(texts), np.uint64)
        digests[order] = np.fromiter(in_files, np.uint64, len(texts))
    else:
        digests = np.fromiter(_near_digests(texts, advance), np.uint64)
    advance(len(digests) % _TEXTS_AT_ONCE)
    return digests


def positions_without(
    digests: NDArray[np.uint64], *excluded: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """Returns the positions of the texts that have no near duplicate among the excluded ones.

    Args:
        digests: `near_digests` of the texts.
        excluded: `near_digests` of other texts, in any number of parts.

    Returns:
        `(positions,)`, ascending.
    """
    return np.flatnonzero(~are_in(digests, distinct(*excluded)))


def without_texts(texts: Sequence[str], excluded: Iterable[str]) -> list[str]:
    """Returns the texts, in order, that have no near duplicate among `excluded`."""
    return list(taken(texts, positions_without(near_digests(texts), near_digests(excluded))))


def _near_digests(texts: Iterable[str], advance: Advance) -> Iterator[int]:
    for done, text in enumerate(texts, 1):
        digest = _near_digest(text)
        if done % _TEXTS_AT_ONCE == 0:
            advance(_TEXTS_AT_ONCE)
        yield digest


def _near_digest(text: str) -> int:
    key = text_key(text).encode(errors="surrogatepass")
    return int.from_bytes(hashlib.sha256(key).digest()[:_DIGEST_BYTES], "little")
